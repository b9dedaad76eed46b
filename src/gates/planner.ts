// Owns the forecast: how many inferences, and minutes, a rule needs before it can decide.
import { pFail, pPass } from './e-process.ts';
import { normalQuantile } from './special-functions.ts';

export interface SampleOptions {
  readonly designEffect?: number;
  /** Devices of the stage, when the worst of them is left out for a fail; 0 when none is. */
  readonly devices?: number;
  /** How much devices' rates differ: standard deviation over mean. */
  readonly spread?: number;
}

const MOST_SAMPLES = 1e12;

/**
 * Fewest trials after which a true rate decides against the threshold at the level, on the expected path (close to the median).
 * Where the worst device is left out, the expected largest one goes (Blom's normal score). Infinity when the rate is the threshold.
 */
export function samplesToDecide(threshold: number, rate: number, level: number, options: SampleOptions = {}): number {
  const { designEffect = 1, devices = 0, spread = 0 } = options;
  if (rate === threshold) return Number.POSITIVE_INFINITY;
  const drops = rate > threshold && devices >= 3;
  const score = drops ? normalQuantile((devices - 0.375) / (devices + 0.25)) : 0;
  const isDecided = (trials: number): boolean => {
    if (rate < threshold) return pPass((rate * trials) / designEffect, trials / designEffect, threshold) <= level;
    let bad = rate * trials;
    let left = trials;
    if (drops) {
      const one = bad / devices;
      bad -= one + score * Math.sqrt(one * designEffect + (spread * one) ** 2);
      left = (trials * (devices - 1)) / devices;
    }
    return bad > 0 && pFail(bad / designEffect, left / designEffect, threshold) <= level;
  };
  return leastThat(isDecided, 60);
}

/** The least whole number for which a question turns true, by doubling and bisection; Infinity beyond 1e12. */
function leastThat(isDecided: (n: number) => boolean, steps: number): number {
  let enough = 1;
  while (!isDecided(enough)) {
    enough *= 2;
    if (enough > MOST_SAMPLES) return Number.POSITIVE_INFINITY;
  }
  let short = enough / 2;
  for (let i = 0; i < steps; i++) {
    const middle = (short + enough) / 2;
    if (isDecided(middle)) enough = middle;
    else short = middle;
  }
  return Math.ceil(enough);
}
