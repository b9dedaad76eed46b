// Laws of forecasts by group: each group as it will be judged, and the slowest decides.
import { expect, test } from 'vitest';
import { seededRandom } from '../../../src/base/random.ts';
import { parseRule, ruleWithLimit } from '../../../src/documents/rules/rule-text.ts';
import { forecastByGroup, type ReckonedGroup, slowestGroup } from '../../../src/gates/forecast/group-forecast.ts';
import type { ForecastQuestion } from '../../../src/gates/forecast/rule-forecast.ts';
import { judgeStage } from '../../../src/gates/judge-stage.ts';
import type { GroupFacts } from '../../../src/gates/stage-question.ts';
import type { RuleGrouping, StageRule } from '../../../src/gates/stage-rule.ts';
import { binomial } from '../../../src/simulation/sampling.ts';
import { arm, ask, type Report } from '../false-evidence.ts';

const PER_MINUTE = 60;
const RUNS = 40;
const QUESTION: ForecastQuestion = {
  ...{ devices: 40, others: 60, perMinute: PER_MINUTE, intervalMs: 60_000, alpha: 0.05, beta: 0.05, health: 0.4 },
};

const byHw = (text: string, limits: RuleGrouping['limits'] = new Map()) => {
  const grouping: RuleGrouping = { by: 'hw', limits };
  return { asked: { rule: parseRule(text), grouping, dryRun: false } satisfies StageRule, grouping };
};

const group = (value: string, devices: number, others = 10): ReckonedGroup => ({
  ...{ name: `hw:${value}`, value, devices, others, perMinute: PER_MINUTE },
});

function forecast(
  text: string,
  groups: readonly ReckonedGroup[],
  count = groups.length,
  limits?: RuleGrouping['limits'],
) {
  const { asked, grouping } = byHw(text, limits);
  return forecastByGroup(asked, grouping, { groups, count, isWhole: false }, QUESTION);
}

function sampled(one: ReturnType<typeof forecast>[number] | undefined) {
  if (one?.forecast.kind !== 'sampled') throw new Error(`${one?.name}: ${one?.forecast.kind}`);
  return one.forecast;
}

const SIZES: Readonly<Record<string, number>> = { rev1: 20, rev2: 6, rev3: 4, '(others)': 0 };

/** Part of the runs in which the rule has this verdict after so many minutes, with rev3's devices at that rate. */
function share(
  text: string,
  verdict: 'pass' | 'fail',
  minutes: number,
  rate: { well: number; ofRev3: number },
): number {
  const { asked } = byHw(text);
  let count = 0;
  for (let run = 0; run < RUNS; run++) {
    const random = seededRandom(run, `${text} by group ${verdict} ${minutes}`);
    const drawn = Object.entries(SIZES).map(([value, devices]) => {
      const own = value === 'rev3' ? rate.ofRev3 : rate.well;
      const report = (): Report => [PER_MINUTE, binomial(PER_MINUTE, own, random)];
      return [value, Array.from({ length: devices }, () => Array.from({ length: minutes }, report))] as const;
    });
    const candidate = arm(drawn.flatMap(([, reports]) => reports));
    for (const [value, reports] of drawn) if (reports.length > 0) candidate.groups.set(`hw:${value}`, arm(reports));
    const facts = drawn.map(([value, reports]): GroupFacts => {
      return { name: `hw:${value}`, value, installs: { bad: 0, good: reports.length, pending: 0 }, outside: 10 };
    });
    const question = ask({ rules: [asked], candidate, groups: new Map([['hw', facts]]), deadlineMs: null });
    if (judgeStage(question).rules[0]?.verdict === verdict) count++;
  }
  return count / RUNS;
}

test('what is planned by group comes about: the smallest group passes and is caught about when it was said', () => {
  const text = 'error_rate < 1%';
  const groups = Object.entries(SIZES).map(([value, devices]) => group(value, devices));
  const slowest = slowestGroup(forecast(text, groups));
  expect(slowest).toMatchObject({ name: 'hw:rev3', devices: 4 });
  const { pass, fail } = sampled(slowest);
  for (const [verdict, needed] of [['pass', pass] as const, ['fail', fail] as const]) {
    const rate = { well: pass.value, ofRev3: needed.value };
    const late = Math.ceil(1.7 * needed.minutes!) + 1;
    const early = Math.floor(0.5 * needed.minutes!);
    expect(share(text, verdict, late, rate), `${verdict} in ${late} min`).toBeGreaterThan(0.65);
    expect(share(text, verdict, early, rate), `${verdict} in ${early} min`).toBeLessThan(0.6);
  }
});

test('groups share the error level of a fail, and none of it for a pass', () => {
  const groups = [group('rev1', 10), group('rev2', 10)];
  const [few, many] = [forecast('error_rate < 1%', groups, 2), forecast('error_rate < 1%', groups, 16)];
  expect(sampled(many[0]).fail.inferences!).toBeGreaterThan(sampled(few[0]).fail.inferences!);
  expect(sampled(many[0]).pass).toEqual(sampled(few[0]).pass);
});

test('a group of fewer than three devices is passed over, and decides nothing', () => {
  const found = forecast('error_rate < 1%', [group('rev1', 30), group('rev2', 2)]);
  expect(found[1]?.forecast).toEqual({ kind: 'passed-over' });
  expect(slowestGroup(found)?.name).toBe('hw:rev1');
  expect(slowestGroup(forecast('error_rate < 1%', [group('rev2', 2)]))).toBeUndefined();
});

test('a group is forecast by its own limit and its own traffic', () => {
  const rule = parseRule('error_rate < 1%');
  const limits = new Map([['rev2', ruleWithLimit(rule, '0.1%')]]);
  const inliers = { ...group('rev3', 10), perMinute: 1 };
  const [usual, strict, slow] = forecast('error_rate < 1%', [group('rev1', 10), group('rev2', 10), inliers], 3, limits);
  expect([sampled(usual).limit, sampled(strict).limit]).toEqual([0.01, 0.001]);
  expect(strict?.rule).toBe('error_rate < 0.1%');
  expect(sampled(slow).pass.minutes!).toBeCloseTo(60 * sampled(usual).pass.minutes!, 6);
});

test('what stays unseen is that of the group, and nothing where the stage takes in all', () => {
  const { asked, grouping } = byHw('error_rate < 1%');
  const unseen = (isWhole: boolean) =>
    forecastByGroup(asked, grouping, { groups: [group('rev1', 5)], count: 2, isWhole }, QUESTION)[0]?.unseenShare;
  expect(unseen(false)).toBeCloseTo(0.45, 2);
  expect(unseen(true)).toBe(0);
});
