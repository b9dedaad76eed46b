// Owns what an element of a tensor may be: one rule for manifests, self-tests and requests, so that no value changes on its way into a model.
import type { InputTensor } from './types.generated.ts';

export type ElementType = InputTensor['type'];
export type TensorElement = number | bigint | boolean | string;

const WHOLE_NUMBERS: Readonly<Partial<Record<ElementType, readonly [least: number, most: number]>>> = {
  uint8: [0, 0xff],
  uint16: [0, 0xffff],
  uint32: [0, 0xffff_ffff],
  int8: [-0x80, 0x7f],
  int16: [-0x8000, 0x7fff],
  int32: [-0x8000_0000, 0x7fff_ffff],
};
const LONG_NUMBERS: Readonly<Partial<Record<ElementType, readonly [least: bigint, most: bigint]>>> = {
  uint64: [0n, 2n ** 64n - 1n],
  int64: [-(2n ** 63n), 2n ** 63n - 1n],
};
/** From here on a number rounds to infinity as float16. */
const BEYOND_HALF = 65_520;

/**
 * Does the type hold this very value? Decimal fractions are rounded to the type's precision, which is what it is for; nothing else changes.
 * Texts hold no NUL, at which the runtime would cut them, and no half of a surrogate pair. Whole numbers that JavaScript's numbers can't
 * tell from their neighbours are refused unless they come as `bigint`.
 */
export function holderOf(type: ElementType): (value: unknown) => boolean {
  const whole = WHOLE_NUMBERS[type];
  if (whole !== undefined) return (value) => Number.isInteger(value) && isWithin(value as number, whole);
  const long = LONG_NUMBERS[type];
  if (long !== undefined)
    return (value) =>
      typeof value === 'bigint'
        ? isWithin(value, long)
        : Number.isSafeInteger(value) && isWithin(value as number, long);
  switch (type) {
    case 'bytes':
      return (value) => typeof value === 'string' && !value.includes('\0') && value.isWellFormed();
    case 'bool':
      return (value) => typeof value === 'boolean' || value === 0 || value === 1;
    case 'float16':
      return (value) => typeof value === 'number' && Math.abs(value) < BEYOND_HALF;
    case 'float32':
      return (value) => typeof value === 'number' && Number.isFinite(Math.fround(value));
    default:
      return (value) => Number.isFinite(value);
  }
}

function isWithin<N extends number | bigint>(value: number | bigint, [least, most]: readonly [N, N]): boolean {
  return value >= least && value <= most;
}

/** An element as documents write it: YAML's numbers can't hold all of 64 bits, so whole numbers of these types may be text there. */
export function elementOf(type: ElementType, written: TensorElement): TensorElement {
  const isLong = LONG_NUMBERS[type] !== undefined;
  return isLong && typeof written === 'string' && /^-?\d{1,20}$/.test(written) ? BigInt(written) : written;
}
