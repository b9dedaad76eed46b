// Laws of what reports hold: whatever was counted is reported once, to the version that it is about, in a form that the service takes.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { DeviceGauges } from '../../../fleet-agent/src/measure/device-gauges.ts';
import { summarizeInputs } from '../../../fleet-agent/src/measure/input-summaries.ts';
import type { Attribution, Observation } from '../../../fleet-agent/src/measure/interval-tally.ts';
import { Measurements } from '../../../fleet-agent/src/measure/measurements.ts';
import { RecentAnswers } from '../../../fleet-agent/src/measure/recent-answers.ts';
import { systemReadings } from '../../../fleet-agent/src/measure/system-readings.ts';
import { mergeBodies, type ReportBody } from '../../../fleet-agent/src/report/report-body.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import { inputNamesOf } from '../../../src/contract/input-names.ts';
import { parseReport } from '../../../src/contract/parse-report.ts';
import type { DeviceReport, ModelInterval } from '../../../src/contract/report.ts';
import { objections } from '../../contract/full-report.ts';
import { DeviceWorld, MODEL, openHost, until, untilRuns } from '../device-world.ts';

const AT: Attribution = {
  ...{ model: 'm', rollout: 'r', revision: 1, arm: 'candidate', slot: 'A', version: '1' },
  digest: digestOf('m'),
};

function bodyOf(measurements: Measurements, gauges: DeviceGauges, nowMs: number): ReportBody {
  const intervals = measurements.take(nowMs);
  return {
    ...{
      kind: 'DeviceReport',
      device: 'd',
      bootId: 'b',
      startedAt: '2026-01-01T00:00:00Z',
      durationMs: 1,
      uptimeMs: 1,
    },
    ...{ labels: {}, properties: {}, gauges: gauges.take(), intervals, states: [], outcomes: [] },
  };
}

const className = fc.integer({ min: 0, max: 90 }).map((n) => `class ${n}`);
const observation: fc.Arbitrary<Observation> = fc.oneof(
  fc.record({ kind: fc.constant('loaded' as const), ms: fc.double({ min: 0, max: 1e6, noNaN: true }) }),
  fc.record({ kind: fc.constant('labelled' as const), predicted: className, actual: className }),
  fc.constantFrom<Observation>({ kind: 'complaint' }, { kind: 'anomaly' }),
  fc.record({
    kind: fc.constant('counted' as const),
    events: fc.dictionary(fc.stringMatching(/^[a-c][0-9]{0,2}$/), fc.nat(9), { maxKeys: 8 }),
  }),
  fc.record({
    kind: fc.constant('transfer' as const),
    step: fc.constantFrom('download' as const, 'verify' as const, 'apply' as const),
    result: fc.constantFrom('done' as const, 'network' as const, 'trial' as const),
  }),
);
const gauge = fc.tuple(fc.stringMatching(/^[a-z][a-z0-9_]{0,5}$/), fc.double({ min: 0, max: 1, noNaN: true }));

function told(intervals: readonly ModelInterval[]) {
  const labels = intervals.flatMap((one) => Object.values(one.labels ?? {}));
  const add = (numbers: readonly number[]) => numbers.reduce((sum, one) => sum + one, 0);
  return {
    predicted: add(labels.map((one) => one.predicted)),
    actual: add(labels.map((one) => one.actual)),
    correct: add(labels.map((one) => one.correct)),
    complaints: add(intervals.map((one) => one.userReports ?? 0)),
    loads: add(intervals.map((one) => one.loadMs?.samples ?? 0)),
    transfers: add(
      intervals.flatMap((one) => Object.values(one.transfers ?? {}).flatMap((step) => Object.values(step))),
    ),
  };
}

test('what the agent makes fits schema and parser, and merging two reports loses nothing of either', () => {
  fc.assert(
    fc.property(
      fc.array(observation, { maxLength: 300 }),
      fc.array(gauge, { maxLength: 60 }),
      fc.nat(300),
      (seen, readings, at) => {
        const [measurements, gauges] = [new Measurements(), new DeviceGauges()];
        const make = (some: readonly Observation[], of: typeof readings): ReportBody => {
          for (const one of some) measurements.observe(AT, one);
          for (const [name, reading] of of) gauges.add(name, reading);
          return bodyOf(measurements, gauges, 1000);
        };
        const [first, second] = [make(seen.slice(0, at), readings), make(seen.slice(at), readings.slice(5))];
        const merged = mergeBodies(first, second);
        for (const body of [first, second, merged]) {
          const payload = { ...body, epoch: 1, sequence: 1 };
          expect(objections(payload)).toBe('');
          expect(parseReport(Buffer.from(JSON.stringify(payload)))).toEqual(payload);
        }
        const count = (kind: Observation['kind']) => seen.filter((one) => one.kind === kind).length;
        const right = seen.filter((one) => one.kind === 'labelled' && one.predicted === one.actual).length;
        expect(told(merged?.intervals ?? [])).toEqual({
          ...{ predicted: count('labelled'), actual: count('labelled'), correct: right },
          ...{ complaints: count('complaint'), loads: count('loaded'), transfers: count('transfer') },
        });
      },
    ),
    { numRuns: 200 },
  );
});

