// Owns bringing a person's request onto the branch: as a commit in their clone, or pushed until it wins the race.
import { backOffMs } from '../base/back-off.ts';
import type { Clock } from '../base/clock.ts';
import { assertNever, CodedError, toCodedError } from '../base/errors.ts';
import type { RandomStream } from '../base/random.ts';
import { fetchHead } from '../git/fetch-head.ts';
import type { CommitAuthor, ManifestsRepository } from '../git/manifests-repository.ts';
import { filesOfCommit, type RepositoryFiles } from '../git/repository-files.ts';
import type { WorkTree } from '../git/work-tree.ts';
import { findDesired, findPinnedPolicy, findRollout, parseRollout } from './find-rollout.ts';
import { assertApprover, editForRequest, type PersonsRequest } from './request-edit.ts';

/** Longest time in which a lost race is run again. */
const RACE_MS = 30_000;
const BACK_OFF = { firstMs: 250, capMs: 4_000 };
const LOCKED_BACK_OFF = { firstMs: 50, capMs: 500 };
/** A host refuses also while another push holds the branch: only so many times on one head it is the push that is refused. */
const MOST_REFUSALS = 4;

/** What is carried from one try to the next. */
interface Tries {
  /** Pushes without an answer: each may still land, and a request must not be made twice. */
  readonly unanswered: Submitted[];
  refused: { readonly head: string; readonly times: number };
}

export interface RequestOrder {
  readonly rollout: string;
  readonly request: PersonsRequest;
  /** Who commits, and who asks unless the request names somebody. */
  readonly person: CommitAuthor;
  readonly isDryRun: boolean;
}

interface Edit {
  readonly file: string;
  readonly title: string;
  readonly before: string;
  readonly after: string;
  /** What the person must still do before anything happens; null when that is nothing. */
  readonly afterwards: string | null;
}

export interface Submitted extends Edit {
  /** Null in a dry run. */
  readonly commit: string | null;
  /** `local`: the commit is in the clone, and its remote does not have it yet. */
  readonly place: 'pushed' | 'local' | 'only-copy';
}

/** A broken file takes no request; the way back must not wait until somebody has found out what is wrong with it. */
async function findForRequest(files: RepositoryFiles, { rollout, request }: RequestOrder) {
  return findRollout(files, rollout).catch((thrown: unknown) => {
    const { code, message, remedy = '', at } = toCodedError(thrown);
    if (request.verb !== 'abort' || at === undefined) throw thrown;
    const wayBack = `${remedy} Then abort again. If that can't wait, delete the file: its devices then go back to stable.`;
    throw new CodedError({ code, message, remedy: wayBack, at, cause: thrown });
  });
}

async function makeEdit(files: RepositoryFiles, order: RequestOrder): Promise<Edit> {
  const { request, person } = order;
  const found = await findForRequest(files, order);
  const by = request.by ?? person.name;
  const policy = request.verb === 'approve' ? await findPinnedPolicy(files, found) : undefined;
  if (policy !== undefined && found.rollout.status !== undefined) assertApprover(found.rollout.status, policy, by);
  const { file, text: before } = found;
  const desired = request.verb === 'abort' ? await findDesired(files, found) : undefined;
  const asked = { ...request, by, ...(desired === undefined ? {} : { desired }) };
  const { text: after, title, afterwards } = editForRequest(found.rollout, before, asked);
  parseRollout(file, Buffer.from(after));
  return { file, title, before, after, afterwards };
}

function messageOf({ rollout, request }: RequestOrder, { title }: Edit): string {
  return `${rollout}: ${title}\n${request.reason === undefined ? '' : `\n${request.reason}\n`}`;
}

/** What the person has begun is neither committed in passing nor lost. */
async function assertClean(tree: WorkTree, file: string): Promise<void> {
  const { isChanged, staged } = await tree.status(file);
  if (isChanged) {
    throw new CodedError({
      code: 'REQUEST_FILE_CHANGED',
      message: `${file} has uncommitted changes.`,
      remedy: 'Commit or discard them, then try again.',
    });
  }
  if (staged.length === 0) return;
  throw new CodedError({
    code: 'REQUEST_OTHERS_STAGED',
    message: `Other changes are staged and would be committed too: ${staged.slice(0, 3).join(', ')}.`,
    remedy: 'Commit them first, or unstage them with `git restore --staged`.',
  });
}

/** So long another process may work in the clone. */
const LOCKED_MS = 5_000;

