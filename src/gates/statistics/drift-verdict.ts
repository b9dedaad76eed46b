// Owns rule D: has a distribution moved from its baseline by more than a limit, on the scale of the population stability index?
import { driftBound } from './drift-bound.ts';
import { type DriftEstimate, DriftMeter } from './drift-estimate.ts';
import type { HistogramRows } from './histogram-rows.ts';
import type { HistogramTally } from './histogram-tally.ts';
import { normalP, normalReach } from './normal-evidence.ts';
import { verdictOf } from './rate-verdict.ts';
import {
  failEvidence,
  type HistogramOptions,
  type HistogramReading,
  openHistogram,
  type Prober,
  whyIncomparable,
} from './robust-evidence.ts';

export interface DriftOptions extends HistogramOptions {
  /** `psi` (default), or `kl`: half of it to second order. */
  readonly scale?: 'psi' | 'kl';
}

export interface DriftReading extends HistogramReading {
  readonly lower: number;
  readonly upper: number;
}

/** To second order, of the same drift. */
const UNIT = { psi: 1, kl: 0.5 } as const;

/** Half of the limit over the standard deviation, squared: as distances, limits are roots of drifts. */
function informationOf(limit: number, deviation: number): number {
  return limit / (4 * deviation * deviation);
}

/** The p-value of "the drift is at or below `limit`" (PSI): small means that the limit is breached. */
export function pBeyond({ distance, deviation, bias }: DriftEstimate, limit: number): number {
  return normalP((distance - Math.sqrt(limit + bias)) / deviation, informationOf(limit, deviation));
}

/** The p-value of "the drift is at or above `limit`" (PSI): small means that the limit is kept. */
export function pWithin({ distance, deviation }: Omit<DriftEstimate, 'bias'>, limit: number): number {
  return normalP((Math.sqrt(limit) - distance) / deviation, informationOf(limit, deviation));
}

/** A limit on its scale as one in PSI. */
export function limitInPsi(limit: number, scale: 'psi' | 'kl' = 'psi'): number {
  return limit / UNIT[scale];
}

/** What so many times as much of the same would read. */
export function driftAfter(candidate: HistogramTally, baseline: HistogramTally, times: number): DriftEstimate {
  const { distance, deviation, bias } = new DriftMeter(baseline).of(candidate)();
  return {
    distance: Math.sqrt(Math.max(0, distance ** 2 - bias) + bias / times),
    deviation: deviation / Math.sqrt(times),
    bias: bias / times,
  };
}

function proberOf(baseline: HistogramTally, limit: number): Prober {
  const meter = new DriftMeter(baseline);
  return {
    probe: (candidate) => {
      const measure = meter.of(candidate);
      return () => pBeyond(measure(), limit);
    },
    bound: (devices) => driftBound(devices, baseline, meter.partsOf(devices.all)(), limit),
  };
}

/** Is the drift below `limit`? May be asked at any time, of the sums as they are. */
export function driftVerdict(
  devices: HistogramRows,
  baseline: HistogramTally | null,
  limit: number,
  options: DriftOptions = {},
): DriftReading {
  const { alpha = 0.05, beta = 0.05, scale = 'psi' } = options;
  const open = whyIncomparable(devices, baseline);
  if (baseline === null || open !== null) {
    return { ...openHistogram(open ?? 'no-baseline'), lower: 0, upper: Number.POSITIVE_INFINITY };
  }
  const unit = UNIT[scale];
  const most = limitInPsi(limit, scale);
  const { distance, deviation, bias } = new DriftMeter(baseline).of(devices.all)();
  const information = informationOf(most, deviation);
  const estimate = unit * Math.max(0, distance ** 2 - bias);
  const p = {
    ...failEvidence(devices, baseline, (against) => proberOf(against, most), options),
    pPass: pWithin({ distance, deviation }, most),
  };
  const nearest = Math.max(0, distance - normalReach(alpha, information) * deviation);
  const { verdict, reason } = verdictOf(p, { alpha, beta });
  return {
    ...p,
    verdict,
    reason: reason === null ? null : 'one-device',
    estimate,
    isWithin: estimate < limit,
    lower: unit * Math.max(0, nearest ** 2 - bias),
    upper: unit * (distance + normalReach(beta, information) * deviation) ** 2,
  };
}
