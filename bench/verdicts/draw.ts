// Owns the drawing of random numbers that false traffic is made of; all exact, from a seeded stream.
import type { RandomStream } from '../../src/base/random.ts';

/** How many of so many trials hit, by inversion: quick where few are expected. */
export function binomial(trials: number, rate: number, random: RandomStream): number {
  if (rate <= 0 || trials <= 0) return 0;
  if (rate >= 1) return trials;
  if (rate > 0.5) return trials - binomial(trials, 1 - rate, random);
  const odds = rate / (1 - rate);
  let chance = Math.exp(trials * Math.log1p(-rate));
  let left = random.next();
  let hits = 0;
  while (left > chance && hits < trials) {
    left -= chance;
    hits++;
    chance *= (odds * (trials - hits + 1)) / hits;
  }
  return hits;
}

function normal(random: RandomStream): number {
  const radius = Math.sqrt(-2 * Math.log(1 - random.next()));
  return radius * Math.cos(2 * Math.PI * random.next());
}

/** Gamma with scale 1 (Marsaglia and Tsang 2000; below shape 1 by their power of a uniform). */
export function gamma(shape: number, random: RandomStream): number {
  if (shape < 1) return gamma(shape + 1, random) * (1 - random.next()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = normal(random);
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}

/** A positive number of mean 1 whose standard deviation is `spread` (gamma); 1 without spread. */
export function around1(spread: number, random: RandomStream): number {
  if (spread === 0) return 1;
  const shape = 1 / (spread * spread);
  return gamma(shape, random) / shape;
}

/** Beta by two gammas; its mean is a/(a+b). */
export function beta(a: number, b: number, random: RandomStream): number {
  const x = gamma(a, random);
  const y = gamma(b, random);
  return x + y > 0 ? x / (x + y) : 0;
}
