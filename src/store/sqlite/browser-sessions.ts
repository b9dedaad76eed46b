// Owns browser sessions in SQLite.
import { type BrowserSessions, MOST_SESSIONS, MOST_SESSIONS_OF_ONE } from '../browser-sessions.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

export function browserSessionsIn(db: SqliteDatabase): BrowserSessions {
  return {
    beginSession: (hash, { bearer, facts, createdAtMs, expiresAtMs }) =>
      db.transact(() => {
        db.prepare(
          'INSERT INTO browser_session (hash, bearer, facts, created_at, expires_at) VALUES (?, ?, ?, ?, ?)',
        ).run(hash, bearer, facts, Math.floor(createdAtMs), Math.floor(expiresAtMs));
        db.prepare(
          `DELETE FROM browser_session WHERE bearer = ? AND number NOT IN (
             SELECT number FROM browser_session WHERE bearer = ? ORDER BY number DESC LIMIT ${MOST_SESSIONS_OF_ONE})`,
        ).run(bearer, bearer);
        db.prepare(
          `DELETE FROM browser_session WHERE number IN (
             SELECT number FROM browser_session ORDER BY number
             LIMIT max(0, (SELECT count(*) FROM browser_session) - ${MOST_SESSIONS}))`,
        ).run();
      }),

    findSession: (hash) =>
      db.once(() => {
        const row = db.prepare('SELECT * FROM browser_session WHERE hash = ?').get(hash);
        return (
          row && {
            ...{ bearer: textual(row.bearer), facts: textual(row.facts) },
            ...{ createdAtMs: integer(row.created_at), expiresAtMs: integer(row.expires_at) },
          }
        );
      }),

    endSession: (hash) =>
      db.once(() => {
        db.prepare('DELETE FROM browser_session WHERE hash = ?').run(hash);
      }),

    forgetSessions: (nowMs) =>
      db.once(() =>
        Number(db.prepare('DELETE FROM browser_session WHERE expires_at <= ?').run(Math.floor(nowMs)).changes),
      ),
  };
}
