// Owns answering requests by the version that serves now: a swap changes one reference, and the old version ends its work first.
import { randomUUID } from 'node:crypto';
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import type { Parameters } from '../../../src/contract/directive.ts';
import type { OutputCounts } from '../../../src/contract/output-counts.ts';
import { errorReasonOf } from '../../../src/contract/report.ts';
import { checkTexts, countFeedback, type FeedbackItem, type FeedbackTally } from '../measure/feedback.ts';
import { summarizeInputs } from '../measure/input-summaries.ts';
import type { Attribution, Measured } from '../measure/interval-tally.ts';
import type { Measurements } from '../measure/measurements.ts';
import { summarizeOutputs } from '../measure/output-sums.ts';
import { type FeedbackKind, RecentAnswers } from '../measure/recent-answers.ts';
import { addToCounts, noCounts, type ServedCounts } from '../measure/served-counts.ts';
import { type LoadedModel, type ModelError, toModelError } from '../model/model-host.ts';
import { checkInputs, judgeOutputs, type ModelSignature, rowsOf } from '../model/model-signature.ts';
import { shapeError, type Tensor } from '../model/tensor.ts';
import type { SlotName } from '../record/model-record.ts';

/** A version loaded from a slot, able to answer. */
export interface Instance {
  readonly slot: SlotName;
  readonly digest: Digest;
  readonly version: string;
  readonly signature: ModelSignature;
  readonly loaded: LoadedModel;
  /** Parameters as the manifest has them. */
  readonly defaults: Parameters;
}

export interface InferOptions {
  /** Feedback names the answer by it; a new one unless given. */
  readonly id?: string | undefined;
  /** Outputs that are wanted; all unless given. */
  readonly outputs?: readonly string[] | undefined;
  /** Makes room for the answer before it counts as one. Throws INFER_BUSY where there is none: then nothing is counted. */
  readonly hold?: ((answer: readonly Tensor[]) => void) | undefined;
}

export interface InferenceAnswer {
  /** Feedback names it; the caller's own, or a new one. */
  readonly id: string;
  readonly modelName: string;
  readonly modelVersion: string;
  readonly digest: Digest;
  readonly outputs: readonly Tensor[];
}

/** How many names were counted; the others found no room. */
export interface CountsTally {
  readonly taken: number;
  readonly left_out: number;
}

/** Rollout, revision and arm under which the model runs now, by the last accepted directive. */
export interface Assigned {
  readonly rollout: string | null;
  readonly revision: number | null;
  readonly arm: 'candidate' | 'stable' | null;
}

export const UNASSIGNED: Assigned = { rollout: null, revision: null, arm: null };

/** Requests that may wait for a model's answer at once; more are turned away rather than piled up. */
const MOST_IN_FLIGHT = 1024;

export class ModelServer {
  readonly model: string;
  readonly #clock: Clock;
  readonly #measurements: Measurements;
  readonly #inFlight = new Map<Instance, number>();
  readonly #drained = new Map<Instance, () => void>();
  #instance: Instance | null = null;
  readonly #recent = new RecentAnswers();
  #assigned: Assigned = UNASSIGNED;
  #counts: ServedCounts = noCounts();

  constructor(model: string, clock: Clock, measurements: Measurements) {
    this.model = model;
    this.#clock = clock;
    this.#measurements = measurements;
  }

  get instance(): Instance | null {
    return this.#instance;
  }

  get counts(): ServedCounts {
    return this.#counts;
  }

  get assigned(): Assigned {
    return this.#assigned;
  }

  /** Intervals count under this from now on; requests in flight count under the assignment when they end. */
  assign(assigned: Assigned): void {
    this.#assigned = assigned;
    this.#noteServing();
  }

  /** New requests go to this instance, or are refused. The one before may still be answering. */
  swap(next: Instance | null): void {
    this.#instance = next;
    this.#counts = noCounts();
    this.#noteServing();
  }

