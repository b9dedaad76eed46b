// Owns the histograms of many devices: their sum, and each of them.
import { HistogramTally, histogramWidth } from './histogram-tally.ts';
import { furtherOutlier, isOutlier, medianBesideOutliers, type OutlierRow } from './outlier-rows.ts';

/** Where histograms lie: trials, reports, trials², counts, counts·trials, and half of the products of pairs of bins, row after row. */
export interface HistogramSource {
  readonly names: readonly string[];
  readonly bins: number;
  readonly sums: Float64Array;
}

/** Which rows are meant, and what of them is known already. */
export interface PickedHistograms {
  /** Row numbers; all rows unless given. */
  readonly rows?: Uint32Array;
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
  readonly #width: number;
  #all: HistogramTally | undefined;
  #live: number | undefined;
  #inliers: InlierHistograms | null | undefined;

  constructor(source: HistogramSource, { rows, all, live }: PickedHistograms = {}) {
    this.#source = source;
    this.#rows = rows ?? null;
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
    this.#live ??= this.#liveTrials().length;
    return this.#live;
  }

  #leaveOut(row: number, into: Float64Array): void {
    const [width, { sums }, all] = [this.#width, this.#source, this.all.sums];
    let at = row * width;
    for (let i = 0; i < width; i++, at++) into[i] = (all[i] ?? 0) - (sums[at] ?? 0);
  }

  #sum(): HistogramTally {
    const [width, rows, { sums, names, bins }] = [this.#width, this.#rows, this.#source];
    const sum = new Float64Array(width);
    const count = rows?.length ?? names.length;
    for (let place = 0; place < count; place++) {
      const at = (rows === null ? place : (rows[place] ?? 0)) * width;
      for (let i = 0; i < width; i++) sum[i] = (sum[i] ?? 0) + (sums[at + i] ?? 0);
    }
    return new HistogramTally(bins, sum);
  }

  #trialsOf(row: number): number {
    return this.#source.sums[row * this.#width] ?? 0;
  }

  /** Numbers of the rows with data. */
  *liveRows(): Iterable<number> {
    const count = this.#rows?.length ?? this.#source.names.length;
    for (let place = 0; place < count; place++) {
      const row = this.#rows === null ? place : (this.#rows[place] ?? 0);
      if (this.#trialsOf(row) > 0) yield row;
    }
  }

  /** Trials of the rows with data. */
  #liveTrials(): Float64Array {
    const count = this.#rows?.length ?? this.#source.names.length;
    const trials = new Float64Array(count);
    let live = 0;
    for (let place = 0; place < count; place++) {
      const own = this.#trialsOf(this.#rows === null ? place : (this.#rows[place] ?? 0));
      if (own > 0) trials[live++] = own;
    }
    return trials.subarray(0, live);
  }

  /** Without the rows that claim far more than the median one, and the furthest of these; null when none does. */
  inliers(): InlierHistograms | null {
    if (this.#inliers === undefined) this.#inliers = this.#findInliers();
    return this.#inliers;
  }

  #findInliers(): InlierHistograms | null {
    const median = medianBesideOutliers(this.#liveTrials());
    if (median === null) return null;
    const inliers: number[] = [];
    let outlier: OutlierRow | null = null;
    for (const row of this.liveRows()) {
      const [device, trials] = [this.#source.names[row] ?? '', this.#trialsOf(row)];
      if (isOutlier(trials, median)) outlier = furtherOutlier(outlier, { device, times: trials / median });
      else inliers.push(row);
    }
    if (outlier === null) return null;
    return { rows: new HistogramRows(this.#source, { rows: Uint32Array.from(inliers) }), outlier };
  }

  /** Some of the rows, by number. */
  only(rows: Uint32Array): HistogramRows {
    return new HistogramRows(this.#source, { rows });
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
