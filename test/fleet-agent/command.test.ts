// Owns the proof that the built files run a device on the Node that devices have, and that the command reads its settings with care.
import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readSettings } from '../../fleet-agent/src/settings.ts';
import { findNodes } from '../support/nodes.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { DeviceWorld, MODEL, outcomesOf, until } from './device-world.ts';

const run = promisify(execFile);
const settings = (args: string[], config?: string) =>
  readSettings({
    args: config === undefined ? args : [...args, '--config', '/etc/agent/config.yaml'],
    environment: { SLIPWAY_AGENT_TOKEN: 'from-env' },
    readConfig: () => config ?? '',
  });

describe('settings', () => {
  test('come from the command line, then the file, then the environment, then defaults', () => {
    const file = 'server: https://file.example\nlabel: { region: eu }\npoll: 10s\ntrust: trust.yaml\n';
    expect(
      settings(['--server', 'https://flag.example', '--label', 'hw=rev2', '--label', 'site=a=b'], file),
    ).toMatchObject({
      ...{
        server: 'https://flag.example',
        token: 'from-env',
        pollMs: 10_000,
        reportMs: 60_000,
        trust: '/etc/agent/trust.yaml',
      },
      labels: { hw: 'rev2', site: 'a=b' },
    });
    expect(settings([], file).labels).toEqual({ region: 'eu' });
  });

  test.each<[string, string[], string | undefined, RegExp]>([
    ['an unknown flag', ['--sever', 'x'], undefined, /sever/],
    ['an unknown name in the file', [], 'sever: https://x', /unknown setting "sever"/],
    ['an address without a scheme', ['--server', 'example.com'], undefined, /not an address/],
    ['a port that is no number', ['--endpoint-port', 'http'], undefined, /not a whole number/],
    ['a duration without a unit', ['--poll', '10'], undefined, /not a duration/],
    ['no time between two looks', ['--poll', '0s'], undefined, /poll is "0s", which is too short/],
    ['no time between two reports', [], 'interval: 0s', /interval is "0s", which is too short/],
    ['a label without a value', ['--label', 'region'], undefined, /form name=value/],
    ['a hook that is not understood', [], 'onSwitch: { kind: email }', /onSwitch/],
    ['a file that is no YAML', [], 'a: [', /not valid YAML/],
    ['another runtime', ['--runtime', 'magic'], undefined, /runtime is "magic"/],
  ])('refuse %s', (_, args, config, message) => {
    expect(() => settings(args, config)).toThrow(message);
  });
});

/** Memory of a process that runs here; 0 where /proc does not tell. */
function residentMegabytes(pid: number): number {
  try {
    return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
  } catch {
    return 0;
  }
}

