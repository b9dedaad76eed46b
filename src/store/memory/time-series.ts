// Owns series in memory.
import type { JsonValue } from '../../contract/digest.ts';
import { chosenPoints, encodePoint, pointsToThin, type SeriesPoint, type TimeSeries } from '../time-series.ts';

export function timeSeriesInMemory(): TimeSeries {
  /** Points by time, the oldest first. */
  const series = new Map<string, SeriesPoint[]>();
  return {
    appendPoints: async (points) => {
      const fresh = points.map((one) => ({ one, value: JSON.parse(encodePoint(one)) as JsonValue }));
      for (const { one, value } of fresh) {
        const before = (series.get(one.series) ?? []).filter(({ atMs }) => atMs !== one.atMs);
        const known = [...before, { atMs: one.atMs, isKept: one.isKept, value }].sort((a, b) => a.atMs - b.atMs);
        const gone = new Set(pointsToThin(known));
        series.set(
          one.series,
          known.filter((point) => !gone.has(point)),
        );
      }
    },
    readPoints: async (name, { sinceMs = Number.NEGATIVE_INFINITY, most }) =>
      chosenPoints(
        (series.get(name) ?? []).filter(({ atMs }) => atMs >= sinceMs),
        most,
      ),
    forgetPoints: async (beforeMs) => {
      let count = 0;
      for (const [name, points] of series) {
        const left = points.filter(({ atMs }) => atMs >= beforeMs);
        count += points.length - left.length;
        if (left.length === 0) series.delete(name);
        else series.set(name, left);
      }
      return count;
    },
  };
}
