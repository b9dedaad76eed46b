// Holds both manifests repositories, in memory and over a real Git server, to the same laws.
import { describe, expect, test } from 'vitest';
import { findInTree, treeEntries } from '../../src/git/manifests-repository.ts';
import { changes, head } from './git-fixture.ts';
import { WORLDS } from './manifests-worlds.ts';

const AT = 1_790_000_000_000;

function draft(parent: string, files: Readonly<Record<string, string | null>>, message = 'step') {
  return { parent, changes: changes(files), message, atMs: AT };
}

describe.each(WORLDS)('%s', (_, create) => {
  test('an empty repository and a missing branch are answers, not errors', async () => {
    await using world = create();
    const repository = await world.open();
    expect(await repository.fetch()).toEqual({ kind: 'empty' });
    await world.commit({ a: '1' }, 'one', 'trunk');
    expect(await repository.fetch()).toEqual({ kind: 'branch-missing', branch: 'main', others: ['trunk'] });
    expect(repository.knownHead()).toBe(null);
    const commit = await world.commit({ a: '1' }, 'one');
    expect(await repository.fetch()).toEqual({ kind: 'head', commit, previous: null, continues: true });
    expect(repository.knownHead()).toBe(commit);
  });

  test('before the first fetch there is nothing to read, to commit on or to push', async () => {
    await using world = create();
    const commit = await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    const missing = { code: 'GIT_OBJECT_MISSING' };
    await expect(repository.readTree(commit)).rejects.toMatchObject(missing);
    await expect(repository.commit(draft(commit, { a: '2' }))).rejects.toMatchObject(missing);
    await expect(repository.push(commit, commit)).rejects.toMatchObject(missing);
    await expect(repository.log(commit, 5)).rejects.toMatchObject(missing);
  });

  test('a pushed commit is on the branch, and holds what it changed and nothing else', async () => {
    await using world = create();
    await world.commit({ 'rollouts/a.yaml': 'a: 1\n', 'rollouts/b.yaml': 'b: 1\n', 'models/x/1.yaml': 'x' }, 'start');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const before = await repository.readTree(parent);
    const message = 'rollout(a): start\n\nWhy.\n\nSlipway-Rollout: a\nSlipway-Transition: 1 start';
    const files = { 'rollouts/a.yaml': 'a: 2\n', 'evidence/a/1.json': '{}', 'rollouts/b.yaml': null };
    const commit = await repository.commit(draft(parent, files, message));
    expect(await world.head()).toBe(parent);
    expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
    expect(await world.head()).toBe(commit);
    expect(repository.knownHead()).toBe(commit);
    const after = await repository.readTree(commit);
    expect([...treeEntries(after)].map(({ path }) => path)).toEqual([
      'evidence/a/1.json',
      'models/x/1.yaml',
      'rollouts/a.yaml',
    ]);
    const [old, young] = [findInTree(before, 'models'), findInTree(after, 'models')];
    expect(young?.kind === 'tree' && old?.kind === 'tree' && young.tree === old.tree).toBe(true);
    const file = findInTree(after, 'rollouts/a.yaml');
    if (file?.kind !== 'blob') throw new Error('no file');
    expect(Buffer.from(await repository.readBlob(file.oid, 100)).toString()).toBe('a: 2\n');
    await expect(repository.readBlob(file.oid, 3)).rejects.toMatchObject({ code: 'GIT_OBJECT_TOO_LARGE' });
    const [facts] = await repository.logUntil(commit, parent, 10);
    expect(facts).toMatchObject({ oid: commit, parents: [parent], atMs: AT, author: { name: 'Slipway' } });
    expect(facts?.trailers.get('Slipway-Transition')).toEqual(['1 start']);
    expect((await repository.log(commit, 10)).map(({ oid }) => oid)).toEqual([commit, parent]);
    expect(await repository.fetch()).toEqual({ kind: 'head', commit, previous: commit, continues: true });
  });

  test('another branch is begun, read, and moved only from where it was seen; the branch that is followed stays', async () => {
    await using world = create();
    const base = await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    await repository.fetch();
    const branch = 'slipway/x-1';
    expect(await repository.fetchBranch(branch)).toBeNull();
    const first = await repository.commit(draft(base, { a: '2' }));
    expect(await repository.pushBranch({ branch, commit: first, base, expected: base })).toMatchObject({
      kind: 'refused',
    });
    expect(await repository.pushBranch({ branch, commit: first, base, expected: null })).toEqual({ kind: 'pushed' });
    expect(await repository.pushBranch({ branch, commit: first, base, expected: null })).toMatchObject({
      kind: 'refused',
    });
    expect([await world.head(branch), await world.head(), repository.knownHead()]).toEqual([first, base, base]);
    const theirs = await world.commit({ b: 'theirs' }, 'theirs', branch);
    expect(await repository.fetchBranch(branch)).toBe(theirs);
    expect([...treeEntries(await repository.readTree(theirs))].map(({ path }) => path)).toEqual(['a', 'b']);
    expect((await repository.log(theirs, 1))[0]).toMatchObject({
      message: expect.stringContaining('theirs'),
      parents: [first],
    });
    const second = await repository.commit(draft(base, { a: '3' }));
    const stale = { branch, commit: second, base, expected: first };
    expect(await repository.pushBranch(stale)).toMatchObject({ kind: 'refused' });
    expect(await repository.pushBranch({ ...stale, expected: theirs })).toEqual({ kind: 'pushed' });
    expect(await world.head(branch)).toBe(second);
    expect(await repository.fetch()).toMatchObject({ kind: 'head', commit: base });
  });

  test('a signer signs the bytes of the commit, and is its author', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const sign = (payload: string): string => `-----BEGIN X-----\n${payload.length}\n-----END X-----\n`;
    const repository = await world.open({ signer: { name: 'Reconciler', email: 'r@example.org', sign } });
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: 'ü' }));
    const [facts] = await repository.log(commit, 1);
    expect(facts?.author.name).toBe('Reconciler');
    const payload = Buffer.from(facts?.signature?.payload ?? []).toString();
    expect(payload).toMatch(/^tree .*\n\nstep\n$/s);
    expect(facts?.signature?.armored).toBe(sign(payload));
  });

  test('several commits go up in one push, or none of them', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const first = await repository.commit(draft(parent, { a: '2' }));
    const second = await repository.commit(draft(first, { b: '2' }));
    expect(await repository.push(second, parent)).toEqual({ kind: 'pushed' });
    expect((await repository.logUntil(second, parent, 10)).map(({ oid }) => oid)).toEqual([second, first]);
  });

  test('whoever pushes second is refused, overwrites nothing, and succeeds on the new head', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const [ours, theirs] = [await world.open(), await world.open()];
    const parent = head(await ours.fetch());
    head(await theirs.fetch());
    const taken = await theirs.commit(draft(parent, { a: 'theirs' }));
    const late = await ours.commit(draft(parent, { a: 'ours' }));
    expect(await theirs.push(taken, parent)).toEqual({ kind: 'pushed' });
    expect(await ours.push(late, parent)).toMatchObject({ kind: 'refused' });
    expect(await world.head()).toBe(taken);
    expect(await ours.fetch()).toEqual({ kind: 'head', commit: taken, previous: parent, continues: true });
    expect(await ours.isAncestor(late, taken)).toBe(false);
    const again = await ours.commit(draft(taken, { a: 'ours' }));
    expect(await ours.push(again, taken)).toEqual({ kind: 'pushed' });
  });

  test('a push that loses the race at the last moment overwrites nothing', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '2' }));
    let theirs = '';
    world.faults = async (step) => {
      if (step === 'move') theirs = await world.commit({ c: '1' }, 'theirs');
      return undefined;
    };
    expect(await repository.push(commit, parent)).toMatchObject({ kind: 'refused' });
    expect(await world.head()).toBe(theirs);
    expect(repository.knownHead()).toBe(parent);
  });

  test('a push on a stale head is refused, also when the branch was moved back', async () => {
    await using world = create();
    const first = await world.commit({ a: '1' }, 'one');
    const second = await world.commit({ a: '2' }, 'two');
    const repository = await world.open();
    head(await repository.fetch());
    const commit = await repository.commit(draft(second, { b: '1' }));
    world.force('main', first);
    expect(await repository.push(commit, second)).toMatchObject({ kind: 'refused' });
    expect(await world.head()).toBe(first);
  });

  test('a lost answer leaves the outcome unknown; the next fetch shows that the commit landed', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '2' }));
    world.faults = (step) => (step === 'move' ? 'lost-answer' : undefined);
    expect(await repository.push(commit, parent)).toMatchObject({ kind: 'unknown' });
    expect(repository.knownHead()).toBe(parent);
    world.faults = () => undefined;
    expect(await repository.fetch()).toEqual({ kind: 'head', commit, previous: parent, continues: true });
  });

  test('a host that fails before it hears of the push took nothing; one that fails meanwhile may have', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '2' }));
    world.faults = () => 'unreachable';
    expect(await repository.fetch()).toMatchObject({ kind: 'failed', problem: 'unreachable' });
    expect(await repository.push(commit, parent)).toMatchObject({ kind: 'refused', error: { kind: 'retry-later' } });
    world.faults = (step) => (step === 'move' ? 'unreachable' : undefined);
    expect(await repository.push(commit, parent)).toMatchObject({ kind: 'unknown' });
    expect(await world.head()).toBe(parent);
    world.faults = () => undefined;
    expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
  });

  test('rewritten history does not continue, also over a restart', async () => {
    await using world = create();
    const first = await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    head(await repository.fetch());
    const second = await world.commit({ a: '2' }, 'two');
    expect(await repository.fetch()).toEqual({ kind: 'head', commit: second, previous: first, continues: true });
    expect(await repository.isAncestor(first, second)).toBe(true);
    expect(await repository.isAncestor(second, first)).toBe(false);
    const after = await world.open({ after: repository });
    expect(after.knownHead()).toBe(second);
    world.force('main', first);
    expect(await after.fetch()).toEqual({ kind: 'head', commit: first, previous: second, continues: false });
  });

  test('the same work on the same parent gives the same commit', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const [one, other] = [await world.open(), await world.open()];
    const parent = head(await one.fetch());
    head(await other.fetch());
    const work = draft(parent, { 'deep/er/z': 'z', a: null });
    expect(await one.commit(work)).toBe(await other.commit(work));
  });

  test('paths that a checkout would refuse are never committed, nor is a commit that changes nothing', async () => {
    await using world = create();
    await world.commit({ f: 'a file' }, 'one');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const refused = ['../up', 'a/../b', '.git/config', 'A/.GIT/x', 'a//b', '/abs', 'a\nb', '', 'f/below'];
    for (const path of refused)
      await expect(repository.commit(draft(parent, { [path]: '1' })), path).rejects.toMatchObject({
        code: 'GIT_PATH_REFUSED',
      });
    await expect(repository.commit(draft(parent, { f: 'a file' }))).rejects.toMatchObject({ code: 'GIT_COMMIT_EMPTY' });
  });

  test('a stopped fetch or push is an answer, and nothing moved', async () => {
    await using world = create();
    await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { a: '2' }));
    const stopped = AbortSignal.abort();
    expect(await repository.fetch(stopped)).toMatchObject({ kind: 'failed', error: { code: 'GIT_ABORTED' } });
    expect(await repository.push(commit, parent, stopped)).not.toMatchObject({ kind: 'pushed' });
    expect(await world.head()).toBe(parent);
  });

  test('a closed repository answers nothing more', async () => {
    await using world = create();
    const commit = await world.commit({ a: '1' }, 'one');
    const repository = await world.open();
    head(await repository.fetch());
    await repository[Symbol.asyncDispose]();
    await expect(repository.readTree(commit)).rejects.toMatchObject({ code: 'GIT_OBJECT_MISSING' });
  });
});

test('both give the same files the same ids, as any Git would', async () => {
  const ids: string[] = [];
  for (const [, create] of WORLDS) {
    await using world = create();
    await world.commit({ 'rollouts/a.yaml': 'a: 1\n' }, 'start');
    const repository = await world.open();
    const parent = head(await repository.fetch());
    const commit = await repository.commit(draft(parent, { 'rollouts/a.yaml': 'a: 2\n' }));
    ids.push((await repository.readTree(commit)).oid);
  }
  expect(ids[0]).toBe(ids[1]);
});
