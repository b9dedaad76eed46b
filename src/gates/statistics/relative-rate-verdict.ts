// Owns rule B: is the candidate's rate below a multiple of the baseline's, both seen over the same time?
import { pFail, pPass } from './e-process.ts';
import {
  mayDropWorst,
  openReading,
  type RateOptions,
  type RateReading,
  rateVerdict,
  verdictOf,
} from './rate-verdict.ts';
import { designEffect, LEAST_CLUSTERS, minusTally, type Tally } from './tally.ts';
import type { TallyRows } from './tally-rows.ts';

export interface RelativeRateOptions extends RateOptions {
  /** The limit is never lower than this rate: rate < max(ratio · baseline, floor). */
  readonly floor?: number;
}

/**
 * Of all bad events M = S_A + S_B the candidate's share is below θ = ρN_A/(ρN_A + N_B) exactly when the rule holds (Poisson
 * thinning; Lindon and Malek 2022), so the engine weighs S_A of M against θ.
 */
export function thinned(
  side: typeof pFail,
  candidate: Tally,
  baseline: Tally,
  ratio: number,
  leastEffect: number,
): number {
  if (candidate.reports < LEAST_CLUSTERS) return 1;
  const bad = candidate.bad + baseline.bad;
  if (!(bad > 0)) return 1;
  const theta = (ratio * candidate.trials) / (ratio * candidate.trials + baseline.trials);
  const share = candidate.bad / bad;
  const effect = Math.max(leastEffect, designEffect(candidate) * (1 - share) + designEffect(baseline) * share);
  return side(candidate.bad / effect, bad / effect, theta);
}

/** Is rate(candidate) < ratio · rate(baseline), or below the floor? `estimate` is the ratio of both rates. */
export function relativeRateVerdict(
  devices: TallyRows,
  baseline: Tally | null,
  ratio: number,
  options: RelativeRateOptions = {},
): RateReading {
  const { floor = 0, scope = 'stage', leastDesignEffect = 1 } = options;
  const all = scope === 'fleet' ? devices.byDevice() : devices.all;
  const base: RateReading = { ...openReading(devices, all), estimate: null };
  if (baseline === null || !(baseline.trials > 0)) return { ...base, reason: 'no-baseline' };
  if (devices.live === 0) return { ...base, reason: 'no-data' };
  if (all.reports < LEAST_CLUSTERS || baseline.reports < LEAST_CLUSTERS) return { ...base, reason: 'too-few-reports' };

  // The pooled rate if the ratio were exactly at its limit: the measure of which device stands out.
  const pooled = (ratio * (all.bad + baseline.bad)) / (ratio * all.trials + baseline.trials);
  const pFailAll = thinned(pFail, all, baseline, ratio, 1);
  const worst = mayDropWorst(devices, pFailAll, options) ? devices.largestExcess(pooled) : undefined;
  const pWithout = worst === undefined ? pFailAll : thinned(pFail, minusTally(all, worst), baseline, ratio, 1);
  const p = withFloor(
    {
      pFail: Math.max(pFailAll, pWithout),
      pPass: thinned(pPass, all, baseline, ratio, leastDesignEffect),
      pFailAll,
    },
    floor > 0 ? rateVerdict(devices, floor, { ...options, nameWorst: false }) : null,
  );
  const outcome = verdictOf(p, options);
  const silent = outcome.verdict === 'undecided' && outcome.reason === null && all.bad + baseline.bad === 0;
  return {
    ...base,
    ...p,
    ...outcome,
    estimate: baseline.bad > 0 ? all.bad / all.trials / (baseline.bad / baseline.trials) : null,
    isWithin:
      all.bad * baseline.trials < ratio * baseline.bad * all.trials || (floor > 0 && all.bad < floor * all.trials),
    worst: worst ?? null,
    reason: silent ? 'no-events' : outcome.reason,
  };
}

interface PValues {
  readonly pFail: number;
  readonly pPass: number;
  readonly pFailAll: number;
}

/** A fail must breach the ratio and the floor; a pass needs one of the two, at twice the price. */
function withFloor(p: PValues, floor: PValues | null): PValues {
  if (floor === null) return p;
  return {
    pFail: Math.max(p.pFail, floor.pFail),
    pFailAll: Math.max(p.pFailAll, floor.pFailAll),
    pPass: Math.min(1, 2 * Math.min(p.pPass, floor.pPass)),
  };
}
