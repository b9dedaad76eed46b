// Laws of rules over gauges, labels, downloads and feedback, judged on what real reports were folded into.
import { describe, expect, test } from 'vitest';
import type { DeviceReport, LabelCounts, ModelInterval } from '../../src/contract/report.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { gaugeTermsOf } from '../../src/gates/gauge-terms.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import { holdsNow } from '../../src/gates/recovery.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import type { StageQuestion } from '../../src/gates/stage-question.ts';
import type { StageRule } from '../../src/gates/stage-rule.ts';
import type { EventMeasure } from '../../src/telemetry/event-counts.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import { applyFold, emptyWindowTallies } from '../../src/telemetry/window-tallies.ts';
import { ruleSentences } from '../../src/wording/rule-in-words.ts';
import { breachInWords } from '../../src/wording/verdict-table.ts';
import { makeInterval, makeReport, makeSpec, STABLE } from '../telemetry/false-reports.ts';
import { ask } from './false-evidence.ts';

const MINUTE = 60_000;

const EVENTS: readonly EventMeasure[] = [
  ...(['download', 'apply', 'rejected', 'complaint', 'anomaly', 'wrong', 'restarts', 'counter:alerts'] as const),
  ...(['imprecise:a', 'missed:a', 'confused:a'] as const),
  ...(['error:timeout', 'error:network', 'error:out-of-memory'] as const),
];

interface Told {
  readonly gauges?: Readonly<Record<string, number>>;
  readonly interval?: Partial<ModelInterval>;
  /** In place of what the report says otherwise. */
  readonly report?: Partial<DeviceReport>;
}
/** What each device says each minute. */
type Story = readonly ((minute: number) => Told)[];

interface Asked {
  readonly rule: string;
  readonly over?: Partial<StageRule>;
  readonly candidate: Story;
  readonly stable?: Story;
  readonly minutes?: number;
  readonly rows?: 'device' | 'group';
  readonly question?: Partial<StageQuestion>;
}

function judge({
  rule,
  over = {},
  candidate,
  stable = [],
  minutes = 10,
  question = {},
  rows = 'device',
}: Asked): RuleVerdict {
  const parsed = parseRule(rule);
  const terms = gaugeTermsOf(parsed);
  const spec = makeSpec({
    ...{ classes: [], histograms: [], rows: { candidate: rows, stable: rows } },
    events: EVENTS,
    gauges: terms === undefined ? [] : [terms],
  });
  const tallies = emptyWindowTallies(spec);
  const arms = [
    ['candidate', candidate, {}],
    ['stable', stable, { arm: 'stable', digest: STABLE }],
  ] as const;
  for (const [arm, story, which] of arms) {
    story.forEach((say, d) => {
      for (let minute = 0; minute < minutes; minute++) {
        const { gauges = {}, interval = {}, report: over = {} } = say(minute);
        const summaries = Object.entries(gauges).map(([name, mean]) => [
          name,
          { min: mean, mean, max: mean, samples: 12 },
        ]);
        const report = {
          ...makeReport(
            `${arm}-${d}`,
            [makeInterval({ servedMs: MINUTE, inferences: 60, ...which, ...interval })],
            minute + 1,
          ),
          startedAt: new Date(minute * MINUTE).toISOString(),
          gauges: Object.fromEntries(summaries),
          ...over,
        };
        for (const folded of foldReport(spec, report, (minute + 1) * MINUTE)) applyFold(tallies, folded);
      }
    });
  }
  const asked: StageRule = { rule: parsed, dryRun: false, ...over };
  const baseline = stable.length === 0 ? null : tallies.stable;
  const [verdict] = judgeStage(ask({ rules: [asked], candidate: tallies.candidate, baseline, ...question })).rules;
  if (verdict === undefined) throw new Error('no verdict');
  return verdict;
}

const of = (devices: number, say: (minute: number, device: number) => Told): Story =>
  Array.from({ length: devices }, (_, d) => (minute: number) => say(minute, d));
const cpu = (...means: readonly number[]): Story => means.map((mean) => () => ({ gauges: { cpu: mean } }));
const input = (name: string, mean: number): Told => ({
  interval: { features: { [name]: { min: mean, mean, max: mean, samples: 60 } } },
});
const asked = (name: string, devices: number, mean: number): Story => of(devices, () => input(name, mean));
const many = (devices: number, mean: number): number[] => Array.from({ length: devices }, () => mean);