test('two reports of many classes merge into one that the service takes, and no answer is lost', () => {
  const answers = fc
    .record({ from: fc.nat(150), count: fc.nat(120) })
    .map(({ from, count }) => Array.from({ length: count }, (_, i) => `class ${from + (i % 100)}`));
  const bodyWith = (classNames: readonly string[]): ReportBody => {
    const measurements = new Measurements();
    for (const className of classNames) {
      const judgements = [{ className, confidence: 0.9 }];
      measurements.record(AT, { kind: 'answered', rows: 1, latencyMs: 1, judgements, unknown: 0 });
      measurements.observe(AT, { kind: 'labelled', predicted: className, actual: className });
    }
    return bodyOf(measurements, new DeviceGauges(), 1000);
  };
  fc.assert(
    fc.property(answers, answers, answers, (a, b, c) => {
      const first = mergeBodies(bodyWith(a), bodyWith(b));
      const merged = first === undefined ? undefined : mergeBodies(first, bodyWith(c));
      const payload = { ...merged, epoch: 1, sequence: 1 };
      expect(objections(payload)).toBe('');
      expect(parseReport(Buffer.from(JSON.stringify(payload)))).toEqual(payload);
      const counts = (merged?.intervals ?? []).flatMap(({ classes }) => Object.values(classes));
      expect(counts.reduce((sum, one) => sum + one, 0)).toBe(a.length + b.length + c.length);
      expect(told(merged?.intervals ?? []).correct).toBe(a.length + b.length + c.length);
    }),
    { numRuns: 100 },
  );
});

test('a summary lies within what was read, however reports are merged', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 40 }),
      fc.nat(40),
      (read, at) => {
        const gauges = new DeviceGauges();
        const half = (some: readonly number[]) => {
          for (const one of some) gauges.add('cpu', one);
          return bodyOf(new Measurements(), gauges, 0);
        };
        const merged = mergeBodies(half(read.slice(0, at)), half(read.slice(at)))?.gauges?.cpu;
        expect(merged).toMatchObject({ min: Math.min(...read), max: Math.max(...read), samples: read.length });
        expect(merged?.mean).toBeCloseTo(read.reduce((sum, one) => sum + one, 0) / read.length, 9);
      },
    ),
  );
});

test('an interval tells how long its version served, and only the version that served', () => {
  const measurements = new Measurements();
  const next = { ...AT, revision: 2 };
  measurements.serve('m', AT, 1000);
  measurements.observe(AT, { kind: 'complaint' });
  measurements.serve('m', next, 4000);
  measurements.observe(next, { kind: 'complaint' });
  expect(measurements.take(9000).map(({ revision, servedMs }) => [revision, servedMs])).toEqual([
    [1, 3000],
    [2, 5000],
  ]);
  expect(measurements.take(9000)).toEqual([]);
  expect(measurements.take(10_000)).toMatchObject([{ revision: 2, inferences: 0, servedMs: 1000 }]);
  measurements.observe(next, { kind: 'complaint' });
  expect(measurements.take(12_000)[0]?.servedMs).toBe(2000);
  measurements.observe(next, { kind: 'complaint' });
  expect(measurements.take(12_000.4)[0]).not.toHaveProperty('servedMs');
  measurements.observe(next, { kind: 'complaint' });
  expect(measurements.take(13_000)[0]?.servedMs).toBe(1000);
});

