// Owns the tallies of one measure over many devices: their sum, which have data, and which stands out from the others.
import { isOutlier, medianBesideOutliers, type OutlierRow } from './outlier-rows.ts';
import { allRows, liveRowsOf, liveValuesOf, type RowColumn, sumOfRows } from './row-sums.ts';
import { EMPTY_TALLY, scaleTally, type Tally } from './tally.ts';

/** A device's tally of one measure, with its name. */
export interface NamedTally extends Tally {
  readonly device: string;
}

/** How unevenly events came within rows, each held to its own rate. */
export interface WithinRows {
  /** Σ of the squared distances of reports from their row's rate. */
  readonly spread: number;
  /** What it would be were events independent. */
  readonly expected: number;
  readonly reports: number;
  readonly bad: number;
  readonly rows: number;
}

/** Numbers of a tally in a row, in the order of `Tally`. */
const WIDTH = 6;
/** Where its trials stand. */
const TRIALS = 1;

/** Where tallies lie: a name and six numbers a row, row after row. */
export interface TallySource {
  readonly names: readonly string[];
  readonly sums: Float64Array;
}

/** As it lies in a row. */
function numbersOf({ bad, trials, reports, badSquared, badTrials, trialsSquared }: Tally): Float64Array {
  return Float64Array.of(bad, trials, reports, badSquared, badTrials, trialsSquared);
}

/** The tally that begins at an offset. */
export function tallyFrom(sums: Float64Array, at = 0): Tally {
  return {
    bad: sums[at] ?? 0,
    trials: sums[at + 1] ?? 0,
    reports: sums[at + 2] ?? 0,
    badSquared: sums[at + 3] ?? 0,
    badTrials: sums[at + 4] ?? 0,
    trialsSquared: sums[at + 5] ?? 0,
  };
}

/** The rows that are not furthest, by number, and the furthest of the others. */
export interface Outliers {
  readonly inliers: Uint32Array;
  readonly outlier: OutlierRow;
}

/** Which rows are meant, and what of them is known already. */
export interface PickedRows {
  /** Row numbers, each once; all rows unless given. */
  readonly rows?: Uint32Array;
  /** What they were picked of. */
  readonly of?: TallyRows;
  readonly all?: Tally;
  /** How many of them have data. */
  readonly live?: number;
}

/** Rows without trials say nothing and are passed over. Nothing is copied: the numbers must not change while it is read. */
export class TallyRows {
  readonly #source: TallySource;
  readonly #rows: Uint32Array | null;
  readonly #scale: number;
  readonly #of: TallyRows | undefined;
  #all: Tally | undefined;
  #live: number | undefined;
  #liveRows: Uint32Array | undefined;

  constructor(source: TallySource, { rows, of, all, live }: PickedRows = {}, scale = 1) {
    this.#source = source;
    this.#rows = rows ?? null;
    this.#of = of;
    this.#scale = scale;
    this.#all = all;
    this.#live = live;
  }

  /** The same as if so many times as much had been seen. */
  scaled(scale: number): TallyRows {
    const rows = this.#rows === null ? {} : { rows: this.#rows };
    return new TallyRows(
      this.#source,
      { ...rows, all: scaleTally(this.all, scale), live: this.live },
      this.#scale * scale,
    );
  }

