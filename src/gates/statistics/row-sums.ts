// Owns walking tables with a line of sums a row: which rows have data, and what some of them add up to.

/** Where the sums of rows lie, row after row, and which rows are meant. */
export interface RowsToSum {
  readonly sums: Float64Array;
  /** Numbers a row. */
  readonly width: number;
  /** How many rows there are. */
  readonly count: number;
  /** Row numbers, each once; null for all. */
  readonly rows: Uint32Array | null;
  /** The sums of all rows, where they are known. */
  readonly known?: Float64Array | null;
}

function addRow(into: Float64Array, sums: Float64Array, at: number, sign: 1 | -1): void {
  for (let i = 0; i < into.length; i++) into[i] = (into[i] ?? 0) + sign * (sums[at + i] ?? 0);
}

/** Whole numbers up to 2^53 add and subtract without rounding, in any order. */
function isExact(known: Float64Array): boolean {
  return known.every((sum) => Number.isSafeInteger(sum));
}

/**
 * The sums of the rows. Where most rows are meant and the sums of all are known exactly, those that are not meant are taken off instead:
 * the same numbers, and one device that claims enormous sums can't round the others away.
 */
export function sumOfRows({ sums, width, count, rows, known = null }: RowsToSum): Float64Array {
  if (rows !== null && known !== null && 2 * rows.length > count && isExact(known)) {
    const sum = known.slice();
    if (rows.length === count) return sum;
    const isMeant = new Uint8Array(count);
    for (const row of rows) isMeant[row] = 1;
    for (let row = 0; row < count; row++) if (isMeant[row] === 0) addRow(sum, sums, row * width, -1);
    return sum;
  }
  const sum = new Float64Array(width);
  if (rows === null) for (let row = 0; row < count; row++) addRow(sum, sums, row * width, 1);
  else for (const row of rows) addRow(sum, sums, row * width, 1);
  return sum;
}

/** Where the number that is asked about stands in each row, and which rows are meant; null for all. */
export interface RowColumn {
  readonly sums: Float64Array;
  readonly width: number;
  readonly place: number;
  readonly count: number;
  readonly rows: Uint32Array | null;
}

let counted = new Uint32Array(0);

/** 0, 1, … : the numbers of so many rows, shared and never written. */
export function allRows(count: number): Uint32Array {
  if (counted.length < count) counted = Uint32Array.from({ length: count }, (_, row) => row);
  return counted.length === count ? counted : counted.subarray(0, count);
}

/** Numbers of the rows where it is above 0. */
export function liveRowsOf({ sums, width, place, count, rows }: RowColumn): Uint32Array {
  const most = rows?.length ?? count;
  const live = new Uint32Array(most);
  let found = 0;
  for (let i = 0; i < most; i++) {
    const row = rows === null ? i : (rows[i] ?? 0);
    if ((sums[row * width + place] ?? 0) > 0) live[found++] = row;
  }
  return live.subarray(0, found);
}

/** It, of each row where it is above 0. */
export function liveValuesOf({ sums, width, place, count, rows }: RowColumn): Float64Array {
  const most = rows?.length ?? count;
  const values = new Float64Array(most);
  let found = 0;
  for (let i = 0; i < most; i++) {
    const value = sums[(rows === null ? i : (rows[i] ?? 0)) * width + place] ?? 0;
    if (value > 0) values[found++] = value;
  }
  return values.subarray(0, found);
}
