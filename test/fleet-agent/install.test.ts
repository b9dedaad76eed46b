// Laws of installing the agent: what lies where with which rights, that a dry run changes nothing, and that removing leaves what people need.
import { execFile, execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { planInstall, planUninstall } from '../../fleet-agent/src/install-steps.ts';
import { readSettings } from '../../fleet-agent/src/settings.ts';
import { testOrSkip } from '../support/systemd.ts';
import { BuiltAgent } from './agent-process.ts';

const run = promisify(execFile);
const folder = mkdtempSync(path.join(tmpdir(), 'agent-install-'));
const NODE = '/usr/bin/node';
let built: BuiltAgent;
let root = '';
let count = 0;

beforeAll(async () => {
  built = await BuiltAgent.build();
}, 240_000);
afterAll(() => {
  built[Symbol.dispose]();
  rmSync(folder, { recursive: true });
});
beforeEach(() => {
  count += 1;
  root = path.join(folder, `root-${count}`);
  mkdirSync(root);
});

function agent(...args: string[]): Promise<{ stdout: string; stderr: string; code: number }> {
  const program = path.join(built.folder, 'slipway-agent.cjs');
  return run(process.execPath, [program, ...args], { env: { PATH: process.env.PATH } }).then(
    (ran) => ({ ...ran, code: 0 }),
    (failed: { stdout: string; stderr: string; code: number }) => failed,
  );
}

const install = (...args: string[]) => agent('install', '--root', root, '--node', NODE, ...args);
const modeOf = (...parts: string[]): string => (statSync(path.join(root, ...parts)).mode & 0o7777).toString(8);

const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: TrustPolicy
spec: { signers: [{ name: ci, key: ci.pub, models: ["*"], policies: ["*"] }] }
`;

/** A device's configuration as people make it, with a secret in it. */
function configuration(config = 'server: https://fleet.example\ntrust: trust/policy.yaml\nroot: root.json\n'): string {
  const from = path.join(folder, `configuration-${count}`);
  mkdirSync(path.join(from, 'trust'), { recursive: true });
  writeFileSync(path.join(from, 'config.yaml'), config);
  writeFileSync(path.join(from, 'trust/policy.yaml'), POLICY);
  writeFileSync(path.join(from, 'trust/ci.pub'), 'a key');
  writeFileSync(path.join(from, 'root.json'), '{}');
  writeFileSync(path.join(from, 'credentials.yaml'), 'secret');
  chmodSync(path.join(from, 'credentials.yaml'), 0o600);
  return from;
}

function withoutKey(): string {
  const from = configuration();
  rmSync(path.join(from, 'trust/ci.pub'));
  return from;
}

function crowded(): string {
  const from = configuration();
  for (let i = 0; i < 30; i++) writeFileSync(path.join(from, `photo-${i}.jpg`), '');
  return from;
}

describe('installing below another root', () => {
  test('puts programs, unit, user and configuration in their places, each with its mode', async () => {
    expect(await install('--from', configuration())).toMatchObject({ code: 0, stderr: '', stdout: 'installed\n' });
    expect([modeOf('opt/slipway-agent/slipway-agent.cjs'), modeOf('opt/slipway-agent/onnx-host.cjs')]).toEqual([
      '755',
      '644',
    ]);
    expect([modeOf('etc/slipway-agent'), modeOf('etc/slipway-agent/trust/policy.yaml')]).toEqual(['755', '644']);
    expect(modeOf('etc/slipway-agent/credentials.yaml')).toBe('600');
    const users = readFileSync(path.join(root, 'usr/lib/sysusers.d/slipway-agent.conf'), 'utf8');
    expect(users).toBe('u slipway-agent - "Slipway device agent" /var/lib/slipway-agent\n');
    expect(readlinkSync(path.join(root, 'usr/local/bin/slipway-agent'))).toBe('/opt/slipway-agent/slipway-agent.cjs');
    const unit = readFileSync(path.join(root, 'usr/lib/systemd/system/slipway-agent.service'), 'utf8');
    expect(unit).toMatch(/^User=slipway-agent$/m);
    const command = path.join(root, 'opt/slipway-agent/slipway-agent.cjs');
    expect((await run(process.execPath, [command, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  });

  test('again is an upgrade: the configuration stays as people left it, and nothing else is left behind', async () => {
    await install('--from', configuration());
    const config = path.join(root, 'etc/slipway-agent/config.yaml');
    writeFileSync(config, 'server: https://other.example\n');
    writeFileSync(path.join(root, 'opt/slipway-agent/slipway-agent.cjs'), 'an older one');
    expect((await install()).code).toBe(0);
    expect(readFileSync(config, 'utf8')).toBe('server: https://other.example\n');
    const program = readFileSync(path.join(root, 'opt/slipway-agent/slipway-agent.cjs'), 'utf8');
    expect(program).toBe(readFileSync(path.join(built.folder, 'slipway-agent.cjs'), 'utf8'));
    const files = readdirSync(root, { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => file.endsWith('.tmp'))).toEqual([]);
  });

  test('without a configuration leaves a file to write it in', async () => {
    expect((await install()).code).toBe(0);
    expect(readFileSync(path.join(root, 'etc/slipway-agent/config.yaml'), 'utf8')).toMatch(/^# Settings/);
  });

  test('by a dry run shows the steps and changes nothing', async () => {
    const { stdout, code } = await install('--dry-run', '--from', configuration());
    expect([code, stdout]).toEqual([
      0,
      expect.stringContaining('write    /etc/slipway-agent/credentials.yaml (600)\n'),
    ]);
    expect(stdout).not.toContain('secret');
    expect(stdout.match(/slipway-agent\/config\.yaml/g)).toHaveLength(1);
    expect(readdirSync(root)).toEqual([]);
  });

  test.each([
    ['no configuration file', () => mkdtempSync(path.join(folder, 'empty-')), /config\.yaml can't be read/],
    ['more files than a configuration has', () => crowded(), /more than 32 files/],
    ['an unknown setting', () => configuration('sever: https://x\n'), /unknown setting "sever"/],
    ['no trust policy', () => configuration('server: https://x.example\nroot: root.json\n'), /does not set `trust`/],
    [
      'a file that is not there',
      () => configuration('server: https://x.example\ntrust: t.yaml\nroot: root.json\n'),
      /not there/,
    ],
    ['a trust policy whose key is not there', () => withoutKey(), /trust\/ci\.pub, which is not there/],
    ['no address', () => configuration('trust: trust/policy.yaml\nroot: root.json\n'), /neither `server` nor/],
  ])('refuses %s, before anything is changed', async (_, from, message) => {
    const { code, stderr } = await install('--from', from());
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
    expect(readdirSync(root)).toEqual([]);
  });

  test.each([
    [['install', '--purge'], /These options can't be used: install has no --purge\./],
    [['uninstall', '--from', '/etc'], /uninstall has no --from/],
    [['install', '--node', path.join('/home', 'alice', 'node')], /can't use the Node of/],
    [['install', '--node', 'node; reboot'], /no absolute path/],
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await agent(...args, '--root', root);
    expect([code, stderr]).toEqual([2, expect.stringMatching(message)]);
  });

  test('is undone by uninstall, which leaves configuration and models; --purge removes them', async () => {
    await install('--from', configuration());
    const data = path.join(root, 'var/lib/slipway-agent');
    mkdirSync(data, { recursive: true });
    expect((await agent('uninstall', '--root', root)).code).toBe(0);
    const files = (): string[] => {
      const entries = readdirSync(root, { recursive: true, withFileTypes: true });
      return entries.filter((one) => !one.isDirectory()).map((one) => one.name);
    };
    expect(files().sort()).toEqual(['ci.pub', 'config.yaml', 'credentials.yaml', 'policy.yaml', 'root.json']);
    expect(existsSync(data)).toBe(true);
    expect((await agent('uninstall', '--root', root, '--purge')).code).toBe(0);
    expect([files(), existsSync(data)]).toEqual([[], false]);
  });

  testOrSkip('systemd-analyze', 'gives a unit that systemd takes', async () => {
    await agent('install', '--root', root, '--node', '/usr/bin/env');
    const unit = path.join(root, 'usr/lib/systemd/system/slipway-agent.service');
    const { stdout, stderr } = await run('systemd-analyze', ['verify', '--man=no', unit]);
    expect(stdout + stderr).toBe('');
  });

  testOrSkip('systemd-sysusers', 'names a user that systemd can make', async () => {
    await install();
    mkdirSync(path.join(root, 'etc'), { recursive: true });
    execFileSync('systemd-sysusers', [`--root=${root}`, path.join(root, 'usr/lib/sysusers.d/slipway-agent.conf')]);
    expect(readFileSync(path.join(root, 'etc/passwd'), 'utf8')).toMatch(
      /^slipway-agent:x:\d+:\d+:Slipway device agent:/m,
    );
  });
});

describe('the steps on a machine', () => {
  const facts = {
    ...{ programs: [], unit: '', node: NODE, isPackage: false, token: 'once' },
    configuration: [{ name: 'credentials.yaml', content: Buffer.from('x'), isPrivate: true }],
  };
  const commands = (steps: ReturnType<typeof planInstall>): string[] =>
    steps.flatMap((step) => (step.kind === 'command' ? [step.argv.join(' ')] : []));

  test('make the user before files are given to it, and start the agent last, only with a whole configuration', () => {
    expect(commands(planInstall({ ...facts, isConfigured: true }))).toEqual([
      'systemd-sysusers /etc/sysusers.d/slipway-agent.conf',
      'chown slipway-agent: /etc/slipway-agent/credentials.yaml',
      'systemctl daemon-reload',
      'systemctl enable slipway-agent.service',
      'systemctl restart slipway-agent.service',
    ]);
    expect(commands(planInstall({ ...facts, isConfigured: false })).join()).not.toContain('restart');
  });

  test('keep the token of enrolment from all but root', () => {
    const step = planInstall({ ...facts, isConfigured: true }).find(
      (one) => 'path' in one && one.path.endsWith('.env'),
    );
    expect(step).toMatchObject({ mode: 0o600, content: 'SLIPWAY_AGENT_TOKEN=once\n' });
  });

  test('stop the agent before its files go', () => {
    expect(planUninstall(false, true)[0]).toMatchObject({
      argv: ['systemctl', 'disable', '--now', 'slipway-agent.service'],
    });
  });
});

describe('the environment', () => {
  test('sets each setting, below the command line and the file', () => {
    const environment = {
      ...{ SLIPWAY_AGENT_SERVER: 'https://fleet.example', SLIPWAY_AGENT_DISTRIBUTION: 'https://cdn.example' },
      ...{ SLIPWAY_AGENT_DATA: '/data', SLIPWAY_AGENT_ID: 'kiosk-1', SLIPWAY_AGENT_TRUST: '/t.yaml' },
      ...{ SLIPWAY_AGENT_ROOT: '/root.json', SLIPWAY_AGENT_LABEL: 'region=eu, site=a', SLIPWAY_AGENT_PROPERTY: 'fw=2' },
      ...{ SLIPWAY_AGENT_ENDPOINT_PORT: '8090', SLIPWAY_AGENT_POLL: '10s', SLIPWAY_AGENT_INTERVAL: '20s' },
      ...{
        SLIPWAY_AGENT_RUNTIME: 'process',
        SLIPWAY_AGENT_RESERVE_MEBIBYTES: '1',
        SLIPWAY_AGENT_KILOBYTES_PER_SECOND: '',
      },
      SLIPWAY_AGENT_ON_SWITCH: '{ kind: http, url: "http://127.0.0.1:1/" }',
    };
    const read = readSettings({ args: ['--id', 'kiosk-2'], environment, readConfig: () => '' });
    expect(read).toMatchObject({
      ...{ server: 'https://fleet.example', distribution: 'https://cdn.example', data: '/data', id: 'kiosk-2' },
      ...{ trust: '/t.yaml', root: '/root.json', labels: { region: 'eu', site: 'a' }, properties: { fw: '2' } },
      ...{ endpointPort: 8090, pollMs: 10_000, reportMs: 20_000, runtime: 'process', reserveBytes: 2 ** 20 },
      ...{ bytesPerSecondMost: null, onSwitch: { kind: 'http' } },
    });
  });
});
