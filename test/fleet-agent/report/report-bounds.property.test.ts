// Laws of how much a device may count: whatever applications send, however long it is offline, the service takes its report.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { DeviceGauges } from '../../../fleet-agent/src/measure/device-gauges.ts';
import { parseCounts } from '../../../fleet-agent/src/measure/feedback.ts';
import type { Attribution, Measured, Observation } from '../../../fleet-agent/src/measure/interval-tally.ts';
import { Measurements } from '../../../fleet-agent/src/measure/measurements.ts';
import { countsOfText, summarizeOutputs } from '../../../fleet-agent/src/measure/output-sums.ts';
import type { Tensor } from '../../../fleet-agent/src/model/tensor.ts';
import { mergeBodies, type ReportBody } from '../../../fleet-agent/src/report/report-body.ts';
import { declaredOutputs } from '../../../src/contract/declared-outputs.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import { summaryOf } from '../../../src/contract/gauges.ts';
import { parseReport } from '../../../src/contract/parse-report.ts';
import { ERROR_REASONS } from '../../../src/contract/report.ts';
import { objections } from '../../contract/full-report.ts';

const AT: Attribution = {
  ...{ model: 'm', rollout: 'r', revision: 1, arm: 'candidate', slot: 'A', version: '1' },
  digest: digestOf('m'),
};
const declared = declaredOutputs([
  { name: 'price', type: 'float64', shape: [-1, 1], kind: 'scalar' },
  { name: 'boxes', type: 'int32', shape: [-1, 1], kind: 'detections' },
]);
const column = (name: string, rows: number): Tensor => ({
  ...{ name, datatype: 'FP64', shape: [rows, 1] },
  data: Float64Array.from({ length: rows }, (_, i) => i * 7),
});

type Event = (device: { measurements: Measurements; gauges: DeviceGauges }) => void;
const posted = fc.integer({ min: 0, max: 1_000_000 });
const measured: fc.Arbitrary<Measured> = fc.oneof(
  fc.record({
    ...{ kind: fc.constant('failed' as const), reason: fc.constantFrom(...ERROR_REASONS) },
    rows: fc.oneof(posted, fc.constant(1_000_000)),
  }),
  fc.constant<Measured>({ kind: 'rejected', rows: 0 }),
  fc.record({ rows: fc.integer({ min: 1, max: 9 }), latencyMs: fc.constantFrom(0, 1, 80), name: fc.nat(90) }).map(
    ({ rows, latencyMs, name }): Measured => ({
      ...{ kind: 'answered', rows, latencyMs, unknown: rows, features: new Map([['x', summaryOf(name)]]) },
      judgements: Array.from({ length: rows }, () => ({ className: `class ${name}`, confidence: 0.5 })),
      outputs: summarizeOutputs(declared, { outputs: [column('price', rows), column('boxes', rows)], rows, least: 0 }),
    }),
  ),
);
const observation: fc.Arbitrary<Observation> = fc.oneof(
  fc.constantFrom<Observation>(
    ...([{ kind: 'complaint' }, { kind: 'anomaly' }, { kind: 'loaded', ms: 9 }] as const),
    { kind: 'text', outputs: countsOfText({ tokens: 9, end: 'stop' }) },
    { kind: 'transfer', step: 'download', result: 'network' },
  ),
  fc.record({
    ...{ kind: fc.constant('labelled' as const) },
    ...{ predicted: fc.constantFrom('a', 'b'), actual: fc.constantFrom('a', 'b') },
  }),
);
const event: fc.Arbitrary<Event> = fc.oneof(
  measured.map(
    (one): Event =>
      ({ measurements }) =>
        measurements.record(AT, one),
  ),
  observation.map(
    (one): Event =>
      ({ measurements }) =>
        measurements.observe(AT, one),
  ),
  fc.oneof(posted, fc.constant(1_000_000)).map((bytes): Event => {
    const counts = parseCounts(Buffer.from(JSON.stringify({ counters: { bytes } })), 'counters');
    return ({ measurements }) => measurements.count(AT, counts);
  }),
  fc.constant<Event>(({ gauges }) => gauges.add('cpu', 0.5)),
);
/** An application sends the same thing so many times. */
const events = fc.array(fc.record({ event, times: fc.constantFrom(1, 1, 1, 1_100) }), { maxLength: 6 });

function bodyOf(some: readonly { readonly event: Event; readonly times: number }[]): ReportBody {
  const device = { measurements: new Measurements(), gauges: new DeviceGauges() };
  for (const { event, times } of some) for (let i = 0; i < times; i++) event(device);
  return {
    ...{ kind: 'DeviceReport', device: 'd', bootId: 'b', startedAt: '2026-01-01T00:00:00Z', durationMs: 1 },
    ...{ uptimeMs: 1, labels: {}, properties: {}, gauges: device.gauges.take() },
    ...{ intervals: device.measurements.take(1000), states: [], outcomes: [] },
  };
}

function assertTaken(body: ReportBody): void {
  const payload = { ...body, epoch: 1, sequence: 1 };
  expect(objections(payload)).toBe('');
  expect(parseReport(Buffer.from(JSON.stringify(payload)))).toEqual(payload);
}

test('the service takes every report, whatever applications send, and however often reports are merged', () => {
  const merges = fc.array(fc.constantFrom('itself', 'next', 'before'), { maxLength: 6 });
  fc.assert(
    fc.property(events, events, fc.nat(35), merges, (some, others, doublings, steps) => {
      const [first, other] = [bodyOf(some), bodyOf(others)];
      assertTaken(first);
      let merged = first;
      for (const step of [...new Array<string>(doublings).fill('itself'), ...steps]) {
        const [earlier, later] = step === 'before' ? [other, merged] : [merged, step === 'next' ? other : merged];
        merged = mergeBodies(earlier, later) ?? expect.unreachable();
        assertTaken(merged);
      }
    }),
    { numRuns: 150 },
  );
});

test('what is counted beyond the bound of a report stays at it, and what is below is counted whole', () => {
  const counted = (times: number) => {
    const event: Event = ({ measurements }) => measurements.count(AT, { bytes: 1_000_000 });
    return bodyOf([{ event, times }]);
  };
  expect(counted(999).intervals[0]?.counters).toEqual({ bytes: 999_000_000 });
  expect(counted(1_001).intervals[0]?.counters).toEqual({ bytes: 1_000_000_000 });
  let offline = counted(100);
  for (let minute = 1; minute < 12; minute++) offline = mergeBodies(offline, counted(100)) ?? expect.unreachable();
  expect(offline.intervals[0]?.counters).toEqual({ bytes: 1_000_000_000 });
});
