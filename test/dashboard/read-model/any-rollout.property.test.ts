// Laws of the read model that hold whatever a rollout is: each view fits its schema, and nothing that others wrote breaks out of its place.
import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { NO_CYCLE } from '../../../src/dashboard/read-model/cycle-facts.ts';
import { personNeeds } from '../../../src/dashboard/read-model/person-needs.ts';
import { rolloutRow } from '../../../src/dashboard/read-model/rollout-row.ts';
import { rolloutView } from '../../../src/dashboard/read-model/rollout-view.ts';
import { relativeToLimit, ruleView } from '../../../src/dashboard/read-model/rule-view.ts';
import type { RuleVerdict } from '../../../src/gates/rule-verdict.ts';
import { decideRollout } from '../../../src/rollout/decide-rollout.ts';
import type { Outlook } from '../../../src/rollout/outlook.ts';
import { ruleStateOf } from '../../../src/rollout/rollout-state.ts';
import { facts } from '../../rollout/any-facts.ts';
import { ruleVerdict } from '../../rollout/false-world.ts';
import { problemsOf } from './schema-of-answers.ts';
import { isUsableView } from './usable-view.ts';

const HOSTILE = [
  '<script>alert(1)</script>',
  '\u202Egnp.exe',
  '👩‍👩‍👧‍👦',
  'a'.repeat(10_000),
  '\u0000\u001b[31m',
  '__proto__',
  '',
];
const hostile = fc.oneof(fc.constantFrom(...HOSTILE), fc.string({ unit: 'binary', maxLength: 300 }));
const odd = fc.option(fc.oneof(fc.double(), fc.constantFrom(Number.NaN, Number.POSITIVE_INFINITY, -0, 0, 1e-300)));

const rule: fc.Arbitrary<RuleVerdict> = fc
  .record({
    kind: fc.constantFrom('pass', 'fail', 'undecided', 'not-applicable' as const),
    more: fc.record({
      rule: hostile,
      metric: fc.oneof(fc.constantFrom('error_rate', 'latency_p95'), hostile),
      within: fc.boolean(),
      dryRun: fc.boolean(),
      ...{ estimate: odd, lower: odd, upper: odd, limit: odd },
      trials: fc.nat(),
      devices: fc.nat(),
      goodSide: fc.constantFrom('below', 'above', null),
      unit: fc.constantFrom('ratio', 'ms', 'celsius', 'count', 'per-hour', 'bytes', 'divergence'),
      worstDevice: fc.option(hostile),
      baseline: fc.option(
        fc.record({ estimate: odd, devices: fc.nat(), from: fc.constantFrom('beside', 'earlier', 'offline') }),
      ),
      needs: fc.option(fc.record({ trials: fc.nat(), minutes: fc.option(fc.nat()) })),
    }),
  })
  .map(({ kind, more }) => ruleVerdict('error_rate < 1%', kind as 'pass', more as object));

/** Names of a rollout as nobody may choose them. */
function renamed(outlook: Outlook, name: string): Outlook {
  const { candidate, stable, stage } = outlook;
  const over = (value: string | null): string | null => (value === null ? null : name);
  return {
    ...outlook,
    rollout: name,
    model: name,
    target: name,
    candidate: over(candidate),
    stable: over(stable),
    stage: over(stage),
  };
}

