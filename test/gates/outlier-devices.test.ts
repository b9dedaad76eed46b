// Laws of devices that claim far more than the others: none passes or fails a stage alone, and honest fleets with gateways are judged as others.

import { describe, expect, test } from 'vitest';
import { binomial } from '../../bench/verdicts/draw.ts';
import { tallyRowsOf } from '../../bench/verdicts/tallies.ts';
import { seededRandom } from '../../src/base/random.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { combineVerdicts } from '../../src/gates/stage-verdict.ts';
import { EMPTY_TALLY } from '../../src/gates/statistics/tally.ts';
import { type ClassCounts, classArm } from './false-classes.ts';
import { alike, arm, ask, type Report, repeat, rules } from './false-evidence.ts';

type Arm = ReturnType<typeof arm>;

const RELATIVE = 'error_rate < 2x baseline, floor 0.1%';
const asked = (text: string, candidate: Arm, baseline: Arm | null = null) =>
  judgeStage(ask({ rules: rules(text), candidate, baseline })).rules[0]!;

describe('outlier rows', () => {
  const rowsOf = (...trials: number[]) => tallyRowsOf(trials.map((own) => ({ ...EMPTY_TALLY, trials: own })));
  const inliers = (...trials: number[]) => {
    const rows = rowsOf(...trials);
    return rows.inliers === rows ? 'all' : [...rows.inliers.each()].map((one) => one.trials);
  };

  test('are those of more than ten times the trials of the median row', () => {
    expect(inliers(10, 10, 10, 100)).toBe('all');
    expect(inliers(10, 10, 10, 101)).toEqual([10, 10, 10]);
    expect(rowsOf(10, 10, 10, 101).outliers()?.outlier).toEqual({ device: '3', times: 10.1 });
  });

  test('are found by the lower median, so that half of the rows can be outliers', () => {
    expect(inliers(10, 10, 200, 200)).toEqual([10, 10]);
    expect(inliers(10, 200, 200)).toBe('all');
  });

  test('are found from three rows on, and rows without data are none', () => {
    expect(inliers(10, 10, 200)).toEqual([10, 10]);
    expect(inliers(10, 200)).toBe('all');
    expect(inliers(10, 0, 0, 200)).toBe('all');
  });

  test('of those that claim as much, the first by name is reported, whoever reported first', () => {
    const named = (...names: string[]) =>
      tallyRowsOf(names.map((device) => ({ ...EMPTY_TALLY, device, trials: device.startsWith('q') ? 1 : 50 })));
    expect(named('q1', 'q2', 'b', 'q3', 'a').outliers()?.outlier.device).toBe('a');
    expect(named('a', 'q1', 'q2', 'b', 'q3').outliers()?.outlier.device).toBe('a');
  });
});

describe('one lying device of the candidate', () => {
  const liar = repeat(40, [1e8, 0] as const);

  test('does not pass a stage whose other devices do not keep the limit, and is named', () => {
    const bad = arm([...alike(9, repeat(4, [100, 1])), liar]);
    expect(asked('error_rate < 0.5%', bad)).toMatchObject({ verdict: 'undecided' });
    expect(asked('error_rate < 0.5%', bad).reasons).toMatchObject([
      { kind: 'outlier', byAll: 'pass', device: 'd9', times: expect.closeTo(1e7, -1) },
    ]);
  });

  test.each([1e8, 30_000])(
    'does not let a deadline promote a bad stage that it keeps from failing, by %d a report',
    (claim) => {
      const bad = alike(9, repeat(60, [100, 5]));
      const atDeadline = (devices: readonly (readonly Report[])[]) =>
        judgeStage(ask({ rules: rules('error_rate < 0.5%'), candidate: arm(devices) })).rules.map((rule) => ({
          name: rule.rule,
          verdict: rule.verdict as 'undecided',
          isWithin: rule.within,
        }));
      expect(atDeadline(bad)).toMatchObject([{ verdict: 'fail' }]);
      const lied = atDeadline([...bad, repeat(60, [claim, 0])]);
      expect(lied).toMatchObject([{ verdict: 'undecided', isWithin: false }]);
      const combined = combineVerdicts(lied, { elapsedMs: 4e6, deadlineMs: 3.6e6, onDeadline: 'promote' });
      expect(combined.verdict).not.toBe('pass');
    },
  );

  test('that keeps a stage within by its word alone is reported, though nothing would pass yet', () => {
    const few = [...alike(4, repeat(4, [20, 1])), repeat(4, [250, 0])];
    const verdict = asked('error_rate < 2%', arm(few as Report[][]));
    expect(verdict).toMatchObject({ verdict: 'undecided', within: false, needs: null });
    expect(verdict.reasons).toMatchObject([
      { kind: 'outlier', byAll: 'within', device: 'd4', times: 12.5, areOthersOver: true },
    ]);
  });

  test.each([5_000, 1e8])('fails no stage that is seen as a sample of the fleet, by %d a report', (claim) => {
    const [rule] = rules('error_rate < 1%');
    const judged = (devices: readonly (readonly Report[])[]) =>
      judgeStage(ask({ rules: [{ ...rule!, scope: 'fleet' }], candidate: arm(devices) })).rules[0]!;
    const verdict = judged([...alike(10, repeat(60, [100, 0])), repeat(60, [claim, 0.1 * claim])]);
    expect(verdict).toMatchObject({ verdict: 'undecided', within: false });
    expect(verdict.reasons).toMatchObject([{ kind: 'outlier', byAll: 'fail', device: 'd10' }]);
    expect(judged([...alike(10, repeat(60, [100, 5])), repeat(60, [claim, 0.1 * claim])]).verdict).toBe('fail');
  });

  test('hides no late regression of the others from a pass', () => {
    const turned = alike(5, [...repeat(90, [100, 1] as const), ...repeat(10, [100, 9] as const)]);
    expect(asked('error_rate < 3%', arm(turned)).verdict).toBe('fail');
    expect(asked('error_rate < 3%', arm([...turned, repeat(100, [1e5, 0])])).verdict).toBe('undecided');
  });

  test('is in nobody’s way where the others prove the limit by themselves', () => {
    expect(asked('error_rate < 0.5%', arm([...alike(9, repeat(60, [100, 0])), liar])).verdict).toBe('pass');
  });

  test('may be ten times as busy as the median device', () => {
    const busy = arm([...alike(4, repeat(5, [20, 0])), repeat(5, [200, 0])]);
    expect(asked('error_rate < 0.5%', busy).verdict).toBe('pass');
  });
});

