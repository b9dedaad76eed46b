// Owns the cap on a device's downloads: all of them together take no more than it.
import type { Clock } from '../../../src/base/clock.ts';

export class Throttle {
  readonly #bytesPerSecond: number;
  readonly #clock: Clock;
  /** When the bytes that were taken so far are paid for, by the monotonic clock. */
  #paidMs = 0;

  constructor(bytesPerSecond: number, clock: Clock) {
    this.#bytesPerSecond = bytesPerSecond;
    this.#clock = clock;
  }

  /** Waits until so many bytes may have come. */
  async take(bytes: number, signal: AbortSignal): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#paidMs = Math.max(this.#paidMs, nowMs) + (bytes / this.#bytesPerSecond) * 1000;
    await this.#clock.sleep(this.#paidMs - nowMs, signal);
  }
}
