// Owns the figures of one cell: how often a judge failed it, when, and what it would have promoted.
import { type Cell, cellName } from './cell.ts';
import type { RunOutcome } from './outcome.ts';
import type { CellOutcome } from './run-cells.ts';

/** Shares are 0..1 of all runs unless it says otherwise. */
export interface JudgeSummary {
  readonly failed: number;
  /** Failed, of the runs whose own devices keep every limit in the long run; null when there were none. */
  readonly failedOfWithin: number | null;
  /** Median minute of those that failed; null when none did. */
  readonly medianOfFound: number | null;
  /** Median minute over all runs, those never found counted as never; null when half or more were not found. */
  readonly medianOfAll: number | null;
  /** Passing when the hour is over, and never failed. */
  readonly promoted: number;
  /** Passed at some minute after ten minutes' soak, before any fail. */
  readonly passed: number;
  /** Median of those minutes; null when none passed. */
  readonly medianOfPassed: number | null;
  /** Minute by which nine in ten of those that failed had; null when none did. */
  readonly ninthOfFound: number | null;
}

export interface CellSummary {
  readonly cell: Cell;
  readonly runs: number;
  /** Runs whose own devices break a limit in the long run. */
  readonly trulyOver: number;
  readonly judges: Readonly<Record<string, JudgeSummary>>;
  /** How often each rule failed the stage, of the runs that failed. */
  readonly blamed: Readonly<Record<string, number>>;
}

/** The least number that so large a share of them do not exceed. */
function quantileOf(sorted: readonly number[], share: number): number | null {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
}

function medianOf(sorted: readonly number[]): number | null {
  return quantileOf(sorted, 0.5);
}

function summaryOfJudge(runs: readonly RunOutcome[], judge: string): JudgeSummary {
  const share = (count: number): number => count / runs.length;
  const seen = runs.flatMap((run) => {
    const outcome = run.judges[judge];
    return outcome === undefined ? [] : [{ ...outcome, isTrulyOver: run.isTrulyOver }];
  });
  const found = seen.flatMap(({ failed }) => (failed === null ? [] : [failed])).sort((a, b) => a - b);
  const passed = seen.flatMap((one) => (one.passed === null ? [] : [one.passed])).sort((a, b) => a - b);
  const within = seen.filter((one) => !one.isTrulyOver);
  const never = new Array<number>(runs.length - found.length).fill(Number.POSITIVE_INFINITY);
  const median = medianOf([...found, ...never]);
  return {
    failed: share(found.length),
    failedOfWithin: within.length === 0 ? null : within.filter((one) => one.failed !== null).length / within.length,
    medianOfFound: medianOf(found),
    medianOfAll: median !== null && Number.isFinite(median) ? median : null,
    promoted: share(seen.filter((one) => one.isPromoted).length),
    passed: share(passed.length),
    medianOfPassed: medianOf(passed),
    ninthOfFound: quantileOf(found, 0.9),
  };
}

export function summaryOf({ cell, runs }: CellOutcome): CellSummary {
  const failed = runs.filter((run) => run.because.length > 0);
  const blamed: Record<string, number> = {};
  for (const { because } of failed) for (const rule of because) blamed[rule] = (blamed[rule] ?? 0) + 1 / failed.length;
  const judges = Object.keys(runs[0]?.judges ?? {});
  return {
    cell,
    runs: runs.length,
    trulyOver: runs.filter((run) => run.isTrulyOver).length / runs.length,
    judges: Object.fromEntries(judges.map((judge) => [judge, summaryOfJudge(runs, judge)])),
    blamed,
  };
}

/** The figures of all cells, by what they are of. */
export class Summaries {
  readonly #byName: ReadonlyMap<string, CellSummary>;

  constructor(summaries: readonly CellSummary[]) {
    this.#byName = new Map(summaries.map((one) => [cellName(one.cell), one]));
  }

  find(cell: Cell): CellSummary | undefined {
    return this.#byName.get(cellName(cell));
  }

  judge(cell: Cell, judge: string): JudgeSummary | undefined {
    return this.find(cell)?.judges[judge];
  }

  get all(): readonly CellSummary[] {
    return [...this.#byName.values()];
  }
}
