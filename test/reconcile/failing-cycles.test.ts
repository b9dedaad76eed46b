// A cycle that can't be done is told once, as what it is, and done again.
import { expect, test } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { MemoryPublication } from '../../src/distribution/memory-publication.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import { composeVirtualService, VirtualClock } from '../../src/simulation/virtual-service.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';
import { KEYS } from './loop-world.ts';

test('too many open files are no bug, and fill the log at no tick', async () => {
  const logged: unknown[] = [];
  const note =
    (level: string) =>
    (message: string, fields: Readonly<Record<string, unknown>> = {}) => {
      if ('error' in fields) logged.push([level, message, fields.error]);
    };
  const host = new MemoryGitHost();
  await host.commit({ files: { 'README.md': 'models' }, message: 'Begin', atMs: 0 });
  const author = { name: 'Slipway', email: 'slipway@localhost' };
  const repository = new MemoryManifestsRepository({ host, branch: 'main', author });
  const failing = Object.assign(new Error('too many open files'), { code: 'EMFILE', syscall: 'open' });
  const stop = new AbortController();
  let tries = 0;
  repository.readTree = async () => {
    tries += 1;
    if (tries === 5) stop.abort();
    throw failing;
  };
  const clock = new VirtualClock(0);
  const reconciler = composeVirtualService({
    ...{ clock, repository, keys: KEYS, reportMs: 1_000, random: seededRandom(7, 'service') },
    ...{ store: openMemoryFleetStore(), publication: new MemoryPublication(() => undefined) },
    logger: { ...silentLogger, warn: note('warn'), error: note('error') },
  });
  await reconciler.run(stop.signal);
  const message = 'the commit is not read; the last one that could be is judged';
  expect(logged).toEqual([['warn', message, expect.objectContaining({ code: 'SYSTEM_FILES' })]]);
  expect(reconciler.view().trouble).toMatchObject({ code: 'SYSTEM_FILES', remedy: expect.stringContaining('ulimit') });
});
