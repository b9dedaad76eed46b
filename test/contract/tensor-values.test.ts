// Laws of the elements of tensors: a type takes what it holds and nothing that would arrive as something else.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ElementType, elementOf, holderOf } from '../../src/contract/tensor-values.ts';

const ARRAYS = {
  ...{ uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array, uint32: Uint32Array },
  ...{ int32: Int32Array },
} as const;

test.each(Object.entries(ARRAYS))('%s takes a number when its array gives the same number back', (type, array) => {
  const holds = holderOf(type as ElementType);
  const edges = [8, 16, 32].flatMap((bits) => [2 ** bits, 2 ** (bits - 1)]);
  const near = edges.flatMap((edge) => [-edge - 1, -edge, -edge + 1, edge - 1, edge, edge + 1]);
  for (const value of [...near, 0, 0.5, -0.5, Number.NaN, Number.POSITIVE_INFINITY])
    expect([value, holds(value)]).toEqual([value, array.from([value])[0] === value]);
  for (const value of ['1', true, null, undefined, [1], 1n]) expect(holds(value)).toBe(false);
});

test.each([
  ['int64', 2n ** 63n - 1n, -(2n ** 63n)],
  ['uint64', 2n ** 64n - 1n, 0n],
] as const)(
  '%s takes all whole numbers to its bounds, and a double only where it is sure of its last digit',
  (type, most, least) => {
    const holds = holderOf(type);
    for (const value of [most, least, 1n, 5, Number.MAX_SAFE_INTEGER])
      expect([value, holds(value)]).toEqual([value, true]);
    for (const value of [most + 1n, least - 1n, 2 ** 53, 0.5, Number.NaN, '5'])
      expect([value, holds(value)]).toEqual([value, false]);
    expect(elementOf(type, '9007199254740993')).toBe(9007199254740993n);
  },
);

test('fractions are taken when they stay finite in their type', () => {
  fc.assert(
    fc.property(fc.double(), (value) => {
      expect(holderOf('float64')(value)).toBe(Number.isFinite(value));
      expect(holderOf('float32')(value)).toBe(Number.isFinite(Math.fround(value)));
    }),
  );
  expect([65_504, 65_519.9, 65_520, -65_520, Number.NaN].map(holderOf('float16'))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test('a truth value is no text, and a text arrives whole', () => {
  expect([true, false, 1, 0].every(holderOf('bool'))).toBe(true);
  expect(['true', 'false', 2, -1, null].some(holderOf('bool'))).toBe(false);
  expect(['', 'é', '😀'].every(holderOf('bytes'))).toBe(true);
  expect(['a\0b', '\ud800', 1, null].some(holderOf('bytes'))).toBe(false);
});
