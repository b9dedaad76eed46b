// Owns histograms made report by report, as the reference implementation has them.
import { HistogramRows } from '../../../src/gates/statistics/histogram-rows.ts';
import { HistogramTally, histogramWidth } from '../../../src/gates/statistics/histogram-tally.ts';

export function histogramRowsOf(histograms: readonly HistogramTally[]): HistogramRows {
  const bins = histograms[0]?.bins ?? 0;
  const width = histogramWidth(bins);
  const sums = new Float64Array(histograms.length * width);
  histograms.forEach((one, i) => {
    sums.set(one.sums, i * width);
  });
  return new HistogramRows({ names: histograms.map((_, i) => String(i)), bins, sums });
}

export function histogramOf(reports: readonly (readonly number[])[]): HistogramTally {
  return reports.reduce(addHistogram, new HistogramTally(reports[0]?.length ?? 0));
}

/** Adds one report's histogram; an empty one says nothing and is left out. */
function addHistogram({ bins, sums }: HistogramTally, counts: readonly number[]): HistogramTally {
  const trials = counts.reduce((sum, count) => sum + count, 0);
  const products = counts.flatMap((a, k) => counts.slice(k).map((b) => a * b));
  const report = [
    trials,
    trials > 0 ? 1 : 0,
    trials * trials,
    ...counts,
    ...counts.map((x) => x * trials),
    ...products,
  ];
  return new HistogramTally(
    bins,
    sums.map((sum, i) => sum + (report[i] ?? 0)),
  );
}
