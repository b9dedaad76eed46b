// Owns what a store promises about series: values by time that screens draw, kept thin enough to be kept at all.

import type { JsonValue } from '../contract/digest.ts';
import { encodeValue } from './reconciler-state.ts';

export interface SeriesPoint {
  /** Milliseconds since 1970; a point at the same time replaces the one before. */
  readonly atMs: number;
  /** Thinning leaves it out: something was decided then. */
  readonly isKept: boolean;
  /** At most 64 KiB. */
  readonly value: JsonValue;
}

export interface NewPoint extends SeriesPoint {
  readonly series: string;
}

export interface SeriesQuestion {
  /** No points before that; all unless given. */
  readonly sinceMs?: number;
  readonly most: number;
}

export interface TimeSeries {
  /** Adds points of any series, all or none. A series that has more than `MOST_POINTS` then is thinned. */
  appendPoints(points: readonly NewPoint[]): Promise<void>;
  /** At most so many points, the oldest first: the first and the last one, those that are kept, and of the others evenly by their number. */
  readPoints(series: string, question: SeriesQuestion): Promise<readonly SeriesPoint[]>;
  /** Forgets all points before that time; says how many. */
  forgetPoints(beforeMs: number): Promise<number>;
}

/** More of one series are too many to draw. */
export const MOST_POINTS = 500;
/** Points that are kept are so few, or they are thinned as well. */
const MOST_KEPT = 100;

/** A point without its value. */
export type PlacedPoint = Pick<SeriesPoint, 'atMs' | 'isKept'>;

/** Which points of a series that is too long go, the oldest first in and out: every second, but for the ends and those that are kept. */
export function pointsToThin<P extends PlacedPoint>(points: readonly P[]): P[] {
  if (points.length <= MOST_POINTS) return [];
  const mayKeep = points.filter(({ isKept }) => isKept).length <= MOST_KEPT;
  return points.filter((one, i) => i % 2 === 1 && i < points.length - 1 && !(mayKeep && one.isKept));
}

/** At most so many of the points, as `readPoints` says. */
export function chosenPoints<P extends PlacedPoint>(points: readonly P[], most: number): readonly P[] {
  if (points.length <= most) return points;
  const last = points.length - 1;
  const kept = new Set(points.flatMap(({ isKept }, i) => (isKept || i === 0 || i === last ? [i] : [])));
  const mayKeep = kept.size <= most / 2;
  const chosen = mayKeep ? kept : new Set<number>();
  const room = most - chosen.size;
  for (let i = 0; i < room; i++) chosen.add(Math.round((i * last) / Math.max(1, room - 1)));
  return [...chosen].sort((a, b) => a - b).flatMap((i) => points[i] ?? []);
}

/** The value as it is kept. Throws STORE_VALUE_SIZE. */
export function encodePoint({ series, value }: NewPoint): string {
  return encodeValue(series, value);
}
