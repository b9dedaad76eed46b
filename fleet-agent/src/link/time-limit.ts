// Owns a limit in time for one piece of work: aborts it when the time is up or the caller stops, and says which it was.
import type { Clock } from '../../../src/base/clock.ts';

export class TimeLimit implements Disposable {
  readonly #work = new AbortController();
  readonly #done = new AbortController();
  readonly #clock: Clock;
  readonly #ms: number;
  #sinceMs: number;
  #spentMs = 0;
  #isOver = false;

  constructor({ clock, ms, stop }: { readonly clock: Clock; readonly ms: number; readonly stop?: AbortSignal }) {
    this.#clock = clock;
    this.#ms = ms;
    this.#sinceMs = clock.monotonicMs();
    stop?.addEventListener('abort', () => this.#work.abort(), { once: true, signal: this.#done.signal });
    if (stop?.aborted) this.#work.abort();
    void this.#watch();
  }

  get signal(): AbortSignal {
    return this.#work.signal;
  }

  /** Did the work take too long? False when the caller stopped it. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Starts the time again, when the other side was heard. */
  restart(): void {
    this.#sinceMs = this.#clock.monotonicMs();
  }

  /** Time stands still until `resume`: the caller itself makes the other side wait. */
  pause(): void {
    this.#spentMs = this.#clock.monotonicMs() - this.#sinceMs;
    this.#sinceMs = Number.POSITIVE_INFINITY;
  }

  resume(): void {
    this.#sinceMs = this.#clock.monotonicMs() - this.#spentMs;
  }

  [Symbol.dispose](): void {
    this.#done.abort();
  }

  async #watch(): Promise<void> {
    for (;;) {
      const leftMs = this.#sinceMs + this.#ms - this.#clock.monotonicMs();
      if (leftMs <= 0) break;
      await this.#clock.sleep(Math.min(leftMs, this.#ms), this.#done.signal);
      if (this.#done.signal.aborted) return;
    }
    this.#isOver = true;
    this.#work.abort();
  }
}
