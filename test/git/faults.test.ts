// Holds the git edge to the truth when hosts, networks and people misbehave; the host is a real Git server with faults in front.
import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import type { GitHttpFault, GitHttpRequest } from '../../src/cli/demo/git-http-server.ts';
import type { IsomorphicGitRepository } from '../../src/git/isomorphic/isomorphic-git-repository.ts';
import { findInTree } from '../../src/git/manifests-repository.ts';
import { DEFAULT_TRANSPORT_LIMITS } from '../../src/git/wire/smart-transport.ts';
import { changes, git, head, Workshop } from './git-fixture.ts';

const AT = 1_790_000_000_000;

function draft(parent: string, files: Readonly<Record<string, string | null>>, message = 'step') {
  return { parent, changes: changes(files), message, atMs: AT };
}

/** A server whose faults the test sets as it goes. */
async function faulty(shop: Workshop, protocol: 0 | 2 = 2) {
  const plan: { fault: (request: GitHttpRequest) => GitHttpFault | undefined } = { fault: () => undefined };
  const server = await shop.serve({ protocol, onRequest: (request) => plan.fault(request) });
  return { plan, url: `${server.url}/m.git` };
}

async function readEverything(repository: IsomorphicGitRepository, commit: string): Promise<number> {
  const { treeEntries } = await import('../../src/git/manifests-repository.ts');
  let files = 0;
  for (const { oid } of treeEntries(await repository.readTree(commit))) {
    await repository.readBlob(oid, 1_000_000);
    files++;
  }
  return files;
}

describe('a host that limits how often it is asked', () => {
  test.each([
    ['403 with Retry-After', 403, { 'retry-after': '600' }, 600_000],
    [
      '403 with nothing left until a time',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '1000' },
      3_600_000,
    ],
    ['429 that says no more', 429, {}, 60_000],
    ['503 with Retry-After', 503, { 'retry-after': '5' }, 5_000],
  ] as const)('is left alone for as long as it says: %s', async (_, status, headers, waitMs) => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const { plan, url } = await faulty(shop);
    const time = { ms: 0 };
    const system = new SystemClock();
    const clock = { now: () => 0, monotonicMs: () => time.ms, sleep: system.sleep.bind(system) };
    const repository = await shop.repository(url, { clock });
    let asked = 0;
    const date = new Date(-1e12).toUTCString();
    plan.fault = () => {
      asked++;
      return { kind: 'status', status, headers: { date, ...headers } };
    };
    const limited = { kind: 'failed', problem: 'rate-limited', error: { code: 'GIT_RATE_LIMITED' } };
    expect(await repository.fetch()).toMatchObject(limited);
    time.ms = waitMs - 1;
    expect(await repository.fetch()).toMatchObject(limited);
    expect(asked).toBe(1);
    time.ms = waitMs;
    plan.fault = () => undefined;
    expect(await repository.fetch()).toMatchObject({ kind: 'head' });
  });

  test('is not taken for one that refuses the credentials, and 403 alone is', async () => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const { plan, url } = await faulty(shop);
    const repository = await shop.repository(url);
    plan.fault = () => ({ kind: 'status', status: 403 });
    expect(await repository.fetch()).toMatchObject({ problem: 'credentials' });
  });
});

