// Owns listening time: it counts once, however many processes listen, and only while at least one of them does.
import type { Listening } from './window-store.ts';

/** Heartbeats that may be missed before the time since the last one no longer counts as listening. */
const MOST_MISSED_HEARTBEATS = 5;

/**
 * The listening time after a heartbeat. A longer gap adds nothing: reports may have come in vain. A clock that went back adds nothing either,
 * and a jump back beyond the gap starts from the new time.
 */
export function listenedAfter(before: Listening, nowMs: number, heartbeatMs: number): Listening {
  const now = Math.floor(nowMs);
  const { listenedMs, heartbeatAtMs } = before;
  const sinceMs = heartbeatAtMs === null ? 0 : now - heartbeatAtMs;
  const mostMs = MOST_MISSED_HEARTBEATS * heartbeatMs;
  // Another process of this machine may have written an instant just ahead of ours.
  if (heartbeatAtMs !== null && sinceMs <= 0 && sinceMs >= -mostMs) return before;
  const addedMs = sinceMs <= 0 || sinceMs > mostMs ? 0 : sinceMs;
  return { listenedMs: listenedMs + addedMs, heartbeatAtMs: now };
}
