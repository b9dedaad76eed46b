// Owns the six sums that carry all evidence about a rate, and the design effect that corrects for events coming in clusters.

/** Sums over clusters, one cluster a report (one device, one interval); tallies of devices or shards merge by addition. */
export interface Tally {
  readonly bad: number;
  readonly trials: number;
  /** Number of clusters. */
  readonly reports: number;
  readonly badSquared: number;
  /** Σ bad·trials. */
  readonly badTrials: number;
  readonly trialsSquared: number;
}

export const EMPTY_TALLY: Tally = { bad: 0, trials: 0, reports: 0, badSquared: 0, badTrials: 0, trialsSquared: 0 };

/** With fewer clusters than this their spread can't be judged: no verdict. */
export const LEAST_CLUSTERS = 4;

/** What is left of a merged tally without one of its parts. */
export function minusTally(whole: Tally, part: Tally): Tally {
  return {
    bad: whole.bad - part.bad,
    trials: whole.trials - part.trials,
    reports: whole.reports - part.reports,
    badSquared: whole.badSquared - part.badSquared,
    badTrials: whole.badTrials - part.badTrials,
    trialsSquared: whole.trialsSquared - part.trialsSquared,
  };
}

/** The tally as if so many times the same had been seen. */
export function scaleTally(tally: Tally, scale: number): Tally {
  return {
    bad: tally.bad * scale,
    trials: tally.trials * scale,
    reports: tally.reports * scale,
    badSquared: tally.badSquared * scale,
    badTrials: tally.badTrials * scale,
    trialsSquared: tally.trialsSquared * scale,
  };
}

/**
 * Sandwich variance of the rate over its binomial variance, at least 1 (Rao and Scott 1992).
 * m/(m−1) is the sandwich's own factor, (m−1)/(m−3) the variance of Student's t with m−1 degrees of freedom.
 */
export function designEffect(tally: Tally): number {
  const { bad, trials, reports } = tally;
  if (reports < LEAST_CLUSTERS || !(bad > 0) || !(bad < trials)) return 1;
  const rate = bad / trials;
  const spread = tally.badSquared - 2 * rate * tally.badTrials + rate * rate * tally.trialsSquared;
  return Math.max(1, ((reports / (reports - 3)) * spread) / (trials * rate * (1 - rate)));
}
