// Holds the false confidences of the benchmark of verdicts to the production code, and to what they are said to be.
import { describe, expect, test } from 'vitest';
import { cellsOf, runJob } from '../../bench/verdicts/cells.ts';
import {
  BINS,
  CONFIDENCE_SCENARIOS,
  CONFIDENCE_SPEC,
  DISTANCES,
  drawCounts,
  drawReport,
  foldConfidences,
  makeConfidenceDevices,
  moveBy,
  sharesAround,
  sharesOf,
  stageShares,
} from '../../bench/verdicts/confidence-traffic.ts';
import { boundOf, withinErrorLevel } from '../../bench/verdicts/requirement.ts';
import { heardAt, makeSilences, SILENCE_SCENARIOS } from '../../bench/verdicts/silence-stage.ts';
import { summaryOf } from '../../bench/verdicts/summary.ts';
import { addReport, mergeTallies } from '../../bench/verdicts/tallies.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import type { HeardDevice } from '../../src/gates/heard-arm.ts';
import { DriftMeter } from '../../src/gates/statistics/drift-estimate.ts';
import { HistogramTally } from '../../src/gates/statistics/histogram-tally.ts';
import { shareBelow } from '../../src/gates/statistics/loss-verdict.ts';
import { designEffect, EMPTY_TALLY } from '../../src/gates/statistics/tally.ts';
import type { KnownDevice, Matching } from '../../src/rollout/count-cohort.ts';
import { countHeard } from '../../src/rollout/count-heard.ts';
import { courseSpecFor } from '../../src/telemetry/course-sums.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { writeHistogram } from '../../src/telemetry/histogram-sums.ts';
import { CANDIDATE, makeInterval, makeReport, STABLE } from '../telemetry/false-reports.ts';

const MINUTE = 60_000;

test('the short way from confidences to tallies is what foldReport makes of the report, with a course and without', () => {
  const random = seededRandom(1, 'fold');
  for (const spec of [CONFIDENCE_SPEC, { ...CONFIDENCE_SPEC, course: courseSpecFor(30 * MINUTE, MINUTE) }]) {
    for (const arm of ['candidate', 'stable'] as const) {
      for (const receivedAtMs of [0.5, 9.9, 10, 31].map((minutes) => minutes * MINUTE)) {
        const histogram = drawCounts(60, sharesAround(0.86), random);
        const digest = arm === 'candidate' ? CANDIDATE : STABLE;
        const confidence = histogram.flatMap((count) => [count, 0]);
        const report = makeReport('d1', [makeInterval({ arm, digest, inferences: 60, confidence })]);
        const folded = foldConfidences({ arm, name: 'd1', receivedAtMs }, histogram, spec);
        expect([folded]).toEqual(foldReport(spec, report, receivedAtMs));
      }
    }
  }
});

describe('false confidences', () => {
  test('lie as far from stable as they are said to, by the measures of the verdicts', () => {
    const tallyOf = (shares: ArrayLike<number>): HistogramTally => {
      const tally = new HistogramTally(BINS);
      const counts = Array.from(shares, (share) => 1e6 * share);
      writeHistogram(tally.sums, 0, counts);
      return tally;
    };
    for (const scenario of CONFIDENCE_SCENARIOS) {
      const fleet = makeConfidenceDevices(scenario, 1000, seededRandom(scenario.name, 'fleet'));
      const before = tallyOf(stageShares(scenario, fleet));
      const drifted = tallyOf(stageShares(scenario, fleet, moveBy(scenario, 'drift', 0.08)));
      expect(new DriftMeter(before).of(drifted)().distance ** 2, scenario.name).toBeCloseTo(0.08, 6);
      const lost = tallyOf(stageShares(scenario, fleet, moveBy(scenario, 'loss', 0.05)));
      const excess = Array.from({ length: BINS - 1 }, (_, k) => shareBelow(lost, k + 1) - shareBelow(before, k + 1));
      expect(Math.max(...excess), scenario.name).toBeCloseTo(0.05, 6);
      expect(DISTANCES.loss(stageShares(scenario, fleet), stageShares(scenario, fleet))).toBe(0);
    }
  });

  test('have the shares in the long run that they are said to have, in every scenario', () => {
    for (const scenario of CONFIDENCE_SCENARIOS) {
      const random = seededRandom(scenario.name, 'long run');
      const [device] = makeConfidenceDevices(scenario, 1, random);
      const shares = sharesOf(scenario, device!, [{ part: 1, loss: 0.05 }]);
      const minutes = 30_000;
      const sums = new Array<number>(BINS).fill(0);
      for (let minute = 1; minute <= minutes; minute++)
        drawReport(scenario, device!, shares, { minute, random }).forEach((count, k) => {
          sums[k]! += count;
        });
      sums.forEach((sum, k) => {
        expect(Math.abs(sum / (minutes * device!.trials) - shares.mean[k]!), `${scenario.name} ${k}`).toBeLessThan(
          0.01,
        );
      });
    }
  });

  test('cluster in reports with a design effect of 5 where they are said to', () => {
    const random = seededRandom(1, 'clusters');
    const scenario = CONFIDENCE_SCENARIOS.find(({ name }) => name === 'deff5')!;
    const devices = makeConfidenceDevices(scenario, 100, random);
    const tallies = devices.map((device) => {
      const shares = sharesOf(scenario, device, [{ part: 1, loss: 0 }]);
      let tally = EMPTY_TALLY;
      for (let minute = 1; minute <= 100; minute++) {
        const low = drawReport(scenario, device, shares, { minute, random }).slice(0, 8);
        tally = addReport(
          tally,
          device.trials,
          low.reduce((sum, count) => sum + count, 0),
        );
      }
      return tally;
    });
    expect(designEffect(mergeTallies(tallies))).toBeCloseTo(5, 0);
  });
});

