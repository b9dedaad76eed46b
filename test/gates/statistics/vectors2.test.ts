// Holds the second part of the production statistics to vectors made by an independent implementation (Python, mpmath, numpy, scipy).
import { afterAll, describe, expect, test } from 'vitest';
import { tallyRowsOf } from '../../../bench/verdicts/tallies.ts';
import { countBin, directionSign, lengthBin, projectionBin } from '../../../src/contract/output-bins.ts';
import { addOutput, emptyOutputSketch, outputBins, outputEdges } from '../../../src/contract/output-sketch.ts';
import { type ArmDevices, armsProblem, sampleRatioP } from '../../../src/gates/statistics/arms-check.ts';
import { type CourseSums, courseVerdict, shiftOfDrift } from '../../../src/gates/statistics/course.ts';
import { deliveryVerdict } from '../../../src/gates/statistics/delivery-verdict.ts';
import { driftVerdict } from '../../../src/gates/statistics/drift-verdict.ts';
import { pFail, pPass } from '../../../src/gates/statistics/e-process.ts';
import { heldBackCount, heldBackVerdict, withoutFail } from '../../../src/gates/statistics/held-back.ts';
import { joinedDrift } from '../../../src/gates/statistics/joined-drift.ts';
import { lossVerdict } from '../../../src/gates/statistics/loss-verdict.ts';
import { normalEvidence, normalP, normalReach } from '../../../src/gates/statistics/normal-evidence.ts';
import { verdictOf } from '../../../src/gates/statistics/rate-verdict.ts';
import { type HeardArm, reportingVerdict } from '../../../src/gates/statistics/reporting-verdict.ts';
import { againstEither } from '../../../src/gates/statistics/robust-evidence.ts';
import { histogramOf, histogramRowsOf } from './plain-histograms.ts';
import { Comparison, type Pair, readVectors, tallyOf, type Value } from './vectors.ts';

type Reports = number[][];
type Out = Record<string, Value>;
interface HistogramCase {
  devices: Reports[];
  baseline: Reports;
  limit: number;
  options?: { alpha?: number; beta?: number; scale?: number; dropWorst?: boolean };
  window?: { devices: Reports[]; base: Reports; weight: number };
  out: Out;
}
interface Part {
  pFail: number;
  pPass: number;
  within: boolean;
}
interface Arm {
  taken: number;
  silent: number;
  young: number;
  falls: Pair[];
}
interface Vectors {
  gauss: { z: number; x: number; p: number; evidence: number }[];
  zGauss: { p: number; x: number; out: number }[];
  drift: HistogramCase[];
  driftWindow: HistogramCase[];
  loss: HistogramCase[];
  lossWindow: HistogramCase[];
  both: { beside: Part; own: Part; out: Out }[];
  course: { devices: [number, number, number][][]; limit: number; horizon: number; out: Out }[];
  shift: { baseline: Reports; limit: number; out: number }[];
  reporting: { candidate: Arm; baseline: Arm | null; share: number; out: Out }[];
  ratio: { seen: number; all: number; expected: number; out: number }[];
  traffic: { ratios: number[]; trend: number; share: number; out: Out }[];
  comparable: { arms: ArmDevices; out: boolean }[];
  heldBack: { devices: number; out: number }[];
  held: { devices: Pair[][]; held: Pair[]; ratio: number; pastCandidate: Pair[]; pastHeld: Pair[]; out: Out }[];
  output: {
    past: number[];
    now: number[];
    odd: number;
    edges: number[];
    past_bins: number[];
    now_bins: number[];
    constant: { values: number[]; edges: number[] };
  };
  signs: { seed: number; j: number; i: number; out: number }[];
  projection: { x: number[]; seed: number; out: number[] }[];
  joined: { p: number[]; q: number[]; out: Out }[];
  bins: { n: number; count: number; length: number }[];
  delivery: {
    devices: { heardAt: number | null; gotAt: number | null; isOut: boolean }[];
    now: number;
    within: number;
    limit: number;
    out: { verdict: string; out: number; missing: number[]; bad: number; good: number; pending: number };
  }[];
}

