// Owns the counts of one running version in the present interval, and their form in a report.
import { assertNever } from '../../../src/base/errors.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import { addSummaries, addToSummaries, type Summary, summaryOf } from '../../../src/contract/gauges.ts';
import type { OutputCounts } from '../../../src/contract/output-counts.ts';
import {
  addCounters,
  CONFIDENCE_BINS,
  type ErrorReason,
  type LabelCounts,
  MOST_CLASSES,
  MOST_FEATURES,
  type ModelInterval,
  REST_CLASS,
  type TransferResult,
  type TransferStep,
} from '../../../src/contract/report.ts';
import { boundedSum, MOST_COUNT } from '../../../src/contract/report-reader.ts';
import { addToSketch, emptySketch, sketchToJson } from '../../../src/contract/sketch.ts';
import type { Judgement } from '../model/model-signature.ts';
import { addOutputCounts } from './output-sums.ts';

/** Everything that an interval never mixes: rollout, revision, arm, slot and version. */
export interface Attribution {
  readonly model: string;
  readonly rollout: string | null;
  readonly revision: number | null;
  readonly arm: 'candidate' | 'stable' | null;
  readonly slot: 'A' | 'B';
  readonly digest: Digest;
  readonly version: string;
}

/** One request that ended; `rows` are counted, so that a batch weighs what its rows do. */
export type Measured =
  | {
      readonly kind: 'answered';
      readonly rows: number;
      readonly latencyMs: number;
      readonly judgements: readonly Judgement[];
      readonly unknown: number;
      readonly features?: ReadonlyMap<string, Summary>;
      readonly outputs?: OutputCounts | undefined;
    }
  /** `outputs`: of an answer that could not be passed on. */
  | {
      readonly kind: 'failed';
      readonly rows: number;
      readonly reason: ErrorReason;
      readonly outputs?: OutputCounts | undefined;
    }
  /** The agent refused the request: no inference. */
  | { readonly kind: 'rejected'; readonly rows: 0 };

/** Other events that count to a version. */
export type Observation =
  | { readonly kind: 'loaded'; readonly ms: number }
  | { readonly kind: 'labelled'; readonly predicted: string; readonly actual: string }
  | { readonly kind: 'complaint' }
  | { readonly kind: 'anomaly' }
  /** Events that the application counts. */
  | { readonly kind: 'counted'; readonly events: Readonly<Record<string, number>> }
  /** A text, of which the application tells. */
  | { readonly kind: 'text'; readonly outputs: OutputCounts }
  | { readonly kind: 'transfer'; readonly step: TransferStep; readonly result: TransferResult };

export class IntervalTally {
  readonly #attribution: Attribution;
  readonly #errors = new Map<ErrorReason, number>();
  readonly #latency = emptySketch();
  readonly #confidence = Array.from({ length: CONFIDENCE_BINS }, () => 0);
  readonly #classes = new Map<string, number>();
  readonly #features = new Map<string, Summary>();
  readonly #labels = new Map<string, LabelCounts>();
  #counters: Record<string, number> = {};
  readonly #transfers = new Map<TransferStep, Map<TransferResult, number>>();
  #inferences = 0;
  #unknown = 0;
  #rejected = 0;
  #userReports = 0;
  #anomalies = 0;
  #servedMs = 0;
  #loadMs: Summary | undefined;
  #outputs: OutputCounts | undefined;
  #isEmpty = true;

  constructor(attribution: Attribution) {
    this.#attribution = attribution;
  }

  get isEmpty(): boolean {
    return this.#isEmpty;
  }

  /** Serving counts without a request, too: the device's gauges belong to this version then, and counters of which no event came. */
  addServed(ms: number, counters: Readonly<Record<string, number>>): void {
    if (ms <= 0) return;
    this.#isEmpty = false;
    this.#servedMs += ms;
    this.#counters = addCounters(this.#counters, counters);
  }

