// Owns the engine: evidence against a rate that stays valid however often one looks (a beta-binomial e-process in closed form).
import { stirlingError } from './special-functions.ts';

const HALF_LOG_TWO_PI = 0.9189385332046727;

/** Weight b of the prior Beta(1, b) whose mean is the threshold: one pseudo-event at the limit. */
export function priorWeight(threshold: number): number {
  return (1 - threshold) / threshold;
}

/**
 * ln E of `bad` events in `trials` against the rate `threshold` (0..1, both ends excluded), mixing the rate over Beta(1, b):
 * E = b·B(1+S, b+N−S) / (tˢ(1−t)^(N−S)) (Robbins 1970; Howard, Ramdas, McAuliffe, Sekhon 2021).
 * Counts may be real (effective counts); stable up to 1e12 trials.
 */
export function logEvidence(bad: number, trials: number, threshold: number, prior = priorWeight(threshold)): number {
  if (!(trials > 0)) return 0;
  const a = 1 + bad;
  const b = prior + trials - bad;
  const c = 1 + prior + trials;
  const excess = a - c * threshold;
  const likelihood =
    bad * Math.log1p(excess / (c * threshold)) + (trials - bad) * Math.log1p(-excess / (c * (1 - threshold)));
  const stirling =
    0.5 * Math.log(a / c) + (prior - 0.5) * Math.log1p(-a / c) - 0.5 * Math.log(c) + HALF_LOG_TWO_PI + Math.log(prior);
  return likelihood + stirling + stirlingError(a) + stirlingError(b) - stirlingError(c);
}

/** ln of the prior's mass above the threshold: P(Beta(1, b) > t) = (1−t)^b. */
function logMassAbove(threshold: number): number {
  return priorWeight(threshold) * Math.log1p(-threshold);
}

/** w / (E − (1−w)), at most 1: the one-sided share of a two-sided mixture. */
function oneSided(logE: number, logMass: number): number {
  if (logE <= 0) return 1;
  return Math.min(1, Math.exp(logMass - logE - Math.log1p(Math.expm1(logMass) * Math.exp(-logE))));
}

/** Anytime-valid p-value of "the rate is at or below the threshold": small means that the limit is breached. */
export function pFail(bad: number, trials: number, threshold: number): number {
  return bad > threshold * trials ? oneSided(logEvidence(bad, trials, threshold), logMassAbove(threshold)) : 1;
}

/** Anytime-valid p-value of "the rate is at or above the threshold": small means that the limit is kept. */
export function pPass(bad: number, trials: number, threshold: number): number {
  if (!(bad < threshold * trials)) return 1;
  return oneSided(logEvidence(bad, trials, threshold), Math.log(-Math.expm1(logMassAbove(threshold))));
}

/** For display: two-sided confidence sequence of a rate, all rates whose evidence stays below 1/alpha with the prior held fixed. */
export function rateBounds(bad: number, trials: number, prior: number, alpha: number): readonly [number, number] {
  const cut = Math.log(1 / alpha);
  const observed = trials > 0 ? bad / trials : 0;
  const edgeTowards = (end: 0 | 1): number => {
    let inside = observed;
    let outside: number = end;
    for (let i = 0; i < 200; i++) {
      const middle = (inside + outside) / 2;
      if (middle === inside || middle === outside) break;
      if (logEvidence(bad, trials, middle, prior) < cut) inside = middle;
      else outside = middle;
    }
    return (inside + outside) / 2;
  };
  return [bad > 0 ? edgeTowards(0) : 0, bad < trials ? edgeTowards(1) : 1];
}
