// Owns the six sums of a measure, as they lie in a row: all that a verdict about its rate needs.

/** What one report counted of a measure. */
export interface MeasureCount {
  readonly trials: number;
  readonly bad: number;
}

/** Sums over reports of one measure; they merge by addition. */
export interface MeasureSums {
  readonly bad: number;
  readonly trials: number;
  readonly reports: number;
  readonly badSquared: number;
  /** Σ bad·trials. */
  readonly badTrials: number;
  readonly trialsSquared: number;
}

/** Numbers of a measure in a row, in the order of `MeasureSums`; src/gates reads them so. */
export const MEASURE_WIDTH = 6;
export const MEASURE_TRIALS = 1;

/** Writes the sums of one report; a report without trials says nothing of the measure. */
export function writeMeasure(into: Float64Array, at: number, { trials, bad }: MeasureCount): void {
  const isSilent = trials === 0;
  into[at] = isSilent ? 0 : bad;
  into[at + 1] = trials;
  into[at + 2] = isSilent ? 0 : 1;
  into[at + 3] = isSilent ? 0 : bad * bad;
  into[at + 4] = bad * trials;
  into[at + 5] = trials * trials;
}

/** The sums of the measure at a place of a row. */
export function measureAt(row: Float64Array, place: number): MeasureSums {
  const at = place * MEASURE_WIDTH;
  const [bad = 0, trials = 0, reports = 0, badSquared = 0, badTrials = 0, trialsSquared = 0] = row.subarray(
    at,
    at + MEASURE_WIDTH,
  );
  return { bad, trials, reports, badSquared, badTrials, trialsSquared };
}
