// Owns the sums over histograms that drift is judged by: totals and second moments, so that they merge by addition.

/** Sums over clusters, one cluster a report. */
export interface HistogramTally {
  readonly bins: number;
  readonly trials: number;
  readonly reports: number;
  readonly trialsSquared: number;
  /** Σ count of each bin. */
  readonly counts: readonly number[];
  /** Σ count·trials of each bin. */
  readonly countTrials: readonly number[];
  /** Σ count·count of each pair of bins, row by row. */
  readonly countProducts: readonly number[];
}

export function emptyHistogram(bins: number): HistogramTally {
  return {
    bins,
    trials: 0,
    reports: 0,
    trialsSquared: 0,
    counts: new Array<number>(bins).fill(0),
    countTrials: new Array<number>(bins).fill(0),
    countProducts: new Array<number>(bins * bins).fill(0),
  };
}

function plus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((x, i) => x + (b[i] ?? 0));
}

/** The tally with one more report's histogram; an empty one says nothing and is left out. */
export function addHistogram(tally: HistogramTally, counts: readonly number[]): HistogramTally {
  const trials = counts.reduce((sum, count) => sum + count, 0);
  if (!(trials > 0)) return tally;
  return mergeHistograms([
    tally,
    {
      bins: tally.bins,
      trials,
      reports: 1,
      trialsSquared: trials * trials,
      counts,
      countTrials: counts.map((count) => count * trials),
      countProducts: counts.flatMap((a) => counts.map((b) => a * b)),
    },
  ]);
}

/** The sum of tallies over the same bins. */
export function mergeHistograms(tallies: readonly HistogramTally[]): HistogramTally {
  return tallies.reduce(
    (sum, tally) => ({
      bins: tally.bins,
      trials: sum.trials + tally.trials,
      reports: sum.reports + tally.reports,
      trialsSquared: sum.trialsSquared + tally.trialsSquared,
      counts: plus(sum.counts, tally.counts),
      countTrials: plus(sum.countTrials, tally.countTrials),
      countProducts: plus(sum.countProducts, tally.countProducts),
    }),
    emptyHistogram(tallies[0]?.bins ?? 0),
  );
}
