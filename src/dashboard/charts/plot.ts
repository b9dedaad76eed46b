// Owns where things stand in a chart: shapes in units that stretch with the width, texts and marks in percent of it, so that a text stays as large as it is.
import { scaleLinear, scaleUtc } from 'd3-scale';
import { isInstant } from './time-text.ts';

/** Width of the stretched part, in its own units. */
export const STRETCH = 1000;
const INSET = 26;
/** Larger numbers are drawn as this: squared or subtracted they would leave what a number can hold. */
const LARGEST = 1e12;
const MINUTE_MS = 60_000;

/** A number that can be drawn; null for what was not measured, NaN and infinity. */
export function drawable(value: number | null | undefined): number | null {
  if (typeof value !== 'number' || !Number.isFinite(value)) return null;
  return Math.max(-LARGEST, Math.min(LARGEST, value));
}

export interface TimeAxis {
  readonly fromMs: number;
  readonly toMs: number;
}

/** The time that all instants span; at least a minute. */
export function timeAxis(instants: Iterable<number | null | undefined>): TimeAxis {
  let [fromMs, toMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const atMs of instants) {
    if (!isInstant(atMs)) continue;
    fromMs = Math.min(fromMs, atMs);
    toMs = Math.max(toMs, atMs);
  }
  if (fromMs > toMs) return { fromMs: 0, toMs: MINUTE_MS };
  return { fromMs, toMs: Math.max(toMs, fromMs + MINUTE_MS) };
}

export interface TimeScale {
  /** In units of the stretched part. */
  readonly x: (atMs: number) => number;
  readonly at: (x: number) => number;
  readonly ticks: readonly number[];
  readonly holds: (atMs: number) => boolean;
}

export function timeScale({ fromMs, toMs }: TimeAxis, ticks: number): TimeScale {
  const scale = scaleUtc([fromMs, toMs], [INSET, STRETCH - INSET]);
  return {
    x: (atMs) => scale(atMs),
    at: (x) => Number(scale.invert(x)),
    ticks: scale.ticks(ticks).map(Number),
    holds: (atMs) => isInstant(atMs) && atMs >= fromMs && atMs <= toMs,
  };
}

export interface ValueScale {
  readonly y: (value: number) => number;
  readonly ticks: readonly number[];
}

/** Room for all `values` in `height`; from zero, unless values lie below it or good ones lie high. */
export function valueScale(values: readonly number[], height: number, fromZero: boolean): ValueScale {
  const least = values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY);
  const most = values.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY);
  if (least > most) return { y: () => height, ticks: [] };
  const low = fromZero && least >= 0 ? 0 : least;
  const room = (most - low) * 0.18 || Math.abs(most) * 0.2 || 1;
  const scale = scaleLinear([low === 0 ? 0 : low - room, most + room], [height, 0]);
  return { y: (value) => scale(value), ticks: scale.ticks(3) };
}

/** A place along the width, for what must not stretch. */
export function along(x: number): string {
  return `${Math.round(x * 10) / 100}%`;
}
