// Laws of the bounds by which drift rules pass over devices: no bound promises more than leaving the device out shows.
import { describe, expect, test } from 'vitest';
import { type RandomStream, seededRandom } from '../../../src/base/random.ts';
import { driftBound } from '../../../src/gates/statistics/drift-bound.ts';
import { DriftMeter } from '../../../src/gates/statistics/drift-estimate.ts';
import { driftVerdict, pBeyond } from '../../../src/gates/statistics/drift-verdict.ts';
import type { HistogramRows } from '../../../src/gates/statistics/histogram-rows.ts';
import type { HistogramTally } from '../../../src/gates/statistics/histogram-tally.ts';
import { lossBound } from '../../../src/gates/statistics/loss-bound.ts';
import { lossVerdict } from '../../../src/gates/statistics/loss-verdict.ts';
import { SharesBelow } from '../../../src/gates/statistics/shares-below.ts';
import { histogramOf, histogramRowsOf } from './plain-histograms.ts';

const BINS = 10;

/** Reports of a device that is as sure as `sureness` says; the low bins are rare. */
function drawReports(reports: number, answers: number, sureness: number, random: RandomStream): number[][] {
  return Array.from({ length: reports }, () => {
    const counts = new Array<number>(BINS).fill(0);
    for (let i = 0; i < answers; i++) counts[Math.floor(BINS * random.next() ** (1 / sureness))]! += 1;
    return counts;
  });
}

/** Reports of a device that answers everything with the same confidence. */
function oddReports(reports: number, answers: number): number[][] {
  return Array.from({ length: reports }, () => Array.from({ length: BINS }, (_, k) => (k === BINS - 3 ? answers : 0)));
}

interface Stage {
  readonly rows: HistogramRows;
  readonly base: HistogramTally;
}

/** Devices differ in traffic and in what they answer, and the first one from all others. */
function drawStage(seed: string, devices: number, sureness: number, oddest: number): Stage {
  const random = seededRandom(seed, 'leave one out');
  const rows = Array.from({ length: devices }, (_, index) => {
    const [reports, answers] = [1 + Math.floor(3 * random.next()), Math.ceil(2 + 30 * random.next())];
    if (index === 0 && oddest > 0) return histogramOf(oddReports(40, oddest));
    return histogramOf(drawReports(reports, answers, sureness * (0.8 + 0.4 * random.next()), random));
  });
  return { rows: histogramRowsOf(rows), base: histogramOf(drawReports(300, 30, 8, random)) };
}

const STAGES = [6, 12, 60, 300].flatMap((devices) =>
  [3, 5, 6.5, 8].flatMap((sureness) =>
    [0, 3, 20].map((oddest) => ({ name: `${devices} devices, ${sureness}, ${oddest}`, devices, sureness, oddest })),
  ),
);

const LIMITS = { drift: 0.03, loss: 0.05 };

const RULES = {
  drift: {
    verdict: driftVerdict,
    bound: ({ rows, base }: Stage) => driftBound(rows, base, new DriftMeter(base).partsOf(rows.all)(), LIMITS.drift),
    p: ({ base }: Stage, rest: HistogramTally) => pBeyond(new DriftMeter(base).of(rest)(), LIMITS.drift),
  },
  loss: {
    verdict: lossVerdict,
    bound: ({ rows, base }: Stage) => lossBound(rows, LIMITS.loss, new SharesBelow(base)),
    p: ({ base }: Stage, rest: HistogramTally) =>
      lossVerdict(histogramRowsOf([rest]), base, LIMITS.loss, { dropWorst: false }).pFail,
  },
};

describe.each(['drift', 'loss'] as const)('%s', (name) => {
  const { verdict, bound, p } = RULES[name];

  test.each(STAGES)('no bound is beyond the evidence without the device: $name', ({ name: seed, ...shape }) => {
    const stage = drawStage(seed, shape.devices, shape.sureness, shape.oddest);
    const { rows } = stage;
    const [atLeast, { tally, leaveOut }] = [bound(stage), rows.withoutOne()];
    for (const row of rows.liveRows()) {
      leaveOut(row);
      const bounded = atLeast.of(rows.sums, row * rows.width);
      expect(atLeast.ofAny).toBeLessThanOrEqual(bounded * (1 + 1e-9) + 1e-9);
      expect(bounded).toBeLessThanOrEqual(Math.max(0, -Math.log(p(stage, tally))) * (1 + 1e-9) + 1e-9);
    }
  });

  test.each(STAGES)(
    'the verdict is that of leaving out each, however near it is: $name',
    ({ name: seed, ...shape }) => {
      const { rows, base } = drawStage(seed, shape.devices, shape.sureness, shape.oddest);
      const each = verdict(rows, base, LIMITS[name]);
      for (const times of [0.5, 0.999, 1.001, 1.5, 10]) {
        const alpha = Math.min(0.5, Math.max(1e-300, each.pFail * times));
        const options = { alpha, beta: 1e-300 };
        const quick = verdict(rows, base, LIMITS[name], { ...options, nameWorst: false });
        const full = verdict(rows, base, LIMITS[name], options);
        expect(quick.verdict).toBe(full.verdict);
        if (full.reason === 'one-device') expect(quick).toMatchObject({ reason: full.reason, worst: full.worst });
      }
    },
  );

  test('most devices are passed over, also where the evidence is little', () => {
    const stage = drawStage('useful', 1000, name === 'drift' ? 3.5 : 4, 0);
    const { rows, base } = stage;
    const atLeast = bound(stage);
    const evidence = -Math.log(verdict(rows, base, LIMITS[name]).pFail);
    const near = [...rows.liveRows()].filter(
      (row) => atLeast.of(rows.sums, row * rows.width) > 0.5 * Math.min(40, evidence),
    );
    expect(near.length).toBeGreaterThan(900);
  });

  test('all of them are passed over at once where the evidence is plenty', () => {
    expect(bound(drawStage('plenty', 1000, 2, 0)).ofAny).toBeGreaterThan(5);
  });
});
