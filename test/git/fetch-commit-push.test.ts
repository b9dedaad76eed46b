// Holds the git edge to its daily work against a real Git server: fetch, read, commit, push.
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { findInTree, treeEntries } from '../../src/git/manifests-repository.ts';
import { signSsh } from '../../src/signing/ssh-sign.ts';
import { formatAllowedSigner } from '../../src/signing/ssh-signature.ts';
import { changes, git, head, Workshop } from './git-fixture.ts';

const AT = 1_790_000_000_000;

/** Text that does not compress well. */
function noise(seed: number): string {
  return Array.from({ length: 100 }, (_, i) => ((i + seed * 100) * 2654435761) % 4294967296).join(' ');
}

describe.each(['http', 'http with protocol 0', 'path', 'file'] as const)('over %s', (way) => {
  test('a commit that was pushed is on the branch, sound, and changes only what it says', async () => {
    await using shop = new Workshop();
    const bare = shop.bare('m.git', {
      'rollouts/a.yaml': 'a: 1\n',
      'rollouts/b.yaml': 'b: 1\n',
      'models/x/1.yaml': 'x\n',
    });
    const server = await shop.serve({ protocol: way === 'http' ? 2 : 0 });
    const remote =
      { path: bare, file: `file://${bare}`, http: '', 'http with protocol 0': '' }[way] || `${server.url}/m.git`;
    const repository = await shop.repository(remote);
    const first = await repository.fetch();
    expect(first).toMatchObject({ kind: 'head', previous: null, continues: true });
    const parent = head(first);
    const commit = await repository.commit({
      parent,
      changes: changes({ 'rollouts/a.yaml': 'a: 2\n', 'evidence/a/1.json': '{}', 'rollouts/b.yaml': null }),
      message: 'rollout(a): start\n\nWhy.\n\nSlipway-Rollout: a\nSlipway-Transition: 1 start',
      atMs: AT,
    });
    expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
    expect(git(bare, ['rev-parse', 'main'])).toBe(commit);
    git(bare, ['fsck', '--strict', '--full']);
    expect(git(bare, ['diff', '--name-status', parent, commit]).split('\n')).toEqual([
      'A\tevidence/a/1.json',
      'M\trollouts/a.yaml',
      'D\trollouts/b.yaml',
    ]);
    expect(git(bare, ['log', '-1', '--format=%an %ae %ct %(trailers:key=Slipway-Rollout,valueonly)'])).toBe(
      'Slipway slipway@example.org 1790000000 a',
    );
    expect(await repository.fetch()).toEqual({ kind: 'head', commit, previous: commit, continues: true });
    const [facts] = await repository.logUntil(commit, parent, 10);
    expect(facts?.trailers.get('Slipway-Transition')).toEqual(['1 start']);
    expect(await repository.log(commit, 10)).toHaveLength(2);
  });
});

test('a snapshot is read out of the object store, and folders that did not change stay the same object', async () => {
  await using shop = new Workshop();
  const bare = shop.bare('m.git', { 'models/a/1.yaml': 'one', 'rollouts/r.yaml': 'r: 1' });
  const repository = await shop.repository(bare);
  const before = await repository.readTree(head(await repository.fetch()));
  expect([...treeEntries(before)].map(({ path }) => path)).toEqual(['models/a/1.yaml', 'rollouts/r.yaml']);
  shop.commit('m.git', { 'rollouts/r.yaml': 'r: 2' }, 'change');
  const after = await repository.readTree(head(await repository.fetch()));
  expect(findInTree(after, 'models')).toEqual(findInTree(before, 'models'));
  const [old, young] = [findInTree(before, 'models'), findInTree(after, 'models')];
  expect(young?.kind === 'tree' && old?.kind === 'tree' && young.tree === old.tree).toBe(true);
  const file = findInTree(after, 'rollouts/r.yaml');
  if (file?.kind !== 'blob') throw new Error('no file');
  expect(Buffer.from(await repository.readBlob(file.oid, 100)).toString()).toBe('r: 2');
  await expect(repository.readBlob(file.oid, 3)).rejects.toMatchObject({ code: 'GIT_OBJECT_TOO_LARGE' });
});

