// Laws of verdicts by rules of every kind, on tallies that the real folding made of any reports.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DeviceReport, ModelInterval } from '../../src/contract/report.ts';
import { bucketEdge } from '../../src/contract/sketch.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { edgesToCount, type FrozenLimit } from '../../src/gates/freeze-limits.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { RuleScope, StageRule } from '../../src/gates/stage-rule.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import {
  applyFold,
  emptyWindowTallies,
  mergeWindowTallies,
  type WindowTallies,
} from '../../src/telemetry/window-tallies.ts';
import { anyArrivals, CANDIDATE, makeInterval, makeReport, makeSpec, STABLE } from '../telemetry/false-reports.ts';
import { ask } from './false-evidence.ts';

const MINUTE = 60_000;
const spec = makeSpec();

/** The edges that the window counts. */
const LIMITS: readonly FrozenLimit[] = [
  { rule: 'latency_p95 < 55ms', limit: bucketEdge(200), edge: 200 },
  { rule: 'latency_p90 < 2x baseline', limit: bucketEdge(250), edge: 250 },
];

function rule(text: string, scope?: RuleScope): StageRule {
  return { rule: parseRule(text), dryRun: false, ...(scope === undefined ? {} : { scope }) };
}

/** One of each kind, in each scope that it may have. */
const RULES: readonly StageRule[] = [
  rule('error_rate < 5%'),
  rule('error_rate < 5%', 'fleet'),
  rule('error_rate < 5%', 'any-device'),
  { ...rule('error_rate < 5%', 'any-device'), share: 0.25 },
  rule('error_rate < 2x baseline, floor 0.1%'),
  rule('unknown_rate < 10%'),
  rule('latency_p95 < 55ms'),
  rule('latency_p95 < 55ms', 'any-device'),
  rule('latency_p90 < 2x baseline'),
  rule('failed_devices < 5%'),
  rule('class_share[receipt] > 0.5x baseline'),
  rule('class_share[receipt] > 5%'),
  rule('class_share[invoice] < 60%'),
  rule('vanished_classes == 0'),
  rule('confidence_drift < 0.1'),
  rule('class_drift < 0.1'),
];

test('the window counts what the rules of these laws need', () => {
  const { edges, baselineEdges } = edgesToCount(
    RULES.map((one) => one.rule),
    LIMITS,
  );
  expect({ edges, baselineEdges }).toEqual({ edges: spec.edges, baselineEdges: spec.baselineEdges });
});

interface Sent {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
}

function foldAll(sent: readonly Sent[], into = emptyWindowTallies(spec)): WindowTallies {
  for (const { report, receivedAtMs } of sent) {
    for (const folded of foldReport(spec, report, receivedAtMs)) applyFold(into, folded);
  }
  return into;
}

function judge(tallies: WindowTallies, before: WindowTallies | null = null, rules = RULES) {
  const { candidate, stable } = tallies;
  return judgeStage(
    ask({
      rules,
      limits: LIMITS,
      candidate,
      baseline: stable.names.length > 0 ? stable : null,
      restBaseline: before?.stable ?? null,
      openMs: 60 * MINUTE,
      minimum: { devices: 1, inferences: 0 },
    }),
  );
}

/** What a device of such a kind sends in a minute. */
interface Kind {
  readonly arm: 'candidate' | 'stable';
  readonly errors: number;
  readonly unknown: number;
  readonly slow: number;
  readonly receipts: number;
  readonly bin: number;
  /** How much more it claims than other kinds. */
  readonly times: number;
}

function intervalOf(kind: Kind): ModelInterval {
  const { arm, bin, times } = kind;
  const inferences = 100 * times;
  const [errors, unknown] = [times * kind.errors, times * kind.unknown];
  const [slow, receipts] = [times * kind.slow, times * kind.receipts];
  const answers = inferences - errors - unknown;
  const buckets: [number, number][] = [
    [190, inferences - errors - slow],
    ...(slow > 0 ? [[260, slow] as [number, number]] : []),
  ];
  return {
    ...makeInterval({ arm, digest: arm === 'candidate' ? CANDIDATE : STABLE, inferences }),
    ...{ errors: { runtime: errors }, unknown, latencyMs: { zero: 0, buckets } },
    confidence: Array.from({ length: 20 }, (_, i) =>
      i === bin || i === 19 ? Math.floor((inferences - errors) / 2) : 0,
    ),
    classes: { receipt: Math.min(receipts, answers), invoice: Math.max(0, answers - receipts) },
  };
}

