// Owns the special functions that the statistics stand on: log-gamma by Stirling's error, the normal distribution and its inverse.

const HALF_LOG_TWO_PI = 0.9189385332046727;

/**
 * ln Γ(x) minus Stirling's formula (x−½)ln x − x + ½ln 2π, for x > 0.
 * Kept apart because differences of ln Γ at large arguments lose all digits, while differences of this do not.
 */
export function stirlingError(x: number): number {
  let error = 0;
  let at = x;
  for (; at < 10; at++) error += (at + 0.5) * Math.log1p(1 / at) - 1;
  const r = 1 / at;
  const q = r * r;
  const tail = 1 / 1188 + q * (-691 / 360360 + q / 156);
  return error + r * (1 / 12 + q * (-1 / 360 + q * (1 / 1260 + q * (-1 / 1680 + q * tail))));
}

/** ln Γ(x) for x > 0. */
export function lnGamma(x: number): number {
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + stirlingError(x);
}

/** P(Z ≤ x) of the standard normal: Taylor series near zero, continued fraction of Mills' ratio in the tails. */
export function normalCdf(x: number): number {
  const size = Math.abs(x);
  const density = Math.exp((-size * size) / 2) / Math.sqrt(2 * Math.PI);
  const tail = size < 3 ? 0.5 - density * centralSeries(size) : density / (size + millsFraction(size));
  return x > 0 ? 1 - tail : tail;
}

function centralSeries(x: number): number {
  let sum = x;
  let term = x;
  for (let k = 3; term > 1e-18 * sum; k += 2) {
    term *= (x * x) / k;
    sum += term;
  }
  return sum;
}

function millsFraction(x: number): number {
  let fraction = 0;
  for (let k = 200; k > 0; k--) fraction = k / (x + fraction);
  return fraction;
}

/** The z with P(Z ≤ z) = p; ±Infinity at 1 and 0, NaN outside 0..1. */
export function normalQuantile(p: number): number {
  if (p === 0) return Number.NEGATIVE_INFINITY;
  if (p === 1) return Number.POSITIVE_INFINITY;
  if (!(p > 0 && p < 1)) return Number.NaN;
  return p > 0.5 ? -lowerQuantile(1 - p) : lowerQuantile(p);
}

/** For p ≤ ½: Abramowitz and Stegun 26.2.23 as the start, then Halley steps. */
function lowerQuantile(p: number): number {
  const t = Math.sqrt(-2 * Math.log(p));
  const above = 2.515517 + t * (0.802853 + t * 0.010328);
  const below = 1 + t * (1.432788 + t * (0.189269 + t * 0.001308));
  let x = above / below - t;
  for (let i = 0; i < 4; i++) {
    const step = (normalCdf(x) - p) * Math.sqrt(2 * Math.PI) * Math.exp((x * x) / 2);
    x -= step / (1 + (x * step) / 2);
  }
  return x;
}