describe('the built files', () => {
  let dist: string;
  beforeAll(async () => {
    dist = mkdtempSync(path.join(os.tmpdir(), 'slipway-dist-'));
    await run(process.execPath, [path.join(import.meta.dirname, '../../fleet-agent/build.ts'), dist]);
  });
  afterAll(() => rmSync(dist, { recursive: true, force: true }));

  test('are the agent, its ONNX host, and the unit file', () => {
    expect(readdirSync(dist).sort()).toEqual(['onnx-host.cjs', 'slipway-agent.cjs', 'slipway-agent.service']);
  });

  test.each(findNodes())(
    'enrol, install, serve and report on %s, and stop in order',
    { timeout: 300_000 },
    async (_, node) => {
      await using world = await DeviceWorld.open();
      const stable = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(3), expects: 'form' });
      await world.direct(world.entry({ stable }));
      const file = (name: string, text: string | Buffer): string => {
        writeFileSync(path.join(world.folder, name), text);
        return path.join(world.folder, name);
      };
      const trust = `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n  signers:\n    - { name: ci, key: ci.pub, models: ["*"] }\n`;
      file('ci.pub', world.ci.publicPem);
      file('trust.yaml', trust);
      file('root.json', world.factoryRoot);
      const config = file(
        'agent.yaml',
        JSON.stringify({
          server: world.serverUrl,
          distribution: world.mirrorUrl,
          data: 'data',
          id: 'bundled-1',
          token: await world.token(),
          trust: 'trust.yaml',
          root: 'root.json',
          interval: '200ms',
          endpointPort: 0,
        }),
      );
      const agent = path.join(dist, 'slipway-agent.cjs');
      const flags = ['--max-semi-space-size=1', '--max-old-space-size=64'];
      const child = spawn(node, [...flags, agent, 'run', '--config', config], {
        stdio: ['ignore', 'ignore', 'pipe'],
        env: {},
      });
      let log = '';
      child.stderr.on('data', (chunk) => {
        log += chunk;
      });
      const ended = new Promise<number | null>((resolve) => child.on('exit', (code) => resolve(code)));
      try {
        await until(
          async () => outcomesOf(await world.store.findDevice('bundled-1'), stable.digest).includes('committed'),
          'the commit to be reported',
        ).catch((error: Error) => {
          throw new Error(`${error.message}\n${log}`);
        });
        const port = Number(/"endpointPort":(\d+)/.exec(log)?.[1]);
        const body = JSON.stringify({ inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }] });
        const answer = await fetch(`http://127.0.0.1:${port}/v2/models/${MODEL}/infer`, { method: 'POST', body });
        const { outputs } = (await answer.json()) as { outputs: { data: number[] }[] };
        expect(outputs[0]?.data[3]).toBeGreaterThan(0.9);
        const status = await run(node, [agent, 'status', '--config', config, '--json']);
        const megabytes = residentMegabytes(child.pid ?? 0);
        console.log(`resident: ${megabytes} MB`);
        expect(megabytes).toBeLessThan(250);
        expect(JSON.parse(status.stdout)).toMatchObject({
          device: 'bundled-1',
          models: [{ model: MODEL, state: 'committed', running: { version: '1.0.0' } }],
        });
        expect((await run(node, [agent, 'status', '--config', config])).stdout).toMatch(
          /MODEL +RUNNING +STATE +OTHER SLOT\nsorter +1\.0\.0 \(A\) +committed/,
        );
      } finally {
        child.kill('SIGTERM');
      }
      expect(await ended).toBe(0);
    },
  );

  test.each(findNodes())(
    'start once on a data folder, on %s, and again when the first was killed',
    { timeout: 180_000 },
    async (_, node) => {
      await using world = await DeviceWorld.open();
      const file = (name: string, text: string | Buffer): string => {
        writeFileSync(path.join(world.folder, name), text);
        return path.join(world.folder, name);
      };
      file('ci.pub', world.ci.publicPem);
      const trust = file(
        'trust.yaml',
        'apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n  signers:\n    - { name: ci, key: ci.pub, models: ["*"] }\n',
      );
      const root = file('root.json', world.factoryRoot);
      const where = ['--data', path.join(world.folder, 'device'), '--trust', trust, '--root', root];
      const start = (...more: string[]) => {
        const args = [path.join(dist, 'slipway-agent.cjs'), 'run', '--server', world.serverUrl, ...where, ...more];
        const child = spawn(node, args, { stdio: ['ignore', 'ignore', 'pipe'], env: {} });
        const started = { child, log: '', code: undefined as number | null | undefined };
        child.stderr.on('data', (chunk) => {
          started.log += chunk;
        });
        child.on('exit', (code) => {
          started.code = code;
        });
        return started;
      };
      const first = start('--id', 'twin-1');
      await until(() => first.log.includes('"started"'), 'the first to start');
      // Without a token and never enrolled, it says so, and what to do.
      await until(() => first.log.includes('slipway token --device twin-1'), 'the warning');
      const second = start('--id', 'twin-2');
      await until(() => second.code !== undefined, 'the second to end');
      expect([second.code, second.log]).toEqual([2, expect.stringContaining('AGENT_DATA_BUSY')]);
      first.child.kill('SIGKILL');
      await until(() => first.code !== undefined, 'the first to die');
      const third = start('--id', 'twin-1', '--token', await world.token());
      try {
        await until(() => third.log.includes('"enrolled"'), 'the third to enrol');
        const agent = path.join(dist, 'slipway-agent.cjs');
        // The folder's own id, whatever this host is called; beside the running agent.
        const { stdout } = await run(node, [agent, 'status', '--data', path.join(world.folder, 'device'), '--json']);
        expect(JSON.parse(stdout)).toMatchObject({ device: 'twin-1' });
      } finally {
        third.child.kill('SIGTERM');
      }
      await until(() => third.code !== undefined, 'the third to stop');
      expect(third.code).toBe(0);
      expect(readdirSync(path.join(world.folder, 'device')).filter((name) => name.includes('lock'))).toEqual([]);
    },
  );

  test('say what is missing, with the exit code for it', async () => {
    const failed = await run(process.execPath, [
      path.join(dist, 'slipway-agent.cjs'),
      'run',
      '--server',
      'http://127.0.0.1:9',
      '--json',
    ]).catch((error: { code: number; stderr: string }) => error);
    expect(failed).toMatchObject({ code: 2, stderr: expect.stringContaining('AGENT_SETTING') });
  });
});
