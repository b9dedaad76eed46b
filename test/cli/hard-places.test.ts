// Laws of commands in hard places: clones and stores that can't be used, endless files, full disks, dead launchers. Never a stack, never silence.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CliSession, PERSON, until } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

const LAUNCHER = fileURLToPath(new URL('../../src/cli/slipway.mjs', import.meta.url));
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const ROLLOUT = 'document-classifier-eu';

let session: CliSession;
beforeEach(async () => {
  session = new CliSession();
  await session.run(['init', 'models', '--example']);
});
afterEach(() => session[Symbol.asyncDispose]());

test('a clone that can not be worked in ends a command with what to do instead', async () => {
  session.git('models', 'worktree', 'add', '-q', '-b', 'mine', '../linked');
  for (const command of ['pause', 'status', 'history']) {
    const { code, stderr } = await session.run([
      command,
      ...(command === 'pause' ? [ROLLOUT] : []),
      '--repo',
      'linked',
    ]);
    expect([code, stderr], command).toEqual([2, expect.stringMatching(/^REPO_LINKED[\s\S]*--repo/)]);
  }
  session.git('models', 'update-index', '--index-version', '4');
  const { code, stderr } = await session.run(['pause', ROLLOUT, '--repo', 'models']);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^REPO_INDEX[\s\S]*--repo/)]);
  expect((await session.run(['status', '--repo', 'models'])).code).toBe(0);
});

test('two commands at once in one clone both make their commit', async () => {
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003', 'kiosk-004'], { region: 'eu-west' });
  expect((await session.run(['reconcile', '--repo', 'models'])).code).toBe(0);
  const asked = ['pause', 'promote', 'approve'].map((verb) => session.run([verb, ROLLOUT, '--repo', 'models']));
  const ran = await Promise.all(asked);
  expect(ran.map(({ stderr }) => stderr).filter((text) => /LOCKED|REPO_|INTERNAL/.test(text))).toEqual([]);
  expect(session.git('models', 'status', '--porcelain')).toBe('');
});

test('a history that is cut off says so, and a person who copies trailers is no step', async () => {
  await session.enrol(['kiosk-001', 'kiosk-002', 'kiosk-003', 'kiosk-004'], { region: 'eu-west' });
  await session.run(['reconcile', '--repo', 'models']);
  const message = session.git('models', 'log', '-1', '--format=%B');
  const step = session.git('models', 'rev-parse', 'HEAD');
  writeFileSync(session.path('models/README.md'), 'mine');
  session.git('models', 'commit', '-qam', message);
  const { rows } = JSON.parse((await session.run(['history', '--repo', 'models', '--json'])).stdout) as {
    rows: { commit: string }[];
  };
  expect(rows.map(({ commit }) => commit)).toEqual([step]);
  const explained = await session.run(['explain', ROLLOUT, '--repo', 'models', '--json']);
  expect(explained.stdout).toContain(step);
  session.git('models', 'commit', '-q', '--allow-empty', '-m', 'nothing');
  session.git('.', 'clone', '-q', '--depth', '1', `file://${session.path('models')}`, 'shallow');
  const cut = await session.run(['history', '--repo', 'shallow']);
  expect([cut.code, cut.stdout, cut.stderr]).toEqual([2, '', expect.stringMatching(/^HISTORY_CUT[\s\S]*unshallow/)]);
});

test('a store that is lost or damaged ends the service with a code and what to do, and is not replaced', async () => {
  await session.run(['token']);
  const run = () => session.run(['run', '--repo', 'models', '--listen', '127.0.0.1:0']);
  truncateSync(session.path('.slipway/slipway.db'));
  expect(await run()).toMatchObject({ code: 2, stderr: expect.stringMatching(/STORE_LOST[\s\S]*slipway token/) });
  writeFileSync(session.path('.slipway/slipway.db'), 'x'.repeat(20_000));
  expect(await run()).toMatchObject({ code: 3, stderr: expect.stringMatching(/STORE_DAMAGED[\s\S]*backup/) });
  rmSync(session.path('.slipway/slipway.db'));
  expect(await run()).toMatchObject({ code: 2, stderr: expect.stringContaining('STORE_LOST') });
  expect((await session.run(['token'])).code).toBe(2);
});

test('a file in the place of a folder, and the other way round, is said with a code and a remedy', async () => {
  writeFileSync(session.path('a-file'), 'x');
  symlinkSync('a-loop', session.path('a-loop'));
  mkdirSync(session.path('odd-home/trust-policy.yaml'), { recursive: true });
  for (const home of ['a-file', 'a-loop', 'odd-home'])
    expect(await session.run(['reconcile', '--dry-run', '--repo', 'models', '--home', home]), home).toMatchObject({
      ...{ code: 2, stderr: expect.stringMatching(/^(SYSTEM_PATH|FILE_KIND)\n.+\n.+/) },
    });
});

test('a service whose store is taken away under it is not ready any more', async () => {
  const service = await session.serve(['--repo', 'models']);
  const ready = async () => (await fetch(`${service.url}/readyz`)).status;
  await until(async () => (await ready()) === 200);
  rmSync(session.path('.slipway/slipway.db'));
  await until(async () => (await ready()) === 503);
  expect(await (await fetch(`${service.url}/readyz`)).json()).toEqual({ status: 'store', code: 'STORE_GONE' });
});

test.skipIf(process.platform !== 'linux')('endless files and full disks are refused in bounds', async () => {
  for (const args of [
    ['sign', '/dev/zero', '--key', '.slipway-keys/ci.key'],
    ['sign', 'models/slipway.yaml', '--key', '/dev/zero'],
    ['verify', '/dev/zero'],
  ])
    expect((await session.run(args)).code, args.join(' ')).toBe(2);
  symlinkSync('/dev/zero', session.path('endless.yaml'));
  expect(await session.run(['plan', 'endless.yaml'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^FILE_KIND/),
  });
  const env = { ...PERSON, SLIPWAY_GIT_TOKEN_FILE: '/dev/zero' };
  expect(await session.run(['status', '--repo', 'https://127.0.0.1:9/x'], env)).toMatchObject({
    ...{ code: 2, stderr: expect.stringMatching(/^SETTING_SECRET/) },
  });
  const full = openSync('/dev/full', 'w');
  const child = spawn(process.execPath, [MAIN, 'status', '--repo', 'models', '--json'], {
    cwd: session.folder,
    env: { PATH: process.env.PATH, HOME: session.folder, ...PERSON },
    stdio: ['ignore', full, 'pipe'],
  });
  let stderr = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString('utf8');
  });
  const [code] = (await once(child, 'close')) as [number];
  closeSync(full);
  expect([code, JSON.parse(stderr)]).toMatchObject([3, { error: { code: 'SYSTEM_DISK_FULL' } }]);
});

test('a service ends when the launcher that started it is killed', async () => {
  const child = spawn(process.execPath, [LAUNCHER, 'run', '--repo', 'models', '--listen', '127.0.0.1:0'], {
    cwd: session.folder,
    env: { PATH: process.env.PATH, HOME: session.folder, ...PERSON },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let log = '';
  child.stderr?.on('data', (chunk: Buffer) => {
    log += chunk.toString('utf8');
  });
  await until(async () => log.includes('"url"'));
  const { url } = JSON.parse(log.split('\n').find((line) => line.includes('"url"')) ?? '{}') as { url: string };
  child.kill('SIGKILL');
  await until(async () => (await fetch(`${url}/healthz`).catch(() => undefined)) === undefined);
  expect(log).toContain('"stopping"');
});
