// Laws of how reports become counts.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { bucketEdge } from '../../src/contract/sketch.ts';
import { deviceGroup, foldReport } from '../../src/telemetry/fold-report.ts';
import { rowsFor } from '../../src/telemetry/window.ts';
import {
  applyFold,
  emptyWindowTallies,
  mergeWindowTallies,
  type WindowTallies,
} from '../../src/telemetry/window-tallies.ts';
import { type Arrival, anyArrivals, CANDIDATE, makeInterval, makeReport, makeSpec, STABLE } from './false-reports.ts';
import { plainRow, plainRows, settled } from './plain-tallies.ts';

const spec = makeSpec();

function foldAll(arrivals: readonly Arrival[], over = spec): WindowTallies {
  const tallies = emptyWindowTallies(over);
  for (const { report, receivedAtMs } of arrivals) {
    for (const folded of foldReport(over, report, receivedAtMs)) applyFold(tallies, folded);
  }
  return tallies;
}

describe('folding', () => {
  test('the order in which reports arrive does not matter', () => {
    const shuffled = anyArrivals.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length, maxLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, ([arrivals, other]) => {
        expect(settled(foldAll(other))).toEqual(settled(foldAll(arrivals)));
      }),
    );
  });

  test('halves folded apart and merged are the whole', () => {
    fc.assert(
      fc.property(anyArrivals, fc.nat(20), (arrivals, cut) => {
        const left = foldAll(arrivals.slice(0, cut));
        mergeWindowTallies(left, foldAll(arrivals.slice(cut)));
        expect(settled(left)).toEqual(settled(foldAll(arrivals)));
      }),
    );
  });

  test('what devices of a group apart report is of neither arm, and changes nothing else', () => {
    const apart = makeSpec({ without: ['hw:rev2'] });
    fc.assert(
      fc.property(anyArrivals, (arrivals) => {
        const labelled = arrivals.map(({ report, receivedAtMs }, i) => ({
          report: { ...report, labels: { ...report.labels, hw: i % 2 === 0 ? 'rev2' : 'rev1' } },
          receivedAtMs,
        }));
        const others = labelled.filter(({ report }) => report.labels.hw === 'rev1');
        expect(settled(foldAll(labelled, apart))).toEqual(settled(foldAll(others, apart)));
        expect(settled(foldAll(others, apart))).toEqual(settled(foldAll(others)));
      }),
    );
  });

  test('what a group runs that is behind is its baseline, and of no other arm', () => {
    const old = `sha256:${'9'.repeat(64)}` as const;
    const behind = makeSpec({ otherStable: [old] });
    const told = (over: Parameters<typeof makeInterval>[0]) =>
      foldReport(behind, makeReport('d', [makeInterval({ digest: old, ...over })]), 60_000).map(({ arm }) => arm);
    expect(told({ arm: 'stable' })).toEqual(['stable']);
    expect(told({ arm: 'candidate' })).toEqual([]);
    expect(foldReport(spec, makeReport('d', [makeInterval({ digest: old, arm: 'stable' })]), 60_000)).toEqual([]);
  });

  test('arms never mix: what stable reports leaves the candidate as it is', () => {
    const isStable = (arm: string | null) => arm === 'stable';
    fc.assert(
      fc.property(anyArrivals, (arrivals) => {
        const without = arrivals.map(({ report, receivedAtMs }) => ({
          report: { ...report, intervals: report.intervals.filter((interval) => !isStable(interval.arm)) },
          receivedAtMs,
        }));
        const only = arrivals.map(({ report, receivedAtMs }) => ({
          report: { ...report, intervals: report.intervals.filter((interval) => isStable(interval.arm)) },
          receivedAtMs,
        }));
        const all = foldAll(arrivals);
        expect(settled({ ...all, stable: foldAll([]).stable })).toEqual(settled(foldAll(without)));
        expect(settled({ ...all, candidate: foldAll([]).candidate })).toEqual(settled(foldAll(only)));
      }),
    );
  });

  test('each report is one cluster, however many intervals it holds', () => {
    const [folded] = foldReport(
      spec,
      makeReport('a', [makeInterval({ errors: { runtime: 1 } }), makeInterval({ errors: { load: 2 } })]),
      0,
    );
    const tallies = emptyWindowTallies(spec);
    applyFold(tallies, folded!);
    expect(plainRow(tallies.candidate, 'a')?.whole[0]).toEqual({
      bad: 3,
      trials: 200,
      reports: 1,
      badSquared: 9,
      badTrials: 600,
      trialsSquared: 40_000,
    });
  });
});

