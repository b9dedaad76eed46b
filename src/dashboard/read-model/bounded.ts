// Owns the bounds of what the read model holds: numbers that are numbers, and texts that fit their place.
import { clipped, oneLine } from '../../base/plain-text.ts';

export const MOST_NAME = 200;
export const MOST_TEXT = 1_000;
/** Of a list on one page. */
export const MOST_ROWS = 1_000;

/** Null for what is no finite number. */
export function finite(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

export function count(value: number | null | undefined): number {
  return Math.max(0, Math.round(finite(value) ?? 0));
}

/** A share, 0..1. */
export function share(part: number, whole: number): number | null {
  const value = finite(part / whole);
  return value === null ? null : Math.min(1, Math.max(0, value));
}

/** One line of text that others wrote, at most so long. */
export function text(value: string | null | undefined, most: number = MOST_TEXT): string {
  return clipped(oneLine(value ?? ''), most);
}

export function textOrNull(value: string | null | undefined, most: number = MOST_TEXT): string | null {
  const line = text(value, most);
  return line === '' ? null : line;
}