describe('a rule over a gauge', () => {
  const rule = 'cpu < 85% for 5m';

  test('passes when every device was watched for the time and is within', () => {
    expect(judge({ rule, candidate: cpu(...many(10, 0.6)) })).toMatchObject({
      verdict: 'pass',
      estimate: expect.closeTo(0.6, 9),
    });
  });

  test('fails when many devices are beyond for the time, and says how many', () => {
    const verdict = judge({ rule, candidate: cpu(...many(8, 0.95), 0.5, 0.5) });
    expect(verdict).toMatchObject({
      verdict: 'fail',
      kind: 'gauge',
      sums: { bad: 8, good: 2, pending: 0 },
      worstDevice: 'candidate-0',
    });
    expect(verdict.reasons).toEqual([
      { kind: 'devices-beyond', side: 'above', bad: 8, pending: 0, total: 10, forMs: 300_000, isSample: false },
    ]);
    expect(breachInWords(verdict, 'canary')).toBe('cpu not < 85% for 5m on 8 of 10 devices in canary (median 95%)');
    expect(ruleSentences(verdict).join(' ')).toBe(
      'Observed: a median of 95% on 10 devices. Allowed: below 85% for 5m. It fails. 8 of 10 devices above the limit for 5 min. Longest beyond the limit: candidate-0.',
    );
  });

  test('says that its devices are a sample where they are too many to follow each', () => {
    const verdict = judge({ rule, candidate: cpu(...many(10, 0.95)), rows: 'group' });
    expect(verdict).toMatchObject({ verdict: 'fail', reasons: [{ kind: 'devices-beyond', isSample: true }] });
  });

  test('is undecided before the time is over, whichever way it goes', () => {
    expect(judge({ rule, candidate: cpu(...many(10, 0.95)), minutes: 4 }).verdict).toBe('undecided');
    expect(judge({ rule, candidate: cpu(...many(10, 0.5)), minutes: 4 }).verdict).toBe('undecided');
  });

  test('that failed holds again once its devices were within for as long', () => {
    const cooled = (minutes: number): RuleVerdict =>
      judge({
        rule,
        minutes: 6 + minutes,
        candidate: of(10, (minute) => ({ gauges: { cpu: minute < 6 ? 0.95 : 0.5 } })),
      });
    expect(cooled(4)).toMatchObject({ verdict: 'fail' });
    expect(holdsNow(cooled(4))).toBe(false);
    expect(cooled(5)).toMatchObject({ verdict: 'fail', recovered: true });
    expect(holdsNow(cooled(5))).toBe(true);
  });

  test('is not broken by peaks that are shorter', () => {
    const candidate = of(10, (minute) => ({ gauges: { cpu: minute % 3 === 0 ? 0.2 : 0.99 } }));
    expect(judge({ rule, candidate, minutes: 31 }).verdict).toBe('pass');
  });

  test('is kept by a gauge that flaps around it, also while it is beyond', () => {
    for (const minutes of [180, 181]) {
      const candidate = of(10, (minute) => ({ gauges: { cpu: minute % 2 === 0 ? 0.99 : 0.6 } }));
      expect(judge({ rule: 'cpu < 85% for 10m', candidate, minutes }).verdict).toBe('pass');
    }
  });

  test('is not kept yet where all have just gone beyond it', () => {
    const candidate = of(10, (minute) => ({ gauges: { cpu: minute < 27 ? 0.5 : 0.99 } }));
    expect(judge({ rule, candidate, minutes: 30 })).toMatchObject({ verdict: 'undecided', sums: { pending: 10 } });
    expect(judge({ rule, candidate, minutes: 32 }).verdict).toBe('fail');
  });

  test('one device alone does not condemn the version, nor lets it pass among few; among many it does', () => {
    expect(judge({ rule, candidate: cpu(0.99, ...many(4, 0.5)) })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'devices-beyond' }, { kind: 'one-device' }],
    });
    expect(judge({ rule, candidate: cpu(0.99, ...many(19, 0.5)) }).verdict).toBe('pass');
  });

  test('with a share fails when more than that share breaches, and with any device when one does', () => {
    const candidate = cpu(...many(3, 0.99), ...many(7, 0.5));
    expect(judge({ rule, candidate, over: { share: 0.3 } }).verdict).toBe('pass');
    expect(judge({ rule, candidate, over: { share: 0.29 } }).verdict).toBe('fail');
    expect(judge({ rule, candidate: cpu(0.99, ...many(19, 0.5)), over: { scope: 'any-device' } }).verdict).toBe('fail');
  });

  test('that no device reports, or too few, is undecided and says so', () => {
    expect(judge({ rule, candidate: of(10, () => ({})) })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'not-reported' }],
    });
    const candidate = [...cpu(0.5, 0.5), ...of(8, () => ({}))];
    expect(judge({ rule, candidate })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'devices-beyond' }, { kind: 'few-report', devices: 2 }],
    });
  });

  test('may ask for a least value, of a gauge of the device’s own too', () => {
    const battery = (left: number) => of(10, () => ({ gauges: { battery: left } }));
    expect(judge({ rule: 'battery > 20% for 5m', candidate: battery(0.5) }).verdict).toBe('pass');
    expect(judge({ rule: 'battery > 20% for 5m', candidate: battery(0.1) }).verdict).toBe('fail');
    const queue = (depth: number) => of(10, () => ({ gauges: { queue_depth: depth } }));
    expect(judge({ rule: 'gauge[queue_depth] < 5 for 5m', candidate: queue(4) }).verdict).toBe('pass');
    expect(judge({ rule: 'gauge[queue_depth] < 5 for 5m', candidate: queue(7) }).verdict).toBe('fail');
  });

  test('over an input asks for the mean of each report, also below zero, and takes a time', () => {
    const rule = 'input[x[3]] > -5 for 5m';
    expect(judge({ rule, candidate: asked('x[3]', 10, -4) }).verdict).toBe('pass');
    const breached = judge({ rule, candidate: asked('x[3]', 10, -6) });
    expect(breached).toMatchObject({ verdict: 'fail', metric: 'input', unit: 'count', limit: -5 });
    expect(breachInWords(breached, 'canary')).toBe(
      'input[x[3]] not > -5 for 5m on 10 of 10 devices in canary (median -6)',
    );
    expect(ruleSentences(breached).join(' ')).toBe(
      'Observed: a median of -6 on 10 devices. Allowed: above -5 for 5m. It fails. 10 of 10 devices below the limit for 5 min. Longest beyond the limit: candidate-0.',
    );
    expect(judge({ rule, candidate: asked('x[3]', 10, -6), minutes: 4 }).verdict).toBe('undecided');
    expect(judge({ rule, candidate: asked('x[2]', 10, -6) })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'not-reported' }],
    });
  });

  test('over an input bears a share of the devices, and without `for` breaches with one report', () => {
    const candidate = [...asked('amount', 3, 99), ...asked('amount', 7, 50)];
    const rule = 'input[amount] < 85';
    expect(judge({ rule, candidate }).verdict).toBe('fail');
    expect(judge({ rule, candidate, over: { share: 0.3 } }).verdict).toBe('pass');
    expect(judge({ rule, candidate, over: { dryRun: true } })).toMatchObject({ verdict: 'fail', dryRun: true });
    const once = of(10, (minute) => input('amount', minute === 7 ? 99 : 50));
    expect(judge({ rule, candidate: once }).verdict).toBe('fail');
  });

  test('over load time breaches with one load', () => {
    const load = (ms: number) =>
      of(10, (minute) => (minute === 0 ? { interval: { loadMs: { min: ms, mean: ms, max: ms, samples: 1 } } } : {}));
    expect(judge({ rule: 'load_time < 2s', candidate: load(300) }).verdict).toBe('pass');
    expect(judge({ rule: 'load_time < 2s', candidate: load(9000) }).verdict).toBe('fail');
  });
});