const vectors = readVectors<Vectors>('./vectors2.json');
const comparison = new Comparison();
const near = comparison.near.bind(comparison);

/** The reference says in words what readings say by kind; its bounds and levels have other names. */
const REASONS: Readonly<Record<string, string | null>> = {
  '': null,
  'one device explains the breach': 'one-device',
  'fewer report than should; chance or one outage may explain it': 'fewer-report',
  'some took it too lately': 'young',
  'no baseline': 'no-baseline',
  'these devices erred more before, too': null,
};
const NAMES: Readonly<Record<string, string>> = { within: 'isWithin', s: 'deviation', p: 'pFail', pAll: 'pFailAll' };

function expectAll(what: string, reading: object, want: Out): void {
  const got = reading as Out & { worst?: { device: string } | string | null };
  for (const [name, value] of Object.entries(want)) {
    if (name === 'reason') near(`${what}.reason`, got.reason, REASONS[String(value)] ?? null);
    else if (name === 'worst') near(`${what}.worst`, indexOf(got.worst ?? null), value);
    else near(`${what}.${name}`, got[NAMES[name] ?? name], value);
  }
}

/** Devices are named by their index; -1 for none. */
function indexOf(worst: { device: string } | string | null): number {
  return worst === null ? -1 : Number(typeof worst === 'string' ? worst : worst.device);
}

function histogramsOf({ devices, baseline, limit, options = {}, window }: HistogramCase) {
  const { scale = 4, ...levels } = options;
  return {
    ...{ rows: histogramRowsOf(devices.map(histogramOf)), base: histogramOf(baseline), limit },
    options: {
      ...levels,
      ...{ scale: scale === 4 ? ('psi' as const) : ('kl' as const) },
      ...(window && {
        window: {
          devices: histogramRowsOf(window.devices.map(histogramOf)),
          baseline: histogramOf(window.base),
          weight: window.weight,
        },
      }),
    },
  };
}

/** One report at a time: its sums are its own squares. */
const courseOf = ([at, answers, loss]: [number, number, number]): CourseSums => ({
  ...{ at, reports: 1, answers, loss },
  ...{ answersSquared: answers ** 2, lossAnswers: loss * answers, lossSquared: loss ** 2 },
});

const armOf = (arm: Arm | null): HeardArm | null => arm && { ...arm, falls: tallyOf(arm.falls) };

function outputsOf(values: readonly number[]) {
  const sketch = emptyOutputSketch();
  for (const value of values) addOutput(sketch, value);
  return sketch;
}

