// What watching promises: a changed file wakes its reader, however it was changed, and a commit in a local repository is seen.
import { appendFileSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import { FileWatcher, watchRepository } from '../../src/cli/file-watcher.ts';
import { homeAt } from '../../src/cli/home.ts';
import { openTrust } from '../../src/cli/home-files.ts';
import { WatchedFile } from '../../src/cli/watched-file.ts';
import { keyIdOf } from '../../src/contract/trust/keys.ts';
import { SourceFollower } from '../../src/reconcile/source-follower.ts';
import { git, Workshop } from '../git/git-fixture.ts';
import { makeKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

const system = new SystemClock();
/** A slow poll never comes: only a wake ends a long sleep. */
const clock = {
  now: () => system.now(),
  monotonicMs: () => system.monotonicMs(),
  sleep: (ms: number, signal?: AbortSignal) => system.sleep(ms < 5_000 ? Math.min(ms, 10) : 2 ** 30, signal),
};
let folder: string;
let watcher: FileWatcher;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-watch-'));
  watcher = new FileWatcher(silentLogger);
});

afterEach(async () => {
  await watcher[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const at = (...parts: string[]): string => path.join(folder, ...parts);

/** Follows a file until the test ends; `sees` waits for a content. */
async function follow(file: string) {
  const { readFile } = await import('node:fs/promises');
  const followed = await WatchedFile.open({ name: 'file', file, read: () => readFile(file, 'utf8') });
  const end = new AbortController();
  const done = followed.follow(() => undefined, { watcher, clock, logger: silentLogger, signal: end.signal });
  return {
    followed,
    sees: (content: string) =>
      until(
        () => followed.value === content,
        () => followed.value,
      ),
    [Symbol.asyncDispose]: async () => {
      end.abort();
      await done;
    },
  };
}

describe('a file', () => {
  test('is read again after it was written, replaced by rename, deleted and back', async () => {
    const file = at('list.yaml');
    writeFileSync(file, 'first');
    await using reader = await follow(file);
    writeFileSync(file, 'written');
    await reader.sees('written');
    for (const content of ['renamed', 'renamed again']) {
      writeFileSync(at('list.next'), content);
      renameSync(at('list.next'), file);
      await reader.sees(content);
    }
    rmSync(file);
    await until(() => reader.followed.problem !== null, 'the missing file to be a problem');
    expect(reader.followed.value).toBe('renamed again');
    writeFileSync(file, 'back');
    await reader.sees('back');
    appendFileSync(file, ' and changed');
    await reader.sees('back and changed');
    expect(reader.followed.problem).toBeNull();
  });

  test.each([false, true])(
    'is read again when Kubernetes swaps the secret that it is mounted from (old kept: %s)',
    async (isKept) => {
      const mount = (version: number): void => {
        mkdirSync(at(`..v${version}`));
        writeFileSync(at(`..v${version}`, 'list.yaml'), `version ${version}`);
        symlinkSync(`..v${version}`, at('..data_tmp'));
        renameSync(at('..data_tmp'), at('..data'));
        if (!isKept) rmSync(at(`..v${version - 1}`), { recursive: true, force: true });
      };
      mount(1);
      symlinkSync('..data/list.yaml', at('list.yaml'));
      await using reader = await follow(at('list.yaml'));
      for (const version of [2, 3, 4]) {
        mount(version);
        await reader.sees(`version ${version}`);
      }
    },
  );

  test('that is another link now is read again', async () => {
    for (const name of ['one', 'two']) writeFileSync(at(name), name);
    symlinkSync('one', at('list.yaml'));
    await using reader = await follow(at('list.yaml'));
    symlinkSync('two', at('next'));
    renameSync(at('next'), at('list.yaml'));
    await reader.sees('two');
  });

  test('wakes nobody when its neighbours change', async () => {
    const woken: string[] = [];
    watcher.watchFiles([at('mine')], () => woken.push('mine'));
    watcher.watchFiles([at('other')], () => woken.push('other'));
    writeFileSync(at('noise'), '1');
    writeFileSync(at('other'), '1');
    await until(() => woken.length > 0, 'the other file to be seen');
    expect(new Set(woken)).toEqual(new Set(['other']));
  });
});

test('a key file that the trust policy names counts as the policy itself', async () => {
  const home = homeAt(folder);
  const [own, first, second] = [makeKey(), makeKey(), makeKey()];
  mkdirSync(at('keys'));
  writeFileSync(at('keys', 'team.pub'), first.publicPem);
  writeFileSync(
    home.trustPolicy,
    `apiVersion: slipway.dev/v1alpha1
kind: TrustPolicy
spec:
  signers: [{ name: team, key: keys/team.pub, models: ["*"] }]
  reconciler: [{ publicKey: ${JSON.stringify(own.publicPem)} }]
`,
  );
  const trust = await openTrust(home, () => keyIdOf(own.publicKey));
  const before = trust.value.digest;
  const end = new AbortController();
  const done = trust.follow(() => undefined, { watcher, clock, logger: silentLogger, signal: end.signal });
  writeFileSync(at('keys', 'team.pub'), second.publicPem);
  await until(
    () => trust.value.digest !== before,
    () => trust.problem,
  );
  end.abort();
  await done;
});

test('a commit in a local repository is seen through the watcher: bare or a clone, after packing, and by another branch name', async () => {
  await using shop = new Workshop();
  const bare = shop.bare('models');
  const repository = await shop.repository(bare);
  const follower = new SourceFollower(
    { repository, clock, random: seededRandom('watch', 'source'), logger: silentLogger },
    () => Number.MAX_SAFE_INTEGER,
  );
  const { signal } = new AbortController();
  let asking = Promise.resolve();
  const look = (): void => {
    follower.askSoon();
    asking = asking.then(() => follower.follow(signal, Number.POSITIVE_INFINITY));
  };
  await watchRepository(watcher, bare, look);
  const first = shop.commit('models', { 'a.yaml': '1' }, 'first');
  await until(
    () => follower.head === first,
    () => follower.state,
  );
  git(bare, ['pack-refs', '--all']);
  const second = shop.commit('models', { 'a.yaml': '2' }, 'second');
  await until(
    () => follower.head === second,
    () => follower.state,
  );
  await asking;

  const clone = shop.path('clone');
  git(shop.folder, ['clone', '-q', bare, clone]);
  let woken = 0;
  await watchRepository(watcher, clone, () => woken++);
  for (const args of [
    ['commit', '-q', '--allow-empty', '-m', 'next'],
    ['switch', '-q', '-c', 'team/next'],
  ]) {
    await until(() => woken > 0, 'the watch to begin');
    woken = 0;
    git(clone, args);
    await until(() => woken > 0, `${args[0]} to be seen`);
  }
});
