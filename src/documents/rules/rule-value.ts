// Owns the values in rules: numbers with a unit, such as `0.5%`, `150ms` or `-5C`, and what they should have been.
import { parseDurationMs, parsePercent } from '../../contract/duration.ts';
import type { RuleUnit } from './metric-facts.ts';

interface UnitFacts {
  /** As in "`cpu` is a percentage, and "5ms" is not". */
  readonly words: string;
  /** What a bare number most likely left out. */
  readonly suffix: string;
  /** For examples. */
  readonly floor: string;
  readonly limit: string;
}

export const UNITS: Readonly<Record<RuleUnit, UnitFacts>> = {
  ratio: { words: 'a percentage', suffix: '%', floor: '0.1%', limit: '10%' },
  ms: { words: 'a time', suffix: 'ms', floor: '5ms', limit: '150ms' },
  bytes: { words: 'a size', suffix: 'B', floor: '1MB', limit: '1MB' },
  celsius: { words: 'a temperature', suffix: 'C', floor: '5C', limit: '80C' },
  'per-hour': { words: 'a number of events in a time (such as `3/h`)', suffix: '/h', floor: '0.1/h', limit: '3/h' },
  count: { words: 'a number', suffix: '', floor: '1', limit: '5' },
  divergence: { words: 'a number on the scale of PSI or KL', suffix: '', floor: '0.01', limit: '0.1' },
};
const BYTES: Readonly<Record<string, number>> = {
  ...{ B: 1, kB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 2 ** 20, GiB: 2 ** 30 },
};

/** The value in the unit's base, or undefined when the text has another unit. */
export function findValue(text: string, unit: RuleUnit): number | undefined {
  if (text.startsWith('-')) {
    const value = findValue(text.slice(1), unit);
    return value === undefined ? undefined : 0 - value;
  }
  try {
    if (unit === 'ratio') return parsePercent(text);
    if (unit === 'ms') return parseDurationMs(text.replace(' ', ''));
  } catch {
    return undefined;
  }
  if (unit === 'per-hour') return findPerHour(text);
  const [, amount = '', suffix = ''] = /^(\d{1,15}(?:\.\d{1,15})?) ?([A-Za-z°]*)$/.exec(text) ?? [];
  if (amount === '') return undefined;
  if (unit === 'bytes') return BYTES[suffix] === undefined ? undefined : Number(amount) * BYTES[suffix];
  if (unit === 'divergence') return ['', 'PSI', 'KL'].includes(suffix) ? Number(amount) : undefined;
  const fits = unit === 'celsius' ? suffix === 'C' || suffix === '°C' : suffix === '';
  return fits ? Number(amount) : undefined;
}

const TIMES_PER_HOUR: Readonly<Record<string, number>> = { min: 60, h: 1, d: 1 / 24 };
/** Events in an hour: more are no events, but a stream. */
const MOST_PER_HOUR = 1e6;

function findPerHour(text: string): number | undefined {
  const [, amount = '', time = ''] = /^(\d{1,15}(?:\.\d{1,15})?) ?\/ ?(min|h|d)$/.exec(text) ?? [];
  const value = Number(amount) * (TIMES_PER_HOUR[time] ?? 0);
  return time !== '' && value <= MOST_PER_HOUR ? value : undefined;
}

/** What a value without its unit can have meant, the likeliest first: `0.005` a fraction, `150` milliseconds; a number has none: `85C`; `2x` leaves out of what. */
export function meantValues(text: string, unit: RuleUnit): string[] {
  const [, amount, suffix] = /^(-?\d{1,9}(?:\.\d{1,9})?)( ?[A-Za-z°]+)?$/.exec(text.trim()) ?? [];
  if (suffix?.trim() === 'x') return [`${amount}x baseline`];
  if (amount === undefined || (suffix !== undefined && unit !== 'count')) return [];
  const value = Number(amount);
  if (unit !== 'ratio' || value === 0 || value > 1) return [`${amount}${UNITS[unit].suffix}`];
  const asFraction = `${Number((100 * value).toPrecision(9))}%`;
  return value < 0.1 ? [asFraction] : [asFraction, `${amount}%`];
}
