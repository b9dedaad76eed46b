// Owns the two worlds in which every law of a manifests repository must hold: in memory, and over a real Git server.

import type { CommitSigner, ManifestsRepository, ProposalBranches } from '../../src/git/manifests-repository.ts';
import { FaultyGitHost, type HostFaults } from '../../src/git/memory/faulty-git-host.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { git, Workshop } from './git-fixture.ts';

export interface OpenOptions {
  readonly signer?: CommitSigner;
  /** Continues after a restart of that repository, which is closed. */
  readonly after?: ManifestsRepository;
}

export interface World extends AsyncDisposable {
  /** What goes wrong from now on; a push made in here wins the race. */
  faults: HostFaults;
  open(options?: OpenOptions): Promise<ManifestsRepository & ProposalBranches>;
  /** A person's push. */
  commit(files: Readonly<Record<string, string | null>>, message: string, branch?: string): Promise<string>;
  force(branch: string, commit: string): void;
  head(branch?: string): Promise<string | undefined>;
}

const AUTHOR = { name: 'Slipway', email: 'slipway@example.org' };

class MemoryWorld implements World {
  faults: HostFaults = () => undefined;
  readonly #host = new MemoryGitHost();
  #seconds = 1_700_000_000;

  async open({ signer, after }: OpenOptions = {}): Promise<ManifestsRepository & ProposalBranches> {
    const host = new FaultyGitHost(this.#host, (step) => this.faults(step));
    const knownHead = after?.knownHead() ?? null;
    await after?.[Symbol.asyncDispose]();
    return new MemoryManifestsRepository({ host, branch: 'main', author: AUTHOR, signer, knownHead });
  }

  commit(files: Readonly<Record<string, string | null>>, message: string, branch = 'main'): Promise<string> {
    return this.#host.commit({ branch, files, message, atMs: this.#seconds++ * 1000 });
  }

  force(branch: string, commit: string): void {
    this.#host.force(branch, commit);
  }

  async head(branch = 'main'): Promise<string | undefined> {
    return (await this.#host.branches()).get(branch);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

class ServerWorld implements World {
  faults: HostFaults = () => undefined;
  readonly #shop = new Workshop();
  readonly #bare = this.#shop.bare('m.git', 'empty');
  readonly #folders = new Map<ManifestsRepository, string>();
  #url: string | undefined;

  async #remote(): Promise<string> {
    const onRequest = async ({ service, step }: { service: string | undefined; step: string }) => {
      const fault = await this.faults(service === 'git-receive-pack' && step === 'exchange' ? 'move' : 'look');
      if (fault === 'unreachable') return { kind: 'status', status: 502 } as const;
      return fault === 'lost-answer' ? ({ kind: 'drop-answer' } as const) : undefined;
    };
    this.#url ??= (await this.#shop.serve({ onRequest })).url;
    return `${this.#url}/m.git`;
  }

  async open({ signer, after }: OpenOptions = {}): Promise<ManifestsRepository & ProposalBranches> {
    const folder = (after && this.#folders.get(after)) ?? this.#shop.path(`mirror-of-${this.#folders.size}`);
    await after?.[Symbol.asyncDispose]();
    const repository = await this.#shop.repository(await this.#remote(), { folder, author: AUTHOR, signer });
    this.#folders.set(repository, folder);
    return repository;
  }

  async commit(files: Readonly<Record<string, string | null>>, message: string, branch = 'main'): Promise<string> {
    return this.#shop.commit('m.git', files, message, branch);
  }

  force(branch: string, commit: string): void {
    git(this.#bare, ['update-ref', `refs/heads/${branch}`, commit]);
  }

  async head(branch = 'main'): Promise<string | undefined> {
    return git(this.#bare, ['for-each-ref', '--format=%(objectname)', `refs/heads/${branch}`]) || undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#shop[Symbol.asyncDispose]();
  }
}

export const WORLDS: readonly (readonly [string, () => World])[] = [
  ['in memory', () => new MemoryWorld()],
  ['over a Git server', () => new ServerWorld()],
];
