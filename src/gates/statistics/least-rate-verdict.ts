// Owns rules A and B the other way round: is a rate above a threshold, or above a share of the baseline's? A fail proves it below.
import { pFail, pPass } from './e-process.ts';
import {
  mayDropWorst,
  type OpenReason,
  openReading,
  type RateOptions,
  type RateReading,
  verdictOf,
} from './rate-verdict.ts';
import { thinned } from './relative-rate-verdict.ts';
import { designEffect, LEAST_CLUSTERS, minusTally, type Tally } from './tally.ts';
import type { TallyRows } from './tally-rows.ts';

/** Evidence that the rate is below, and above; the two sides of the engine, swapped. */
interface Sides {
  readonly below: (tally: Tally) => number;
  readonly above: (tally: Tally) => number;
  /** The rate at the limit: the measure of which device stands out. */
  readonly rateAtLimit: number;
  readonly isWithin: boolean;
}

function read(devices: TallyRows, sides: Sides, options: RateOptions): RateReading {
  const { all } = devices;
  const pFailAll = sides.below(all);
  const worst = mayDropWorst(devices, pFailAll, options) ? devices.largestDeficit(sides.rateAtLimit) : undefined;
  const without = worst === undefined ? pFailAll : sides.below(minusTally(all, worst));
  const p = { pFail: Math.max(pFailAll, without), pFailAll, pPass: sides.above(all) };
  return { ...openReading(devices), isWithin: sides.isWithin, ...p, worst: worst ?? null, ...verdictOf(p, options) };
}

/** Is the rate of the counted events above `threshold` (0..1, both ends excluded)? */
export function leastRateVerdict(devices: TallyRows, threshold: number, options: RateOptions = {}): RateReading {
  const { all } = devices;
  if (devices.live === 0) return { ...openReading(devices), reason: 'no-data' };
  if (all.reports < LEAST_CLUSTERS) return { ...openReading(devices), reason: 'too-few-reports' };
  const weigh = (side: typeof pFail) => (tally: Tally) => {
    if (tally.reports < LEAST_CLUSTERS) return 1;
    const effect = designEffect(tally);
    return side(tally.bad / effect, tally.trials / effect, threshold);
  };
  const isWithin = all.bad > threshold * all.trials;
  return read(devices, { below: weigh(pPass), above: weigh(pFail), rateAtLimit: threshold, isWithin }, options);
}

/**
 * Is the rate above `ratio` times the baseline's? A group that shows none of the events shows nothing of how they cluster either, so a
 * fail takes at least the baseline's design effect.
 */
export function leastRelativeVerdict(
  devices: TallyRows,
  baseline: Tally | null,
  ratio: number,
  options: RateOptions = {},
): RateReading {
  const { all } = devices;
  const open = (reason: OpenReason): RateReading => ({ ...openReading(devices), reason });
  if (baseline === null || !(baseline.trials > 0)) return open('no-baseline');
  if (devices.live === 0) return open('no-data');
  if (all.reports < LEAST_CLUSTERS || baseline.reports < LEAST_CLUSTERS) return open('too-few-reports');
  const clustering = designEffect(baseline);
  const rateAtLimit = (ratio * (all.bad + baseline.bad)) / (ratio * all.trials + baseline.trials);
  const sides: Sides = {
    below: (tally) => thinned(pPass, tally, baseline, ratio, clustering),
    above: (tally) => thinned(pFail, tally, baseline, ratio, 1),
    rateAtLimit,
    isWithin: all.bad * baseline.trials > ratio * baseline.bad * all.trials,
  };
  return read(devices, sides, options);
}
