// Laws of the settings file: the environment wins over it and flags over both, what it can't mean is refused with its place, and what changes in it takes effect where that is safe.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import type { Command } from 'commander';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { givenSettings } from '../../src/cli/given-settings.ts';
import { LiveSettings } from '../../src/cli/live-settings.ts';
import { createProgram } from '../../src/cli/program.ts';
import { schemaOfFile } from '../../src/cli/service-file.ts';
import { SERVICE_SETTINGS } from '../../src/cli/service-settings.ts';
import type { ReconcilerSettings } from '../../src/reconcile/reconciler.ts';
import { until } from '../support/until.ts';
import { CliSession } from './cli-session.ts';

let session: CliSession;
let at: (...parts: string[]) => string;
beforeAll(async () => {
  session = new CliSession();
  expect((await session.run(['init', 'repo', '--home', 'home'])).code).toBe(0);
  at = (...parts) => path.join(session.folder, ...parts);
});
afterAll(() => session[Symbol.asyncDispose]());

async function printed(args: readonly string[], env: Record<string, string> = {}) {
  const { code, stdout, stderr } = await session.run(
    ['run', '--home', 'home', '--print-config', '--json', ...args],
    env,
  );
  expect([code, stderr]).toEqual([0, '']);
  const { settings, secrets } = JSON.parse(stdout);
  const of = (name: string) => settings.find((one: { name: string }) => one.name === name);
  return { of, secrets, stdout };
}

test('flags win over the environment, the environment over the file, and the file over defaults', async () => {
  writeFileSync(
    at('home', 'service.yaml'),
    'repo: ../repo\npoll: 40s\ntick: 3s\nlisten: 127.0.0.1:1\naddressFactor: 2.5\n',
  );
  const { of } = await printed(['--listen', '127.0.0.1:3'], { SLIPWAY_LISTEN: '127.0.0.1:2', SLIPWAY_TICK: '4s' });
  expect(of('listen')).toEqual({ name: 'listen', value: '127.0.0.1:3', from: '--listen' });
  expect(of('tick')).toEqual({ name: 'tick', value: '4s', from: 'SLIPWAY_TICK' });
  expect(of('poll')).toEqual({ name: 'poll', value: '40s', from: `${at('home', 'service.yaml')}:2` });
  expect(of('repo')).toMatchObject({ value: at('repo') });
  expect(of('addressFactor')).toMatchObject({ value: '2.5' });
  expect(of('branch')).toEqual({ name: 'branch', value: 'main', from: 'default' });
  expect(of('tlsCert')).toEqual({ name: 'tlsCert', value: null, from: null });
  mkdirSync(at('else'), { recursive: true });
  writeFileSync(at('else', 'own.yaml'), 'tick: 7s\ninsecureHttp: true\n');
  const named = await printed([], { SLIPWAY_CONFIG: at('else', 'own.yaml'), SLIPWAY_INSECURE_HTTP: 'false' });
  expect(named.of('tick')).toMatchObject({ value: '7s' });
  expect(named.of('poll')).toMatchObject({ from: 'default' });
  expect(named.of('insecureHttp')).toEqual({ name: 'insecureHttp', value: false, from: 'SLIPWAY_INSECURE_HTTP' });
});

test('the printed configuration holds no secret', async () => {
  const { stdout, secrets } = await printed(['--repo', 'https://me:hunter22@git.test/x.git'], {
    SLIPWAY_ADMIN_TOKEN: 'hunter22hunter22',
  });
  expect(stdout).not.toContain('hunter22');
  expect(secrets).toContainEqual({ name: 'SLIPWAY_ADMIN_TOKEN', isSet: true, from: 'SLIPWAY_ADMIN_TOKEN' });
});

