// Owns made-up reports for tests of telemetry: only what a law is about need be said.
import fc from 'fast-check';
import type { Digest } from '../../src/contract/digest.ts';
import type { DeviceReport, ModelInterval } from '../../src/contract/report.ts';
import { addToSketch, emptySketch, sketchToJson } from '../../src/contract/sketch.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';

export const CANDIDATE: Digest = `sha256:${'c'.repeat(64)}`;
export const STABLE: Digest = `sha256:${'5'.repeat(64)}`;

export function makeSpec(spec: Partial<WindowSpec> = {}): WindowSpec {
  return {
    rollout: 'eu',
    openedRevision: 7,
    candidateDigest: CANDIDATE,
    candidateAttempt: 1,
    stableDigest: STABLE,
    edges: [200, 250],
    baselineEdges: [215],
    classes: ['invoice', 'receipt'],
    histograms: [{ kind: 'confidence' }, { kind: 'class', names: ['invoice', 'letter'] }],
    course: { slotMs: 120_000, slots: 4 },
    groups: [{ by: 'hw', values: ['rev1', 'rev2'] }],
    openedAtMs: 0,
    intervalMs: 60_000,
    rows: { candidate: 'device', stable: 'device' },
    ...spec,
  };
}

export function makeInterval(interval: Partial<ModelInterval> = {}, latencies: readonly number[] = []): ModelInterval {
  const sketch = emptySketch();
  for (const latency of latencies) addToSketch(sketch, latency);
  return {
    model: 'ocr',
    rollout: 'eu',
    revision: 7,
    arm: 'candidate',
    digest: CANDIDATE,
    version: '2.0.0',
    inferences: 100,
    errors: {},
    unknown: 0,
    latencyMs: sketchToJson(sketch),
    confidence: [],
    classes: {},
    ...interval,
  };
}

export function makeReport(device: string, intervals: readonly ModelInterval[], sequence = 1): DeviceReport {
  return {
    kind: 'DeviceReport',
    device,
    epoch: 1,
    sequence,
    bootId: 'boot',
    startedAt: '2026-11-20T10:00:00Z',
    durationMs: 60_000,
    uptimeMs: 60_000,
    labels: {},
    properties: {},
    intervals,
    states: [],
    outcomes: [],
  };
}

/** Any interval that a device can truly send, of this window or of others. */
export const anyInterval: fc.Arbitrary<ModelInterval> = fc
  .record({
    rollout: fc.constantFrom('eu', 'eu', 'eu', 'us', null),
    revision: fc.constantFrom(6, 7, 8, null),
    arm: fc.constantFrom('candidate' as const, 'stable' as const, null),
    digest: fc.constantFrom(CANDIDATE, STABLE),
    latencies: fc.array(fc.double({ min: 0, max: 1000, noNaN: true }), { maxLength: 30 }),
    errors: fc.nat(30),
    timeouts: fc.nat(10),
    unknown: fc.nat(40),
    rest: fc.nat(100),
    classes: fc.dictionary(fc.constantFrom('invoice', 'receipt', 'letter'), fc.nat(10)),
    confidence: fc.array(fc.nat(9), { minLength: 20, maxLength: 20 }),
  })
  .map(({ latencies, errors, timeouts, rest, unknown, ...interval }) =>
    makeInterval(
      {
        ...interval,
        errors: { runtime: errors, timeout: timeouts },
        unknown,
        inferences: Math.max(errors + timeouts + latencies.length, unknown) + rest,
      },
      latencies,
    ),
  );

export interface Arrival {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
}

/** Two devices of one revision, one of a revision that no window knows, one that says nothing. */
export const LABELS_OF: Readonly<Record<string, Record<string, string>>> = {
  a: { hw: 'rev1' },
  b: { hw: 'rev1' },
  c: { hw: 'rev9' },
  d: {},
};

export const anyArrivals: fc.Arbitrary<Arrival[]> = fc.array(
  fc.record({
    report: fc
      .tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.array(anyInterval, { maxLength: 3 }))
      .map(([device, intervals]) => ({ ...makeReport(device, intervals), labels: LABELS_OF[device] ?? {} })),
    receivedAtMs: fc.nat(3_600_000),
  }),
  { maxLength: 20 },
);
