// Owns the rules that verdicts are held against: bare thresholds as other tools count them, and a fixed-sample test looked at often.
import { lnGamma } from '../../src/gates/statistics/special-functions.ts';
import { Watch } from './outcome.ts';

/** Argo Rollouts: `failureLimit: 3`; a metric fails when Failed > FailureLimit. */
const ARGO_FAILURE_LIMIT = 3;
/** Flagger: `threshold: 5`; a canary is rolled back when FailedChecks >= threshold, whichever metric they came from. */
const FLAGGER_THRESHOLD = 5;
const PEEKED_LEVEL = 0.05;
const NEGLIGIBLE = 1e-12;

/** P(X ≥ bad) for X binomial; 1 where `bad` is not above the mean, because nothing below matters here. */
export function upperTail(bad: number, trials: number, rate: number): number {
  if (bad <= rate * trials) return 1;
  const logRate = Math.log(rate);
  const logRest = Math.log1p(-rate);
  const choose = lnGamma(trials + 1) - lnGamma(bad + 1) - lnGamma(trials - bad + 1);
  let term = Math.exp(choose + bad * logRate + (trials - bad) * logRest);
  let sum = 0;
  for (let k = bad; k <= trials && term > sum * NEGLIGIBLE; k++) {
    sum += term;
    term *= ((trials - k) / (k + 1)) * (rate / (1 - rate));
  }
  return Math.min(1, sum);
}

/** What one metric shows over the whole stage in one minute. */
export interface MinuteSum {
  readonly bad: number;
  readonly trials: number;
  readonly limit: number;
}

/** The rivals' judgement on a stage of one metric or several. */
export class Rivals {
  readonly argo = new Watch();
  readonly flagger = new Watch();
  readonly peeked = new Watch();
  readonly #breaches: number[];
  readonly #bad: number[];
  readonly #trials: number[];
  #failedChecks = 0;

  constructor(metrics: number) {
    this.#breaches = new Array<number>(metrics).fill(0);
    this.#bad = new Array<number>(metrics).fill(0);
    this.#trials = new Array<number>(metrics).fill(0);
  }

  see(minute: number, metrics: readonly MinuteSum[]): void {
    let hasBreach = false;
    metrics.forEach(({ bad, trials, limit }, i) => {
      const isBreach = bad >= limit * trials;
      hasBreach ||= isBreach;
      const breaches = (this.#breaches[i] ?? 0) + (isBreach ? 1 : 0);
      this.#breaches[i] = breaches;
      if (breaches > ARGO_FAILURE_LIMIT) this.argo.see(minute, 'fail');
      const allBad = (this.#bad[i] ?? 0) + bad;
      const allTrials = (this.#trials[i] ?? 0) + trials;
      this.#bad[i] = allBad;
      this.#trials[i] = allTrials;
      if (!this.peeked.isOver && upperTail(allBad, allTrials, limit) < PEEKED_LEVEL) this.peeked.see(minute, 'fail');
    });
    if (hasBreach) this.#failedChecks++;
    if (this.#failedChecks >= FLAGGER_THRESHOLD) this.flagger.see(minute, 'fail');
  }
}
