// Laws of upgrades: agents and services one release apart work together both ways, and both go forward and back, store and devices with them.
import { execFile } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { brotliDecompressSync } from 'node:zlib';
import { expect, onTestFinished, test } from 'vitest';
import { buildAgentFiles } from '../../fleet-agent/build.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { VERSION } from '../../src/base/version.ts';
import { ServiceProcess } from '../../src/cli/demo/service-process.ts';
import type { StageSet } from '../../src/cli/demo/stage-set.ts';
import type { DeviceView } from '../../src/dashboard/read-model/types.generated.ts';
import { World, type WorldService } from './world.ts';

const FIXTURES = path.join(import.meta.dirname, '../fixtures/last-release');
const DEVICES = 4;
const OLD_DEVICES = 2;
const FLAGS = ['--poll', '1s', '--tick', '100ms'];

interface Releases {
  readonly before: { readonly agent: string; readonly service: string };
  readonly now: { readonly agent: string };
}

async function unpack(folder: string): Promise<Releases> {
  const place = (name: string): string => path.join(folder, name);
  await mkdir(place('before'));
  await buildAgentFiles(place('now'));
  for (const name of ['slipway-agent.cjs', 'slipway.mjs'])
    await writeFile(place(`before/${name}`), brotliDecompressSync(await readFile(path.join(FIXTURES, `${name}.br`))));
  await copyFile(place('now/onnx-host.cjs'), place('before/onnx-host.cjs'));
  // Modules in the bundle that can be started by themselves take it for themselves where it is the program.
  await writeFile(place('before/main.mjs'), "import './slipway.mjs';\n");
  return {
    before: { agent: place('before/slipway-agent.cjs'), service: place('before/main.mjs') },
    now: { agent: place('now/slipway-agent.cjs') },
  };
}

/** The service that runs now, of either release; each has a port of its own, and the gateway before them follows. */
class Upgraded implements WorldService {
  readonly #set: StageSet;
  #service: ServiceProcess;

  private constructor(set: StageSet, service: ServiceProcess) {
    this.#set = set;
    this.#service = service;
  }

  static async create(set: StageSet, program: string): Promise<Upgraded> {
    return new Upgraded(set, await Upgraded.#process(set, program));
  }

  static #process(set: StageSet, program?: string): Promise<ServiceProcess> {
    const given = program === undefined ? {} : { program };
    return ServiceProcess.create({ set, clock: new SystemClock(), reportInterval: '300ms', flags: FLAGS, ...given });
  }

  get url(): string {
    return this.#service.url;
  }

  get log(): string {
    return this.#service.log;
  }

  /** Ends the one and starts the other on the same home. */
  async become(program?: string): Promise<void> {
    await this.end('SIGTERM');
    this.#service = await Upgraded.#process(this.#set, program);
    await this.start();
  }

  start = () => this.#service.start();
  end = (name: 'SIGTERM' | 'SIGKILL') => this.#service.end(name);
  signal = (name: NodeJS.Signals) => this.#service.signal(name);
  view = () => this.#service.view();
}

async function get(world: World, place: string): Promise<string> {
  const headers = { authorization: `Bearer ${world.set.viewerToken}` };
  return (await fetch(`${world.service.url}${place}`, { headers })).text();
}

async function reverts(world: World, version: string, to: string): Promise<void> {
  await world.release('failing', version);
  await world.until(`${version} is rejected, and nobody runs it`, async () => {
    const status = await world.statusAtHead();
    const isRejected = status?.rejected?.some((one) => one.version === version) === true;
    return isRejected && (await world.running()).every((one) => one === to);
  });
}

interface Standing {
  readonly service: Record<'refusing' | 'refusedReports' | 'outdated', { readonly count: number } | undefined>;
}

/** What the service says of its devices; the one of before said it at another address. */
async function standing(world: World): Promise<Standing['service']> {
  return world.until('the service to say how devices stand', async () => {
    const current = (await world.view())?.service;
    const text = current === undefined ? await get(world, '/v1/rollouts').catch(() => '{}') : '{}';
    return current ?? (JSON.parse(text) as Partial<Standing>).service;
  });
}

