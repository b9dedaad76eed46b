// Owns windows and listening time in SQLite: opening, closing, putting aside.
import type { WindowSpec } from '../../telemetry/window.ts';
import { listenedAfter } from '../listening.ts';
import { openedAfter } from '../place-report.ts';
import { WINDOW_KEPT_MS } from '../retention.ts';
import {
  type AsideName,
  type AsideOrder,
  type Listening,
  MOST_CLOSED_WINDOWS,
  type WindowStore,
} from '../window-store.ts';
import { integer, readCounter, textual, writeCounter } from './counters.ts';
import type { SqliteDatabase } from './database.ts';
import { WindowReadings } from './window-readings.ts';

export function windowStoreIn(db: SqliteDatabase, heartbeatMs: number): WindowStore {
  const readings = new WindowReadings(db);
  return {
    openWindow: (spec, nowMs, isUnderWay = false) =>
      db.transact(() => open({ db, readings }, spec, { nowMs, isUnderWay })),

    closeWindow: (rollout, nowMs) => db.once(() => close(db, rollout, nowMs)),

    forgetWindows: (present, nowMs) =>
      db.transact(() => {
        const closedBefore = Math.floor(nowMs) - WINDOW_KEPT_MS;
        const rows = db
          .prepare('SELECT number, rollout FROM telemetry_window WHERE closed_at < ?')
          .all(closedBefore)
          .filter(({ rollout }) => !present.has(textual(rollout).split('\n')[0] ?? ''));
        for (const { number } of rows) drop({ db, readings }, integer(number));
        // Of a rollout without a window no report can be late: nobody asks for its entries.
        const kept = db.prepare('SELECT DISTINCT rollout FROM published_entry').all();
        const measured = db.prepare('SELECT number FROM telemetry_window WHERE rollout = ?');
        for (const rollout of kept.map((row) => textual(row.rollout)))
          if (!present.has(rollout) && measured.get(rollout) === undefined)
            db.prepare('DELETE FROM published_entry WHERE rollout = ?').run(rollout);
        return rows.length;
      }),

    readWindow: (rollout, openedRevision) =>
      db.read(() => {
        const row = db
          .prepare('SELECT * FROM telemetry_window WHERE rollout = ? AND opened_revision = ?')
          .get(rollout, openedRevision);
        return row === undefined ? undefined : readings.read(row);
      }),

    setAside: (order) => db.transact(() => setAside({ db, readings }, order)),

    readAside: (rollout, as) =>
      db.read(() => {
        const row = db.prepare('SELECT * FROM telemetry_window WHERE rollout = ?').get(asideName(rollout, as));
        return row === undefined ? undefined : readings.read(row);
      }),

    markReady: (rollout, ready) =>
      db.once(() => {
        db.prepare('UPDATE telemetry_window SET ready = ? WHERE rollout = ? AND closed_at IS NULL AND ready <> ?').run(
          Number(ready),
          rollout,
          Number(ready),
        );
      }),

    recordListening: (nowMs) =>
      db.transact(() => {
        const before = readListening(db);
        const after = listenedAfter(before, nowMs, heartbeatMs);
        const addedMs = after.listenedMs - before.listenedMs;
        if (after.heartbeatAtMs !== null) writeCounter(db, 'heartbeat_at', after.heartbeatAtMs);
        if (addedMs === 0) return after;
        writeCounter(db, 'listened_ms', after.listenedMs);
        db.prepare(
          'UPDATE telemetry_window SET listened_ms = listened_ms + ?, ready_ms = ready_ms + ? * ready WHERE closed_at IS NULL',
        ).run(addedMs, addedMs);
        return after;
      }),

    readListening: () => db.read(() => readListening(db)),
  };
}

function readListening(db: SqliteDatabase): Listening {
  const heartbeatAt = readCounter(db, 'heartbeat_at');
  return { listenedMs: readCounter(db, 'listened_ms'), heartbeatAtMs: heartbeatAt === 0 ? null : heartbeatAt };
}

interface WindowParts {
  readonly db: SqliteDatabase;
  readonly readings: WindowReadings;
}

