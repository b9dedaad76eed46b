// Owns long polls: who waits for the next publication, woken by it or sent home when the time is up.
import type { ServerResponse } from 'node:http';
import type { Clock } from '../base/clock.ts';
import { answerEmpty, answerJson, HttpRefusal } from './http-answers.ts';

export const MOST_WAIT_SECONDS = 30;
const MOST_WAITERS = 20_000;
const SWEEP_MS = 250;

export class ChangeWaiters {
  readonly #clock: Clock;
  /** When each one's time is up, by the monotonic clock. */
  readonly #waiting = new Map<ServerResponse, number>();
  #sequence: number;
  #isSweeping = false;
  #isStopped = false;

  constructor(clock: Clock, sequence: number) {
    this.#clock = clock;
    this.#sequence = sequence;
  }

  get count(): number {
    return this.#waiting.size;
  }

  /** Answers at once when the caller's etag is not the present one, else at the next publication or when the time is up. */
  wait(response: ServerResponse, etag: string, waitSeconds: number): void {
    const seconds = Math.min(MOST_WAIT_SECONDS, waitSeconds);
    if (etag !== String(this.#sequence)) this.#answerChanged(response);
    else if (!(seconds > 0) || this.#isStopped) answerEmpty(response, 304);
    else this.#hold(response, seconds);
  }

  #hold(response: ServerResponse, seconds: number): void {
    if (this.#waiting.size >= MOST_WAITERS) {
      throw new HttpRefusal({
        status: 503,
        code: 'HTTP_TOO_MANY_WAITERS',
        message: `${MOST_WAITERS} callers wait already.`,
        remedy: 'Ask again later, or without waiting.',
        headers: { 'Retry-After': 30 },
      });
    }
    this.#waiting.set(response, this.#clock.monotonicMs() + seconds * 1000);
    response.once('close', () => this.#waiting.delete(response));
    void this.#sweep();
  }

  /** A directive was published: everyone who waits hears of it. Lower numbers than the present are old news. */
  publish(sequence: number): void {
    if (sequence <= this.#sequence) return;
    this.#sequence = sequence;
    const all = [...this.#waiting.keys()];
    this.#waiting.clear();
    for (const response of all) this.#answerChanged(response);
  }

  /** Sends everyone home; later ones don't wait any more. */
  stop(): void {
    this.#isStopped = true;
    for (const response of this.#waiting.keys()) answerEmpty(response, 304, { Connection: 'close' });
    this.#waiting.clear();
  }

  #answerChanged(response: ServerResponse): void {
    answerJson(response, 200, { etag: String(this.#sequence) });
  }

  /** One timer for all: a timer each would cost more than the waiting. */
  async #sweep(): Promise<void> {
    if (this.#isSweeping) return;
    this.#isSweeping = true;
    while (this.#waiting.size > 0) {
      await this.#clock.sleep(SWEEP_MS);
      const now = this.#clock.monotonicMs();
      for (const [response, untilMs] of this.#waiting) {
        if (untilMs > now) continue;
        this.#waiting.delete(response);
        answerEmpty(response, 304);
      }
    }
    this.#isSweeping = false;
  }
}