/** Its own command: this one would bring the store of the service that runs to newer tables. */
async function tokensOf(program: string, { home }: StageSet, count: number): Promise<readonly string[]> {
  const args = [program, 'token', '--home', home.folder, '--count', String(count), '--json'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  return JSON.parse(stdout) as readonly string[];
}

test('agents and service of the release before and of this one roll out and revert together, whichever is upgraded first, and go back', {
  timeout: 300_000,
}, async () => {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'slipway-upgrade-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const { before, now } = await unpack(folder);
  let service: Upgraded | undefined;
  await using world = await World.open({
    ...{ devices: DEVICES, processes: { count: OLD_DEVICES, bundle: before.agent } },
    services: async (set) => {
      service = await Upgraded.create(set, before.service);
      return [service];
    },
    tokens: (set, count) => tokensOf(before.service, set, count),
  });
  const { home } = world.set;

  const nobodyRefuses = { refusing: { count: 0 }, refusedReports: { count: 0 } };

  // The service of before, with agents of both.
  await world.release('sound', '2026.01.01');
  await world.untilStable('2026.01.01');
  expect(await standing(world)).toMatchObject(nobodyRefuses);

  // The service is upgraded first, with its store; agents of both go on.
  await service?.become();
  const copies = (await readdir(home.folder)).filter((name) => name.includes('.step-'));
  expect(copies).toEqual([expect.stringMatching(new RegExp(`^slipway\\.db\\.step-\\d+-before-${VERSION}$`))]);
  await world.edit('declare the agent', async (read) => ({
    'slipway.yaml': (await read('slipway.yaml')).replace('spec: {}', "spec: { fleet: { agentVersion: '99.0' } }"),
  }));
  await reverts(world, '2026.01.02', '2026.01.01');
  await world.release('better', '2026.01.03');
  await world.untilStable('2026.01.03');
  await saysWhoIsOutdated(world);
  expect(await standing(world)).toMatchObject({ ...nobodyRefuses, outdated: { count: DEVICES } });

  // The agents, forward and back on their own folders.
  for (const agent of [now.agent, before.agent]) {
    await world.fleet.exchangeAgents(agent);
    const isOn = async () => (await world.running()).every((one) => one === '2026.01.03');
    await world.until('the other agents serve what they find', isOn);
  }

  // The service back: it refuses the newer store, and goes on from the copy. No device refuses it, agents of both revert.
  await expect(service?.become(before.service)).rejects.toMatchObject({ code: 'DEMO_SERVICE_START' });
  expect(await readFile(world.service.log, 'utf8')).toContain('STORE_TOO_NEW');
  for (const end of ['-wal', '-shm']) await rm(`${home.store}${end}`, { force: true });
  await copyFile(path.join(home.folder, copies[0] ?? ''), home.store);
  await service?.become(before.service);
  await reverts(world, '2026.01.04', '2026.01.03');
  expect(await standing(world)).toMatchObject(nobodyRefuses);
});

async function saysWhoIsOutdated(world: World): Promise<void> {
  const viewOf = async (index: number): Promise<DeviceView> =>
    JSON.parse(await get(world, `/v1/devices/scanner-00${index + 1}`)) as DeviceView;
  const told = 'agent 0.1.0 is older than the declared 99.0';
  await world.until('all are known to be outdated, and agents of this release say so', async () => {
    const views = await Promise.all(Array.from({ length: DEVICES }, (_, i) => viewOf(i)));
    return views.every(
      ({ text, identity }, i) =>
        text?.endsWith(told) && identity.properties.agentOutdated === (i < OLD_DEVICES ? undefined : '99.0'),
    );
  });
  expect(await get(world, '/metrics')).toMatch(new RegExp(`^slipway_devices_agent_outdated ${DEVICES}$`, 'm'));
}
