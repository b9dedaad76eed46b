// Owns the post-mortem of one attempt: what happened, with the numbers of each look, from Git and evidence alone.
import { CodedError } from '../../base/errors.ts';
import { clipped, oneLine, withoutControls } from '../../base/plain-text.ts';
import type { ListedCommit } from '../../snapshot/commit-list.ts';
import { type EvidencePredicate, subjectOf } from '../../snapshot/evidence.ts';
import type { PastStep } from '../../snapshot/past-steps.ts';
import { troubleInWords } from '../../wording/devices-in-words.ts';
import {
  backInWords,
  type EndedStep,
  hadIt,
  likelyGroup,
  nextInWords,
  POSTMORTEM_GAPS,
  postmortemFacts,
  postmortemSentence,
} from '../../wording/postmortem-in-words.ts';
import { runbookOfStep } from '../../wording/runbook-of.ts';
import { attemptsOf, evidenceOf, filesNamed, findWish, type PastAttempt } from './attempts.ts';
import { personRow, stepRow } from './history.ts';
import type { PastAt } from './past.ts';
import { rulesThen } from './rules-then.ts';
import type { HistoryRow, Postmortem } from './types.generated.ts';

const MOST_LOOKS = 20;
const MOST_STEPS = 200;
const MOST_LOOKED = 500;
const MOST_MESSAGE = 20_000;
const MOST_LISTED = 100;

export interface PostmortemQuestion {
  readonly rollout: string;
  /** A step of the attempt; null: the newest attempt that was taken back. */
  readonly revision: number | null;
}

/** Throws POSTMORTEM_NONE, POSTMORTEM_EVIDENCE. */
export async function readPostmortem(past: PastAt, question: PostmortemQuestion): Promise<Postmortem> {
  const attempt = await findAttempt(past, question);
  try {
    return await tell(past, attempt);
  } catch (thrown) {
    if (!(thrown instanceof TypeError)) throw thrown;
    // Evidence may have been written by anyone who can push: what is not in its form can't be told.
    throw noEvidence(attempt.rollout, ['it is not in the format of Slipway evidence.']);
  }
}

async function tell(past: PastAt, attempt: PastAttempt): Promise<Postmortem> {
  const { rollout, steps } = attempt;
  const known: { step: PastStep; predicate: EvidencePredicate }[] = [];
  const missing: string[] = [];
  for (const step of steps.slice(-MOST_STEPS)) {
    const evidence = await evidenceOf(past, step);
    if (evidence === null)
      missing.push(`The evidence of step ${oneLine(step.transition)} is not in this repository, or can't be read.`);
    else known.push({ step, predicate: evidence.predicate });
  }
  const last = known.at(-1);
  const subject = last === undefined ? null : subjectOf(last.predicate);
  if (last === undefined || subject === null) throw noEvidence(rollout, missing);
  if (past.list.isCut)
    missing.push('The history of this clone is cut off: run `git fetch --unshallow` to see who asked for it.');
  const { predicate } = last;
  const ended = endedStep(predicate, subject, attempt);
  const rows = await rowsOf(past, attempt);
  const wish = await findWish(past, attempt);
  return {
    ...{ rollout, model: oneLine(predicate.transition.model), revision: predicate.revision },
    ...{ attempt: subject.attempt, commit: past.list.head, outcome: outcomeOf(attempt, predicate) },
    version: { version: subject.version, digest: subject.digest },
    stable: predicate.status.stable && {
      version: predicate.status.stable.version,
      digest: predicate.status.stable.digest,
    },
    sentence: postmortemSentence(ended),
    facts: postmortemFacts(ended),
    timeline: timelineOf(rows, wish),
    looks: looksOf(known),
    failed: (predicate.verdict?.rules ?? []).filter(isBroken).map(({ rule }) => clipped(oneLine(rule), 300)),
    devices: devicesOf(predicate, ended),
    likelyGroup: likelyGroup(predicate.verdict),
    people: rows.filter(({ kind }) => kind === 'person'),
    step: await endingStep(past, last.step, rows),
    runbook: runbookOfStep({ ...predicate.transition, verdict: predicate.verdict }),
    next: nextInWords(ended, rollout),
    gaps: POSTMORTEM_GAPS,
    missing,
  };
}

function isBroken({ verdict, dryRun }: { readonly verdict: string; readonly dryRun: boolean }): boolean {
  return verdict === 'fail' && !dryRun;
}

async function findAttempt(past: PastAt, { rollout, revision }: PostmortemQuestion): Promise<PastAttempt> {
  const attempts = await attemptsOf(past, rollout);
  const found =
    revision === null
      ? attempts.findLast(({ end }) => end?.how === 'taken-back')
      : attempts.find(({ steps }) => steps.some((step) => step.revision === revision));
  if (found !== undefined) return found;
  const revisions = attempts.flatMap(({ end }) => (end?.step.revision ? [end.step.revision] : [])).slice(-10);
  throw new CodedError({
    code: 'POSTMORTEM_NONE',
    message:
      revision === null
        ? `No version of ${oneLine(rollout)} was taken back${past.list.isCut ? ' as far as this clone goes' : ''}.`
        : `${oneLine(rollout)} has no step of revision ${revision}${past.list.isCut ? ' in this clone' : ''}.`,
    remedy:
      attempts.length === 0
        ? '`slipway history` shows the steps that there are.'
        : `Pass --revision with a step of the attempt that you mean, such as ${revisions.join(', ')}.`,
  });
}