/** Fleets of which one kind of device sends all its reports alike: most of their verdicts are decided. */
const kind = (arm: Kind['arm']): fc.Arbitrary<Kind> =>
  fc.record({
    arm: fc.constant(arm),
    errors: fc.constantFrom(0, 0, 2, 10, 30),
    unknown: fc.constantFrom(0, 5, 25),
    slow: fc.constantFrom(0, 2, 20),
    receipts: fc.constantFrom(0, 3, 20, 40),
    bin: fc.constantFrom(3, 10, 18),
    times: fc.constantFrom(1, 1, 1, 40),
  });

const fleet = (arm: Kind['arm']): fc.Arbitrary<Sent[]> =>
  fc
    .record({
      kinds: fc.array(kind(arm), { minLength: 1, maxLength: 2 }),
      devices: fc.nat(8),
      minutes: fc.integer({ min: 1, max: 25 }),
    })
    .map(({ kinds, devices, minutes }) =>
      Array.from({ length: devices * minutes }, (_, n): Sent[] => {
        const [device, minute] = [n % devices, Math.floor(n / devices)];
        // One falls silent halfway.
        if (device === 1 && minute > minutes / 2) return [];
        const report = makeReport(`d${device}`, [intervalOf(kinds[device % kinds.length]!)], minute + 1);
        return [{ report, receivedAtMs: minute * MINUTE }];
      }).flat(),
    );

const anyFleets: fc.Arbitrary<Sent[]> = fc
  .tuple(fleet('candidate'), fleet('stable'), anyArrivals)
  .map(([candidate, stable, others]) => [...candidate, ...stable, ...others.slice(0, 5)]);

/** Makes each of the candidate's reports worse in one way, or every second or third of them. */
function worsen(sent: readonly Sent[], nth: number, worse: (interval: ModelInterval) => ModelInterval): Sent[] {
  const each = 1 + (nth % 3);
  return sent.map(({ report, receivedAtMs }, i) => {
    const isMeant = (interval: ModelInterval) => i % each === 0 && interval.arm === 'candidate';
    const intervals = report.intervals.map((interval) => (isMeant(interval) ? worse(interval) : interval));
    return { report: { ...report, intervals }, receivedAtMs };
  });
}

const shift = (from: number, count: number): number => Math.min(from, count);

/** Bad events by kind of rule: so many more of them, everything else the same. */
const WORSE: Readonly<Record<string, (count: number) => (interval: ModelInterval) => ModelInterval>> = {
  error_rate: (count) => (i) => ({
    ...i,
    errors: {
      ...i.errors,
      timeout:
        (i.errors.timeout ?? 0) + shift(i.inferences - Object.values(i.errors).reduce((a, b) => a + b, 0), count),
    },
  }),
  unknown_rate: (count) => (i) => ({ ...i, unknown: i.unknown + shift(i.inferences - i.unknown, count) }),
  latency_p95: (count) => (i) => ({ ...i, latencyMs: slower(i.latencyMs, count) }),
  latency_p90: (count) => (i) => ({ ...i, latencyMs: slower(i.latencyMs, count) }),
  // An answer of a class becomes one of a class that no rule names.
  'class_share[receipt]': (count) => (i) => fewer(i, 'receipt', count),
  vanished_classes: (count) => (i) => fewer(i, 'receipt', count),
  'class_share[invoice]': (count) => (i) => {
    const moved = shift(i.classes.receipt ?? 0, count);
    return {
      ...i,
      classes: { ...i.classes, receipt: (i.classes.receipt ?? 0) - moved, invoice: (i.classes.invoice ?? 0) + moved },
    };
  },
};

function slower({ zero, buckets }: ModelInterval['latencyMs'], count: number): ModelInterval['latencyMs'] {
  const fast = buckets.reduce((sum, [index, n]) => sum + (index <= 200 ? n : 0), 0);
  if (fast === 0) return { zero, buckets };
  const moved = shift(fast, count);
  return { zero, buckets: [[190, fast - moved], ...buckets.filter(([index]) => index > 200), [300, moved]] };
}

