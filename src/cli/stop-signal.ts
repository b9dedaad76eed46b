// Owns how people and supervisors stop a command: the first signal asks it to end in order, the next one ends it at once.
import process from 'node:process';
import { SystemClock } from '../base/clock.ts';

/** A terminal sends its signal to the launcher and to this process, and the launcher passes it on: that is one signal. */
const SAME_SIGNAL_MS = 500;
const NAMES = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Listens until it is disposed; after that signals end the process as ever. */
export class StopSignal implements Disposable {
  readonly #clock = new SystemClock();
  readonly #stop = new AbortController();
  #firstAtMs = 0;

  constructor() {
    for (const name of NAMES) process.on(name, this.#take);
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  readonly #take = (): void => {
    if (this.signal.aborted && this.#clock.monotonicMs() - this.#firstAtMs > SAME_SIGNAL_MS) process.exit(130);
    if (!this.signal.aborted) this.#firstAtMs = this.#clock.monotonicMs();
    this.#stop.abort();
  };

  [Symbol.dispose](): void {
    for (const name of NAMES) process.off(name, this.#take);
  }
}

/** Aborted by the first SIGINT, SIGTERM or SIGHUP; a second one ends the process at once. */
export function stopSignal(): AbortSignal {
  return new StopSignal().signal;
}
