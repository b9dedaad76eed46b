// Laws of recovery: what failed once stays failed in the sums; whether it holds again is told by what is so now.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { holdsNow } from '../../src/gates/recovery.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import type { GroupFacts, StageDeliveries, StageQuestion } from '../../src/gates/stage-question.ts';
import type { StageRule } from '../../src/gates/stage-rule.ts';
import { alike, arm, ask, type Report, repeat } from './false-evidence.ts';

function judge(text: string, question: Partial<StageQuestion>, over: Partial<StageRule> = {}): RuleVerdict {
  const [verdict] = judgeStage(ask({ rules: [{ rule: parseRule(text), dryRun: false, ...over }], ...question })).rules;
  return verdict!;
}

describe('a rule over a rate', () => {
  const bad = repeat(10, [100, 10] as Report);
  const MINUTE = 60_000;
  const errors = (devices: readonly (readonly Report[])[], openMs: number): RuleVerdict =>
    judge('error_rate < 1%', { candidate: arm(devices.map((after) => [...bad, ...after])), openMs });

  test('holds again once the newest window is half over and within, on enough of it to tell', () => {
    const held = (report: Report, minutes: number): RuleVerdict =>
      errors(alike(5, repeat(minutes, report)), (10 + minutes) * MINUTE);
    expect(held([90, 0], 0)).toMatchObject({ verdict: 'fail' });
    for (const minutes of [0, 1, 4]) expect(holdsNow(held([90, 0], minutes))).toBe(false);
    const half = held([90, 0], 5);
    expect(half).toMatchObject({ verdict: 'fail', recovered: true });
    expect(holdsNow(half)).toBe(true);
    const few = held([20, 0], 5);
    expect(few).toMatchObject({ verdict: 'fail' });
    expect(few).not.toHaveProperty('recovered');
    expect(holdsNow(held([90, 1], 9))).toBe(false);
  });

  test('says nothing by a window that is long over', () => {
    const quiet = (minutes: number): boolean => holdsNow(errors(alike(5, repeat(10, [90, 0])), minutes * MINUTE));
    expect([25, 26].map(quiet)).toEqual([true, false]);
  });

  test('needs half of the devices in the newest window: whoever reports first is alone in it', () => {
    const some = (count: number): boolean =>
      holdsNow(errors([...alike(count, repeat(6, [500, 0])), ...alike(200 - count, [])], 16 * MINUTE));
    expect([1, 99, 100, 200].map(some)).toEqual([false, false, true, true]);
  });

  test('one device neither ends a pause nor holds it, whatever it claims', () => {
    const claims = fc.integer({ min: 0, max: 1e9 }).chain((trials) => fc.tuple(fc.constant(trials), fc.nat(trials)));
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 12 }), claims, (others, claim) => {
        const beside = (report: Report): boolean =>
          holdsNow(errors([...alike(others, repeat(6, report)), [claim, ...repeat(5, [0, 0])]], 16 * MINUTE));
        expect(beside([200, 4])).toBe(false);
        expect(beside([200, 0])).toBe(true);
      }),
    );
  });

  test('about any device, or about a share of them, is left to a person', () => {
    const after = repeat(9, [100, 0] as Report);
    const alone = judge(
      'error_rate < 1%',
      { candidate: arm([[...bad, ...after], ...alike(4, repeat(19, [100, 0]))]) },
      {
        scope: 'any-device',
      },
    );
    expect(alone).toMatchObject({ verdict: 'fail' });
    expect(holdsNow(alone)).toBe(false);
  });
});

describe('a rule over deliveries', () => {
  const MINUTE = 60_000;
  const rule = 'undelivered_devices < 5% after 30m';
  /** So many of 40 devices had the version in time, late, or not at all, an hour after they heard of it. */
  const counted = (late: number, missing: number): { deliveries: () => StageDeliveries } => {
    const names = Array.from({ length: 40 }, (_, i) => `d${i}`);
    const gotAt = (i: number): number | null => (i < missing ? null : (i < missing + late ? 40 : 5) * MINUTE);
    const devices = names.map((_, i) => ({ heardAtMs: 0, gotAtMs: gotAt(i) }));
    return { deliveries: () => ({ names, devices, nowMs: 60 * MINUTE }) };
  };

  test('holds again once so few are still without the version, though it came late to the others', () => {
    expect(judge(rule, counted(0, 2))).toMatchObject({ verdict: 'fail', sums: { bad: 2 } });
    expect(holdsNow(judge(rule, counted(1, 2)))).toBe(false);
    const late = judge(rule, counted(2, 1));
    expect(late).toMatchObject({ verdict: 'fail', sums: { bad: 3 }, recovered: true });
    expect(holdsNow(late)).toBe(true);
  });

  test('by group holds again once it does in every group that failed', () => {
    const byGroups = (b: number): RuleVerdict => {
      const facts = (value: string, missing: number): GroupFacts => ({
        ...{ name: `site:${value}`, value, outside: 0, installs: { bad: 0, good: 40, pending: 0 } },
        ...counted(5, missing),
      });
      const groups = new Map([['site', [facts('a', 1), facts('b', b)]]]);
      return judge(rule, { groups }, { grouping: { by: 'site', limits: new Map() } });
    };
    expect(byGroups(1)).toMatchObject({ verdict: 'fail', recovered: true });
    expect(byGroups(2)).toMatchObject({ verdict: 'fail' });
    expect(holdsNow(byGroups(2))).toBe(false);
  });
});

test('a failed rule over classes, drift or loss does not hold again by itself: only a person can tell', () => {
  const facts = judge('error_rate < 1%', { candidate: arm(alike(5, repeat(10, [100, 10]))) });
  for (const kind of ['classes', 'histogram', 'blank'] as const)
    expect(holdsNow({ ...facts, kind } as RuleVerdict)).toBe(false);
});
