// Owns browser sessions in memory.
import { type BrowserSession, type BrowserSessions, MOST_SESSIONS, MOST_SESSIONS_OF_ONE } from '../browser-sessions.ts';

export function browserSessionsInMemory(): BrowserSessions {
  /** By hash, the oldest first. */
  const sessions = new Map<string, BrowserSession>();
  const dropOldest = (which: (session: BrowserSession) => boolean, most: number): void => {
    const found = [...sessions].filter(([, session]) => which(session));
    for (const [hash] of found.slice(0, Math.max(0, found.length - most))) sessions.delete(hash);
  };
  return {
    beginSession: async (hash, session) => {
      sessions.set(hash, session);
      dropOldest(({ bearer }) => bearer === session.bearer, MOST_SESSIONS_OF_ONE);
      dropOldest(() => true, MOST_SESSIONS);
    },
    findSession: async (hash) => sessions.get(hash),
    endSession: async (hash) => {
      sessions.delete(hash);
    },
    forgetSessions: async (nowMs) => {
      const before = sessions.size;
      for (const [hash, { expiresAtMs }] of sessions) if (expiresAtMs <= nowMs) sessions.delete(hash);
      return before - sessions.size;
    },
  };
}
