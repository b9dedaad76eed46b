// Owns the proof that a device keeps serving: offline, with a torn journal, with rotten files, and on a full disk.
import { execFileSync } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { findFolderProblems } from '../../fleet-agent/src/device-problems.ts';
import { DeviceFolder } from '../../fleet-agent/src/record/device-folder.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import {
  afterTwoVersions,
  away,
  DeviceWorld,
  deviceFolder,
  MODEL,
  modelFolder,
  modelStatus,
  oneRow,
  openHost,
  outcomesOf,
  until,
  untilRuns,
} from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

const MAIN = path.join(import.meta.dirname, '../../fleet-agent/src/main.ts');

test('a device that starts offline serves what it had committed, before anything else', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  const { agent } = await world.startAgent(host, away);
  expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
});

test('an expired signer and a clock that is years off stop no committed model', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  for (const now of [0, Date.parse('2101-01-01T00:00:00Z')]) {
    const { agent, stop } = await world.startAgent(host, {
      ...away,
      clock: { now: () => now, monotonicMs: () => performance.now(), sleep: (ms, signal) => world.sleep(ms, signal) },
    });
    expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
    await stop();
  }
});

test('a torn journal is rebuilt from the running slot, and kept aside', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  writeFileSync(path.join(modelFolder(world), 'state.json'), '{"format":1,"record":{"mod');
  const { agent } = await world.startAgent(host, away);
  expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
  expect(modelStatus(agent)).toMatchObject({ state: 'committed', previous: { version: '1.0.0' } });
  expect(readdirSync(modelFolder(world))).toContain('state.json.corrupt');
});

test('a journal of a newer agent is rebuilt, and what failed here stays known, and how high it had come', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  const file = path.join(modelFolder(world), 'state.json');
  const { record } = JSON.parse(readFileSync(file, 'utf8')) as { record: { failures: unknown[] } };
  const digest = `sha256:${'7'.repeat(64)}`;
  const failure = { digest, attempt: 3, reason: 'trial', message: 'bad', expiry: { kind: 'of-tomorrow' }, atMs: 1 };
  const height = { sequence: 9, digest };
  const newer = { ...record, failures: [failure, { digest: 'x' }], height };
  writeFileSync(file, JSON.stringify({ format: 2, record: newer }));
  const { agent, stop } = await world.startAgent(host, away);
  expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
  expect(modelStatus(agent)?.failures).toEqual([{ digest, attempt: 3, reason: 'trial', message: 'bad' }]);
  await stop();
  expect(JSON.parse(readFileSync(file, 'utf8'))).toMatchObject({ record: { height } });
});

test('a journal that the disk does not give now is left alone: it may be whole at the next start', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  const file = path.join(modelFolder(world), 'state.json');
  renameSync(file, `${file}.whole`);
  symlinkSync('state.json', file); // nobody can read a link to itself
  const { agent, stop } = await world.startAgent(host, away);
  expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
  await stop();
  expect(lstatSync(file).isSymbolicLink()).toBe(true);
});

test('`status` names a model whose journal it can not read', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  writeFileSync(path.join(modelFolder(world), 'state.json'), '{"format":1');
  const status = execFileSync(process.execPath, [MAIN, 'status', '--data', deviceFolder(world), '--json']);
  expect(JSON.parse(String(status))).toMatchObject({
    problems: [{ code: 'AGENT_JOURNAL', message: expect.stringContaining(MODEL) }],
  });
});

const inPlaceOf = (name: string, bytes?: string) => (world: DeviceWorld) => {
  const file = path.join(deviceFolder(world), name);
  rmSync(file, { recursive: true, force: true });
  if (bytes === undefined) mkdirSync(file);
  else writeFileSync(file, bytes);
};

