// Owns the forecast: how many inferences, and minutes, a rule needs before it can decide.
import { pFail, pPass } from '../statistics/e-process.ts';
import { normalQuantile } from '../statistics/special-functions.ts';

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
  return leastThat((trials) => {
    if (rate < threshold) return pPass((rate * trials) / designEffect, trials / designEffect, threshold) <= level;
    const path = { bad: rate * trials, trials, devices, isHigh: true, designEffect, spread };
    const rest = withoutFurthest(path);
    return rest.bad > 0 && pFail(rest.bad / designEffect, rest.trials / designEffect, threshold) <= level;
  });
}

export interface ExpectedPath {
  readonly bad: number;
  readonly trials: number;
  readonly devices: number;
  /** Is the device left out the one with most, or the one with fewest? */
  readonly isHigh: boolean;
  readonly designEffect?: number;
  readonly spread?: number;
}

/** What is left of the expected counts without the device that is expected to stand out most (Blom's normal score); all of it below three. */
export function withoutFurthest(path: ExpectedPath): { readonly bad: number; readonly trials: number } {
  const { bad, trials, devices, isHigh, designEffect = 1, spread = 0 } = path;
  if (devices < 3) return { bad, trials };
  const one = bad / devices;
  const apart =
    normalQuantile((devices - 0.375) / (devices + 0.25)) * Math.sqrt(one * designEffect + (spread * one) ** 2);
  const furthest = isHigh ? one + apart : Math.max(0, one - apart);
  return { bad: bad - furthest, trials: (trials * (devices - 1)) / devices };
}

const BISECTIONS = 60;

/** The least whole number for which a question turns true, by doubling and bisection; Infinity beyond 1e12. */
export function leastThat(isDecided: (n: number) => boolean): number {
  let enough = 1;
  while (!isDecided(enough)) {
    enough *= 2;
    if (enough > MOST_SAMPLES) return Number.POSITIVE_INFINITY;
  }
  let short = enough / 2;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (short + enough) / 2;
    if (isDecided(middle)) enough = middle;
    else short = middle;
  }
  return Math.ceil(enough);
}