/** Locks the clone, as soon as whoever works in it is done. Throws GIT_LOCKED. */
async function lockSoon(tree: WorkTree, { clock, random }: Time): Promise<AsyncDisposable> {
  const untilMs = clock.monotonicMs() + LOCKED_MS;
  for (let attempt = 0; ; attempt++) {
    try {
      return await tree.lock();
    } catch (thrown) {
      const isLocked = thrown instanceof CodedError && thrown.code === 'GIT_LOCKED';
      if (!isLocked || clock.monotonicMs() >= untilMs) throw thrown;
    }
    await clock.sleep(backOffMs(attempt, LOCKED_BACK_OFF, random));
  }
}

export interface Time {
  readonly clock: Clock;
  readonly random: RandomStream;
}

/** Commits in the person's clone. Throws REQUEST_…, REPO_…, GIT_LOCKED. */
export async function commitRequest(tree: WorkTree, order: RequestOrder, time: Time): Promise<Submitted> {
  await using _lock = order.isDryRun ? undefined : await lockSoon(tree, time);
  const edit = await makeEdit(await tree.files(), order);
  await assertClean(tree, edit.file);
  const place = (await tree.hasRemote()) ? 'local' : 'only-copy';
  const files = new Map([[edit.file, edit.after]]);
  const commit = order.isDryRun ? null : await tree.commit(files, messageOf(order, edit), order.person);
  return { ...edit, commit, place };
}

export interface RequestBranch extends Time {
  /** Its commits are the person's. */
  readonly repository: ManifestsRepository;
}

/**
 * Commits on the branch and pushes. Who was faster wins, and the request is made again on what they left, for up to 30 s.
 * Throws REQUEST_…, GIT_….
 */
export async function pushRequest(
  { repository, clock, random }: RequestBranch,
  order: RequestOrder,
): Promise<Submitted> {
  const untilMs = clock.monotonicMs() + RACE_MS;
  const tries: Tries = { unanswered: [], refused: { head: '', times: 0 } };
  const { unanswered } = tries;
  for (let attempt = 0; ; attempt++) {
    let cause: CodedError | undefined;
    try {
      const landed = await tryOnce(repository, order, tries, clock.now());
      if (landed !== undefined) return landed;
    } catch (thrown) {
      cause = toCodedError(thrown);
      // While an answer is owed, "the host can't be reached" says nothing about the request.
      if (unanswered.length === 0 || cause.kind !== 'retry-later') throw thrown;
    }
    if (clock.monotonicMs() >= untilMs) throw unanswered.length === 0 ? raceLost() : unconfirmed(cause);
    await clock.sleep(backOffMs(attempt, BACK_OFF, random));
  }
}

/**
 * One edit, commit and push on the head as it is now; undefined when it did not land, as far as anyone can tell.
 */
async function tryOnce(
  repository: ManifestsRepository,
  order: RequestOrder,
  tries: Tries,
  atMs: number,
): Promise<Submitted | undefined> {
  const head = await fetchHead(repository);
  for (const one of tries.unanswered)
    if (one.commit !== null && (await repository.isAncestor(one.commit, head)) === true) return one;
  const edit = await makeEdit(await filesOfCommit(repository, head), order);
  if (order.isDryRun) return { ...edit, commit: null, place: 'pushed' };
  const changes = new Map([[edit.file, Buffer.from(edit.after)]]);
  const commit = await repository.commit({ parent: head, changes, message: messageOf(order, edit), atMs });
  const submitted: Submitted = { ...edit, commit, place: 'pushed' };
  const outcome = await repository.push(commit, head);
  switch (outcome.kind) {
    case 'pushed':
      return submitted;
    case 'refused':
      tries.refused = { head, times: tries.refused.head === head ? tries.refused.times + 1 : 1 };
      if (tries.refused.times >= MOST_REFUSALS) throw pushRefused(outcome.reason);
      // On the head that was edited, what kept it from being sent is no race.
      if (outcome.error !== undefined && (await fetchHead(repository)) === head) throw outcome.error;
      return undefined;
    case 'unknown':
      tries.unanswered.push(submitted);
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

function raceLost(): CodedError {
  return new CodedError({
    code: 'REQUEST_RACE_LOST',
    kind: 'retry-later',
    message: `The request lost the race: others pushed first each time for ${RACE_MS / 1000} s.`,
    remedy: 'Nothing was changed. Try again.',
  });
}

function unconfirmed(cause: CodedError | undefined): CodedError {
  return new CodedError({
    code: 'REQUEST_UNCONFIRMED',
    kind: 'retry-later',
    message: `The Git host did not confirm the push within ${RACE_MS / 1000} s; the request may have landed.`,
    remedy: 'Check with `slipway status` once the host answers. If it did not land, try again.',
    cause,
  });
}
