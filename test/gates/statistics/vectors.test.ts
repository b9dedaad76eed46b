// Holds the production statistics to vectors made by an independent implementation (Python, mpmath with 50 digits, scipy).

import { afterAll, describe, expect, test } from 'vitest';
import { tallyRowsOf } from '../../../bench/verdicts/tallies.ts';
import type { Sketch } from '../../../src/contract/sketch.ts';
import { samplesToDecide } from '../../../src/gates/forecast/planner.ts';
import { combineVerdicts, type OnDeadline } from '../../../src/gates/stage-verdict.ts';
import { anyDeviceVerdict } from '../../../src/gates/statistics/any-device-verdict.ts';
import { DriftMeter } from '../../../src/gates/statistics/drift-estimate.ts';
import { driftVerdict } from '../../../src/gates/statistics/drift-verdict.ts';
import { logEvidence, pFail, pPass, rateBounds } from '../../../src/gates/statistics/e-process.ts';
import { withWindow } from '../../../src/gates/statistics/late-regression.ts';
import { countAbove, quantileBounds } from '../../../src/gates/statistics/quantile-verdict.ts';
import { type OpenReason, type RateOptions, rateVerdict } from '../../../src/gates/statistics/rate-verdict.ts';
import { relativeRateVerdict } from '../../../src/gates/statistics/relative-rate-verdict.ts';
import { shareVerdict } from '../../../src/gates/statistics/share-verdict.ts';
import { lnGamma, normalQuantile } from '../../../src/gates/statistics/special-functions.ts';
import { designEffect } from '../../../src/gates/statistics/tally.ts';
import { runsBeyond } from '../../../src/telemetry/gauge-tallies.ts';
import { histogramOf, histogramRowsOf } from './plain-histograms.ts';
import { Comparison, type Pair, readVectors, tallyOf, type Value } from './vectors.ts';

interface Options {
  alpha?: number;
  beta?: number;
  scope?: 'stage' | 'fleet';
  dropWorst?: boolean;
  deffFloor?: number;
  floor?: number;
  scale?: number;
}
interface Vectors {
  lnGamma: { x: number; out: number }[];
  normalQuantile: { p: number; out: number }[];
  engine: { S: number; N: number; t: number; logE: number; pFail: number; pPass: number }[];
  rateBounds: { S: number; N: number; b: number; alpha: number; out: Pair }[];
  designEffect: { reports: Pair[]; out: number }[];
  rateVerdict: { devices: Pair[][]; t: number; options: Options; out: Record<string, Value> }[];
  relativeRateVerdict: {
    devices: Pair[][];
    baseline: Pair[];
    ratio: number;
    options: Options;
    out: Record<string, Value>;
  }[];
  sketch: {
    accuracy: number;
    zero: number;
    buckets: Pair[];
    countAbove: { x: number; out: Pair }[];
    quantileBounds: { q: number; alpha: number; deff: number; out: readonly [number, number | null] }[];
  };
  driftVerdict: {
    devices: number[][][];
    baseline: number[][];
    limit: number;
    options: Options;
    out: Record<string, Value>;
    distance: number;
    s: number;
    bias: number;
  }[];
  sustained: { limit: number; duration: number; maxGap: number; samples: Pair[]; out: boolean[] }[];
  shareVerdict: { counts: { bad: number; good: number; pending: number }; limit: number; out: string }[];
  anyDeviceVerdict: { devices: Pair[][]; t: number; options: Options; out: Record<string, Value> }[];
  stageVerdict: {
    rules: { name: string; verdict: 'pass' | 'fail' | 'undecided'; within: boolean }[];
    clock: { elapsed: number; minDuration?: number; deadline?: number; onDeadline?: OnDeadline };
    out: string;
  }[];
  withWindow: { pStage: number; pWindow: number; W: number; out: number }[];
  samplesToDecide: {
    t: number;
    r: number;
    level: number;
    options: { deff?: number; devices?: number; cv?: number };
    out: number | null;
  }[];
}

const vectors = readVectors<Vectors>('./vectors.json');
const comparison = new Comparison();
const expectNear = comparison.near.bind(comparison);

function optionsOf(options: Options): RateOptions & { floor?: number } {
  const { deffFloor, scale: _, ...rest } = options;
  return deffFloor === undefined ? rest : { ...rest, leastDesignEffect: deffFloor };
}

const nameOf = (device: { readonly device: string } | string | null) =>
  device === null || typeof device === 'string' ? (device ?? '') : device.device;

/** The reference says in words what readings say by kind. */
const REASONS: Readonly<Record<string, OpenReason | null>> = {
  '': null,
  'no bad events in either group; set a floor': 'no-events',
  'one device explains the breach': 'one-device',
  'too few reports': 'too-few-reports',
};

/** The reference names its devices by their index, -1 for none. */
function expectReading(
  what: string,
  reading: { readonly worst: { readonly device: string } | string | null },
  devices: readonly string[],
  want: Record<string, Value>,
): void {
  const got = reading as unknown as Record<string, Value>;
  for (const [name, value] of Object.entries(want)) {
    if (name === 'worst') expectNear(`${what}.worst`, devices.indexOf(nameOf(reading.worst)), value);
    else if (name === 'reason') expectNear(`${what}.reason`, got.reason, REASONS[String(value)] ?? null);
    else if (name === 'within') expectNear(`${what}.within`, got.isWithin, value);
    else if (name === 'deff') expectNear(`${what}.deff`, got.designEffect, value);
    else expectNear(`${what}.${name}`, got[name], value);
  }
}

