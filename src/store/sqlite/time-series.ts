// Owns series in SQLite: a row a point.
import type { JsonValue } from '../../contract/digest.ts';
import { chosenPoints, encodePoint, MOST_POINTS, pointsToThin, type TimeSeries } from '../time-series.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

interface Place {
  readonly atMs: number;
  readonly isKept: boolean;
}

export function timeSeriesIn(db: SqliteDatabase): TimeSeries {
  const placesOf = (series: string, sinceMs: number): Place[] =>
    db
      .prepare('SELECT at, kept FROM series_point WHERE series = ? AND at >= ? ORDER BY at')
      .all(series, sinceMs)
      .map((row) => ({ atMs: integer(row.at), isKept: integer(row.kept) === 1 }));
  const thin = (series: string): void => {
    const count = db.prepare('SELECT count(*) AS count FROM series_point WHERE series = ?').get(series)?.count;
    if (integer(count) <= MOST_POINTS) return;
    const remove = db.prepare('DELETE FROM series_point WHERE series = ? AND at = ?');
    for (const { atMs } of pointsToThin(placesOf(series, Number.MIN_SAFE_INTEGER))) remove.run(series, atMs);
  };
  return {
    appendPoints: (points) =>
      db.transact(() => {
        const put = db.prepare(
          `INSERT INTO series_point (series, at, kept, value) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET kept = excluded.kept, value = excluded.value`,
        );
        for (const one of points) put.run(one.series, Math.floor(one.atMs), one.isKept ? 1 : 0, encodePoint(one));
        for (const series of new Set(points.map((one) => one.series))) thin(series);
      }),

    readPoints: (series, { sinceMs = Number.MIN_SAFE_INTEGER, most }) =>
      db.read(() => {
        const find = db.prepare('SELECT value FROM series_point WHERE series = ? AND at = ?');
        return chosenPoints(placesOf(series, Math.floor(sinceMs)), most).map((place) => ({
          ...place,
          value: JSON.parse(textual(find.get(series, place.atMs)?.value)) as JsonValue,
        }));
      }),

    forgetPoints: (beforeMs) =>
      db.transact(() => Number(db.prepare('DELETE FROM series_point WHERE at < ?').run(Math.floor(beforeMs)).changes)),
  };
}
