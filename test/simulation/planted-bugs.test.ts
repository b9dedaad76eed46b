// The judges of seeded worlds find bugs that are planted in carrying out and in landing: who never complains proves nothing.
import { expect, test } from 'vitest';
import type { CommitDraft } from '../../src/git/manifests-repository.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import type { Landing } from '../../src/reconcile/landing.ts';
import { type Bug, FaultyWorld } from './faulty-world.ts';
import { judgeBranch } from './judge-branch.ts';

/** A push that was refused is taken for landed. */
class Hopeful implements Landing {
  readonly #landing: Landing;

  constructor(landing: Landing) {
    this.#landing = landing;
  }

  async land(order: Parameters<Landing['land']>[0]): ReturnType<Landing['land']> {
    const answer = await this.#landing.land(order);
    if (answer.kind !== 'lost') return answer;
    return { kind: 'landed', head: order.observed, steps: order.steps };
  }
}

/** Each step is committed twice, in a row. */
class Stuttering extends MemoryManifestsRepository {
  override async commit(draft: CommitDraft): Promise<string> {
    const parent = await super.commit(draft);
    const changes = new Map([...draft.changes, ['again.txt', Buffer.from(parent)]]);
    return super.commit({ ...draft, parent, changes });
  }
}

/** The evidence is committed, and the status is not. */
class Forgetful extends MemoryManifestsRepository {
  override commit(draft: CommitDraft): Promise<string> {
    const changes = new Map([...draft.changes].filter(([path]) => !path.startsWith('rollouts/')));
    return super.commit({ ...draft, changes });
  }
}

/** The status is committed, and the evidence is another step's. */
class Careless extends MemoryManifestsRepository {
  #before: Uint8Array | null = null;

  override commit(draft: CommitDraft): Promise<string> {
    const changes = new Map(draft.changes);
    for (const [path, bytes] of draft.changes) {
      if (!/^evidence\/.*\d+-[^/]*\.json$/.test(path)) continue;
      changes.set(path, this.#before ?? bytes);
      this.#before = bytes;
    }
    return super.commit({ ...draft, changes });
  }
}

const BUGS: readonly (readonly [what: string, bug: Bug, told: RegExp])[] = [
  ['a refused push taken for landed', { landing: (landing) => new Hopeful(landing) }, /taken for landed and is lost/],
  ['a step committed twice', { repository: (options) => new Stuttering(options) }, /is on the branch twice/],
  ['a forgotten status', { repository: (options) => new Forgetful(options) }, /left no status|not the status/],
  ["another step's evidence", { repository: (options) => new Careless(options) }, /names other evidence/],
];

test.each(BUGS)('%s is found within ten worlds', async (_, bug, told) => {
  const found: string[] = [];
  for (let seed = 1; seed <= 10 && !found.some((one) => told.test(one)); seed++) {
    const world = new FaultyWorld(seed, bug);
    await world.live({ stormyTicks: 30, quietTicks: 1 });
    found.push(...(await judgeBranch(world)));
  }
  expect(found).toEqual(expect.arrayContaining([expect.stringMatching(told)]));
});
