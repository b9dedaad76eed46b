// Owns how measured values and counts are written for people.

import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';

function significant(value: number): string {
  return value === 0 ? '0' : String(Number(value.toPrecision(3)));
}

/** A whole number with its thousands in groups: `12,480`. */
export function formatCount(count: number): string {
  return String(Math.round(count)).replace(/\B(?=(\d{3})+$)/g, ',');
}

/** `1 device`, `10 devices`. */
export function countOf(count: number, one: string, many = `${one}s`): string {
  return `${formatCount(count)} ${count === 1 ? one : many}`;
}

interface Scale {
  readonly factor: number;
  readonly suffix: string;
}

function scaleOf(value: number, unit: string): Scale {
  switch (unit) {
    case 'ratio':
      return { factor: 100, suffix: '%' };
    case 'ms':
      return Math.abs(value) >= 10_000 ? { factor: 0.001, suffix: ' s' } : { factor: 1, suffix: ' ms' };
    case 'per-hour':
      return Math.abs(value) >= 0.1 || value === 0 ? { factor: 1, suffix: '/h' } : { factor: 24, suffix: '/d' };
    case 'celsius':
      return { factor: 1, suffix: ' °C' };
    default:
      return { factor: 1, suffix: '' };
  }
}

/** A share (0..1) in percent, to three digits: `0.5%`. */
export function percent(share: number): string {
  return formatAmount(share, 'ratio');
}

/** A value with its unit: shares in percent, times in ms or s. */
export function formatAmount(value: number, unit: string): string {
  const { factor, suffix } = scaleOf(value, unit);
  return `${significant(value * factor)}${suffix}`;
}

/** Bounds of a value, in the value's own unit and without repeating it: `(0.14–0.31)`. */
export function formatBounds(value: number, lower: number, upper: number, unit: string): string {
  const { factor } = scaleOf(value, unit);
  return `(${significant(lower * factor)}–${significant(upper * factor)})`;
}

/** The same as a clause, with the unit: `between 0.14 and 0.31%`. */
export function formatBetween(value: number, lower: number, upper: number, unit: string): string {
  const { factor, suffix } = scaleOf(value, unit);
  return `between ${significant(lower * factor)} and ${significant(upper * factor)}${suffix}`;
}

/** A time still to go, as people say it: `about 11 more minutes`, `about 2.5 more hours`. */
export function aboutMore(minutes: number): string {
  if (minutes < 90) return `about ${countOf(Math.max(1, Math.ceil(minutes)), 'more minute')}`;
  const hours = minutes / 60;
  const [amount, unit] = hours < 48 ? [Math.ceil(2 * hours) / 2, 'hour'] : [Math.ceil(hours / 24), 'day'];
  return `about ${amount < 1000 ? amount : formatCount(amount)} more ${unit}s`;
}

/** Time that is left, to the next whole minute. */
export function timeLeft(ms: number): string {
  return formatDuration(Math.ceil(ms / 60_000) * 60_000);
}

/** Names in a row: `alice`, `alice or bob`, `a, b and 3 more`. */
export function listed(names: readonly string[], last: 'and' | 'or', most = 5): string {
  const known = names.map(oneLine);
  if (known.length > most) return `${known.slice(0, most).join(', ')} and ${formatCount(known.length - most)} more`;
  const end = known.at(-1) ?? 'none';
  return known.length < 2 ? end : `${known.slice(0, -1).join(', ')} ${last} ${end}`;
}

/** What its trials are, where they are no inferences. */
const TRIALS: Readonly<Record<string, string>> = {
  download_tries: 'download attempt',
  apply_success: 'install',
  accuracy: 'labelled answer',
  precision: 'labelled answer',
  recall: 'labelled answer',
  f1: 'labelled answer',
};

/** What a metric counts, in the singular. */
export function trialOf(metric: string): string {
  return TRIALS[metric] ?? 'inference';
}

/** Metrics whose trials are milliseconds. */
const BY_TIME: ReadonlySet<string> = new Set(['counter', 'restarts']);
/** Milliseconds. */
export const HOUR_MS = 3_600_000;

/** `12,480 inferences`, or `31.5 device hours`; with `more`, `3,400 more inferences`. */
export function trialsInWords(trials: number, metric: string, more: '' | 'more ' = ''): string {
  if (!BY_TIME.has(metric)) return countOf(trials, `${more}${trialOf(metric)}`);
  const hours = trials / HOUR_MS;
  const amount = hours < 1000 ? significant(hours) : formatCount(hours);
  return `${amount} ${more}device ${amount === '1' ? 'hour' : 'hours'}`;
}

/** `3 of 1,200`, or `3 in 31.5 device hours`. */
export function badInWords({ bad, trials }: { readonly bad: number; readonly trials: number }, metric: string): string {
  return BY_TIME.has(metric)
    ? `${formatCount(bad)} in ${trialsInWords(trials, metric)}`
    : `${formatCount(bad)} of ${formatCount(trials)}`;
}
