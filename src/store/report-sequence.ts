// Owns "exactly once": which report numbers of a device's epoch were counted, in constant space.

/** How far below the newest number a report may come and still be counted. */
export const SEQUENCE_WINDOW = 64;

/**
 * How far above the newest number a report may come. Devices number their reports one by one; a number far beyond would leave no room for
 * all that are still to come.
 */
export const MOST_SEQUENCE_JUMP = 1_000_000;

/** The newest number counted, and which of the 64 numbers up to it were: bit 0 of `low` is the newest, bit 31 of `high` the oldest. */
export interface SequencesSeen {
  readonly newest: number;
  readonly low: number;
  readonly high: number;
}

export const NO_SEQUENCES: SequencesSeen = { newest: 0, low: 0, high: 0 };

export type Admission =
  | { readonly kind: 'new'; readonly seen: SequencesSeen }
  | { readonly kind: 'duplicate' }
  | { readonly kind: 'too-late' }
  | { readonly kind: 'sequence-jump' };

/** Does the number count? Numbers more than the window below the newest can't be distinguished from repeats, so they are too late. */
export function admitSequence(seen: SequencesSeen, sequence: number): Admission {
  const behind = seen.newest - sequence;
  if (behind < -MOST_SEQUENCE_JUMP) return { kind: 'sequence-jump' };
  if (behind < 0) return { kind: 'new', seen: shift(seen, -behind) };
  if (behind >= SEQUENCE_WINDOW) return { kind: 'too-late' };
  const inLow = behind < 32;
  const bit = 1 << (behind % 32);
  if (((inLow ? seen.low : seen.high) & bit) !== 0) return { kind: 'duplicate' };
  const marked = inLow ? { low: (seen.low | bit) >>> 0 } : { high: (seen.high | bit) >>> 0 };
  return { kind: 'new', seen: { ...seen, ...marked } };
}

/** The marks after the newest number rose by `by`, with the new one marked. */
function shift({ newest: before, low, high }: SequencesSeen, by: number): SequencesSeen {
  const newest = before + by;
  if (by >= 64) return { newest, low: 1, high: 0 };
  if (by >= 32) return { newest, low: 1, high: (by === 32 ? low : low << (by - 32)) >>> 0 };
  return { newest, low: ((low << by) | 1) >>> 0, high: ((high << by) | (low >>> (32 - by))) >>> 0 };
}
