// Owns the histograms of many devices at one look: their sum, and each of them.
import { HistogramTally, histogramWidth } from './histogram-tally.ts';
import { furtherOutlier, isOutlier, medianBesideOutliers, type OutlierRow } from './outlier-rows.ts';

/** The sums of one measure or histogram, row after row; src/telemetry says in which order. */
export interface SumsOfRows {
  /** Since the stage opened. */
  readonly whole: Float64Array;
  /** In each row's newest period alone. */
  readonly current: Float64Array;
  /** `whole` of all rows. */
  readonly total: Float64Array;
  /** `current` of the rows whose newest period is the newest of all. */
  readonly newestTotal: Float64Array;
  /** Rows with data, and those that have some in the newest period. */
  readonly live: number;
  readonly newestLive: number;
}

/** Where histograms lie: trials, reports, trials², counts, counts·trials, and half of the products of pairs of bins, row after row. */
export interface HistogramSource {
  readonly names: readonly string[];
  readonly bins: number;
  readonly sums: SumsOfRows;
  /** The newest look of each row, and of any. */
  readonly periods: Float64Array;
  readonly newest: number;
}

/** What rows held when a look closed: what came since is left out. Rows that held nothing are passed over. */
export class HistogramRows {
  readonly #source: HistogramSource;
  readonly #look: number;
  readonly #isMeant: (device: string) => boolean;
  readonly #width: number;
  readonly all: HistogramTally;
  /** Rows with data. */
  readonly live: number;

  /** All that there is, unless a look is given; all devices, unless some are. */
  constructor(source: HistogramSource, look = Number.POSITIVE_INFINITY, only?: ReadonlySet<string>) {
    this.#source = source;
    this.#look = look;
    this.#width = histogramWidth(source.bins);
    this.#isMeant = only === undefined ? () => true : (device) => only.has(device);
    const mayUseTotals = only === undefined && look >= source.newest;
    this.all = new HistogramTally(source.bins, mayUseTotals ? this.#totals() : this.#sum());
    this.live = only === undefined && look > source.newest ? source.sums.live : this.#countLive();
  }

  /** Did everything that the row has come before the look closed? */
  #isWhole(row: number): boolean {
    return (this.#source.periods[row] ?? -1) < this.#look;
  }

  #totals(): Float64Array {
    const { sums, newest } = this.#source;
    const { total, newestTotal } = sums;
    return newest < this.#look ? total : total.map((sum, i) => sum - (newestTotal[i] ?? 0));
  }

  /** `into` becomes `sums` with what a row held added, or taken away. */
  #addRow(row: number, sums: Float64Array, into: Float64Array, sign: 1 | -1): void {
    const { whole, current } = this.#source.sums;
    const width = this.#width;
    let at = row * width;
    if (this.#isWhole(row)) {
      for (let i = 0; i < width; i++, at++) into[i] = (sums[i] ?? 0) + sign * (whole[at] ?? 0);
    } else {
      for (let i = 0; i < width; i++, at++)
        into[i] = (sums[i] ?? 0) + sign * (whole[at] ?? 0) - sign * (current[at] ?? 0);
    }
  }

  #sum(): Float64Array {
    const sums = new Float64Array(this.#width);
    for (const row of this.#liveRows()) this.#addRow(row, sums, sums, 1);
    return sums;
  }

  #countLive(): number {
    let live = 0;
    for (const _ of this.#liveRows()) live++;
    return live;
  }

  #trialsOf(row: number): number {
    const { whole, current } = this.#source.sums;
    const from = row * this.#width;
    return (whole[from] ?? 0) - (this.#isWhole(row) ? 0 : (current[from] ?? 0));
  }

  *#liveRows(): Iterable<number> {
    const { names } = this.#source;
    for (let row = 0; row < names.length; row++)
      if (this.#trialsOf(row) > 0 && this.#isMeant(names[row] ?? '')) yield row;
  }

  /** Trials of the rows with data. */
  #liveTrials(): Float64Array {
    const { names } = this.#source;
    const trials = new Float64Array(names.length);
    let live = 0;
    for (let row = 0; row < names.length; row++) {
      const own = this.#trialsOf(row);
      if (own > 0 && this.#isMeant(names[row] ?? '')) trials[live++] = own;
    }
    return trials.subarray(0, live);
  }

  /** Without the rows that claim far more than the median one at that look, and the furthest of these; null when none does. */
  inliers(): { readonly rows: HistogramRows; readonly outlier: OutlierRow } | null {
    const median = medianBesideOutliers(this.#liveTrials());
    if (median === null) return null;
    const inliers = new Set<string>();
    let outlier: OutlierRow | null = null;
    for (const row of this.#liveRows()) {
      const [device, trials] = [this.#source.names[row] ?? '', this.#trialsOf(row)];
      if (isOutlier(trials, median)) outlier = furtherOutlier(outlier, { device, times: trials / median });
      else inliers.add(device);
    }
    return outlier === null ? null : { rows: new HistogramRows(this.#source, this.#look, inliers), outlier };
  }

  /** Names of the rows with data. */
  liveNames(): Set<string> {
    const names = new Set<string>();
    for (const row of this.#liveRows()) names.add(this.#source.names[row] ?? '');
    return names;
  }

  /** The sum without one of the devices: `tally` is without the device that was named last, and changes with it. */
  withoutOne(): { readonly tally: HistogramTally; readonly devices: Iterable<string> } {
    const tally = new HistogramTally(this.all.bins, this.all.sums.slice());
    return { tally, devices: this.#leaveOut(tally.sums) };
  }

  *#leaveOut(sums: Float64Array): Iterable<string> {
    for (const row of this.#liveRows()) {
      this.#addRow(row, this.all.sums, sums, -1);
      yield this.#source.names[row] ?? '';
    }
  }
}
