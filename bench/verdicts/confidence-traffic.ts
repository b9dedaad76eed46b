// Owns the confidences that false devices answer with: how much devices differ, how reports cluster, and how a candidate's answers move.
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import type { Digest } from '../../src/contract/digest.ts';
import { emptySketch } from '../../src/contract/sketch.ts';
import { normalCdf } from '../../src/gates/statistics/special-functions.ts';
import { coursePoint } from '../../src/telemetry/course-sums.ts';
import type { FoldedInterval } from '../../src/telemetry/fold-report.ts';
import { type Arm, type WindowSpec, windowNumberAt } from '../../src/telemetry/window.ts';
import { around1, binomial, gamma } from './draw.ts';
import { PER_MINUTE } from './scenario.ts';

export interface ConfidenceScenario {
  readonly name: string;
  readonly title: string;
  /** Standard deviation over mean of the devices' doubts (1 less the mean confidence) and of their traffic. */
  readonly spread: number;
  readonly clusters: 'none' | 'in-report' | 'bursts';
}

export const CONFIDENCE_SCENARIOS: readonly ConfidenceScenario[] = [
  { name: 'independent', title: 'independent answers', spread: 0, clusters: 'none' },
  { name: 'deff5', title: 'deff 5 in reports', spread: 0, clusters: 'in-report' },
  { name: 'bursts', title: '5-min bursts', spread: 0, clusters: 'bursts' },
  { name: 'cv0.5', title: 'CV 0.5', spread: 0.5, clusters: 'none' },
  { name: 'cv1', title: 'CV 1', spread: 1, clusters: 'none' },
];

export const BINS = 10;
const MEAN = 0.86;
/** Standard deviation of one device's answers. */
export const SPREAD = 0.12;
/** Correlation of two answers of one report that makes the design effect 5 at 60 a report. */
const IN_REPORT = 4 / (PER_MINUTE - 1);
const BURST_MINUTES = 5;
/** A tenth of the time a device's answers are a spread less sure than in the rest of it. */
const BURST_SHARE = 0.1;

/** Shares of answers by bin. */
export type Shares = Float64Array;

/** What becomes of stable's answers: so large a part of them (0..1) loses so much confidence. */
export type Move = readonly { readonly part: number; readonly loss: number }[];
export const UNMOVED: Move = [{ part: 1, loss: 0 }];

/** The shares of normal confidences; what is beyond 0 or 1 lies in the first and last bin. */
export function sharesAround(mean: number): Shares {
  const below = Float64Array.from({ length: BINS + 1 }, (_, k) =>
    k === 0 ? 0 : k === BINS ? 1 : normalCdf((k / BINS - mean) / SPREAD),
  );
  return below.subarray(1).map((share, k) => share - (below[k] ?? 0));
}

/** Several shares as one, by their weights. */
export function mixed(parts: readonly { readonly weight: number; readonly shares: Shares }[]): Shares {
  const all = parts.reduce((sum, { weight }) => sum + weight, 0);
  const sum = new Float64Array(BINS);
  for (const { weight, shares } of parts)
    for (let k = 0; k < BINS; k++) sum[k] = (sum[k] ?? 0) + (weight * (shares[k] ?? 0)) / all;
  return sum;
}

/** On the scale of PSI, as src/gates reads it. */
export function driftBetween(one: Shares, other: Shares): number {
  return one.reduce((sum, share, k) => sum + 4 * (Math.sqrt(share) - Math.sqrt(other[k] ?? 0)) ** 2, 0);
}

/** How many more answers of `one` lie below some edge. */
export function lossBetween(one: Shares, other: Shares): number {
  let [most, excess] = [0, 0];
  for (let k = 0; k < BINS - 1; k++) {
    excess += (one[k] ?? 0) - (other[k] ?? 0);
    most = Math.max(most, excess);
  }
  return most;
}

export const DISTANCES = { drift: driftBetween, loss: lossBetween } as const;

export interface ConfidenceDevice {
  readonly name: string;
  /** Answers a report. */
  readonly trials: number;
  readonly mean: number;
  readonly phase: number;
  isBursting: boolean;
}

export function makeConfidenceDevices(
  { spread }: ConfidenceScenario,
  count: number,
  random: RandomStream,
): ConfidenceDevice[] {
  return Array.from({ length: count }, (_, i) => ({
    name: `d${i}`,
    trials: Math.max(1, Math.round(PER_MINUTE * around1(spread, random))),
    mean: 1 - (1 - MEAN) * around1(spread, random),
    phase: Math.floor(random.next() * BURST_MINUTES),
    isBursting: random.next() < BURST_SHARE,
  }));
}

/** A device's shares between bursts and in them; both the same where there are none. */
export interface DeviceShares {
  readonly calm: Shares;
  readonly burst: Shares;
  /** In the long run. */
  readonly mean: Shares;
}

