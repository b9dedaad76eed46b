// Owns a past for tests: a branch on which everything went wrong that may, signed as the service signs.

import { judgeCommit } from '../../src/cli/commit-judge.ts';
import { Past } from '../../src/dashboard/read-model/past.ts';
import type { CommitFacts } from '../../src/git/manifests-repository.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { FaultyWorld, KEYS } from '../simulation/faulty-world.ts';

const SERVICE = { name: 'Slipway', email: 'slipway@localhost' };

export interface StormyPast {
  readonly world: FaultyWorld;
  readonly repository: MemoryManifestsRepository;
  readonly head: string;
  /** A past of its own, which has read nothing. */
  read(more?: { readonly most?: number; readonly hasKeys?: boolean }): Past;
}

export async function stormyPast(seed: number, stormyTicks?: number): Promise<StormyPast> {
  const signer = { ...SERVICE, sign: (payload: string) => KEYS.reconciler.signCommit(payload) };
  const world = new FaultyWorld(seed, {
    repository: (options) => new MemoryManifestsRepository({ ...options, signer }),
  });
  await world.live(stormyTicks === undefined ? {} : { stormyTicks });
  const repository = new MemoryManifestsRepository({ host: world.host, branch: 'main', author: SERVICE });
  await repository.fetch();
  return {
    ...{ world, repository, head: repository.knownHead() ?? '' },
    read: ({ most, hasKeys = true } = {}) =>
      new Past({
        ...{ repository, keys: () => (hasKeys ? KEYS.trust.reconciler : null), judge: judgeCommit },
        ...(most === undefined ? {} : { most }),
      }),
  };
}

/** All commits of the branch, newest first. */
export function commitsOf({ repository, head }: StormyPast): Promise<readonly CommitFacts[]> {
  return repository.log(head, 100_000);
}
