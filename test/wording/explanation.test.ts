// Laws of explanations: the words of real verdicts, as a person reads them who knows no statistics.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addToSketch, emptySketch } from '../../src/contract/sketch.ts';
import { freezeLimits } from '../../src/gates/freeze-limits.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { METHOD_VERSION, type RuleVerdict, type StageVerdict } from '../../src/gates/rule-verdict.ts';
import type { StageQuestion } from '../../src/gates/stage-question.ts';
import type { RuleScope } from '../../src/gates/stage-rule.ts';
import type { StageTerms } from '../../src/rollout/stage-terms.ts';
import { type Explanation, explainStage } from '../../src/wording/explanation.ts';
import { ruleSentences } from '../../src/wording/rule-in-words.ts';
import { breachInShort, breachInWords } from '../../src/wording/verdict-table.ts';
import { classArm, DOCUMENTS, type Shares, traffic, without } from '../gates/false-classes.ts';
import { alike, arm, ask, type Report, repeat, rules } from '../gates/false-evidence.ts';
import { cohort, MINUTE, ruleVerdict } from '../rollout/false-world.ts';

const TERMS: StageTerms = {
  stage: 'canary',
  soakMs: 30 * MINUTE,
  deadlineMs: 120 * MINUTE,
  onDeadline: 'hold',
  onFailure: 'rollback',
  minimumDevices: 3,
  minimumInferences: 1000,
  errorLevel: 0.05,
};

const scoped = (text: string, scope: RuleScope) => rules(text).map((one) => ({ ...one, scope }));
const verdictOf = (question: Partial<StageQuestion>): StageVerdict => judgeStage(ask({ perMinute: 300, ...question }));
const ONE_BAD = [...alike(9, repeat(10, [100, 0] as const)), repeat(10, [100, 20] as const)];

const classes = (seed: string, shares: Shares) => classArm(traffic(seed, { shares, devices: 10, intervals: 20 }));

function latencies(ms: number): { readonly arm: ReturnType<typeof arm>; readonly limits: StageQuestion['limits'] } {
  const sketch = emptySketch();
  addToSketch(sketch, ms, 1000);
  const limits = freezeLimits(
    rules('latency_p95 < 150ms').map((one) => one.rule),
    null,
  );
  const slow: Report = ms > 150 ? [100, 40] : [100, 0];
  return { arm: arm(alike(5, repeat(2, slow)), `latency>${limits[0]!.edge}`, sketch), limits };
}

