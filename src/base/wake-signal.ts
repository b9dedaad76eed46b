// Owns waking a loop that waits: by a signal, or when its time is up.
import type { Clock } from './clock.ts';

/** The longest wait that timers can hold. */
const LONGEST_MS = 86_400_000;

export class WakeSignal {
  #woken = new AbortController();

  /** Ends the present wait, or the next one at once. */
  wake(): void {
    this.#woken.abort();
  }

  /** Resolves when it is woken or the time has passed. One waiter at a time. */
  async wait(clock: Clock, ms: number = LONGEST_MS): Promise<void> {
    await clock.sleep(Math.min(ms, LONGEST_MS), this.#woken.signal);
    this.#woken = new AbortController();
  }
}