  /** Resolves when nothing waits for this instance any more. It must not be the one that serves. */
  async drain(instance: Instance): Promise<void> {
    if ((this.#inFlight.get(instance) ?? 0) === 0) return;
    await new Promise<void>((resolve) => {
      this.#drained.set(instance, resolve);
    });
  }

  /** Counts feedback on earlier answers to the versions that gave them. */
  takeFeedback(items: readonly FeedbackItem[], kind: FeedbackKind): FeedbackTally {
    if (kind === 'texts') checkTexts(items, this.#instance?.signature.declared.text ?? null);
    return countFeedback(items, kind, { recent: this.#recent, measurements: this.#measurements });
  }

  /**
   * Counts what the application tells of the version that serves: inferences of its own that failed, which are no part of a trial, or events.
   * Throws INFER_NO_MODEL.
   */
  takeCounts(kind: 'errors' | 'counters', counts: Readonly<Record<string, number>>): CountsTally {
    if (this.#instance === null) throw noModel(this.model);
    const attribution = this.#attributionOf(this.#instance);
    const all = Object.entries(counts);
    if (kind === 'counters') {
      const taken = this.#measurements.count(attribution, counts);
      return { taken, left_out: all.length - taken };
    }
    for (const [name, rows] of all)
      this.#measurements.record(attribution, { kind: 'failed', rows, reason: errorReasonOf(name) });
    return { taken: all.length, left_out: 0 };
  }

  /** A request for this model was refused: it says nothing of the version. */
  noteRejected(): void {
    if (this.#instance !== null) this.#count(this.#instance, { kind: 'rejected', rows: 0 });
  }

  /**
   * Answers by the version that serves when it is called. Throws INFER_NO_MODEL, INFER_BUSY, a ModelError for what the model did, or another
   * CodedError for a request that is refused.
   */
  async infer(
    inputs: readonly Tensor[],
    { id = randomUUID(), outputs, hold }: InferOptions = {},
  ): Promise<InferenceAnswer> {
    const instance = this.#instance;
    if (instance === null) throw noModel(this.model);
    const waiting = this.#inFlight.get(instance) ?? 0;
    if (waiting >= MOST_IN_FLIGHT) throw tooBusy(this.model);
    this.#inFlight.set(instance, waiting + 1);
    const startMs = this.#clock.monotonicMs();
    let answered: readonly Tensor[] = [];
    try {
      const checked = checkInputs(instance.signature, inputs);
      checkAsked(instance.signature, outputs);
      answered = await instance.loaded.run(checked);
      const judgements = judgeOutputs(instance.signature, answered);
      const rows = judgements.length || rowsOf(instance.signature, inputs);
      hold?.(answered);
      this.#count(instance, {
        kind: 'answered',
        rows,
        latencyMs: this.#clock.monotonicMs() - startMs,
        judgements,
        unknown: judgements.filter(({ confidence }) => confidence < instance.signature.confidenceLeast).length,
        features: summarizeInputs(checked),
        outputs: outputsOf(instance, answered, rows),
      });
      const classes = judgements.map(({ className }) => className);
      this.#recent.remember(id, this.#attributionOf(instance), classes);
      const wanted = answered.filter(({ name }) => outputs?.includes(name) ?? true);
      return { id, modelName: this.model, modelVersion: instance.version, digest: instance.digest, outputs: wanted };
    } catch (error) {
      if (error instanceof CodedError) {
        if (error.kind === 'fix-input') this.#count(instance, { kind: 'rejected', rows: 0 });
        throw error;
      }
      const failure = toModelError(error, 'runtime');
      const rows = rowsOf(instance.signature, inputs);
      const outputs = failure.reason === 'bad-value' ? outputsOf(instance, answered, rows) : undefined;
      this.#count(instance, { kind: 'failed', rows, reason: failure.reason, outputs }, failure);
      throw failure;
    } finally {
      this.#leave(instance);
    }
  }

  #attributionOf({ slot, digest, version }: Instance): Attribution {
    return { model: this.model, ...this.#assigned, slot, digest, version };
  }

  #noteServing(): void {
    const attribution = this.#instance === null ? null : this.#attributionOf(this.#instance);
    this.#measurements.serve(this.model, attribution, this.#clock.monotonicMs());
  }

  #count(instance: Instance, measured: Measured, failure: ModelError | null = null): void {
    this.#measurements.record(this.#attributionOf(instance), measured);
    if (instance !== this.#instance) return;
    this.#counts = addToCounts(this.#counts, measured, failure);
  }

  #leave(instance: Instance): void {
    const left = (this.#inFlight.get(instance) ?? 1) - 1;
    if (left > 0) {
      this.#inFlight.set(instance, left);
      return;
    }
    this.#inFlight.delete(instance);
    this.#drained.get(instance)?.();
    this.#drained.delete(instance);
  }
}

function outputsOf({ signature }: Instance, outputs: readonly Tensor[], rows: number): OutputCounts | undefined {
  return summarizeOutputs(signature.declared, { outputs, rows, least: signature.confidenceLeast });
}

function checkAsked({ outputs }: ModelSignature, asked: readonly string[] = []): void {
  const unknown = asked.find((name) => !outputs.some((port) => port.name === name));
  if (unknown !== undefined) throw shapeError(`the model has no output "${unknown}"`);
}

export function noModel(model: string): CodedError {
  return new CodedError({
    code: 'INFER_NO_MODEL',
    kind: 'retry-later',
    message: `No version of "${model}" serves on this device.`,
    remedy: 'See `slipway-agent status`: the model may still be downloading, or no rollout targets this device.',
  });
}

function tooBusy(model: string): CodedError {
  return new CodedError({
    code: 'INFER_BUSY',
    kind: 'retry-later',
    message: `${MOST_IN_FLIGHT} requests are already waiting for "${model}".`,
    remedy: 'Send fewer requests at once.',
  });
}