describe('a gauge against the baseline', () => {
  const rule = 'battery_drain < 1.3x baseline';
  const drain = (devices: number, mean: number) =>
    of(devices, (_, d) => ({ gauges: { battery_drain: mean * (0.9 + 0.02 * (d % 10)) } }));
  const stable = drain(50, 0.1);

  test('fails when most devices are beyond it, and passes when all are within', () => {
    expect(judge({ rule, candidate: drain(10, 0.2), stable })).toMatchObject({
      verdict: 'fail',
      baseline: { from: 'beside' },
    });
    expect(judge({ rule, candidate: drain(10, 0.1), stable }).verdict).toBe('pass');
  });

  test('a few devices that are beyond it prove nothing, and nor do a few reports', () => {
    const candidate = [...drain(8, 0.1), ...drain(2, 0.3)];
    expect(judge({ rule, candidate, stable }).verdict).toBe('undecided');
    expect(judge({ rule, candidate: drain(4, 0.3), stable }).verdict).toBe('undecided');
    expect(judge({ rule, candidate: drain(10, 0.3), stable, minutes: 3 }).verdict).toBe('undecided');
  });

  test('is not moved by one device of stable, whatever it claims', () => {
    const claims = (mean: number, samples: number) => () => ({
      gauges: {},
      report: { gauges: { battery_drain: { min: mean, mean, max: mean, samples } } },
    });
    for (const told of [0.0001, 100]) {
      const liar = [...stable, claims(told, 1e9)];
      expect(judge({ rule, candidate: drain(10, 0.1), stable: liar }).verdict).toBe('pass');
      expect(judge({ rule, candidate: drain(10, 0.2), stable: liar }).verdict).toBe('fail');
    }
  });

  test('says that a ratio needs a baseline above zero', () => {
    const signal = of(10, () => ({ gauges: { dbm: -60 } }));
    expect(judge({ rule: 'gauge[dbm] < 2x baseline', candidate: signal, stable: signal })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'baseline-not-positive' }],
    });
  });

  test('an input fails when most devices are above or below what stable is asked', () => {
    const stable = asked('amount', 50, 120);
    const above = judge({ rule: 'input[amount] < 1.2x baseline', candidate: asked('amount', 10, 160), stable });
    expect(above).toMatchObject({ verdict: 'fail', baseline: { estimate: 120, from: 'beside' }, limit: 144 });
    expect(ruleSentences(above).join(' ')).toBe(
      'Observed: a median of 160 on 10 devices. Allowed: below 1.2x baseline (now 144). Compared with: 120 on 50 devices running stable at the same time. It fails. 10 of 10 devices above the limit.',
    );
    const below = 'input[amount] > 0.8x baseline';
    expect(judge({ rule: below, candidate: asked('amount', 10, 90), stable }).verdict).toBe('fail');
    expect(judge({ rule: below, candidate: asked('amount', 10, 160), stable }).verdict).toBe('pass');
    const cold = asked('amount', 50, -20);
    expect(judge({ rule: below, candidate: asked('amount', 10, -20), stable: cold })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'baseline-not-positive' }],
    });
  });

  test('without a baseline is undecided; on a first rollout it does not apply', () => {
    expect(judge({ rule, candidate: drain(10, 0.3) })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'no-baseline' }],
    });
    expect(judge({ rule, candidate: drain(10, 0.3), question: { hasStable: false } }).verdict).toBe('not-applicable');
  });

  test("latency_mean is each device's own mean of all answers, absolute or against the median device of stable", () => {
    const sketch = (...values: readonly number[]): Told => ({
      interval: { latencyMs: makeInterval({}, values).latencyMs },
    });
    const slow = (ms: number) => of(10, () => sketch(...many(59, 50), ms));
    const asked = { rule: 'latency_mean < 1.2x baseline', stable: slow(50) };
    expect(judge({ ...asked, candidate: slow(55) })).toMatchObject({ verdict: 'pass', unit: 'ms' });
    // One answer of a minute an hour is no slow version by any percentile: the mean says so.
    const { verdict, estimate } = judge({ ...asked, candidate: slow(3600) });
    expect([verdict, estimate]).toEqual(['fail', expect.closeTo((59 * 50 + 3600) / 60, -0.5)]);
    expect(judge({ rule: 'latency_mean < 80ms for 5m', candidate: slow(3600) }).verdict).toBe('fail');
    expect(judge({ rule: 'latency_mean < 80ms for 5m', candidate: of(10, () => sketch()) }).reasons).toEqual([
      { kind: 'not-reported' },
    ]);
  });

  test('disk_free is what disk leaves', () => {
    const disk = (used: number) => of(10, () => ({ gauges: { disk: used } }));
    expect(judge({ rule: 'disk_free > 10%', candidate: disk(0.95) })).toMatchObject({
      verdict: 'fail',
      estimate: expect.closeTo(0.05, 12),
    });
    expect(judge({ rule: 'disk_free > 10%', candidate: disk(0.8) }).verdict).toBe('pass');
  });

  test('throughput fails when it is too low', () => {
    const served = (inferences: number) => of(10, () => ({ interval: { inferences } }));
    const asked = { rule: 'throughput > 0.8x baseline', stable: served(60) };
    expect(judge({ ...asked, candidate: served(30) }).verdict).toBe('fail');
    expect(judge({ ...asked, candidate: served(59) }).verdict).toBe('pass');
  });
});

