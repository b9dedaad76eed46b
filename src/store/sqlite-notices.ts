// Owns in SQLite what is to be told: alerts with their times, notices in queues, and up to which revision rollouts were told of.
import type { JsonValue } from '../contract/digest.ts';
import { type AlertRecord, MOST_ALERTS } from '../rollout/alert-book.ts';
import { ALERT_KINDS } from '../rollout/alerts.ts';
import type { NoticeOrder, QueuedNotice } from './fleet-store.ts';
import { integer, textual } from './sqlite-counters.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** A target that takes nothing for so long loses its oldest notices. */
export const MOST_QUEUED_NOTICES = 10_000;

export function readAlerts(db: SqliteDatabase): readonly AlertRecord[] {
  const rows = db.prepare('SELECT record FROM alert ORDER BY number LIMIT ?').all(MOST_ALERTS);
  const records = rows.map((row) => JSON.parse(textual(row.record)) as AlertRecord);
  // A newer Slipway may have written kinds that this one can't end.
  return records.filter((record) => (ALERT_KINDS as readonly string[]).includes(record.kind));
}

export function readTold(db: SqliteDatabase): ReadonlyMap<string, number> {
  const rows = db.prepare('SELECT rollout, revision FROM told_revision').all();
  return new Map(rows.map((row) => [textual(row.rollout), integer(row.revision)]));
}

/** All of it or, when the lease is another's by now, nothing. */
export function commitNotices(db: SqliteDatabase, order: NoticeOrder): 'recorded' | 'lost' {
  return db.transact(() => {
    const lease = db.prepare('SELECT token FROM lease WHERE name = ? AND holder IS NOT NULL').get(order.lease);
    if (lease?.token !== order.token) return 'lost';
    if (order.alerts !== undefined) {
      db.prepare('DELETE FROM alert').run();
      for (const alert of order.alerts)
        db.prepare('INSERT INTO alert (id, record) VALUES (?, ?)').run(alert.id, JSON.stringify(alert));
    }
    for (const [rollout, revision] of order.told ?? []) {
      db.prepare(
        'INSERT INTO told_revision (rollout, revision) VALUES (?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision',
      ).run(rollout, revision);
    }
    for (const { target, id, notice } of order.notices) {
      db.prepare('INSERT INTO notice (target, id, notice) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
        target,
        id,
        JSON.stringify(notice),
      );
    }
    for (const target of new Set(order.notices.map((one) => one.target))) forgetOldest(db, target);
    return 'recorded';
  });
}

function forgetOldest(db: SqliteDatabase, target: string): void {
  db.prepare(
    `DELETE FROM notice WHERE target = ? AND number <=
     (SELECT number FROM notice WHERE target = ? ORDER BY number DESC LIMIT 1 OFFSET ${MOST_QUEUED_NOTICES})`,
  ).run(target, target);
}

/** The oldest first. */
export function readNotices(db: SqliteDatabase, target: string, most: number): readonly QueuedNotice[] {
  const rows = db
    .prepare('SELECT number, id, notice FROM notice WHERE target = ? ORDER BY number LIMIT ?')
    .all(target, most);
  return rows.map((row) => ({
    number: integer(row.number),
    id: textual(row.id),
    notice: JSON.parse(textual(row.notice)) as JsonValue,
  }));
}

export function dropNotice(db: SqliteDatabase, number: number): void {
  db.prepare('DELETE FROM notice WHERE number = ?').run(number);
}

export function dropNoticesOf(db: SqliteDatabase, target: string): number {
  return integer(db.prepare('DELETE FROM notice WHERE target = ?').run(target).changes);
}

export function countNotices(db: SqliteDatabase): ReadonlyMap<string, number> {
  const rows = db.prepare('SELECT target, count(*) AS waiting FROM notice GROUP BY target').all();
  return new Map(rows.map((row) => [textual(row.target), integer(row.waiting)]));
}
