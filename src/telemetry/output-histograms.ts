// Owns the histograms over outputs that are no classes: which there are, and what a report counts in their bins.

import { DETECTION_BINS, DIRECTION_BINS, LENGTH_BINS } from '../contract/output-bins.ts';
import { addCountLists, type OutputCounts, type ScalarCounts } from '../contract/output-counts.ts';
import { addToOutputSketch, emptyOutputSketch, outputBins } from '../contract/output-sketch.ts';
import type { ModelInterval } from '../contract/report.ts';

export type OutputHistogramSpec =
  /** A scalar, cut at stable's own deciles: `edges` are orders of `output-sketch.ts`. NaN and infinities have the last bin. */
  | { readonly kind: 'output'; readonly name: string; readonly centre: number; readonly edges: readonly number[] }
  /** An embedding in one of the fixed directions. */
  | { readonly kind: 'direction'; readonly direction: number; readonly space: string }
  | { readonly kind: 'detections' }
  | { readonly kind: 'length' };

export function outputBinsOf(spec: OutputHistogramSpec): number {
  if (spec.kind === 'output') return spec.edges.length + 2;
  if (spec.kind === 'direction') return DIRECTION_BINS;
  return spec.kind === 'detections' ? DETECTION_BINS : LENGTH_BINS;
}

/** What a report says of a scalar in buckets about that centre; undefined where it says nothing, or has another centre. */
export function scalarOf({ outputs }: ModelInterval, name: string, centre: number): ScalarCounts | undefined {
  const { scalars = {} } = outputs ?? {};
  const found = Object.hasOwn(scalars, name) ? scalars[name] : undefined;
  return found?.centre === centre ? found : undefined;
}

function countsOf(spec: OutputHistogramSpec, interval: ModelInterval): readonly number[] | undefined {
  const { embedding, detections, lengths }: OutputCounts = interval.outputs ?? {};
  switch (spec.kind) {
    case 'output': {
      const scalar = scalarOf(interval, spec.name, spec.centre);
      return scalar && outputBins(addToOutputSketch(emptyOutputSketch(), scalar), spec.edges);
    }
    case 'direction': {
      const from = spec.direction * DIRECTION_BINS;
      return embedding?.space === spec.space ? embedding.bins.slice(from, from + DIRECTION_BINS) : undefined;
    }
    case 'detections':
      return detections;
    default:
      return lengths;
  }
}

/** The counts of one arm's intervals in one report. */
export function countOutputBins(spec: OutputHistogramSpec, intervals: readonly ModelInterval[]): readonly number[] {
  const none = new Array<number>(outputBinsOf(spec)).fill(0);
  return intervals.reduce<readonly number[]>((sums, one) => addCountLists(sums, countsOf(spec, one) ?? []), none);
}
