// Owns bringing a person's request onto the branch: as a commit in their clone, or pushed until it wins the race.
import { backOffMs } from '../base/back-off.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import { spliceSpec } from '../documents/edit-rollout.ts';
import type { CommitAuthor } from '../git/manifests-repository.ts';
import type { RepositoryFiles } from '../git/repository-files.ts';
import type { WorkTree } from '../git/work-tree.ts';
import { editForChange, findWayBack } from './desired-edit.ts';
import { type FoundRollout, findManifest, findPinnedPolicy, findRollout, parseRollout } from './find-rollout.ts';
import { type EditedBranch, pushEdit, type Time } from './push-edit.ts';
import { assertApprover, editForRequest, type PersonsRequest, type PlainRequest } from './request-edit.ts';

/** Longest time in which a lost race is run again. */
export const RACE_MS = 30_000;
const LOCKED_BACK_OFF = { firstMs: 50, capMs: 500 };

export interface RequestOrder {
  readonly rollout: string;
  readonly request: PersonsRequest;
  /** Who commits, and who asks unless the request names somebody. */
  readonly person: CommitAuthor;
  readonly isDryRun: boolean;
  /** Lines of the last paragraph of the commit's message, by name. */
  readonly trailers?: Readonly<Record<string, string>> | undefined;
  /** Looks at the rollout as it is before it is edited, and throws when it is not as the person saw it. */
  readonly assertSeen?: ((found: FoundRollout, head: string) => Promise<void>) | undefined;
}

interface Edit {
  readonly file: string;
  readonly title: string;
  readonly before: string;
  readonly after: string;
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
    if ((request.verb !== 'abort' && request.verb !== 'undo') || at === undefined) throw thrown;
    const wayBack = `${remedy} Then abort again. If that can't wait, delete the file: its devices then go back to stable.`;
    throw new CodedError({ code, message, remedy: wayBack, at, cause: thrown });
  });
}

async function makeEdit(files: RepositoryFiles, order: RequestOrder, head = ''): Promise<Edit> {
  const found = await findForRequest(files, order);
  await order.assertSeen?.(found, head);
  const { file, text: before } = found;
  const { text: after, title } = await editOf(files, found, order);
  parseRollout(file, Buffer.from(after));
  return { file, title, before, after };
}

/** What the request makes of the file. */
async function editOf(
  files: RepositoryFiles,
  found: FoundRollout,
  order: RequestOrder,
): Promise<{ readonly text: string; readonly title: string }> {
  const { verb, change = {}, to } = order.request;
  if (verb !== 'set' && verb !== 'undo') return plainEdit(files, found, order, verb);
  const way = verb === 'set' ? ({ kind: 'change', change } as const) : await findWayBack(files, found, to);
  if (way.kind === 'abort') return plainEdit(files, found, order, 'abort');
  const { edits, title } = await editForChange(files, found, way.change, verb === 'set' ? 'Set' : 'Undo: set');
  return { text: spliceSpec(found.text, edits), title };
}

async function plainEdit(
  files: RepositoryFiles,
  found: FoundRollout,
  { request, person }: RequestOrder,
  verb: PlainRequest['verb'],
): Promise<{ readonly text: string; readonly title: string }> {
  const by = request.by ?? person.name;
  const policy = verb === 'approve' ? await findPinnedPolicy(files, found) : undefined;
  if (policy !== undefined && found.rollout.status !== undefined) assertApprover(found.rollout.status, policy, by);
  const desired = verb === 'abort' ? await findManifest(files, found, found.rollout.spec.version) : undefined;
  const asked = { ...request, verb, by, ...(desired === undefined ? {} : { desired }) };
  return editForRequest(found.rollout, found.text, asked);
}

export function messageOf({ rollout, request, trailers = {} }: RequestOrder, { title }: Pick<Edit, 'title'>): string {
  const last = Object.entries(trailers).map(([name, value]) => `${name}: ${value}\n`);
  const paragraphs = [`${rollout}: ${title}\n`, ...(request.reason === undefined ? [] : [`${request.reason}\n`])];
  return [...paragraphs, ...(last.length === 0 ? [] : [last.join('')])].join('\n');
}

/** What the person has begun is neither committed in passing nor lost. */
export async function assertClean(tree: WorkTree, file: string): Promise<void> {
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
export async function lockSoon(tree: WorkTree, { clock, random }: Time): Promise<AsyncDisposable> {
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

/**
 * Commits on the branch and pushes. Who was faster wins, and the request is made again on what they left, for up to 30 s.
 * Throws REQUEST_…, GIT_….
 */
export async function pushRequest(branch: EditedBranch, order: RequestOrder): Promise<Submitted> {
  const { result, commit } = await pushEdit(branch, {
    async edit(files, head) {
      const edit = await makeEdit(files, order, head);
      const changes = new Map([[edit.file, Buffer.from(edit.after)]]);
      const commit = { changes, message: messageOf(order, edit), author: order.person };
      return { result: edit, commit: order.isDryRun ? null : commit };
    },
    raceMs: RACE_MS,
    raceLost,
    unconfirmed,
  });
  return { ...result, commit, place: 'pushed' };
}

export function raceLost(): CodedError {
  return new CodedError({
    code: 'REQUEST_RACE_LOST',
    kind: 'retry-later',
    message: `The request lost the race: others pushed first each time for ${RACE_MS / 1000} s.`,
    remedy: 'Nothing was changed. Try again.',
  });
}

export function unconfirmed(cause: CodedError | undefined): CodedError {
  return new CodedError({
    code: 'REQUEST_UNCONFIRMED',
    kind: 'retry-later',
    message: `The Git host did not confirm the push within ${RACE_MS / 1000} s; the request may have landed.`,
    remedy: 'Check with `slipway status` once the host answers. If it did not land, try again.',
    cause,
  });
}
