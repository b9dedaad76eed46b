// Owns counting what each running version did in the present interval, apart by rollout, revision, arm and slot.
import { addCounters, type ModelInterval } from '../../../src/contract/report.ts';
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
  /** The counters of each model's application, at 0: once told of, all that serves has them. */
  readonly #counters = new Map<string, Readonly<Record<string, number>>>();

  record(attribution: Attribution, measured: Measured): void {
    this.#tallyOf(attribution).addMeasured(measured);
  }

  observe(attribution: Attribution, observation: Observation): void {
    this.#tallyOf(attribution).addObservation(observation);
  }

  /** Counts events of the application; those of counters for which there is no room are left out. */
  count(attribution: Attribution, events: Readonly<Record<string, number>>): number {
    const { model } = attribution;
    const names = Object.keys(events).map((name) => [name, 0] as const);
    const known = addCounters(this.#counters.get(model) ?? {}, Object.fromEntries(names));
    this.#counters.set(model, known);
    const kept = Object.entries(events).filter(([name]) => Object.hasOwn(known, name));
    this.observe(attribution, { kind: 'counted', events: Object.fromEntries(kept) });
    return kept.length;
  }

  /** From now on the model is served so, or by nothing. `nowMs` is monotonic. */
  serve(model: string, attribution: Attribution | null, nowMs: number): void {
    const span = this.#spans.get(model);
    if (span !== undefined)
      this.#tallyOf(span.attribution).addServed(nowMs - span.sinceMs, this.#counters.get(model) ?? {});
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