const scenes: Record<string, () => StageVerdict> = {
  'a rule that holds': () => verdictOf({ candidate: arm(alike(5, repeat(20, [100, 0]))) }),
  'a rule that is broken': () => verdictOf({ candidate: arm(alike(5, repeat(20, [100, 10]))) }),
  'within, and not proven yet': () => verdictOf({ candidate: arm(alike(5, repeat(2, [30, 0]))) }),
  'over, and not proven yet': () =>
    verdictOf({
      candidate: arm(
        alike(5, [
          [30, 0],
          [30, 1],
          [30, 1],
        ]),
      ),
    }),
  'one bad device': () => verdictOf({ candidate: arm(ONE_BAD) }),
  'one bad device, and a rule about any': () =>
    verdictOf({ rules: scoped('error_rate < 1%', 'any-device'), candidate: arm(ONE_BAD) }),
  'as a sample of the fleet': () =>
    verdictOf({ rules: scoped('error_rate < 1%', 'fleet'), candidate: arm(alike(5, repeat(20, [100, 0]))) }),
  'against stable': () =>
    verdictOf({
      rules: rules('error_rate < 2x baseline, floor 0.1%'),
      candidate: arm(alike(5, repeat(20, [100, 4]))),
      baseline: arm(alike(40, repeat(20, [100, 1]))),
    }),
  'against stable as it was before': () =>
    verdictOf({
      rules: rules('error_rate < 2x baseline, floor 0.1%'),
      candidate: arm(alike(5, repeat(20, [100, 1]))),
      earlierBaseline: arm(alike(40, repeat(20, [100, 1]))),
    }),
  'latencies within': () =>
    verdictOf({ rules: rules('latency_p95 < 150ms'), candidate: latencies(80).arm, limits: latencies(80).limits }),
  'latencies over, on any device': () =>
    verdictOf({
      rules: scoped('latency_p95 < 150ms', 'any-device'),
      candidate: latencies(300).arm,
      limits: latencies(300).limits,
    }),
  'a class that is gone': () =>
    verdictOf({
      rules: rules('vanished_classes == 0'),
      candidate: classes('gone', without(DOCUMENTS, 'receipt', 'invoice')),
      baseline: classes('stable', DOCUMENTS),
    }),
  'every class is there': () =>
    verdictOf({
      rules: rules('vanished_classes == 0'),
      candidate: classes('good', DOCUMENTS),
      baseline: classes('stable', DOCUMENTS),
    }),
  'devices that failed': () =>
    verdictOf({ rules: rules('failed_devices < 20%'), installs: { bad: 1, good: 7, pending: 2 } }),
  'every download has ended': () =>
    verdictOf({ rules: rules('download_tries > 80%'), candidate: arm(alike(5, [[1, 0]]), 'download') }),
  'so many downloads that they prove it': () =>
    verdictOf({ rules: rules('download_tries > 80%'), candidate: arm(alike(5, repeat(40, [1, 0])), 'download') }),
  'without data': () => verdictOf({}),
  'without a stable version': () => verdictOf({ rules: rules('latency_p95 < 2x baseline'), hasStable: false }),
  'drift before its first look': () => verdictOf({ rules: rules('confidence_drift < 0.1') }),
  'shown only': () =>
    verdictOf({
      rules: rules('error_rate < 1%').map((one) => ({ ...one, dryRun: true })),
      candidate: arm(alike(5, repeat(20, [100, 10]))),
    }),
};

function text({ summary, stage, rules: explained, missing, certainty }: Explanation): string {
  const told = explained.map(({ rule, verdict, sentences }) =>
    [`${rule}: ${verdict}`, ...sentences.map((one) => `  ${one}`)].join('\n'),
  );
  return [summary, ...stage, ...told, ...missing, certainty].filter((one) => one !== '').join('\n');
}

test('every kind of verdict has its words', async () => {
  const told = Object.entries(scenes).map(
    ([name, make]) => `== ${name}\n${text(explainStage({ verdict: make(), cohort: null }))}`,
  );
  await expect(`${told.join('\n\n')}\n`).toMatchFileSnapshot('golden/explanations.txt');
});

test('a shift that nothing can be compared for yet is over no limit', () => {
  const told = (reason: 'too-few-reports' | 'no-baseline') =>
    ruleSentences(
      ruleVerdict('class_drift < 0.1', 'undecided', {
        ...{ kind: 'histogram', estimate: null, within: false, trials: 60, devices: 1, reasons: [{ kind: reason }] },
        sums: {
          candidate: { reports: 1, counts: [] },
          baseline: { reports: 9, counts: [] },
          window: { reports: 1, counts: [] },
        },
        needs: { trials: 0, minutes: 4 },
      }),
    );
  expect(told('too-few-reports')).toEqual([
    'No data to compare yet.',
    'Allowed: below 0.1.',
    'Undecided: too few reports yet.',
    'It needs reports of about 4 more minutes.',
  ]);
  expect(told('no-baseline').join(' ')).not.toContain('limit so far');
});

