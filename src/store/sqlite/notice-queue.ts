// Owns in SQLite alerts with their times, notices in queues, and which revisions people were notified of.
import type { JsonValue } from '../../contract/digest.ts';
import type { AlertRecord } from '../../rollout/alert-book.ts';
import { ALERT_KINDS } from '../../rollout/alerts.ts';
import { MOST_QUEUED_NOTICES, type NoticeOrder, type NoticeQueue } from '../notice-queue.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';
import { holdsLease } from './leases.ts';

export function noticeQueueIn(db: SqliteDatabase): NoticeQueue {
  return {
    readAlerts: () =>
      db.once(() => {
        const rows = db.prepare('SELECT record FROM alert ORDER BY number').all();
        const records = rows.map((row) => JSON.parse(textual(row.record)) as AlertRecord);
        // A newer Slipway may have written kinds that this one can't end.
        return records.filter((record) => (ALERT_KINDS as readonly string[]).includes(record.kind));
      }),

    readNotified: () =>
      db.once(() => {
        const rows = db.prepare('SELECT rollout, revision FROM notified_revision').all();
        return new Map(rows.map((row) => [textual(row.rollout), integer(row.revision)]));
      }),

    commitNotices: (order) =>
      db.transact(() => {
        if (!holdsLease(db, order)) return 'lost';
        write(db, order);
        return 'recorded';
      }),

    readNotices: (target, lane, most) =>
      db.once(() => {
        const rows = db
          .prepare('SELECT number, id, notice FROM notice WHERE target = ? AND lane = ? ORDER BY number LIMIT ?')
          .all(target, lane, most);
        return rows.map((row) => ({
          number: integer(row.number),
          id: textual(row.id),
          notice: JSON.parse(textual(row.notice)) as JsonValue,
        }));
      }),

    dropNotice: (number) =>
      db.once(() => {
        db.prepare('DELETE FROM notice WHERE number = ?').run(number);
      }),

    loseNotice: (number, nowMs) =>
      db.transact(() => {
        const gone = db.prepare('DELETE FROM notice WHERE number = ? RETURNING target').get(number);
        if (gone !== undefined) countLost(db, textual(gone.target), 1, nowMs);
      }),

    readLostNotices: () =>
      db.once(() => {
        const rows = db.prepare('SELECT target, count, last_at FROM lost_notice').all();
        return new Map(
          rows.map((row) => [textual(row.target), { count: integer(row.count), lastAtMs: integer(row.last_at) }]),
        );
      }),

    dropNoticesOf: (target) =>
      db.once(() => integer(db.prepare('DELETE FROM notice WHERE target = ?').run(target).changes)),

    countNotices: () =>
      db.once(() => {
        const rows = db.prepare('SELECT target, count(*) AS waiting FROM notice GROUP BY target').all();
        return new Map(rows.map((row) => [textual(row.target), integer(row.waiting)]));
      }),
  };
}

function countLost(db: SqliteDatabase, target: string, count: number, nowMs: number): void {
  db.prepare(
    `INSERT INTO lost_notice (target, count, last_at) VALUES (?, ?, ?)
     ON CONFLICT DO UPDATE SET count = count + excluded.count, last_at = excluded.last_at`,
  ).run(target, count, Math.floor(nowMs));
}

function write(db: SqliteDatabase, { alerts, notified, notices, nowMs }: NoticeOrder): void {
  if (alerts !== undefined) {
    db.prepare('DELETE FROM alert').run();
    const insert = db.prepare('INSERT INTO alert (id, record) VALUES (?, ?)');
    for (const alert of alerts) insert.run(alert.id, JSON.stringify(alert));
  }
  for (const [rollout, revision] of notified ?? []) {
    db.prepare(
      'INSERT INTO notified_revision (rollout, revision) VALUES (?, ?) ON CONFLICT DO UPDATE SET revision = excluded.revision',
    ).run(rollout, revision);
  }
  const insert = db.prepare('INSERT INTO notice (target, lane, id, notice) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING');
  for (const { target, lane, id, notice } of notices) insert.run(target, lane, id, JSON.stringify(notice));
  const cut = db.prepare(
    `DELETE FROM notice WHERE target = ? AND lane = ? AND number <=
     (SELECT number FROM notice WHERE target = ? AND lane = ? ORDER BY number DESC LIMIT 1 OFFSET ${MOST_QUEUED_NOTICES})`,
  );
  for (const [target, own] of Map.groupBy(notices, (one) => one.target)) {
    for (const lane of new Set(own.map((one) => one.lane))) {
      const lost = Number(cut.run(target, lane, target, lane).changes);
      if (lost > 0) countLost(db, target, lost, nowMs);
    }
  }
}