test.each<[string, (world: DeviceWorld) => void, RegExp]>([
  ['a damaged key', inPlaceOf('device.key.pem', '-----BEGIN PRIVATE KEY-----\nAAAA'), /AGENT_KEY_UNREADABLE/],
  ['a key that is a folder', inPlaceOf('device.key.pem'), /AGENT_KEY_UNREADABLE/],
  ['a folder in place of its lock', inPlaceOf('agent.lock'), /agent\.lock blocks the lock/],
  ['a file in place of its reports', inPlaceOf('reports', 'x'), /reports/],
  ['a file in place of what it knows of the publication', inPlaceOf('tuf', 'x'), /tuf/],
])('%s keeps no committed model from serving, and is told', async (_, damage, problem) => {
  const { world } = await afterTwoVersions(host);
  await using _world = world;
  damage(world);
  const { agent } = await world.startAgent(host);
  expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
  expect(agent.status().problems.map(({ code, message }) => `${code} ${message}`)).toEqual(
    expect.arrayContaining([expect.stringMatching(problem)]),
  );
});

test.each([
  ['memory', 'memory.json'],
  ['enrolment', 'identity.json'],
  ['journal', `models/${MODEL}/state.json`],
])('a folder in place of its %s keeps no committed model from serving', async (_, name) => {
  const { world } = await afterTwoVersions(host);
  await using _world = world;
  inPlaceOf(name)(world);
  const { agent } = await world.startAgent(host, away);
  expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
});

test('one model that can be opened no more keeps no other from serving', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  const other = path.join(deviceFolder(world), 'models', 'a-broken-one');
  mkdirSync(other);
  writeFileSync(path.join(other, 'slots'), 'x');
  const { agent } = await world.startAgent(host, away);
  expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
});

test('one model that can be opened no more keeps no other from what a directive wants', async () => {
  const { world, one } = await afterTwoVersions(host);
  await using _ = world;
  const other = path.join(deviceFolder(world), 'models', 'a-broken-one');
  mkdirSync(other);
  writeFileSync(path.join(other, 'slots'), 'x');
  const broken = world.entry({ stable: one, model: 'a-broken-one', rollout: 'a-broken-one' });
  await world.direct(broken, world.entry({ stable: one }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
});

test('a report says what the device does without', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  inPlaceOf('agent.lock')(world);
  await world.startAgent(host);
  await until(async () => {
    const device = await world.store.findDevice('device-1');
    return String(device?.properties.agentProblem ?? '').includes('agent.lock');
  }, 'the report');
});

test('a folder that can only be read serves what it holds, also with a torn journal, and `status` says so', async (context) => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  const folder = deviceFolder(world);
  writeFileSync(path.join(modelFolder(world), 'state.json'), '{"format":1');
  if (!canBindReadOnly(folder)) return context.skip('mounting a folder read-only needs root');
  try {
    const { agent, stop } = await world.startAgent(host);
    expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('2.0.0');
    expect(agent.status().problems[0]).toMatchObject({ code: 'AGENT_DATA_READ_ONLY' });
    const onDisk = await findFolderProblems(new DeviceFolder(folder));
    expect(onDisk.map(({ code }) => code)).toEqual(['AGENT_DATA_READ_ONLY']);
    await stop();
  } finally {
    execFileSync('umount', ['-l', folder]);
  }
});

