// Owns the proof that a device follows a publication on a carried disk, that hanging hosts hold up nobody else, and who may write what it keeps.
import { readdirSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { readSettings } from '../../../fleet-agent/src/settings.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { createLogger } from '../../../src/base/logger.ts';
import { hexOf } from '../../../src/contract/digest.ts';
import { constantClassifier } from '../../support/onnx-fixture.ts';
import { clock, DeviceWorld, MODEL, modelStatus, openHost, until, untilRuns } from '../device-world.ts';

const host = openHost();
afterAll(() => host.close());

test('a publication on a carried disk is followed like one on a host, and what the device keeps is for others to read only', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0' });
  await world.direct(world.entry({ stable: model }));
  const distributionUrl = pathToFileURL(`${world.publication}/`).href;
  const umask = process.umask(0);
  try {
    const { agent, stop } = await world.startAgent(host, { distributionUrl, link: null });
    await untilRuns(agent, '1.0.0');
    await stop();
  } finally {
    process.umask(umask);
  }
  const folder = path.join(world.folder, 'devices', 'device-1');
  const writable = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => {
    const found = statSync(path.join(folder, name), { throwIfNoEntry: false });
    return found !== undefined && (found.isFile() || found.isDirectory()) && (found.mode & 0o022) !== 0;
  });
  expect(writable).toEqual([]);
});

test('the setting `distribution` takes an address of a disk, and `server` does not', () => {
  const settings = (...args: string[]) => readSettings({ args, environment: {}, readConfig: () => '' });
  expect(settings('--distribution', 'file:///media/usb/').distribution).toBe('file:///media/usb/');
  expect(() => settings('--server', 'file:///media/usb/')).toThrow(/not an address/);
});

test('what is wrong with labels is said with the setting, and with what to do', () => {
  const settings = (...args: string[]) => readSettings({ args, environment: {}, readConfig: () => '' });
  expect(() => settings('--label', `region=${'x'.repeat(300)}`)).toThrow(
    expect.objectContaining({ code: 'AGENT_SETTING', remedy: expect.stringContaining('256 characters') }),
  );
});

test('a model whose host hangs holds up no other model', async () => {
  await using world = await DeviceWorld.open();
  let isGivenUp = false;
  const hanging = createServer((request) => {
    request.on('close', () => {
      isGivenUp = true;
    });
  });
  await new Promise<void>((resolve) => hanging.listen(0, '127.0.0.1', resolve));
  const { port } = hanging.address() as AddressInfo;
  const good = await world.publishModel({ version: '1.0.0' });
  const onnx = constantClassifier(1, 4000);
  const stuck = await world.publishModel({
    version: '2.0.0',
    name: 'stuck',
    onnx,
    expects: 'receipt',
    origin: `http://127.0.0.1:${port}`,
  });
  await world.direct(world.entry({ stable: stuck, rollout: 'a-stuck', model: 'stuck' }), world.entry({ stable: good }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  expect(isGivenUp).toBe(false);
  await until(() => modelStatus(agent, 'stuck')?.state === 'fetching', 'the other one to wait');
  expect(world.requests.some((request) => request.includes(hexOf(stuck.digest)))).toBe(true);
  expect(modelStatus(agent, MODEL)?.isServing).toBe(true);
  hanging.closeAllConnections();
  hanging.close();
});

test('a directive that is refused is logged once for each reason, however often the agent looks', async () => {
  await using world = await DeviceWorld.open();
  await world.direct();
  const lines: string[] = [];
  const looks = () => world.requests.filter((request) => request.includes('timestamp')).length;
  world.mischief = (url) => (url.includes('timestamp') ? { body: Buffer.from('<html>') } : undefined);
  const logger = createLogger({ least: 'error', pretty: false, now: () => 0, write: (line) => lines.push(line) });
  await world.startAgent(host, { logger, link: null, intervals: { pollMs: 20 } });
  await until(() => looks() > 4, 'several looks');
  expect(lines.filter((line) => line.includes('directive refused'))).toHaveLength(1);
});

test('a host of directives that asks to stay away is left alone', async () => {
  await using world = await DeviceWorld.open();
  await world.direct();
  const waits: number[] = [];
  const patient: Clock = {
    ...{ now: () => clock.now(), monotonicMs: () => clock.monotonicMs() },
    sleep: (ms, signal) => {
      waits.push(ms);
      return clock.sleep(ms, signal);
    },
  };
  world.mischief = (url) => (url.includes('timestamp') ? { status: 503, retryAfter: 120 } : undefined);
  await world.startAgent(host, { clock: patient, link: null, intervals: { pollMs: 50 } });
  await until(() => waits.includes(120_000), 'the agent to wait');
});

test('what a host asks for holds over looks at the directive and over unrelated news', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0' });
  world.mischief = (url) => (url.includes('artifacts') ? { status: 503, retryAfter: 600 } : undefined);
  await world.direct(world.entry({ stable: model }));
  const { agent } = await world.startAgent(host, { intervals: { pollMs: 50, reportMs: 200, wakeSpreadMs: 0 } });
  const asked = () => world.requests.filter((request) => request.includes('artifacts')).length;
  await until(() => asked() > 0, 'the first try');
  const looks = () => world.requests.filter((request) => request.includes('timestamp')).length;
  const before = looks();
  await world.direct(world.entry({ stable: model }));
  await until(() => looks() > before + 5, 'more looks at the directive');
  expect(asked()).toBe(1);
  expect(modelStatus(agent)?.state).toBe('fetching');
});
