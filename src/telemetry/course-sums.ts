// Owns the sums by time that the course of confidences is read from: slot after slot, each in hash groups of devices.

/** So much time a slot, from the opening of the window on, and so many slots. */
export interface CourseSpec {
  readonly slotMs: number;
  readonly slots: number;
}

/** One group at a time is left out, as a device is elsewhere. */
export const COURSE_GROUPS = 8;
/** Numbers of a group in a slot: reports, Σ answers, Σ level, Σ answers², Σ level·answers, Σ level². */
export const COURSE_WIDTH = 6;
const MOST_SLOTS = 64;

/** Slots for twice the soak, so that it may begin late. */
export function courseSpecFor(soakMs: number, intervalMs: number): CourseSpec {
  const intervals = Math.max(1, Math.ceil((2 * soakMs) / (MOST_SLOTS * intervalMs)));
  return { slotMs: intervals * intervalMs, slots: MOST_SLOTS };
}

/** What one report says. The level is the sum over its answers of the middle of their bins, in half bins: a whole number. */
export interface CoursePoint {
  readonly slot: number;
  readonly answers: number;
  readonly level: number;
}

/** Of the counts, or of so many that begin at `from`. */
export function levelOf(
  counts: ArrayLike<number>,
  { from, bins }: { readonly from: number; readonly bins: number } = { from: 0, bins: counts.length },
): { readonly answers: number; readonly level: number } {
  let [answers, level] = [0, 0];
  for (let k = 0; k < bins; k++) {
    const count = counts[from + k] ?? 0;
    answers += count;
    level += count * (2 * k + 1);
  }
  return { answers, level };
}

/** Null without answers, and after the last slot. */
export function coursePoint(spec: CourseSpec, sinceMs: number, counts: readonly number[]): CoursePoint | null {
  const slot = Math.max(0, Math.floor(sinceMs / spec.slotMs));
  const { answers, level } = levelOf(counts);
  return slot >= spec.slots || answers === 0 ? null : { slot, answers, level };
}

/** FNV-1a: verdicts ask it of all devices. */
export function courseGroup(device: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < device.length; i++) hash = Math.imul(hash ^ device.charCodeAt(i), 0x01000193);
  return ((hash ^ (hash >>> 15)) >>> 0) % COURSE_GROUPS;
}

/** The sums of an arm by slot; whole numbers, so that any order gives the same. */
export class CourseTallies {
  /** Null where none are kept. */
  readonly spec: CourseSpec | null;
  readonly slots = new Map<number, Float64Array>();

  constructor(spec: CourseSpec | null) {
    this.spec = spec;
  }

  fold(device: string, { slot, answers, level }: CoursePoint): void {
    const point = [1, answers, level, answers * answers, level * answers, level * level];
    const sums = this.#slot(slot);
    const from = courseGroup(device) * COURSE_WIDTH;
    point.forEach((number, i) => {
      sums[from + i] = (sums[from + i] ?? 0) + number;
    });
  }

  /** Adds what was summed elsewhere. */
  add(slot: number, more: Float64Array): void {
    const sums = this.#slot(slot);
    for (let i = 0; i < sums.length; i++) sums[i] = (sums[i] ?? 0) + (more[i] ?? 0);
  }

  /** Replaces a slot by what was read elsewhere. */
  put(slot: number, sums: Float64Array): void {
    this.slots.set(slot, sums);
  }

  #slot(slot: number): Float64Array {
    const known = this.slots.get(slot) ?? new Float64Array(COURSE_GROUPS * COURSE_WIDTH);
    this.slots.set(slot, known);
    return known;
  }
}
