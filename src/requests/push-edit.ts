// Owns bringing an edit onto a branch: made on its head, pushed, and made again on the new head until it wins the race.
import { backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { assertNever, CodedError, toCodedError } from '../base/errors.ts';
import type { RandomStream } from '../base/random.ts';
import { fetchHead } from '../git/fetch-head.ts';
import type { CommitDraft, EditedRepository } from '../git/manifests-repository.ts';
import { filesOfCommit, type RepositoryFiles } from '../git/repository-files.ts';

const BACK_OFF = { firstMs: 250, capMs: 4_000 };
/** A host refuses also while another push holds the branch: only so many times on one head it is the push that is refused. */
const MOST_REFUSALS = 4;

export interface Time {
  readonly clock: Clock;
  readonly random: RandomStream;
}

export interface EditedBranch extends Time {
  /** Its commits are by whoever makes the edit. */
  readonly repository: EditedRepository;
}

/** What an edit makes of a head. `commit: null`: nothing is to be committed, and nothing is pushed. */
export interface MadeEdit<T> {
  readonly commit: Pick<CommitDraft, 'changes' | 'message' | 'author'> | null;
  readonly result: T;
}

export interface EditOrder<T> {
  /** Called again on each new head; what it throws ends the order. */
  edit(files: RepositoryFiles, head: string): Promise<MadeEdit<T>>;
  /** Longest time in which a lost race is run again. */
  readonly raceMs: number;
  raceLost(): CodedError;
  /** Nobody knows whether the push landed. */
  unconfirmed(cause: CodedError | undefined): CodedError;
}

export interface LandedEdit<T> {
  readonly result: T;
  /** Null where nothing was committed. */
  readonly commit: string | null;
}

/** What is carried from one try to the next. */
interface Tries<T> {
  /** Pushes without an answer: each may still land, and an edit must not be made twice. */
  readonly unanswered: (LandedEdit<T> & { readonly commit: string })[];
  refused: { readonly head: string; readonly times: number };
}

/** Commits on the branch and pushes. Who was faster wins, and the edit is made again on what they left. Throws GIT_…, and as the order says. */
export async function pushEdit<T>(
  { repository, clock, random }: EditedBranch,
  order: EditOrder<T>,
): Promise<LandedEdit<T>> {
  const untilMs = clock.monotonicMs() + order.raceMs;
  const tries: Tries<T> = { unanswered: [], refused: { head: '', times: 0 } };
  const { unanswered } = tries;
  for (let attempt = 0; ; attempt++) {
    let cause: CodedError | undefined;
    try {
      const landed = await tryOnce(repository, order, tries, clock.now());
      if (landed !== undefined) return landed;
    } catch (thrown) {
      cause = toCodedError(thrown);
      // While an answer is owed, "the host can't be reached" says nothing about the edit.
      if (unanswered.length === 0 || cause.kind !== 'retry-later') throw thrown;
    }
    if (clock.monotonicMs() >= untilMs) throw unanswered.length === 0 ? order.raceLost() : order.unconfirmed(cause);
    await clock.sleep(backOffMs(attempt, BACK_OFF, random));
  }
}

/** One edit, commit and push on the head as it is now; undefined when it did not land, as far as anyone can tell. */
async function tryOnce<T>(
  repository: EditedRepository,
  order: EditOrder<T>,
  tries: Tries<T>,
  atMs: number,
): Promise<LandedEdit<T> | undefined> {
  const head = await fetchHead(repository);
  for (const one of tries.unanswered) if ((await repository.isAncestor(one.commit, head)) === true) return one;
  const { commit: draft, result } = await order.edit(await filesOfCommit(repository, head), head);
  if (draft === null) return { result, commit: null };
  const commit = await repository.commit({ parent: head, ...draft, atMs });
  const outcome = await repository.push(commit, head);
  switch (outcome.kind) {
    case 'pushed':
      return { result, commit };
    case 'refused':
      tries.refused = { head, times: tries.refused.head === head ? tries.refused.times + 1 : 1 };
      if (tries.refused.times >= MOST_REFUSALS) throw pushRefused(outcome.reason);
      // On the head that was edited, what kept it from being sent is no race.
      if (outcome.error !== undefined && (await fetchHead(repository)) === head) throw outcome.error;
      return undefined;
    case 'unknown':
      tries.unanswered.push({ result, commit });
      return undefined;
    default:
      return assertNever(outcome);
  }
}

function pushRefused(reason: string): CodedError {
  return new CodedError({
    code: 'GIT_PUSH_REFUSED',
    kind: 'retry-later',
    message: `The Git host refused the push: ${reason}.`,
    remedy: 'Check that you may push to the branch, then try again.',
  });
}
