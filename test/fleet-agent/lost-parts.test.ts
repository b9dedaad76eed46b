// Owns the proof that a part of the agent that failed at the start is taken up again, and that one model waits for no other.
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createAgent } from '../../fleet-agent/src/agent.ts';
import type { ModelHost } from '../../fleet-agent/src/model/model-host.ts';
import {
  afterTwoVersions,
  away,
  type DeviceWorld,
  deviceFolder,
  MODEL,
  modelFolder,
  modelStatus,
  oneRow,
  openHost,
  until,
  untilRuns,
} from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

const MAIN = path.join(import.meta.dirname, '../../fleet-agent/src/main.ts');

/** Something else lies where it should be, until it is put back. */
const aside = (name: string) => (world: DeviceWorld) => {
  const file = path.join(deviceFolder(world), name);
  renameSync(file, `${file}.aside`);
  writeFileSync(file, 'x');
};
const back = (name: string) => (world: DeviceWorld) => {
  const file = path.join(deviceFolder(world), name);
  // A key is there at every moment: the agent would make a new one.
  if (statSync(`${file}.aside`).isDirectory()) rmSync(file);
  renameSync(`${file}.aside`, file);
};

test.each<[string, (world: DeviceWorld) => void, (world: DeviceWorld) => void]>([
  ['its key', aside('device.key.pem'), back('device.key.pem')],
  ['its reports', aside('reports'), back('reports')],
  ['what it knows of the publication', aside('tuf'), back('tuf')],
])(
  '%s, mended while the agent runs, is taken up again: it follows and reports, and no longer complains',
  async (_, damage, mend) => {
    const { world, one } = await afterTwoVersions(host);
    await using _world = world;
    damage(world);
    const { agent } = await world.startAgent(host);
    expect(agent.status().problems).toHaveLength(1);
    mend(world);
    const entry = world.entry({ stable: one });
    await world.direct(entry);
    await untilRuns(agent, '1.0.0');
    await until(async () => {
      const device = await world.store.findDevice('device-1');
      return device?.models.get(MODEL)?.revision === entry.revision;
    }, 'the service to hear of it');
    expect(agent.status().problems).toEqual([]);
  },
);

test.each([
  ...[
    'device.key.pem',
    'identity.json',
    'memory.json',
    'reports/sequence.json',
    'tuf/accepted.json',
    'tuf/anchor.json',
  ],
  `models/${MODEL}/state.json`,
  `models/${MODEL}/slots/A/files/model.onnx`,
])('a pipe in the place of %s hangs no start: what is committed serves', async (name) => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  const file = path.join(deviceFolder(world), name);
  rmSync(file);
  execFileSync('mkfifo', [file]);
  const { agent } = await world.startAgent(host, away);
  await untilRuns(agent, '2.0.0');
});

test('a damaged trust policy and a root that is not there keep no committed model from serving; the root counts once it is there', async () => {
  const { world, one } = await afterTwoVersions(host);
  await using _ = world;
  const [trust, root] = [path.join(world.folder, 'trust.yaml'), path.join(world.folder, 'root.json')];
  writeFileSync(trust, 'kind: [');
  const where = ['--server', world.serverUrl, '--distribution', world.mirrorUrl, '--data', deviceFolder(world)];
  const how = ['--id', 'device-1', '--trust', trust, '--root', root, '--endpoint-port', '0', '--poll', '200ms'];
  const child = spawn(process.execPath, [MAIN, 'run', ...where, ...how], { stdio: ['ignore', 'ignore', 'pipe'] });
  try {
    let log = '';
    child.stderr.on('data', (chunk) => {
      log += chunk;
    });
    const port = await until(() => /"endpointPort":(\d+)/.exec(log)?.[1], 'the agent to listen');
    const version = async (): Promise<unknown> =>
      ((await (await fetch(`http://127.0.0.1:${port}/v2/models/${MODEL}`)).json()) as { versions: unknown[] })
        .versions[0];
    expect(await version()).toBe('2.0.0');
    writeFileSync(root, world.factoryRoot);
    await world.direct(world.entry({ stable: one }));
    await until(async () => (await version()) === '1.0.0', 'the device to go back');
  } finally {
    child.kill();
    await once(child, 'exit');
  }
});

test('a model that is slow to load holds up no other at the start', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  cpSync(modelFolder(world), path.join(deviceFolder(world), 'models', 'a-slow-one'), { recursive: true });
  const state = path.join(deviceFolder(world), 'models', 'a-slow-one', 'state.json');
  writeFileSync(state, readFileSync(state, 'utf8').replaceAll(`"model":"${MODEL}"`, '"model":"a-slow-one"'));
  const gate = Promise.withResolvers<void>();
  const slow: ModelHost = {
    ...{ canRun: true, close: async () => undefined },
    load: async (files) => {
      if (files.byRole.model?.path.includes('a-slow-one')) await gate.promise;
      return host.load(files);
    },
  };
  const agent = createAgent(await world.agentOptions(slow, away));
  const stop = new AbortController();
  const done = agent.run(stop.signal);
  await until(() => agent.infer(MODEL, oneRow).then(Boolean, () => false), 'the other to answer');
  expect(modelStatus(agent, 'a-slow-one')).toBeUndefined();
  gate.resolve();
  await agent.started;
  expect(modelStatus(agent, 'a-slow-one')).toMatchObject({ isServing: true, running: { version: '2.0.0' } });
  stop.abort();
  await done;
});
