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

    readNotices: (target, most) =>
      db.once(() => {
        const rows = db
          .prepare('SELECT number, id, notice FROM notice WHERE target = ? ORDER BY number LIMIT ?')
          .all(target, most);
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

    dropNoticesOf: (target) =>
      db.once(() => integer(db.prepare('DELETE FROM notice WHERE target = ?').run(target).changes)),

    countNotices: () =>
      db.once(() => {
        const rows = db.prepare('SELECT target, count(*) AS waiting FROM notice GROUP BY target').all();
        return new Map(rows.map((row) => [textual(row.target), integer(row.waiting)]));
      }),
  };
}

function write(db: SqliteDatabase, { alerts, notified, notices }: NoticeOrder): void {
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
  for (const { target, id, notice } of notices) {
    db.prepare('INSERT INTO notice (target, id, notice) VALUES (?, ?, ?) ON CONFLICT DO NOTHING').run(
      target,
      id,
      JSON.stringify(notice),
    );
  }
  for (const target of new Set(notices.map((one) => one.target))) {
    db.prepare(
      `DELETE FROM notice WHERE target = ? AND number <=
       (SELECT number FROM notice WHERE target = ? ORDER BY number DESC LIMIT 1 OFFSET ${MOST_QUEUED_NOTICES})`,
    ).run(target, target);
  }
}