describe('a rule over labels', () => {
  const labelled = (a: LabelCounts, b: LabelCounts = { predicted: 10, actual: 10, correct: 10 }): Story =>
    of(10, () => ({ interval: { labels: { a, b } } }));
  const good = { predicted: 10, actual: 10, correct: 10 };
  const half = { predicted: 10, actual: 10, correct: 5 };

  test.each([
    ['accuracy > 90%', half],
    ['precision[a] > 80%', { predicted: 10, actual: 5, correct: 5 }],
    ['recall[a] > 80%', { predicted: 5, actual: 10, correct: 5 }],
    ['f1[a] > 80%', half],
  ])('%s passes for right answers and fails for wrong ones', (rule, bad) => {
    expect(judge({ rule, candidate: labelled(good) }).verdict).toBe('pass');
    expect(judge({ rule, candidate: labelled(bad) }).verdict).toBe('fail');
    expect(judge({ rule, candidate: of(10, () => ({})) })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'no-outcomes', of: 'labels' }],
    });
  });

  test('shows F1 itself, by its definition, between its bounds', () => {
    const verdict = judge({ rule: 'f1[a] > 50%', candidate: labelled({ predicted: 8, actual: 10, correct: 6 }) });
    expect(verdict.estimate).toBeCloseTo(12 / 18, 12);
    expect(verdict.lower).toBeLessThan(12 / 18);
    expect(verdict.upper).toBeGreaterThan(12 / 18);
    expect(verdict.limit).toBe(0.5);
  });

  test('against the baseline takes stable beside it first, else what the manifest states, and is undecided without either', () => {
    const rule = 'accuracy > 0.9x baseline';
    const ok = { predicted: 10, actual: 10, correct: 9 };
    expect(judge({ rule, candidate: labelled(half), stable: labelled(good) })).toMatchObject({
      verdict: 'fail',
      baseline: { from: 'beside' },
    });
    expect(judge({ rule, candidate: labelled(ok), stable: labelled(ok) }).verdict).toBe('pass');
    const offline = { accuracy: 0.99 };
    expect(judge({ rule, candidate: labelled(half), question: { offline } })).toMatchObject({
      verdict: 'fail',
      baseline: { from: 'offline', estimate: 0.99 },
    });
    expect(judge({ rule, candidate: labelled(half), question: { offline, hasStable: false } }).verdict).toBe('fail');
    expect(judge({ rule, candidate: labelled(half) })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'no-baseline' }],
    });
    const recall = {
      rule: 'recall[a] > 0.9x baseline',
      candidate: labelled(half),
      question: { offline: { 'recall/a': 0.95 } },
    };
    expect(judge(recall).verdict).toBe('fail');
  });

  test('a baseline that is hardly known condemns nothing, and what is good enough for any baseline passes', () => {
    const stable = [() => ({ interval: { labels: { a: { predicted: 1, actual: 1, correct: 1 } } } })];
    const asked = { rule: 'accuracy > 0.95x baseline', stable, minutes: 4 };
    expect(judge({ ...asked, candidate: labelled(half) }).verdict).toBe('undecided');
    expect(judge({ ...asked, candidate: labelled(good) }).verdict).toBe('pass');
  });
});