  /** Some of the rows, by number, each once. `live`: how many of them have data, where it is known. */
  only(rows: Uint32Array, live?: number): TallyRows {
    const picked = { rows, ...(this.#rows === null ? { of: this } : {}), ...(live === undefined ? {} : { live }) };
    return new TallyRows(this.#source, picked, this.#scale);
  }

  get #count(): number {
    return this.#rows === null ? this.#source.names.length : this.#rows.length;
  }

  /** Number of the row at a place. */
  #rowAt(place: number): number {
    return this.#rows === null ? place : (this.#rows[place] ?? 0);
  }

  #named(row: number): NamedTally {
    const tally = scaleTally(tallyFrom(this.#source.sums, row * WIDTH), this.#scale);
    return { device: this.#source.names[row] ?? '', ...tally };
  }

  /** The sum of the rows. */
  get all(): Tally {
    this.#all ??= this.#sum();
    return this.#all;
  }

  #sum(): Tally {
    const { names, sums } = this.#source;
    const whole = this.#scale === 1 && this.#of !== undefined ? this.#of.#all : undefined;
    const known = whole === undefined ? null : numbersOf(whole);
    const sum = sumOfRows({ sums, width: WIDTH, count: names.length, rows: this.#rows, known });
    return scaleTally(tallyFrom(sum), this.#scale);
  }

  /** Rows with data. */
  get live(): number {
    this.#live ??= this.liveRows().length;
    return this.#live;
  }

  /** How many of the rows with data are so. */
  countThat(isSo: (bad: number, trials: number) => boolean): number {
    const { sums } = this.#source;
    let count = 0;
    for (let place = 0; place < this.#count; place++) {
      const at = this.#rowAt(place) * WIDTH;
      const trials = sums[at + 1] ?? 0;
      if (trials > 0 && isSo(sums[at] ?? 0, trials)) count++;
    }
    return count;
  }

  /** The same totals seen as one cluster a device: devices as a sample of the fleet. */
  byDevice(): Tally {
    const { sums } = this.#source;
    let [reports, badSquared, badTrials, trialsSquared] = [0, 0, 0, 0];
    for (let place = 0; place < this.#count; place++) {
      const at = this.#rowAt(place) * WIDTH;
      const bad = this.#scale * (sums[at] ?? 0);
      const trials = this.#scale * (sums[at + 1] ?? 0);
      if (!(trials > 0)) continue;
      reports++;
      badSquared += bad * bad;
      badTrials += bad * trials;
      trialsSquared += trials * trials;
    }
    return { bad: this.all.bad, trials: this.all.trials, reports, badSquared, badTrials, trialsSquared };
  }

  /** How events cluster within rows, without the row whose events do so most: it alone says little of the others. */
  withinRows(): WithinRows {
    const { sums } = this.#source;
    const sum = { spread: 0, expected: 0, reports: 0, bad: 0, rows: 0 };
    let worst = { spread: 0, expected: 0, reports: 0, bad: 0, rows: 0 };
    for (let place = 0; place < this.#count; place++) {
      const at = this.#rowAt(place) * WIDTH;
      const bad = sums[at] ?? 0;
      const trials = sums[at + 1] ?? 0;
      if (!(trials > 0)) continue;
      const rate = bad / trials;
      const reports = sums[at + 2] ?? 0;
      const spread = (sums[at + 3] ?? 0) - 2 * rate * (sums[at + 4] ?? 0) + rate * rate * (sums[at + 5] ?? 0);
      const expected = trials * rate * (1 - rate);
      sum.spread += spread;
      sum.expected += expected;
      sum.reports += reports;
      sum.bad += bad;
      sum.rows++;
      if (spread - expected > worst.spread - worst.expected) worst = { spread, expected, reports, bad, rows: 1 };
    }
    const scale = this.#scale;
    return {
      spread: scale * (sum.spread - worst.spread),
      expected: scale * (sum.expected - worst.expected),
      reports: scale * (sum.reports - worst.reports),
      bad: scale * (sum.bad - worst.bad),
      rows: sum.rows - worst.rows,
    };
  }

  get #trials(): RowColumn {
    const { names, sums } = this.#source;
    return { sums, width: WIDTH, place: TRIALS, count: names.length, rows: this.#rows };
  }

  /** One more than the events of each row with data. */
  #events(): Float64Array {
    const { sums } = this.#source;
    const live = this.liveRows();
    const events = new Float64Array(live.length);
    for (let i = 0; i < live.length; i++) events[i] = 1 + (sums[(live[i] ?? 0) * WIDTH] ?? 0);
    return events;
  }

  /**
   * Which rows do not claim many times the trials of the median one: what one device says of itself is not to outweigh the others.
   * Null when all are so, or too few to have a median. `byEvents`: nor many times its events, of which none has less than one.
   */
  outliers(byEvents = false): Outliers | null {
    const ofTrials = this.#outliersBy(false);
    const ofEvents = byEvents ? this.#outliersBy(true) : null;
    if (ofTrials === null || ofEvents === null) return ofTrials ?? ofEvents;
    const others = new Set(ofEvents.inliers);
    const { outlier } = ofEvents;
    return { inliers: ofTrials.inliers.filter((row) => others.has(row)), outlier };
  }

  #outliersBy(ofEvents: boolean): Outliers | null {
    const median = medianBesideOutliers(ofEvents ? this.#events() : liveValuesOf(this.#trials));
    if (median === null) return null;
    const { names, sums } = this.#source;
    const live = this.liveRows();
    const inliers = new Uint32Array(live.length);
    let [count, outlier, most] = [0, -1, 0];
    for (const row of live) {
      const weight = ofEvents ? 1 + (sums[row * WIDTH] ?? 0) : (sums[row * WIDTH + 1] ?? 0);
      if (!isOutlier(weight, median)) inliers[count++] = row;
      if (weight < most || (weight === most && (names[row] ?? '') >= (names[outlier] ?? ''))) continue;
      [outlier, most] = [row, weight];
    }
    return { inliers: inliers.subarray(0, count), outlier: { device: names[outlier] ?? '', times: most / median } };
  }

  /** Those rows. */
  get inliers(): TallyRows {
    const outliers = this.outliers();
    return outliers === null ? this : this.only(outliers.inliers, outliers.inliers.length);
  }

  /** The device that stands out most above `rate`; undefined without data. */
  largestExcess(rate: number): NamedTally | undefined {
    return this.#furthest(rate, 1);
  }

  /** The device that falls most below `rate`; undefined without data. */
  largestDeficit(rate: number): NamedTally | undefined {
    return this.#furthest(rate, -1);
  }

  /** Of devices as far from it the first by name, so that it does not matter who reported first. */
  #furthest(rate: number, side: 1 | -1): NamedTally | undefined {
    const { names, sums } = this.#source;
    let [most, furthest] = [Number.NEGATIVE_INFINITY, -1];
    const equal: number[] = [];
    for (const row of this.liveRows()) {
      const at = row * WIDTH;
      const far = side * ((sums[at] ?? 0) - rate * (sums[at + 1] ?? 0));
      if (far < most) continue;
      if (far === most) equal.push(row);
      else {
        equal.length = 0;
        most = far;
        furthest = row;
      }
    }
    for (const row of equal) if ((names[row] ?? '') < (names[furthest] ?? '')) furthest = row;
    return furthest < 0 ? undefined : this.#named(furthest);
  }

  /** The rows with data. */
  *each(): Iterable<NamedTally> {
    for (const row of this.liveRows()) yield this.#named(row);
  }

  /** Their numbers. */
  liveRows(): Uint32Array {
    this.#liveRows ??= this.#findLiveRows();
    return this.#liveRows;
  }

  #findLiveRows(): Uint32Array {
    if (this.#live !== this.#count) return liveRowsOf(this.#trials);
    return this.#rows ?? allRows(this.#count);
  }
}

export const NO_ROWS = new TallyRows({ names: [], sums: new Float64Array(0) }, { all: EMPTY_TALLY });
