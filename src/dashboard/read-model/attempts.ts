// Owns the attempts of a rollout as its past has them: which version started when, who asked for it, and how it ended.
import { parseInstant } from '../../base/clock.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import { nameOfPath } from '../../documents/repository-layout.ts';
import { findInTree, treeEntries } from '../../git/manifests-repository.ts';
import type { ListedCommit } from '../../snapshot/commit-list.ts';
import { subjectOf } from '../../snapshot/evidence.ts';
import type { PastStep, SeenEvidence } from '../../snapshot/past-steps.ts';
import type { PastAt } from './past.ts';

export type AttemptEnd = 'completed' | 'taken-back' | 'superseded';

export interface PastAttempt {
  readonly rollout: string;
  readonly version: string | null;
  /** The steps from its start to its end, oldest first; the start is missing where its commit and evidence are. */
  readonly steps: readonly PastStep[];
  readonly start: TimedStep | null;
  readonly end: (TimedStep & { readonly how: AttemptEnd }) | null;
}

export interface TimedStep {
  readonly step: PastStep;
  readonly atMs: number;
}

const ENDS: Readonly<Record<string, AttemptEnd>> = {
  complete: 'completed',
  'roll-back': 'taken-back',
  supersede: 'superseded',
};

/** Of its commit; of its evidence where the clone does not have that. */
interface ToldStep extends TimedStep {
  readonly kind: string;
  readonly version: string | null;
}

async function told(past: PastAt, step: PastStep): Promise<ToldStep | null> {
  const { commit, trailers } = step;
  if (commit !== null && trailers !== null && trailers.evidence.length <= 1) {
    const signature = await past.signatureOf(step, { kind: 'missing' });
    if (signature.kind === 'not-verified' || signature.kind === 'unsigned') return null;
    const version = /^rollout\([^)]*\): start (\S{1,100})/.exec(commit.title)?.[1] ?? null;
    return { step, atMs: commit.atMs, kind: trailers.kind, version };
  }
  const evidence = await evidenceOf(past, step);
  if (evidence === null || evidence.signature.kind === 'not-verified') return null;
  const { transition, decidedAt } = evidence.predicate;
  const atMs = commit?.atMs ?? parseInstant(decidedAt);
  const subject = subjectOf(evidence.predicate);
  const version = subject && clipped(oneLine(subject.version), 100);
  return atMs === undefined ? null : { step, atMs, kind: transition.kind, version };
}

export async function evidenceOf(past: PastAt, step: PastStep): Promise<SeenEvidence | null> {
  const answer = await past.evidenceOf(step);
  return answer.kind === 'seen' ? answer.evidence : null;
}

/** Oldest first. Steps that the reconciler did not sign are none. */
export async function attemptsOf(past: PastAt, rollout: string): Promise<PastAttempt[]> {
  const attempts: PastAttempt[] = [];
  let open: { start: ToldStep | null; steps: PastStep[] } | null = null;
  for (const step of past.stepsOf(rollout).toReversed()) {
    const one = await told(past, step);
    if (one === null) continue;
    if (one.kind === 'start') {
      // A start without the end of the one before: that end is missing here.
      open = { start: one, steps: [] };
    }
    open ??= { start: null, steps: [] };
    open.steps.push(step);
    const how = ENDS[one.kind];
    if (how === undefined) continue;
    const { start, steps }: { start: ToldStep | null; steps: PastStep[] } = open;
    open = null;
    // Evidence of an end alone, without a commit: devices came with the version.
    if (start === null && step.commit === null) continue;
    const version = start?.version ?? (start === null ? one.version : null);
    attempts.push({ rollout, version, steps, start, end: { step, atMs: one.atMs, how } });
  }
  if (open?.start)
    attempts.push({ rollout, version: open.start.version, steps: open.steps, start: open.start, end: null });
  return attempts;
}

/** Names of rollouts with a past, and those of the branch now. */
export function rolloutsOf({ list, tree, layout }: PastAt): string[] {
  const names = new Set(list.commits.flatMap(({ step }) => (step === null ? [] : [step.rollout])));
  const evidence = findInTree(tree, layout.evidence);
  if (evidence?.kind === 'tree')
    for (const [name, child] of evidence.tree.entries) if (child.kind === 'tree') names.add(name);
  return [...names].sort();
}

/** Files below a folder of the layout that have the name, whichever ending. */
export function filesNamed({ tree }: PastAt, folder: string, name: string): string[] {
  const found = findInTree(tree, folder);
  if (found?.kind !== 'tree') return [];
  return [...treeEntries(found.tree, `${folder}/`)]
    .map(({ path }) => path)
    .filter((path) => nameOfPath(path) === name && !path.endsWith('.sigstore.json'));
}

/** Commits that are looked through for the one that asked; of people's, so many are compared with their parents. */
const MOST_LOOKED = 5_000;
const MOST_COMPARED = 200;

/** Comparisons that are left to a whole request. */
export interface Budget {
  comparisons: number;
}

/** The newest commit by a person that changed the rollout, or the manifest of the version, before the attempt started. */
export async function findWish(
  past: PastAt,
  { rollout, version, start }: PastAttempt,
  budget: Budget = { comparisons: MOST_COMPARED },
): Promise<ListedCommit | null> {
  const observed = start?.step.trailers?.observed ?? null;
  const from = observed === null ? undefined : past.placeOf(observed);
  if (from === undefined) return null;
  const files = [
    ...filesNamed(past, past.layout.rollouts, rollout),
    ...(version === null ? [] : filesNamed(past, past.layout.models, version)),
  ];
  let compared = 0;
  for (const commit of past.list.commits.slice(from, from + MOST_LOOKED)) {
    if (commit.step !== null) continue;
    if (compared++ >= MOST_COMPARED || budget.comparisons-- <= 0) return null;
    if (await past.changes(commit, files)) return commit;
  }
  return null;
}