describe('the second part of the production statistics agrees with the independent implementation to 1e-9', () => {
  afterAll(() => expect(comparison.compared).toBe(742));

  test('evidence of normal readings', () => {
    for (const { z, x, p, evidence } of vectors.gauss) {
      near(`normalP(${z}, ${x})`, normalP(z, x), p);
      near(`normalEvidence(${z}, ${x})`, normalEvidence(z, x), evidence);
    }
    for (const { p, x, out } of vectors.zGauss) near(`normalReach(${p}, ${x})`, normalReach(p, x), out);
  });

  test('drift, since the stage opened and in the newest window', () => {
    for (const one of [...vectors.drift, ...vectors.driftWindow]) {
      const { rows, base, limit, options } = histogramsOf(one);
      expectAll('drift', driftVerdict(rows, base, limit, options), one.out);
    }
  });

  test('less sure', () => {
    for (const one of [...vectors.loss, ...vectors.lossWindow]) {
      const { rows, base, limit, options } = histogramsOf(one);
      expectAll('loss', lossVerdict(rows, base, limit, options), one.out);
    }
  });

  test('two baselines', () => {
    const levels = { alpha: 0.05, beta: 0.05 };
    for (const { beside, own, out } of vectors.both) {
      const [a, b] = [beside, own].map(({ within, ...p }) => ({
        ...p,
        verdict: 'undecided' as const,
        isWithin: within,
      }));
      expectAll('both', againstEither(a!, b!, levels), out);
    }
  });

  test('on course', () => {
    for (const { devices, limit, horizon, out } of vectors.course) {
      const sums = devices.map((rows) => rows.map(courseOf));
      expectAll('course', courseVerdict(sums, limit, horizon), out);
    }
    for (const { baseline, limit, out } of vectors.shift)
      near('shift', shiftOfDrift(histogramOf(baseline), limit), out);
  });

  test('arms', () => {
    for (const { candidate, baseline, share, out } of vectors.reporting) {
      expectAll('reporting', reportingVerdict(armOf(candidate)!, armOf(baseline), share), out);
    }
    for (const { seen, all, expected, out } of vectors.ratio) near('ratio', sampleRatioP(seen, all, expected), out);
    for (const { arms, out } of vectors.comparable) near('comparable', armsProblem(arms) === null, out);
  });

  // Part C names it the slower alternative; answering devices are judged as reporting ones are.
  test('traffic of most devices', () => {
    for (const { ratios, trend, share, out } of vectors.traffic) {
      const bad = ratios.filter((ratio) => ratio < share * trend).length;
      const p = { pFail: pFail(bad, ratios.length, 0.5), pPass: pPass(bad, ratios.length, 0.5) };
      const { verdict } = verdictOf({ ...p, pFailAll: 1 }, {});
      expectAll('traffic', { ...p, verdict, estimate: ratios.length > 0 ? bad / ratios.length : null }, out);
    }
  });

  test('devices held back', () => {
    for (const { devices, out } of vectors.heldBack) near('held back', heldBackCount(devices), out);
    for (const { devices, held, ratio, pastCandidate, pastHeld, out } of vectors.held) {
      const pasts = { candidate: tallyOf(pastCandidate), held: tallyOf(pastHeld) };
      expectAll('held', heldBackVerdict(tallyRowsOf(devices.map(tallyOf)), tallyOf(held), ratio, pasts), out);
    }
    for (const verdict of ['pass', 'fail', 'undecided'] as const) {
      near('without fail', withoutFail(verdict), verdict === 'fail' ? 'undecided' : verdict);
    }
  });

  test('outputs of models without classes', () => {
    const { past, now, odd, edges, constant, ...want } = vectors.output;
    const [before, after] = [outputsOf(past), outputsOf([...now, ...new Array<number>(odd).fill(Number.NaN)])];
    comparison.list('edges', outputEdges(before), edges);
    comparison.list('bins', outputBins(before, edges), want.past_bins);
    comparison.list('bins', outputBins(after, edges), want.now_bins);
    comparison.list('constant', outputEdges(outputsOf(constant.values)), constant.edges);
    for (const { seed, j, i, out } of vectors.signs) near('sign', directionSign(seed, j, i), out);
    for (const { x, seed, out } of vectors.projection) {
      out.forEach((bin, direction) => {
        near('projection', projectionBin(x, seed, direction), bin);
      });
    }
    for (const { p, q, out } of vectors.joined) {
      const parts = p.map((one, i) => ({ pFail: one, pPass: q[i]!, estimate: 0 }));
      expectAll('joined', joinedDrift(parts), out);
    }
    for (const { n, count, length } of vectors.bins) {
      near('count', countBin(n), count);
      near('length', lengthBin(n), length);
    }
  });

  test('delivery', () => {
    for (const { devices, now, within, limit, out } of vectors.delivery) {
      const { missing, out: outside, verdict, ...counts } = out;
      const heard = devices.map(({ heardAt, gotAt, isOut }) => ({ heardAtMs: heardAt, gotAtMs: gotAt, isOut }));
      const reading = deliveryVerdict(heard, { nowMs: now, withinMs: within, limit });
      near('delivery', reading.verdict, verdict);
      near('delivery.out', reading.out, outside);
      expectAll('delivery', reading.counts, counts);
      comparison.list('missing', reading.missing, missing);
    }
  });
});