describe('errors by kind', () => {
  const failing = (errors: Readonly<Record<string, number>>) => of(10, () => ({ interval: { errors } }));

  test('count by themselves, of all inferences, and all together for error_rate', () => {
    const candidate = failing({ timeout: 3, network: 1 });
    expect(judge({ rule: 'error_rate[timeout] < 0.5%', candidate })).toMatchObject({ verdict: 'fail', estimate: 0.05 });
    expect(judge({ rule: 'error_rate[network] < 5%', candidate }).verdict).toBe('pass');
    expect(judge({ rule: 'error_rate[out-of-memory] < 0.1%', candidate, minutes: 60 })).toMatchObject({
      verdict: 'pass',
      estimate: 0,
      metric: 'error_rate',
    });
    expect(judge({ rule: 'error_rate < 5%', candidate })).toMatchObject({ estimate: expect.closeTo(4 / 60, 12) });
  });

  test('are held against the same kind on stable', () => {
    const rule = 'error_rate[timeout] < 2x baseline, floor 0.1%';
    const stable = failing({ timeout: 1, runtime: 9 });
    expect(judge({ rule, stable, candidate: failing({ timeout: 5 }) }).verdict).toBe('fail');
    expect(judge({ rule, stable, candidate: failing({ timeout: 1, runtime: 20 }), minutes: 30 }).verdict).toBe('pass');
  });
});

