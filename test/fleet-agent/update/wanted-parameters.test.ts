// Owns the laws of parameters on a device: those of the version that serves, and never beyond what its signed manifest allows.
import { mkdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ModelError, type ModelHost } from '../../../fleet-agent/src/model/model-host.ts';
import { findUnfitParameters } from '../../../src/contract/parameter-limits.ts';
import type { ModelManifest } from '../../../src/contract/types.generated.ts';
import { constantClassifier } from '../../support/onnx-fixture.ts';
import {
  DeviceWorld,
  MODEL,
  modelStatus,
  oneRow,
  openHost,
  outcomesOf,
  type PublishedModel,
  until,
  untilRuns,
} from '../device-world.ts';

const host = openHost();
afterAll(() => host.close());

const spec = { parameters: { threshold: 0.7, mode: 'a' }, parameterLimits: { threshold: { least: 0.5, most: 0.9 } } };

test('a manifest allows its parameters within their limits, and no others', () => {
  const manifest = {
    metadata: { name: 'm', version: '1' },
    spec: { ...spec, parameterLimits: { ...spec.parameterLimits, mode: { oneOf: ['a', 'b'] } } },
  };
  const unfit = (parameters: Record<string, string | number | boolean>) =>
    findUnfitParameters(manifest as unknown as ModelManifest, parameters).map(({ kind }) => kind);
  expect(unfit({ threshold: 0.5, mode: 'b' })).toEqual([]);
  expect(unfit({ threshold: 0.4 })).toEqual(['limit']);
  expect(unfit({ threshold: 1 })).toEqual(['limit']);
  expect(unfit({ threshold: '0.6' })).toEqual(['type']);
  expect(unfit({ mode: 'c', other: 1 })).toEqual(['limit', 'unknown']);
});

const second = { version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' };
const at = (model: PublishedModel, threshold: number) => ({
  version: model.version,
  digest: model.digest,
  parameters: { threshold },
  target: '*',
});

test('parameters beyond the limits are refused by a device, whoever signs the directive, and those in force stay', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', spec });
  await world.direct({ ...world.entry({ stable: model }), stable: at(model, 0.6) });
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await until(() => agent.parametersOf(MODEL).threshold === 0.6, 'the parameters');
  await world.direct({ ...world.entry({ stable: model }), stable: at(model, 0.1) });
  await until(
    async () => outcomesOf(await world.store.findDevice('device-1'), model.digest).includes('refused'),
    'the refusal to be reported',
  );
  expect(agent.parametersOf(MODEL)).toEqual({ threshold: 0.6 });
  await world.direct({ ...world.entry({ stable: model }), stable: at(model, 0.8) });
  await until(() => agent.parametersOf(MODEL).threshold === 0.8, 'parameters within the limits');
});

test('a candidate that is not here yet is not installed with parameters that its manifest does not allow', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', spec });
  const next = await world.publishModel({ ...second, spec });
  await world.direct(world.entry({ stable: model }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await world.direct({
    ...world.entry({ stable: model, candidate: next }),
    candidate: { ...at(next, 0.1), attempt: 1 },
  });
  const status = await until(() => modelStatus(agent)?.state === 'failed' && modelStatus(agent), 'the refusal');
  expect(status).toMatchObject({ running: { version: '1.0.0' }, failures: [{ reason: 'incompatible' }] });
});

test('parameters of a version come in force with it: one that is not here changes nothing of the one that serves', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', spec });
  const next = await world.publishModel({ ...second, spec });
  await world.direct({ ...world.entry({ stable: model }), stable: at(model, 0.6) });
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  world.mischief = (url) => (url.includes('artifacts') ? { status: 503 } : undefined);
  const candidate = { ...at(next, 0.8), attempt: 1 };
  await world.direct({ ...world.entry({ stable: model, candidate: next }), stable: at(model, 0.6), candidate });
  await until(() => modelStatus(agent)?.state === 'fetching', 'the download to begin');
  expect(agent.parametersOf(MODEL)).toEqual({ threshold: 0.6 });
  world.mischief = () => undefined;
  await untilRuns(agent, '2.0.0');
  expect(agent.parametersOf(MODEL)).toEqual({ threshold: 0.8 });
});

test('a desire that could not be taken is not lost: it is tried again, with no further look at the directive', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', spec });
  await world.direct({ ...world.entry({ stable: model }), stable: at(model, 0.6) });
  const { agent } = await world.startAgent(host, { intervals: { pollMs: 600_000, reportMs: 200, wakeSpreadMs: 0 } });
  await untilRuns(agent, '1.0.0');
  const file = path.join(world.folder, 'devices', 'device-1', 'models', MODEL, 'parameters.json');
  rmSync(file);
  mkdirSync(path.join(file, 'in-the-way'), { recursive: true });
  const { length: before } = world.requests;
  await world.direct({ ...world.entry({ stable: model }), stable: at(model, 0.8) });
  await until(() => world.requests.length > before, 'the directive to be fetched');
  await world.sleep(1000);
  expect(agent.parametersOf(MODEL)).toEqual({ threshold: 0.6 });
  rmSync(file, { recursive: true });
  await until(() => agent.parametersOf(MODEL).threshold === 0.8, 'the parameters');
});

test('a device that goes back by itself serves stable with the parameters of stable', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0', spec });
  const health = { warmUp: { duration: '1h', inferences: 1_000_000 } };
  const next = await world.publishModel({ ...second, spec: { ...spec, health } });
  let loads = 0;
  const faulty: ModelHost = {
    canRun: true,
    load: async (files) => {
      const real = await host.load(files);
      loads += 1;
      let runs = loads === 2 ? 0 : Number.NEGATIVE_INFINITY;
      const run: typeof real.run = async (inputs) => {
        if (++runs > 1) throw new ModelError('runtime', 'it broke');
        return real.run(inputs);
      };
      return { ...real, run };
    },
    close: async () => undefined,
  };
  await world.direct({ ...world.entry({ stable }), stable: at(stable, 0.6) });
  const { agent } = await world.startAgent(faulty);
  await untilRuns(agent, '1.0.0');
  const candidate = { ...at(next, 0.8), attempt: 1 };
  await world.direct({ ...world.entry({ stable, candidate: next }), stable: at(stable, 0.6), candidate });
  await untilRuns(agent, '2.0.0', 'trial');
  expect(agent.parametersOf(MODEL)).toEqual({ threshold: 0.8 });
  await until(async () => {
    await agent.infer(MODEL, oneRow).catch(() => undefined);
    return modelStatus(agent)?.running?.version === '1.0.0' && modelStatus(agent)?.isServing;
  }, 'stable to serve again');
  expect(agent.parametersOf(MODEL)).toEqual({ threshold: 0.6 });
});

test('parameters that stable does not allow keep no device from going back: those that it allows come in force', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0', spec });
  const next = await world.publishModel({ ...second, spec });
  const unfit = { ...at(stable, 0.1), parameters: { threshold: 0.1, mode: 'b' } };
  await world.direct({ ...world.entry({ stable }), stable: unfit });
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  expect(agent.parametersOf(MODEL)).toEqual({ mode: 'b' });
  const candidate = { ...at(next, 0.8), attempt: 1 };
  await world.direct({ ...world.entry({ stable, candidate: next }), stable: unfit, candidate });
  await untilRuns(agent, '2.0.0');
  await world.direct({ ...world.entry({ stable }), stable: unfit });
  await untilRuns(agent, '1.0.0');
  expect(agent.parametersOf(MODEL)).toEqual({ mode: 'b' });
});
