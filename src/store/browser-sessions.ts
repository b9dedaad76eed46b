// Owns what a store promises about browser sessions: it keeps the hash of each alone, finds them in every process, and bounds their number.

/** Sessions that are kept; the oldest go first. */
export const MOST_SESSIONS = 5_000;
/** Of one token or person: logging in again and again must not end the sessions of others. */
export const MOST_SESSIONS_OF_ONE = 50;

export interface BrowserSession {
  /** What it stands for, as its maker wrote it: the store only compares it. */
  readonly bearer: string;
  /** What the session's maker wants to know again: plain JSON. */
  readonly facts: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface BrowserSessions {
  /** Keeps a session under the hash of its secret. */
  beginSession(hash: string, session: BrowserSession): Promise<void>;
  /** The session of this hash; one that expired may still be there. */
  findSession(hash: string): Promise<BrowserSession | undefined>;
  /** Repeating is safe. */
  endSession(hash: string): Promise<void>;
  /** Forgets sessions that expired, and gives their number. */
  forgetSessions(nowMs: number): Promise<number>;
}
