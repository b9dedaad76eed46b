// Owns timing named parts of one run of work, such as a cycle: those who measure or trace it learn when each part began and ended.
import type { Clock } from './clock.ts';

export interface Phase {
  readonly name: string;
  readonly startMs: number;
  readonly endMs: number;
}

export class Phases {
  readonly #clock: Clock;
  readonly #onPhase: (phase: Phase) => void;

  constructor(clock: Clock, onPhase: (phase: Phase) => void) {
    this.#clock = clock;
    this.#onPhase = onPhase;
  }

  /** Does the work, and tells how long it took however it ended. Times are wall-clock, and never run backwards within a phase. */
  async time<T>(name: string, work: () => Promise<T>): Promise<T> {
    const end = this.#begin(name);
    try {
      return await work();
    } finally {
      end();
    }
  }

  /** The same for work that waits for nothing. */
  timeNow<T>(name: string, work: () => T): T {
    const end = this.#begin(name);
    try {
      return work();
    } finally {
      end();
    }
  }

  #begin(name: string): () => void {
    const [startMs, from] = [this.#clock.now(), this.#clock.monotonicMs()];
    return () => this.#onPhase({ name, startMs, endMs: startMs + this.#clock.monotonicMs() - from });
  }
}
