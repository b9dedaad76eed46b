// Owns what a check of `slipway doctor` is: one finding with a remedy, within a bounded time, whatever happens.
import type { Clock } from '../../base/clock.ts';
import { type CodedError, toCodedError } from '../../base/errors.ts';

export type Finding = 'ok' | 'warn' | 'bad' | 'not-known';

export interface CheckResult {
  readonly name: string;
  readonly finding: Finding;
  readonly text: string;
  readonly remedy: string | null;
}

export interface Check {
  readonly name: string;
  /** What it throws is a bad finding; null leaves the line out, where another one says the cause. */
  readonly run: (signal: AbortSignal) => Promise<Omit<CheckResult, 'name'> | null>;
}

/** A check that says nothing for so long is told as not known. */
export const LONGEST_CHECK_MS = 10_000;

export function ok(text: string): Omit<CheckResult, 'name'> {
  return { finding: 'ok', text, remedy: null };
}

export function warn(text: string, remedy: string): Omit<CheckResult, 'name'> {
  return { finding: 'warn', text, remedy };
}

export function bad(text: string, remedy: string): Omit<CheckResult, 'name'> {
  return { finding: 'bad', text, remedy };
}

export function notKnown(text: string, remedy: string | null = null): Omit<CheckResult, 'name'> {
  return { finding: 'not-known', text, remedy };
}

/** All at once, in the order given. */
export async function runChecks(checks: readonly Check[], clock: Clock): Promise<CheckResult[]> {
  const results = await Promise.all(
    checks.map(async ({ name, run }): Promise<CheckResult | null> => {
      const done = new AbortController();
      const late = clock
        .sleep(LONGEST_CHECK_MS, done.signal)
        .then(() =>
          notKnown(
            `no answer within ${LONGEST_CHECK_MS / 1000} s`,
            'See whether the host or the disk is slow, and try again.',
          ),
        );
      const found = run(done.signal).catch((thrown: unknown) => ofError(toCodedError(thrown)));
      const result = await Promise.race([found, late]);
      done.abort();
      return result && { name, ...result };
    }),
  );
  return results.filter((one) => one !== null);
}

function ofError({ code, message, remedy, kind }: CodedError): Omit<CheckResult, 'name'> {
  const text = `${code}: ${message}`;
  return kind === 'retry-later' ? notKnown(text, remedy ?? null) : bad(text, remedy ?? 'See the message.');
}
