// Owns limits that may be exceeded for a while: `80 for 5m`.
import { parseDurationMs } from './duration.ts';
import { TextError } from './source/text-error.ts';

export interface SustainedLimit {
  readonly most: number;
  /** How long it may be exceeded without a break. */
  readonly forMs: number;
}

const DEFAULT_FOR_MS = 5 * 60_000;
const FORM = /^(\d{1,7}(?:\.\d{1,3})?)(?: for (\S{1,64}))?$/;

/** Throws LIMIT_SYNTAX or DURATION_SYNTAX. */
export function parseSustainedLimit(given: string | number): SustainedLimit {
  const [, most, duration] = FORM.exec(String(given)) ?? [];
  if (most !== undefined)
    return { most: Number(most), forMs: duration === undefined ? DEFAULT_FOR_MS : parseDurationMs(duration) };
  throw new TextError({
    code: 'LIMIT_SYNTAX',
    message: `"${String(given).slice(0, 64)}" is not a number with a duration.`,
    remedy: 'Write a number, and for how long it may be exceeded: `80 for 5m`.',
    column: 1,
  });
}
