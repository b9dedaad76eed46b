// Owns histograms made report by report, as the reference implementation has them.
import { HistogramRows } from '../../../src/gates/statistics/histogram-rows.ts';
import { HistogramTally, histogramWidth } from '../../../src/gates/statistics/histogram-tally.ts';

export function histogramRowsOf(histograms: readonly HistogramTally[]): HistogramRows {
  const bins = histograms[0]?.bins ?? 0;
  const width = histogramWidth(bins);
  const nothing = new Float64Array(width);
  const whole = new Float64Array(histograms.length * width);
  histograms.forEach(({ sums }, i) => {
    whole.set(sums, i * width);
  });
  const sums = {
    whole,
    current: new Float64Array(whole.length),
    total: nothing,
    newestTotal: nothing,
    live: 0,
    newestLive: 0,
  };
  const periods = new Float64Array(histograms.length);
  const names = histograms.map((_, i) => String(i));
  return new HistogramRows({ names, bins, sums, periods, newest: Number.POSITIVE_INFINITY }, Number.MAX_VALUE);
}

/** Adds one report's histogram; an empty one says nothing and is left out. */
export function addHistogram({ bins, sums }: HistogramTally, counts: readonly number[]): HistogramTally {
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
