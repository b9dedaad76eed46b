// Laws of a person's clone: Slipway commits its own change there, and leaves all else as the person has it.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { findAuthor } from '../../src/git/isomorphic/find-author.ts';
import { IsomorphicWorkTree } from '../../src/git/isomorphic/isomorphic-work-tree.ts';
import { git, Workshop } from './git-fixture.ts';

const ANN = { name: 'Ann', email: 'ann@example.org' };

async function clone(shop: Workshop) {
  const folder = shop.path('clone');
  const tree = await IsomorphicWorkTree.create(folder);
  expect(await tree.hasCommit()).toBe(false);
  await tree.commit(new Map([['rollouts/a.yaml', 'a: 1\n']]), 'start', ANN);
  return { folder, tree };
}

test('a commit holds the files given, and git finds the clone sound and clean', async () => {
  await using shop = new Workshop();
  const { folder, tree } = await clone(shop);
  const files = new Map([['rollouts/a.yaml', 'a: 2\n']]);
  const commit = await tree.commit(files, 'Pause a\n', ANN);
  expect(git(folder, ['log', '-1', '--format=%H %an %s'])).toBe(`${commit} Ann Pause a`);
  expect(git(folder, ['status', '--porcelain'])).toBe('');
  expect([await tree.branch(), await tree.hasCommit(), await tree.hasRemote()]).toEqual(['main', true, false]);
  git(folder, ['fsck', '--strict']);
  git(folder, ['remote', 'add', 'origin', 'https://git.example.org/m.git']);
  expect(await tree.hasRemote()).toBe(true);
});

test('files are read as is, and uncommitted work is reported', async () => {
  await using shop = new Workshop();
  const { folder, tree } = await clone(shop);
  expect(await tree.status('rollouts/a.yaml')).toEqual({ isChanged: false, staged: [] });
  writeFileSync(path.join(folder, 'rollouts/a.yaml'), 'a: half a thought\n');
  writeFileSync(path.join(folder, 'README.md'), 'x');
  git(folder, ['add', 'README.md']);
  expect(await tree.status('rollouts/a.yaml')).toEqual({ isChanged: true, staged: ['README.md'] });
  const lying = await tree.files();
  expect(lying.paths).toEqual(['README.md', 'rollouts/a.yaml']);
  expect((await lying.read('rollouts/a.yaml', 100)).toString()).toBe('a: half a thought\n');
  await expect(lying.read('rollouts/a.yaml', 3)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' });
});

test.each([
  ['of version 4', ['update-index', '--index-version', '4']],
  ['split', ['update-index', '--split-index']],
])('an index that is %s is refused, with the way out, before half of it is read', async (form, command) => {
  await using shop = new Workshop();
  const { folder, tree } = await clone(shop);
  expect(await tree.status('rollouts/a.yaml')).toMatchObject({ isChanged: false });
  git(folder, command);
  await expect(tree.status('rollouts/a.yaml')).rejects.toMatchObject({
    ...{ code: 'REPO_INDEX', kind: 'fix-input', message: expect.stringContaining(form) },
    remedy: expect.stringContaining('--repo'),
  });
  git(folder, ['update-index', '--no-split-index', '--index-version', '2']);
  expect(await tree.status('rollouts/a.yaml')).toMatchObject({ isChanged: false, staged: [] });
});

test('a clone that makes no sense is an error of the clone, with the way out', async () => {
  await using shop = new Workshop();
  const { folder, tree } = await clone(shop);
  const head = git(folder, ['rev-parse', 'HEAD']);
  writeFileSync(path.join(folder, '.git/objects', head.slice(0, 2), head.slice(2)), 'x');
  await expect(tree.status('rollouts/a.yaml')).rejects.toMatchObject({
    ...{ code: 'REPO_UNREADABLE', kind: 'fix-input' },
    remedy: expect.stringContaining('--repo'),
  });
});

test('while it is locked git changes nothing, nor does a second Slipway; afterwards no lock is left', async () => {
  await using shop = new Workshop();
  const { folder, tree } = await clone(shop);
  {
    await using _lock = await tree.lock();
    await expect(tree.lock()).rejects.toMatchObject({ code: 'GIT_LOCKED', kind: 'retry-later' });
    writeFileSync(path.join(folder, 'b'), 'b');
    expect(() => git(folder, ['add', 'b'])).toThrow(/index.lock/);
    await tree.commit(new Map([['rollouts/a.yaml', 'a: 3\n']]), 'mine', ANN);
  }
  expect(existsSync(path.join(folder, '.git/index.lock'))).toBe(false);
  expect(existsSync(path.join(folder, '.git/refs/heads/main.lock'))).toBe(false);
  git(folder, ['add', 'b']);
});

test('no branch, and a linked work tree, are errors that say what to do', async () => {
  await using shop = new Workshop();
  const { folder, tree } = await clone(shop);
  git(folder, ['worktree', 'add', '-q', '-b', 'side', shop.path('linked')]);
  const linked = new IsomorphicWorkTree(shop.path('linked'));
  for (const ask of [() => linked.lock(), () => linked.branch()])
    await expect(ask()).rejects.toMatchObject({ code: 'REPO_LINKED', remedy: expect.stringContaining('--repo') });
  git(folder, ['checkout', '-q', '--detach']);
  await expect(tree.branch()).rejects.toMatchObject({ code: 'REPO_DETACHED' });
});

test('a commit is by whom git would say: the environment first, then the settings, else nobody', async () => {
  await using shop = new Workshop();
  const folder = shop.path('clone');
  mkdirSync(folder);
  execFileSync('git', ['init', '-q', folder]);
  git(folder, ['config', 'user.name', 'Bob']);
  git(folder, ['config', 'user.email', 'bob@example.org']);
  expect(await findAuthor(folder, {})).toEqual({ name: 'Bob', email: 'bob@example.org' });
  expect(await findAuthor(folder, { GIT_AUTHOR_NAME: 'Eve' })).toEqual({ name: 'Eve', email: 'bob@example.org' });
});
