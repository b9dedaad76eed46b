// Laws of recovery: what failed once stays failed in the sums; whether it holds again is told by what is so now.
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
  const errors = (after: readonly Report[], over: Partial<StageRule> = {}): RuleVerdict =>
    judge('error_rate < 1%', { candidate: arm(alike(5, [...bad, ...after])) }, over);

  test('holds again once the newest ten intervals are within, on enough of them to tell', () => {
    expect(errors([])).toMatchObject({ verdict: 'fail' });
    expect(holdsNow(errors([]))).toBe(false);
    const one = errors(repeat(1, [90, 0]));
    expect(one).toMatchObject({ verdict: 'fail' });
    expect(one).not.toHaveProperty('recovered');
    const some = errors(repeat(2, [90, 0]));
    expect(some).toMatchObject({ verdict: 'fail', recovered: true });
    expect(holdsNow(some)).toBe(true);
    expect(holdsNow(errors(repeat(9, [90, 1])))).toBe(false);
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
