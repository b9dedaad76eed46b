// Owns who waits for the next publication: woken by it, or released when the time is up.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Gauge } from '../base/metrics.ts';

const MOST_WAIT_SECONDS = 30;
const MOST_WAITERS = 20_000;
const SWEEP_MS = 250;
/** A publication by another process is seen at the latest after this. */
const LOOK_AT_STORE_MS = 1_000;

export type Change =
  | { readonly kind: 'changed'; readonly etag: string }
  | { readonly kind: 'same' }
  /** Too many wait already. */
  | { readonly kind: 'full'; readonly retryAfterSeconds: number };

type Waiter = (change: Change) => void;

export class ChangeWaiters {
  readonly #clock: Clock;
  readonly #gauge: Gauge;
  /** When the time of each is up, by the monotonic clock. */
  readonly #waiting = new Map<Waiter, number>();
  #sequence = 0;
  #isSweeping = false;
  #isStopped = false;

  constructor(clock: Clock, gauge: Gauge) {
    this.#clock = clock;
    this.#gauge = gauge;
    gauge.set(0);
  }

  /** Answers at once when the caller's etag is not the present one, else at the next publication, or when the time is up or the caller gone. */
  wait(etag: string, waitSeconds: number, gone: AbortSignal): Promise<Change> {
    const seconds = Math.min(MOST_WAIT_SECONDS, waitSeconds);
    if (etag !== String(this.#sequence)) return Promise.resolve(this.#changed());
    if (!(seconds > 0) || this.#isStopped || gone.aborted) return Promise.resolve({ kind: 'same' });
    if (this.#waiting.size >= MOST_WAITERS) return Promise.resolve({ kind: 'full', retryAfterSeconds: 30 });
    return new Promise((resolve) => {
      this.#waiting.set(resolve, this.#clock.monotonicMs() + seconds * 1000);
      this.#gauge.set(this.#waiting.size);
      gone.addEventListener('abort', () => this.#release(resolve), { once: true });
      void this.#sweep();
    });
  }

  /** A directive was published: all who wait hear of it. Lower numbers than the present are old news. */
  publish(sequence: number): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    for (const waiter of this.#waiting.keys()) this.#release(waiter, this.#changed());
  }

  /** Publishes what other processes of the service recorded, until the signal. */
  async follow(
    store: { readPublication(): Promise<{ readonly sequence: number }> },
    logger: Logger,
    signal: AbortSignal,
  ): Promise<void> {
    for (;;) {
      await this.#clock.sleep(LOOK_AT_STORE_MS, signal);
      if (signal.aborted) return;
      try {
        this.publish((await store.readPublication()).sequence);
      } catch (error) {
        logger.warn('the publication record could not be read', { error });
      }
    }
  }

  /** Releases everyone; later ones don't wait any more. */
  stop(): void {
    this.#isStopped = true;
    for (const waiter of this.#waiting.keys()) this.#release(waiter);
  }

  #changed(): Change {
    return { kind: 'changed', etag: String(this.#sequence) };
  }

  #release(waiter: Waiter, change: Change = { kind: 'same' }): void {
    if (!this.#waiting.delete(waiter)) return;
    this.#gauge.set(this.#waiting.size);
    waiter(change);
  }

  /** One timer for all: a timer each would cost more than the waiting. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    while (this.#waiting.size > 0) {
      await this.#clock.sleep(SWEEP_MS);
      const now = this.#clock.monotonicMs();
      for (const [waiter, untilMs] of this.#waiting) if (untilMs <= now) this.#release(waiter);
    }
    this.#isSweeping = false;
  }
}
