// Owns who waits for the next publication: woken by it, or released when the time is up.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Gauge } from '../base/metrics.ts';
import { addressLimits } from './rate-limit.ts';

const MOST_WAIT_SECONDS = 30;
const MOST_WAITERS = 20_000;
const SWEEP_MS = 250;
/** A publication by another process is seen at the latest after this. */
const LOOK_AT_STORE_MS = 1_000;

export type Change =
  | { readonly kind: 'changed'; readonly etag: string }
  | { readonly kind: 'same' }
  /** Too many wait already: in all, of its address, or over its connection. */
  | { readonly kind: 'full'; readonly retryAfterSeconds: number };

type Waiter = (change: Change) => void;

export interface Caller {
  readonly address: string;
  /** Each holds one waiter: requests sent one behind the other cost their sender nothing. */
  readonly connection: object;
  readonly gone: AbortSignal;
}

interface Waiting {
  /** By the monotonic clock. */
  readonly untilMs: number;
  readonly caller: Caller;
}

export class ChangeWaiters {
  readonly #clock: Clock;
  readonly #gauge: Gauge;
  readonly #mostPerAddress: number;
  readonly #waiting = new Map<Waiter, Waiting>();
  /** Connections that wait, by address. */
  readonly #connections = new Map<string, Set<object>>();
  #sequence = 0;
  #isSweeping = false;
  #isStopped = false;

  constructor(clock: Clock, gauge: Gauge, mostPerAddress = addressLimits().waitersPerAddress) {
    this.#clock = clock;
    this.#mostPerAddress = mostPerAddress;
    this.#gauge = gauge;
    gauge.set(0);
  }

  /** Answers at once when the caller's etag is not the present one, else at the next publication, or when the time is up or the caller gone. */
  wait(etag: string, waitSeconds: number, caller: Caller): Promise<Change> {
    const { gone } = caller;
    const seconds = Math.min(MOST_WAIT_SECONDS, waitSeconds);
    if (etag !== String(this.#sequence)) return Promise.resolve(this.#changed());
    if (!(seconds > 0) || this.#isStopped || gone.aborted) return Promise.resolve({ kind: 'same' });
    if (!this.#takePlace(caller)) return Promise.resolve({ kind: 'full', retryAfterSeconds: 30 });
    return new Promise((resolve) => {
      this.#waiting.set(resolve, { untilMs: this.#clock.monotonicMs() + seconds * 1000, caller });
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

  #takePlace({ address, connection }: Caller): boolean {
    const connections = this.#connections.get(address) ?? new Set();
    const isFull = this.#waiting.size >= MOST_WAITERS || connections.size >= this.#mostPerAddress;
    if (isFull || connections.has(connection)) return false;
    this.#connections.set(address, connections.add(connection));
    return true;
  }

  #leavePlace({ address, connection }: Caller): void {
    const connections = this.#connections.get(address);
    connections?.delete(connection);
    if (connections?.size === 0) this.#connections.delete(address);
  }

  #release(waiter: Waiter, change: Change = { kind: 'same' }): void {
    const waiting = this.#waiting.get(waiter);
    if (waiting === undefined) return;
    this.#waiting.delete(waiter);
    this.#leavePlace(waiting.caller);
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
      for (const [waiter, { untilMs }] of this.#waiting) if (untilMs <= now) this.#release(waiter);
    }
    this.#isSweeping = false;
  }
}
