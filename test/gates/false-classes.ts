// Owns made-up traffic of classes for tests of gates: devices whose answers fall into classes, interval by interval.
import { type RandomStream, seededRandom } from '../../src/base/random.ts';
import { WINDOW_INTERVALS } from '../../src/gates/late-regression.ts';
import type { ArmEvidence } from '../../src/gates/stage-question.ts';
import { addReport, EMPTY_TALLY } from '../../src/gates/tally.ts';

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
  const of = (reports: readonly ClassCounts[], name: string | null) =>
    reports.reduce((tally, counts) => {
      const trials = Object.values(counts).reduce((sum, count) => sum + count, 0);
      return addReport(tally, trials, name === null ? 0 : (counts[name] ?? 0));
    }, EMPTY_TALLY);
  const names = [null, ...classes];
  return {
    measures: ['error', ...classes.map((name) => `class:${name}`)],
    devices: new Map(
      devices.map((reports, i) => {
        const window = Math.max(0, Math.floor((reports.length - 1) / WINDOW_INTERVALS));
        const current = reports.slice(window * WINDOW_INTERVALS);
        const [whole, newest] = [names.map((name) => of(reports, name)), names.map((name) => of(current, name))];
        return [`d${i}`, { window, whole, current: newest }] as const;
      }),
    ),
    summary: { latencyMs: { zero: 0, buckets: new Map() } },
  };
}
