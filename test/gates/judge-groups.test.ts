// Laws of rules by group, on tallies that the real folding made of reports.
import { describe, expect, test } from 'vitest';
import { addToSketch, emptySketch, type Sketch } from '../../src/contract/sketch.ts';
import { parseRule, ruleWithLimit } from '../../src/documents/rules/rule-text.ts';
import { edgesToCount, freezeGroupLimits, freezeLimits } from '../../src/gates/freeze-limits.ts';
import { gaugeTermsOf } from '../../src/gates/gauge-terms.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { GroupFacts, StageQuestion } from '../../src/gates/stage-question.ts';
import type { StageRule } from '../../src/gates/stage-rule.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { applyFold, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { CANDIDATE, makeInterval, makeReport, makeSpec, STABLE } from '../telemetry/false-reports.ts';
import { ask } from './false-evidence.ts';

const MINUTE = 60_000;

/** What the devices of a group do. */
interface Group {
  readonly value: string;
  readonly devices: number;
  readonly errors?: number;
  readonly latencyMs?: number;
  /** Of its processors, 0..1. */
  readonly cpu?: number;
  /** All its errors come in every tenth minute. */
  readonly hasBursts?: boolean;
}

/** Twenty answers up to that time, one of them the slowest. */
const latencies = (ms: number): number[] => Array.from({ length: 20 }, (_, i) => ms * (0.62 + 0.02 * i));

const byHw = (text: string, limits: Readonly<Record<string, string>> = {}): StageRule => {
  const rule = parseRule(text);
  const own = Object.entries(limits).map(([value, limit]) => [value, ruleWithLimit(rule, limit)] as const);
  return { rule, grouping: { by: 'hw', limits: new Map(own) }, dryRun: false };
};

interface Fleet {
  readonly candidate: readonly Group[];
  readonly stable?: readonly Group[];
  readonly minutes?: number;
}

const STABLE_GROUPS: readonly Group[] = ['rev1', 'rev2', 'rev3'].map((value) => ({ value, devices: 10 }));

function question(
  rules: readonly StageRule[],
  { candidate, stable = STABLE_GROUPS, minutes = 20 }: Fleet,
): StageQuestion {
  const parsed = rules.flatMap((one) => [one.rule, ...(one.grouping?.limits.values() ?? [])]);
  const sketch = (ms: number): Sketch => {
    const all = emptySketch();
    for (const latency of latencies(ms)) addToSketch(all, latency, 50);
    return all;
  };
  const ofGroups = new Map(stable.map(({ value, latencyMs = 50 }) => [`hw:${value}`, sketch(latencyMs)]));
  const frozen = [...freezeLimits(parsed, sketch(50)), ...rules.flatMap((one) => freezeGroupLimits(one, ofGroups))];
  const values = [...new Set([...candidate, ...stable].map(({ value }) => value))].filter((value) => value !== 'odd');
  const gauges = parsed.flatMap((one) => gaugeTermsOf(one) ?? []);
  const spec = makeSpec({
    ...edgesToCount(parsed, frozen),
    groups: [{ by: 'hw', values }],
    ...(gauges.length === 0 ? {} : { gauges, events: [] }),
  });
  const tallies = emptyWindowTallies(spec);
  for (let minute = 0; minute < minutes; minute++) {
    for (const [arm, groups] of [['candidate', candidate] as const, ['stable', stable] as const]) {
      for (const { value, devices, errors = 0, latencyMs = 50, hasBursts = false, cpu = 0.5 } of groups) {
        for (let d = 0; d < devices; d++) {
          const digest = arm === 'candidate' ? CANDIDATE : STABLE;
          const runtime = hasBursts ? ((minute + d) % 10 === 0 ? 10 * errors : 0) : errors;
          const interval = makeInterval({ arm, digest, errors: { runtime } }, latencies(latencyMs));
          const report = {
            ...makeReport(`${arm}-${value}-${d}`, [interval]),
            labels: { hw: value },
            startedAt: new Date(minute * MINUTE).toISOString(),
            gauges: { cpu: { min: cpu, mean: cpu, max: cpu, samples: 12 } },
          };
          for (const folded of foldReport(spec, report, minute * MINUTE)) applyFold(tallies, folded);
        }
      }
    }
  }
  const outside = (value: string) => stable.find((one) => one.value === value)?.devices ?? 0;
  const facts = [...values, '(others)'].map((value): GroupFacts => {
    const own = candidate.find((one) => one.value === (value === '(others)' ? 'odd' : value));
    return {
      name: `hw:${value}`,
      value,
      installs: { bad: 0, good: own?.devices ?? 0, pending: 0 },
      outside: outside(value),
      isMember: (device) => device.split('-')[1] === value,
    };
  });
  return ask({
    rules,
    limits: frozen,
    candidate: tallies.candidate,
    baseline: stable.length === 0 ? null : tallies.stable,
    groups: new Map([['hw', facts]]),
    minimum: { devices: 1, inferences: 0 },
    openMs: minutes * MINUTE,
  });
}