function canBindReadOnly(folder: string): boolean {
  try {
    execFileSync('mount', ['--bind', folder, folder], { stdio: 'ignore' });
    execFileSync('mount', ['-o', 'remount,bind,ro', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

test('a model file that rots on disk is found at the start: the kept version serves, and the lost one is fetched again', async () => {
  const { world, two } = await afterTwoVersions(host);
  await using _ = world;
  const running = JSON.parse(readFileSync(path.join(modelFolder(world), 'state.json'), 'utf8')) as {
    record: { active: string };
  };
  const file = path.join(modelFolder(world), 'slots', running.record.active, 'files', 'model.onnx');
  const bytes = readFileSync(file);
  bytes[bytes.length - 3] = (bytes[bytes.length - 3] ?? 0) ^ 0xff;
  writeFileSync(file, bytes);
  const offline = await world.startAgent(host, away);
  expect((await offline.agent.infer(MODEL, oneRow)).modelVersion).toBe('1.0.0');
  await offline.stop();
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, two.version);
});

test('`current` is a link that always points at the slot that serves', async () => {
  const { world } = await afterTwoVersions(host);
  await using _ = world;
  const link = path.join(modelFolder(world), 'current');
  expect(lstatSync(link).isSymbolicLink()).toBe(true);
  expect(readFileSync(path.join(link, 'manifest.yaml'), 'utf8')).toContain('"2.0.0"');
  rmSync(link);
  await world.startAgent(host, away);
  expect(readFileSync(path.join(link, 'manifest.yaml'), 'utf8')).toContain('"2.0.0"');
});

test('no more than two versions lie on the disk, however many there were', async () => {
  const { world, two } = await afterTwoVersions(host);
  await using _ = world;
  const { agent } = await world.startAgent(host);
  for (const version of ['3.0.0', '4.0.0']) {
    const next = await world.publishModel({
      version,
      onnx: constantClassifier(2, 10 + Number(version[0])),
      expects: 'letter',
    });
    await world.direct(world.entry({ stable: two, candidate: next }));
    await untilRuns(agent, version);
  }
  const slots = path.join(modelFolder(world), 'slots');
  expect(readdirSync(slots).sort()).toEqual(['A', 'B']);
  expect(readdirSync(slots).flatMap((slot) => readdirSync(path.join(slots, slot, 'files')))).toHaveLength(2);
});

test('a manifest that needs more disk than there is, is refused before a byte of it is fetched, and taken when there is room', async () => {
  const { world, two } = await afterTwoVersions(host);
  await using _ = world;
  const three = await world.publishModel({ version: '3.0.0', onnx: constantClassifier(2, 50_000), expects: 'letter' });
  const { agent, stop } = await world.startAgent(host, { reserveBytes: 2 ** 60 });
  await world.direct(world.entry({ stable: two, candidate: three }));
  await until(() => modelStatus(agent)?.state === 'failed', 'the failure');
  expect(modelStatus(agent)?.failures[0]).toMatchObject({
    reason: 'storage-full',
    message: expect.stringMatching(/needs [\d,]+ MiB free, .* and has [\d,]+ MiB/),
  });
  expect(world.requests.some((request) => request.includes(three.artifact.slice(7)))).toBe(false);
  await until(
    async () => outcomesOf(await world.store.findDevice('device-1'), three.digest).includes('failed'),
    'the service to hear of it',
  );
  await stop();
});

function canMount(folder: string): boolean {
  try {
    mkdirSync(folder, { recursive: true });
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', folder], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

describe('on a disk that is really full', () => {
  test('the present model keeps serving, the device says so, and goes back and forth once there is room', async (context) => {
    const world = await DeviceWorld.open();
    await using _ = world;
    const disk = path.join(world.folder, 'disk');
    if (!canMount(disk)) return context.skip('mounting a small disk needs root');
    try {
      const one = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, 300_000) });
      const two = await world.publishModel({
        version: '2.0.0',
        onnx: constantClassifier(1, 1_200_000),
        expects: 'receipt',
      });
      await world.direct(world.entry({ stable: one }));
      const folder = path.join(disk, 'agent');
      const { agent, stop } = await world.startAgent(host, {
        folder,
        intervals: { pollMs: 300, reportMs: 200, wakeSpreadMs: 0 },
      });
      await untilRuns(agent, '1.0.0');
      // statfs says that there is room; then somebody else takes it while the download runs.
      world.mischief = (url) => {
        if (url.includes(two.artifact.slice(7))) fill(disk);
        return undefined;
      };
      await world.direct(world.entry({ stable: one, candidate: two }));
      await until(() => modelStatus(agent)?.failures[0]?.reason === 'storage-full', 'the failure');
      expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('1.0.0');
      world.mischief = () => undefined;
      rmSync(path.join(disk, 'filler'));
      await untilRuns(agent, '2.0.0');
      fill(disk);
      await world.direct(world.entry({ stable: one }));
      await untilRuns(agent, '1.0.0');
      rmSync(path.join(disk, 'filler'));
      await stop();
    } finally {
      execFileSync('umount', ['-l', disk]);
    }
  });
});

/** Takes every byte that is left. */
function fill(disk: string): void {
  const file = path.join(disk, 'filler');
  for (const size of [65_536, 4096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(size), { flag: 'a' });
    } catch {
      // full for pieces of this size
    }
  }
}
