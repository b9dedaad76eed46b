// Owns what a model does on a device in a stretch of time: its answers, errors, latencies and confidences, drawn from its rates.
import { addOutputCounts } from '../../fleet-agent/src/measure/output-sums.ts';
import type { RandomStream } from '../base/random.ts';
import { type DeclaredOutputs, declaredOutputs } from '../contract/declared-outputs.ts';
import { addSummariesByName, type Summary } from '../contract/gauges.ts';
import type { OutputCounts } from '../contract/output-counts.ts';
import { CONFIDENCE_BINS, type ErrorReason, MOST_FEATURES, type ModelInterval } from '../contract/report.ts';
import { bucketIndex, type Sketch, type SketchJson, sketchFromJson } from '../contract/sketch.ts';
import type { OutputTensor } from '../contract/types.generated.ts';
import { binomial, drawFrom, logNormalTable, normal } from './sampling.ts';

/** What a model does under given circumstances; a scenario says how the candidate's differs from stable's. */
export interface Behaviour {
  /** Share of inferences that end in an error, 0..1. */
  readonly errorRate: number;
  readonly errorReason: ErrorReason;
  readonly latencyFactor: number;
  /** Mean confidence of the answers, 0..1. */
  readonly confidence: number;
  /** Share of the answers, 0..1, that it is far less sure of: about even. */
  readonly doubted: number;
  /** Class that the model does not see any more: it answers the first one instead. */
  readonly missedClass: string | null;
  /** Against stable's. */
  readonly cpuFactor: number;
  readonly leakedBytes: number;
  /** What it is asked, after its preprocessing, against what stable is. */
  readonly inputFactor: number;
  /** Its scalars, counts and lengths, against stable's. */
  readonly outputFactor: number;
  /** Are its embeddings in another space than stable's? */
  readonly otherSpace: boolean;
  /** Does the process end, again and again? */
  readonly crashes: boolean;
  /** How often it is asked, against stable. */
  readonly askedFactor: number;
  /** Does the device send no more reports while it runs? */
  readonly silences: boolean;
}

export const STABLE_BEHAVIOUR: Behaviour = {
  errorRate: 0.001,
  errorReason: 'runtime',
  latencyFactor: 1,
  confidence: 0.86,
  doubted: 0,
  missedClass: null,
  cpuFactor: 1,
  leakedBytes: 0,
  inputFactor: 1,
  outputFactor: 1,
  otherSpace: false,
  crashes: false,
  askedFactor: 1,
  silences: false,
};

/** What a model answers: its classes with their shares of the inputs, and the confidence below which an answer is unknown. */
export interface Answers {
  /** The most common first; none for a model without classes, which reports no confidences either. */
  readonly classes: readonly (readonly [name: string, share: number])[];
  readonly rarest: string;
  readonly leastConfidence: number;
  /** Its outputs, where some of them are no classes. */
  readonly outputs?: readonly OutputTensor[];
}

const CLASS_SHARES: Answers['classes'] = [
  ['invoice', 0.46],
  ['receipt', 0.24],
  ['order', 0.12],
  ['contract', 0.08],
  ['letter', 0.05],
  ['form', 0.03],
  ['cheque', 0.01],
  ['other', 0.01],
];
export const RARE_CLASS = 'cheque';
export const LEAST_CONFIDENCE = 0.6;

/** Of a model of no one's own. */
export const USUAL_ANSWERS: Answers = {
  classes: CLASS_SHARES,
  rarest: RARE_CLASS,
  leastConfidence: LEAST_CONFIDENCE,
};

const CONFIDENCE_SPREAD = 0.12;
const DOUBTED_CONFIDENCE = 0.5;
const LATENCY_MEDIAN_MS = 40;
const LATENCY_SPREAD = 0.35;

const LATENCIES = logNormalTable(LATENCY_SPREAD);

/** Answers in the form in which they are drawn. */
export class AnswerTable {
  readonly names: readonly string[];
  readonly leastConfidence: number;
  readonly declared: DeclaredOutputs;
  /** Upper ends of the classes on the line from 0 to 1. */
  readonly #ends: Float64Array;

  constructor({ classes, leastConfidence, outputs = [] }: Answers) {
    this.declared = declaredOutputs(outputs);
    this.names = classes.map(([name]) => name);
    this.leastConfidence = leastConfidence;
    let end = 0;
    this.#ends = Float64Array.from(classes, ([, share]) => (end += share));
  }

  /** The place of the class of an input. */
  draw(random: RandomStream): number {
    const at = random.next();
    let index = 0;
    while (index < this.#ends.length - 1 && at >= (this.#ends[index] ?? 1)) index++;
    return index;
  }
}

/** What one version did on one device since the interval began. */
export class Served {
  inferences = 0;
  unknown = 0;
  errors = 0;
  readonly #reasons: Partial<Record<ErrorReason, number>> = {};
  /** Bucket of the shared sketch of each latency. */
  readonly #latencies: number[] = [];
  readonly #confidence = new Array<number>(CONFIDENCE_BINS).fill(0);
  /** In the order of the table. */
  readonly #classes: number[];
  readonly #table: AnswerTable;
  #features: Readonly<Record<string, Summary>> = {};
  #outputs: OutputCounts | undefined;

