// Owns sums by row: all since the window opened, those of each row's newest period apart, and the totals of both over all rows.
import { assertInvariant } from '../base/errors.ts';

/** One row's sums; those of its parts lie one after the other. */
export interface PeriodRow {
  /** The newest period that the row has sums of; `NO_PERIOD` for none. */
  readonly period: number;
  readonly whole: Float64Array;
  /** In `period` alone. */
  readonly current: Float64Array;
}

/** What belongs to no period is older than any. */
export const NO_PERIOD = Number.NEGATIVE_INFINITY;
const FIRST_ROWS = 16;

/** So many numbers a row, of which one (by its place) is 0 in a row without data. */
export interface PartLayout {
  readonly width: number;
  readonly trialsAt: number;
}

/** The sums of one kind of thing. */
export class SumsPart implements PartLayout {
  readonly width: number;
  readonly trialsAt: number;
  /** Rows one after the other; longer than there are rows. */
  whole: Float64Array;
  /** Of each row's own newest period. */
  current: Float64Array;
  readonly total: Float64Array;
  /** `current` of the rows whose newest period is the table's. */
  readonly newestTotal: Float64Array;
  /** Rows with data, and those with data in the table's newest period. */
  live = 0;
  newestLive = 0;

  constructor({ width, trialsAt }: PartLayout) {
    this.width = width;
    this.trialsAt = trialsAt;
    this.whole = new Float64Array(0);
    this.current = new Float64Array(0);
    this.total = new Float64Array(width);
    this.newestTotal = new Float64Array(width);
  }

  hasData(sums: Float64Array, row: number): boolean {
    return (sums[row * this.width + this.trialsAt] ?? 0) > 0;
  }

  resize(rows: number): void {
    this.whole = resized(this.whole, rows * this.width);
    this.current = resized(this.current, rows * this.width);
  }
}

function resized(numbers: Float64Array, length: number): Float64Array {
  const longer = new Float64Array(length);
  longer.set(numbers);
  return longer;
}

/** Adds `more` from an offset on, `sign` times; counts are whole numbers, so any order gives the same sum. */
function add(sums: Float64Array, at: number, more: Float64Array, span: Span, sign: 1 | -1 = 1): void {
  for (let i = 0; i < span.width; i++) sums[at + i] = (sums[at + i] ?? 0) + sign * (more[span.from + i] ?? 0);
}

/** Where a part's numbers lie in a row. */
interface Span {
  readonly from: number;
  readonly width: number;
}

/** Rows are numbered by the caller, from 0. Adding rows in any order, or in groups added up before, leaves the same sums. */
export class PeriodTable {
  readonly parts: readonly SumsPart[];
  /** Each row's newest period. */
  periods: Float64Array = new Float64Array(0);
  /** The newest period of any row. */
  newest = NO_PERIOD;
  /** How often it was added to. */
  additions = 0;
  readonly #spans: readonly Span[];
  /** Numbers in a row. */
  readonly width: number;

  constructor(parts: readonly PartLayout[]) {
    this.parts = parts.map((part) => new SumsPart(part));
    let from = 0;
    this.#spans = parts.map(({ width }) => {
      const span = { from, width };
      from += width;
      return span;
    });
    this.width = from;
  }

  #makeRoom(row: number): void {
    const { length } = this.periods;
    if (row < length) return;
    const rows = Math.max(FIRST_ROWS, 2 * length, row + 1);
    this.periods = resized(this.periods, rows).fill(NO_PERIOD, length);
    for (const part of this.parts) part.resize(rows);
  }

  /** A period that is newer than all before has no sums yet. */
  #see(period: number): void {
    if (period <= this.newest) return;
    this.newest = period;
    for (const part of this.parts) {
      part.newestTotal.fill(0);
      part.newestLive = 0;
    }
  }

  /** Adds sums to a row; what an older period alone had does not enter a newer one. */
  add(row: number, { period, whole, current }: PeriodRow): void {
    assertInvariant(whole.length === this.width, 'sums of different measures are never added');
    this.additions++;
    this.#makeRoom(row);
    this.#see(period);
    const before = this.periods[row] ?? NO_PERIOD;
    if (period > before) this.periods[row] = period;
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      const span = this.#spans[i];
      if (part === undefined || span === undefined) continue;
      const at = row * span.width;
      const had = part.hasData(part.whole, row);
      add(part.whole, at, whole, span);
      add(part.total, 0, whole, span);
      if (!had && part.hasData(part.whole, row)) part.live++;
      if (period < before) continue;
      if (period > before) part.current.fill(0, at, at + span.width);
      const hadNow = part.hasData(part.current, row);
      add(part.current, at, current, span);
      if (period < this.newest) continue;
      add(part.newestTotal, 0, current, span);
      if (!hadNow && part.hasData(part.current, row)) part.newestLive++;
    }
  }

  /** Puts other sums in a row's place. */
  put(row: number, sums: PeriodRow): void {
    if (row < this.periods.length) this.#clear(row);
    this.add(row, sums);
  }

  #clear(row: number): void {
    const { period, whole, current } = this.read(row);
    this.periods[row] = NO_PERIOD;
    for (let i = 0; i < this.parts.length; i++) {
      const part = this.parts[i];
      const span = this.#spans[i];
      if (part === undefined || span === undefined) continue;
      const at = row * span.width;
      if (part.hasData(part.whole, row)) part.live--;
      if (period === this.newest && part.hasData(part.current, row)) part.newestLive--;
      part.whole.fill(0, at, at + span.width);
      part.current.fill(0, at, at + span.width);
      add(part.total, 0, whole, span, -1);
      if (period === this.newest) add(part.newestTotal, 0, current, span, -1);
    }
  }

  /** A copy of a row. */
  read(row: number): PeriodRow {
    const whole = new Float64Array(this.width);
    const current = new Float64Array(this.width);
    this.parts.forEach((part, i) => {
      const at = row * part.width;
      const from = this.#spans[i]?.from ?? 0;
      whole.set(part.whole.subarray(at, at + part.width), from);
      current.set(part.current.subarray(at, at + part.width), from);
    });
    return { period: this.periods[row] ?? NO_PERIOD, whole, current };
  }
}
