// Owns rule D: has a distribution moved from its baseline by more than a limit, on the scale of the population stability index?
import type { HistogramRows, NamedHistogram } from './histogram-rows.ts';
import { type HistogramTally, minusHistogram } from './histogram-tally.ts';
import { ONE_DEVICE, type Verdict } from './rate-verdict.ts';
import { normalQuantile } from './special-functions.ts';
import { LEAST_CLUSTERS } from './tally.ts';

export interface DriftEstimate {
  /** ‖2√p − 2√q‖: its square is 4 times the squared Hellinger distance, at most PSI and equal to it to second order. */
  readonly distance: number;
  /** Standard deviation along the direction of the drift. */
  readonly deviation: number;
  /** Variance of the noise over all directions, by which the squared distance reads too high. */
  readonly bias: number;
}

const at = (list: readonly number[], index: number): number => list[index] ?? 0;
const shares = (tally: HistogramTally): number[] => tally.counts.map((count) => count / tally.trials);

/** Distance of two histograms with its noise, both by the cluster sandwich; 2√p is the variance-stabilised histogram. */
export function driftEstimate(candidate: HistogramTally, baseline: HistogramTally): DriftEstimate {
  const p = shares(candidate);
  const q = shares(baseline);
  const apart = p.map((share, k) => Math.sqrt(share) - Math.sqrt(at(q, k)));
  const half = Math.hypot(...apart);
  const direction = apart.map((x) => (half > 0 ? x / half : 0));
  const a = noiseOf(candidate, p, direction);
  const b = noiseOf(baseline, q, direction);
  return { distance: 2 * half, deviation: Math.sqrt(a.along + b.along), bias: a.total + b.total };
}

/** Variance along a direction and over all of them, never below that of independent draws. */
function noiseOf(
  tally: HistogramTally,
  share: readonly number[],
  direction: readonly number[],
): { readonly along: number; readonly total: number } {
  const { bins, trials, reports, trialsSquared } = tally;
  const smoothed = tally.counts.map((count) => (count + 0.5) / (trials + bins / 2));
  const slope = direction.map((x, k) => x / Math.sqrt(at(smoothed, k)));
  const covariance = (k: number, l: number): number =>
    at(tally.countProducts, k * bins + l) -
    at(share, k) * at(tally.countTrials, l) -
    at(share, l) * at(tally.countTrials, k) +
    at(share, k) * at(share, l) * trialsSquared;
  let along = 0;
  let total = 0;
  let plainSquares = 0;
  let plainMean = 0;
  for (let k = 0; k < bins; k++) {
    for (let l = 0; l < bins; l++) along += at(slope, k) * at(slope, l) * covariance(k, l);
    total += covariance(k, k) / at(smoothed, k);
    plainSquares += at(slope, k) ** 2 * at(share, k);
    plainMean += at(slope, k) * at(share, k);
  }
  const factor = reports / (reports - 3) / (trials * trials);
  return {
    along: Math.max(factor * along, (plainSquares - plainMean ** 2) / trials),
    total: Math.max(factor * total, (bins - 1) / trials),
  };
}

/** α_j = α/((j+1)(j+2)), which sums to α over all looks. */
export function lookAlpha(alpha: number, look: number): number {
  return alpha / ((look + 1) * (look + 2));
}

export interface DriftOptions {
  readonly alpha?: number;
  readonly beta?: number;
  /** `psi` (default), or `kl`: half of it to second order. */
  readonly scale?: 'psi' | 'kl';
  /** The lower bound is the least over leaving out any one device (three devices or more). */
  readonly dropWorst?: boolean;
}

export interface DriftReading {
  readonly verdict: Verdict;
  readonly estimate: number | null;
  readonly isWithin: boolean;
  readonly lower: number;
  readonly lowerAll: number;
  readonly upper: number;
  readonly worst: NamedHistogram | null;
  readonly reason: string;
}

/** Is the drift below `limit`? Ask at looks only, with the look's number and the sums frozen when its interval closed. */
export function driftVerdict(
  devices: HistogramRows,
  baseline: HistogramTally | null,
  limit: number,
  look: number,
  options: DriftOptions = {},
): DriftReading {
  const { alpha = 0.05, beta = 0.05, scale = 'psi', dropWorst = true } = options;
  const unit = scale === 'psi' ? 1 : 0.5;
  const open = (reason: string): DriftReading => ({
    verdict: 'undecided',
    estimate: null,
    isWithin: false,
    lower: 0,
    lowerAll: 0,
    upper: Number.POSITIVE_INFINITY,
    worst: null,
    reason,
  });
  if (baseline === null || !(baseline.trials > 0)) return open('no baseline');
  if (devices.live === 0) return open('no data');
  const { all } = devices;
  if (all.reports < LEAST_CLUSTERS || baseline.reports < LEAST_CLUSTERS) return open('too few reports');

  const z = normalQuantile(1 - lookAlpha(alpha, look));
  const lowerOf = (tally: HistogramTally): number => {
    if (tally.reports < LEAST_CLUSTERS) return 0;
    const { distance, deviation, bias } = driftEstimate(tally, baseline);
    return unit * Math.max(0, Math.max(0, distance - z * deviation) ** 2 - bias);
  };
  const { distance, deviation, bias } = driftEstimate(all, baseline);
  const estimate = unit * Math.max(0, distance ** 2 - bias);
  const upper = unit * (distance + normalQuantile(1 - lookAlpha(beta, look)) * deviation) ** 2;
  const lowerAll = lowerOf(all);
  const robust =
    dropWorst && devices.live >= 3 && lowerAll >= limit ? leastWithoutOne(devices, all, lowerAll, lowerOf) : null;
  const lower = robust?.lower ?? lowerAll;
  const verdict = lower >= limit ? 'fail' : upper < limit ? 'pass' : 'undecided';
  const reason = verdict === 'undecided' && lowerAll >= limit ? ONE_DEVICE : '';
  const worst = robust?.worst ?? null;
  return { verdict, estimate, isWithin: estimate < limit, lower, lowerAll, upper, worst, reason };
}

/** The least lower bound over leaving out one device, and that device. */
function leastWithoutOne(
  devices: HistogramRows,
  all: HistogramTally,
  lowerAll: number,
  lowerOf: (tally: HistogramTally) => number,
): { readonly lower: number; readonly worst: NamedHistogram | null } {
  let lower = lowerAll;
  let worst: NamedHistogram | null = null;
  for (const device of devices.each()) {
    const without = lowerOf(minusHistogram(all, device));
    if (without >= lower) continue;
    lower = without;
    worst = device;
  }
  return { lower, worst };
}