describe('one lying device of stable', () => {
  const usual = alike(20, repeat(40, [100, 1]));
  const good = arm(alike(5, repeat(40, [100, 1])));
  const bad = arm(alike(5, repeat(40, [100, 4])));

  // It reports in each interval, the newest window among them.
  test.each([1e8, 20_000])(
    'that claims to be clean condemns no good candidate, by %d a report, and is named',
    (claim) => {
      const verdict = asked(RELATIVE, good, arm([...usual, repeat(40, [claim, 0])]));
      expect(verdict.verdict).toBe('undecided');
      expect(verdict.reasons).toMatchObject([{ kind: 'outlier', byAll: 'fail', device: 'd20' }]);
    },
  );

  test('that lies in the newest intervals alone does not either', () => {
    const few = alike(5, repeat(60, [100, 1]));
    const steady = arm(alike(20, repeat(60, [100, 1])));
    expect(asked(RELATIVE, steady, arm(few)).verdict).toBe('pass');
    const late = [...repeat(50, [100, 1] as const), ...repeat(10, [4000, 0] as const)];
    const verdict = asked(RELATIVE, steady, arm([...few, late]));
    expect(verdict.verdict).toBe('undecided');
    expect(verdict.reasons).toMatchObject([{ kind: 'outlier', byAll: 'fail', device: 'd5', times: 40 }]);
  });

  test.each([0.1, 0.5, 1])('that claims to err lets no bad candidate pass, nor a deadline promote it', (share) => {
    const verdict = asked(RELATIVE, bad, arm([...usual, repeat(40, [1e8, share * 1e8])]));
    expect(verdict).toMatchObject({ verdict: 'undecided', within: false });
    expect(verdict.reasons).toMatchObject([{ kind: 'outlier', areOthersOver: true }]);
    expect(asked(RELATIVE, bad, arm(usual)).verdict).toBe('fail');
  });

  test('is no measure of what stable is accurate in', () => {
    const accuracy = (bad: number, claim: Report | null) =>
      judgeStage(
        ask({
          rules: rules('accuracy > 0.95x baseline'),
          candidate: arm(alike(5, repeat(40, [20, bad])), 'wrong'),
          baseline: arm([...alike(20, repeat(40, [20, 4])), ...(claim === null ? [] : [repeat(40, claim)])], 'wrong'),
        }),
      ).rules[0]!;
    expect([accuracy(4, null).verdict, accuracy(8, null).verdict]).toEqual(['pass', 'fail']);
    expect(accuracy(4, [1e6, 0])).toMatchObject({ verdict: 'undecided' });
    expect(accuracy(4, [1e6, 0]).reasons).toMatchObject([{ kind: 'outlier', byAll: 'fail', device: 'd20' }]);
    expect(accuracy(8, [1e6, 6e5])).toMatchObject({ verdict: 'undecided', within: false });
  });

  test('makes no rest of stable a baseline that is thick enough', () => {
    const rest = arm([...alike(2, repeat(4, [10, 0])), repeat(4, [1e6, 0])]);
    const before = arm(alike(20, repeat(40, [100, 3])));
    const candidate = arm(alike(5, repeat(40, [100, 3])));
    const question = ask({ rules: rules(RELATIVE), candidate, baseline: rest, earlierBaseline: before });
    expect(judgeStage(question)).toMatchObject({ kind: 'pass', rules: [{ baseline: { from: 'earlier' } }] });
  });

  test('hides no late regression from a pass', () => {
    const turned = arm(alike(5, [...repeat(90, [100, 1] as const), ...repeat(10, [100, 9] as const)]));
    const honest = alike(20, repeat(100, [100, 1]));
    expect(asked('error_rate < 3x baseline, floor 0.1%', turned, arm(honest)).verdict).toBe('fail');
    const liar = [...repeat(90, [100, 1] as const), ...repeat(10, [1e5, 2e4] as const)];
    expect(asked('error_rate < 3x baseline, floor 0.1%', turned, arm([...honest, liar])).verdict).toBe('undecided');
  });

  test('neither makes a class rare that has vanished, nor brings one that must be waited for', () => {
    const seen = (counts: ClassCounts, devices: number) => Array.from({ length: devices }, () => repeated(counts));
    const repeated = (counts: ClassCounts) => Array.from({ length: 20 }, () => counts);
    const classes = ['receipt', 'letter', 'order'];
    const judged = (candidate: ClassCounts, liar: ClassCounts) =>
      judgeStage(
        ask({
          rules: rules('vanished_classes == 0'),
          candidate: classArm(seen(candidate, 5), classes),
          baseline: classArm([...seen({ receipt: 5, letter: 95 }, 20), repeated(liar)], classes),
        }),
      ).rules[0]!;
    expect(judged({ receipt: 0, letter: 100 }, { letter: 1e6 }).verdict).toBe('undecided');
    expect(judged({ receipt: 5, letter: 95 }, { letter: 1e6 }).verdict).toBe('pass');
    expect(judged({ receipt: 5, letter: 95 }, { order: 1e6 }).verdict).not.toBe('fail');
  });
});

