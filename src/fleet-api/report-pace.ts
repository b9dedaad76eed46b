// Owns how many reports come a second, over the last minute.
import type { Clock } from '../base/clock.ts';

const SLOT_MS = 5_000;
const SLOTS = 12;

export class ReportPace {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #startedMs: number;
  /** Reports by the number of their slot of time; only the last ones are kept. */
  readonly #counts = new Map<number, number>();

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
    this.#startedMs = clock.monotonicMs();
  }

  note(reports: number): void {
    const slot = this.#slot();
    this.#counts.set(slot, (this.#counts.get(slot) ?? 0) + reports);
    this.#forget(slot);
  }

  /** Null in the first seconds, when nothing can be said yet. */
  perSecond(): number | null {
    const slot = this.#slot();
    this.#forget(slot);
    // The present slot is not full: it counts with the part of it that has passed.
    const passedMs = this.#clock.monotonicMs() - this.#startedMs;
    if (passedMs < SLOT_MS) return null;
    const seenMs = Math.min(passedMs, (SLOTS - 1) * SLOT_MS + (passedMs - slot * SLOT_MS));
    return ([...this.#counts.values()].reduce((sum, one) => sum + one, 0) * 1_000) / seenMs;
  }

  #slot(): number {
    return Math.floor((this.#clock.monotonicMs() - this.#startedMs) / SLOT_MS);
  }

  #forget(slot: number): void {
    for (const one of this.#counts.keys()) if (one <= slot - SLOTS) this.#counts.delete(one);
  }
}