describe('fetching', () => {
  test('wrong credentials say so, never show the secret, and right ones are asked for each time', async () => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const server = await shop.serve({ credentials: { username: 'slipway', password: 's3cret-right' } });
    let password = 's3cret-wrong';
    const credentials = () => ({ kind: 'basic', username: 'slipway', password }) as const;
    const repository = await shop.repository(`${server.url}/m.git`, { credentials });
    const outcome = await repository.fetch();
    expect(outcome).toMatchObject({
      kind: 'failed',
      problem: 'credentials',
      error: { code: 'GIT_CREDENTIALS_REFUSED' },
    });
    expect(JSON.stringify(outcome) + (outcome.kind === 'failed' ? outcome.error.stack : '')).not.toContain('s3cret');
    password = 's3cret-right';
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '1' }));
    password = 's3cret-wrong';
    expect(await repository.push(commit, parent)).toMatchObject({
      kind: 'refused',
      error: { code: 'GIT_CREDENTIALS_REFUSED' },
    });
    password = 's3cret-right';
    expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
  });

  test('a token that no header can hold, and that the error of the request quotes, is not shown', async () => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const server = await shop.serve();
    const credentials = () => ({ kind: 'bearer', token: 's3cret-one\ns3cret-two' }) as const;
    const outcome = await (await shop.repository(`${server.url}/m.git`, { credentials })).fetch();
    expect(outcome).toMatchObject({ kind: 'failed', error: { code: 'GIT_UNREACHABLE' } });
    expect(outcome.kind === 'failed' && outcome.error.message).not.toContain('s3cret');
  });

  test('an address with a password in it is refused without repeating it', async () => {
    await using shop = new Workshop();
    const opening = shop.repository('https://bot:s3cret@git.example.org/m.git');
    await expect(opening).rejects.toMatchObject({ code: 'GIT_URL_CREDENTIALS' });
    await expect(opening).rejects.not.toThrow(/s3cret/);
  });

  test('credentials are not sent over plain HTTP to other machines', async () => {
    await using shop = new Workshop();
    const credentials = () => ({ kind: 'bearer', token: 't' }) as const;
    const repository = await shop.repository('http://git.invalid/m.git', { credentials });
    expect(await repository.fetch()).toMatchObject({
      kind: 'failed',
      problem: 'credentials',
      error: { code: 'GIT_CREDENTIALS_INSECURE' },
    });
  });

  test.each(['advertise', 'exchange'] as const)(
    'a host that hangs on %s ends in a timeout, and the next fetch works',
    async (step) => {
      await using shop = new Workshop();
      shop.bare('m.git');
      const { plan, url } = await faulty(shop);
      const limits = { transport: { ...DEFAULT_TRANSPORT_LIMITS, quietMs: 300 } };
      const repository = await shop.repository(url, { limits });
      plan.fault = (request) => (request.step === step ? { kind: 'hang' } : undefined);
      expect(await repository.fetch()).toMatchObject({ kind: 'failed', problem: 'timeout' });
      plan.fault = () => undefined;
      head(await repository.fetch());
    },
  );

  test('a host that is not there, that fails, or that is no repository is distinguished', async () => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const { plan, url } = await faulty(shop);
    const repository = await shop.repository(url);
    plan.fault = () => ({ kind: 'status', status: 502 });
    expect(await repository.fetch()).toMatchObject({ problem: 'unreachable', error: { code: 'GIT_HOST_FAILED' } });
    plan.fault = () => ({ kind: 'status', status: 404 });
    expect(await repository.fetch()).toMatchObject({ problem: 'not-a-repository' });
    plan.fault = () => ({ kind: 'status', status: 200 });
    expect(await repository.fetch()).toMatchObject({ problem: 'not-a-repository' });
    const nobody = await shop.repository('http://127.0.0.1:1/m.git');
    expect(await nobody.fetch()).toMatchObject({ problem: 'unreachable', error: { code: 'GIT_UNREACHABLE' } });
    const nothing = await shop.repository(shop.path('nowhere'));
    expect(await nothing.fetch()).toMatchObject({ problem: 'not-a-repository' });
    const folder = await shop.repository(shop.folder);
    expect(await folder.fetch()).toMatchObject({ problem: 'not-a-repository' });
    const noGit = await shop.repository(shop.path('hosts/m.git'), { environment: { PATH: '/nonexistent' } });
    expect(await noGit.fetch()).toMatchObject({ problem: 'other', error: { code: 'GIT_COMMAND_MISSING' } });
  });

  test('a redirect on the same host is followed, to another host it is not', async () => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const { plan, url } = await faulty(shop);
    const elsewhere = await shop.serve();
    const to = (location: string): GitHttpFault => ({ kind: 'status', status: 301, headers: { location } });
    plan.fault = ({ path: at, service }) =>
      at.startsWith('/old.git') ? to(`/m.git/info/refs?service=${service}`) : undefined;
    const moved = await shop.repository(url.replace('m.git', 'old.git'));
    const parent = head(await moved.fetch());
    const commit = await moved.commit(draft(parent, { a: '1' }));
    expect(await moved.push(commit, parent)).toEqual({ kind: 'pushed' });
    plan.fault = ({ service }) => to(`${elsewhere.url}/m.git/info/refs?service=${service}`);
    expect(await moved.fetch()).toMatchObject({ kind: 'failed', problem: 'unreachable' });
    expect(await moved.fetch()).toMatchObject({ problem: 'other', error: { code: 'GIT_REDIRECT_REFUSED' } });
  });

  test.each([0, 2] as const)(
    'protocol %i: an answer cut short anywhere is no success, and leaves the mirror as it was',
    async (protocol) => {
      await using shop = new Workshop();
      const lines = Array.from({ length: 3000 }, (_, i) => `${i * 7919}`).join('\n');
      const bare = shop.bare('m.git', { a: '1' });
      const { plan, url } = await faulty(shop, protocol);
      const repository = await shop.repository(url);
      const before = head(await repository.fetch());
      const after = shop.commit('m.git', { a: '2', 'deep/er/b': lines }, 'two');
      for (const afterBytes of [0, 3, 8, 9, 40, 100, 200, 1000, 5000]) {
        plan.fault = ({ step }) => (step === 'exchange' ? { kind: 'truncate', afterBytes } : undefined);
        expect(await repository.fetch()).toMatchObject({ kind: 'failed', problem: 'corrupt' });
      }
      plan.fault = ({ step }) => (step === 'advertise' ? { kind: 'truncate', afterBytes: 60 } : undefined);
      const other = await shop.repository(url);
      expect(await other.fetch()).toMatchObject({ kind: 'failed', problem: 'corrupt' });
      expect(await readEverything(repository, before)).toBe(1);
      plan.fault = () => undefined;
      expect(await repository.fetch()).toEqual({ kind: 'head', commit: after, previous: before, continues: true });
      expect(git(bare, ['rev-parse', 'main'])).toBe(after);
    },
  );

  test('an answer larger than permitted is refused while it arrives', async () => {
    await using shop = new Workshop();
    shop.bare('m.git', { big: Array.from({ length: 20_000 }, (_, i) => (i * 2654435761) % 4294967296).join(' ') });
    const { url } = await faulty(shop);
    const limits = { transport: { ...DEFAULT_TRANSPORT_LIMITS, answerBytes: 10_000 } };
    for (const remote of [url, shop.path('hosts/m.git')]) {
      const repository = await shop.repository(remote, { limits });
      expect(await repository.fetch()).toMatchObject({ kind: 'failed', error: { code: 'GIT_ANSWER_TOO_LARGE' } });
    }
  });

  test('a force-pushed branch does not continue; an ordinary push and a merge do', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git', { a: '1' });
    const repository = await shop.repository(bare);
    const first = head(await repository.fetch());
    const second = shop.commit('m.git', { a: '2' }, 'two');
    expect(await repository.fetch()).toMatchObject({ commit: second, previous: first, continues: true });
    git(bare, ['branch', 'side', first]);
    const side = shop.commit('m.git', { b: '1' }, 'side', 'side');
    const merge = git(bare, ['commit-tree', `${second}^{tree}`, '-p', side, '-p', second, '-m', 'merge']);
    git(bare, ['update-ref', 'refs/heads/main', merge]);
    expect(await repository.fetch()).toMatchObject({ commit: merge, continues: true });
    git(bare, ['update-ref', 'refs/heads/main', side]);
    expect(await repository.fetch()).toEqual({ kind: 'head', commit: side, previous: merge, continues: false });
    expect(await repository.isAncestor(first, merge)).toBe(true);
    expect(await repository.isAncestor(merge, first)).toBe(false);
  });

  test.each(['http', 'local'])(
    'a remote (%s) that is itself shallow is read, and ancestry beyond its edge is unknown',
    async (way) => {
      await using shop = new Workshop();
      const bare = shop.bare('deep.git', { a: '1' });
      const old = git(bare, ['rev-parse', 'main']);
      for (let i = 2; i < 6; i++) shop.commit('deep.git', { a: `${i}` }, `${i}`);
      execFileSync('git', ['clone', '-q', '--bare', '--depth', '2', `file://${bare}`, shop.path('hosts/m.git')], {
        stdio: 'pipe',
      });
      const { url } = await faulty(shop);
      const repository = await shop.repository(way === 'http' ? url : shop.path('hosts/m.git'));
      const commit = head(await repository.fetch());
      expect(await repository.isAncestor(old, commit)).toBe('unknown');
      expect(await repository.log(commit, 10)).toHaveLength(2);
      const next = await repository.commit(draft(commit, { b: '1' }));
      expect(await repository.push(next, commit)).toEqual({ kind: 'pushed' });
      shop.commit('m.git', { c: '1' }, 'more');
      expect(await repository.fetch()).toMatchObject({ kind: 'head', previous: next, continues: true });
    },
  );
});

