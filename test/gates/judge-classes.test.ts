// Laws of rules over classes: a class that vanishes is found and named, and nothing else is.
import { describe, expect, test } from 'vitest';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { StageQuestion } from '../../src/gates/stage-question.ts';
import { classArm, DOCUMENTS, type Shares, traffic, without } from './false-classes.ts';
import { ask, rules } from './false-evidence.ts';

const MISSING = without(DOCUMENTS, 'receipt', 'invoice');

interface World {
  readonly seed?: string;
  readonly shares: Shares;
  readonly intervals: number;
  readonly devices?: number;
  readonly answers?: number;
}

function question(
  { seed = 'a', shares, intervals, devices = 10, answers = 60 }: World,
  rule = 'vanished_classes == 0',
) {
  const candidate = classArm(traffic(`${seed} candidate`, { shares, devices, intervals, answers }));
  const baseline = classArm(traffic(`${seed} stable`, { shares: DOCUMENTS, devices: 40, intervals }));
  return ask({ rules: rules(rule), candidate, baseline, minimum: { devices: 3, inferences: 0 } });
}

const judge = (asked: StageQuestion) => judgeStage(asked).rules[0]!;

describe('vanished_classes == 0', () => {
  test('names the class that is gone, how far it fell, and on how many devices', () => {
    const verdict = judge(question({ shares: MISSING, intervals: 8 }));
    expect(verdict.verdict).toBe('fail');
    expect(verdict.reasons).toMatchObject([{ kind: 'class-fell', name: 'receipt', to: 0, devices: 10, total: 10 }]);
    expect(verdict.estimate).toBe(1);
  });

  test('is found within five intervals in the median, at 10 devices of 60 answers a minute and a class of 4%', () => {
    const minutes = Array.from({ length: 21 }, (_, run) => {
      for (let intervals = 1; intervals <= 30; intervals++) {
        const { verdict } = judge(question({ seed: `run ${run}`, shares: MISSING, intervals }));
        expect(verdict).not.toBe('pass');
        if (verdict === 'fail') return intervals;
      }
      return 31;
    }).sort((a, b) => a - b);
    expect(minutes[10]).toBeLessThanOrEqual(5);
    expect(minutes[20]).toBeLessThanOrEqual(10);
  });

  test('a class of 1% that is gone is found within twelve minutes', () => {
    const rare = { ...DOCUMENTS, receipt: 0.01, invoice: 0.37 };
    const arms = (intervals: number) =>
      ask({
        rules: rules('vanished_classes == 0'),
        candidate: classArm(traffic('rare c', { shares: without(rare, 'receipt', 'invoice'), devices: 10, intervals })),
        baseline: classArm(traffic('rare s', { shares: rare, devices: 40, intervals })),
      });
    expect(judge(arms(2)).verdict).toBe('undecided');
    expect(judge(arms(12)).verdict).toBe('fail');
  });

  test('a good candidate is never failed, and passes once each class was seen often enough', () => {
    for (let run = 0; run < 60; run++) {
      for (const intervals of [2, 5, 12, 25]) {
        const { verdict } = judge(question({ seed: `good ${run}`, shares: DOCUMENTS, intervals }));
        expect(verdict).not.toBe('fail');
        if (intervals === 25) expect(verdict).toBe('pass');
      }
    }
  });

  test('a class that became half as frequent has not vanished', () => {
    const half = { ...DOCUMENTS, receipt: 0.02, invoice: 0.36 };
    for (let run = 0; run < 30; run++) {
      expect(judge(question({ seed: `half ${run}`, shares: half, intervals: 20 })).verdict).not.toBe('fail');
    }
  });

  test('one device that never says the class does not fail the stage, and is named', () => {
    const gone = traffic('one', { shares: MISSING, devices: 1, intervals: 10, answers: 600 });
    const rest = traffic('others', { shares: DOCUMENTS, devices: 4, intervals: 10, answers: 10 });
    const asked = question({ shares: DOCUMENTS, intervals: 10 });
    const verdict = judge({ ...asked, candidate: classArm([...gone, ...rest]) });
    expect(verdict.verdict).toBe('undecided');
    expect(verdict.reasons).toMatchObject([{ kind: 'class-open', why: { kind: 'one-device' } }]);
  });

  test('devices that never saw the class under stable either do not miss it', () => {
    const asked = question({ shares: MISSING, intervals: 20 });
    const photoBooths = classArm(traffic('before', { shares: MISSING, devices: 10, intervals: 20 }));
    expect(judge({ ...asked, restBaseline: photoBooths }).verdict).toBe('undecided');
    expect(judge({ ...asked, restBaseline: photoBooths }).reasons).toMatchObject([
      { kind: 'class-open', why: { kind: 'own-past' } },
    ]);
    const scanners = classArm(traffic('before', { shares: DOCUMENTS, devices: 10, intervals: 20 }));
    expect(judge({ ...asked, restBaseline: scanners }).verdict).toBe('fail');
    const hardlyKnown = classArm(traffic('before', { shares: MISSING, devices: 10, intervals: 4, answers: 3 }));
    expect(judge({ ...asked, restBaseline: hardlyKnown }).verdict).toBe('fail');
  });

  test('late: a class that goes after a long healthy start is found in its window', () => {
    const early = traffic('late', { shares: DOCUMENTS, devices: 10, intervals: 60 });
    const late = traffic('later', { shares: MISSING, devices: 10, intervals: 10 });
    const asked = question({ shares: DOCUMENTS, intervals: 70 });
    const verdict = judge({ ...asked, candidate: classArm(early.map((reports, d) => [...reports, ...late[d]!])) });
    expect(verdict.verdict).toBe('fail');
    expect(verdict.reasons).toMatchObject([{ kind: 'class-fell', name: 'receipt' }]);
  });

  test('without classes, without a baseline and on a first rollout it says so', () => {
    const asked = question({ shares: DOCUMENTS, intervals: 10 });
    expect(judge({ ...asked, candidate: classArm([], []) })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'no-classes' }],
    });
    expect(judge({ ...asked, baseline: null })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'no-baseline' }],
    });
    expect(judge({ ...asked, hasStable: false }).verdict).toBe('not-applicable');
  });

  test('every number is finite or null, so that it can stand as JSON', () => {
    for (const shares of [DOCUMENTS, MISSING]) {
      const verdict = judgeStage(question({ shares, intervals: 3 }));
      expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
    }
  });
});

