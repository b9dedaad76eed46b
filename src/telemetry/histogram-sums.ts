// Owns the sums over histograms that drift is judged by, kept apart by looks, so that a look late asked for still sees what it should.
import { CONFIDENCE_BINS } from '../contract/report.ts';

/** Sums over reports of one histogram; what src/gates judges has this shape. */
export interface HistogramSums {
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

/** A histogram that is kept: confidences, or answers of these classes and of the rest. */
export type HistogramSpec =
  | { readonly kind: 'confidence' }
  | { readonly kind: 'class'; readonly names: readonly string[] };

/** Reports have twice as many bins; sums of squares grow with the square of them. */
const CONFIDENCE_SUM_BINS = CONFIDENCE_BINS / 2;
/** Classes with a bin of their own in the class histogram. */
export const MOST_HISTOGRAM_CLASSES = 15;

/** Intervals before the first look; each later look comes after twice as many. */
const FIRST_LOOK = 2;

/** What looks of a window go by. */
interface LookTimes {
  readonly openedAtMs: number;
  readonly intervalMs: number;
}

/** Number of the newest look that has closed, from 0; −1 before the first. */
export function lookAt({ openedAtMs, intervalMs }: LookTimes, atMs: number): number {
  const closed = Math.floor((atMs - openedAtMs) / intervalMs);
  return closed < FIRST_LOOK ? -1 : Math.floor(Math.log2(closed / FIRST_LOOK));
}

/** The counts of one report in the bins that are kept. */
export function countBins(
  spec: HistogramSpec,
  confidence: readonly number[],
  classes: ReadonlyMap<string, number>,
): readonly number[] {
  if (spec.kind === 'confidence') {
    const bin = (k: number): number => confidence[k] ?? 0;
    return Array.from({ length: CONFIDENCE_SUM_BINS }, (_, k) => bin(2 * k) + bin(2 * k + 1));
  }
  const named = spec.names.map((name) => classes.get(name) ?? 0);
  let rest = 0;
  for (const count of classes.values()) rest += count;
  for (const count of named) rest -= count;
  return [...named, rest];
}

/** The sums of one report. */
function sumsOfCounts(counts: readonly number[]): HistogramSums {
  const trials = counts.reduce((sum, count) => sum + count, 0);
  return {
    bins: counts.length,
    trials,
    reports: trials > 0 ? 1 : 0,
    trialsSquared: trials * trials,
    counts,
    countTrials: counts.map((count) => count * trials),
    countProducts: counts.flatMap((a) => counts.map((b) => a * b)),
  };
}

function emptyHistogramSums(bins: number): HistogramSums {
  return { ...sumsOfCounts(new Array<number>(bins).fill(0)), reports: 0 };
}

function plus(a: readonly number[], b: readonly number[]): number[] {
  return a.map((x, i) => x + (b[i] ?? 0));
}

function addSums(a: HistogramSums, b: HistogramSums): HistogramSums {
  return {
    bins: a.bins,
    trials: a.trials + b.trials,
    reports: a.reports + b.reports,
    trialsSquared: a.trialsSquared + b.trialsSquared,
    counts: plus(a.counts, b.counts),
    countTrials: plus(a.countTrials, b.countTrials),
    countProducts: plus(a.countProducts, b.countProducts),
  };
}

function addAll(a: readonly HistogramSums[], b: readonly HistogramSums[]): readonly HistogramSums[] {
  return a.map((x, i) => {
    const y = b[i];
    return y === undefined ? x : addSums(x, y);
  });
}

/** A row's histograms: those of reports that came before its newest look closed, and those since. */
export interface LookedSums {
  /** −1 before the first look. */
  readonly look: number;
  readonly before: readonly HistogramSums[];
  readonly since: readonly HistogramSums[];
}

/** The sum of two rows: what lies before the newer look is all that the older row has. Any order gives the same. */
export function mergeLooked(a: LookedSums, b: LookedSums): LookedSums {
  if (a.look === b.look) return { look: a.look, before: addAll(a.before, b.before), since: addAll(a.since, b.since) };
  const [older, newer] = a.look < b.look ? [a, b] : [b, a];
  return { look: newer.look, before: addAll(newer.before, addAll(older.before, older.since)), since: newer.since };
}

/** What one report adds. */
export function lookedOf(look: number, counts: readonly (readonly number[])[]): LookedSums {
  return {
    look,
    before: counts.map((bins) => emptyHistogramSums(bins.length)),
    since: counts.map(sumsOfCounts),
  };
}
