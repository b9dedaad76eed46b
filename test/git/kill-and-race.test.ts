// Holds the git edge to its two hardest promises: kill -9 at any moment leaves a usable mirror, and racing writers lose no commit.
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { randomBelow, seededRandom } from '../../src/base/random.ts';
import { treeEntries } from '../../src/git/manifests-repository.ts';
import { changes, git, head, sameStep, Workshop } from './git-fixture.ts';

const SEED = process.env.SLIPWAY_TEST_SEED ?? '1';
const KILLS = 16;

interface Moment {
  /** Lines to wait for: 0 none (while it starts), 1 ready, then one a push. */
  readonly lines: number;
  readonly thenMs: number;
}

/** Starts the writer, kills it at the moment; returns what it had pushed. */
async function killedWriter(remote: string, folder: string, moment: Moment): Promise<readonly string[]> {
  const script = path.join(import.meta.dirname, 'restless-writer.ts');
  const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };
  const child = spawn(process.execPath, [script, remote, folder, '6'], { stdio: ['ignore', 'pipe', 'pipe'], env });
  let said = '';
  let complaint = '';
  const reached = Promise.withResolvers<void>();
  if (moment.lines === 0) reached.resolve();
  child.stdout.on('data', (chunk: Buffer) => {
    said += chunk.toString();
    if (said.split('\n').length > moment.lines) reached.resolve();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString();
  });
  const closed = new Promise<NodeJS.Signals | null>((resolve) => child.on('close', (_, signal) => resolve(signal)));
  await Promise.race([reached.promise, closed]);
  await sleep(moment.thenMs);
  child.kill('SIGKILL');
  expect(await closed, complaint).toBe('SIGKILL');
  return said.split('\n').filter((line) => /^[0-9a-f]{40}$/.test(line));
}

test('killed at any moment, the next start finds a mirror that it can use, and nothing that was pushed is lost', async () => {
  await using shop = new Workshop();
  const bare = shop.bare(
    'm.git',
    Object.fromEntries(Array.from({ length: 40 }, (_, i) => [`models/${i}`, `${i} `.repeat(500)])),
  );
  const server = await shop.serve();
  const random = seededRandom(SEED, 'kill moments');
  const folder = shop.path('mirror');
  const pushed: string[] = [];
  for (let round = 0; round < KILLS; round++) {
    const remote = round % 2 === 0 ? `${server.url}/m.git` : bare;
    const place = path.join(folder, remote === bare ? 'local' : 'http');
    pushed.push(
      ...(await killedWriter(remote, place, { lines: 1 + randomBelow(random, 4), thenMs: random.next() * 120 })),
    );
    await sleep(150); // a push whose sender died may still be taken by the host
    shop.commit('m.git', { [`people/${round}`]: 'x' }, 'people work too');
    const generation = readFileOrEmpty(path.join(place, 'current'));
    if (generation !== '') git(path.join(place, generation), ['fsck', '--full', '--no-dangling']);
    const repository = await shop.repository(remote, { folder: place });
    const outcome = await repository.fetch();
    const parent = head(outcome);
    expect(outcome).toMatchObject({ continues: true });
    for (const { oid } of treeEntries(await repository.readTree(parent))) await repository.readBlob(oid, 100_000);
    const commit = await repository.commit({
      parent,
      changes: changes({ [`after/${round}`]: '1' }),
      message: 'after',
      atMs: 1_790_000_000_000,
    });
    expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
    await repository[Symbol.asyncDispose]();
    const mirrors = readdirSync(place).filter((name) => name.startsWith('g-'));
    expect(mirrors).toHaveLength(1);
  }
  git(bare, ['fsck', '--full', '--strict', '--no-dangling']);
  const onBranch = new Set(git(bare, ['rev-list', 'main']).split('\n'));
  expect(pushed.length).toBeGreaterThan(10);
  expect(pushed.filter((commit) => !onBranch.has(commit))).toEqual([]);
}, 400_000);

