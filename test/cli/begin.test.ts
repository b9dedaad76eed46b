// Laws of the beginning: what `slipway init` makes is valid, complete, and never lies over something else.
import { existsSync, readFileSync, rmSync } from 'node:fs';
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
  const key = readFileSync(session.path('.slipway/keys/ci.key'), 'utf8');
  const { stdout } = await session.run(['init', 'others', '--json']);
  expect(JSON.parse(stdout)).toMatchObject({ homeIsNew: false, folder: 'others' });
  expect(readFileSync(session.path('.slipway/keys/ci.key'), 'utf8')).toBe(key);
});

test('a home that was left half made is completed; its keys stay', async () => {
  await session.run(['init', 'models']);
  const key = readFileSync(session.path('.slipway/keys/ci.key'), 'utf8');
  rmSync(session.path('.slipway/trust-policy.yaml'));
  expect(await session.run(['init', 'others'])).toMatchObject({ code: 0 });
  expect(existsSync(session.path('.slipway/trust-policy.yaml'))).toBe(true);
  expect(readFileSync(session.path('.slipway/keys/ci.key'), 'utf8')).toBe(key);
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