test('a counter is told of from its first mention on, with 0 where no event came, and of no more than a report holds', () => {
  const measurements = new Measurements();
  measurements.serve('m', AT, 0);
  expect(measurements.take(1000)[0]).not.toHaveProperty('counters');
  expect(measurements.count(AT, { alerts: 0, doors: 2 })).toBe(2);
  expect(measurements.take(2000)[0]?.counters).toEqual({ alerts: 0, doors: 2 });
  expect(measurements.take(3000)[0]?.counters).toEqual({ alerts: 0, doors: 0 });
  const next = { ...AT, revision: 2 };
  measurements.serve('m', next, 3500);
  measurements.count(next, { alerts: 1 });
  const counters = measurements.take(4000).map(({ revision, counters: some }) => [revision, some]);
  expect(counters).toEqual([
    [1, { alerts: 0, doors: 0 }],
    [2, { alerts: 1, doors: 0 }],
  ]);
  const more = Object.fromEntries(Array.from({ length: 8 }, (_, i) => [`c${i}`, 1]));
  expect(measurements.count(next, more)).toBe(6);
  expect(Object.keys(measurements.take(5000)[0]?.counters ?? {})).toHaveLength(8);
});

test('a device can name so many gauges of its own, and its standard ones still have room', () => {
  const gauges = new DeviceGauges();
  const taken = Array.from({ length: 100 }, (_, i) => gauges.add(`own_${i}`, 1)).filter(Boolean).length;
  expect(taken).toBe(25);
  for (const name of ['cpu', 'memory', 'temperature', 'disk', 'battery', 'battery_drain', 'npu'])
    expect(gauges.add(name, 0.5)).toBe(true);
  expect(Object.keys(gauges.take())).toHaveLength(32);
});

test('answers are remembered in a bounded number, and what is said twice counts once', () => {
  const recent = new RecentAnswers();
  for (let i = 0; i < 5000; i++) recent.remember(`${i}`, AT, ['a', 'b']);
  expect(recent.recall('0', 0, 'labels').kind).toBe('forgotten');
  expect(recent.recall('4999', 1, 'labels')).toMatchObject({ kind: 'recalled', predicted: 'b' });
  expect(recent.recall('4999', 1, 'labels').kind).toBe('repeated');
  expect(recent.recall('4999', 2, 'labels').kind).toBe('forgotten');
  expect(recent.recall('4999', 1, 'complaints').kind).toBe('recalled');
});

test('inputs are summed up by column where there are few, by tensor where there are many, and text not at all', () => {
  const table = { name: 'x', datatype: 'FP32', shape: [2, 2], data: new Float32Array([1, 10, 3, Number.NaN]) } as const;
  expect([...summarizeInputs([table])]).toEqual([
    ['x[0]', { min: 1, mean: 2, max: 3, samples: 2 }],
    ['x[1]', { min: 10, mean: 10, max: 10, samples: 1 }],
  ]);
  const image = {
    name: 'i',
    datatype: 'UINT8',
    shape: [1, 3, 300, 300],
    data: new Uint8Array(270_000).fill(7),
  } as const;
  const text = { name: 't', datatype: 'BYTES', shape: [1], data: ['hello'] } as const;
  const sums = summarizeInputs([image, text]);
  expect([...sums.keys()]).toEqual(['i']);
  expect(sums.get('i')?.mean).toBe(7);
  expect(sums.get('i')?.samples).toBeLessThanOrEqual(1024);
});

