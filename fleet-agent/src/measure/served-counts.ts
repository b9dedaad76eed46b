// Owns the counts of a version since it began to serve: what its trial is judged by.
import type { FoundError } from '../../../src/contract/report.ts';
import { addToSketch, emptySketch, type Sketch } from '../../../src/contract/sketch.ts';
import type { Measured } from './interval-tally.ts';

export interface ServedCounts {
  readonly inferences: number;
  readonly errors: number;
  readonly unknown: number;
  readonly lastError: { readonly reason: FoundError; readonly message: string } | null;
  /** Grows in place. */
  readonly latency: Sketch;
}

export function noCounts(): ServedCounts {
  return { inferences: 0, errors: 0, unknown: 0, lastError: null, latency: emptySketch() };
}

/** `failure` is the error of a request that failed. */
export function addToCounts(
  counts: ServedCounts,
  measured: Measured,
  failure: ServedCounts['lastError'],
): ServedCounts {
  if (measured.kind === 'rejected') return counts;
  const { rows } = measured;
  const inferences = counts.inferences + rows;
  if (measured.kind === 'failed') return { ...counts, inferences, errors: counts.errors + rows, lastError: failure };
  addToSketch(counts.latency, measured.latencyMs, rows);
  return { ...counts, inferences, unknown: counts.unknown + measured.unknown };
}
