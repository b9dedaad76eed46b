// Owns how commands reach the manifests repository that --repo names: as a person's work tree, or by a mirror for this command alone.

import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { fetchHead } from '../git/fetch-head.ts';
import { filesOfFolder } from '../git/folder-files.ts';
import { findAuthor } from '../git/isomorphic/find-author.ts';
import { openManifestsRepository } from '../git/isomorphic/isomorphic-git-repository.ts';
import { IsomorphicWorkTree } from '../git/isomorphic/isomorphic-work-tree.ts';
import type { CommitAuthor, ManifestsRepository, ProposalBranches } from '../git/manifests-repository.ts';
import { filesOfCommit, type RepositoryFiles } from '../git/repository-files.ts';
import type { GitCredentials } from '../git/wire/http-transport.ts';
import { parseRemoteAddress } from '../git/wire/remote-address.ts';
import { INSECURE_HTTP, SERVICE_SETTINGS } from './service-settings.ts';
import { gitCredentials, secretOf } from './settings.ts';

export interface RepositoryOptions {
  readonly repo: string;
  readonly branch?: string;
  readonly gitUser: string;
  readonly insecureHttp?: boolean;
}

const { repo, branch, gitUser } = SERVICE_SETTINGS;

/** --repo, --branch and what it takes to get in. `readsFolder`: without --branch, a folder is read instead of its commits. */
export function addRepositoryOptions(command: Command, { readsFolder = false } = {}): Command {
  const asIs = readsFolder ? '; a local clone is read as is, including uncommitted changes' : '';
  const checkedOut = "(default: a clone's checked-out branch, otherwise main)";
  command
    .addOption(new Option(repo.flag, repo.help + asIs).env(repo.variable).default('.'))
    .addOption(new Option(branch.flag, `${branch.help} ${checkedOut}`).env(branch.variable));
  return addAccessOptions(command);
}

/** What it takes to get into a repository. */
export function addAccessOptions(command: Command): Command {
  return command
    .addOption(new Option(gitUser.flag, gitUser.help).env(gitUser.variable).default(gitUser.fallback))
    .option('--insecure-http', INSECURE_HTTP);
}

/** What --repo names: a folder with files in it (`hasGit`: a clone), or something that is only reached through Git. */
export type RepositoryPlace =
  | { readonly kind: 'folder'; readonly folder: string; readonly hasGit: boolean }
  | { readonly kind: 'remote'; readonly address: string };

async function isThere(file: string): Promise<boolean> {
  return (await stat(file).catch(() => undefined)) !== undefined;
}

/** Relative folders count from the current one. Throws REPO_MISSING, GIT_URL_…. */
export async function findRepository(text: string): Promise<RepositoryPlace> {
  const address = parseRemoteAddress(text, process.cwd());
  if (address.kind !== 'local') return { kind: 'remote', address: text };
  const folder = text.startsWith('file:') ? fileURLToPath(text) : path.resolve(text);
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory() !== true) {
    throw new CodedError({
      code: 'REPO_MISSING',
      message: `Folder ${folder} does not exist.`,
      remedy: 'Pass the manifests repository with --repo: a folder or a URL. `slipway init` creates one.',
    });
  }
  if (await isThere(path.join(folder, '.git'))) return { kind: 'folder', folder, hasGit: true };
  const isBare = (await isThere(path.join(folder, 'HEAD'))) && (await isThere(path.join(folder, 'objects')));
  return isBare ? { kind: 'remote', address: folder } : { kind: 'folder', folder, hasGit: false };
}

/** Who the person's commits are by, as git itself would say, or else `fallback`. Throws REQUEST_NOBODY: a request is somebody's. */
export async function readAuthor(folder: string, fallback?: CommitAuthor): Promise<CommitAuthor> {
  const author = (await findAuthor(folder, process.env)) ?? fallback;
  if (author !== undefined) return author;
  throw new CodedError({
    code: 'REQUEST_NOBODY',
    message: "Git doesn't know your name and email, so the commit would have no author.",
    remedy:
      'Run `git config --global user.name "…"` and `git config --global user.email "…"`, or set GIT_AUTHOR_NAME and GIT_AUTHOR_EMAIL.',
  });
}

