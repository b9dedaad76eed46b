// Owns what the verdicts must hold to, row by row, and whether they did.
import { HEALTHY } from './cell.ts';
import { confidenceRequirements } from './confidence-requirements.ts';
import { deviceRequirements } from './device-requirements.ts';
import { boundOf, hold, inMinutes, inPercent, type Requirement, type Row } from './requirement.ts';
import type { CellSummary, JudgeSummary, Summaries } from './summary.ts';

const MOST_FALSE_ROLLBACKS = 0.02;
const MOST_MINUTES_TO_FIND = 3;

/** As `hold`, for the median of the rows: seven rules share the error level that one rule has alone, and a few devices then take longer. */
function holdInTheMedian(what: string, rows: readonly Row[], say: (value: number) => string): Requirement {
  const each = hold(what, rows, say);
  const median = rows.toSorted((a, b) => a.value - b.value)[Math.floor((rows.length - 1) / 2)];
  const isMet = median !== undefined && median.value <= median.bound;
  return { ...each, isMet, broken: isMet ? [] : each.broken };
}

export function requirementsOf(summaries: Summaries): Requirement[] {
  return [...rateRequirements(summaries), ...confidenceRequirements(summaries), ...deviceRequirements(summaries)];
}

function rateRequirements(summaries: Summaries): Requirement[] {
  const runs = summaries.all[0]?.runs ?? 0;
  const bound = boundOf(MOST_FALSE_ROLLBACKS, runs);
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
          `${name}: false rollbacks at ${factor}x of the limit, at most 2% + 3 standard errors = ${inPercent(bound)}`,
          rows(at(factor), ({ failed }) => failed, bound),
          inPercent,
        ),
      ),
      (setup === 'single' ? hold : holdInTheMedian)(
        `${name}: 10x found within ${MOST_MINUTES_TO_FIND} minutes in the median${setup === 'single' ? '' : ', in the median row'}`,
        rows(at(10), ({ medianOfAll }) => medianOfAll ?? Number.POSITIVE_INFINITY, MOST_MINUTES_TO_FIND),
        inMinutes,
      ),
      hold(
        `${name}: one device at 20% errors never promotes the stage, at most 2% + 3 standard errors`,
        rows(
          (one) => one.cell.setup === setup && one.cell.scenario === 'odd-one',
          ({ promoted }) => promoted,
          bound,
        ),
        inPercent,
      ),
    ];
  });
}
