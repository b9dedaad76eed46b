// Owns what devices of the full configuration report in a minute, and how it is folded without the report in between.
import { assertInvariant } from '../../src/base/errors.ts';
import type { RandomStream } from '../../src/base/random.ts';
import type { Digest } from '../../src/contract/digest.ts';
import { addToSketch, bucketEdge, emptySketch, type Sketch } from '../../src/contract/sketch.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';
import { edgesToCount, type FrozenLimit, freezeLimits } from '../../src/gates/freeze-limits.ts';
import type { StageRule } from '../../src/gates/stage-rule.ts';
import { normalQuantile } from '../../src/gates/statistics/special-functions.ts';
import type { FoldedInterval } from '../../src/telemetry/fold-report.ts';
import type { PeriodRow } from '../../src/telemetry/period-table.ts';
import { MEASURE_WIDTH, type MeasureCount, writeMeasure } from '../../src/telemetry/rate-sums.ts';
import { type Arm, type WindowSpec, windowNumberAt } from '../../src/telemetry/window.ts';
import { around1, binomial } from './draw.ts';
import { drawErrors, type FalseDevice, makeDevices, type Scenario } from './scenario.ts';

export const UNKNOWN_LIMIT = 0.02;
/** The share of latencies that each quantile rule allows above its limit. */
export const ABOVE_P95 = 0.05;
export const ABOVE_P99 = 0.01;

export const FULL_RULES: readonly StageRule[] = [
  'error_rate < 0.5%',
  'error_rate < 2x baseline, floor 0.1%',
  'unknown_rate < 2%',
  'latency_p95 < 2x baseline, floor 5ms',
  'latency_p99 < 150ms',
  'vanished_classes == 0',
  'failed_devices < 5%',
].map((text) => ({ rule: parseRule(text), dryRun: false }));

const CLASSES = ['invoice', 'receipt', 'contract', 'photo'] as const;
const CLASS_SHARES = [0.5, 0.04, 0.26, 0.2] as const;

/** Latencies of a healthy model as quantiles of a log-normal distribution: median 20 ms, p95 46 ms. */
function healthyLatencies(): Sketch {
  const sketch = emptySketch();
  for (let i = 0; i < 1000; i++) addToSketch(sketch, 20 * Math.exp(0.5 * normalQuantile((i + 0.5) / 1000)));
  return sketch;
}

const parsed = FULL_RULES.map(({ rule }) => rule);
export const FULL_LIMITS: readonly FrozenLimit[] = freezeLimits(parsed, healthyLatencies());
const [P99_EDGE = 0, P95_EDGE = 0] = FULL_LIMITS.map(({ edge }) => edge).sort((a, b) => b - a);

export const FULL_SPEC: WindowSpec = {
  rollout: 'eu',
  openedRevision: 7,
  candidateDigest: `sha256:${'c'.repeat(64)}` satisfies Digest,
  candidateAttempt: 1,
  stableDigest: `sha256:${'5'.repeat(64)}` satisfies Digest,
  ...edgesToCount(parsed, FULL_LIMITS),
  classes: CLASSES,
  histograms: [],
  groups: [],
  openedAtMs: 0,
  intervalMs: 60_000,
  rows: { candidate: 'device', stable: 'device' },
};
const BASELINE_EDGE = FULL_SPEC.baselineEdges[0] ?? 0;

/** One latency inside each stretch between the edges that are counted, so that a sketch holds what was drawn and nothing else. */
export const LATENCY_MS = {
  fast: bucketEdge(BASELINE_EDGE - 10),
  aboveBaseline: bucketEdge(BASELINE_EDGE + 3),
  aboveP95: bucketEdge(P95_EDGE + 3),
  aboveP99: bucketEdge(P99_EDGE + 3),
} as const;

export interface FullDevice extends FalseDevice {
  readonly arm: Arm;
  readonly unknownRate: number;
  /** Share of its latencies above the p95 limit; for stable, above its own p95. */
  readonly slowShare: number;
}

export interface FullFleet {
  readonly arm: Arm;
  readonly count: number;
  readonly errorRate: number;
  /** Where unknown answers and slow latencies are, of what their limits allow. */
  readonly otherFactor: number;
  /** Standard deviation over mean of the devices' unknown answers and slow latencies. */
  readonly otherSpread: number;
}

export function makeFullDevices(scenario: Scenario, fleet: FullFleet, random: RandomStream): FullDevice[] {
  const { arm, count, errorRate, otherFactor, otherSpread } = fleet;
  return makeDevices(scenario, count, errorRate, random).map((device) => ({
    ...device,
    arm,
    unknownRate: Math.min(0.9, otherFactor * UNKNOWN_LIMIT * around1(otherSpread, random)),
    slowShare: Math.min(0.9, otherFactor * ABOVE_P95 * around1(otherSpread, random)),
  }));
}

