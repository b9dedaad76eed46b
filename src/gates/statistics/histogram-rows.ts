// Owns the histograms of many devices: their sum, and each of them.
import { HistogramTally, histogramWidth } from './histogram-tally.ts';
import { furtherOutlier, isOutlier, medianBesideOutliers, type OutlierRow } from './outlier-rows.ts';
import { liveRowsOf, liveValuesOf, type RowColumn, sumOfRows } from './row-sums.ts';

/** Where histograms lie: trials, reports, trials², counts, counts·trials, and half of the products of pairs of bins, row after row. */
export interface HistogramSource {
  readonly names: readonly string[];
  readonly bins: number;
  readonly sums: Float64Array;
}

/** Which rows are meant, and what of them is known already. */
export interface PickedHistograms {
  /** Row numbers, each once; all rows unless given. */
  readonly rows?: Uint32Array;
  /** What they were picked of. */
  readonly of?: HistogramRows;
  /** The sums of all of them. */
  readonly all?: Float64Array;
  /** How many of them have data. */
  readonly live?: number;
}

export interface InlierHistograms {
  readonly rows: HistogramRows;
  readonly outlier: OutlierRow;
}

/** Rows that hold nothing are passed over. Nothing is copied: the numbers must not change while it is read. */
export class HistogramRows {
  readonly #source: HistogramSource;
  readonly #rows: Uint32Array | null;
  readonly #of: HistogramRows | undefined;
  readonly #width: number;
  #all: HistogramTally | undefined;
  #live: number | undefined;
  #liveRows: Uint32Array | undefined;
  #largest: { readonly trials: number; readonly reports: number } | undefined;
  #inliers: InlierHistograms | null | undefined;

  constructor(source: HistogramSource, { rows, of, all, live }: PickedHistograms = {}) {
    this.#source = source;
    this.#rows = rows ?? null;
    this.#of = of;
    this.#width = histogramWidth(source.bins);
    this.#all = all && new HistogramTally(source.bins, all);
    this.#live = live;
  }

  /** The sum of the rows. */
  get all(): HistogramTally {
    this.#all ??= this.#sum();
    return this.#all;
  }

  /** Rows with data. */
  get live(): number {
    this.#live ??= this.liveRows().length;
    return this.#live;
  }

  #leaveOut(row: number, into: Float64Array): void {
    const [width, { sums }, all] = [this.#width, this.#source, this.all.sums];
    let at = row * width;
    for (let i = 0; i < width; i++, at++) into[i] = (all[i] ?? 0) - (sums[at] ?? 0);
  }

  #sum(): HistogramTally {
    const { names, sums, bins } = this.#source;
    const known = this.#of === undefined ? null : (this.#of.#all?.sums ?? null);
    return new HistogramTally(
      bins,
      sumOfRows({ sums, width: this.#width, count: names.length, rows: this.#rows, known }),
    );
  }

  #trialsOf(row: number): number {
    return this.#source.sums[row * this.#width] ?? 0;
  }

  get #trials(): RowColumn {
    const { names, sums } = this.#source;
    return { sums, width: this.#width, place: 0, count: names.length, rows: this.#rows };
  }

  /** Numbers of the rows with data. */
  liveRows(): Uint32Array {
    this.#liveRows ??= liveRowsOf(this.#trials);
    return this.#liveRows;
  }

  /** The most trials, and the most reports, of any row. */
  largest(): { readonly trials: number; readonly reports: number } {
    if (this.#largest !== undefined) return this.#largest;
    const { sums } = this.#source;
    let [trials, reports] = [0, 0];
    for (const row of this.liveRows()) {
      trials = Math.max(trials, this.#trialsOf(row));
      reports = Math.max(reports, sums[row * this.#width + 1] ?? 0);
    }
    this.#largest = { trials, reports };
    return this.#largest;
  }

  /** Without the rows that claim far more than the median one, and the furthest of these; null when none does. */
  inliers(): InlierHistograms | null {
    if (this.#inliers === undefined) this.#inliers = this.#findInliers();
    return this.#inliers;
  }

  #findInliers(): InlierHistograms | null {
    const median = medianBesideOutliers(liveValuesOf(this.#trials));
    if (median === null) return null;
    const live = this.liveRows();
    const inliers = new Uint32Array(live.length);
    let count = 0;
    let outlier: OutlierRow | null = null;
    for (const row of live) {
      const trials = this.#trialsOf(row);
      if (isOutlier(trials, median))
        outlier = furtherOutlier(outlier, { device: this.nameOf(row), times: trials / median });
      else inliers[count++] = row;
    }
    if (outlier === null) return null;
    return { rows: this.only(inliers.subarray(0, count)), outlier };
  }

  /** Some of the rows, by number, each once. */
  only(rows: Uint32Array): HistogramRows {
    return new HistogramRows(this.#source, { rows, ...(this.#rows === null ? { of: this } : {}) });
  }

  nameOf(row: number): string {
    return this.#source.names[row] ?? '';
  }

  /** The sums of a row begin at its number times the width. */
  get sums(): Float64Array {
    return this.#source.sums;
  }

  get width(): number {
    return this.#width;
  }

  /** The sum without one of the rows: `tally` is without the one that was left out last, and changes with it. */
  withoutOne(): { readonly tally: HistogramTally; readonly leaveOut: (row: number) => void } {
    const tally = new HistogramTally(this.#source.bins, this.all.sums.slice());
    return { tally, leaveOut: (row) => this.#leaveOut(row, tally.sums) };
  }
}
