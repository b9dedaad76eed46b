// Owns rule D: has a distribution moved from its baseline by more than a limit, on the scale of the population stability index?
import { type DriftEstimate, DriftMeter } from './drift-estimate.ts';
import type { HistogramRows } from './histogram-rows.ts';
import type { HistogramTally } from './histogram-tally.ts';
import type { OpenReason, Verdict } from './rate-verdict.ts';
import { normalQuantile } from './special-functions.ts';
import { LEAST_CLUSTERS } from './tally.ts';

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
  /** The device left out for a fail. */
  readonly worst: string | null;
  readonly reason: OpenReason | null;
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
  const open = (reason: OpenReason): DriftReading => ({
    verdict: 'undecided',
    estimate: null,
    isWithin: false,
    lower: 0,
    lowerAll: 0,
    upper: Number.POSITIVE_INFINITY,
    worst: null,
    reason,
  });
  if (baseline === null || !(baseline.trials > 0)) return open('no-baseline');
  if (devices.live === 0) return open('no-data');
  const { all } = devices;
  if (all.reports < LEAST_CLUSTERS || baseline.reports < LEAST_CLUSTERS) return open('too-few-reports');

  const z = normalQuantile(1 - lookAlpha(alpha, look));
  const meter = new DriftMeter(baseline);
  const lowerOf = ({ distance, deviation, bias }: DriftEstimate): number =>
    unit * Math.max(0, Math.max(0, distance - z * deviation) ** 2 - bias);
  const whole = meter.of(all)();
  const { distance, deviation, bias } = whole;
  const estimate = unit * Math.max(0, distance ** 2 - bias);
  const upper = unit * (distance + normalQuantile(1 - lookAlpha(beta, look)) * deviation) ** 2;
  const lowerAll = lowerOf(whole);
  const robust =
    dropWorst && devices.live >= 3 && lowerAll >= limit ? leastWithoutOne(devices, meter, lowerAll, lowerOf) : null;
  const lower = robust?.lower ?? lowerAll;
  const verdict = lower >= limit ? 'fail' : upper < limit ? 'pass' : 'undecided';
  const reason = verdict === 'undecided' && lowerAll >= limit ? 'one-device' : null;
  const worst = robust?.worst ?? null;
  return { verdict, estimate, isWithin: estimate < limit, lower, lowerAll, upper, worst, reason };
}

/** The least lower bound over leaving out one device, and that device: of equal ones the first by name. */
function leastWithoutOne(
  devices: HistogramRows,
  meter: DriftMeter,
  lowerAll: number,
  lowerOf: (estimate: DriftEstimate) => number,
): { readonly lower: number; readonly worst: string | null } {
  let lower = lowerAll;
  let worst: string | null = null;
  const rest = devices.withoutOne();
  const measure = meter.of(rest.tally);
  for (const device of rest.devices) {
    const without = rest.tally.reports < LEAST_CLUSTERS ? 0 : lowerOf(measure());
    if (without > lower || (without === lower && (worst === null || device >= worst))) continue;
    lower = without;
    worst = device;
  }
  return { lower, worst };
}