  /** Once it holds as many inferences as a report may tell, it takes no more: their parts have to add up to them. */
  addMeasured(measured: Measured): void {
    this.#isEmpty = false;
    if (this.#inferences + measured.rows > MOST_COUNT) return;
    this.#inferences += measured.rows;
    if (measured.kind === 'rejected') {
      this.#rejected = boundedSum(this.#rejected, 1);
      return;
    }
    if (measured.outputs !== undefined) this.#addOutputs(measured.outputs);
    if (measured.kind === 'failed') {
      addTo(this.#errors, measured.reason, measured.rows);
      return;
    }
    addToSketch(this.#latency, measured.latencyMs, measured.rows);
    this.#unknown += measured.unknown;
    for (const { className, confidence } of measured.judgements) {
      const bin = Math.min(CONFIDENCE_BINS - 1, Math.floor(confidence * CONFIDENCE_BINS));
      this.#confidence[bin] = (this.#confidence[bin] ?? 0) + 1;
      addTo(this.#classes, nameWithin(this.#classes, className), 1);
    }
    for (const [name, summary] of measured.features ?? []) addToSummaries(this.#features, name, summary, MOST_FEATURES);
  }

  addObservation(observation: Observation): void {
    this.#isEmpty = false;
    switch (observation.kind) {
      case 'loaded': {
        const load = summaryOf(observation.ms);
        this.#loadMs = this.#loadMs === undefined ? load : addSummaries(this.#loadMs, load);
        return;
      }
      case 'labelled':
        this.#addLabel(observation.predicted, observation.actual);
        return;
      case 'complaint':
        this.#userReports = boundedSum(this.#userReports, 1);
        return;
      case 'anomaly':
        this.#anomalies = boundedSum(this.#anomalies, 1);
        return;
      case 'counted':
        this.#counters = addCounters(this.#counters, observation.events);
        return;
      case 'text':
        this.#addOutputs(observation.outputs);
        return;
      case 'transfer': {
        const results = this.#transfers.get(observation.step) ?? new Map<TransferResult, number>();
        this.#transfers.set(observation.step, results);
        addTo(results, observation.result, 1);
        return;
      }
      default:
        assertNever(observation);
    }
  }

  toInterval(): ModelInterval {
    const { model, rollout, revision, arm, digest, version } = this.#attribution;
    const servedMs = Math.round(this.#servedMs);
    const transfers = [...this.#transfers].map(([step, results]) => [step, Object.fromEntries(results)] as const);
    return {
      ...{ model, rollout, revision, arm, digest, version },
      inferences: this.#inferences,
      errors: Object.fromEntries(this.#errors),
      unknown: this.#unknown,
      latencyMs: sketchToJson(this.#latency),
      confidence: this.#confidence,
      classes: Object.fromEntries(this.#classes),
      ...(servedMs > 0 ? { servedMs } : {}),
      ...(this.#loadMs === undefined ? {} : { loadMs: this.#loadMs }),
      ...(this.#features.size > 0 ? { features: Object.fromEntries(this.#features) } : {}),
      ...(this.#labels.size > 0 ? { labels: Object.fromEntries(this.#labels) } : {}),
      ...(this.#rejected > 0 ? { rejected: this.#rejected } : {}),
      ...(this.#userReports > 0 ? { userReports: this.#userReports } : {}),
      ...(this.#anomalies > 0 ? { anomalies: this.#anomalies } : {}),
      ...(Object.keys(this.#counters).length > 0 ? { counters: this.#counters } : {}),
      ...(transfers.length > 0 ? { transfers: Object.fromEntries(transfers) } : {}),
      ...(this.#outputs === undefined ? {} : { outputs: this.#outputs }),
    };
  }

  #addOutputs(outputs: OutputCounts): void {
    this.#outputs = this.#outputs === undefined ? outputs : addOutputCounts(this.#outputs, outputs);
  }

  #addLabel(predicted: string, actual: string): void {
    const isCorrect = predicted === actual ? 1 : 0;
    this.#countLabel(predicted, { predicted: 1, actual: isCorrect, correct: isCorrect });
    if (isCorrect === 0) this.#countLabel(actual, { predicted: 0, actual: 1, correct: 0 });
  }

  #countLabel(className: string, more: LabelCounts): void {
    const name = nameWithin(this.#labels, className);
    this.#labels.set(name, addLabelCounts(this.#labels.get(name), more));
  }
}

export function addLabelCounts(a: LabelCounts | undefined, b: LabelCounts): LabelCounts {
  if (a === undefined) return b;
  return {
    predicted: boundedSum(a.predicted, b.predicted),
    actual: boundedSum(a.actual, b.actual),
    correct: boundedSum(a.correct, b.correct),
  };
}

/** The class's own name, or the rest's once there are as many as a report holds. */
function nameWithin(counted: ReadonlyMap<string, unknown>, className: string): string {
  return counted.has(className) || counted.size < MOST_CLASSES - 1 ? className : REST_CLASS;
}

function addTo<K>(counts: Map<K, number>, key: K, more: number): void {
  counts.set(key, boundedSum(counts.get(key) ?? 0, more));
}
