// Laws of a fail beside few devices on stable: none of them alone makes it, whatever it says of itself.
import { expect, test } from 'vitest';
import { addToSketch, emptySketch } from '../../src/contract/sketch.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { baselineEdgeOf, freezeLimits } from '../../src/gates/freeze-limits.ts';
import { judgeStage } from '../../src/gates/judge-stage.ts';
import type { RuleVerdict } from '../../src/gates/rule-verdict.ts';
import { foldReport } from '../../src/telemetry/fold-report.ts';
import type { WindowSpec } from '../../src/telemetry/window.ts';
import { applyFold, emptyWindowTallies, type WindowTallies } from '../../src/telemetry/window-tallies.ts';
import { CANDIDATE, makeInterval, makeReport, makeSpec, STABLE } from '../telemetry/false-reports.ts';
import { ask, rules } from './false-evidence.ts';

/** What a device says of a minute. */
interface Said {
  readonly errors?: number;
  readonly alerts?: number;
  readonly slow?: number;
  readonly confidence?: number;
  readonly receipts?: number;
  readonly cpu?: number;
  readonly inferences?: number;
}

const USUAL: Said = { errors: 1, alerts: 1, receipts: 1 };
/** Far better than it could be. */
const BOAST: Said = { errors: 0, alerts: 0, slow: 0.2, confidence: 19, receipts: 30, cpu: 0.1 };
const WORSE: Said = { errors: 9, alerts: 9, slow: 4, confidence: 9, receipts: 0, cpu: 0.95 };

const SLOW = 'latency_p95 < 1.5x baseline';
const COUNTED = ['error_rate < 2x baseline, floor 0.1%', 'counter[alerts] < 2x baseline, floor 1/h', SLOW];
const ALL = [
  ...COUNTED,
  ...['confidence_loss < 10%', 'confidence_drift < 0.1', 'class_drift < 0.1', 'cpu < 1.3x baseline'],
  'class_share[receipt] > 0.5x baseline',
];

const latency = (i: number): number => 50 + i;
const usual = emptySketch();
for (let i = 0; i < 6000; i++) addToSketch(usual, latency(i % 60));
const limits = freezeLimits([parseRule(SLOW)], usual);
const spec: WindowSpec = makeSpec({
  edges: [limits[0]!.edge],
  baselineEdges: [baselineEdgeOf(parseRule(SLOW), limits[0]!)!],
  classes: ['invoice', 'receipt'],
  histograms: [{ kind: 'confidence' }, { kind: 'class', names: ['invoice', 'receipt'] }],
  events: ['counter:alerts'],
  gauges: [{ gauge: 'cpu', limit: null, bad: 'above' }],
});

function say(into: WindowTallies, minute: number, device: string, arm: 'candidate' | 'stable', said: Said): void {
  const { errors = 0, alerts = 0, slow = 1, confidence = 17, receipts = 0, cpu = 0.5, inferences = 60 } = said;
  const answers = inferences - errors;
  const interval = makeInterval(
    {
      ...{ arm, digest: arm === 'candidate' ? CANDIDATE : STABLE, inferences, servedMs: 60_000 },
      ...{ errors: { runtime: errors }, counters: { alerts } },
      confidence: Array.from({ length: 20 }, (_, bin) => (bin === confidence ? answers : 0)),
      classes: { invoice: answers - receipts, receipt: receipts },
    },
    Array.from({ length: answers }, (_, i) => slow * latency(i % 60)),
  );
  const gauges = { cpu: { min: cpu, mean: cpu, max: cpu, samples: 12 } };
  const report = { ...makeReport(device, [interval], minute + 1), gauges };
  for (const folded of foldReport(spec, report, minute * 60_000)) applyFold(into, folded);
}

/** Half an hour of a last stage; each entry of `held` is a device that keeps stable. */
function verdicts(candidate: Said, held: readonly Said[], texts: readonly string[] = ALL): RuleVerdict[] {
  const now = emptyWindowTallies(spec);
  const before = emptyWindowTallies(spec);
  const others = Array.from({ length: 9 * held.length }, (_, i) => `c${i}`);
  for (let minute = 0; minute < 30; minute++) {
    for (const device of others) say(now, minute, device, 'candidate', candidate);
    held.forEach((said, i) => {
      say(now, minute, `h${i}`, 'stable', said);
    });
    for (const device of [...others, ...held.map((_, i) => `h${i}`)]) say(before, minute, device, 'stable', USUAL);
  }
  const about = { limits, restBaseline: before.stable, earlierBaseline: before.stable, isHeldBack: true };
  const arms = { candidate: now.candidate, baseline: now.stable, openMs: 30 * 60_000 };
  return texts.flatMap((text) => judgeStage(ask({ rules: rules(text), ...arms, ...about })).rules);
}

const failed = (found: readonly RuleVerdict[]): string[] =>
  found.filter(({ verdict }) => verdict === 'fail').map(({ rule }) => rule);

test('a single device that keeps stable never takes a version back, good or bad', () => {
  const found = verdicts(USUAL, [BOAST]);
  expect(failed(found)).toEqual([]);
  expect(found[0]).toMatchObject({ verdict: 'undecided', reasons: [{ kind: 'one-on-stable', device: 'h0' }] });
  expect(failed(verdicts(WORSE, [USUAL]))).toEqual([]);
});

test.each([2, 3, 4, 5, 10])('one of %i that boasts does not either, however much it claims', (count) => {
  for (const inferences of [60, 300, 590, 5000]) {
    const held = [{ ...BOAST, inferences }, ...Array.from({ length: count - 1 }, () => USUAL)];
    expect(failed(verdicts(USUAL, held)), `${inferences}`).toEqual([]);
  }
});

test('a version that is worse than all of them fails, and so it does with one that says the same of itself', () => {
  expect(failed(verdicts(WORSE, [USUAL, USUAL]))).toEqual(
    expect.arrayContaining([...COUNTED, 'confidence_loss < 10%']),
  );
  expect(failed(verdicts(WORSE, [WORSE, USUAL, USUAL, USUAL, USUAL, USUAL], COUNTED))).toEqual(COUNTED);
});
