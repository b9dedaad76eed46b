// Owns what the verdicts must hold to, row by row, and whether they did.
import { type Cell, cellName, HEALTHY } from './cells.ts';
import type { CellSummary, JudgeSummary, Summaries } from './summary.ts';

const MOST_FALSE_ROLLBACKS = 0.02;
const MOST_MINUTES_TO_FIND = 3;
const STANDARD_ERRORS = 3;

export interface Requirement {
  readonly what: string;
  readonly isMet: boolean;
  readonly rows: number;
  /** The row nearest to or furthest beyond the bound, and those that break it. */
  readonly worst: string;
  readonly broken: readonly string[];
}

/** 2% plus three standard errors of a share of 2% in so many runs. */
export function falseRollbackBound(runs: number): number {
  return MOST_FALSE_ROLLBACKS + STANDARD_ERRORS * Math.sqrt((MOST_FALSE_ROLLBACKS * (1 - MOST_FALSE_ROLLBACKS)) / runs);
}

interface Row {
  readonly cell: Cell;
  readonly value: number;
  readonly bound: number;
}

function hold(what: string, rows: readonly Row[], say: (value: number) => string): Requirement {
  const tell = ({ cell, value }: Row): string => `${say(value)} (${cellName(cell)})`;
  const worst = rows.toSorted((a, b) => b.value - a.value)[0];
  const broken = rows.filter((row) => row.value > row.bound).map(tell);
  return {
    what,
    isMet: rows.length > 0 && broken.length === 0,
    rows: rows.length,
    worst: worst === undefined ? 'no row' : tell(worst),
    broken,
  };
}

/** As `hold`, for the median of the rows: seven rules share the error level that one rule has alone, and a few devices then take longer. */
function holdInTheMedian(what: string, rows: readonly Row[], say: (value: number) => string): Requirement {
  const each = hold(what, rows, say);
  const median = rows.toSorted((a, b) => a.value - b.value)[Math.floor((rows.length - 1) / 2)];
  const isMet = median !== undefined && median.value <= median.bound;
  return { ...each, isMet, broken: isMet ? [] : each.broken };
}

const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;
const minutes = (value: number): string => (Number.isFinite(value) ? `minute ${value}` : 'not found in the hour');

export function requirementsOf(summaries: Summaries): Requirement[] {
  const runs = summaries.all[0]?.runs ?? 0;
  const bound = falseRollbackBound(runs);
  const rows = (isOf: (one: CellSummary) => boolean, value: (judge: JudgeSummary) => number, most: number): Row[] =>
    summaries.all.filter(isOf).flatMap((one) => {
      const judge = one.judges[one.cell.setup === 'single' ? 'stage' : 'full'];
      return judge === undefined ? [] : [{ cell: one.cell, value: value(judge), bound: most }];
    });
  return (['single', 'full'] as const).flatMap((setup) => {
    const name = setup === 'single' ? 'one rule' : 'full configuration';
    const at = (factor: number) => (one: CellSummary) => one.cell.setup === setup && one.cell.factor === factor;
    return [
      ...HEALTHY.map((factor) =>
        hold(
          `${name}: false rollbacks at ${factor}x of the limit, at most 2% + 3 standard errors = ${percent(bound)}`,
          rows(at(factor), ({ failed }) => failed, bound),
          percent,
        ),
      ),
      (setup === 'single' ? hold : holdInTheMedian)(
        `${name}: 10x found within ${MOST_MINUTES_TO_FIND} minutes in the median${setup === 'single' ? '' : ', in the median row'}`,
        rows(at(10), ({ medianOfAll }) => medianOfAll ?? Number.POSITIVE_INFINITY, MOST_MINUTES_TO_FIND),
        minutes,
      ),
      hold(
        `${name}: one device at 20% errors never promotes the stage, at most 2% + 3 standard errors`,
        rows(
          (one) => one.cell.setup === setup && one.cell.scenario === 'odd-one',
          ({ promoted }) => promoted,
          bound,
        ),
        percent,
      ),
    ];
  });
}