function noEvidence(rollout: string, missing: readonly string[]): CodedError {
  return new CodedError({
    code: 'POSTMORTEM_EVIDENCE',
    message: `The evidence of this attempt of ${oneLine(rollout)} is gone${missing.length === 0 ? '' : `: ${missing[0]}`}`,
    remedy: 'Read it at a commit that still has it: pass --branch, or a clone with the whole history.',
  });
}

function endedStep(
  { transition, status, verdict, cohort, window }: EvidencePredicate,
  subject: NonNullable<EvidencePredicate['transition']['subject']>,
  { start, end }: PastAttempt,
): EndedStep {
  const { groups } = transition;
  return {
    ...{ kind: transition.kind, from: transition.from, to: transition.to, reason: transition.reason },
    ...{ verdict, cohort, window, version: oneLine(subject.version) },
    ...(groups === undefined ? {} : { groups }),
    stable: status.stable === null ? null : oneLine(status.stable.version),
    tookMs: start === null || end === null ? null : end.atMs - start.atMs,
  };
}

function outcomeOf({ end }: PastAttempt, { status }: EvidencePredicate): Postmortem['outcome'] {
  if (end === null) return 'under-way';
  if (end.how === 'completed') return 'complete';
  if (end.how === 'superseded') return 'superseded';
  return status.stable === null ? 'withdrawn' : 'reverted';
}

/** Its steps and the commits of people in between, oldest first. */
async function rowsOf(past: PastAt, { rollout, steps, start, end }: PastAttempt): Promise<HistoryRow[]> {
  const rows: HistoryRow[] = [];
  for (const step of steps.slice(-MOST_STEPS)) rows.push(await stepRow(past, step));
  for (const commit of between(past, start?.step.commit ?? null, end?.step.commit ?? null)) {
    for (const file of filesNamed(past, past.layout.rollouts, rollout)) {
      const row = await personRow(past, commit, { rollout, file });
      if (row !== null) rows.push(row);
    }
  }
  return rows.sort((a, b) => a.atMs - b.atMs || (a.revision ?? 0) - (b.revision ?? 0));
}

/** Commits of people after the start, up to the end; none where the start is not known. */
function between(past: PastAt, start: ListedCommit | null, end: ListedCommit | null): ListedCommit[] {
  const oldest = start === null ? -1 : (past.placeOf(start.commit) ?? -1);
  const newest = end === null ? 0 : (past.placeOf(end.commit) ?? -1);
  if (oldest < 0 || newest < 0) return [];
  return past.list.commits
    .slice(newest, oldest)
    .filter(({ step }) => step === null)
    .slice(0, MOST_LOOKED);
}

function timelineOf(rows: readonly HistoryRow[], wish: ListedCommit | null): Postmortem['timeline'] {
  const asked =
    wish === null
      ? []
      : [
          {
            ...{ atMs: wish.atMs, kind: 'wish' as const, what: wish.title, note: '' },
            ...{ by: wish.author, commit: wish.commit, revision: null },
          },
        ];
  const told = rows.map(({ atMs, kind, what, reason, by, commit, revision }) => {
    const which = kind === 'person' ? ('person' as const) : ('step' as const);
    return { atMs, kind: which, what, note: reason, by, commit, revision };
  });
  return [...asked, ...told];
}

function looksOf(
  known: readonly { readonly step: PastStep; readonly predicate: EvidencePredicate }[],
): Postmortem['looks'] {
  return known
    .filter(({ predicate }) => predicate.verdict !== null)
    .slice(-MOST_LOOKS)
    .map(({ step, predicate }) => {
      const { verdict, terms, transition, revision, inputs } = predicate;
      const atMs = Number.isFinite(inputs.now) ? inputs.now : (step.commit?.atMs ?? 0);
      return {
        ...{ atMs, revision, stage: oneLine(transition.from), what: oneLine(step.transition) },
        inferences: verdict?.measured.inferences ?? null,
        rules: rulesThen(verdict?.rules ?? [], terms, atMs),
      };
    });
}

function devicesOf(predicate: EvidencePredicate, ended: EndedStep): Postmortem['devices'] {
  const { cohort } = predicate;
  return {
    ...{ had: hadIt({ cohort }), wanted: cohort?.wanted ?? null, matching: cohort?.matching ?? null },
    back: backInWords(ended),
    troubled: (cohort?.troubled ?? []).slice(0, MOST_LISTED).map((one) => {
      return { device: clipped(oneLine(String(one.device)), 100), text: troubleInWords(one) };
    }),
  };
}

async function endingStep(
  past: PastAt,
  { commit, file }: PastStep,
  rows: readonly HistoryRow[],
): Promise<Postmortem['step']> {
  const oid = commit?.commit ?? null;
  const row = rows.findLast((one) => one.commit === oid && one.kind !== 'person');
  const message = oid === null ? '' : (await past.commit(oid)).message;
  return {
    ...{ commit: oid, message: clipped(withoutControls(message), MOST_MESSAGE), evidence: row?.evidence ?? file },
    signature: row?.signature ?? 'unknown',
    commands: oid === null ? [] : [`git show --show-signature ${oid.slice(0, 10)}`],
  };
}
