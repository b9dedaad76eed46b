// Owns silences: what keeps an alert from people for a time, while the alert itself goes on.
import type { AlertChange, AlertRecord, SteppedBook } from './alert-book.ts';

export interface Silence {
  readonly id: string;
  /** Id of an alert; null for all alerts of the rollout. */
  readonly alert: string | null;
  /** A rollout; null for all, and for an alert. */
  readonly rollout: string | null;
  readonly reason: string;
  /** Who asked for it: the name of a token or of a person. */
  readonly by: string;
  readonly atMs: number;
  readonly untilMs: number;
}

/** As many at once; more are a mistake, or somebody who wants nobody to hear anything. */
export const MOST_SILENCES = 200;
export const LONGEST_SILENCE_MS = 30 * 24 * 60 * 60_000;

export function isInForce({ atMs, untilMs }: Silence, nowMs: number): boolean {
  // A clock that was set back must not make a silence longer than it may be.
  return nowMs < untilMs && untilMs - nowMs <= LONGEST_SILENCE_MS && untilMs > atMs;
}

/** The silence that keeps an alert back longest; undefined when none does. */
function silenceOf(
  { id, rollout }: Pick<AlertRecord, 'id' | 'rollout'>,
  silences: readonly Silence[],
  nowMs: number,
): Silence | undefined {
  return silences
    .filter((one) => isInForce(one, nowMs) && (one.alert === null ? one.rollout === rollout : one.alert === id))
    .toSorted((a, b) => b.untilMs - a.untilMs)[0];
}

/**
 * The book with what silences keep back. Nobody is told of an alert that began in a silence before the silence is over, and nobody of its end
 * if it ended by then. Whoever knows of an alert hears of its end, silence or not.
 */
export function withSilences(stepped: SteppedBook, silences: readonly Silence[], nowMs: number): SteppedBook {
  const raisedNow = new Set(stepped.changes.flatMap(({ kind, alert }) => (kind === 'raised' ? [alert.id] : [])));
  const changes: AlertChange[] = stepped.changes.filter(({ kind, alert }) => kind === 'ended' && !alert.isWithheld);
  let { isChanged } = stepped;
  const records = stepped.records.map((record): AlertRecord => {
    const { silenced: before, isWithheld = false, ...bare } = record;
    const found = record.raisedAtMs === null ? undefined : silenceOf(record, silences, nowMs);
    const isNew = raisedNow.has(record.id);
    const stays = found !== undefined && (isNew || isWithheld);
    const silenced = found && { untilMs: found.untilMs, reason: found.reason, by: found.by };
    const next: AlertRecord = { ...bare, ...(silenced && { silenced }), ...(stays && { isWithheld: true }) };
    if ((isNew || isWithheld) && found === undefined) changes.push({ kind: 'raised', alert: next });
    isChanged ||= stays !== isWithheld || before?.untilMs !== silenced?.untilMs;
    return next;
  });
  return { records, changes, isChanged };
}
