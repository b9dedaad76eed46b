// Owns time limits of the git edge: an operation ends in time even when what it waits for never answers.
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { aborted, timedOut } from '../git-errors.ts';

export interface Deadline {
  readonly clock: Clock;
  readonly limitMs: number;
  readonly signal: AbortSignal | undefined;
  /** For the error: what was being done. */
  readonly what: string;
}

/**
 * Runs with a signal that fires after the limit or with the caller's, and waits for `run` to end: for whole operations, which must
 * not go on behind the next one. Everything in them that waits for others must heed the signal.
 */
export async function withLimit<T>(deadline: Deadline, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const { clock, limitMs, signal, what } = deadline;
  const control = new AbortController();
  const done = new AbortController();
  const stop = (): void => control.abort(signal?.reason instanceof CodedError ? signal.reason : aborted(what));
  if (signal?.aborted) stop();
  signal?.addEventListener('abort', stop, { once: true });
  void clock.sleep(limitMs, done.signal).then(() => {
    if (!done.signal.aborted) control.abort(timedOut(what, limitMs));
  });
  try {
    return await run(control.signal);
  } catch (error) {
    throw control.signal.aborted ? control.signal.reason : error;
  } finally {
    done.abort();
    signal?.removeEventListener('abort', stop);
  }
}

/** As `withLimit`, but rejects with GIT_TIMEOUT or GIT_ABORTED even when `run` ignores its signal: for one wait. */
export async function withDeadline<T>(deadline: Deadline, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  return withLimit(deadline, (signal) => {
    const fired = Promise.withResolvers<never>();
    const fire = (): void => fired.reject(signal.reason);
    if (signal.aborted) fire();
    signal.addEventListener('abort', fire, { once: true });
    fired.promise.catch(() => {});
    return signal.aborted ? fired.promise : Promise.race([run(signal), fired.promise]);
  });
}