/** One branch of the repository, read (and moved) through a mirror that goes with the command. */
export interface OpenedBranch extends AsyncDisposable {
  readonly repository: ManifestsRepository & ProposalBranches;
  readonly branch: string;
  /** Head of the branch as it is now. Throws GIT_EMPTY, GIT_BRANCH_MISSING, and what fetching failed with. */
  head(signal?: AbortSignal): Promise<string>;
}

const NOBODY: CommitAuthor = { name: 'Slipway', email: 'slipway@localhost' };

/** Opens the branch; asks nothing of the network yet. Commits are the person's. Throws REPO_NO_GIT. */
export async function openBranch(
  options: RepositoryOptions & { readonly credentials?: GitCredentials | undefined },
  author: CommitAuthor = NOBODY,
): Promise<OpenedBranch> {
  const place = await findRepository(options.repo);
  const { credentials: own } = options;
  const mirror = await mkdtemp(path.join(os.tmpdir(), 'slipway-mirror-'));
  await using disposables = new AsyncDisposableStack();
  disposables.defer(() => rm(mirror, { recursive: true, force: true, maxRetries: 5 }));
  const branchName = options.branch ?? (place.kind === 'folder' ? await branchOf(place) : 'main');
  const repository = disposables.use(
    await openManifestsRepository({
      remote: place.kind === 'folder' ? place.folder : place.address,
      branch: branchName,
      folder: path.join(mirror, 'mirror'),
      clock: new SystemClock(),
      logger: silentLogger,
      author,
      credentials: gitCredentials(options.gitUser) ?? (own === undefined ? undefined : () => own),
      insecureHttp: options.insecureHttp ?? false,
      environment: process.env,
    }),
  );
  const owned = disposables.move();
  return {
    repository,
    branch: branchName,
    head: (signal) => fetchHead(repository, signal).catch(throwWithTokenHint),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The files that --repo and --branch name, as long as `use` takes: a folder's as they lie, or those of the branch's head. */
export async function withFiles<T>(
  options: RepositoryOptions,
  use: (files: RepositoryFiles) => Promise<T>,
): Promise<T> {
  const place = await findRepository(options.repo);
  if (place.kind === 'folder' && options.branch === undefined) return use(await filesOfFolder(place.folder));
  await using opened = await openBranch(options);
  return await use(await filesOfCommit(opened.repository, await opened.head()));
}

async function branchOf(place: Extract<RepositoryPlace, { kind: 'folder' }>): Promise<string> {
  assertGit(place);
  return new IsomorphicWorkTree(place.folder).branch();
}

function assertGit(place: RepositoryPlace): void {
  if (place.kind === 'remote' || place.hasGit) return;
  throw new CodedError({
    code: 'REPO_NO_GIT',
    message: `${place.folder} is not a Git repository.`,
    remedy: 'Pass the manifests repository with --repo: a clone, a bare repository or a URL.',
  });
}

/** A missing folder stays missing; a host that does not answer may come back. Throws REPO_MISSING, REPO_NO_GIT, GIT_URL_…. */
export async function assertFollowable(repository: string): Promise<void> {
  assertGit(await findRepository(repository));
}

/** Says where the token belongs when there was none. */
export function throwWithTokenHint(thrown: unknown): never {
  const isAsked = thrown instanceof CodedError && thrown.code === 'GIT_CREDENTIALS_REFUSED';
  if (!isAsked || secretOf('SLIPWAY_GIT_TOKEN') !== null) throw thrown;
  throw new CodedError({
    code: thrown.code,
    message: thrown.message,
    remedy: 'Set SLIPWAY_GIT_TOKEN (or SLIPWAY_GIT_TOKEN_FILE) to a token that may read and write this repository.',
    cause: thrown,
  });
}
