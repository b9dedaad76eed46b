// Owns waking a loop that rests: rung by arrivals, or by time.
import type { Clock } from './clock.ts';

/** Longest rest that timers can hold. */
const LONGEST_MS = 86_400_000;

export class Bell {
  #rung = new AbortController();

  /** Ends the present wait, or the next one at once. */
  ring(): void {
    this.#rung.abort();
  }

  /** Resolves when the bell rings or the time has passed. One waiter at a time. */
  async wait(clock: Clock, ms: number = LONGEST_MS): Promise<void> {
    await clock.sleep(Math.min(ms, LONGEST_MS), this.#rung.signal);
    this.#rung = new AbortController();
  }
}

/** Lets one task at a time through, in order of arrival. */
export class Turnstile {
  #last: Promise<unknown> = Promise.resolve();

  async pass<T>(task: () => Promise<T>): Promise<T> {
    const mine = this.#last.then(task, task);
    this.#last = mine.catch(() => undefined);
    return mine;
  }
}
