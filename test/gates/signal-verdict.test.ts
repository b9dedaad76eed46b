// Laws of verdicts on outside signals: only an unbroken time of usable answers decides.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseSignalLimit, parseSignalPass } from '../../src/documents/rules/signal-rule-text.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import {
  addAnswer,
  NO_ANSWERS,
  type SignalReading,
  type SignalRule,
  type SignalSample,
  type SignalState,
} from '../../src/gates/signal-track.ts';
import { judgeSignal } from '../../src/gates/signal-verdict.ts';
import { alike, arm, ask, repeat } from './false-evidence.ts';

const RULE: SignalRule = {
  ...parseSignalLimit('errors < 5 for 1m'),
  from: { kind: 'prometheus', provider: 'main', query: [] },
  dryRun: false,
};
const DESK: SignalRule = {
  ...parseSignalPass('desk passes'),
  from: { kind: 'webhook', provider: 'desk' },
  dryRun: false,
};
const GAP_MS = 45_000;

function sample(second: number, within: boolean | null): SignalSample {
  return { atMs: second * 1000, value: within === null ? null : within ? 1 : 9, within, reason: '' };
}

function reading(samples: readonly SignalSample[], state: SignalState = { kind: 'answering' }): SignalReading {
  const track = samples.reduce((before, one) => addAnswer(before, one, GAP_MS), NO_ANSWERS);
  return { asked: 'errors', longestGapMs: GAP_MS, state, track };
}

function verdictOn(samples: readonly SignalSample[], rule = RULE): string {
  return judgeSignal(rule, reading(samples)).verdict;
}

const every15 = (count: number, within: boolean, from = 0): SignalSample[] =>
  Array.from({ length: count }, (_, i) => sample(from + 15 * i, within));

test('a rule decides when its answers said the same for its time, and not before', () => {
  for (const [within, verdict] of [
    [true, 'pass'],
    [false, 'fail'],
  ] as const) {
    expect(verdictOn(every15(4, within))).toBe('undecided');
    expect(verdictOn(every15(5, within))).toBe(verdict);
  }
});

test('one answer of the other kind starts the count anew', () => {
  expect(verdictOn([...every15(5, true), sample(75, false)])).toBe('undecided');
  expect(verdictOn([...every15(10, false), sample(150, true), ...every15(4, false, 165)])).toBe('undecided');
});

test('a pause longer than three answers starts the count anew, and so does a clock that jumps', () => {
  expect(verdictOn([sample(0, false), sample(30, false), sample(76, false)])).toBe('undecided');
  expect(verdictOn([sample(0, true), sample(40, true), sample(-3600, true)])).toBe('undecided');
  expect(verdictOn([sample(0, true), sample(40, true), sample(7200, true)])).toBe('undecided');
});

test('fewer than three answers decide nothing, however long they lie apart', () => {
  const short: SignalRule = { ...RULE, sustainedMs: 0 };
  expect(verdictOn([sample(0, false), sample(40, false)], short)).toBe('undecided');
  expect(verdictOn([sample(0, false), sample(1, false), sample(2, false)], short)).toBe('fail');
});

test("a webhook's newest answer counts at once; undecided is an answer, too", () => {
  expect(verdictOn([sample(0, true)], DESK)).toBe('pass');
  expect(verdictOn([sample(0, true), sample(15, false)], DESK)).toBe('fail');
  expect(verdictOn([sample(0, true), sample(15, null)], DESK)).toBe('undecided');
  expect(verdictOn([sample(0, true)], { ...DESK, sustainedMs: 60_000 })).toBe('undecided');
});

describe('whatever was answered before,', () => {
  const samples = fc
    .array(fc.tuple(fc.integer({ min: 0, max: 60 }), fc.option(fc.boolean())), { maxLength: 60 })
    .map((steps) => {
      let second = 0;
      return steps.map(([pause, within]) => {
        second += pause;
        return sample(second, within);
      });
    });

  test('a provider that is silent or rests neither passes nor fails, nor counts as observed within its limit', () => {
    fc.assert(
      fc.property(samples, fc.boolean(), fc.constantFrom(RULE, DESK), (given, isSilent, rule) => {
        const state: SignalState = isSilent
          ? { kind: 'silent', why: { kind: 'said', text: 'it is away' }, sinceMs: 0 }
          : { kind: 'resting', why: 'not-ready' };
        const judged = judgeSignal(rule, reading(given, state));
        expect(judged).toMatchObject({ verdict: 'undecided', within: false });
        expect(judged.reasons).toHaveLength(1);
      }),
    );
  });

  test('the verdict can be worked out again from its sums, and they stay small', () => {
    fc.assert(
      fc.property(samples, (given) => {
        const judged = judgeSignal(RULE, reading(given));
        expect(judged.kind).toBe('signal');
        if (judged.kind !== 'signal') return;
        const { asked, longestGapMs, state, track } = JSON.parse(JSON.stringify(judged.sums)) as SignalReading;
        expect(judgeSignal(RULE, { asked, longestGapMs, state, track })).toEqual(judged);
        expect(judged.sums.track.samples.length).toBeLessThanOrEqual(12);
      }),
    );
  });

  test('a fail rests on answers beyond the limit alone, a pass on answers within it alone', () => {
    fc.assert(
      fc.property(samples, (given) => {
        const judged = judgeSignal(RULE, reading(given));
        const { verdict } = judged;
        if (verdict === 'undecided' || judged.kind !== 'signal') return;
        const last = given.slice(-(judged.sums.track.run?.count ?? 0));
        expect(last.length).toBeGreaterThanOrEqual(3);
        expect(last.every((one) => one.within === (verdict === 'pass'))).toBe(true);
        expect((last.at(-1)?.atMs ?? 0) - (last[0]?.atMs ?? 0)).toBeGreaterThanOrEqual(60_000);
      }),
    );
  });
});

test('a signal fails or holds its stage like any rule, unless it is a dry run', () => {
  const question = ask({ rules: [], minimum: { devices: 0, inferences: 0 } });
  const judged = (rule: SignalRule, given: SignalReading | null) =>
    judgeStage({ ...question, signals: [{ rule, reading: given }] });
  expect(judged(RULE, null)).toMatchObject({ kind: 'undecided', because: [{ kind: 'rule', rule: RULE.source }] });
  expect(judged(RULE, reading(every15(5, false)))).toMatchObject({
    kind: 'fail',
    because: [{ kind: 'rule', rule: RULE.source }],
  });
  expect(judged(RULE, reading(every15(5, true)))).toMatchObject({ kind: 'pass', because: [] });
  expect(judged({ ...RULE, dryRun: true }, reading(every15(5, false))).kind).toBe('pass');
});

test('a signal takes no share of the error level of rules that are decided on a sample', () => {
  const signals = [RULE, DESK].map((rule) => ({ rule, reading: reading(every15(5, true)) }));
  const verdicts = new Set<string>();
  // Growing evidence passes the place where a smaller share would still be undecided.
  for (let reports = 1; reports <= 40; reports++) {
    const question = ask({ candidate: arm(alike(5, repeat(reports, [20, 1]))) });
    const [alone] = judgeStage(question).rules;
    expect(judgeStage({ ...question, signals }).rules[0]).toEqual(alone);
    verdicts.add(alone?.verdict ?? '');
  }
  expect([...verdicts]).toEqual(['undecided', 'fail']);
});