describe('pushing', () => {
  test('a branch that moves between the look and the push is not overwritten', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git', { a: '1' });
    const { plan, url } = await faulty(shop);
    const repository = await shop.repository(url);
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '2' }));
    let theirs = '';
    plan.fault = ({ step, service }) => {
      if (step === 'exchange' && service === 'git-receive-pack') theirs = shop.commit('m.git', { c: '1' }, 'theirs');
      return undefined;
    };
    expect(await repository.push(commit, parent)).toMatchObject({ kind: 'refused' });
    expect(git(bare, ['rev-parse', 'main'])).toBe(theirs);
    expect(await repository.fetch()).toMatchObject({ commit: theirs, previous: parent, continues: true });
  });

  test('a push that a hook declines is refused with what the hook said', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git');
    writeFileSync(path.join(bare, 'hooks/update'), '#!/bin/sh\necho protected >&2\nexit 1\n', { mode: 0o755 });
    const repository = await shop.repository(bare);
    const parent = head(await repository.fetch());
    const outcome = await repository.push(await repository.commit(draft(parent, { a: '1' })), parent);
    expect(outcome).toEqual({ kind: 'refused', reason: 'hook declined' });
    expect(git(bare, ['rev-parse', 'main'])).toBe(parent);
  });

  test('an answer lost after the push was accepted is unknown, and the log since then shows that it landed', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git');
    const { plan, url } = await faulty(shop);
    const repository = await shop.repository(url);
    let parent = head(await repository.fetch());
    const faults: readonly GitHttpFault[] = [
      { kind: 'drop-answer' },
      { kind: 'truncate', afterBytes: 0 },
      { kind: 'truncate', afterBytes: 20 },
    ];
    for (const [index, fault] of faults.entries()) {
      const commit = await repository.commit(draft(parent, { a: `${index}` }, `step\n\nSlipway-Transition: ${index}`));
      plan.fault = ({ step, service }) => (step === 'exchange' && service === 'git-receive-pack' ? fault : undefined);
      expect(await repository.push(commit, parent)).toMatchObject({ kind: 'unknown' });
      expect(git(bare, ['rev-parse', 'main'])).toBe(commit);
      shop.commit('m.git', { theirs: `${index}` }, 'someone was quicker');
      const now = head(await repository.fetch());
      const since = await repository.logUntil(now, parent, 100);
      expect(since.map(({ trailers }) => trailers.get('Slipway-Transition')?.[0])).toEqual([undefined, `${index}`]);
      parent = now;
    }
  });

  test('a host that fails before it took the push leaves it unsent or unknown, never pushed', async () => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const { plan, url } = await faulty(shop);
    const limits = { transport: { ...DEFAULT_TRANSPORT_LIMITS, quietMs: 3_000 } };
    const repository = await shop.repository(url, { limits });
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '1' }));
    const push = (step: string, fault: GitHttpFault) => {
      plan.fault = (request) => (request.step === step ? fault : undefined);
      return repository.push(commit, parent);
    };
    expect(await push('advertise', { kind: 'hang' })).toMatchObject({
      kind: 'refused',
      error: { code: 'GIT_TIMEOUT' },
    });
    expect(await push('advertise', { kind: 'status', status: 500 })).toMatchObject({ kind: 'refused' });
    expect(await push('exchange', { kind: 'status', status: 403 })).toMatchObject({ kind: 'refused' });
    expect(await push('exchange', { kind: 'status', status: 502 })).toMatchObject({ kind: 'unknown' });
    expect(await push('exchange', { kind: 'hang' })).toMatchObject({ kind: 'unknown', error: { code: 'GIT_TIMEOUT' } });
    plan.fault = () => undefined;
    expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
  });

  test('an abort ends a hanging push soon', async () => {
    await using shop = new Workshop();
    shop.bare('m.git');
    const { plan, url } = await faulty(shop);
    const repository = await shop.repository(url);
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '1' }));
    plan.fault = () => ({ kind: 'hang' });
    expect(await repository.push(commit, parent, AbortSignal.timeout(200))).toMatchObject({
      kind: 'refused',
      error: { code: 'GIT_ABORTED' },
    });
  });

  test('a commit of several steps is pushed whole; one that does not follow the head is not sent', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git');
    const repository = await shop.repository(bare);
    const parent = head(await repository.fetch());
    const one = await repository.commit(draft(parent, { 'x/a': '1' }));
    const two = await repository.commit(draft(one, { 'x/a': '2', 'x/b': '1' }));
    expect(await repository.push(two, parent)).toEqual({ kind: 'pushed' });
    git(bare, ['fsck', '--strict', '--full']);
    expect(await repository.push(parent, two)).toMatchObject({ kind: 'refused' });
    expect(git(bare, ['rev-parse', 'main'])).toBe(two);
  });
});