test('false silences are what the service makes of devices that were heard so', () => {
  const [opened, digest, attempt, rollout] = [1000, CANDIDATE, 1, 'eu'];
  const entry: DirectiveEntry = {
    ...{ rollout, revision: 7, model: 'ocr', target: '', stage: 'canary', salt: '', spreadMs: 0, stable: null },
    ...{ cohort: { cut: 0, select: null, devices: [] }, candidate: null, emergency: false },
  };
  const candidate = { digest, attempt, version: '2.0.0', parameters: {} };
  const random = seededRandom(1, 'silences');
  const scene = SILENCE_SCENARIOS['40% silenced']!;
  const sites = [{ from: 9, until: 24 }];
  for (const isCandidate of [true, false]) {
    const devices = makeSilences({ ...scene, outages: 1 }, { count: 200, isCandidate, sites }, random);
    for (const minute of [3, 4.5, 12, 40]) {
      const matching = devices.map(({ name, silences }): Matching => {
        const past = silences.filter(({ until }) => until <= minute && until > -opened);
        const present = silences.find(({ from, until }) => from < minute && until > minute);
        const device: KnownDevice = {
          ...{ id: name, labels: {}, properties: {}, models: new Map(), outcomes: new Map() },
          lastSeenListenedMs: (opened + (present?.from ?? minute)) * MINUTE,
          silences: past.map(({ from, until }) => ({
            fromListenedMs: (opened + from) * MINUTE,
            untilListenedMs: (opened + until) * MINUTE,
          })),
          tookCandidate: new Map([[rollout, [{ digest, attempt, takenListenedMs: opened * MINUTE }]]]),
        };
        return isCandidate
          ? { kind: 'wanted', device, candidate, standing: { place: 'ready' } }
          : { kind: 'other-arm', device };
      });
      const facts = { entry, devices: [], listenedMs: (opened + minute) * MINUTE, silenceMs: 10 * MINUTE };
      const heard = countHeard({ ...facts, hearing: { openMs: minute * MINUTE, intervalMs: MINUTE } }, matching)!;
      const told = devices.map((one) => heardAt(one, minute));
      const rounded = (all: readonly HeardDevice[]) =>
        all.map(({ isAfter: _, ...one }) => ({ ...one, fellMs: one.fellMs === null ? null : Math.round(one.fellMs) }));
      expect(rounded(heard[isCandidate ? 'candidate' : 'stable'])).toEqual(rounded(told));
    }
  }
});

test('a stage counts against the error level only where its own devices keep the limit', () => {
  const outcome = { failed: 3, passed: null, isPromoted: false };
  const runs = [false, true, true, true].map((isTrulyOver) => ({
    isTrulyOver,
    judges: { rule: outcome },
    because: [],
  }));
  const cell = { setup: 'drift', scenario: 'cv1', devices: 5, factor: 1 } as const;
  const summary = summaryOf({ cell, runs });
  expect(withinErrorLevel(summary.judges.rule!, summary)).toEqual({ value: 1, bound: boundOf(0.05, 1) });
});

test('a run of any setup depends on its seed and number alone, not on the part that it was simulated in', () => {
  for (const [setup, scenario] of [
    ['late', 'independent'],
    ['direction', 'mixture'],
    ['kiosk', 'levels 0.8'],
    ['delivery', '2% lost'],
    ['reporting', 'one site'],
    ['held-back', 'bad'],
  ] as const) {
    expect(cellsOf(setup, scenario).length).toBeGreaterThan(0);
    const job = { setup, scenario, seed: 's' } as const;
    const whole = runJob({ ...job, firstRun: 0, runs: 2 });
    const last = runJob({ ...job, firstRun: 1, runs: 1 });
    expect(last).toEqual(whole.map((runs) => runs.slice(1)));
  }
});
