// Owns a process for the kill tests: it fetches, commits and pushes without end, and says on stdout what surely reached the branch.
import { flushCompileCache } from 'node:module';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { openManifestsRepository } from '../../src/git/isomorphic/isomorphic-git-repository.ts';

// Killed processes don't write it by themselves, and dozens of them start.
flushCompileCache();
const [remote = '', folder = '', packs = '200'] = process.argv.slice(2);
const clock = new SystemClock();
const repository = await openManifestsRepository({
  remote,
  branch: 'main',
  folder,
  clock,
  logger: silentLogger,
  author: { name: 'Restless', email: 'restless@example.org' },
  environment: { PATH: process.env.PATH },
  limits: { packs: Number(packs) },
});
console.log('ready');
for (let step = 0; ; step++) {
  const outcome = await repository.fetch();
  if (outcome.kind !== 'head') throw outcome.kind === 'failed' ? outcome.error : new Error(outcome.kind);
  const bytes = Buffer.from(`${process.pid} ${step} ${'x'.repeat(20_000)}`);
  const commit = await repository.commit({
    parent: outcome.commit,
    changes: new Map([
      [`work/${process.pid}/${step % 7}`, bytes],
      [`log/${process.pid}-${step}`, Buffer.from(`${step}`)],
    ]),
    message: `step ${step}`,
    atMs: clock.now(),
  });
  const pushed = await repository.push(commit, outcome.commit);
  if (pushed.kind === 'pushed') console.log(commit);
}
