// Owns the laws of finding a place in the order of numbers without sorting them.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { orderStatistic } from '../../../src/gates/statistics/order-statistic.ts';
import { sumOfRows } from '../../../src/gates/statistics/row-sums.ts';

describe('the k-th smallest number', () => {
  it('is the one that stands there once they are sorted, with ties and in any order', () => {
    const few = fc.array(fc.integer({ min: -5, max: 5 }), { minLength: 1, maxLength: 60 });
    const many = fc.array(fc.double({ noNaN: true, noDefaultInfinity: true }), { minLength: 1, maxLength: 60 });
    fc.assert(
      fc.property(fc.oneof(few, many), fc.nat(), (numbers, place) => {
        const k = place % numbers.length;
        expect(orderStatistic(Float64Array.from(numbers), k)).toBe(Float64Array.from(numbers).sort()[k]);
      }),
    );
  });

  it('does not exist where there are fewer numbers', () => {
    expect(orderStatistic(new Float64Array(0), 0)).toBeNaN();
    expect(orderStatistic(Float64Array.of(1), 1)).toBeNaN();
  });
});

describe('the sums of some rows', () => {
  const width = 3;
  const sumOf = (sums: Float64Array, rows: readonly number[]): number[] =>
    Array.from({ length: width }, (_, i) => rows.reduce((sum, row) => sum + (sums[row * width + i] ?? 0), 0));
  const tables = fc.array(fc.nat({ max: 2 ** 40 }), { minLength: width, maxLength: 20 * width });

  it('are the same whether rows are added up, or the others taken off the sums of all', () => {
    fc.assert(
      fc.property(tables, fc.func(fc.boolean()), (numbers, isMeant) => {
        const count = Math.floor(numbers.length / width);
        const sums = Float64Array.from(numbers.slice(0, count * width));
        const all = Array.from({ length: count }, (_, row) => row);
        const rows = Uint32Array.from(all.filter((row) => isMeant(row)));
        const known = Float64Array.from(sumOf(sums, all));
        expect([...sumOfRows({ sums, width, count, rows, known })]).toEqual(sumOf(sums, [...rows]));
      }),
    );
  });

  it('are added up where one row is too large to take off exactly', () => {
    const sums = Float64Array.of(1e30, 1, 1, 3, 1, 1, 4, 1, 1);
    const known = Float64Array.from(sumOf(sums, [0, 1, 2]));
    expect([...sumOfRows({ sums, width, count: 3, rows: Uint32Array.of(1, 2), known })]).toEqual([7, 2, 2]);
  });
});
