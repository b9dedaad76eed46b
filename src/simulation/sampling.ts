// Owns drawing from distributions: counts, rates that differ between devices, and normal values from a table.
import type { RandomStream } from '../base/random.ts';
import { normalQuantile } from '../gates/statistics/special-functions.ts';

const NORMAL_STEPS = 4096;
const NORMAL = Float64Array.from({ length: NORMAL_STEPS }, (_, k) => normalQuantile((k + 0.5) / NORMAL_STEPS));

/** A standard normal value, of 4,096 equally likely ones. */
export function normal(random: RandomStream): number {
  return NORMAL[(random.next() * NORMAL_STEPS) | 0] ?? 0;
}

/** Values e^(spread·z) of equally likely normal z: a table to draw from a log-normal distribution of median 1. */
export function logNormalTable(spread: number): Float64Array {
  return NORMAL.map((z) => Math.exp(spread * z));
}

export function drawFrom(table: Float64Array, random: RandomStream): number {
  return table[(random.next() * table.length) | 0] ?? 1;
}

const FEW = 30;

/** A Poisson count; by the normal approximation above a mean of 30. */
export function poisson(mean: number, random: RandomStream): number {
  if (!(mean > 0)) return 0;
  if (mean > FEW) return Math.max(0, Math.round(mean + Math.sqrt(mean) * normal(random)));
  const floor = Math.exp(-mean);
  let count = 0;
  for (let product = random.next(); product > floor; product *= random.next()) count++;
  return count;
}

/** A binomial count, by skipping from one bad event to the next. */
export function binomial(trials: number, rate: number, random: RandomStream): number {
  if (!(rate > 0)) return 0;
  if (rate >= 1) return trials;
  const scale = Math.log1p(-rate);
  let bad = 0;
  for (let at = 0; ; bad++) {
    at += Math.floor(Math.log1p(-random.next()) / scale) + 1;
    if (at > trials) return bad;
  }
}

/** A factor of mean 1 by which a device differs from the others; `spread` is its coefficient of variation. */
export function factor(spread: number, random: RandomStream): number {
  if (!(spread > 0)) return 1;
  const variance = Math.log1p(spread * spread);
  return Math.exp(Math.sqrt(variance) * normal(random) - variance / 2);
}

/** One of the names, by weight. */
export function choose(weights: Readonly<Record<string, number>>, random: RandomStream): string {
  const names = Object.entries(weights);
  let rest = random.next() * names.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of names) {
    rest -= weight;
    if (rest < 0) return name;
  }
  return names.at(-1)?.[0] ?? '';
}
