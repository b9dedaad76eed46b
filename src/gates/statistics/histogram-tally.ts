// Owns the sums over histograms that drift is judged by: totals and second moments, so that they merge by addition.

/**
 * Sums over clusters, one cluster a report, as so many numbers: trials, reports, trials², Σ count of each bin, Σ count·trials of each bin,
 * and Σ count(k)·count(l) of each pair of bins, row by row, of which the half with l ≥ k will do. src/telemetry keeps them so.
 */
export class HistogramTally {
  readonly bins: number;
  readonly sums: Float64Array;

  constructor(bins: number, sums: Float64Array = new Float64Array(histogramWidth(bins))) {
    this.bins = bins;
    this.sums = sums;
  }

  get trials(): number {
    return this.sums[0] ?? 0;
  }

  get reports(): number {
    return this.sums[1] ?? 0;
  }

  get trialsSquared(): number {
    return this.sums[2] ?? 0;
  }

  get counts(): readonly number[] {
    return [...this.sums.subarray(COUNTS, COUNTS + this.bins)];
  }
}

/** Where the counts begin; the counts·trials and the products come after them. */
export const COUNTS = 3;

export function histogramWidth(bins: number): number {
  return COUNTS + 2 * bins + (bins * (bins + 1)) / 2;
}