function fewer(interval: ModelInterval, name: string, count: number): ModelInterval {
  const moved = shift(interval.classes[name] ?? 0, count);
  const classes = {
    ...interval.classes,
    [name]: (interval.classes[name] ?? 0) - moved,
    letter: (interval.classes.letter ?? 0) + moved,
  };
  return { ...interval, classes };
}

describe('more bad events never turn a fail into a pass', () => {
  const asked = RULES.flatMap((one) => {
    const name = one.rule.source.split(' ')[0] ?? '';
    const worse = WORSE[name];
    return worse === undefined ? [] : [[`${one.rule.source}, ${one.scope ?? 'stage'}`, one, worse] as const];
  });

  test.each(asked)('%s', (_, one, worse) => {
    let fails = 0;
    fc.assert(
      fc.property(anyFleets, fc.nat(), fc.integer({ min: 1, max: 60 }), (sent, nth, count) => {
        if (judge(foldAll(sent), null, [one]).kind !== 'fail') return;
        fails++;
        expect(judge(foldAll(worsen(sent, nth, worse(count))), null, [one]).kind).not.toBe('pass');
      }),
      { numRuns: 150 },
    );
    expect(fails).toBeGreaterThan(3);
  });

  test.each(['failed_devices < 5%', 'failed_devices < 5%, floor 2 devices'])('%s', (text) => {
    const tallies = foldAll([]);
    fc.assert(
      fc.property(fc.nat(20), fc.nat(200), fc.nat(20), fc.integer({ min: 1, max: 5 }), (bad, good, pending, more) => {
        const kindOf = (installs: { bad: number; good: number; pending: number }) =>
          judgeStage(
            ask({
              rules: [rule(text)],
              candidate: tallies.candidate,
              installs,
              minimum: { devices: 0, inferences: 0 },
            }),
          ).kind;
        if (text.endsWith('devices')) expect(kindOf({ bad: 1, good, pending: 0 }) === 'fail').toBe(good === 0);
        fc.pre(kindOf({ bad, good, pending }) === 'fail');
        expect(kindOf({ bad: bad + more, good: Math.max(0, good - more), pending })).toBe('fail');
      }),
    );
  });
});

describe('a verdict of every kind of rule', () => {
  test('does not depend on the order of the reports of an interval', () => {
    const shuffled = anyFleets.chain((sent) =>
      fc.tuple(fc.constant(sent), fc.shuffledSubarray(sent, { minLength: sent.length, maxLength: sent.length })),
    );
    fc.assert(
      fc.property(shuffled, ([sent, other]) => {
        expect(judge(foldAll(other), foldAll(other))).toEqual(judge(foldAll(sent), foldAll(sent)));
      }),
      { numRuns: 40 },
    );
  });

  test('of two halves merged is that of the whole', () => {
    fc.assert(
      fc.property(anyFleets, fc.nat(), (sent, at) => {
        const cut = at % (sent.length + 1);
        const merged = foldAll(sent.slice(0, cut));
        mergeWindowTallies(merged, foldAll(sent.slice(cut)));
        expect(judge(merged, merged)).toEqual(judge(foldAll(sent), foldAll(sent)));
      }),
      { numRuns: 40 },
    );
  });

  test('does not depend on how often it was asked for while reports came in', () => {
    fc.assert(
      fc.property(anyFleets, fc.integer({ min: 1, max: 40 }), (sent, each) => {
        const tallies = emptyWindowTallies(spec);
        const before = foldAll(sent);
        sent.forEach((one, i) => {
          foldAll([one], tallies);
          if (i % each === 0) judge(tallies, before);
        });
        const often = judge(tallies, before);
        expect(often).toEqual(judge(foldAll(sent), foldAll(sent)));
        expect(judge(tallies, before)).toEqual(often);
      }),
      { numRuns: 40 },
    );
  });

  test('never hears of the other arm, where the limit is absolute', () => {
    const absolute = RULES.filter(
      ({ rule: { limit, metric } }) => limit.kind === 'absolute' && !/vanished|drift/.test(metric),
    );
    fc.assert(
      fc.property(anyFleets, (sent) => {
        const alone = sent.map((one) => ({
          ...one,
          report: { ...one.report, intervals: one.report.intervals.filter(({ arm }) => arm === 'candidate') },
        }));
        expect(judge(foldAll(sent), null, absolute)).toEqual(judge(foldAll(alone), null, absolute));
      }),
      { numRuns: 40 },
    );
  });
});