test.each([
  ['pol: 3s\n', 'SETTING_UNKNOWN', ':1:1', 'Did you mean `poll`'],
  ['poll: 3s\nhome: /x\n', 'SETTING_UNKNOWN', ':2:1', 'home'],
  ['poll: 30\n', 'SETTING_VALUE', ':1:7', '`poll` must be text'],
  ['repo: x\npoll: 1 fortnight\n', 'SETTING_VALUE', ':2:7', '--poll'],
  ['repo: x\ntick: 0s\n', 'SETTING_VALUE', ':2:7', '--tick'],
  ['insecureHttp: "yes"\n', 'SETTING_VALUE', ':1:15', 'true or false'],
  ['logLevel: loud\n', 'SETTING_VALUE', ':1:11', 'debug, info'],
  ['poll: 3s\npoll: 4s\n', 'DOCUMENT_DUPLICATE_FIELD', ':2:1', 'poll'],
  ['- poll\n', 'SETTING_VALUE', ':1:1', 'list of settings'],
])('a file with %j is refused with its place', async (text, code, place, words) => {
  writeFileSync(at('home', 'service.yaml'), text);
  const ran = await session.run(['run', '--home', 'home'], {});
  expect([ran.code, ran.stderr]).toEqual([2, expect.stringContaining(`service.yaml${place}`)]);
  expect(ran.stderr).toContain(words);
  expect(ran.stderr).toContain(code);
});

test('a change of the log level takes effect at once, one of the branch waits for a restart, and a broken one changes nothing', async () => {
  const file = at('home', 'service.yaml');
  writeFileSync(file, 'repo: ../repo\n');
  await using service = await session.serve(['--home', 'home']);
  writeFileSync(file, 'repo: ../repo\nlogLevel: error\n');
  await new SystemClock().sleep(3_000);
  writeFileSync(file, 'repo: ../repo\npol: 3s\n');
  await until(() => service.log().includes('SETTING_UNKNOWN'), service.log);
  expect(service.log()).not.toContain('file read again');
  writeFileSync(file, 'repo: ../repo\nbranch: other\n');
  await until(() => service.log().includes('take effect after a restart'), service.log);
  expect(service.log()).toMatch(/"settings":\["branch"\]/);
}, 60_000);

test('times that change in the file are given to the loop', async () => {
  writeFileSync(at('home', 'service.yaml'), 'repo: ../repo\npoll: 40s\n');
  const run = (await createProgram()).commands.find((one) => one.name() === 'run');
  run?.parseOptions(['--home', at('home'), '--tick', '5s']);
  const live = await LiveSettings.open(await givenSettings(run as Command));
  const used: ReconcilerSettings[] = [];
  await using _ = live.follow({ useSettings: (settings) => used.push(settings) }, silentLogger);
  writeFileSync(at('home', 'service.yaml'), 'repo: ../repo\npoll: 50s\ntick: 1s\nemergencyAfter: 3m\n');
  await until(() => used.length > 0, 'the change');
  expect(used).toEqual([{ pollMs: 50_000, tickMs: 5_000, emergencyAfterMs: 180_000 }]);
});

test('the schema for editors takes what the service takes', () => {
  const check = new Ajv2020().compile(schemaOfFile());
  expect([
    check({ poll: '3s', addressFactor: 2, insecureHttp: true }),
    check({ pol: '3s' }),
    check({ poll: 3 }),
  ]).toEqual([true, false, false]);
});

test('a variable means the same in each command, and those of the service are its own', async () => {
  const all = (command: Command): Command[] => [command, ...command.commands.flatMap(all)];
  const flags = new Map<string, Set<string>>();
  for (const { options } of all(await createProgram()))
    for (const { envVar, long } of options)
      if (envVar !== undefined) flags.set(envVar, (flags.get(envVar) ?? new Set()).add(long ?? ''));
  for (const [variable, names] of flags) expect([variable, [...names]]).toEqual([variable, [expect.any(String)]]);
  const variables = Object.values(SERVICE_SETTINGS).map(({ variable }) => variable);
  expect(new Set(variables).size).toBe(variables.length);
});