describe('a rule over a counter', () => {
  const counting = (events: (minute: number, device: number) => number, devices = 10, name = 'alerts'): Story =>
    of(devices, (minute, device) => ({ interval: { counters: { [name]: events(minute, device) } } }));
  /** Two an hour and device. */
  const usual = (every: number) => (minute: number, device: number) => ((minute + 7 * device) % every === 0 ? 1 : 0);
  const rule = 'counter[alerts] < 2x baseline';
  const stable = counting(usual(30), 40);

  test('is about events in an hour of a device, absolute or against stable', () => {
    const candidate = counting(usual(30));
    expect(judge({ rule: 'counter[alerts] < 5/h', candidate, minutes: 240 })).toMatchObject({
      ...{ verdict: 'pass', unit: 'per-hour', estimate: expect.closeTo(2, 9), limit: expect.closeTo(5, 9) },
      trials: 40 * 3_600_000,
    });
    expect(judge({ rule: 'counter[alerts] < 12/d', candidate, minutes: 240 }).verdict).toBe('fail');
    expect(judge({ rule, candidate, stable, minutes: 240 })).toMatchObject({
      verdict: 'pass',
      baseline: { estimate: expect.closeTo(2, 1), devices: 40, from: 'beside' },
    });
    const loud = judge({ rule, candidate: counting(usual(6)), stable, minutes: 120 });
    expect(loud.verdict).toBe('fail');
    expect(ruleSentences(loud).join(' ')).toContain('over 20 device hours on 10 devices');
  });

  test('also finds that the events no longer come', () => {
    const asked = { rule: 'counter[alerts] > 0.5x baseline', stable, minutes: 240 };
    expect(judge({ ...asked, candidate: counting(() => 0) }).verdict).toBe('fail');
    expect(judge({ ...asked, candidate: counting(usual(30)) }).verdict).toBe('pass');
  });

  test('says of events that no longer come too often that it holds again', () => {
    const flood = (last: number) => counting((minute) => (minute < last ? 1 : 0));
    const asked = { rule: 'counter[alerts] < 5/h', minutes: 69, question: { openMs: 69 * MINUTE } };
    expect(judge({ ...asked, candidate: flood(50) })).toMatchObject({ verdict: 'fail', recovered: true });
    expect(judge({ ...asked, candidate: flood(69) })).not.toHaveProperty('recovered');
  });

  test('sees nothing where no application counts', () => {
    expect(judge({ rule, candidate: of(10, () => ({})), stable })).toMatchObject({
      verdict: 'undecided',
      reasons: [{ kind: 'not-reported' }],
    });
  });

  test('no device decides alone by what it claims: neither of the candidate, nor of stable', () => {
    const flood = (loud: number) => (minute: number, device: number) =>
      device === loud ? 1_000_000 : usual(30)(minute, device);
    const bad = counting(usual(6));
    // One that floods among good ones fails nothing, and one on stable hides no bad candidate from being held.
    expect(judge({ rule, candidate: counting(flood(3)), stable, minutes: 240 }).verdict).toBe('undecided');
    const masked = judge({ rule, candidate: bad, stable: counting(flood(3), 40), minutes: 240 });
    expect(masked.verdict).toBe('undecided');
    expect(masked.reasons[0]).toMatchObject({ kind: 'outlier', device: 'stable-3', byAll: 'pass' });
    const least = { rule: 'counter[alerts] > 0.5x baseline', stable, minutes: 240 };
    const one = counting((_, device) => (device === 3 ? 1_000_000 : 0));
    expect(judge({ ...least, candidate: one }).verdict).not.toBe('pass');
    expect(judge({ ...least, candidate: counting(usual(30)), stable: counting(flood(3), 40) }).verdict).not.toBe(
      'fail',
    );
  });

  test('restarts are reports that begin with the start of the agent', () => {
    const starting = (every: number) =>
      of(10, (minute, device) => ({
        report: { durationMs: MINUTE, uptimeMs: (minute + 3 * device) % every === 0 ? MINUTE : 9 * MINUTE },
      }));
    const candidate = starting(120);
    expect(judge({ rule: 'restarts < 1/d', candidate, minutes: 600 }).verdict).toBe('fail');
    expect(judge({ rule: 'restarts < 2/h', candidate, minutes: 600 })).toMatchObject({
      verdict: 'pass',
      estimate: expect.closeTo(0.5, 1),
    });
  });
});

