// Owns bringing a request onto the branch: as a commit in a person's clone, or pushed to where no clone is.
import fs from 'node:fs';
import { mkdir, open, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import git from 'isomorphic-git';
import { SystemClock } from '../base/clock.ts';
import { assertNever, CodedError } from '../base/errors.ts';
import { type Digest, hexOf } from '../contract/digest.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { type FoundRollout, readDocuments, rolloutsOf } from '../snapshot/repository-documents.ts';
import { filesOfCommit, filesOfFolder, type RepositoryFiles } from '../snapshot/repository-files.ts';
import { nameOfPath } from '../snapshot/snapshot-index.ts';
import { unknownRollout } from './git-status.ts';
import { type Person, readPerson } from './person.ts';
import { checkedOutBranch, findRepository, openBranch, type RepositoryOptions } from './repository-access.ts';
import { assertApprover, editForWish, type Wish } from './rollout-request.ts';

const MOST_TRIES = 6;
const POLICY_LIMIT_BYTES = 256 * 1024;

export interface RequestOrder {
  readonly rollout: string;
  readonly wish: Omit<Wish, 'by'> & { readonly by: string | undefined };
  readonly isDryRun: boolean;
}

export interface Requested {
  readonly file: string;
  readonly title: string;
  readonly before: string;
  readonly after: string;
  readonly branch: string;
  /** Null in a dry run. */
  readonly commit: string | null;
  /** `local`: the commit is in the clone, and its remote does not have it yet. */
  readonly place: 'pushed' | 'local' | 'only-copy';
  /** What is left to do by hand; null when that is nothing. */
  readonly afterwards: string | null;
}

interface Edit {
  readonly file: string;
  readonly title: string;
  readonly before: string;
  readonly after: string;
  readonly message: string;
  readonly afterwards: string | null;
}

/** The one rollout of the name. Throws its problems when it is broken, and ROLLOUT_UNKNOWN. */
async function findRollout(files: RepositoryFiles, name: string): Promise<FoundRollout & { evidence: string }> {
  const found = await readDocuments(files);
  const { rollouts, broken } = rolloutsOf(found);
  const [error] = broken.find((one) => one.name === name)?.errors ?? [];
  if (error !== undefined) throw error;
  const [rollout, twin] = rollouts.filter(({ file }) => nameOfPath(file) === name);
  if (rollout === undefined) {
    const known = rollouts.map((one) => one.rollout.metadata.name);
    throw unknownRollout(name, known);
  }
  if (twin === undefined) return { ...rollout, evidence: found.layout.evidence };
  throw new CodedError({
    code: 'DOCUMENT_TWICE',
    message: `${rollout.file} and ${twin.file} have the same name.`,
    remedy: 'Rename one of them: names are unique over all folders.',
  });
}

/** Who may approve is said by the copy of the policy that was pinned when the stage began. */
async function checkApprover(
  files: RepositoryFiles,
  found: FoundRollout & { evidence: string },
  by: string,
): Promise<void> {
  const { rollout, evidence } = found;
  const { status, metadata } = rollout;
  if (status?.policy == null) return;
  const copy = `${evidence}/${metadata.name}/${hexOf(status.policy as Digest)}.policy.yaml`;
  if (!files.paths.includes(copy)) return;
  const parsed = parseDocument(copy, await files.read(copy, POLICY_LIMIT_BYTES), { isCopy: true });
  if (parsed.kind === 'parsed' && parsed.document.kind === 'RolloutPolicy') assertApprover(status, parsed.document, by);
}

async function makeEdit(files: RepositoryFiles, { rollout: name, wish }: RequestOrder, person: Person): Promise<Edit> {
  const found = await findRollout(files, name);
  const by = wish.by ?? person.name;
  if (wish.verb === 'approve') await checkApprover(files, found, by);
  const before = found.bytes.toString('utf8');
  const { text: after, title, afterwards = null } = editForWish(found.rollout, before, { ...wish, by });
  const parsed = parseDocument(found.file, Buffer.from(after));
  const [error] = parsed.kind === 'broken' ? parsed.errors : [];
  if (error !== undefined) throw error;
  const reason = wish.reason === undefined ? '' : `\n${wish.reason}\n`;
  return { file: found.file, title, before, after, afterwards, message: `${name}: ${title}\n${reason}` };
}

/** Edits the file in the clone, or on the branch behind a mirror, and commits. Throws REQUEST_…, GIT_…. */
export async function commitRequest(options: RepositoryOptions, order: RequestOrder): Promise<Requested> {
  const place = await findRepository(options.repo);
  const isClone = place.kind === 'folder' && place.hasGit;
  if (isClone) {
    const branch = await checkedOutBranch(place.folder);
    if (options.branch === undefined || options.branch === branch) return commitInClone(place.folder, branch, order);
  }
  return commitBehindMirror(options, order);
}

async function commitInClone(folder: string, branch: string, order: RequestOrder): Promise<Requested> {
  const person = await readPerson(folder);
  const edit = await makeEdit(await filesOfFolder(folder), order, person);
  const { file, title, before, after, afterwards } = edit;
  const remotes = await git.listRemotes({ fs, dir: folder });
  const requested = {
    file,
    title,
    before,
    after,
    afterwards,
    branch,
    place: remotes.length > 0 ? 'local' : 'only-copy',
  } as const;
  await assertClean(folder, file);
  if (order.isDryRun) return { ...requested, commit: null };
  await using _locks = await lockClone(folder, branch);
  await assertClean(folder, file);
  await writeFile(path.join(folder, ...file.split('/')), after);
  await git.add({ fs, dir: folder, filepath: file });
  const commit = await git.commit({ fs, dir: folder, author: person, message: edit.message });
  return { ...requested, commit };
}

/** What the person has begun is neither committed in passing nor lost. */
async function assertClean(folder: string, file: string): Promise<void> {
  const state = await git.status({ fs, dir: folder, filepath: file });
  if (state !== 'unmodified') {
    throw new CodedError({
      code: 'REQUEST_FILE_CHANGED',
      message: `${file} has changes that are not committed.`,
      remedy: 'Commit them or take them back, then ask again.',
    });
  }
  const matrix = await git.statusMatrix({ fs, dir: folder });
  const staged = matrix.filter(([, head, , stage]) => head !== stage).map(([name]) => name);
  if (staged.length === 0) return;
  throw new CodedError({
    code: 'REQUEST_OTHERS_STAGED',
    message: `Other changes are staged and would be committed too: ${staged.slice(0, 3).join(', ')}.`,
    remedy: 'Commit them first, or `git restore --staged` them.',
  });
}

/** Git's own locks, so that neither git nor a push into this clone moves the branch meanwhile. Throws GIT_LOCKED. */
async function lockClone(folder: string, branch: string): Promise<AsyncDisposable> {
  const gitFolder = path.join(folder, '.git');
  if (!(await stat(gitFolder)).isDirectory()) {
    throw new CodedError({
      code: 'REPO_LINKED',
      message: `${folder} is a linked work tree.`,
      remedy: 'Name the main clone with --repo, or the URL of the repository.',
    });
  }
  await using held = new AsyncDisposableStack();
  for (const name of ['index.lock', `refs/heads/${branch}.lock`]) {
    const file = path.join(gitFolder, ...name.split('/'));
    await mkdir(path.dirname(file), { recursive: true });
    try {
      await (await open(file, 'wx')).close();
    } catch (cause) {
      throw new CodedError({
        code: 'GIT_LOCKED',
        kind: 'retry-later',
        message: `Something else works in the clone: ${file} is there.`,
        remedy: 'Try again; if no git is running, remove that file.',
        cause,
      });
    }
    held.defer(() => rm(file, { force: true }));
  }
  return held.move();
}

async function commitBehindMirror(options: RepositoryOptions, order: RequestOrder): Promise<Requested> {
  const person = await readPerson(process.cwd());
  const clock = new SystemClock();
  await using opened = await openBranch(options, person);
  const { repository, branch } = opened;
  let reason = '';
  for (let attempt = 1; attempt <= MOST_TRIES; attempt++) {
    const head = await opened.head();
    const edit = await makeEdit(await filesOfCommit(repository, head), order, person);
    const { file, title, before, after, afterwards, message } = edit;
    const requested = { file, title, before, after, afterwards, branch, place: 'pushed' } as const;
    if (order.isDryRun) return { ...requested, commit: null };
    const changes = new Map([[file, Buffer.from(after)]]);
    const commit = await repository.commit({ parent: head, changes, message, atMs: clock.now() });
    const outcome = await repository.push(commit, head);
    switch (outcome.kind) {
      case 'pushed':
        return { ...requested, commit };
      case 'refused':
        reason = outcome.reason;
        // Someone else was faster: decide again on what they left. With the same head, the host said no to us.
        if ((await opened.head()) === head) throw outcome.error ?? pushRefused(reason);
        break;
      case 'unknown':
        reason = outcome.error.message;
        if ((await repository.isAncestor(commit, await opened.head())) === true) return { ...requested, commit };
        break;
      default:
        assertNever(outcome);
    }
  }
  throw pushRefused(reason);
}

function pushRefused(reason: string): CodedError {
  return new CodedError({
    code: 'GIT_PUSH_REFUSED',
    kind: 'retry-later',
    message: `The request could not be pushed: ${reason}.`,
    remedy: 'See that you may push to the branch, and try again.',
  });
}
