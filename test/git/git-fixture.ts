// Owns what the git tests share: folders that vanish, real bare repositories filled by the git command, and repositories under test.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import {
  type GitHttpServer,
  type GitHttpServerOptions,
  startGitHttpServer,
} from '../../src/cli/demo/git-http-server.ts';
import {
  type IsomorphicGitRepository,
  openManifestsRepository,
  type RepositoryOptions,
} from '../../src/git/isomorphic/isomorphic-git-repository.ts';
import type { CommitDraft } from '../../src/git/manifests-repository.ts';

const PERSON = {
  GIT_AUTHOR_NAME: 'Ann',
  GIT_AUTHOR_EMAIL: 'ann@example.org',
  GIT_COMMITTER_NAME: 'Ann',
  GIT_COMMITTER_EMAIL: 'ann@example.org',
};

export function git(folder: string, args: readonly string[], input?: string | Buffer): string {
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', GIT_CONFIG_NOSYSTEM: '1', ...PERSON };
  return execFileSync('git', ['-C', folder, ...args], {
    env,
    input,
    stdio: ['pipe', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  })
    .toString()
    .trim();
}

export class Workshop implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(tmpdir(), 'slipway-git-'));
  readonly #open: AsyncDisposable[] = [];

  path(name: string): string {
    return path.join(this.folder, name);
  }

  /** A bare repository under `hosts/`, with one commit on main unless `empty`. */
  bare(
    name: string,
    files: Readonly<Record<string, string>> | 'empty' = { 'slipway.yaml': 'kind: Repository\n' },
  ): string {
    const folder = this.path(`hosts/${name}`);
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', folder]);
    if (files !== 'empty') this.commit(name, files, 'start');
    return folder;
  }

  /** A commit on a branch made by the git command, as a person's push would leave it; returns its oid. */
  commit(name: string, files: Readonly<Record<string, string | null>>, message: string, branch = 'main'): string {
    const folder = this.path(`hosts/${name}`);
    const lines = [
      `commit refs/heads/${branch}`,
      `committer Ann <ann@example.org> ${1_700_000_000 + this.#tick++} +0000`,
      `data ${Buffer.byteLength(message)}`,
      message,
    ];
    if (this.#exists(folder, branch)) lines.push(`from refs/heads/${branch}^0`);
    for (const [file, text] of Object.entries(files)) {
      if (text === null) lines.push(`D ${file}`);
      else lines.push(`M 100644 inline ${file}`, `data ${Buffer.byteLength(text)}`, text);
    }
    git(folder, ['fast-import', '--quiet', '--force'], `${lines.join('\n')}\n`);
    return git(folder, ['rev-parse', `refs/heads/${branch}`]);
  }

  #tick = 0;

  #exists(folder: string, branch: string): boolean {
    try {
      git(folder, ['rev-parse', '--verify', '-q', `refs/heads/${branch}`]);
      return true;
    } catch {
      return false;
    }
  }

  async serve(options: Partial<GitHttpServerOptions> = {}): Promise<GitHttpServer> {
    const server = await startGitHttpServer({
      root: this.path('hosts'),
      environment: { PATH: process.env.PATH },
      ...options,
    });
    this.#open.push(server);
    return server;
  }

  async repository(remote: string, more: Partial<RepositoryOptions> = {}): Promise<IsomorphicGitRepository> {
    const repository = await openManifestsRepository({
      remote,
      branch: 'main',
      folder: this.path(`mirror-${this.#mirrors++}`),
      clock: new SystemClock(),
      logger: silentLogger,
      author: { name: 'Slipway', email: 'slipway@example.org' },
      environment: { PATH: process.env.PATH },
      ...more,
    });
    this.#open.push(repository);
    return repository;
  }

  #mirrors = 0;

  async [Symbol.asyncDispose](): Promise<void> {
    for (const one of this.#open.reverse()) await one[Symbol.asyncDispose]();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function head(outcome: Awaited<ReturnType<IsomorphicGitRepository['fetch']>>): string {
  if (outcome.kind !== 'head')
    throw new Error(`no head: ${JSON.stringify(outcome)} ${outcome.kind === 'failed' ? outcome.error.stack : ''}`);
  return outcome.commit;
}

export function changes(files: Readonly<Record<string, string | null>>): ReadonlyMap<string, Uint8Array | null> {
  return new Map(Object.entries(files).map(([name, text]) => [name, text === null ? null : Buffer.from(text)]));
}

/** The same commit, byte for byte, on the same parent: what a retry after a crash writes again. */
export function sameStep(parent: string): CommitDraft {
  const files = { 'work/large': 'x'.repeat(30_000), 'work/small': 'y', 'deep/er/z': 'z' };
  return { parent, changes: changes(files), message: 'the same step', atMs: 1_790_000_000_000 };
}
