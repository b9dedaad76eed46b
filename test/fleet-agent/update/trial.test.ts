// Owns the proof that a version which misbehaves once it serves is taken back by the device itself, and that one which behaves is kept.
import { afterAll, describe, expect, test } from 'vitest';
import { type LoadedModel, ModelError, type ModelHost } from '../../../fleet-agent/src/model/model-host.ts';
import type { Phase } from '../../../fleet-agent/src/record/model-record.ts';
import type { LoadedSlots } from '../../../fleet-agent/src/serve/loaded-slots.ts';
import type { ModelServer } from '../../../fleet-agent/src/serve/model-server.ts';
import { SustainedWatch } from '../../../fleet-agent/src/update/sustained-watch.ts';
import { judgeTrial, trialLimitsOf } from '../../../fleet-agent/src/update/trial.ts';
import { TrialWatch } from '../../../fleet-agent/src/update/trial-watch.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { addToSketch, emptySketch } from '../../../src/contract/sketch.ts';
import { constantClassifier } from '../../support/onnx-fixture.ts';
import { DeviceWorld, MODEL, modelStatus, oneRow, openHost, outcomesOf, until, untilRuns } from '../device-world.ts';

const host = openHost();
afterAll(() => host.close());

const limits = trialLimitsOf();
const seen = { latency: emptySketch(), lastError: null };
const progress = (facts: { inferences: number; errors: number; unknown?: number; elapsedMs?: number }) => ({
  elapsedMs: 1,
  unknown: 0,
  starts: 1,
  latencyP95BeforeMs: null,
  ...facts,
});