const verdictOf = (rule: StageRule, fleet: Fleet) => judgeStage(question([rule], fleet)).rules[0]!;

const three = (odd: Partial<Group> = {}): Group[] => [
  { value: 'rev1', devices: 30 },
  { value: 'rev2', devices: 60 },
  { value: 'rev3', devices: 5, ...odd },
];

describe('a rule by group', () => {
  test('names the group at fault, which the same rule over all does not see', () => {
    const fleet = { candidate: three({ errors: 3 }) };
    expect(verdictOf({ rule: parseRule('error_rate < 0.5%'), dryRun: false }, fleet).verdict).toBe('pass');
    const found = verdictOf(byHw('error_rate < 0.5%'), fleet);
    expect(found).toMatchObject({ verdict: 'fail', by: 'hw', group: 'hw:rev3', estimate: 0.03, devices: 5 });
    expect(found.reasons).toEqual([{ kind: 'other-groups', count: 2, over: [], overCount: 0 }]);
    expect(found.groups?.map(({ name, verdict }) => [name, verdict])).toEqual([
      ['hw:rev1', 'pass'],
      ['hw:rev2', 'pass'],
      ['hw:rev3', 'fail'],
      ['hw:(others)', 'not-applicable'],
    ]);
  });

  test('passes when every group does, and waits for the one that has not', () => {
    expect(verdictOf(byHw('error_rate < 0.5%'), { candidate: three() })).toMatchObject({
      verdict: 'pass',
      within: true,
    });
    const waits = verdictOf(byHw('error_rate < 0.5%'), { candidate: three(), minutes: 1 });
    expect(waits).toMatchObject({ verdict: 'undecided', group: 'hw:rev3' });
    expect(waits.needs?.trials).toBeGreaterThan(0);
  });

  test("compares a group with the same group on stable: slow hardware is not the candidate's fault", () => {
    const slow = { latencyMs: 150 };
    const stable = STABLE_GROUPS.map((group) => (group.value === 'rev3' ? { ...group, ...slow } : group));
    const rule = byHw('latency_p95 < 1.5x baseline');
    expect(verdictOf(rule, { candidate: three(slow), stable }).verdict).toBe('pass');
    const slower = verdictOf(rule, { candidate: three(slow) });
    expect(slower).toMatchObject({ verdict: 'fail', group: 'hw:rev3' });
    expect(slower.estimate).toBeGreaterThan(140);
  });

  test('holds a group to its own limit, and says which', () => {
    const fleet = { candidate: three({ latencyMs: 180 }) };
    expect(verdictOf(byHw('latency_p99 < 150ms'), fleet)).toMatchObject({ verdict: 'fail', group: 'hw:rev3' });
    expect(verdictOf(byHw('latency_p99 < 150ms', { rev3: '200ms' }), fleet).verdict).toBe('pass');
    const over = verdictOf(byHw('latency_p99 < 150ms', { rev3: '160ms' }), fleet);
    expect(over).toMatchObject({ verdict: 'fail', rule: 'latency_p99 < 150ms', groupRule: 'latency_p99 < 160ms' });
  });

  test('judges unknown values and devices without the label together', () => {
    const fleet = { candidate: [...three(), { value: 'odd', devices: 4, errors: 10 }] };
    expect(verdictOf(byHw('error_rate < 0.5%'), fleet)).toMatchObject({ verdict: 'fail', group: 'hw:(others)' });
  });

  test('passes over a group with too few devices, and one that nothing is left to compare with', () => {
    const small = verdictOf(byHw('error_rate < 0.5%'), { candidate: three({ devices: 2, errors: 50 }) });
    expect(small).toMatchObject({ verdict: 'pass' });
    expect(small.groups?.[2]).toMatchObject({
      verdict: 'not-applicable',
      reasons: [{ kind: 'small-group', least: 3 }],
    });
    const stable = STABLE_GROUPS.filter(({ value }) => value !== 'rev3');
    const alone = verdictOf(byHw('error_rate < 2x baseline, floor 0.5%'), { candidate: three({ errors: 1 }), stable });
    expect(alone.groups?.[2]).toMatchObject({
      verdict: 'not-applicable',
      reasons: [{ kind: 'no-such-devices' }],
    });
  });

  test('does not apply where no group can be judged, and never fails a stage then', () => {
    const few = [{ value: 'rev1', devices: 2, errors: 50 }];
    expect(verdictOf(byHw('error_rate < 0.5%'), { candidate: few })).toMatchObject({ verdict: 'not-applicable' });
  });

  test('waits for the bursts of the same group on stable alone', () => {
    const asked = question([byHw('error_rate < 0.5%')], { candidate: three() });
    const verdictAfter = (bursting: string) => {
      const stable = STABLE_GROUPS.map((one) => ({ ...one, errors: 2, hasBursts: one.value === bursting }));
      const { baseline: history } = question([], { candidate: [], stable });
      return judgeStage({ ...asked, history }).rules[0]!;
    };
    expect(verdictAfter('none').verdict).toBe('pass');
    expect(verdictAfter('rev3')).toMatchObject({ verdict: 'undecided', group: 'hw:rev3' });
    expect(verdictAfter('rev3').reasons).toMatchObject([{ kind: 'bursts' }]);
    expect(verdictAfter('rev3').groups?.map(({ verdict }) => verdict)).toEqual([
      'pass',
      'pass',
      'undecided',
      'not-applicable',
    ]);
  });

  test('counts installs by group', () => {
    const asked = question([byHw('failed_devices < 5%')], { candidate: three() });
    const facts = asked
      .groups!.get('hw')!
      .map((one) => (one.value === 'rev3' ? { ...one, installs: { bad: 2, good: 3, pending: 0 } } : one));
    const installs = { bad: 2, good: 93, pending: 0 };
    const verdict = judgeStage({ ...asked, installs, groups: new Map([['hw', facts]]) });
    expect(verdict.rules[0]).toMatchObject({
      verdict: 'fail',
      group: 'hw:rev3',
      kind: 'share',
      sums: { bad: 2, good: 3 },
    });
    expect(verdict.because).toEqual([{ kind: 'rule', rule: 'failed_devices < 5% by hw' }]);
  });

  test('leaves the numbers of the stage those of all its devices, however few the group has that it names', () => {
    const stage = judgeStage(question([byHw('error_rate < 0.5%')], { candidate: three({ errors: 3 }) }));
    expect(stage.rules[0]).toMatchObject({ group: 'hw:rev3', devices: 5, trials: 5 * 20 * 100 });
    expect(stage.measured).toEqual({ devices: 95, inferences: 95 * 20 * 100 });
    expect(judgeStage(question([byHw('error_rate < 0.5%')], { candidate: [] })).measured).toEqual({
      devices: 0,
      inferences: 0,
    });
  });

  test('shares its part of the error level among the groups', () => {
    const values = Array.from({ length: 15 }, (_, i) => `v${i}`);
    const breach = { value: 'v0', devices: 5, errors: 2 };
    const groups = (all: readonly string[]): Group[] =>
      all.map((value) => (value === 'v0' ? breach : { value, devices: 5 }));
    const minutesToFind = (all: readonly string[]): number => {
      for (let minutes = 1; minutes < 60; minutes++) {
        const fleet = { candidate: groups(all), stable: [], minutes };
        if (verdictOf(byHw('error_rate < 1%'), fleet).verdict === 'fail') return minutes;
      }
      return 60;
    };
    expect(minutesToFind(values)).toBeGreaterThan(minutesToFind(['v0', 'v1']));
  });

  test('every number of its verdict can stand as JSON', () => {
    const verdict = judgeStage(
      question([byHw('latency_p95 < 1.5x baseline'), byHw('vanished_classes == 0'), byHw('confidence_drift < 0.1')], {
        candidate: three(),
      }),
    );
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  });
});

