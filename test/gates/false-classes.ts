// Owns made-up traffic of classes for tests of gates: devices whose answers fall into classes, interval by interval.
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import type { ArmEvidence } from '../../src/gates/stage-question.ts';
import { measuredArm } from './false-evidence.ts';

export type Shares = Readonly<Record<string, number>>;
/** Counts by class of one report. */
export type ClassCounts = Readonly<Record<string, number>>;

/** As the demo's scanners see documents. */
export const DOCUMENTS: Shares = { invoice: 0.34, receipt: 0.04, contract: 0.16, letter: 0.2, order: 0.16, photo: 0.1 };

/** The shares when a model answers `to` wherever it should answer `missing`. */
export function without(shares: Shares, missing: string, to: string): Shares {
  return { ...shares, [to]: (shares[to] ?? 0) + (shares[missing] ?? 0), [missing]: 0 };
}

export function draw(shares: Shares, answers: number, random: RandomStream): ClassCounts {
  const counts: Record<string, number> = {};
  for (let i = 0; i < answers; i++) {
    let rest = random.next();
    for (const [name, share] of Object.entries(shares)) {
      rest -= share;
      if (rest >= 0) continue;
      counts[name] = (counts[name] ?? 0) + 1;
      break;
    }
  }
  return counts;
}

/** Reports of so many devices over so many intervals. */
export function traffic(
  seed: string,
  options: { shares: Shares; devices: number; intervals: number; answers?: number },
): ClassCounts[][] {
  const random = seededRandom(seed, 'classes');
  return Array.from({ length: options.devices }, () =>
    Array.from({ length: options.intervals }, () => draw(options.shares, options.answers ?? 60, random)),
  );
}

/** An arm whose devices `d0`, `d1`, … reported these counts of the watched classes. */
export function classArm(devices: readonly (readonly ClassCounts[])[], classes = Object.keys(DOCUMENTS)): ArmEvidence {
  const reports = devices.map((intervals) =>
    intervals.map((counts) => {
      const trials = Object.values(counts).reduce((sum, count) => sum + count, 0);
      return [0, ...classes.map((name) => counts[name] ?? 0)].map((bad) => ({ trials, bad }));
    }),
  );
  return measuredArm(['error', ...classes.map((name) => `class:${name}` as const)], reports);
}
