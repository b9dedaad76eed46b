// Owns counting: what each running version did in the present interval, ready for a report.
import type { Digest } from '../../src/contract/digest.ts';
import {
  CONFIDENCE_BINS,
  type ErrorReason,
  MOST_CLASSES,
  type ModelInterval,
  REST_CLASS,
} from '../../src/contract/report.ts';
import { addToSketch, emptySketch, type Sketch, sketchToJson } from '../../src/contract/sketch.ts';
import type { Judgement } from './model-signature.ts';

/** Under what a version ran: an interval never mixes two of these. */
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
    }
  | { readonly kind: 'failed'; readonly rows: number; readonly reason: ErrorReason };

interface Tally {
  readonly attribution: Attribution;
  inferences: number;
  unknown: number;
  readonly errors: Map<ErrorReason, number>;
  readonly latency: Sketch;
  readonly confidence: number[];
  readonly classes: Map<string, number>;
}

/** Counts of the present interval, apart by attribution: what ends late is still counted to the version that answered. */
export class Measurements {
  readonly #tallies = new Map<string, Tally>();

  record(attribution: Attribution, measured: Measured): void {
    const tally = this.#tallyOf(attribution);
    tally.inferences += measured.rows;
    if (measured.kind === 'failed') {
      tally.errors.set(measured.reason, (tally.errors.get(measured.reason) ?? 0) + measured.rows);
      return;
    }
    addToSketch(tally.latency, measured.latencyMs, measured.rows);
    tally.unknown += measured.unknown;
    for (const { className, confidence } of measured.judgements) {
      const bin = Math.min(CONFIDENCE_BINS - 1, Math.floor(confidence * CONFIDENCE_BINS));
      tally.confidence[bin] = (tally.confidence[bin] ?? 0) + 1;
      const known = tally.classes.has(className) || tally.classes.size < MOST_CLASSES - 1;
      const name = known ? className : REST_CLASS;
      tally.classes.set(name, (tally.classes.get(name) ?? 0) + 1);
    }
  }

  /** The intervals since the last call that hold anything; counting starts anew. */
  take(): ModelInterval[] {
    const intervals = [...this.#tallies.values()].map(toInterval);
    this.#tallies.clear();
    return intervals;
  }

  #tallyOf(attribution: Attribution): Tally {
    const { model, rollout, revision, arm, slot, digest } = attribution;
    const key = JSON.stringify([model, rollout, revision, arm, slot, digest]);
    const known = this.#tallies.get(key);
    if (known !== undefined) return known;
    const tally: Tally = {
      attribution,
      inferences: 0,
      unknown: 0,
      errors: new Map(),
      latency: emptySketch(),
      confidence: Array.from({ length: CONFIDENCE_BINS }, () => 0),
      classes: new Map(),
    };
    this.#tallies.set(key, tally);
    return tally;
  }
}

function toInterval(tally: Tally): ModelInterval {
  const { model, rollout, revision, arm, digest, version } = tally.attribution;
  return {
    ...{ model, rollout, revision, arm, digest, version },
    inferences: tally.inferences,
    errors: Object.fromEntries(tally.errors),
    unknown: tally.unknown,
    latencyMs: sketchToJson(tally.latency),
    confidence: tally.confidence,
    classes: Object.fromEntries(tally.classes),
  };
}