function open(
  parts: WindowParts,
  spec: WindowSpec,
  { nowMs, isUnderWay }: { readonly nowMs: number; readonly isUnderWay: boolean },
): void {
  const { db } = parts;
  const { rollout, openedRevision } = spec;
  const before = db
    .prepare('SELECT * FROM telemetry_window WHERE rollout = ? ORDER BY opened_revision DESC LIMIT 1')
    .get(rollout);
  const newest = before?.opened_revision;
  if (newest === openedRevision) {
    // The rollout was gone for a while and came back as it was: its measurements go on.
    db.prepare('UPDATE telemetry_window SET closed_at = NULL WHERE rollout = ? AND opened_revision = ?').run(
      rollout,
      openedRevision,
    );
  }
  // Known already, or asked for by a leader that was overtaken.
  if (typeof newest === 'number' && newest >= openedRevision) return;
  close(db, rollout, nowMs);
  insert(db, spec, { before, isUnderWay });
  const old = db
    .prepare(
      `SELECT number FROM telemetry_window WHERE rollout = ? AND closed_at IS NOT NULL
       ORDER BY opened_revision DESC LIMIT -1 OFFSET ${MOST_CLOSED_WINDOWS}`,
    )
    .all(rollout);
  for (const { number } of old) drop(parts, integer(number));
}

function close(db: SqliteDatabase, rollout: string, nowMs: number): void {
  db.prepare('UPDATE telemetry_window SET closed_at = ? WHERE rollout = ? AND closed_at IS NULL').run(
    Math.floor(nowMs),
    rollout,
  );
}

interface Under {
  readonly before: Readonly<Record<string, unknown>> | undefined;
  readonly isUnderWay: boolean;
}

function insert(db: SqliteDatabase, spec: WindowSpec, { before, isUnderWay }: Under): void {
  const known = before && {
    spec: JSON.parse(textual(before.spec)) as WindowSpec,
    openedChange: integer(before.opened_change),
    attemptChange: integer(before.attempt_change),
  };
  const { openedChange, attemptChange } = openedAfter(known, spec, { change: readCounter(db, 'changes'), isUnderWay });
  db.prepare(
    `INSERT INTO telemetry_window (rollout, opened_revision, spec, opened_at, opened_change, attempt_change)
     VALUES (?, ?, ?, ?, ?, ?)`,
  ).run(
    ...[spec.rollout, spec.openedRevision, JSON.stringify(spec), Math.floor(spec.openedAtMs)],
    ...[openedChange, attemptChange],
  );
}

/** The rows stay where they are; the window goes on under a name that no rollout has, so no report is folded into it. */
function setAside(parts: WindowParts, { spec, as, nowMs }: AsideOrder): void {
  const { db } = parts;
  const { rollout, openedRevision } = spec;
  const present = db
    .prepare(
      'SELECT number, opened_at FROM telemetry_window WHERE rollout = ? AND opened_revision = ? AND closed_at IS NULL',
    )
    .get(rollout, openedRevision);
  if (present === undefined || integer(present.opened_at) >= Math.floor(spec.openedAtMs)) return;
  const aside = asideName(rollout, as);
  const replaced = db.prepare('SELECT number FROM telemetry_window WHERE rollout = ?').all(aside);
  for (const { number } of replaced) drop(parts, integer(number));
  db.prepare('UPDATE telemetry_window SET rollout = ?, closed_at = ? WHERE number = ?').run(
    aside,
    Math.floor(nowMs),
    integer(present.number),
  );
  insert(db, spec, { before: undefined, isUnderWay: false });
}

function drop({ db, readings }: WindowParts, number: number): void {
  for (const table of ['window_row', 'window_summary', 'window_gauge', 'window_course', 'late_report']) {
    db.prepare(`DELETE FROM ${table} WHERE window = ?`).run(number);
  }
  db.prepare('DELETE FROM telemetry_window WHERE number = ?').run(number);
  readings.forget(number);
}

/** Names of rollouts have no line break. */
function asideName(rollout: string, as: AsideName): string {
  return `${rollout}\n${as}`;
}