test('killed while it clones, the next start clones anew', async () => {
  await using shop = new Workshop();
  const bare = shop.bare(
    'm.git',
    Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`models/${i}`, `${i} `.repeat(500)])),
  );
  const random = seededRandom(SEED, 'clone moments');
  for (let round = 0; round < 6; round++) {
    const folder = shop.path(`mirror-${round}`);
    await killedWriter(bare, folder, { lines: round % 2, thenMs: (1 - (round % 2)) * 200 + random.next() * 150 });
    const repository = await shop.repository(bare, { folder });
    const commit = head(await repository.fetch());
    expect([...treeEntries(await repository.readTree(commit))].length).toBeGreaterThanOrEqual(200);
    await repository[Symbol.asyncDispose]();
  }
}, 400_000);

test.each([
  ['an update', '200'],
  ['a fresh clone', '1'],
])(
  'killed at each step of writing %s and a commit, the same work done again is sound',
  async (_, packs) => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git', { a: '1', 'b/c': '2' });
    const folder = shop.path('mirror');
    const script = path.join(import.meta.dirname, 'dying-writer.ts');
    const first = await shop.repository(bare, { folder });
    head(await first.fetch());
    await first[Symbol.asyncDispose]();
    const env = { PATH: process.env.PATH, NODE_COMPILE_CACHE: process.env.NODE_COMPILE_CACHE };
    for (let step = 1, ended = false; !ended; step++) {
      const parent = shop.commit('m.git', { a: `${step}`, 'deep/er/z': 'old', work: null }, 'people work too');
      const child = spawnSync(process.execPath, [script, bare, folder, String(step), packs], { env, encoding: 'utf8' });
      ended = child.signal === null;
      expect(child.status, child.stderr).toBe(ended ? 0 : null);
      const repository = await shop.repository(bare, { folder });
      expect(await repository.fetch()).toMatchObject({ kind: 'head', commit: parent, continues: true });
      const commit = await repository.commit(sameStep(parent));
      expect(await repository.push(commit, parent), `after step ${step}`).toEqual({ kind: 'pushed' });
      await repository[Symbol.asyncDispose]();
      git(path.join(folder, readFileOrEmpty(path.join(folder, 'current'))), ['fsck', '--full', '--no-dangling']);
      expect(ended || step < 100).toBe(true);
      if (ended) expect(step).toBeGreaterThan(20);
    }
    git(bare, ['fsck', '--full', '--strict', '--no-dangling']);
  },
  400_000,
);

test('three writers that race lose no commit and overwrite none', async () => {
  await using shop = new Workshop();
  const bare = shop.bare('m.git');
  const server = await shop.serve();
  const each = 8;
  const writer = async (name: string, remote: string): Promise<number> => {
    const repository = await shop.repository(remote);
    let refused = 0;
    for (let done = 0; done < each; ) {
      const parent = head(await repository.fetch());
      const commit = await repository.commit({
        parent,
        changes: changes({ [`work/${name}-${done}`]: name, last: `${name} ${done}` }),
        message: `${name} ${done}`,
        atMs: 1_790_000_000_000,
      });
      const outcome = await repository.push(commit, parent);
      if (outcome.kind === 'pushed') done++;
      else refused++;
    }
    return refused;
  };
  const url = `${server.url}/m.git`;
  const refusals = await Promise.all([writer('a', url), writer('b', bare), writer('c', url)]);
  expect(refusals.reduce((sum, one) => sum + one)).toBeGreaterThan(0);
  const subjects = git(bare, ['log', '--format=%s', 'main']).split('\n');
  const wanted = ['a', 'b', 'c'].flatMap((name) => Array.from({ length: each }, (_, i) => `${name} ${i}`));
  expect([...subjects].sort()).toEqual([...wanted, 'start'].sort());
  expect(git(bare, ['ls-tree', '-r', '--name-only', 'main', 'work/']).split('\n')).toHaveLength(3 * each);
  git(bare, ['fsck', '--full', '--strict', '--no-dangling']);
}, 400_000);

function readFileOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
