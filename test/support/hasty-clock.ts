// A clock whose long waits are over at once: waits between tries take no time, and what a test really waits for is real.
import { SystemClock } from '../../src/base/clock.ts';

export class HastyClock extends SystemClock {
  /** The waits that were cut short. */
  readonly waitsMs: number[] = [];
  readonly #longestMs: number;

  constructor(longestMs = 400) {
    super();
    this.#longestMs = longestMs;
  }

  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms <= this.#longestMs) return super.sleep(ms, signal);
    this.waitsMs.push(ms);
    return super.sleep(1, signal);
  }
}
