// Owns listening time in SQLite: time counts once, however many processes listen, and only while at least one of them does.
import type { Listening } from './fleet-store.ts';
import { readCounter, writeCounter } from './sqlite-counters.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

/** Heartbeats that may be missed before the time since the last counts as deaf. */
export const MOST_MISSED_HEARTBEATS = 5;

/**
 * Adds the time since the last heartbeat of any process to the total and to each open window. A longer gap adds nothing: reports may have
 * knocked in vain. A clock that went back adds nothing either, and a jump back beyond the gap starts from the new time.
 */
export function recordListening(db: SqliteDatabase, nowMs: number, heartbeatMs: number): Listening {
  return db.transact(() => {
    const now = Math.floor(nowMs);
    const { listenedMs, heartbeatAtMs } = readListening(db);
    const sinceMs = heartbeatAtMs === null ? 0 : now - heartbeatAtMs;
    const mostMs = MOST_MISSED_HEARTBEATS * heartbeatMs;
    // Another process of this machine may have written an instant just ahead of ours.
    if (heartbeatAtMs !== null && sinceMs <= 0 && sinceMs >= -mostMs) return { listenedMs, heartbeatAtMs };
    writeCounter(db, 'heartbeat_at', now);
    if (sinceMs <= 0 || sinceMs > mostMs) return { listenedMs, heartbeatAtMs: now };
    writeCounter(db, 'listened_ms', listenedMs + sinceMs);
    db.prepare(
      'UPDATE telemetry_window SET listened_ms = listened_ms + ?, ready_ms = ready_ms + ? * ready WHERE closed_at IS NULL',
    ).run(sinceMs, sinceMs);
    return { listenedMs: listenedMs + sinceMs, heartbeatAtMs: now };
  });
}

export function readListening(db: SqliteDatabase): Listening {
  const heartbeatAt = readCounter(db, 'heartbeat_at');
  return { listenedMs: readCounter(db, 'listened_ms'), heartbeatAtMs: heartbeatAt === 0 ? null : heartbeatAt };
}