describe('the mirror', () => {
  test('one process at a time uses a mirror folder', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git');
    const folder = shop.path('mine');
    const repository = await shop.repository(bare, { folder });
    await expect(shop.repository(bare, { folder })).rejects.toMatchObject({ code: 'GIT_MIRROR_BUSY' });
    await repository[Symbol.asyncDispose]();
    head(await (await shop.repository(bare, { folder })).fetch());
  });

  test('the head before is remembered over restarts, and forgotten for another branch', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git');
    const folder = shop.path('mine');
    const first = await shop.repository(bare, { folder });
    const before = head(await first.fetch());
    await first[Symbol.asyncDispose]();
    const after = shop.commit('m.git', { a: '2' }, 'two');
    const second = await shop.repository(bare, { folder });
    expect(await second.fetch()).toEqual({ kind: 'head', commit: after, previous: before, continues: true });
    await second[Symbol.asyncDispose]();
    git(bare, ['branch', 'other', after]);
    const third = await shop.repository(bare, { folder, branch: 'other' });
    expect(await third.fetch()).toEqual({ kind: 'head', commit: after, previous: null, continues: true });
  });

  test.each(['cut', 'gone', 'flipped'] as const)(
    'a damaged pack (%s) is noticed and cured by a fresh clone',
    async (damage) => {
      await using shop = new Workshop();
      const bare = shop.bare('m.git', { a: 'one', 'b/c': 'two' });
      const folder = shop.path('mine');
      const repository = await shop.repository(bare, { folder });
      const commit = head(await repository.fetch());
      await repository[Symbol.asyncDispose]();
      const generation = readdirSync(folder).find((name) => name.startsWith('g-')) ?? '';
      const packs = path.join(folder, generation, 'objects/pack');
      const pack = path.join(packs, readdirSync(packs).find((name) => name.endsWith('.pack')) ?? '');
      if (damage === 'cut') truncateSync(pack, 60);
      else if (damage === 'gone') rmSync(pack);
      else {
        const { readFileSync } = await import('node:fs');
        const bytes = readFileSync(pack);
        bytes[40] = (bytes[40] ?? 0) ^ 255;
        writeFileSync(pack, bytes);
      }
      const again = await shop.repository(bare, { folder });
      expect(head(await again.fetch())).toBe(commit);
      expect(await readEverything(again, commit)).toBe(2);
    },
  );

  test('damage that shows only while it is in use is cured by the next fetch', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git', { a: 'one' });
    const folder = shop.path('mine');
    const repository = await shop.repository(bare, { folder });
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { 'x/y': 'made here' }));
    await repository.push(commit, parent);
    const generation = readdirSync(folder).find((name) => name.startsWith('g-')) ?? '';
    const objects = path.join(folder, generation, 'objects');
    const tree = git(bare, ['rev-parse', `${commit}:x`]);
    rmSync(path.join(objects, tree.slice(0, 2), tree.slice(2)));
    await expect(repository.readTree(commit)).rejects.toMatchObject({
      code: 'GIT_OBJECT_MISSING',
      kind: 'retry-later',
    });
    expect(await repository.fetch()).toEqual({ kind: 'head', commit, previous: commit, continues: true });
    expect(await readEverything(repository, commit)).toBe(2);
  });

  test('packs do not pile up: past the limit a change arrives as a fresh clone', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git', { a: '0' });
    const folder = shop.path('mine');
    const repository = await shop.repository(bare, { folder, limits: { packs: 4 } });
    let previous = head(await repository.fetch());
    for (let i = 1; i < 12; i++) {
      const commit = shop.commit('m.git', { a: `${i}` }, `${i}`);
      expect(await repository.fetch()).toEqual({ kind: 'head', commit, previous, continues: true });
      previous = commit;
      const [generation = '', ...others] = readdirSync(folder)
        .filter((name) => name.startsWith('g-'))
        .reverse();
      expect(others.length).toBeLessThan(2);
      expect(readdirSync(path.join(folder, generation, 'objects/pack')).length / 2).toBeLessThanOrEqual(4);
    }
    expect(await readEverything(repository, previous)).toBe(1);
  });

  test('symlinks, submodules and unfit names are left out and named, and survive a commit beside them', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git', { 'x/a': '1' });
    const blob = git(bare, ['rev-parse', 'main:x/a']);
    const oid = Buffer.from(blob, 'hex');
    const entry = (mode: string, name: string) => Buffer.concat([Buffer.from(`${mode} ${name}\0`, 'latin1'), oid]);
    const raw = Buffer.concat(
      [entry('100644', '\xff\xfe'), entry('100755', 'run'), entry('120000', 'link'), entry('160000', 'module')].sort(
        (l, r) => Buffer.compare(l.subarray(7), r.subarray(7)),
      ),
    );
    const inner = git(bare, ['hash-object', '-t', 'tree', '-w', '--stdin', '--literally'], raw);
    const outer = git(bare, ['mktree'], `040000 tree ${inner}\tx\n`);
    git(bare, ['update-ref', 'refs/heads/main', git(bare, ['commit-tree', outer, '-m', 'odd'])]);
    const repository = await shop.repository(bare);
    const parent = head(await repository.fetch());
    const { findInTree } = await import('../../src/git/manifests-repository.ts');
    const found = findInTree(await repository.readTree(parent), 'x');
    if (found?.kind !== 'tree') throw new Error('no folder');
    expect([...found.tree.entries.keys()]).toEqual(['run']);
    expect(Object.fromEntries([...found.tree.skipped].map(([name, why]) => [name, why]))).toMatchObject({
      link: 'symlink',
      module: 'submodule',
    });
    expect([...found.tree.skipped.values()]).toContain('unfit-name');
    const commit = await repository.commit(draft(parent, { 'x/run': 'new', 'x/z': '1' }));
    expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
    expect(git(bare, ['diff', '--name-status', parent, commit]).split('\n')).toEqual(['M\tx/run', 'A\tx/z']);
    expect(git(bare, ['ls-tree', commit, 'x/run'])).toMatch(/^100755 /);
  });
});

test('a folder that nests too deep is left out, and stops nothing else', async () => {
  await using shop = new Workshop();
  const deep = Array.from({ length: 60 }, (_, i) => `d${i}`).join('/');
  shop.bare('m.git', { a: '1', 'one/two/three/x': '1', [`${deep}/x`]: '1' });
  const server = await shop.serve();
  const tree = { depth: 2, entries: 1_000, keptEntries: 1_000 };
  const repository = await shop.repository(`${server.url}/m.git`, { limits: { tree } });
  const found = await repository.readTree(head(await repository.fetch()));
  expect(findInTree(found, 'a')?.kind).toBe('blob');
  const two = findInTree(found, 'one/two');
  expect(two?.kind === 'tree' && [...two.tree.skipped]).toEqual([['three', 'too-deep']]);
  shop.commit('m.git', { 'two/three/x': '1' }, 'the same folder, less deep');
  const again = await repository.readTree(head(await repository.fetch()));
  expect(findInTree(again, 'two/three/x')?.kind).toBe('blob');
});
