// Owns which rows are outliers: they claim so much more than the others that they may add to what these prove, and not stand for it.
import { orderStatistic } from './order-statistic.ts';

/** A row that claims more than all others, which a verdict may name. */
export interface OutlierRow {
  readonly device: string;
  /** Its trials over those of the median row. */
  readonly times: number;
}

const OUTLIER_TIMES = 10;
/** With fewer rows none is out of line. */
const LEAST_ROWS_OF_MEDIAN = 3;

/** Does a row of so many trials claim far more than the median one? */
export function isOutlier(trials: number, median: number): boolean {
  return trials > OUTLIER_TIMES * median;
}

/** The lower median of the trials of rows with data, if any of these is an outlier beside it, else null. May reorder what it is given. */
export function medianBesideOutliers(trials: Float64Array): number | null {
  if (trials.length < LEAST_ROWS_OF_MEDIAN) return null;
  const middle = Math.floor((trials.length - 1) / 2);
  // The usual case without sorting: the median row is not so far below the largest.
  let most = 0;
  for (let i = 0; i < trials.length; i++) most = Math.max(most, trials[i] ?? 0);
  let below = 0;
  for (let i = 0; i < trials.length; i++) if (isOutlier(most, trials[i] ?? 0)) below++;
  return below <= middle ? null : orderStatistic(trials, middle);
}

/** Which of two outliers is reported: the one that claims more, of equal ones the first by name. */
export function furtherOutlier(a: OutlierRow | null, b: OutlierRow | null): OutlierRow | null {
  if (a === null || b === null) return a ?? b;
  if (a.times !== b.times) return a.times > b.times ? a : b;
  return a.device <= b.device ? a : b;
}