describe('class_share', () => {
  test('a least share relative to the baseline is judged like a vanished class', () => {
    const rule = 'class_share[receipt] > 0.5x baseline';
    const gone = judge(question({ shares: MISSING, intervals: 8 }, rule));
    expect(gone.verdict).toBe('fail');
    expect(gone.reasons).toMatchObject([{ kind: 'class-fell', name: 'receipt' }]);
    expect(judge(question({ shares: DOCUMENTS, intervals: 25 }, rule)).verdict).toBe('pass');
  });

  test.each([
    ['class_share[receipt] > 2%', DOCUMENTS, 'pass'],
    ['class_share[receipt] > 2%', MISSING, 'fail'],
    ['class_share[receipt] < 8%', DOCUMENTS, 'pass'],
    ['class_share[invoice] < 20%', DOCUMENTS, 'fail'],
    ['class_share[receipt] < 2x baseline, floor 1%', DOCUMENTS, 'pass'],
    ['class_share[invoice] < 0.5x baseline, floor 1%', DOCUMENTS, 'fail'],
  ])('%s', (rule, shares, verdict) => {
    expect(judge(question({ shares, intervals: 25 }, rule)).verdict).toBe(verdict);
  });

  test('a class that the manifest does not name is undecided, and says so', () => {
    expect(judge(question({ shares: DOCUMENTS, intervals: 5 }, 'class_share[reciept] > 1%'))).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'unknown-class', name: 'reciept' }],
    });
  });
});