test.each([0, 2] as const)(
  'protocol %i: an unchanged branch costs one request, a changed one two, and only what changed',
  async (protocol) => {
    await using shop = new Workshop();
    const filler = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`models/m${i}/1.yaml`, noise(i)]));
    const bare = shop.bare('m.git', filler);
    for (let i = 0; i < 300; i++) git(bare, ['update-ref', `refs/pull/${i}/head`, 'refs/heads/main']);
    const seen: { step: string; bytes: number }[] = [];
    const server = await shop.serve({ protocol, onAnswer: ({ step }, bytes) => void seen.push({ step, bytes }) });
    const repository = await shop.repository(`${server.url}/m.git`);
    head(await repository.fetch());
    expect(seen.at(-1)?.bytes).toBeGreaterThan(100_000);
    seen.length = 0;
    head(await repository.fetch());
    const look = protocol === 2 ? 'exchange' : 'advertise';
    expect(seen.map(({ step }) => step)).toEqual([look]);
    if (protocol === 2) expect(seen[0]?.bytes).toBeLessThan(200); // no refs but branches
    shop.commit('m.git', { 'models/m7/1.yaml': 'new' }, 'one');
    seen.length = 0;
    head(await repository.fetch());
    expect(seen.map(({ step }) => step)).toEqual([look, 'exchange']);
    expect(seen[1]?.bytes).toBeLessThan(20_000);
  },
);

test('git itself calls a signed commit good, and the log gives payload and signature for checking', async () => {
  await using shop = new Workshop();
  const bare = shop.bare('m.git');
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = {
    name: 'Reconciler',
    email: 'reconciler@example.org',
    sign: (payload: string) => signSsh(payload, privateKey),
  };
  const repository = await shop.repository(bare, { signer });
  const parent = head(await repository.fetch());
  const commit = await repository.commit({ parent, changes: changes({ a: 'ü' }), message: 'signed: ü', atMs: AT });
  expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
  const [facts] = await repository.log(commit, 1);
  expect(facts?.author).toEqual({ name: 'Reconciler', email: 'reconciler@example.org' });
  expect(Buffer.from(facts?.signature?.payload ?? []).toString()).toMatch(/^tree .*\n\nsigned: ü\n$/s);
  expect(facts?.signature?.armored).toMatch(/^-----BEGIN SSH SIGNATURE-----\n[^ ]+\n-----END SSH SIGNATURE-----\n$/s);
  writeFileSync(shop.path('allowed'), `${formatAllowedSigner('reconciler@example.org', publicKey)}\n`);
  git(bare, ['-c', `gpg.ssh.allowedSignersFile=${shop.path('allowed')}`, 'verify-commit', commit]);
});

test('an ssh remote is spoken to through the ssh command, and its refusals are distinguished', async () => {
  await using shop = new Workshop();
  const bare = shop.bare("it's m.git", { a: '1' });
  // Stands in for ssh: checks how it was called, then runs the command here as the remote shell would.
  const script =
    '#!/bin/sh\nwhile [ "$1" != -- ]; do shift; done\n[ "$2" = git@host.example.org ] || exit 9\nexec sh -c "$3"\n';
  mkdirSync(shop.path('bin'));
  writeFileSync(shop.path('bin/ssh'), script, { mode: 0o755 });
  const environment = { PATH: `${shop.path('bin')}:${process.env.PATH}` };
  const repository = await shop.repository(`git@host.example.org:${bare}`, { environment });
  const parent = head(await repository.fetch());
  const commit = await repository.commit({ parent, changes: changes({ a: '2' }), message: 'two', atMs: AT });
  expect(await repository.push(commit, parent)).toEqual({ kind: 'pushed' });
  expect(git(bare, ['rev-parse', 'main'])).toBe(commit);
  const complain = (said: string) =>
    writeFileSync(shop.path('bin/ssh'), `#!/bin/sh\necho "${said}" >&2\nexit 255\n`, { mode: 0o755 });
  complain('git@host.example.org: Permission denied (publickey).');
  expect(await repository.fetch()).toMatchObject({ kind: 'failed', problem: 'credentials' });
  complain('ssh: connect to host host.example.org port 22: Connection refused');
  expect(await repository.fetch()).toMatchObject({ kind: 'failed', problem: 'unreachable' });
});
