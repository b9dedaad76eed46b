// Laws of the engine, by exact enumeration rather than simulation.
import { describe, expect, test } from 'vitest';
import { pFail, pPass } from '../../../src/gates/statistics/e-process.ts';

/** Probability that a p-value ever reaches the level when each trial is bad with probability `rate` and one looks after every trial. */
function everReaches(side: typeof pFail, rate: number, threshold: number, level: number, trials: number): number {
  let weights = [1];
  let reached = 0;
  for (let n = 1; n <= trials; n++) {
    const next = new Array<number>(weights.length + 1).fill(0);
    weights.forEach((weight, bad) => {
      next[bad] = (next[bad] ?? 0) + weight * (1 - rate);
      next[bad + 1] = (next[bad + 1] ?? 0) + weight * rate;
    });
    weights = next.map((weight, bad) => {
      if (weight < 1e-15) return 0;
      if (side(bad, n, threshold) > level) return weight;
      reached += weight;
      return 0;
    });
    while (weights.length > 1 && weights[weights.length - 1] === 0) weights.pop();
  }
  return reached;
}

describe('looking after every single trial, exactly at the limit', () => {
  test.each([0.01, 0.05, 0.2])('a limit of %d is called broken in 5% of cases at most, and not far fewer', (limit) => {
    const ever = everReaches(pFail, limit, limit, 0.05, 30 / limit);
    expect(ever).toBeLessThanOrEqual(0.05);
    expect(ever).toBeGreaterThan(0.02);
  });

  test.each([0.01, 0.05, 0.2])('a limit of %d is called kept in 5% of cases at most, and not far fewer', (limit) => {
    const ever = everReaches(pPass, limit, limit, 0.05, 30 / limit);
    expect(ever).toBeLessThanOrEqual(0.05);
    expect(ever).toBeGreaterThan(0.02);
  });
});

test('fewer than four bad events never break a limit', () => {
  for (const limit of [1e-6, 0.001, 0.1])
    for (const bad of [1, 2, 3]) expect(pFail(bad, bad, limit)).toBeGreaterThan(0.05);
});

test('without bad events a limit is kept after 4.21 divided by it', () => {
  expect(pPass(0, 4.2 / 0.001, 0.001)).toBeGreaterThan(0.05);
  expect(pPass(0, 4.22 / 0.001, 0.001)).toBeLessThanOrEqual(0.05);
});
