// Owns what people do in a rehearsal: they ask for the candidate, and approve it.
import { type SpecEdits, spliceSpec } from '../documents/edit-rollout.ts';
import { findInTree, type ManifestsRepository } from '../git/manifests-repository.ts';
import type { MemoryGitHost } from '../git/memory/memory-git-host.ts';
import { rolloutPath } from './virtual-manifests.ts';

const LIMIT_BYTES = 1024 * 1024;

export class VirtualPerson {
  readonly #host: MemoryGitHost;
  readonly #repository: Pick<ManifestsRepository, 'readTree' | 'readBlob'>;

  constructor(host: MemoryGitHost, repository: Pick<ManifestsRepository, 'readTree' | 'readBlob'>) {
    this.#host = host;
    this.#repository = repository;
  }

  /** Edits a rollout as it stands on the branch now. */
  async edit(rollout: string, edits: readonly SpecEdits[], message: string, atMs: number): Promise<void> {
    const path = rolloutPath(rollout);
    const head = (await this.#host.branches()).get('main') ?? '';
    const found = findInTree(await this.#repository.readTree(head), path);
    if (found?.kind !== 'blob') return;
    const before = Buffer.from(await this.#repository.readBlob(found.oid, LIMIT_BYTES)).toString('utf8');
    const text = edits.reduce((edited, one) => spliceSpec(edited, one), before);
    await this.#host.commit({ files: { [path]: text }, message, atMs });
  }
}
