// Owns counting what each running version did in the present interval, apart by rollout, revision, arm and slot.
import type { ModelInterval } from '../../../src/contract/report.ts';
import { type Attribution, IntervalTally, type Measured, type Observation } from './interval-tally.ts';

interface Span {
  readonly attribution: Attribution;
  readonly sinceMs: number;
}

/** What ends late is still counted to the version that answered. */
export class Measurements {
  readonly #tallies = new Map<string, IntervalTally>();
  /** What serves now, by model. */
  readonly #spans = new Map<string, Span>();

  record(attribution: Attribution, measured: Measured): void {
    this.#tallyOf(attribution).addMeasured(measured);
  }

  observe(attribution: Attribution, observation: Observation): void {
    this.#tallyOf(attribution).addObservation(observation);
  }

  /** From now on the model is served so, or by nothing. `nowMs` is monotonic. */
  serve(model: string, attribution: Attribution | null, nowMs: number): void {
    const span = this.#spans.get(model);
    if (span !== undefined) this.#tallyOf(span.attribution).addServed(nowMs - span.sinceMs);
    if (attribution === null) this.#spans.delete(model);
    else this.#spans.set(model, { attribution, sinceMs: nowMs });
  }

  /** The intervals since the last call that hold anything; counting starts anew. */
  take(nowMs: number): ModelInterval[] {
    for (const [model, { attribution }] of this.#spans) this.serve(model, attribution, nowMs);
    const intervals = [...this.#tallies.values()].filter((tally) => !tally.isEmpty).map((tally) => tally.toInterval());
    this.#tallies.clear();
    return intervals;
  }

  #tallyOf(attribution: Attribution): IntervalTally {
    const { model, rollout, revision, arm, slot, digest } = attribution;
    const key = JSON.stringify([model, rollout, revision, arm, slot, digest]);
    const tally = this.#tallies.get(key) ?? new IntervalTally(attribution);
    this.#tallies.set(key, tally);
    return tally;
  }
}