describe('a trial', () => {
  test('lasts one hour or 1,000 inferences unless the manifest says otherwise, with 1% errors', () => {
    expect(limits).toEqual({
      durationMs: 3_600_000,
      inferences: 1000,
      errorRate: 0.01,
      unknownRate: 0.1,
      latencyP95Ms: null,
      latencyMeanMs: null,
    });
    expect(judgeTrial(limits, progress({ inferences: 999, errors: 0 }), seen).kind).toBe('running');
    expect(judgeTrial(limits, progress({ inferences: 1000, errors: 0 }), seen).kind).toBe('passed');
    expect(judgeTrial(limits, progress({ inferences: 0, errors: 0, elapsedMs: 3_600_000 }), seen).kind).toBe('passed');
  });

  test('forgives noise at the limit, and ends early on what is plainly broken', () => {
    expect(judgeTrial(limits, progress({ inferences: 1000, errors: 14 }), seen).kind).toBe('passed');
    expect(judgeTrial(limits, progress({ inferences: 1000, errors: 17 }), seen).kind).toBe('failed');
    expect(judgeTrial(limits, progress({ inferences: 19, errors: 19 }), seen).kind).toBe('running');
    expect(judgeTrial(limits, progress({ inferences: 20, errors: 20 }), seen).kind).toBe('failed');
    expect(judgeTrial(limits, progress({ inferences: 999, errors: 20 }), seen).kind).toBe('failed');
  });

  test('holds a version to twice the latency of the one before, and to 10% unknown answers, unless the manifest says otherwise', () => {
    const latency = emptySketch();
    addToSketch(latency, 45, 200);
    const at = (latencyP95BeforeMs: number | null) =>
      judgeTrial(limits, { ...progress({ inferences: 1000, errors: 0 }), latencyP95BeforeMs }, { ...seen, latency })
        .kind;
    expect([at(null), at(30), at(20)]).toEqual(['passed', 'passed', 'failed']);
    const tiny = emptySketch();
    addToSketch(tiny, 4, 200);
    const fast = { ...progress({ inferences: 1000, errors: 0 }), latencyP95BeforeMs: 0.3 };
    expect(judgeTrial(limits, fast, { ...seen, latency: tiny }).kind).toBe('passed');
    expect(judgeTrial(limits, progress({ inferences: 1000, errors: 0, unknown: 200 }), seen).kind).toBe('failed');
    const mean = trialLimitsOf({ latencyMean: '40ms' });
    expect(judgeTrial(mean, progress({ inferences: 1000, errors: 0 }), { ...seen, latency })).toMatchObject({
      message: expect.stringContaining('mean latency was 45'),
    });
  });

  test('holds the device to its own limits: a peak is forgiven, and what lasts is not', () => {
    const health = { maxCpuPercent: '80 for 5m', maxTemperatureCelsius: 85 };
    const watch = new SustainedWatch();
    const look = (minute: number, cpu: number, temperature = 40) =>
      watch.look(health, new Map(Object.entries({ cpu, temperature })), minute * 60_000);
    expect([look(0, 0.9).kind, look(4, 0.95).kind, look(4.5, 0.5).kind, look(5, 0.9).kind]).toEqual([
      'beyond',
      'beyond',
      'within',
      'beyond',
    ]);
    expect(look(10, 0.9)).toEqual({
      kind: 'broken',
      message: 'The processor was in use: 90%, above 80% for 5 min in its trial.',
    });
    watch.begin();
    expect([look(11, 0.1, 90).kind, look(16, 0.1, 90).kind]).toEqual(['beyond', 'broken']);
    expect(watch.look(health, new Map(), 0).kind).toBe('within');
  });

  test('knows the latency of the version that it took over from', () => {
    const [before, slow] = [emptySketch(), emptySketch()];
    addToSketch(before, 30, 200);
    addToSketch(slow, 90, 200);
    const still: Clock = { now: () => 0, monotonicMs: () => 0, sleep: async () => undefined };
    const server = { counts: { inferences: 1000, errors: 0, unknown: 0, latency: slow, lastError: null } };
    const loaded = { manifestOf: () => ({ spec: {} }) } as unknown as LoadedSlots;
    const watch = new TrialWatch({ clock: still, server: server as unknown as ModelServer, readings: () => new Map() });
    watch.begin(before);
    const phase = { kind: 'trial', slot: 'A', progress: progress({ inferences: 0, errors: 0 }) } as unknown;
    expect(watch.look(phase as Extract<Phase, { kind: 'trial' }>, loaded)).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('twice that of the version before'),
    });
  });

  test('that goes on after its time, beyond a limit of the device, is looked at once a second', () => {
    let nowMs = 0;
    const clock: Clock = { now: () => 0, monotonicMs: () => nowMs, sleep: async () => undefined };
    const server = { counts: { inferences: 0, errors: 0, unknown: 0, ...seen } } as unknown as ModelServer;
    const health = { maxTemperatureCelsius: 85, warmUp: { duration: '1s' } };
    const loaded = { manifestOf: () => ({ spec: { health } }) } as unknown as LoadedSlots;
    const watch = new TrialWatch({ clock, server, readings: () => new Map([['temperature', 90]]) });
    watch.begin(emptySketch());
    const phase = { kind: 'trial', slot: 'A', progress: progress({ inferences: 0, errors: 0 }) } as unknown;
    const ticks = [0, 900, 2000].map((atMs) => {
      nowMs = atMs;
      expect(watch.look(phase as Extract<Phase, { kind: 'trial' }>, loaded)).toBeUndefined();
      return watch.tickMs;
    });
    expect(ticks).toEqual([99.9, 20, 1000]);
  });

  test('holds unknown answers and latency to the limits of the manifest', () => {
    const strict = trialLimitsOf({ unknownRate: '10%', latencyP95: '50ms', warmUp: { inferences: 200 } });
    expect(judgeTrial(strict, progress({ inferences: 200, errors: 0, unknown: 60 }), seen)).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('60 of 200 answers were unknown'),
    });
    const slow = emptySketch();
    addToSketch(slow, 80, 200);
    expect(judgeTrial(strict, progress({ inferences: 200, errors: 0 }), { ...seen, latency: slow })).toMatchObject({
      kind: 'failed',
      message: expect.stringContaining('95th percentile'),
    });
  });
});

/** The real host, but versions from the second on fail at every inference after their self-test. */
function faultyAfterSelfTest(reason: 'runtime' | 'out-of-memory'): ModelHost {
  let loads = 0;
  return {
    canRun: true,
    async load(files): Promise<LoadedModel> {
      const real = await host.load(files);
      loads += 1;
      const isFaulty = loads === 2;
      let runs = 0;
      return {
        ...real,
        async run(inputs) {
          runs += 1;
          if (isFaulty && runs > 1) throw new ModelError(reason, 'it broke');
          return real.run(inputs);
        },
      };
    },
    async close() {},
  };
}

const longTrial = { health: { warmUp: { duration: '1h', inferences: 1_000_000 } } };