  constructor(table: AnswerTable) {
    this.#table = table;
    this.#classes = new Array<number>(table.names.length).fill(0);
  }

  /** Adds so many inferences of a model that behaves so, on a device with that latency. */
  add(inferences: number, behaviour: Behaviour, latencyFactor: number, random: RandomStream): void {
    const { errorRate, errorReason, missedClass } = behaviour;
    const bad = binomial(inferences, errorRate, random);
    this.inferences += inferences;
    this.errors += bad;
    if (bad > 0) this.#reasons[errorReason] = (this.#reasons[errorReason] ?? 0) + bad;
    const median = LATENCY_MEDIAN_MS * latencyFactor * behaviour.latencyFactor;
    const missed = missedClass === null ? -1 : this.#table.names.indexOf(missedClass);
    for (let i = bad; i < inferences; i++) this.#answer(confidenceOf(behaviour, random), median, missed, random);
  }

  #answer(mean: number, median: number, missed: number, random: RandomStream): void {
    this.#latencies.push(bucketIndex(median * drawFrom(LATENCIES, random)));
    if (this.#classes.length === 0) return;
    const confidence = Math.min(0.999, Math.max(0, mean + CONFIDENCE_SPREAD * normal(random)));
    if (confidence < this.#table.leastConfidence) this.unknown++;
    const bin = (confidence * CONFIDENCE_BINS) | 0;
    this.#confidence[bin] = (this.#confidence[bin] ?? 0) + 1;
    const seen = this.#table.draw(random);
    const answered = seen === missed ? 0 : seen;
    this.#classes[answered] = (this.#classes[answered] ?? 0) + 1;
  }

  /** Adds what the inferences were asked. */
  addInputs(features: Readonly<Record<string, Summary>>): void {
    this.#features = addSummariesByName(this.#features, features, MOST_FEATURES);
  }

  /** Adds what the answers were like, where the manifest declares it. */
  addOutputs(outputs: OutputCounts | undefined): void {
    if (outputs !== undefined)
      this.#outputs = this.#outputs === undefined ? outputs : addOutputCounts(this.#outputs, outputs);
  }

  merge(other: Served): void {
    this.inferences += other.inferences;
    this.unknown += other.unknown;
    this.errors += other.errors;
    for (const [reason, count] of Object.entries(other.#reasons) as [ErrorReason, number][]) {
      this.#reasons[reason] = (this.#reasons[reason] ?? 0) + count;
    }
    for (const bucket of other.#latencies) this.#latencies.push(bucket);
    addTo(this.#confidence, other.#confidence);
    addTo(this.#classes, other.#classes);
    this.addInputs(other.#features);
    this.addOutputs(other.#outputs);
  }

  latencySketch(): Sketch {
    return sketchFromJson(this.#latencyJson());
  }

  /** In the form of a report. */
  toInterval(): Partial<ModelInterval> &
    Pick<ModelInterval, 'inferences' | 'errors' | 'unknown' | 'latencyMs' | 'confidence' | 'classes'> {
    const { inferences, unknown } = this;
    const counted = this.#table.names.flatMap((name, i) =>
      this.#classes[i] ? [[name, this.#classes[i]] as const] : [],
    );
    const answers = { inferences, unknown, errors: { ...this.#reasons }, latencyMs: this.#latencyJson() };
    return {
      ...{ ...answers, confidence: [...this.#confidence], classes: Object.fromEntries(counted) },
      ...(inferences > 0 ? { features: this.#features } : {}),
      ...(this.#outputs === undefined ? {} : { outputs: this.#outputs }),
    };
  }

  #latencyJson(): SketchJson {
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (const bucket of this.#latencies) {
      if (bucket < least) least = bucket;
      if (bucket > most) most = bucket;
    }
    const counts = new Uint16Array(Math.max(0, most - least + 1));
    for (const bucket of this.#latencies) counts[bucket - least] = (counts[bucket - least] ?? 0) + 1;
    const buckets: (readonly [number, number])[] = [];
    counts.forEach((count, i) => {
      if (count > 0) buckets.push([least + i, count]);
    });
    return { zero: 0, buckets };
  }
}

/** The mean of the confidences that the next answer's is drawn from. */
function confidenceOf({ confidence, doubted }: Behaviour, random: RandomStream): number {
  return doubted > 0 && random.next() < doubted ? DOUBTED_CONFIDENCE : confidence;
}

function addTo(sums: number[], counts: readonly number[]): void {
  counts.forEach((count, i) => {
    sums[i] = (sums[i] ?? 0) + count;
  });
}
