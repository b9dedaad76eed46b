// Holds the law that float16 is read and written as IEEE 754 says, for every one of its numbers and for any number in between.
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromHalfBits, halfBits } from '../../../fleet-agent/src/model/half-float.ts';

/** The platform's own, which the oldest Node of devices lacks. */
const { Float16Array } = globalThis as unknown as {
  Float16Array: new (length: number) => { [index: number]: number; readonly buffer: ArrayBuffer };
};
const numbers = new Float16Array(1);
const bits = new Uint16Array(numbers.buffer);

test('all 65,536 patterns mean what the platform says, and those that are numbers are written as they were', () => {
  for (let pattern = 0; pattern < 0x10000; pattern++) {
    bits[0] = pattern;
    const value = numbers[0] ?? 0;
    if (!Object.is(fromHalfBits(pattern), value)) expect([pattern, fromHalfBits(pattern)]).toEqual([pattern, value]);
    if (!Number.isNaN(value) && halfBits(value) !== pattern)
      expect([pattern, halfBits(value)]).toEqual([pattern, pattern]);
  }
});

test('any float32 becomes the nearest float16', () => {
  fc.assert(
    fc.property(fc.float(), (value) => {
      numbers[0] = value;
      expect(Number.isNaN(value) ? fromHalfBits(halfBits(value)) : halfBits(value)).toBe(
        Number.isNaN(value) ? value : bits[0],
      );
    }),
    { numRuns: 20_000 },
  );
});
