// Owns the history of rollouts as rows: which version, what was done and why in one line, by whom, and whether the reconciler signed it.
import { parseInstant } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { asSentence, clipped, oneLine } from '../../base/plain-text.ts';
import { formatDuration } from '../../contract/duration.ts';
import type { StepReason } from '../../rollout/reasons.ts';
import type { ListedCommit } from '../../snapshot/commit-list.ts';
import { type EvidencePredicate, subjectOf } from '../../snapshot/evidence.ts';
import { type PastStep, stepCommits, stepOfCommit } from '../../snapshot/past-steps.ts';
import { stepInWords } from '../../wording/step-in-words.ts';
import { stepReasonInWords } from '../../wording/step-reason-in-words.ts';
import type { PastAt } from './past.ts';
import type { HistoryPage, HistoryRow } from './types.generated.ts';

const MOST_TEXT = 500;

export interface HistoryQuestion {
  /** One rollout with the commits of people; the steps of all when it is null. */
  readonly rollout: string | null;
  /** Path of the rollout's file; null: commits of people are left out. */
  readonly file?: string | null;
  /** Where the page before ended. */
  readonly cursor?: string | null;
  readonly limit: number;
}

/** Commits of people that one page compares with their parents. */
const MOST_COMPARED = 500;

interface Entry {
  readonly id: string;
  readonly step: PastStep | null;
  /** Where there is no step. */
  readonly listed: ListedCommit | null;
}

/** A page of the history, newest first. Throws HISTORY_CURSOR. */
export async function readHistory(past: PastAt, question: HistoryQuestion): Promise<HistoryPage> {
  const { limit, rollout, file = null, cursor = null } = question;
  const entries = rollout === null ? allSteps(past) : entriesOf(past, rollout, file !== null);
  const from = cursor === null ? 0 : entries.findIndex(({ id }) => id === cursor) + 1;
  if (cursor !== null && from === 0) throw unknownCursor();
  const rows: HistoryRow[] = [];
  let compared = 0;
  let at = from;
  for (; at < entries.length && rows.length < limit && compared < MOST_COMPARED; at++) {
    const entry = entries[at];
    if (entry === undefined) break;
    if (entry.step !== null) {
      rows.push(await stepRow(past, entry.step));
      continue;
    }
    compared++;
    const row = entry.listed && (await personRow(past, entry.listed, { rollout: rollout ?? '', file: file ?? '' }));
    if (row !== null) rows.push(row);
  }
  const isEnd = at >= entries.length;
  return { rows, next: isEnd ? null : (entries[at - 1]?.id ?? null), isCut: past.list.isCut };
}

function unknownCursor(): CodedError {
  return new CodedError({
    code: 'HISTORY_CURSOR',
    message: 'The history has no entry of this cursor.',
    remedy: 'Begin at the first page: the branch may have been rewritten.',
  });
}

function idOf({ commit, file }: PastStep): string {
  return commit?.commit ?? file;
}

function allSteps(past: PastAt): Entry[] {
  return stepCommits(past.list).map((one): Entry => {
    const step = stepOfCommit(one, past.layout.evidence);
    return { id: idOf(step), step, listed: null };
  });
}

/** The steps of one rollout, and between them the commits that may be people's. */
function entriesOf(past: PastAt, rollout: string, withPeople: boolean): Entry[] {
  const steps = past.stepsOf(rollout);
  if (!withPeople) return steps.map((step) => ({ id: idOf(step), step, listed: null }));
  const byCommit = new Map(steps.flatMap((step) => (step.commit === null ? [] : [[step.commit.commit, step]])));
  const alone = steps.filter(({ commit }) => commit === null);
  const entries: Entry[] = [];
  const before = (revision: number | null): void => {
    while (alone[0] !== undefined && (alone[0].revision ?? 0) > (revision ?? Number.POSITIVE_INFINITY)) {
      const [step] = alone.splice(0, 1);
      if (step !== undefined) entries.push({ id: idOf(step), step, listed: null });
    }
  };
  for (const listed of past.list.commits) {
    const { commit, step: trailers } = listed;
    const step = byCommit.get(commit);
    if (step !== undefined) before(step.revision);
    if (step !== undefined || trailers === null) entries.push({ id: commit, step: step ?? null, listed });
  }
  before(-1);
  return entries;
}