describe('a rule by group over a gauge', () => {
  test('finds the group whose devices are beyond the limit, though they are few among all', () => {
    const fleet = { candidate: three({ cpu: 0.97 }) };
    expect(verdictOf({ rule: parseRule('cpu < 85% for 5m'), dryRun: false }, fleet).verdict).toBe('pass');
    const found = verdictOf(byHw('cpu < 85% for 5m'), fleet);
    expect(found).toMatchObject({ verdict: 'fail', group: 'hw:rev3', devices: 5 });
    expect(found.estimate).toBeCloseTo(0.97);
    expect(found).toMatchObject({ kind: 'gauge', sums: { bad: 5, good: 0 } });
  });

  test('holds each group to its own limit, and compares it with the same group on stable', () => {
    const hot = three({ cpu: 0.9 });
    expect(verdictOf(byHw('cpu < 85% for 5m', { rev3: '95%' }), { candidate: hot }).verdict).toBe('pass');
    const stable = [...STABLE_GROUPS.slice(0, 2), { value: 'rev3', devices: 10, cpu: 0.85 }];
    const relative = byHw('cpu < 1.5x baseline');
    expect(verdictOf(relative, { candidate: hot, stable }).verdict).toBe('pass');
    expect(verdictOf(relative, { candidate: three({ devices: 20, cpu: 0.9 }) })).toMatchObject({
      verdict: 'fail',
      group: 'hw:rev3',
    });
  });

  test('passes over a group of which stable has no devices', () => {
    const stable = STABLE_GROUPS.slice(0, 2);
    expect(verdictOf(byHw('cpu < 1.5x baseline'), { candidate: three({ cpu: 0.9 }), stable })).toMatchObject({
      verdict: 'pass',
    });
  });
});
