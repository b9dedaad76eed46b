// Owns the recent past of devices in SQLite: the step under way lies in the device's row, which each report writes anyway.
import { appendStep, type RecentStep } from '../recent-reports.ts';
import type { SqliteDatabase } from './database.ts';

const NO_POINTS = new Uint8Array(0);

export function readPoints(db: SqliteDatabase, device: string): Uint8Array {
  const row = db.prepare('SELECT points FROM recent_report WHERE device = ?').get(device);
  return row === undefined ? NO_POINTS : (row.points as Uint8Array);
}

/** Once in a step and device. */
export function writeStep(db: SqliteDatabase, device: string, step: RecentStep): void {
  db.prepare(
    'INSERT INTO recent_report (device, points) VALUES (?, ?) ON CONFLICT DO UPDATE SET points = excluded.points',
  ).run(device, appendStep(readPoints(db, device), step));
}