/** A person's commit that changed the file; null for one that did not. */
export async function personRow(
  past: PastAt,
  listed: ListedCommit,
  { rollout, file }: { readonly rollout: string; readonly file: string },
): Promise<HistoryRow | null> {
  if (!(await past.changes(listed, [file]))) return null;
  const { message } = await past.commit(listed.commit);
  const body = message.split(/\n\s*\n/)[1] ?? '';
  return {
    ...{ rollout, commit: listed.commit, revision: null, kind: 'person', atMs: listed.atMs, transition: null },
    ...{ by: listed.author, version: null, what: listed.title },
    reason: /^[A-Za-z-]+: /.test(body) ? '' : clipped(oneLine(body), MOST_TEXT),
    ...{ stages: [], evidence: null, evidenceMissing: null, signature: 'unknown', signatureReason: null },
  };
}

export async function stepRow(past: PastAt, step: PastStep): Promise<HistoryRow> {
  const answer = await past.evidenceOf(step);
  const signature = await past.signatureOf(step, answer);
  const isSigned = signature.kind === 'verified' || signature.kind === 'unknown';
  const predicate = answer.kind === 'seen' ? answer.evidence.predicate : null;
  const { commit, trailers, rollout, revision, transition } = step;
  const decidedAtMs = predicate === null ? undefined : parseInstant(predicate.decidedAt);
  return {
    ...{ rollout, commit: commit?.commit ?? null, revision },
    kind: oneLine(predicate?.transition.kind ?? trailers?.kind ?? ''),
    atMs: commit?.atMs ?? decidedAtMs ?? 0,
    transition: oneLine(transition),
    by: askedBy(predicate?.transition.reason) ?? commit?.author ?? 'reconciler',
    ...((predicate === null ? null : fromEvidence(predicate)) ?? fromTitle(step)),
    evidence: answer.kind === 'seen' ? answer.evidence.file : null,
    evidenceMissing: answer.kind === 'seen' ? null : answer.kind,
    signature: signature.kind,
    signatureReason: isSigned ? null : clipped(oneLine(signature.reason), MOST_TEXT),
  };
}

/** Who asked for it, where a person did. */
function askedBy(reason: StepReason | undefined): string | undefined {
  const by: unknown = reason === undefined ? undefined : (reason as { readonly by?: unknown }).by;
  return typeof by === 'string' ? clipped(oneLine(by), 100) : undefined;
}

type Told = Pick<HistoryRow, 'version' | 'what' | 'reason' | 'stages'>;

/** Anyone can write a title: without evidence it is all there is. */
function fromTitle({ commit, rollout, transition }: PastStep): Told {
  const title = (commit?.title ?? '').replace(`rollout(${rollout}): `, '');
  const [, what = title, reason = ''] = /^(.*?): (.*)$/.exec(title) ?? [];
  return { version: null, what: what === '' ? oneLine(transition) : what, reason, stages: [] };
}

/** Evidence may have been written by anyone who can push: what can't be told is told as its title. */
function fromEvidence(predicate: EvidencePredicate): Told | null {
  try {
    const { transition, status, verdict, cohort } = predicate;
    const { groups } = transition;
    const subject = subjectOf(predicate);
    const what = stepInWords({ ...transition, subject, next: { stable: status.stable ?? null } });
    const why = stepReasonInWords({ ...transition, verdict, cohort, ...(groups === undefined ? {} : { groups }) });
    return {
      version: subject === null ? null : clipped(oneLine(subject.version), 100),
      what: clipped(oneLine(what === '' ? why : what), MOST_TEXT),
      reason: clipped(asSentence(why), MOST_TEXT),
      stages: stageCells(predicate),
    };
  } catch {
    return null;
  }
}

/** What the step did in its stages, as the matrix of commits and stages shows it. */
function stageCells({ transition, verdict, window, cohort }: EvidencePredicate): HistoryRow['stages'][number][] {
  const { kind, from, to } = transition;
  const rules = (verdict?.rules ?? []).filter((rule) => !rule.dryRun);
  const count = (wanted: string): number => rules.filter((rule) => rule.verdict === wanted).length;
  const time = window === null ? '' : `, ${formatDuration(window.listenedMs)}`;
  const left = `${count('fail') > 0 ? `${count('fail')} fail` : `${count('pass')} pass`}${time}`;
  const opened = { stage: to, text: 'opened', state: 'current' } as const;
  switch (kind) {
    case 'start':
      return [opened];
    case 'advance':
      return [{ stage: from, text: left, state: 'passed' }, opened];
    case 'complete':
      return [{ stage: from, text: left, state: 'passed' }];
    case 'roll-back':
    case 'supersede':
      return [{ stage: from, text: cohort === null ? 'stopped' : left, state: 'reverted' }];
    case 'pause':
      return [{ stage: from, text: 'paused', state: 'waits' }];
    case 'reopen':
      return [{ stage: to, text: 'resumed', state: 'current' }];
    default:
      return [];
  }
}
