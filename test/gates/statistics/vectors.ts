// Owns how production statistics are held to vectors of an independent implementation, value by value.
import { readFileSync } from 'node:fs';
import { expect } from 'vitest';
import { addReport } from '../../../bench/verdicts/tallies.ts';
import { EMPTY_TALLY, type Tally } from '../../../src/gates/statistics/tally.ts';

export type Value = number | string | boolean | null;
export type Pair = readonly [number, number];

export function readVectors<T>(name: string): T {
  return JSON.parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as T;
}

export const tallyOf = (reports: readonly Pair[]): Tally =>
  reports.reduce((tally, [trials, bad]) => addReport(tally, trials, bad), EMPTY_TALLY);

/** Numbers agree to 1e-9 of themselves, or absolutely below 1; JSON has no infinity and says null. Counts what it compared. */
export class Comparison {
  compared = 0;

  near(what: string, got: Value | undefined, want: Value): void {
    this.compared++;
    if (typeof want === 'number') {
      const error = Math.abs(Number(got) - want) / Math.max(1, Math.abs(want));
      expect(error, `${what}: got ${got}, want ${want}`).toBeLessThanOrEqual(1e-9);
    } else if (want === null && got === Number.POSITIVE_INFINITY) {
      expect(got).toBe(Number.POSITIVE_INFINITY);
    } else {
      expect(got, what).toBe(want);
    }
  }

  /** Lists agree in length and number by number. */
  list(what: string, got: readonly number[], want: readonly number[]): void {
    this.near(`${what}.length`, got.length, want.length);
    want.forEach((value, i) => {
      this.near(`${what}[${i}]`, got[i], value);
    });
  }
}