/** What one device's report of one minute counts. */
export interface MinuteCounts {
  readonly inferences: number;
  readonly errors: number;
  readonly unknown: number;
  readonly latencies: { readonly [K in keyof typeof LATENCY_MS]: number };
  readonly classes: ReadonlyMap<string, number>;
}

export interface FullReport {
  readonly device: FullDevice;
  readonly counts: MinuteCounts;
}

/** Failed inferences have neither latency nor class; answers below the confidence have no class. */
export function drawMinute(scenario: Scenario, device: FullDevice, minute: number, random: RandomStream): MinuteCounts {
  const { trials: inferences, arm, unknownRate, slowShare } = device;
  const errors = drawErrors(scenario, device, minute, random);
  const answers = inferences - errors;
  const unknown = binomial(answers, unknownRate, random);
  const slow = binomial(answers, slowShare, random);
  const slowest = arm === 'candidate' ? binomial(slow, ABOVE_P99 / ABOVE_P95, random) : 0;
  return {
    inferences,
    errors,
    unknown,
    latencies: {
      fast: answers - slow,
      aboveBaseline: arm === 'stable' ? slow : 0,
      aboveP95: arm === 'candidate' ? slow - slowest : 0,
      aboveP99: slowest,
    },
    classes: drawClasses(answers - unknown, random),
  };
}

function drawClasses(answers: number, random: RandomStream): Map<string, number> {
  const classes = new Map<string, number>();
  let left = answers;
  let share = 1;
  CLASSES.forEach((name, i) => {
    const own = CLASS_SHARES[i] ?? 0;
    const count = i === CLASSES.length - 1 ? left : binomial(left, own / share, random);
    if (count > 0) classes.set(name, count);
    left -= count;
    share -= own;
  });
  return classes;
}

/** Reports arrive in the middle of the minute that follows their own. */
export function receivedAtMs(minute: number): number {
  return (minute - 0.5) * FULL_SPEC.intervalMs;
}

function countsOf(arm: Arm, { inferences, errors, unknown, latencies, classes }: MinuteCounts): MeasureCount[] {
  const measured = inferences - errors;
  const above =
    arm === 'stable' ? [latencies.aboveBaseline] : [latencies.aboveP95 + latencies.aboveP99, latencies.aboveP99];
  return [
    { trials: inferences, bad: errors },
    { trials: inferences, bad: unknown },
    ...above.map((bad) => ({ trials: measured, bad })),
    ...CLASSES.map((name) => ({ trials: measured - unknown, bad: classes.get(name) ?? 0 })),
  ];
}

/** What `foldReport` makes of the report that holds these counts; a test holds the two together. */
export function foldOf(device: FullDevice, minute: number, counts: MinuteCounts): FoldedInterval {
  const { inferences, errors, latencies, classes } = counts;
  const latencyMs = emptySketch();
  for (const stretch of ['fast', 'aboveBaseline', 'aboveP95', 'aboveP99'] as const) {
    if (latencies[stretch] > 0) addToSketch(latencyMs, LATENCY_MS[stretch], latencies[stretch]);
  }
  return {
    arm: device.arm,
    device: device.name,
    row: device.name,
    groups: [],
    window: windowNumberAt(FULL_SPEC, receivedAtMs(minute)),
    inferences,
    counts: countsOf(device.arm, counts),
    histograms: [],
    course: null,
    gauges: [],
    summary: {
      ...{ inferences, rejected: 0, errors: { runtime: errors }, latencyMs, confidence: [] },
      ...{ classes: new Map(classes), gauges: new Map(), outputs: new Map() },
    },
  };
}

/**
 * What all reports of one minute add to a row that they share, as large arms are kept: judges read no more of a baseline than the sum of
 * its rows. A test holds it together with `foldReport`.
 */
export function sharedRowOf(minute: number, reports: readonly FullReport[]): PeriodRow {
  const [first] = reports;
  assertInvariant(first !== undefined, 'a row has reports');
  const measures = countsOf(first.device.arm, first.counts).length;
  const sums = new Float64Array(measures * MEASURE_WIDTH);
  const one = new Float64Array(MEASURE_WIDTH);
  for (const { device, counts } of reports) {
    countsOf(device.arm, counts).forEach((count, place) => {
      writeMeasure(one, 0, count);
      one.forEach((sum, i) => {
        sums[place * MEASURE_WIDTH + i] = (sums[place * MEASURE_WIDTH + i] ?? 0) + sum;
      });
    });
  }
  return { period: windowNumberAt(FULL_SPEC, receivedAtMs(minute)), whole: sums, current: sums };
}
