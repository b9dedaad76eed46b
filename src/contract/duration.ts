// Owns durations and percentages as people write them: `30m`, `1h30m`, `0.5%`.
import { TextError } from './source/text-error.ts';

const UNIT_MS: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
};
/** Ten years: longer is a typing error, and far below what arithmetic on milliseconds can hold. */
const LONGEST_MS = 3650 * 86_400_000;
const DURATION = /^(?:\d{1,9}(?:\.\d{1,3})?(?:ms|s|m|h|d|w)){1,6}$/;

/** Milliseconds of a duration: numbers with the units ms, s, m, h, d, w, such as `30m` or `1h30m`. Throws DURATION_SYNTAX. */
export function parseDurationMs(text: string): number {
  const whole = text.length <= 64 && DURATION.test(text);
  const parts = whole ? text.matchAll(/(\d+(?:\.\d+)?)([a-z]+)/g) : [];
  let total = 0;
  for (const [, amount, unit] of parts) total += Number(amount) * (UNIT_MS[unit ?? ''] ?? Number.NaN);
  if (whole && total <= LONGEST_MS) return Math.round(total);
  throw new TextError({
    code: 'DURATION_SYNTAX',
    message: whole
      ? `The duration "${text}" is longer than ten years.`
      : `"${text.slice(0, 64)}" is not a duration: it needs a number and a unit.`,
    remedy: 'Write a number with ms, s, m, h, d or w, such as `30m`, `1h30m` or `7d`.',
    column: 1,
  });
}

const READ_UNITS: readonly (readonly [string, number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['min', 60_000],
  ['s', 1000],
];

/** A duration for people, to its two largest units: `30 min`, `1 h 30 min`, `2 d`, `450 ms`. */
export function formatDuration(ms: number): string {
  if (ms < 0) return `-${formatDuration(-ms)}`;
  if (ms < 1000) return `${Math.round(ms)} ms`;
  const wholeMs = Math.round(ms / 1000) * 1000;
  const first = READ_UNITS.findIndex(([, unitMs]) => wholeMs >= unitMs);
  const [large, small] = [READ_UNITS[first], READ_UNITS[first + 1]];
  if (large === undefined) return `${wholeMs / 1000} s`;
  if (small === undefined) return `${wholeMs / large[1]} ${large[0]}`;
  const smalls = Math.round(wholeMs / small[1]);
  const perLarge = large[1] / small[1];
  const larges = Math.floor(smalls / perLarge);
  const rest = smalls % perLarge;
  return rest === 0 ? `${larges} ${large[0]}` : `${larges} ${large[0]} ${rest} ${small[0]}`;
}

/** The fraction (0..1) of a percentage such as `0.5%` or `25 %`. Throws PERCENT_SYNTAX. */
export function parsePercent(text: string): number {
  const amount = /^(\d{1,3}(?:\.\d{1,9})?) ?%$/.exec(text)?.[1];
  const percent = amount === undefined ? Number.NaN : Number(amount);
  if (percent <= 100) return percent / 100;
  throw new TextError({
    code: 'PERCENT_SYNTAX',
    message: `"${text.slice(0, 64)}" is not a percentage from 0% to 100%.`,
    remedy: 'Write a number and a percent sign, such as `1%` or `0.5%`.',
    column: 1,
  });
}
