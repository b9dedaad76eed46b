// Laws of mistakes: a wrong command is reported with its place and its exit code, and nothing is created.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own, and there are many.
vi.setConfig({ testTimeout: 240_000 });

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

let session: CliSession;
beforeEach(() => {
  session = new CliSession();
});
afterEach(() => session[Symbol.asyncDispose]());

test('a command, an option or a value that is not understood is refused with its name and what there is, by exit code 2', async () => {
  await session.run(['init', 'models']);
  for (const line of [
    'statsu',
    'run --sever x',
    'sign',
    'history a b',
    'package --role foo model.onnx',
    'token --expires 0s',
    'token --expires soon',
    'token --count none',
    'run --repo models --log-level loud',
    'demo --devices abc',
    'demo --devices 1000',
  ])
    expect(await session.say(line), line).toMatchObject({ code: 2, stdout: '' });
  await expect(session.text()).toMatchFileSnapshot('golden/mistakes.txt');
});

test('a usage error is one JSON document for programs; help and version are no errors', async () => {
  const { stderr, code } = await session.run(['keygen', '--json']);
  expect(JSON.parse(stderr)).toMatchObject({ error: { code: 'USAGE', kind: 'fix-input' } });
  expect(code).toBe(2);
  expect(await session.run(['--version'])).toMatchObject({ code: 0, stderr: '' });
  expect(await session.run(['help', 'run'])).toMatchObject({ code: 0, stderr: '' });
  const bare = await session.run([]);
  expect(bare).toMatchObject({ code: 2, stdout: '' });
  for (const heading of ['Models and policies:', 'See:', 'Steer rollouts:']) expect(bare.stderr).toContain(heading);
});

test('a home that is not there is not made in passing', async () => {
  await session.run(['init', 'models']);
  session.write('model.onnx', 'a model');
  for (const args of [
    ['token'],
    ['package', 'model.onnx'],
    ['run', '--repo', 'models'],
    ['reconcile', '--repo', 'models'],
  ]) {
    const { code, stderr } = await session.run([...args, '--home', 'elsewhere']);
    expect([code, stderr], args.join(' ')).toEqual([2, expect.stringContaining('HOME_MISSING')]);
    expect(existsSync(session.path('elsewhere'))).toBe(false);
  }
});

test('a service ends at once when its repository is a folder that is not there, or no repository', async () => {
  await session.run(['init', 'models']);
  const run = (repo: string) => session.run(['run', '--repo', repo, '--listen', '127.0.0.1:0']);
  expect(await run('nowhere')).toMatchObject({ code: 2, stderr: expect.stringContaining('REPO_MISSING') });
  expect(await run('nobody')).toMatchObject({ code: 2, stderr: expect.stringContaining('REPO_NO_GIT') });
  // A host may come back: it is waited for.
  const service = await session.serve(['--repo', 'http://127.0.0.1:9/models.git']);
  expect((await fetch(`${service.url}/healthz`)).ok).toBe(true);
});

test('an unknown rollout name is reported with the closest known name', async () => {
  await session.run(['init', 'models', '--example']);
  for (const command of ['status', 'history', 'pause']) {
    const { code, stderr } = await session.run([command, 'document-clasifier-eu', '--repo', 'models']);
    expect([code, stderr], command).toEqual([2, expect.stringContaining('Did you mean document-classifier-eu?')]);
  }
  expect((await session.run(['history', 'document-classifier-eu', '--repo', 'models'])).code).toBe(0);
});

test('a folder that is no manifests repository is one error, not one for each of its files', async () => {
  for (let i = 0; i < 30; i++) session.write(`site/models/m${i}.yaml`, `layers: [${i}]\n`);
  await session.run(['init', 'site/deep/manifests']);
  const { code, stdout, stderr } = await session.run(['validate', '--repo', 'site']);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr.match(/^[A-Z]+_[A-Z_]+/gm)).toEqual(['REPO_NO_DOCUMENTS']);
  expect(stderr).toContain('There is one in deep/manifests.');
  // One document of Slipway makes it one, and the others are mistakes again.
  session.write('site/rollouts/eu.yaml', 'apiVersion: slipway.dev/v1alpha1\nkind: Rollout\n');
  const mixed = await session.run(['validate', '--repo', 'site', '--json']);
  expect((JSON.parse(mixed.stdout) as { errors: unknown[] }).errors.length).toBeGreaterThan(30);
});

test.each([['--watch'], ['--watch', '--json']])(
  'a reader that has seen enough ends `status %s` in peace',
  async (...flags) => {
    await session.run(['init', 'models', '--example']);
    const child = spawn(process.execPath, [MAIN, 'status', '--repo', 'models', ...flags], {
      cwd: session.folder,
      env: { PATH: process.env.PATH, HOME: session.path('nobody'), TMPDIR: session.folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stderr = '';
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString('utf8');
    });
    child.stdout.once('data', () => child.stdout.destroy());
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(stderr).toBe('');
  },
);
