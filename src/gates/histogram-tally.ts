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

function addInto(sum: number[], more: readonly number[]): void {
  for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (more[i] ?? 0);
}

/** The sum of tallies over the same bins. */
export function mergeHistograms(tallies: readonly HistogramTally[]): HistogramTally {
  const { bins, ...none } = emptyHistogram(tallies[0]?.bins ?? 0);
  const [counts, countTrials, countProducts] = [[...none.counts], [...none.countTrials], [...none.countProducts]];
  let [trials, reports, trialsSquared] = [0, 0, 0];
  for (const tally of tallies) {
    trials += tally.trials;
    reports += tally.reports;
    trialsSquared += tally.trialsSquared;
    addInto(counts, tally.counts);
    addInto(countTrials, tally.countTrials);
    addInto(countProducts, tally.countProducts);
  }
  return { bins, trials, reports, trialsSquared, counts, countTrials, countProducts };
}

/** What is left of a merged tally without one of its parts. */
export function minusHistogram(whole: HistogramTally, part: HistogramTally): HistogramTally {
  const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((x, i) => x - (b[i] ?? 0));
  return {
    bins: whole.bins,
    trials: whole.trials - part.trials,
    reports: whole.reports - part.reports,
    trialsSquared: whole.trialsSquared - part.trialsSquared,
    counts: minus(whole.counts, part.counts),
    countTrials: minus(whole.countTrials, part.countTrials),
    countProducts: minus(whole.countProducts, part.countProducts),
  };
}
