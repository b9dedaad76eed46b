// Owns the histograms of many devices at one look: their sum, and each of them.
import type { HistogramTally } from './histogram-tally.ts';
import type { SumsOfRows } from './stage-question.ts';

export interface NamedHistogram extends HistogramTally {
  readonly device: string;
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

function widthOf(bins: number): number {
  return 3 + 2 * bins + (bins * (bins + 1)) / 2;
}

/** Unpacks the numbers of one histogram. */
function histogramFrom(sums: Float64Array, bins: number): HistogramTally {
  const products = new Array<number>(bins * bins).fill(0);
  let at = 3 + 2 * bins;
  for (let k = 0; k < bins; k++) {
    for (let l = k; l < bins; l++) {
      const product = sums[at++] ?? 0;
      products[k * bins + l] = product;
      products[l * bins + k] = product;
    }
  }
  return {
    bins,
    trials: sums[0] ?? 0,
    reports: sums[1] ?? 0,
    trialsSquared: sums[2] ?? 0,
    counts: [...sums.subarray(3, 3 + bins)],
    countTrials: [...sums.subarray(3 + bins, 3 + 2 * bins)],
    countProducts: products,
  };
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
    this.#width = widthOf(source.bins);
    this.#isMeant = only === undefined ? () => true : (device) => only.has(device);
    const mayUseTotals = only === undefined && look >= source.newest;
    this.all = histogramFrom(mayUseTotals ? this.#totals() : this.#sum(), source.bins);
    this.live = 0;
    for (const _ of this.#liveRows()) this.live++;
  }

  static of(histograms: readonly (HistogramTally & { readonly device?: string })[]): HistogramRows {
    const bins = histograms[0]?.bins ?? 0;
    const width = widthOf(bins);
    const whole = new Float64Array(histograms.length * width);
    const nothing = new Float64Array(width);
    histograms.forEach(({ trials, reports, trialsSquared, counts, countTrials, countProducts }, i) => {
      const half = countProducts.filter((_, at) => at % bins >= Math.floor(at / bins));
      whole.set([trials, reports, trialsSquared, ...counts, ...countTrials, ...half], i * width);
    });
    return new HistogramRows(
      {
        names: histograms.map(({ device }, i) => device ?? String(i)),
        bins,
        sums: { whole, current: new Float64Array(whole.length), total: nothing, newestTotal: nothing },
        periods: new Float64Array(histograms.length),
        newest: Number.POSITIVE_INFINITY,
      },
      Number.MAX_VALUE,
    );
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

  /** Adds what a row held to sums. */
  #addRow(row: number, sums: Float64Array): void {
    const { whole, current } = this.#source.sums;
    const from = row * this.#width;
    const since = this.#isWhole(row) ? 0 : 1;
    for (let i = 0; i < this.#width; i++) {
      sums[i] = (sums[i] ?? 0) + (whole[from + i] ?? 0) - since * (current[from + i] ?? 0);
    }
  }

  #sum(): Float64Array {
    const sums = new Float64Array(this.#width);
    for (const row of this.#liveRows()) this.#addRow(row, sums);
    return sums;
  }

  *#liveRows(): Iterable<number> {
    const { names, sums } = this.#source;
    const { whole, current } = sums;
    for (let row = 0; row < names.length; row++) {
      const from = row * this.#width;
      const trials = (whole[from] ?? 0) - (this.#isWhole(row) ? 0 : (current[from] ?? 0));
      if (trials > 0 && this.#isMeant(names[row] ?? '')) yield row;
    }
  }

  /** Names of the rows with data. */
  liveNames(): Set<string> {
    const names = new Set<string>();
    for (const row of this.#liveRows()) names.add(this.#source.names[row] ?? '');
    return names;
  }

  /** The rows with data, one by one. */
  *each(): Iterable<NamedHistogram> {
    for (const row of this.#liveRows()) {
      const sums = new Float64Array(this.#width);
      this.#addRow(row, sums);
      yield { device: this.#source.names[row] ?? '', ...histogramFrom(sums, this.#source.bins) };
    }
  }
}
