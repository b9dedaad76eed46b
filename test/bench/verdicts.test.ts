// Holds the benchmark of verdicts to the production code that it leaves out, and its traffic and rivals to what they are said to be.

import { describe, expect, test } from 'vitest';
import { runJob } from '../../bench/verdicts/cells.ts';
import { beta, binomial, gamma } from '../../bench/verdicts/draw.ts';
import {
  drawMinute,
  FULL_LIMITS,
  FULL_RULES,
  FULL_SPEC,
  type FullReport,
  foldOf,
  LATENCY_MS,
  makeFullDevices,
  receivedAtMs,
  sharedRowOf,
} from '../../bench/verdicts/full-traffic.ts';
import type { Outcome } from '../../bench/verdicts/outcome.ts';
import { requirementsOf } from '../../bench/verdicts/requirements.ts';
import { Rivals, upperTail } from '../../bench/verdicts/rivals.ts';
import { drawErrors, LIMIT, makeDevices, SCENARIOS, stageRate } from '../../bench/verdicts/scenario.ts';
import { Summaries, summaryOf } from '../../bench/verdicts/summary.ts';
import { addReport, mergeTallies } from '../../bench/verdicts/tallies.ts';
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { addToSketch, emptySketch, sketchToJson } from '../../src/contract/sketch.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { designEffect, EMPTY_TALLY } from '../../src/gates/statistics/tally.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import type { Arm } from '../../src/telemetry/window.ts';
import { applyFold, emptyArmTallies, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { makeInterval, makeReport, STABLE } from '../telemetry/false-reports.ts';

function scenarioOf(name: string) {
  return SCENARIOS.find((scenario) => scenario.name === name)!;
}

/** Reports of one minute from a fleet that errs, hesitates and is slow often enough to show in each. */
function reportsOf(arm: Arm, minute: number, random: RandomStream): FullReport[] {
  const scenario = scenarioOf('bursts');
  const fleet = { arm, count: 6, errorRate: 0.05, otherFactor: 1, otherSpread: 0.5 };
  return makeFullDevices(scenario, fleet, random).map((device) => ({
    device,
    counts: drawMinute(scenario, device, minute, random),
  }));
}

/** What a device would have sent. */
function sentBy({ device, counts }: FullReport) {
  const latencies = emptySketch();
  for (const [stretch, count] of Object.entries(counts.latencies))
    if (count > 0) addToSketch(latencies, LATENCY_MS[stretch as keyof typeof LATENCY_MS], count);
  const interval = makeInterval({
    arm: device.arm,
    ...(device.arm === 'stable' ? { digest: STABLE } : {}),
    inferences: counts.inferences,
    errors: { runtime: counts.errors },
    unknown: counts.unknown,
    latencyMs: sketchToJson(latencies),
    classes: Object.fromEntries(counts.classes),
  });
  return makeReport(device.name, [interval]);
}

describe('the short way from counts to tallies', () => {
  test('is what foldReport makes of the reports, in both arms and at any minute', () => {
    for (const arm of ['candidate', 'stable'] as const) {
      for (let minute = 1; minute <= 60; minute++) {
        for (const report of reportsOf(arm, minute, seededRandom(minute, arm))) {
          const folded = foldReport(FULL_SPEC, sentBy(report), receivedAtMs(minute));
          expect([foldOf(report.device, minute, report.counts)]).toEqual(folded);
        }
      }
    }
  });

  test('adds up to a shared row as folded reports do', () => {
    for (let minute = 1; minute <= 20; minute++) {
      const reports = reportsOf('stable', minute, seededRandom(minute, 'shared row'));
      const rows = reports.flatMap((report) => foldReport(FULL_SPEC, sentBy(report), receivedAtMs(minute)));
      const shared = emptyArmTallies(FULL_SPEC, 'stable');
      for (const folded of rows) shared.fold({ ...folded, row: '#000' });
      expect(sharedRowOf(minute, reports)).toEqual(shared.read('#000'));
    }
  });

  test('may share a row in the baseline: the verdict is the same, but for the number of devices shown', () => {
    for (const minutes of [3, 12, 25]) {
      const [apart, shared] = [emptyWindowTallies(FULL_SPEC), emptyWindowTallies(FULL_SPEC)];
      const random = seededRandom(minutes, 'rows apart');
      for (let minute = 1; minute <= minutes; minute++) {
        for (const { device, counts } of reportsOf('candidate', minute, random)) {
          for (const tallies of [apart, shared]) applyFold(tallies, foldOf(device, minute, counts));
        }
        const reports = reportsOf('stable', minute, random);
        for (const { device, counts } of reports) applyFold(apart, foldOf(device, minute, counts));
        shared.stable.add('#000', sharedRowOf(minute, reports));
      }
      const judge = ({ candidate, stable }: typeof apart) =>
        judgeStage({
          rules: FULL_RULES,
          limits: FULL_LIMITS,
          candidate,
          baseline: stable,
          hasStable: true,
          installs: { bad: 0, good: 6, pending: 0 },
          minimum: { devices: 3, inferences: 1000 },
          deadlineMs: 3_600_000,
          intervalMs: 60_000,
          perMinute: 360,
        });
      const plain = (verdict: ReturnType<typeof judge>) => verdict.rules.map(({ baseline: _, ...rule }) => rule);
      expect(plain(judge(shared))).toEqual(plain(judge(apart)));
    }
  });
});

describe('the traffic', () => {
  const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;
  const draws = (count: number, draw: () => number): number[] => Array.from({ length: count }, draw);

  test('is binomial, gamma and beta by mean and variance', () => {
    const random = seededRandom(1, 'moments');
    for (const [trials, rate] of [
      [60, 0.004],
      [60, 0.3],
      [200, 0.8],
    ] as const) {
      const hits = draws(40_000, () => binomial(trials, rate, random));
      const spread = Math.sqrt(trials * rate * (1 - rate));
      expect(Math.abs(mean(hits) - trials * rate)).toBeLessThan((5 * spread) / 200);
      expect(mean(hits.map((x) => (x - trials * rate) ** 2)) / spread ** 2).toBeCloseTo(1, 1);
    }
    for (const shape of [0.2, 1, 4]) {
      const values = draws(40_000, () => gamma(shape, random));
      expect(Math.abs(mean(values) - shape)).toBeLessThan((5 * Math.sqrt(shape)) / 200);
      expect(mean(values.map((x) => (x - shape) ** 2)) / shape).toBeCloseTo(1, 0);
    }
    expect(mean(draws(40_000, () => beta(0.4, 1.6, random)))).toBeCloseTo(0.2, 2);
  });

  test('has the rate that it is said to have, in every scenario', () => {
    for (const scenario of SCENARIOS.filter(({ oddRate }) => oddRate === undefined)) {
      const random = seededRandom(scenario.name, 'rates');
      const rates = draws(300, () => {
        const devices = makeDevices(scenario, 20, LIMIT, random);
        let [bad, trials] = [0, 0];
        for (let minute = 1; minute <= 60; minute++) {
          for (const device of devices) {
            bad += drawErrors(scenario, device, minute, random);
            trials += device.trials;
          }
        }
        return bad / trials - stageRate(devices);
      });
      expect(Math.abs(mean(rates)), scenario.name).toBeLessThan(0.03 * LIMIT);
    }
  });

  test('clusters with a design effect of 3 where it is said to', () => {
    const random = seededRandom(1, 'clusters');
    const scenario = { ...scenarioOf('deff3'), spread: 0, trafficSpread: 0 };
    const tallies = makeDevices(scenario, 200, 0.05, random).map((device) => {
      let tally = EMPTY_TALLY;
      for (let i = 1; i <= 200; i++) tally = addReport(tally, device.trials, drawErrors(scenario, device, i, random));
      return tally;
    });
    expect(designEffect(mergeTallies(tallies))).toBeCloseTo(3, 0);
  });
});

describe('the rivals', () => {
  const breach = { bad: 2, trials: 100, limit: 0.01 };
  const fine = { bad: 0, trials: 100, limit: 0.01 };

  test('of bare thresholds fail at the fourth breach of a metric (Argo) and at the fifth failed check (Flagger)', () => {
    const one = new Rivals(1);
    for (let minute = 1; minute <= 12; minute++) one.see(minute, [minute % 2 === 0 ? breach : fine]);
    expect(one.argo.outcome.failed).toBe(8);
    expect(one.flagger.outcome.failed).toBe(10);
    const two = new Rivals(2);
    for (let minute = 1; minute <= 12; minute++) two.see(minute, minute % 2 === 0 ? [breach, fine] : [fine, breach]);
    expect(two.argo.outcome.failed).toBe(7);
    expect(two.flagger.outcome.failed).toBe(5);
  });

  test('know the exact binomial tail', () => {
    // 1 − Σ_{k<8} C(1000, k) 0.005^k 0.995^(1000−k), summed term by term.
    let term = 0.995 ** 1000;
    let below = 0;
    for (let k = 0; k < 8; k++) {
      below += term;
      term *= ((1000 - k) / (k + 1)) * (0.005 / 0.995);
    }
    expect(upperTail(8, 1000, 0.005)).toBeCloseTo(1 - below, 12);
    expect(upperTail(5, 1000, 0.005)).toBe(1);
    expect(upperTail(10, 10, 0.5)).toBeCloseTo(2 ** -10, 15);
  });
});

describe('a requirement', () => {
  const outcome = (failed: number | null): Outcome => ({ failed, passed: null, isPromoted: false });
  const told = (factor: number, failed: readonly (number | null)[]) =>
    requirementsOf(
      new Summaries([
        summaryOf({
          cell: { setup: 'single', scenario: 'equal', devices: 5, factor },
          runs: failed.map((minute) => ({ isTrulyOver: false, judges: { stage: outcome(minute) }, because: [] })),
        }),
      ]),
    ).find(({ rows }) => rows > 0);

  test('of few false rollbacks fails, and names the row, when more than 2% and three standard errors are rolled back', () => {
    const runs = (failed: number) => Array.from({ length: 1000 }, (_, i) => (i < failed ? 1 : null));
    expect(told(0.8, runs(33))).toMatchObject({ isMet: true, broken: [] });
    expect(told(0.8, runs(34))).toMatchObject({ isMet: false, broken: ['3.4% (single equal D=5 0.8x)'] });
  });

  test('of quick detection counts what was never found', () => {
    expect(told(10, [1, 3, 3, 9, null])).toMatchObject({ isMet: true, worst: 'minute 3 (single equal D=5 10x)' });
    expect(told(10, [1, 3, 4, 9, null])).toMatchObject({ isMet: false });
    expect(told(10, [1, 3, null, null, null])).toMatchObject({ isMet: false });
  });

  test('is not met without a row', () => {
    expect(requirementsOf(new Summaries([])).every(({ isMet }) => !isMet)).toBe(true);
  });
});

test('a run depends on its seed and number alone, not on the part that it was simulated in', () => {
  const job = { setup: 'single', scenario: 'cv1', seed: 's' } as const;
  const whole = runJob({ ...job, firstRun: 0, runs: 3 });
  const last = runJob({ ...job, firstRun: 2, runs: 1 });
  expect(last).toEqual(whole.map((runs) => runs.slice(2)));
});