describe('an interval speaks for an arm', () => {
  const armsOf = (interval: Parameters<typeof makeInterval>[0], over = spec) =>
    foldReport(over, makeReport('a', [makeInterval(interval)]), 0).map((folded) => folded.arm);

  test('when what ran and what the directive asked for agree', () => {
    expect(armsOf({})).toEqual(['candidate']);
    expect(armsOf({ arm: 'stable', digest: STABLE })).toEqual(['stable']);
  });

  test('never while a device is on its way from one to the other', () => {
    expect(armsOf({ digest: STABLE })).toEqual([]);
    expect(armsOf({ arm: 'stable' })).toEqual([]);
    expect(armsOf({ arm: null })).toEqual([]);
  });

  test('never of another rollout, an earlier revision or a third digest', () => {
    expect(armsOf({ rollout: 'us' })).toEqual([]);
    expect(armsOf({ rollout: null })).toEqual([]);
    expect(armsOf({ revision: 6 })).toEqual([]);
    expect(armsOf({ revision: null })).toEqual([]);
    expect(armsOf({ digest: `sha256:${'f'.repeat(64)}` })).toEqual([]);
    expect(armsOf({ revision: 9 })).toEqual(['candidate']);
  });

  test('by the directive alone where both arms share a digest and only parameters differ', () => {
    const same = makeSpec({ stableDigest: CANDIDATE });
    expect(armsOf({ arm: 'stable' }, same)).toEqual(['stable']);
    expect(armsOf({ arm: 'candidate' }, same)).toEqual(['candidate']);
  });

  test('only for stable while nothing rolls', () => {
    const idle = makeSpec({ candidateDigest: null });
    expect(armsOf({}, idle)).toEqual([]);
    expect(armsOf({ arm: 'stable', digest: STABLE }, idle)).toEqual(['stable']);
  });
});

describe('measures', () => {
  test('a failed inference counts once, whatever its reason', () => {
    const [folded] = foldReport(
      spec,
      makeReport('a', [makeInterval({ errors: { runtime: 2, timeout: 3 }, unknown: 4 })]),
      0,
    );
    expect(folded?.counts.slice(0, 2)).toEqual([
      { trials: 100, bad: 5 },
      { trials: 100, bad: 4 },
    ]);
  });

  test('latencies above an edge are counted exactly, those on it are not above', () => {
    const latencies = [bucketEdge(200), bucketEdge(200) * 1.001, bucketEdge(250) * 1.001, 1];
    const [folded] = foldReport(spec, makeReport('a', [makeInterval({}, latencies)]), 0);
    expect(folded?.counts.slice(2, 4)).toEqual([
      { trials: 4, bad: 2 },
      { trials: 4, bad: 1 },
    ]);
  });

  test('a watched class is counted among all answers that have a class, over all intervals of the report', () => {
    const intervals = [
      makeInterval({ classes: { invoice: 5, letter: 3, toString: 2 } }),
      makeInterval({ classes: { invoice: 1, receipt: 2, '(rest)': 7 } }),
    ];
    const [folded] = foldReport(spec, makeReport('a', intervals), 0);
    expect(folded?.counts.slice(4)).toEqual([
      { trials: 20, bad: 6 },
      { trials: 20, bad: 2 },
    ]);
  });

  test('the tumbling window is the one of receipt, and an older report never enters a newer one', () => {
    const tallies = foldAll([
      { report: makeReport('a', [makeInterval({ errors: { runtime: 1 } })]), receivedAtMs: 601_000 },
      { report: makeReport('a', [makeInterval({ errors: { runtime: 5 } })]), receivedAtMs: 599_000 },
    ]);
    const row = plainRow(tallies.candidate, 'a');
    expect(row?.window).toBe(1);
    expect(row?.current[0]?.bad).toBe(1);
    expect(row?.whole[0]?.bad).toBe(6);
  });

  test('an arm too large for a row a device is counted in at most 4,096 hash groups, and nothing is lost', () => {
    expect([rowsFor(4096), rowsFor(4097)]).toEqual(['device', 'group']);
    const grouped = makeSpec({ rows: { candidate: 'group', stable: 'device' } });
    const tallies = foldAll(
      Array.from({ length: 6000 }, (_, i) => ({ report: makeReport(`d${i}`, [makeInterval()]), receivedAtMs: 0 })),
      grouped,
    );
    expect(tallies.candidate.names.length).toBeLessThanOrEqual(4096);
    expect(deviceGroup('d1')).toMatch(/^#[0-9a-f]{3}$/);
    const rows = plainRows(tallies.candidate);
    expect(rows.reduce((sum, row) => sum + row.whole[0]!.trials, 0)).toBe(600_000);
    expect(rows.reduce((sum, row) => sum + (row.whole[0]?.reports ?? 0), 0)).toBe(6000);
  });

  test('a flood of class names is kept to a bounded number, and every answer is still counted', () => {
    const classes = (first: number) =>
      Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`class ${first + i}`, 1]));
    const tallies = foldAll(
      [0, 50, 100].map((first) => ({
        report: makeReport('a', [makeInterval({ classes: classes(first) })]),
        receivedAtMs: 0,
      })),
    );
    const kept = tallies.candidate.summary.classes;
    expect(kept.size).toBe(65);
    expect([...kept.values()].reduce((sum, count) => sum + count, 0)).toBe(150);
  });

  test('refused requests are shown for their arm, and are no inferences', () => {
    const intervals = [
      makeInterval({ inferences: 0, errors: {}, unknown: 0, rejected: 7 }),
      makeInterval({ rejected: 2 }),
    ];
    const tallies = foldAll(
      intervals.map((interval, i) => ({ report: makeReport(`d${i}`, [interval]), receivedAtMs: 0 })),
    );
    const { rejected, inferences, errors } = tallies.candidate.summary;
    expect({ rejected, inferences }).toEqual({ rejected: 9, inferences: makeInterval().inferences });
    expect(errors).toEqual(makeInterval().errors);
  });
});
