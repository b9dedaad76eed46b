// Laws of the beginning: what `slipway init` makes is valid, complete, and never lies over something else.
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own, and there are many.
vi.setConfig({ testTimeout: 240_000 });

let session: CliSession;
beforeEach(() => {
  session = new CliSession();
});
afterEach(() => session[Symbol.asyncDispose]());

test('a new repository with an example is valid, signed, committed and ready to roll out', async () => {
  await session.say('init models --example');
  await session.say('validate --repo models --trust .slipway/trust-policy.yaml');
  await session.say('verify models/policies/careful.yaml');
  await session.say('status --repo models');
  await session.say('history --repo models');
  await session.say('init models');
  await session.say('init .');
  await session.say('init nobody/..');
  await expect(session.text()).toMatchFileSnapshot('golden/begin.txt');
  expect(session.git('models', 'status', '--porcelain')).toBe('');
  expect(session.git('models', 'fsck', '--strict')).toBe('');
  expect(session.git('models', 'config', 'receive.denyCurrentBranch')).toBe('updateInstead');
});

test('a second repository shares the home; its keys stay', async () => {
  await session.run(['init', 'models']);
  const key = readFileSync(session.path('.slipway-keys/ci.key'), 'utf8');
  const { stdout } = await session.run(['init', 'others', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ homeIsNew: false, folder: 'others' });
  expect(readFileSync(session.path('.slipway-keys/ci.key'), 'utf8')).toBe(key);
});

test('a home that was left half made is completed; its keys stay', async () => {
  await session.run(['init', 'models']);
  const key = readFileSync(session.path('.slipway-keys/ci.key'), 'utf8');
  rmSync(session.path('.slipway/trust-policy.yaml'));
  expect(await session.run(['init', 'others'])).toMatchObject({ code: 0 });
  expect(existsSync(session.path('.slipway/trust-policy.yaml'))).toBe(true);
  expect(readFileSync(session.path('.slipway-keys/ci.key'), 'utf8')).toBe(key);
});

/** Texts of the private keys in a folder, deep. */
function privateKeysIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  const texts = files.map((one) => readFileSync(path.join(one.parentPath, one.name), 'utf8'));
  return texts.filter((text) => text.includes('PRIVATE KEY'));
}

test("a home holds neither CI's key nor those of the root and of trust policies: they lie beside it, for their owner's eyes alone", async () => {
  await session.run(['init', 'models']);
  const theirs = ['ci.key', 'root.key', 'trust.key'].map((name) =>
    readFileSync(session.path('.slipway-keys', name), 'utf8'),
  );
  const ofService = privateKeysIn(session.path('.slipway'));
  expect(ofService).toHaveLength(4);
  for (const key of theirs) expect(ofService).not.toContain(key);
  expect(privateKeysIn(session.path('models'))).toEqual([]);
  expect(statSync(session.path('.slipway-keys')).mode & 0o777).toBe(0o700);
  session.git('.', 'init', '-q');
  expect(session.git('.', 'status', '--porcelain', '--untracked-files=all')).not.toContain('.slipway-keys');
});

test.each([
  ['inside the home', ['--keys', '.slipway/keys'], 'INIT_KEYS_INSIDE'],
  ['as the home', ['--keys', '.slipway'], 'INIT_KEYS_INSIDE'],
  ['inside the repository', ['--keys', 'models/keys'], 'INIT_KEYS_INSIDE'],
  ['where another root key lies', ['--keys', 'theirs'], 'TUF_ROOT_KEY_TAKEN'],
])('keys are not made %s, and then nothing is', async (_, options, code) => {
  session.write('theirs/root.key', 'of another fleet');
  const before = readdirSync(session.folder);
  const refused = await session.run(['init', 'models', ...options]);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain(code);
  expect(readdirSync(session.folder).filter((name) => name !== 'nobody')).toEqual(before);
  expect(readFileSync(session.path('theirs/root.key'), 'utf8')).toBe('of another fleet');
});

test("a second repository asks for CI's key where it was taken", async () => {
  await session.run(['init', 'models']);
  mkdirSync(session.path('vault'));
  renameSync(session.path('.slipway-keys'), session.path('vault/keys'));
  const refused = await session.run(['init', 'others']);
  expect(refused.stderr).toContain('INIT_CI_KEY');
  expect(existsSync(session.path('others'))).toBe(false);
  expect(await session.run(['init', 'others', '--keys', 'vault/keys'])).toMatchObject({ code: 0 });
  const trust = ['--trust', '.slipway/trust-policy.yaml'];
  expect(await session.run(['validate', '--repo', 'others', ...trust])).toMatchObject({ code: 0, stderr: '' });
});

test('the service of an old home, with all keys in it, works and names the commands that move them', async () => {
  await session.run(['init', 'models']);
  for (const [name, folder] of Object.entries({ 'ci.key': 'keys', 'root.key': 'tuf', 'trust.key': 'tuf' }))
    renameSync(session.path('.slipway-keys', name), session.path('.slipway', folder, name));
  rmSync(session.path('.slipway-keys'), { recursive: true });
  const once = ['reconcile', '--repo', 'models'];
  const warned = await session.run(once);
  expect(warned.code).toBe(0);
  const moves = warned.stderr.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line).move as string]));
  expect(moves).toEqual(['ci', 'root', 'trust'].map((name) => expect.stringContaining(`${name}.key`)));
  for (const move of moves) session.shell(move);
  expect(readdirSync(session.path('.slipway-keys')).sort()).toEqual(['ci.key', 'root.key', 'trust.key']);
  expect(await session.run(once)).toMatchObject({ code: 0, stderr: '' });
  expect(await session.run(['init', 'others'])).toMatchObject({ code: 0 });
});

test('a clone of an empty repository is filled, a folder with something in it is not', async () => {
  session.git('.', 'init', '-q', '--bare', 'origin.git');
  session.git('.', 'clone', '-q', 'origin.git', 'models');
  expect((await session.run(['init', 'models'])).code).toBe(0);
  session.write('mine/thesis.txt', 'years of work');
  const refused = await session.run(['init', 'mine']);
  expect(refused).toMatchObject({ code: 2, stdout: '' });
  expect(refused.stderr).toContain('INIT_NOT_EMPTY');
  expect(existsSync(session.path('mine/slipway.yaml'))).toBe(false);
});

test("the project's own example is valid", async () => {
  const example = fileURLToPath(new URL('../../examples/manifests', import.meta.url));
  expect(await session.run(['validate', '--repo', example])).toMatchObject({ code: 0, stderr: '' });
});

test('a version that never says one class any more is caught in the canary of both policies that people begin with', async () => {
  await session.run(['init', 'models']);
  const example = fileURLToPath(new URL('../../examples/manifests', import.meta.url));
  for (const repo of ['models', example]) {
    const { stdout } = await session.run(
      `simulate careful --repo ${repo} --scenario missing-class --devices 300 --hours 2 --json`.split(' '),
    );
    expect(JSON.parse(stdout)).toMatchObject({ outcome: 'reverted', stage: 'canary', policy: 'careful' });
  }
});