test.each([
  ['runtime', 'trial'],
  ['out-of-memory', 'out-of-memory'],
] as const)(
  'a version that fails with "%s" while it serves is taken back within its trial, and reported as "%s"',
  async (reason, told) => {
    await using world = await DeviceWorld.open();
    const stable = await world.publishModel({ version: '1.0.0' });
    const bad = await world.publishModel({
      version: '2.0.0',
      onnx: constantClassifier(1),
      expects: 'receipt',
      spec: longTrial,
    });
    await world.direct(world.entry({ stable }));
    const { agent } = await world.startAgent(faultyAfterSelfTest(reason));
    await untilRuns(agent, '1.0.0');
    await world.direct(world.entry({ stable, candidate: bad }));
    await untilRuns(agent, '2.0.0', 'trial');
    for (let i = 0; i < 25; i++) await agent.infer(MODEL, oneRow).catch(() => undefined);
    await untilRuns(agent, '1.0.0', 'failed');
    expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('1.0.0');
    expect(modelStatus(agent)?.failures[0]).toMatchObject({
      reason: told,
      message: expect.stringContaining('it broke'),
    });
    await until(
      async () => outcomesOf(await world.store.findDevice('device-1'), bad.digest).includes('failed'),
      'the service to hear of it',
    );
  },
);

test('a version that heats the device beyond its limit for too long is taken back within its trial', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const hot = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(1),
    expects: 'receipt',
    spec: { health: { maxTemperatureCelsius: '80 for 200ms', warmUp: { duration: '1h' } } },
  });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host, {
    readings: async () => new Map([['temperature', 90]]),
    intervals: { pollMs: 2000, reportMs: 200, wakeSpreadMs: 0, sampleMs: 50 },
  });
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: hot }));
  await untilRuns(agent, '1.0.0', 'failed');
  expect(modelStatus(agent)?.failures[0]).toMatchObject({ reason: 'trial', message: expect.stringContaining('90 °C') });
});

test('a candidate superseded in mid-trial makes way for the next, which is tested on its own', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const first = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(1),
    expects: 'receipt',
    spec: longTrial,
  });
  const broken = await world.publishModel({ version: '3.0.0', onnx: constantClassifier(2), expects: 'receipt' });
  const good = await world.publishModel({ version: '4.0.0', onnx: constantClassifier(3), expects: 'form' });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: first }));
  await untilRuns(agent, '2.0.0', 'trial');
  await world.direct(world.entry({ stable, candidate: broken }));
  await untilRuns(agent, '1.0.0', 'failed');
  await world.direct(world.entry({ stable, candidate: first }));
  await untilRuns(agent, '2.0.0', 'trial');
  await world.direct(world.entry({ stable, candidate: good }));
  await untilRuns(agent, '4.0.0');
  const { outputs } = await agent.infer(MODEL, oneRow);
  expect(Number(outputs[0]?.data[3])).toBeGreaterThan(0.9);
});

test('a trial goes on over a restart of the agent', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const next = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(1),
    expects: 'receipt',
    spec: { health: { warmUp: { duration: '1h', inferences: 40 } } },
  });
  await world.direct(world.entry({ stable }));
  const first = await world.startAgent(host);
  await untilRuns(first.agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: next }));
  await untilRuns(first.agent, '2.0.0', 'trial');
  await first.stop();
  const second = await world.startAgent(host);
  await untilRuns(second.agent, '2.0.0', 'trial');
  for (let i = 0; i < 40; i++) await second.agent.infer(MODEL, oneRow);
  await untilRuns(second.agent, '2.0.0');
});

test('an emergency rollback puts everyone on stable, whatever the cohort', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const next = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  const rolling = world.entry({ stable, candidate: next });
  await world.direct(rolling);
  await untilRuns(agent, '2.0.0');
  await world.direct({ ...rolling, emergency: true });
  await untilRuns(agent, '1.0.0');
});

test('a long download is dropped at once when the directive goes back', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const big = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(1, 4_000_000),
    expects: 'receipt',
  });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host, { bytesPerSecondMost: 200_000 });
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: big }));
  await until(
    () => modelStatus(agent)?.state === 'fetching' && world.requests.some((one) => one.includes(big.artifact.slice(7))),
    'the download to begin',
  );
  await world.direct(world.entry({ stable }));
  await until(() => modelStatus(agent)?.state === 'committed', 'the device to drop it', 5000);
});