export function sharesOf({ clusters }: ConfidenceScenario, { mean }: ConfidenceDevice, move: Move): DeviceShares {
  const depth = clusters === 'bursts' ? SPREAD : 0;
  const at = (from: number): Shares =>
    mixed(move.map(({ part, loss }) => ({ weight: part, shares: sharesAround(from - loss) })));
  const calm = at(mean + BURST_SHARE * depth);
  const burst = depth === 0 ? calm : at(mean - (1 - BURST_SHARE) * depth);
  const parts = [
    { weight: 1 - BURST_SHARE, shares: calm },
    { weight: BURST_SHARE, shares: burst },
  ];
  return { calm, burst, mean: mixed(parts) };
}

/** What devices answer together, in the long run. */
export function stageShares(
  scenario: ConfidenceScenario,
  devices: readonly ConfidenceDevice[],
  move: Move = UNMOVED,
): Shares {
  return mixed(devices.map((one) => ({ weight: one.trials, shares: sharesOf(scenario, one, move).mean })));
}

const FLEET = 1000;
const STEPS = 32;
const known = new Map<string, Move>();

/** The move of all answers by which the whole fleet comes to lie so far from stable. */
export function moveBy(scenario: ConfidenceScenario, kind: keyof typeof DISTANCES, distance: number): Move {
  const name = `${scenario.name} ${kind} ${distance}`;
  const found = known.get(name) ?? searchMove(scenario, kind, distance);
  known.set(name, found);
  return found;
}

function searchMove(scenario: ConfidenceScenario, kind: keyof typeof DISTANCES, distance: number): Move {
  if (distance === 0) return UNMOVED;
  const count = scenario.spread === 0 ? 1 : FLEET;
  const devices = makeConfidenceDevices(scenario, count, seededRandom(scenario.name, 'fleet'));
  const stable = stageShares(scenario, devices);
  let [least, most] = [0, 1];
  for (let step = 0; step < STEPS; step++) {
    const loss = (least + most) / 2;
    const is = DISTANCES[kind](stageShares(scenario, devices, [{ part: 1, loss }]), stable);
    if (is < distance) least = loss;
    else most = loss;
  }
  // At the limit, never above it.
  return [{ part: 1, loss: least }];
}

/** So many answers by bin. */
export function drawCounts(trials: number, shares: ArrayLike<number>, random: RandomStream): number[] {
  const counts: number[] = [];
  let [left, rest] = [trials, 1];
  for (let k = 0; k < BINS - 1; k++) {
    const share = shares[k] ?? 0;
    const count = binomial(left, Math.min(1, share / rest), random);
    counts.push(count);
    left -= count;
    rest -= share;
  }
  counts.push(left);
  return counts;
}

/** The confidences of the device's report of one minute. */
export function drawReport(
  { clusters }: ConfidenceScenario,
  device: ConfidenceDevice,
  { calm, burst }: DeviceShares,
  { minute, random }: { readonly minute: number; readonly random: RandomStream },
): number[] {
  if (clusters === 'bursts' && (minute + device.phase) % BURST_MINUTES === 0)
    device.isBursting = random.next() < BURST_SHARE;
  const shares = device.isBursting ? burst : calm;
  if (clusters !== 'in-report') return drawCounts(device.trials, shares, random);
  // Dirichlet, by gammas.
  const drawn = shares.map((share) => (share > 0 ? gamma(share * (1 / IN_REPORT - 1), random) : 0));
  const sum = drawn.reduce((all, one) => all + one, 0);
  return drawCounts(
    device.trials,
    drawn.map((one) => one / sum),
    random,
  );
}

export const CONFIDENCE_SPEC: WindowSpec = {
  ...{ rollout: 'eu', openedRevision: 7, candidateAttempt: 1 },
  candidateDigest: `sha256:${'c'.repeat(64)}` satisfies Digest,
  stableDigest: `sha256:${'5'.repeat(64)}` satisfies Digest,
  ...{ edges: [], baselineEdges: [], classes: [], histograms: [{ kind: 'confidence' }], groups: [] },
  ...{ openedAtMs: 0, intervalMs: 60_000 },
  rows: { candidate: 'device', stable: 'device' },
};

/** What `foldReport` makes of a report that holds these confidences; a test holds the two together. */
export function foldConfidences(
  { arm, name, receivedAtMs }: { readonly arm: Arm; readonly name: string; readonly receivedAtMs: number },
  histogram: readonly number[],
  spec = CONFIDENCE_SPEC,
): FoldedInterval {
  const inferences = histogram.reduce((sum, count) => sum + count, 0);
  return {
    ...{ arm, device: name, row: name, groups: [], gauges: [], inferences },
    window: windowNumberAt(spec, receivedAtMs),
    counts: [
      { trials: inferences, bad: 0 },
      { trials: inferences, bad: 0 },
    ],
    histograms: [histogram],
    course: spec.course === undefined ? null : coursePoint(spec.course, receivedAtMs - spec.openedAtMs, histogram),
    summary: {
      ...{ inferences, rejected: 0, errors: {}, latencyMs: emptySketch() },
      ...{
        confidence: histogram.flatMap((count) => [count, 0]),
        classes: new Map(),
        gauges: new Map(),
        outputs: new Map(),
      },
    },
  };
}
