// Owns delivery figures: how long versions take to reach everyone, how often they do, how often they are taken back and why.
import { oneLine } from '../../base/plain-text.ts';
import { attemptsOf, type Budget, evidenceOf, findWish, type PastAttempt, rolloutsOf } from './attempts.ts';
import type { PastAt } from './past.ts';
import type { FigureRow, Figures, Spread } from './types.generated.ts';

const DAY_MS = 86_400_000;
const MOST_ROLLOUTS = 10_000;
/** Beyond, the lead time of an attempt is not known. */
const MOST_COMPARED = 20_000;

export interface FiguresQuestion {
  readonly fromMs: number;
  readonly untilMs: number;
  /** One rollout; all when it is null. */
  readonly rollout: string | null;
}

/** An attempt that ended, or started, in the period. */
interface Counted {
  readonly attempt: PastAttempt;
  readonly model: string;
  readonly leadTimeMs: number | null;
  readonly reason: string | null;
}

/** Nearest rank: a number that was really seen. */
function spreadOf(durations: readonly (number | null)[]): Spread | null {
  const sorted = durations.filter((one) => one !== null).sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return sorted.length === 0 ? null : { count: sorted.length, medianMs: at(0.5), p90Ms: at(0.9) };
}

function isWithin(atMs: number | undefined, { fromMs, untilMs }: Pick<FiguresQuestion, 'fromMs' | 'untilMs'>): boolean {
  return atMs !== undefined && atMs >= fromMs && atMs < untilMs;
}

function rowOf(name: string, all: readonly Counted[], period: Pick<FiguresQuestion, 'fromMs' | 'untilMs'>): FigureRow {
  const ended = all.filter(({ attempt }) => isWithin(attempt.end?.atMs, period));
  const by = (how: string): Counted[] => ended.filter(({ attempt }) => attempt.end?.how === how);
  const [completed, takenBack] = [by('completed'), by('taken-back')];
  const decided = completed.length + takenBack.length;
  const days = (period.untilMs - period.fromMs) / DAY_MS;
  const reasons = Map.groupBy(takenBack, ({ reason }) => reason ?? 'not known');
  const restored = takenBack.map(({ attempt: { start, end } }) => (start && end ? end.atMs - start.atMs : null));
  return {
    name,
    started: all.filter(({ attempt }) => isWithin(attempt.start?.atMs, period)).length,
    ...{ completed: completed.length, takenBack: takenBack.length, superseded: by('superseded').length },
    perWeek: days < 1 ? null : (7 * completed.length) / days,
    leadTime: spreadOf(completed.map(({ leadTimeMs }) => leadTimeMs)),
    changeFailureRate: decided === 0 ? null : takenBack.length / decided,
    timeToRestore: spreadOf(restored),
    reasons: [...reasons]
      .map(([reason, { length: count }]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
  };
}

/** What took it back: a rule by its name, or the kind of reason. */
async function reasonOf(past: PastAt, { end }: PastAttempt): Promise<string | null> {
  if (end?.how !== 'taken-back') return null;
  const reason = (await evidenceOf(past, end.step))?.predicate.transition.reason;
  if (reason === undefined) return null;
  return oneLine(reason.kind === 'rule-failed' ? String(reason.rule) : String(reason.kind)).slice(0, 200);
}

async function modelOf(past: PastAt, { end, start }: PastAttempt): Promise<string> {
  const step = end?.step ?? start?.step;
  const model: unknown = step && (await evidenceOf(past, step))?.predicate.transition.model;
  return typeof model === 'string' ? oneLine(model).slice(0, 100) : 'not known';
}

async function countedOf(past: PastAt, attempt: PastAttempt, budget: Budget): Promise<Counted> {
  const { end } = attempt;
  const wish = end?.how === 'completed' ? await findWish(past, attempt, budget) : null;
  return {
    attempt,
    model: await modelOf(past, attempt),
    leadTimeMs: wish === null || end === null ? null : end.atMs - wish.atMs,
    reason: await reasonOf(past, attempt),
  };
}

function monthStart(atMs: number, more = 0): number {
  const date = new Date(atMs);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + more, 1);
}

/** By calendar month, in which something ended. */
function monthsOf(all: readonly Counted[], { fromMs, untilMs }: FiguresQuestion): FigureRow[] {
  const ends = all.flatMap(({ attempt: { end } }) => (end === null ? [] : [end.atMs]));
  const months = new Set(ends.filter((atMs) => isWithin(atMs, { fromMs, untilMs })).map((atMs) => monthStart(atMs)));
  return [...months]
    .sort((a, b) => a - b)
    .map((month) => {
      const period = { fromMs: Math.max(fromMs, month), untilMs: Math.min(untilMs, monthStart(month, 1)) };
      return rowOf(new Date(month).toISOString().slice(0, 7), all, period);
    });
}

/** Over attempts that ended in the period; attempts under way count as started alone. */
export async function readFigures(past: PastAt, question: FiguresQuestion): Promise<Figures> {
  const { fromMs, untilMs, rollout } = question;
  const names = rolloutsOf(past).filter((name) => rollout === null || name === rollout);
  const all: Counted[] = [];
  const budget = { comparisons: MOST_COMPARED };
  for (const name of names.slice(0, MOST_ROLLOUTS))
    for (const attempt of await attemptsOf(past, name))
      if (isWithin(attempt.end?.atMs, question) || isWithin(attempt.start?.atMs, question))
        all.push(await countedOf(past, attempt, budget));
  const grouped = (by: (one: Counted) => string): FigureRow[] =>
    [...Map.groupBy(all, by)]
      .map(([name, some]) => rowOf(name, some, question))
      .sort((a, b) => (a.name < b.name ? -1 : 1));
  return {
    ...{ commit: past.list.head, fromMs, untilMs, isCut: past.list.isCut },
    all: rowOf('all', all, question),
    rollouts: grouped(({ attempt }) => attempt.rollout),
    models: grouped(({ model }) => model),
    months: monthsOf(all, question),
  };
}
