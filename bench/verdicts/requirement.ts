// Owns what a requirement is: rows of figures, each held to a bound, and a line that says whether all keep it.
import { type Cell, cellName } from './cell.ts';
import type { CellSummary, JudgeSummary, Summaries } from './summary.ts';

const STANDARD_ERRORS = 3;

export interface Requirement {
  readonly what: string;
  readonly isMet: boolean;
  readonly rows: number;
  /** The row nearest to or furthest beyond the bound, and those that break it. */
  readonly worst: string;
  readonly broken: readonly string[];
}

export interface Row {
  readonly cell: Cell;
  readonly value: number;
  /** The value is to be at most this. */
  readonly bound: number;
}

/** A share of so many runs may exceed what is promised by three standard errors. */
export function boundOf(promised: number, runs: number): number {
  return promised + STANDARD_ERRORS * Math.sqrt((promised * (1 - promised)) / runs);
}

export function hold(what: string, rows: readonly Row[], say: (value: number) => string): Requirement {
  const tell = ({ cell, value }: Row): string => `${say(value)} (${cellName(cell)})`;
  const worst = rows.toSorted((a, b) => b.value - b.bound - (a.value - a.bound))[0];
  const broken = rows.filter((row) => row.value > row.bound).map(tell);
  return {
    what,
    isMet: rows.length > 0 && broken.length === 0,
    rows: rows.length,
    worst: worst === undefined ? 'no row' : tell(worst),
    broken,
  };
}

export const inPercent = (share: number): string => `${(100 * share).toFixed(1)}%`;
export const inMinutes = (value: number): string =>
  Number.isFinite(value) ? `minute ${value}` : 'not found in the hour';

/** Rows of one judge in the cells that a requirement is about. */
export function rowsOf(
  summaries: Summaries,
  about: { readonly judge: string; readonly isOf: (cell: Cell) => boolean },
  read: (judge: JudgeSummary, summary: CellSummary) => Omit<Row, 'cell'> | null,
): Row[] {
  return summaries.all.flatMap((one) => {
    const judge = one.judges[about.judge];
    const row = about.isOf(one.cell) && judge !== undefined ? read(judge, one) : null;
    return row === null ? [] : [{ cell: one.cell, ...row }];
  });
}

const ERROR_LEVEL = 0.05;

/** Stages whose own devices keep the limit fail within the error level. */
export function withinErrorLevel(
  { failedOfWithin }: JudgeSummary,
  { runs, trulyOver }: CellSummary,
): Omit<Row, 'cell'> | null {
  if (failedOfWithin === null) return null;
  return { value: failedOfWithin, bound: boundOf(ERROR_LEVEL, runs * (1 - trulyOver)) };
}

const MOST_MISSED = 0.05;

/** At least 95% are found. */
export function found({ failed }: JudgeSummary): Omit<Row, 'cell'> {
  return { value: 1 - failed, bound: MOST_MISSED };
}

/** At least 95% pass. */
export function passes({ passed }: JudgeSummary): Omit<Row, 'cell'> {
  return { value: 1 - passed, bound: MOST_MISSED };
}

export function never({ failed }: JudgeSummary): Omit<Row, 'cell'> {
  return { value: failed, bound: 0 };
}

/** By that minute in the median, those that were never found counted as never. */
export function foundBy(minute: number) {
  return ({ medianOfAll }: JudgeSummary): Omit<Row, 'cell'> => ({
    value: medianOfAll ?? Number.POSITIVE_INFINITY,
    bound: minute,
  });
}
