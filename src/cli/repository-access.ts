// Owns how commands reach the manifests repository that --repo names: as a person's work tree, or by a mirror for this command alone.

import fs from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import git from 'isomorphic-git';
import { SystemClock } from '../base/clock.ts';
import { assertNever, CodedError } from '../base/errors.ts';
import { silentLogger } from '../base/logger.ts';
import { openManifestsRepository } from '../git/isomorphic/isomorphic-git-repository.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import { parseRemoteAddress } from '../git/wire/remote-address.ts';
import type { Person } from './person.ts';
import { SERVICE_SETTINGS, secretOf } from './settings.ts';

export interface RepositoryOptions {
  readonly repo: string;
  readonly branch?: string;
  readonly gitUser: string;
  readonly insecureHttp?: boolean;
}

const { repo, branch, gitUser } = SERVICE_SETTINGS;

/** --repo, --branch and what it takes to get in; the same words and variables as `slipway run` has. */
export function addRepositoryOptions(command: Command): Command {
  return command
    .addOption(new Option(repo.flag, `${repo.help}; a clone counts as it lies there`).env(repo.variable).default('.'))
    .addOption(
      new Option(branch.flag, `${branch.help} (default: of a clone the one checked out, else main)`).env(
        branch.variable,
      ),
    )
    .addOption(new Option(gitUser.flag, gitUser.help).env(gitUser.variable).default(gitUser.fallback))
    .option('--insecure-http', 'send credentials over plain HTTP (for trying things out on one machine)');
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
      message: `There is no folder ${folder}.`,
      remedy: 'Name the manifests repository with --repo: a folder or a URL. `slipway init` makes one.',
    });
  }
  if (await isThere(path.join(folder, '.git'))) return { kind: 'folder', folder, hasGit: true };
  const isBare = (await isThere(path.join(folder, 'HEAD'))) && (await isThere(path.join(folder, 'objects')));
  return isBare ? { kind: 'remote', address: folder } : { kind: 'folder', folder, hasGit: false };
}

/** The branch that is checked out in a clone. Throws REPO_DETACHED. */
export async function checkedOutBranch(folder: string): Promise<string> {
  const current = await git.currentBranch({ fs, dir: folder });
  if (typeof current === 'string') return current;
  throw new CodedError({
    code: 'REPO_DETACHED',
    message: `No branch is checked out in ${folder}.`,
    remedy: 'Run `git switch main` there, or name the branch with --branch.',
  });
}

/** One branch of the repository, read (and moved) through a mirror that goes with the command. */
export interface OpenedBranch extends AsyncDisposable {
  readonly repository: ManifestsRepository;
  readonly branch: string;
  /** Head of the branch as it is now. Throws GIT_EMPTY, GIT_BRANCH_MISSING, and what fetching failed with. */
  head(signal?: AbortSignal): Promise<string>;
}

const NOBODY: Person = { name: 'Slipway', email: 'slipway@localhost' };

/** Opens the branch; asks nothing of the network yet. Commits are the person's. Throws REPO_NO_GIT. */
export async function openBranch(options: RepositoryOptions, author: Person = NOBODY): Promise<OpenedBranch> {
  const place = await findRepository(options.repo);
  const mirror = await mkdtemp(path.join(os.tmpdir(), 'slipway-mirror-'));
  await using disposables = new AsyncDisposableStack();
  disposables.defer(() => rm(mirror, { recursive: true, force: true, maxRetries: 5 }));
  const branchName = options.branch ?? (place.kind === 'folder' ? await branchOf(place) : 'main');
  const token = secretOf('SLIPWAY_GIT_TOKEN');
  const credentials = { kind: 'basic' as const, username: options.gitUser, password: token ?? '' };
  const repository = disposables.use(
    await openManifestsRepository({
      remote: place.kind === 'folder' ? place.folder : place.address,
      branch: branchName,
      folder: path.join(mirror, 'mirror'),
      clock: new SystemClock(),
      logger: silentLogger,
      author,
      credentials: token === null ? undefined : () => credentials,
      insecureHttp: options.insecureHttp ?? false,
      environment: process.env,
    }),
  );
  const owned = disposables.move();
  return {
    repository,
    branch: branchName,
    head: (signal) => headOf(repository, signal),
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function branchOf(place: Extract<RepositoryPlace, { kind: 'folder' }>): Promise<string> {
  assertGit(place);
  return checkedOutBranch(place.folder);
}

function assertGit(place: RepositoryPlace): void {
  if (place.kind === 'remote' || place.hasGit) return;
  throw new CodedError({
    code: 'REPO_NO_GIT',
    message: `${place.folder} is not a Git repository.`,
    remedy: 'Name the manifests repository with --repo: a clone, a bare repository or a URL.',
  });
}

/** A folder that is not there will not come by itself; a host that does not answer may. Throws REPO_MISSING, REPO_NO_GIT, GIT_URL_…. */
export async function assertFollowable(repository: string): Promise<void> {
  assertGit(await findRepository(repository));
}

async function headOf(repository: ManifestsRepository, signal: AbortSignal | undefined): Promise<string> {
  const outcome = await repository.fetch(signal);
  switch (outcome.kind) {
    case 'head':
      return outcome.commit;
    case 'failed':
      throw withTokenHint(outcome.error);
    case 'empty':
      throw new CodedError({
        code: 'GIT_EMPTY',
        message: 'The repository has no commit yet.',
        remedy: 'Commit the manifests: `slipway init` makes a first set.',
      });
    case 'branch-missing':
      throw new CodedError({
        code: 'GIT_BRANCH_MISSING',
        message: `The repository has no branch ${outcome.branch}; it has ${outcome.others.slice(0, 5).join(', ')}.`,
        remedy: 'Name the branch with --branch.',
      });
    default:
      return assertNever(outcome);
  }
}

/** Says where the token belongs when there was none. */
function withTokenHint(error: CodedError): CodedError {
  if (error.code !== 'GIT_CREDENTIALS_REFUSED' || secretOf('SLIPWAY_GIT_TOKEN') !== null) return error;
  return new CodedError({
    code: error.code,
    message: error.message,
    remedy: 'Set SLIPWAY_GIT_TOKEN (or SLIPWAY_GIT_TOKEN_FILE) to a token that may read and write this repository.',
    cause: error,
  });
}
