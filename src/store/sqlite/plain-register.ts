// Owns devices without an agent in SQLite.

import { judgePlainReport, type KnownPlain, plainExposure } from '../place-plain-report.ts';
import {
  MOST_PLAIN_DEVICES,
  type PlainAnswer,
  type PlainDevice,
  type PlainRegister,
  type ReceivedPlainReport,
} from '../plain-reports.ts';
import { type RecentStep, recentPoints } from '../recent-reports.ts';
import { integer, raiseCounter, readCounter, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';
import { endExposure, writeExposure } from './exposure.ts';
import { readPoints, writeStep } from './recent-reports.ts';

type SqlRow = Readonly<Record<string, unknown>>;

export function plainRegisterIn(db: SqliteDatabase): PlainRegister {
  const devices = new Map<string, PlainDevice>();
  let pictured = 0;
  let forgotten = 0;
  return {
    ingestPlain: (reports) =>
      db.transact(() => {
        const change = raiseCounter(db, 'plain_changes');
        // Counted once a request: of those that come in it only new ones are added.
        const room = { left: MOST_PLAIN_DEVICES - count(db) };
        return reports.map((one) => ingest(db, one, { change, room }));
      }),

    readPlainFleet: () =>
      db.read(() => {
        const version = readCounter(db, 'plain_changes');
        if (version === pictured) return { version, devices };
        const now = readCounter(db, 'plain_forgotten');
        if (now !== forgotten) {
          devices.clear();
          [forgotten, pictured] = [now, 0];
        }
        for (const row of db.prepare('SELECT * FROM plain_device WHERE changed > ?').iterate(pictured)) {
          const { device } = toKnown(row as SqlRow);
          devices.set(device.id, device);
        }
        pictured = version;
        return { version, devices };
      }),

    readRecent: (device) =>
      db.read(() => {
        const row =
          db.prepare('SELECT recent FROM device WHERE id = ?').get(device) ??
          db.prepare('SELECT recent FROM plain_device WHERE id = ?').get(device);
        if (row === undefined) return [];
        return recentPoints(readPoints(db, device), JSON.parse(textual(row.recent)) as RecentStep);
      }),
  };
}

interface PlainBatch {
  readonly change: number;
  /** For so many devices more. */
  readonly room: { left: number };
}

function ingest(db: SqliteDatabase, received: ReceivedPlainReport, { change, room }: PlainBatch): PlainAnswer {
  const { device: id } = received.report;
  if (db.prepare('SELECT 1 FROM device WHERE id = ?').get(id) !== undefined) return 'enrolled';
  const row = db.prepare('SELECT * FROM plain_device WHERE id = ?').get(id);
  const before = row === undefined ? undefined : toKnown(row);
  if (before === undefined && room.left <= 0) return 'too-many-devices';
  const judged = judgePlainReport(before, received, readCounter(db, 'listened_ms'));
  if (judged.kind !== 'accepted') return judged.kind;
  if (before === undefined) room.left -= 1;
  const { device, keys, recent } = judged.known;
  db.prepare(
    `INSERT INTO plain_device (id, models, figures, first_seen_at, last_seen_at, last_seen_listened, token, keys, recent, changed)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET models = excluded.models, figures = excluded.figures, last_seen_at = excluded.last_seen_at,
       last_seen_listened = excluded.last_seen_listened, token = excluded.token, keys = excluded.keys, recent = excluded.recent,
       changed = excluded.changed`,
  ).run(
    ...([id, JSON.stringify([...device.models]), JSON.stringify(device.figures), device.firstSeenAtMs] as const),
    ...([device.lastSeenAtMs, device.lastSeenListenedMs, device.token] as const),
    ...([JSON.stringify(keys), JSON.stringify(recent), change] as const),
  );
  if (judged.endedStep !== null) writeStep(db, id, judged.endedStep);
  const exposure = plainExposure(before?.device, received);
  if (exposure !== null) writeExposure(db, exposure);
  return 'accepted';
}

function count(db: SqliteDatabase): number {
  return integer(db.prepare('SELECT count(*) AS devices FROM plain_device').get()?.devices);
}

function toKnown(row: SqlRow): KnownPlain {
  const device: PlainDevice = {
    id: textual(row.id),
    models: new Map(JSON.parse(textual(row.models))),
    figures: JSON.parse(textual(row.figures)),
    firstSeenAtMs: integer(row.first_seen_at),
    lastSeenAtMs: integer(row.last_seen_at),
    lastSeenListenedMs: integer(row.last_seen_listened),
    token: textual(row.token),
  };
  return { device, keys: JSON.parse(textual(row.keys)), recent: JSON.parse(textual(row.recent)) };
}

/** Inside a transaction: the device signs from now on. */
export function forgetPlainDevice(db: SqliteDatabase, id: string, atMs: number): void {
  if (db.prepare('DELETE FROM plain_device WHERE id = ?').run(id).changes === 0) return;
  endExposure(db, id, atMs);
  raiseCounter(db, 'plain_changes');
  raiseCounter(db, 'plain_forgotten');
}