describe('downloads and feedback', () => {
  const downloads = (done: number, network: number) =>
    of(10, (minute) => (minute < 4 ? { interval: { transfers: { download: { done, network } } } } : {}));

  test('a version whose downloads break fails, one whose downloads end well passes, and one device alone explains nothing', () => {
    const rule = 'download_tries > 90%';
    expect(judge({ rule, candidate: downloads(1, 4) })).toMatchObject({
      verdict: 'fail',
      estimate: expect.closeTo(0.2, 9),
    });
    expect(judge({ rule, candidate: downloads(30, 0) }).verdict).toBe('pass');
    const one = [...downloads(1, 0).slice(1), () => ({ interval: { transfers: { download: { network: 5 } } } })];
    expect(judge({ rule, candidate: one }).verdict).toBe('undecided');
  });

  test('once every install of the stage has ended, what was downloaded is all there is', () => {
    const asked = {
      rule: 'download_tries > 90%',
      candidate: of(10, (minute) => (minute === 0 ? { interval: { transfers: { download: { done: 1 } } } } : {})),
    };
    const pending = { installs: { bad: 0, good: 9, pending: 1 } };
    expect(judge({ ...asked, question: pending })).toMatchObject({ verdict: 'undecided', within: true });
    expect(judge(asked)).toMatchObject({ verdict: 'pass', needs: null });
  });

  test('installs count once a device: those that fail their self-test, switch or trial fail the version, and all ended is all there is', () => {
    const apply = (result: 'done' | 'self-test' | 'trial') => (minute: number) =>
      minute === 1 ? { interval: { transfers: { apply: { [result]: 1 } } } } : {};
    const rule = 'apply_success > 90%';
    const bad = [...many(6, 0).map(() => apply('trial')), ...many(6, 0).map(() => apply('self-test'))];
    expect(judge({ rule, candidate: bad })).toMatchObject({ verdict: 'fail', estimate: 0, trials: 12 });
    const good = { rule, candidate: many(12, 0).map(() => apply('done')) };
    expect(judge(good).verdict).toBe('pass');
    const pending = { installs: { bad: 0, good: 11, pending: 1 } };
    expect(judge({ ...good, question: pending })).toMatchObject({ verdict: 'undecided', within: true });
    expect(judge({ rule, candidate: of(3, () => ({})) }).reasons).toEqual([{ kind: 'no-outcomes', of: 'installs' }]);
  });

  test('complaints and anomalies are rates of inferences', () => {
    const complaining = (userReports: number) => of(10, () => ({ interval: { userReports } }));
    expect(judge({ rule: 'user_reports < 1%', candidate: complaining(3) }).verdict).toBe('fail');
    expect(judge({ rule: 'user_reports < 1%', candidate: complaining(0) }).verdict).toBe('pass');
    const odd = (anomalies: number) => of(10, () => ({ interval: { anomalies } }));
    expect(judge({ rule: 'anomaly_rate < 2x baseline, floor 0.1%', candidate: odd(9), stable: odd(1) }).verdict).toBe(
      'fail',
    );
  });

  test('rejected requests are judged where a rule asks, of all requests, and by no other rule', () => {
    const refusing = (rejected: number) => of(10, () => ({ interval: { rejected } }));
    expect(judge({ rule: 'rejected_rate < 5%', candidate: refusing(60) })).toMatchObject({
      verdict: 'fail',
      estimate: 0.5,
    });
    expect(judge({ rule: 'rejected_rate < 5%', candidate: refusing(0) }).verdict).toBe('pass');
    expect(judge({ rule: 'error_rate < 5%', candidate: refusing(60) })).toMatchObject({ verdict: 'pass', estimate: 0 });
  });
});
