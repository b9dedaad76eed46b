// Owns reading the values of a report: counts, times, digests and parts that may be missing, each with its bound.
import { parseInstant } from '../base/clock.ts';
import { type Digest, isDigest } from './digest.ts';
import { type Members, MOST_COUNT, MOST_SPAN_MS, refuse, text } from './report-reader.ts';

export function oneOf<T extends string>(value: unknown, place: string, allowed: readonly T[]): T {
  const found = allowed.find((one) => one === value);
  return found ?? refuse('REPORT_SHAPE', place, `is none of ${allowed.join(', ')}`);
}

export function count(value: unknown, place: string, most = MOST_COUNT): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > most) {
    return refuse('REPORT_NUMBERS', place, `is not a whole number from 0 to ${most}`);
  }
  return value;
}

export function span(value: unknown, place: string): number {
  if (typeof value !== 'number' || !(value >= 0 && value <= 10 * MOST_SPAN_MS)) {
    return refuse('REPORT_NUMBERS', place, 'is not a possible length of time in milliseconds');
  }
  return value;
}

export function digest(value: unknown, place: string): Digest {
  return isDigest(value) ? value : refuse('REPORT_SHAPE', place, 'is not a sha256 digest');
}

export function instant(value: unknown, place: string): string {
  const read = text(value, place, 40);
  return parseInstant(read) === undefined ? refuse('REPORT_SHAPE', place, 'is not an instant with a zone') : read;
}

export function orNull<T>(value: unknown, parse: (present: unknown) => T): T | null {
  return value === null ? null : parse(value);
}

export function finite(value: unknown, place: string, least: number, most: number): number {
  if (typeof value !== 'number' || !(value >= least && value <= most)) {
    return refuse('REPORT_NUMBERS', place, `is not a number from ${least} to ${most}`);
  }
  return value;
}

/** What `parse` makes of a member that is there; a member that is not is left out. */
export function ifPresent<K extends string, T>(
  raw: Members,
  key: K,
  place: string,
  parse: (present: unknown, at: string) => T,
): Partial<Record<K, T>> {
  const present = raw[key];
  return present === undefined
    ? {}
    : ({ [key]: parse(present, place === '' ? key : `${place}.${key}`) } as Record<K, T>);
}

export function sum(counts: readonly number[]): number {
  return counts.reduce((total, one) => total + one, 0);
}
