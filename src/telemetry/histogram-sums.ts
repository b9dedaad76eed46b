// Owns the sums over histograms that drift is judged by, as they lie in a row.
import { CONFIDENCE_BINS, type ModelInterval } from '../contract/report.ts';
import { countOutputBins, type OutputHistogramSpec, outputBinsOf } from './output-histograms.ts';

/** A histogram that is kept: confidences, answers of these classes and of the rest, or outputs that are no classes. */
export type HistogramSpec =
  | { readonly kind: 'confidence' }
  | { readonly kind: 'class'; readonly names: readonly string[] }
  | OutputHistogramSpec;

/** Tells the histograms of an arm apart: `confidence`, `class`, `output:price`, `direction:0`, `detections`, `length`. */
export function histogramKey(spec: HistogramSpec): string {
  if (spec.kind === 'output') return `${spec.kind}:${spec.name}`;
  return spec.kind === 'direction' ? `${spec.kind}:${spec.direction}` : spec.kind;
}

/** Reports have twice as many bins; sums of squares grow with the square of them. */
const CONFIDENCE_SUM_BINS = CONFIDENCE_BINS / 2;
/** Classes with a bin of their own in the class histogram. */
export const MOST_HISTOGRAM_CLASSES = 15;

export function binsOf(spec: HistogramSpec): number {
  if (spec.kind === 'confidence') return CONFIDENCE_SUM_BINS;
  return spec.kind === 'class' ? spec.names.length + 1 : outputBinsOf(spec);
}

/** What one report says of one arm. */
export interface CountedAnswers {
  readonly confidence: readonly number[];
  readonly classes: ReadonlyMap<string, number>;
  readonly intervals: readonly ModelInterval[];
}

/** The counts of one report in the bins that are kept. */
export function countBins(spec: HistogramSpec, { confidence, classes, intervals }: CountedAnswers): readonly number[] {
  if (spec.kind === 'confidence') {
    const bins: number[] = [];
    for (let k = 0; k < CONFIDENCE_BINS; k += 2) bins.push((confidence[k] ?? 0) + (confidence[k + 1] ?? 0));
    return bins;
  }
  if (spec.kind !== 'class') return countOutputBins(spec, intervals);
  const bins = spec.names.map((name) => classes.get(name) ?? 0);
  let rest = 0;
  for (const count of classes.values()) rest += count;
  for (const count of bins) rest -= count;
  bins.push(rest);
  return bins;
}

/**
 * Numbers of a histogram in a row: trials, reports, trials², the counts, the counts·trials, then the products of pairs of bins, of which
 * one half will do: Σ count(k)·count(l) for l ≥ k. src/gates reads them so.
 */
export function histogramWidth(bins: number): number {
  return 3 + 2 * bins + (bins * (bins + 1)) / 2;
}

export const HISTOGRAM_TRIALS = 0;

/** Writes the sums of one report; an empty one says nothing. */
export function writeHistogram(into: Float64Array, from: number, counts: readonly number[]): void {
  const bins = counts.length;
  let trials = 0;
  for (const count of counts) trials += count;
  into[from] = trials;
  into[from + 1] = trials > 0 ? 1 : 0;
  into[from + 2] = trials * trials;
  let at = from + 3;
  for (const count of counts) into[at++] = count;
  for (const count of counts) into[at++] = count * trials;
  for (let k = 0; k < bins; k++) {
    const count = counts[k] ?? 0;
    for (let l = k; l < bins; l++) into[at++] = count * (counts[l] ?? 0);
  }
}