test('a rule that fails because it is on course to break its limit never says that its figure does', () => {
  const reason = { kind: 'on-course', minute: 7, until: 36, isPast: true } as const;
  const histogram = { reports: 9, counts: [] };
  const rule = ruleVerdict('confidence_loss < 10%', 'fail', {
    ...{ kind: 'histogram', estimate: 0.078, lower: 0.0345, upper: 0.108, trials: 400, devices: 10, reasons: [reason] },
    sums: { candidate: histogram, baseline: histogram, window: histogram },
  });
  expect(ruleSentences(rule).join(' ')).toContain(
    'It fails by its forecast: what was observed is the mean of the whole',
  );
  const breach = breachInWords(rule, 'canary');
  expect(breach).toContain('confidence_loss on course to break < 10% in canary');
  expect(breach).toMatch(/\(7\.8%.* over the whole stage; on course to stay beyond the limit/);
  expect(breachInShort(rule, 'canary')).not.toContain('7.8%');
});

test('a stage tells its devices, its soak, its least evidence, its deadline and how sure it is', async () => {
  const stage = {
    verdict: scenes['within, and not proven yet']!(),
    cohort: cohort(11, {
      ready: 8,
      trying: 1,
      failed: 1,
      unreachable: 1,
      troubled: [{ device: 'dev-1', kind: 'failed', reason: 'storage-full', detail: 'no room' }],
      missing: [
        { device: 'dev-2', kind: 'installing' },
        { device: 'dev-3', kind: 'unreachable' },
      ],
    }),
    window: { listenedMs: 31 * MINUTE, readyMs: 26 * MINUTE },
    terms: TERMS,
  };
  await expect(`${text(explainStage(stage, ['4 min of soak']))}\n`).toMatchFileSnapshot('golden/explained-stage.txt');
  const over = explainStage({ ...stage, window: { listenedMs: 121 * MINUTE, readyMs: 40 * MINUTE } });
  expect(over.stage.join('\n')).toMatch(/Soak: complete.*\n.*\nDeadline: 2 h, passed\./);
  const byDefault = explainStage({ ...stage, terms: { ...TERMS, hasDefaultDeadline: true } });
  expect(byDefault.stage.join('\n')).toContain('Deadline: 1 h 29 min of 2 h left (by default), then it');
});

test('a stage tells all its devices and inferences, also where each rule has those of one group', () => {
  const of = (group: string, trials: number, devices: number) =>
    ruleVerdict('error_rate < 1%', 'undecided', { by: 'hw', group, trials, devices });
  const rulesByGroup = [of('hw:rev2', 0, 0), of('hw:rev3', 473, 2)];
  const verdict: StageVerdict = {
    ...{ kind: 'undecided', rules: rulesByGroup, because: [], method: METHOD_VERSION },
    measured: { devices: 7, inferences: 2610 },
  };
  const { stage } = explainStage({ verdict, cohort: cohort(7), terms: TERMS });
  expect(stage[0]).toBe('Devices: 7 of 7 run the candidate; 7 have sent data.');
  expect(stage.join()).toContain('and 1,000 inferences (2,610 so far)');
});

test('evidence of before the window and the terms were kept is still explained', () => {
  const { certainty, stage, summary } = explainStage({
    verdict: scenes['a rule that is broken']!(),
    cohort: cohort(3),
  });
  expect([certainty, stage.length]).toEqual(['', 1]);
  expect(summary).toBe('Failed: `error_rate < 1%`.');
});

test('every sentence begins with a capital or a name, ends with a stop, and stays on one line, whatever devices and documents say', () => {
  const hostile = fc.string({ unit: 'binary', maxLength: 40 });
  const verdict = fc.constantFrom('pass', 'fail', 'undecided', 'not-applicable') as fc.Arbitrary<
    RuleVerdict['verdict']
  >;
  fc.assert(
    fc.property(hostile, hostile, verdict, fc.boolean(), (device, reason, kind, dryRun) => {
      const rule = ruleVerdict('error_rate < 0.5%', kind, {
        worstDevice: device,
        reasons: [{ kind: 'provider-said', text: reason }],
        dryRun,
      });
      for (const sentence of ruleSentences(rule)) {
        expect(sentence).toMatch(/[.!?…]$/);
        expect(sentence).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}]/u);
      }
    }),
  );
});

test('refused requests are shown beside what was judged', () => {
  const verdict = verdictOf({ candidate: arm(alike(5, repeat(20, [100, 0]))) });
  const told = (rejected: number) =>
    explainStage({ verdict: { ...verdict, measured: { ...verdict.measured, rejected } }, cohort: null }).stage;
  expect(told(1204)).toEqual(['Rejected: devices refused 1,204 requests before the model saw them.']);
  expect(told(1)).toEqual(['Rejected: devices refused 1 request before the model saw it.']);
  expect(told(0)).toEqual([]);
});
