// Owns the ways to hold one distribution against another: how far it moved, or how much surer stable was.
import { edgeValue } from '../contract/output-sketch.ts';
import type { HistogramSpec } from '../telemetry/histogram-sums.ts';
import type { OutputHistogramSpec } from '../telemetry/output-histograms.ts';
import type { ConfidenceDirection, OutputBin, RuleReason } from './rule-reason.ts';
import { shiftOfDrift } from './statistics/course.ts';
import {
  type DriftReading,
  driftAfter,
  driftVerdict,
  limitInPsi,
  pBeyond,
  pWithin,
} from './statistics/drift-verdict.ts';
import type { HistogramRows } from './statistics/histogram-rows.ts';
import type { HistogramTally } from './statistics/histogram-tally.ts';
import { lossAfter, lossVerdict, shareBelow } from './statistics/loss-verdict.ts';
import type { HistogramOptions } from './statistics/robust-evidence.ts';

type Tallies = readonly [candidate: HistogramTally, baseline: HistogramTally];

export interface HistogramMethod {
  readonly read: (devices: HistogramRows, baseline: HistogramTally, options: HistogramOptions) => DriftReading;
  /** The p-values if so many times as much of the same had been seen. */
  readonly after: (tallies: Tallies, times: number) => { readonly pFail: number; readonly pPass: number };
  /** The loss of mean confidence that breaks the limit where the baseline's histogram merely shifts; null for what has no course. */
  readonly courseLimit: (baseline: HistogramTally) => number | null;
  /** What moved. */
  readonly reason: (tallies: Tallies) => RuleReason;
}

function shareOf(tally: HistogramTally, bin: number): number {
  return (tally.counts[bin] ?? 0) / tally.trials;
}

/** The inner edge below which the candidate has most more answers than the baseline, and how many more, as a share. */
function greatestExcess([candidate, baseline]: Tallies): { readonly edge: number; readonly excess: number } {
  const excesses = Array.from(
    { length: candidate.bins - 1 },
    (_, k) => shareBelow(candidate, k + 1) - shareBelow(baseline, k + 1),
  );
  const excess = Math.max(...excesses);
  return { edge: (1 + excesses.indexOf(excess)) / candidate.bins, excess };
}

/** So many times as large as the other way round, a move has one direction. */
const CLEARLY = 3;

function directionOf([candidate, baseline]: Tallies): ConfidenceDirection {
  const lost = greatestExcess([candidate, baseline]).excess;
  const gained = greatestExcess([baseline, candidate]).excess;
  if (lost > CLEARLY * gained) return 'less-sure';
  return gained > CLEARLY * lost ? 'surer' : 'mixed';
}

function outputBin(histogram: OutputHistogramSpec, bin: number, bins: number): OutputBin {
  switch (histogram.kind) {
    case 'output': {
      const { edges, centre } = histogram;
      if (bin > edges.length) return { kind: 'odd-values' };
      const valueAt = (edge: number | undefined): number | null =>
        edge === undefined ? null : edgeValue(edge, centre);
      return { kind: 'values', least: valueAt(edges[bin - 1]), most: valueAt(edges[bin]) };
    }
    case 'direction':
      return { kind: 'direction', direction: histogram.direction + 1, part: bin + 1 };
    case 'detections':
      return { kind: 'detections', count: bin, orMore: bin === bins - 1 };
    default:
      return { kind: 'length', least: bin === 0 ? 0 : 2 ** (bin - 1), most: bin === bins - 1 ? null : 2 ** bin - 1 };
  }
}

/** The bin that moved most, as its part of the distance. */
function largestMove(histogram: HistogramSpec, tallies: Tallies): RuleReason {
  const [candidate, baseline] = tallies;
  const moves = candidate.counts.map((_, bin) =>
    Math.abs(Math.sqrt(shareOf(candidate, bin)) - Math.sqrt(shareOf(baseline, bin))),
  );
  const bin = moves.indexOf(Math.max(...moves));
  const [from, to] = [shareOf(baseline, bin), shareOf(candidate, bin)];
  if (histogram.kind === 'class') return { kind: 'class-moved', name: histogram.names[bin] ?? null, from, to };
  if (histogram.kind !== 'confidence')
    return { kind: 'output-moved', bin: outputBin(histogram, bin, candidate.bins), from, to };
  const [least, most] = [bin / candidate.bins, (bin + 1) / candidate.bins];
  return { kind: 'confidence-moved', direction: directionOf(tallies), least, most, from, to };
}

/** confidence_drift and class_drift: two-sided, different is not worse. */
export function distanceMethod(histogram: HistogramSpec, limit: number, scale: 'psi' | 'kl' = 'psi'): HistogramMethod {
  const most = limitInPsi(limit, scale);
  return {
    read: (devices, baseline, options) => driftVerdict(devices, baseline, limit, { ...options, scale }),
    after: ([candidate, baseline], times) => {
      const then = driftAfter(candidate, baseline, times);
      return { pFail: pBeyond(then, most), pPass: pWithin(then, most) };
    },
    courseLimit: (baseline) => (histogram.kind === 'confidence' ? shiftOfDrift(baseline, most) : null),
    reason: (tallies) => largestMove(histogram, tallies),
  };
}

/** A loss of all answers is a shift by so many spreads (of a normal distribution, at its steepest). */
const SPREADS_OF_LOSS = 2.51;

/** confidence_loss: one-sided, what is surer keeps it. */
export function lossMethod(limit: number): HistogramMethod {
  return {
    read: (devices, baseline, options) => lossVerdict(devices, baseline, limit, options),
    after: ([candidate, baseline], times) => lossAfter(candidate, baseline, limit, times),
    courseLimit: (baseline) => SPREADS_OF_LOSS * limit * shiftOfDrift(baseline, 1),
    reason: (tallies) => {
      const { edge, excess } = greatestExcess(tallies);
      return { kind: 'less-sure', below: edge, excess };
    },
  };
}
