// Owns the newest desire until it is taken: one that could not be is kept, and tried again by the clock.
import { type BackOff, backOffMs } from '../../../src/base/back-off.ts';
import type { Clock } from '../../../src/base/clock.ts';
import type { RandomStream } from '../../../src/base/random.ts';
import type { DesiredVersion } from './desired-version.ts';

const BACK_OFF: BackOff = { firstMs: 2000, capMs: 60_000 };

export class DesiredInbox {
  readonly #clock: Clock;
  readonly #random: RandomStream;
  #desired: DesiredVersion | null = null;
  #notBeforeMs = 0;
  #tries = 0;

  constructor({ clock, random }: { readonly clock: Clock; readonly random: RandomStream }) {
    this.#clock = clock;
    this.#random = random;
  }

  /** Due at once, whatever came before. */
  put(desired: DesiredVersion): void {
    this.#desired = desired;
    this.#notBeforeMs = 0;
    this.#tries = 0;
  }

  /** Until one is due; without end where there is none. */
  get leftMs(): number {
    if (this.#desired === null) return Number.POSITIVE_INFINITY;
    return Math.max(0, this.#notBeforeMs - this.#clock.monotonicMs());
  }

  get isEmpty(): boolean {
    return this.#desired === null;
  }

  /** The one that is due. */
  take(): DesiredVersion | null {
    if (this.leftMs > 0) return null;
    const desired = this.#desired;
    this.#desired = null;
    return desired;
  }

  /** After a try that failed; a newer one stands in its place. */
  putBack(desired: DesiredVersion): void {
    if (this.#desired !== null) return;
    this.#desired = desired;
    this.#notBeforeMs = this.#clock.monotonicMs() + backOffMs(this.#tries++, BACK_OFF, this.#random);
  }
}
