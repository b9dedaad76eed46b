// Owns how much of requests and answers the agent holds at once: beyond it callers are asked to come back, and the device keeps its memory.
import { CodedError } from '../../../src/base/errors.ts';

export class HeldBytes {
  readonly #most: number;
  #held = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** A request's part, nothing at first. */
  open(): Hold {
    let own = 0;
    const set = (bytes: number): void => {
      const others = this.#held - own;
      // One that is alone always has room: its parts have limits of their own.
      if (bytes > own && others > 0 && others + bytes > this.#most) throw tooMuch();
      this.#held = others + bytes;
      own = bytes;
    };
    return { set, [Symbol.dispose]: () => set(0) };
  }
}

export interface Hold extends Disposable {
  /** From now on the request holds this many bytes. Throws INFER_BUSY where others leave no room. */
  set(bytes: number): void;
}

function tooMuch(): CodedError {
  return new CodedError({
    code: 'INFER_BUSY',
    kind: 'retry-later',
    message: 'Long requests and answers of others fill the memory that the agent has for them.',
    remedy: 'Send fewer long requests at once.',
  });
}
