// Owns which rows are loud: they claim so much more than the others that they may add to what these prove, and not stand for it.

/** A row that claims more than all others, which a verdict may name. */
export interface LoudRow {
  readonly device: string;
  /** Its trials over those of the median row. */
  readonly times: number;
}

const LOUD_TIMES = 10;
/** With fewer rows none is out of line. */
const LEAST_ROWS_OF_MEDIAN = 3;

/** Does a row of so many trials claim far more than the median one? */
export function isLoud(trials: number, median: number): boolean {
  return trials > LOUD_TIMES * median;
}

/** The lower median of the trials of rows with data, if any of these is loud beside it, else null. May sort what it is given. */
export function medianBesideLoud(trials: Float64Array): number | null {
  if (trials.length < LEAST_ROWS_OF_MEDIAN) return null;
  const middle = Math.floor((trials.length - 1) / 2);
  // The usual case without sorting: the median row is not so far below the loudest.
  let most = 0;
  for (let i = 0; i < trials.length; i++) most = Math.max(most, trials[i] ?? 0);
  let below = 0;
  for (let i = 0; i < trials.length; i++) if (isLoud(most, trials[i] ?? 0)) below++;
  return below <= middle ? null : (trials.sort()[middle] ?? null);
}

/** Which of two loud rows is told of: who claims more, of equal ones the first by name. */
export function louder(a: LoudRow | null, b: LoudRow | null): LoudRow | null {
  if (a === null || b === null) return a ?? b;
  if (a.times !== b.times) return a.times > b.times ? a : b;
  return a.device <= b.device ? a : b;
}