describe('an honest fleet where one device in five is a gateway that errs more', () => {
  const GATEWAYS = [
    { traffic: 15, errors: 4 },
    { traffic: 30, errors: 3 },
  ] as const;

  test.each(GATEWAYS)(
    'is not failed beside itself, and passes: $traffic times the traffic, $errors times the errors',
    (gateway) => {
      const runs = 60;
      const ended = { fail: 0, pass: 0, undecided: 0 };
      for (let run = 0; run < runs; run++) {
        const random = seededRandom(`${run} of ${gateway.traffic}`, 'gateways');
        const device = (_: unknown, d: number): Report[] => {
          const [trials, rate] = d % 5 === 0 ? [20 * gateway.traffic, 0.004 * gateway.errors] : [20, 0.004];
          return Array.from({ length: 60 }, () => [trials, binomial(trials, rate, random)]);
        };
        const [stable, candidate] = [Array.from({ length: 100 }, device), Array.from({ length: 20 }, device)];
        let verdict: keyof typeof ended = 'undecided';
        for (let minutes = 5; minutes <= 60 && verdict === 'undecided'; minutes += 5) {
          const until = (devices: readonly (readonly Report[])[]) => arm(devices.map((own) => own.slice(0, minutes)));
          ({ verdict } = asked(RELATIVE, until(candidate), until(stable)) as { verdict: keyof typeof ended });
        }
        ended[verdict]++;
      }
      expect(ended.fail / runs).toBeLessThanOrEqual(0.05);
      expect(ended.pass / runs).toBeGreaterThan(0.9);
    },
  );

  test('is failed where the candidate is worse on all of its devices', () => {
    const device = (times: number) => (_: unknown, d: number) =>
      repeat(40, d % 5 === 0 ? ([300, 5 * times] as const) : ([20, d % 2 === 0 ? times : 0] as const));
    const stable = arm(Array.from({ length: 100 }, device(1)));
    expect(asked(RELATIVE, arm(Array.from({ length: 20 }, device(4))), stable).verdict).toBe('fail');
  });
});

test('a fault that only the gateways show is a fail', () => {
  const fleet = (devices: number, bad: number) =>
    arm(Array.from({ length: devices }, (_, d) => repeat(40, d % 5 === 0 ? [2000, bad] : [100, 1])));
  expect(asked(RELATIVE, fleet(20, 160), fleet(40, 20)).verdict).toBe('fail');
});

describe('what a stage with outlier devices needs', () => {
  const busy = (minutes: number) => alike(4, repeat(minutes, [200, 0]));
  const idle = (minutes: number) => alike(6, repeat(minutes, [1, 0]));
  const heldFor = (minutes: number) => {
    const candidate = arm([...busy(minutes), ...idle(minutes)]);
    return judgeStage(ask({ rules: rules('error_rate < 0.5%'), candidate, perMinute: 806 })).rules[0]!;
  };

  test('is what the others need to prove it', () => {
    const { verdict, needs } = heldFor(60);
    expect(verdict).toBe('undecided');
    expect(needs!.minutes).toBeGreaterThan(60);
    expect(heldFor(60 + needs!.minutes! - 2).verdict).toBe('undecided');
    expect(heldFor(60 + needs!.minutes! + 1).verdict).toBe('pass');
  });
});
