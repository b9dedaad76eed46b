// Owns the question whether a change that was shown is to be made.
import process from 'node:process';
import { createInterface } from 'node:readline/promises';
import { CodedError } from '../base/errors.ts';

/** Throws REQUEST_CONFIRM where nobody can answer. */
export async function isAgreed(): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new CodedError({
      code: 'REQUEST_CONFIRM',
      message: 'Nobody is there to agree to the change.',
      remedy: 'Pass --yes to commit it, or --dry-run to see it.',
    });
  const lines = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await lines.question('Commit this? [y/N] ').catch(() => '')).trim());
  } finally {
    lines.close();
  }
}