test('inputs have the names by which the contract knows those of the manifest', () => {
  const tensor = fc.record({
    name: fc.constantFrom('x', 'serving/image:0', 'n'.repeat(101)),
    shape: fc.array(fc.integer({ min: 1, max: 20 }), { maxLength: 3 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(tensor, { minLength: 1, maxLength: 3, selector: ({ name }) => name }), (tensors) => {
      const asked = tensors.map(({ name, shape }) => {
        const data = new Float32Array(shape.reduce((product, size) => product * size, 1));
        return { name, datatype: 'FP32', shape, data } as const;
      });
      const inputs = tensors.map(({ name, shape }) => ({ name, type: 'float32' as const, shape }));
      expect([...summarizeInputs(asked).keys()]).toEqual(inputNamesOf(inputs));
    }),
  );
});

describe('the readings', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-sys-'));
  afterAll(() => rmSync(root, { recursive: true, force: true }));
  const write = (file: string, text: string): void => {
    mkdirSync(path.dirname(path.join(root, file)), { recursive: true });
    writeFileSync(path.join(root, file), text);
  };

  test('a device without any of it reads its disk alone', async () => {
    expect([...(await systemReadings(root, path.join(root, 'none'))()).keys()]).toEqual(['disk']);
  });

  test('a neural processor whose driver counts its busy time is read, the busiest of several, and no other', async () => {
    const read = systemReadings(root, path.join(root, 'npu'));
    write('npu/proc/uptime', '100.00 50.00\n');
    write('npu/sys/class/accel/accel0/device/npu_busy_time_us', '1000000\n');
    write('npu/sys/class/accel/accel1/device/npu_busy_time_us', '5000000\n');
    write('npu/sys/class/accel/accel2/device/vendor', '0x1e52\n');
    write('npu/sys/class/devfreq/fdab0000.npu/load', '100@1000000000Hz\n');
    expect((await read()).has('npu')).toBe(false);
    write('npu/proc/uptime', '104.00 52.00\n');
    write('npu/sys/class/accel/accel0/device/npu_busy_time_us', '2000000\n');
    write('npu/sys/class/accel/accel1/device/npu_busy_time_us', '8000000\n');
    expect((await read()).get('npu')).toBeCloseTo(0.75, 12);
    // It was started anew: nothing is known of the time between.
    write('npu/proc/uptime', '108.00 52.00\n');
    write('npu/sys/class/accel/accel0/device/npu_busy_time_us', '10\n');
    write('npu/sys/class/accel/accel1/device/npu_busy_time_us', '10\n');
    expect((await read()).has('npu')).toBe(false);
    write('npu/proc/uptime', '112.00 52.00\n');
    write('npu/sys/class/accel/accel1/device/npu_busy_time_us', '4040010\n');
    expect((await read()).get('npu')).toBe(1);
  });

  test('processor, memory, heat and battery are read as Linux gives them', async () => {
    const read = systemReadings(root, root);
    write('proc/stat', 'cpu  100 0 100 700 100 0 0 0 50 0\ncpu0 1 1 1 1\n');
    write('proc/meminfo', 'MemTotal:       1000 kB\nMemFree:         100 kB\nMemAvailable:    250 kB\n');
    write('sys/class/thermal/thermal_zone0/temp', '41500\n');
    write('sys/class/thermal/thermal_zone1/temp', '-274000\n');
    write('sys/class/thermal/cooling_device0/temp', '99000\n');
    for (const [name, value] of Object.entries({ type: 'Battery', scope: 'Device', capacity: '3' }))
      write(`sys/class/power_supply/a-mouse/${name}`, value);
    const battery = {
      type: 'Battery\n',
      capacity: '80\n',
      status: 'Discharging\n',
      current_now: '-500000\n',
      charge_full: '4000000\n',
    };
    for (const [name, value] of Object.entries(battery)) write(`sys/class/power_supply/bat/${name}`, value);
    expect((await read()).has('cpu')).toBe(false);
    write('proc/stat', 'cpu  160 0 120 710 110 0 0 0 90 0\n');
    const readings = await read();
    expect(readings.get('cpu')).toBeCloseTo(0.8, 9);
    expect(readings.get('memory')).toBeCloseTo(0.75, 9);
    expect(readings.get('temperature')).toBe(41.5);
    expect(readings.get('battery')).toBe(0.8);
    expect(readings.get('battery_drain')).toBe(0.125);
    expect(readings.get('disk')).toBeGreaterThan(0);
    write('sys/class/power_supply/bat/status', 'Charging\n');
    expect((await read()).has('battery_drain')).toBe(false);
  });
});

describe('a device', () => {
  const host = openHost();
  afterAll(() => host.close());

  test('labels, complaints, gauges, loads and transfers reach the service with the version that they are about', async () => {
    await using world = await DeviceWorld.open();
    const reports: DeviceReport[] = [];
    const { store } = world;
    const ingest = store.ingest.bind(store);
    store.ingest = (batch) => {
      reports.push(...batch.map(({ report }) => report));
      return ingest(batch);
    };
    let cuts = 2;
    world.mischief = (url) => (url.includes('/artifacts/') && cuts-- > 0 ? { status: 503, retryAfter: 0 } : undefined);
    const stable = await world.publishModel({ version: '1.0.0' });
    await world.direct(world.entry({ stable }));
    const readings = async () => new Map([['cpu', 0.5]]);
    const { agent, endpointPort } = await world.startAgent(host, { endpointPort: 0, readings });
    await untilRuns(agent, '1.0.0');
    const post = async (where: string, body: unknown): Promise<Record<string, unknown>> => {
      const answer = await fetch(`http://127.0.0.1:${endpointPort}/v2/${where}`, {
        method: 'POST',
        body: JSON.stringify(body),
      });
      return { status: answer.status, ...((await answer.json()) as object) };
    };
    const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: [0, 0, 0, 0] }];
    const { id } = await post(`models/${MODEL}/infer`, { inputs });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    const labels = [
      { id, class: 'receipt' },
      { id, class: 'receipt' },
      { id: 'never', class: 'receipt' },
    ];
    expect(await post(`models/${MODEL}/labels`, { labels })).toEqual({
      status: 200,
      counted: 1,
      repeated: 1,
      unknown: 1,
    });
    expect(await post(`models/${MODEL}/complaints`, { complaints: [{ id }] })).toMatchObject({ counted: 1 });
    expect(await post(`models/${MODEL}/anomalies`, { anomalies: [{ id }] })).toMatchObject({ counted: 1 });
    expect(await post(`models/${MODEL}/errors`, { errors: { network: 2, gremlins: 1 } })).toMatchObject({ taken: 2 });
    expect(await post(`models/${MODEL}/counters`, { counters: { alerts: 3 } })).toEqual({
      ...{ status: 200, taken: 1, left_out: 0 },
    });
    expect(await post('gauges', { gauges: { queue_depth: 7 } })).toEqual({ status: 200, taken: 1, left_out: 0 });
    for (const [where, body] of [
      [`models/${MODEL}/labels`, { labels: [{ id }] }],
      [`models/${MODEL}/labels`, { labels: [{ id, class: '__proto__' }] }],
      [`models/${MODEL}/complaints`, { complaints: [{ id, row: -1 }] }],
      [`models/${MODEL}/errors`, { errors: { __proto__: null, '': 1 } }],
      [`models/${MODEL}/counters`, { counters: { 'no name': 1 } }],
      [`models/${MODEL}/counters`, { counters: { alerts: 1.5 } }],
      [`models/${MODEL}/counters`, { counters: { alerts: 1e7 } }],
      [`models/${MODEL}/counters`, { alerts: 1 }],
      ['gauges', { gauges: { 'no name': 1 } }],
      ['gauges', { gauges: { cpu: 7 } }],
      ['gauges', { gauges: { cpu: 0.01 } }],
      ['gauges', { gauges: { queue_depth: 1, cpu: 0.01 } }],
    ] as const) {
      expect(await post(where, body)).toMatchObject({ status: 400, code: 'INFER_FEEDBACK' });
    }
    await until(() => told(reports.flatMap((one) => one.intervals)).complaints === 1, 'a complaint');
    await until(() => reports.some((one) => one.gauges?.queue_depth?.max === 7), 'a gauge');
    const hasCounted = ({ counters = {} }: ModelInterval): boolean => (counters.alerts ?? 0) > 0;
    await until(() => reports.some((one) => one.intervals.some(hasCounted)), 'a counter');
    const intervals = reports.flatMap((one) => one.intervals);
    expect(told(intervals)).toMatchObject({ predicted: 1, actual: 1, correct: 0, complaints: 1, loads: 1 });
    const labelled = intervals.find((one) => one.labels !== undefined);
    expect(labelled).toMatchObject({
      ...{
        version: '1.0.0',
        arm: 'stable',
        labels: { invoice: { predicted: 1 }, receipt: { actual: 1 } },
        anomalies: 1,
      },
    });
    expect(intervals.some((one) => one.features?.['x[0]']?.samples === 1)).toBe(true);
    // What the application tells counts as inferences of its own that failed.
    const failed = intervals.find((one) => one.errors.network !== undefined);
    expect(failed?.inferences).toBeGreaterThanOrEqual(3);
    expect(failed?.errors).toEqual({ network: 2, other: 1 });
    expect(intervals.find(hasCounted)?.counters).toEqual({ alerts: 3 });
    const transfers = intervals.map((one) => one.transfers ?? {});
    const add = (step: 'download' | 'verify' | 'apply', result: 'done' | 'network'): number =>
      transfers.reduce((sum, one) => sum + (one[step]?.[result] ?? 0), 0);
    expect([add('download', 'network'), add('download', 'done'), add('verify', 'done'), add('apply', 'done')]).toEqual([
      2, 1, 1, 1,
    ]);
    expect(reports.some((one) => one.gauges?.cpu?.mean === 0.5)).toBe(true);
    expect(reports.some((one) => (one.gauges?.cpu?.min ?? 0.5) < 0.5)).toBe(false);
    expect(await post('gauges', { gauges: { temperature: 40 } })).toMatchObject({ status: 200, taken: 1 });
  });
});
