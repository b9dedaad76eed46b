// Laws of rules about single devices, any of them or more than a share: chance fails none of them more often than it may.

import { describe, expect, test } from 'vitest';
import { binomial } from '../../../bench/verdicts/draw.ts';
import { addReport, tallyRowsOf } from '../../../bench/verdicts/tallies.ts';
import { seededRandom } from '../../../src/base/random.ts';
import { judgeStage } from '../../../src/gates/judge-stage.ts';
import { anyDeviceVerdict } from '../../../src/gates/statistics/any-device-verdict.ts';
import { EMPTY_TALLY, type Tally } from '../../../src/gates/statistics/tally.ts';
import type { TallyRows } from '../../../src/gates/statistics/tally-rows.ts';
import { hashRow } from '../../../src/telemetry/groups.ts';
import { arm, ask, type Report, repeat, rules } from '../false-evidence.ts';

const LIMIT = 0.01;
const ALPHA = 0.05;

function tallyOf(reports: readonly Report[]): Tally {
  return reports.reduce((tally, [trials, bad]) => addReport(tally, trials, bad), EMPTY_TALLY);
}

/** Devices that each have so many bad events of 500. */
function rowsOf(bad: readonly number[]): TallyRows {
  return tallyRowsOf(bad.map((own) => tallyOf(repeat(5, [100, own / 5]))));
}

describe('the p-value of a device', () => {
  const odd = (rows: number, share: number) => {
    const bad = Array.from({ length: rows }, (_, i) => (i === 0 ? 500 : i === 1 ? 15 : 0));
    return anyDeviceVerdict(rowsOf(bad), LIMIT, { share, alpha: ALPHA });
  };

  test('counts for as many devices as it could have been by chance, with a share or without', () => {
    const alone = odd(2, 0.5).pFail;
    expect(alone).toBeGreaterThan(0);
    // Of D devices of which k may breach, the one that decides is the worst of D − k by chance.
    expect(odd(10, 0.1).pFail / alone).toBeCloseTo(9, 9);
    expect(odd(19, 0.1).pFail / alone).toBeCloseTo(18, 9);
    expect(anyDeviceVerdict(rowsOf([15, 0, 0]), LIMIT).pFail / alone).toBeCloseTo(3, 9);
  });

  test('chance hardly ever fails a rule with a share, where each device is just at the limit', () => {
    const runs = 300;
    let failed = 0;
    for (let run = 0; run < runs; run++) {
      const random = seededRandom(run, 'any device at the limit');
      // Two of the twenty breach, as they may; one more would fail it.
      const devices = Array.from({ length: 20 }, (_, d) =>
        tallyOf(Array.from({ length: 40 }, (): Report => [100, binomial(100, d < 2 ? 0.2 : LIMIT, random)])),
      );
      if (anyDeviceVerdict(tallyRowsOf(devices), LIMIT, { share: 0.1 }).verdict === 'fail') failed++;
    }
    expect(failed / runs).toBeLessThanOrEqual(ALPHA);
  });
});

test('a share of devices is rounded down: of 19 devices a tenth is one', () => {
  const bad = (count: number) => rowsOf(Array.from({ length: 19 }, (_, i) => (i < count ? 100 : 0)));
  expect(anyDeviceVerdict(bad(1), LIMIT, { share: 0.1 })).toMatchObject({ verdict: 'pass', mayBreach: 1 });
  expect(anyDeviceVerdict(bad(2), LIMIT, { share: 0.1 })).toMatchObject({ verdict: 'fail', mayBreach: 1 });
  // And three of thirty are a tenth, also in binary fractions.
  expect(anyDeviceVerdict(rowsOf(new Array(30).fill(0)), LIMIT, { share: 0.1 }).mayBreach).toBe(3);
});

describe('devices that join one after the other', () => {
  const joined = (live: number, bad: number, installs: number) => {
    const devices = Array.from({ length: live }, (_, i) =>
      repeat(20, i < bad ? ([100, 20] as const) : ([100, 0] as const)),
    );
    const asked = rules('error_rate < 1%').map((one) => ({ ...one, scope: 'any-device' as const, share: 0.1 }));
    return judgeStage(
      ask({
        rules: asked,
        candidate: arm(devices),
        installs: { bad: 1, good: live - 1, pending: installs - live },
      }),
    ).rules[0]!;
  };

  test('have a share of all devices of the stage that may breach, not of the first ones', () => {
    expect(joined(5, 2, 20)).toMatchObject({ verdict: 'undecided', within: false });
    expect(joined(5, 3, 20)).toMatchObject({ verdict: 'fail' });
    expect(joined(5, 3, 20).reasons).toMatchObject([{ kind: 'device-breach', breaching: 3, mayBreach: 2, total: 20 }]);
    expect(joined(20, 2, 20).verdict).toBe('pass');
  });

  test('pass only once no more than that share is still to come', () => {
    expect(joined(17, 0, 20)).toMatchObject({ verdict: 'undecided', within: false });
    expect(joined(17, 0, 20).reasons).toEqual([{ kind: 'devices-open', mayBreach: 2, total: 20 }]);
    expect(joined(18, 0, 20).verdict).toBe('pass');
  });

  test.each([
    ['one a minute', 20, 1],
    ['two a minute', 20, 2],
    ['five a minute, of a hundred', 100, 5],
  ])('are not failed for the breaches that are allowed: %s', (_, devices, eachMinute) => {
    const runs = 40;
    const may = devices / 10;
    let failed = 0;
    for (let run = 0; run < runs; run++) {
      const random = seededRandom(run, `joining ${devices}`);
      // The ones that breach come at any time.
      const order = Array.from({ length: devices }, (_, d) => ({ d, at: random.next() })).sort((a, b) => a.at - b.at);
      const tallies = order.map(() => EMPTY_TALLY);
      for (let minute = 1; minute <= 40; minute++) {
        for (let place = 0; place < Math.min(devices, minute * eachMinute); place++) {
          const rate = order[place]!.d < may ? 0.05 : 0.005;
          tallies[place] = addReport(tallies[place]!, 100, binomial(100, rate, random));
        }
        const options = { share: 0.1, rows: devices };
        if (anyDeviceVerdict(tallyRowsOf(tallies), LIMIT, options).verdict !== 'fail') continue;
        failed++;
        break;
      }
    }
    expect(failed / runs).toBeLessThanOrEqual(ALPHA);
  });
});

test.each([
  ['a large fleet', 5000, 4096],
  ['a group of one', 300, 256],
])(
  'where rows are hash groups, %s passes with all of them within, and fails over the share of them',
  (_, devices, groups) => {
    const names = new Set(Array.from({ length: devices }, (_, i) => hashRow(`device-${i}`, groups)));
    const asked = rules('error_rate < 1%').map((one) => ({ ...one, scope: 'any-device' as const, share: 0.1 }));
    const judged = (bad: number) => {
      const kept = arm([...names].map((_, i) => repeat(4, [100, i < bad * names.size ? 20 : 0])));
      kept.names.splice(0, names.size, ...names);
      const installs = { bad: 0, good: devices, pending: 0 };
      return judgeStage(ask({ rules: asked, candidate: kept, installs })).rules[0]!;
    };
    expect(names.size).toBeLessThan(0.9 * Math.min(devices, groups));
    expect(judged(0.05).verdict).toBe('pass');
    expect(judged(0.2).verdict).toBe('fail');
  },
);