describe('the production statistics agree with the independent implementation to 1e-9', () => {
  afterAll(() => expect(comparison.compared).toBe(503));

  test('special functions', () => {
    for (const { x, out } of vectors.lnGamma) expectNear(`lnGamma(${x})`, lnGamma(x), out);
    for (const { p, out } of vectors.normalQuantile) expectNear(`normalQuantile(${p})`, normalQuantile(p), out);
  });

  test('the engine', () => {
    for (const { S, N, t, ...want } of vectors.engine) {
      expectNear(`logE(${S}, ${N}, ${t})`, logEvidence(S, N, t), want.logE);
      expectNear(`pFail(${S}, ${N}, ${t})`, pFail(S, N, t), want.pFail);
      expectNear(`pPass(${S}, ${N}, ${t})`, pPass(S, N, t), want.pPass);
    }
    for (const { S, N, b, alpha, out } of vectors.rateBounds) {
      rateBounds(S, N, b, alpha).forEach((bound, i) => {
        expectNear(`rateBounds(${S}, ${N})`, bound, out[i]!);
      });
    }
  });

  test('design effects', () => {
    for (const { reports, out } of vectors.designEffect)
      expectNear('designEffect', designEffect(tallyOf(reports)), out);
  });

  test('rates', () => {
    for (const { devices, t, options, out } of vectors.rateVerdict) {
      const rows = tallyRowsOf(devices.map(tallyOf));
      const live = [...rows.each()].map((one) => one.device);
      expectReading('rate', rateVerdict(rows, t, optionsOf(options)), live, out);
    }
  });

  test('rates relative to a baseline', () => {
    for (const { devices, baseline, ratio, options, out } of vectors.relativeRateVerdict) {
      const rows = tallyRowsOf(devices.map(tallyOf));
      const live = [...rows.each()].map((one) => one.device);
      const reading = relativeRateVerdict(rows, tallyOf(baseline), ratio, optionsOf(options));
      expectReading('relative', reading, live, out);
    }
  });

  test('quantiles of sketches', () => {
    const sketch: Sketch = { zero: vectors.sketch.zero, buckets: new Map(vectors.sketch.buckets) };
    for (const { x, out } of vectors.sketch.countAbove) {
      countAbove(sketch, x).forEach((count, i) => {
        expectNear(`countAbove(${x})`, count, out[i]!);
      });
    }
    for (const { q, alpha, deff, out } of vectors.sketch.quantileBounds) {
      quantileBounds(sketch, q, alpha, deff).forEach((bound, i) => {
        expectNear(`quantileBounds(${q})`, bound, out[i]!);
      });
    }
  });

  test('distances between histograms: what this part says of verdicts on them went with its looks', () => {
    for (const { devices, baseline, limit, options, out, ...want } of vectors.driftVerdict) {
      const [rows, base] = [histogramRowsOf(devices.map(histogramOf)), histogramOf(baseline)];
      const estimate = new DriftMeter(base).of(rows.all)();
      expectNear('drift.distance', estimate.distance, want.distance);
      expectNear('drift.deviation', estimate.deviation, want.s);
      expectNear('drift.bias', estimate.bias, want.bias);
      const scale = options.scale === 2 ? 'kl' : 'psi';
      expectNear('drift.estimate', driftVerdict(rows, base, limit, { scale }).estimate, out.estimate!);
    }
  });

  test('sustained gauges, shares of devices, single devices', () => {
    for (const { limit, duration, maxGap, samples, out } of vectors.sustained) {
      const spans = samples.map(([at, value]) => ({ fromMs: at, toMs: at, isBeyond: value > limit }));
      samples.forEach(([at], i) => {
        const run = runsBeyond(spans.slice(0, i + 1), maxGap / 2).at(-1);
        const isSustained = run !== undefined && run.toMs === at && at - run.fromMs >= duration;
        expectNear(`sustained at ${at}`, isSustained, out[i]!);
      });
    }
    for (const { counts, limit, out } of vectors.shareVerdict) {
      expectNear(`share ${JSON.stringify(counts)}`, shareVerdict(counts, { limit }).verdict, out);
    }
    for (const { devices, t, options, out } of vectors.anyDeviceVerdict) {
      const rows = tallyRowsOf(devices.map(tallyOf));
      const live = [...rows.each()].map((one) => one.device);
      expectReading('any device', anyDeviceVerdict(rows, t, optionsOf(options)), live, out);
    }
  });

  test('stages, late regressions and plans', () => {
    for (const { rules, clock, out } of vectors.stageVerdict) {
      const named = rules.map(({ name, verdict, within }) => ({ name, verdict, isWithin: within }));
      const { elapsed, minDuration = 0, deadline = Number.POSITIVE_INFINITY, onDeadline = 'hold' } = clock;
      const combined = combineVerdicts(named, {
        elapsedMs: elapsed,
        soakMs: minDuration,
        deadlineMs: deadline,
        onDeadline,
      });
      expectNear('stage', combined.verdict, out);
    }
    for (const { pStage, pWindow, W, out } of vectors.withWindow)
      expectNear('withWindow', withWindow(pStage, pWindow, W), out);
    for (const { t, r, level, options, out } of vectors.samplesToDecide) {
      const { deff = 1, devices = 0, cv = 0 } = options;
      const samples = samplesToDecide(t, r, level, { designEffect: deff, devices, spread: cv });
      expectNear(`samplesToDecide(${t}, ${r})`, samples, out);
    }
  });
});
