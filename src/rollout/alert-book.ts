// Owns the life of alerts: each is raised once when it begins and ended once when it is over, however often one looks.
import { createHash } from 'node:crypto';
import { type Alert, type AlertKind, type AlertReading, alertKeyOf } from './alerts.ts';

/** An alert with its times, as the store keeps it. Plain JSON; a later version only adds fields. */
export interface AlertRecord extends Alert {
  /** The same from the beginning to the end, over restarts. */
  readonly id: string;
  /** When the fact was first seen. */
  readonly sinceMs: number;
  /** Null while the fact has not stood for long enough. */
  readonly raisedAtMs: number | null;
  /** Since when the fact is gone; null while it stands. */
  readonly goneSinceMs: number | null;
  /** The silence that keeps it from people now. */
  readonly silenced?: { readonly untilMs: number; readonly reason: string; readonly by: string };
  /** It began in a silence: nobody was told of it yet. */
  readonly isWithheld?: true;
}

export interface AlertChange {
  readonly kind: 'raised' | 'ended';
  readonly alert: AlertRecord;
}

export interface SteppedBook {
  readonly records: readonly AlertRecord[];
  readonly changes: readonly AlertChange[];
  /** Is there anything to write? */
  readonly isChanged: boolean;
}

interface Times {
  /** The fact must have stood for so long. */
  readonly afterMs: number;
  /** It must have been gone for so long: what comes and goes is one alert. */
  readonly endAfterMs: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const AT_ONCE: Times = { afterMs: 0, endAfterMs: 0 };

/** A forged status, and evidence that was deleted, are put back within seconds: who looks a little later must still see that it was there. */
const TIMES: Partial<Readonly<Record<AlertKind, Times>>> = {
  'status-forged': { afterMs: 0, endAfterMs: 15 * MINUTE },
  'evidence-missing': { afterMs: 0, endAfterMs: 15 * MINUTE },
  'version-refused': { afterMs: 0, endAfterMs: 5 * SECOND },
  'signal-silent': { afterMs: 0, endAfterMs: MINUTE },
  'source-away': { afterMs: 2 * MINUTE, endAfterMs: 30 * SECOND },
  'cycle-failed': { afterMs: MINUTE, endAfterMs: 30 * SECOND },
  'devices-on-revoked': { afterMs: 0, endAfterMs: 30 * SECOND },
  'devices-refusing': { afterMs: 0, endAfterMs: 30 * SECOND },
  'devices-claiming': { afterMs: 0, endAfterMs: 15 * MINUTE },
  'reports-refused': { afterMs: 0, endAfterMs: 30 * SECOND },
};

/** More at once are the same trouble many times; the first say it. */
export const MOST_ALERTS = 1_000;

function idOf(alert: Alert, sinceMs: number): string {
  return createHash('sha256')
    .update(`${alertKeyOf(alert)}\n${sinceMs}`)
    .digest('hex')
    .slice(0, 32);
}

function isSame(a: AlertRecord, b: AlertRecord): boolean {
  return a.raisedAtMs === b.raisedAtMs && a.goneSinceMs === b.goneSinceMs;
}

function times(kind: AlertKind): Times {
  return TIMES[kind] ?? AT_ONCE;
}

/** An alert that is there: new, or as it was with what is said of it now. */
function standing(alert: Alert, before: AlertRecord | undefined, nowMs: number): AlertRecord {
  const known = before ?? { id: idOf(alert, nowMs), sinceMs: nowMs, raisedAtMs: null };
  // After a clock that went back, its time begins anew: else an alert would wait for as long as the step.
  const sinceMs = Math.min(known.sinceMs, nowMs);
  const isDue = nowMs - sinceMs >= times(alert.kind).afterMs;
  const { id } = known;
  const { silenced, isWithheld } = before ?? {};
  const kept = { ...(silenced && { silenced }), ...(isWithheld && { isWithheld }) };
  return { ...alert, ...kept, id, sinceMs, raisedAtMs: known.raisedAtMs ?? (isDue ? nowMs : null), goneSinceMs: null };
}

/** An alert that is not there any more; undefined when that is so for long enough. */
function fading(before: AlertRecord, nowMs: number): AlertRecord | undefined {
  if (before.raisedAtMs === null) return undefined;
  const goneSinceMs = Math.min(before.goneSinceMs ?? nowMs, nowMs);
  return nowMs - goneSinceMs >= times(before.kind).endAfterMs ? undefined : { ...before, goneSinceMs };
}

/** The book after a look. Times never run backwards: a look at an earlier time counts as one at the same. */
export function stepBook(book: readonly AlertRecord[], reading: AlertReading, nowMs: number): SteppedBook {
  const before = new Map(book.map((record) => [alertKeyOf(record), record]));
  const unknown = new Set(reading.unknown.map(alertKeyOf));
  const present = new Map(reading.present.map((alert) => [alertKeyOf(alert), alert]));
  const records: AlertRecord[] = [];
  const changes: AlertChange[] = [];
  let isChanged = false;
  for (const [key, record] of before) {
    const alert = present.get(key);
    const isKept = alert === undefined && unknown.has(key);
    const next = isKept ? record : alert === undefined ? fading(record, nowMs) : standing(alert, record, nowMs);
    if (next !== undefined) records.push(next);
    else if (record.raisedAtMs !== null) changes.push({ kind: 'ended', alert: record });
    if (next !== undefined && next.raisedAtMs !== null && record.raisedAtMs === null)
      changes.push({ kind: 'raised', alert: next });
    isChanged ||= next === undefined || !isSame(next, record);
  }
  for (const [key, alert] of present) {
    if (before.has(key) || records.length >= MOST_ALERTS) continue;
    const record = standing(alert, undefined, nowMs);
    records.push(record);
    if (record.raisedAtMs !== null) changes.push({ kind: 'raised', alert: record });
    isChanged = true;
  }
  return { records, changes, isChanged };
}