describe('whatever the rollout', () => {
  it('its row and its page fit their schemas, and hold lines of visible text', () => {
    fc.assert(
      fc.property(facts, hostile, fc.array(rule, { maxLength: 4 }), (given, name, rules) => {
        const decided = renamed(decideRollout(given).outlook, name);
        const verdict = decided.verdict === null ? null : { ...decided.verdict, rules };
        const outlook = { ...decided, verdict };
        const row = rolloutRow(outlook, given);
        const asOf = { atMs: 1, commit: null, sequence: 1, publication: 0 };
        const view = rolloutView({
          ...{ asOf, row, outlook, facts: given, histories: new Map(), reading: undefined, history: [] },
          ...{ findDevice: () => undefined, contradicting: 0, runbookOf: () => null },
        });
        expect(problemsOf('RolloutRow', row)).toEqual([]);
        expect(problemsOf('RolloutView', view)).toEqual([]);
        expect(isUsableView(view)).toEqual([]);
        const mayResume = view.acts.find(({ act }) => act === 'resume')?.isAllowed;
        expect(mayResume).toBe(given.spec.suspend ?? false);
        const needs = personNeeds({ ...NO_CYCLE, outlooks: [outlook] }, [row], [name]);
        for (const need of needs) expect(problemsOf('PersonNeed', need)).toEqual([]);
        expect(JSON.stringify(view).length).toBeLessThan(200_000);
      }),
      { numRuns: 300 },
    );
  });

  it('a rule is in trouble only where it is undecided and not within its limit', () => {
    fc.assert(
      fc.property(rule, (one) => {
        const state = ruleStateOf(one);
        if (state === 'in-trouble') expect([one.verdict, one.within, one.dryRun]).toEqual(['undecided', false, false]);
        if (one.verdict === 'fail' && !one.dryRun) expect(state).toBe('fail');
        expect(problemsOf('RuleView', ruleView(one, { terms: null }))).toEqual([]);
      }),
    );
  });
});

test('a thousand rules make a page that a browser can read', () => {
  const rules = Array.from({ length: 1_500 }, (_, i) =>
    ruleVerdict(`latency_p95 < ${i + 1}ms`, 'undecided', { estimate: 0.5, within: false, trials: 9 } as object),
  );
  const outlook = {
    ...{ rollout: 'r', model: 'm', target: '*', revision: 1, stage: 's', candidate: '2', stable: '1', cohort: null },
    ...{
      verdict: {
        kind: 'undecided',
        rules,
        because: [],
        measured: { devices: 1, inferences: 1 },
        method: 'slipway-stats/5',
      },
    },
    ...{ window: null, terms: null, rejected: null, waitingOn: [], conditions: [] },
  } as Outlook;
  const row = rolloutRow(outlook, undefined);
  const view = rolloutView({
    ...{
      asOf: { atMs: 1, commit: null, sequence: 1, publication: 0 },
      row,
      outlook,
      facts: undefined,
      histories: new Map(),
    },
    ...{ reading: undefined, history: [], findDevice: () => undefined, contradicting: 0, runbookOf: () => null },
  });
  expect(view.rules).toHaveLength(1_000);
  expect(view.explanation.length).toBeLessThanOrEqual(20_000);
  expect(problemsOf('RolloutView', view)).toEqual([]);
});

describe('seen from its limit', () => {
  const at = (
    value: number | null,
    limit: number | null,
    goodSide: 'below' | 'above' | null,
    unit: RuleVerdict['unit'] = 'ratio',
  ) => relativeToLimit(value, { limit, goodSide, unit });

  it('0 is the limit, good is left, bad is right, whatever the side and the unit', () => {
    expect(at(0.01, 0.01, 'below')).toBe(0);
    expect(at(0, 0.01, 'below')).toBe(-1);
    expect(at(0.015, 0.01, 'below')).toBeCloseTo(0.5);
    expect(at(0.9, 0.01, 'below')).toBe(1);
    expect(at(0.99, 0.98, 'above')).toBeCloseTo(-0.5);
    expect(at(0.49, 0.98, 'above')).toBeCloseTo(0.5);
    expect(at(60, 80, 'below', 'celsius')).toBeCloseTo(-0.25);
    expect(at(0, 0, 'below', 'count')).toBe(0);
    expect(at(3, 0, 'below', 'count')).toBe(1);
  });

  it('is nothing where there is no limit, no side or no number', () => {
    expect([at(null, 1, 'below'), at(Number.NaN, 1, 'below'), at(1, null, 'below'), at(1, 1, null)]).toEqual([
      null,
      null,
      null,
      null,
    ]);
  });

  it('keeps the order of values and never leaves -1..1', () => {
    const number = fc.double({ noNaN: true, min: -1e9, max: 1e9 });
    fc.assert(
      fc.property(number, number, number, (a, b, limit) => {
        const [x, y] = [at(a, limit, 'below', 'ms') ?? 0, at(b, limit, 'below', 'ms') ?? 0];
        expect(Math.max(Math.abs(x), Math.abs(y))).toBeLessThanOrEqual(1);
        if (a < b) expect(x).toBeLessThanOrEqual(y);
      }),
    );
  });
});
