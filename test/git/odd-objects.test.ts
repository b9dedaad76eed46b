// Holds the Git edge to the truth for commits that no sane client makes, and that real hosts take all the same.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { findInTree } from '../../src/git/manifests-repository.ts';
import { git, head, Workshop } from './git-fixture.ts';

/** Puts `<mode> odd` beside what the branch has, as a push of these bytes would; `of` gives the object. */
function pushOdd(bare: string, mode: string, of: string): string {
  const write = (type: string, bytes: Buffer): string =>
    execFileSync('git', ['hash-object', '-t', type, '-w', '--stdin', '--literally'], { cwd: bare, input: bytes })
      .toString()
      .trim();
  const tree = Buffer.concat([
    execFileSync('git', ['cat-file', 'tree', 'main^{tree}'], { cwd: bare }),
    Buffer.from(`${mode} odd.yaml\0`),
    Buffer.from(git(bare, ['rev-parse', of]), 'hex'),
  ]);
  const person = 'Ann <ann@example.org> 1700000000 +0000';
  const parent = git(bare, ['rev-parse', 'main']);
  const text = `tree ${write('tree', tree)}\nparent ${parent}\nauthor ${person}\ncommitter ${person}\n\nOdd\n`;
  const commit = write('commit', Buffer.from(text));
  git(bare, ['update-ref', 'refs/heads/main', commit]);
  return commit;
}

test('a file whose object is a folder is for people to mend: the others are read, and no fresh clone is made for it', async () => {
  await using shop = new Workshop();
  const bare = shop.bare('m.git', { a: 'one' });
  const commit = pushOdd(
    bare,
    '100644',
    git(bare, ['mktree'], `100644 blob ${git(bare, ['rev-parse', 'main:a'])}\tb\n`),
  );
  const mirror = shop.path('mine');
  const repository = await shop.repository(bare, { folder: mirror });
  expect(head(await repository.fetch())).toBe(commit);
  const generations = readdirSync(mirror);
  const tree = await repository.readTree(commit);
  const [a, odd] = ['a', 'odd.yaml'].map((name) => findInTree(tree, name));
  expect(a?.kind === 'blob' && Buffer.from(await repository.readBlob(a.oid, 10)).toString()).toBe('one');
  await expect(repository.readBlob(odd?.kind === 'blob' ? odd.oid : '', 10)).rejects.toMatchObject({
    code: 'GIT_OBJECT_TYPE',
    kind: 'fix-input',
  });
  await repository.fetch();
  expect(readdirSync(mirror)).toEqual(generations);
});

test.each([
  ['100600', 'blob'],
  ['100777', 'blob'],
  ['0100664', 'blob'],
  ['0', undefined],
])('an entry of mode %s is read as Git itself reads it', async (mode, kind) => {
  await using shop = new Workshop();
  const bare = shop.bare('m.git', { a: 'one' });
  const commit = pushOdd(bare, mode, 'main:a');
  const repository = await shop.repository(bare);
  await repository.fetch();
  expect(findInTree(await repository.readTree(commit), 'odd.yaml')?.kind).toBe(kind);
});
