// Owns how much evidence for a loss there is at least without a row, from what the row answered alone: leaving it out takes far longer.
import type { HistogramRows } from './histogram-rows.ts';
import { COUNTS, type HistogramTally } from './histogram-tally.ts';
import type { RowBound } from './robust-evidence.ts';
import { SharesBelow } from './shares-below.ts';

/** Rows of more than so many times the mean get no bound. */
const USUAL = 4;
/** Below this exponent evidence may lie below the tangent, or fall as deviations do. */
const LEAST_EXPONENT = 1.5;
/** More evidence than anybody asks for would only bring numbers out of range. */
const MOST_EXPONENT = 40;

/** The most that the variance of a share can be without a usual row. By the triangle inequality over reports: a share moves by `moved` at most. */
function varianceWithout(
  { trials, reports, trialsSquared }: HistogramTally,
  rows: number,
): (variance: number) => number {
  const part = USUAL / rows;
  const [left, leftReports] = [trials * (1 - part), reports * (1 - part)];
  const factor = reports / (reports - 3);
  const grown = leftReports / (leftReports - 3) / factor / (1 - part) ** 2;
  const moved = part / (1 - part);
  const step = (moved * Math.sqrt(factor * trialsSquared)) / trials;
  return (variance) => Math.max(grown * (Math.sqrt(variance) + step) ** 2, (variance * trials + moved) / left);
}

/** Evidence at an edge is convex in the share below it: along this tangent it is nowhere less. */
function tangentAt(
  beyond: number,
  deviation: number,
  limit: number,
): { readonly evidence: number; readonly slope: number } {
  const information = (limit / (2 * deviation)) ** 2;
  const exponent = ((beyond / deviation) ** 2 * information) / (2 * (1 + information));
  if (!(beyond > 0) || exponent < LEAST_EXPONENT) return { evidence: 0, slope: 0 };
  const kept = Math.min(exponent, MOST_EXPONENT);
  const scale = Math.sqrt(1 + information);
  return { evidence: (2 * Math.exp(kept) - 1) / scale, slope: (4 * kept * Math.exp(kept)) / (beyond * scale) };
}

/** Beside a baseline. */
export function lossBound(devices: HistogramRows, limit: number, base: SharesBelow): RowBound {
  const { all, live: rows } = devices;
  const { bins, trials, reports } = all;
  if (!(reports * (1 - USUAL / rows) > 3)) return { ofAny: 0, of: () => 0 };
  const own = new SharesBelow(all);
  const most = varianceWithout(all, rows);
  /** By how much an answer in a bin lowers the evidence once it is gone, and a trial raises it. */
  const weights = new Float64Array(bins);
  let [evidence, perTrial, weight] = [0, 0, 0];
  for (let edge = bins - 2; edge >= 0; edge--) {
    const share = own.shares[edge] ?? 0;
    const deviation = Math.sqrt(most(own.variances[edge] ?? 0) + (base.variances[edge] ?? 0));
    const tangent = tangentAt(share - (base.shares[edge] ?? 0) - limit, deviation, limit);
    evidence += tangent.evidence;
    perTrial += tangent.slope * share;
    weight += tangent.slope;
    weights[edge] = weight;
  }
  const [mostTrials, mostReports] = [(USUAL * trials) / rows, (USUAL * reports) / rows];
  const left = (own: number, gone: number): number =>
    Math.log(Math.max(1, (evidence + (own * perTrial - gone) / (trials - own)) / (bins - 1)));
  const largest = devices.largest();
  const areUsual = largest.trials <= mostTrials && largest.reports <= mostReports;
  return {
    // All that it answered lies in the bin that weighs most.
    ofAny: areUsual ? left(largest.trials, largest.trials * weight) : 0,
    of: (sums, at) => {
      const own = sums[at] ?? 0;
      if (own > mostTrials || (sums[at + 1] ?? 0) > mostReports) return 0;
      let gone = 0;
      for (let bin = 0; bin < bins; bin++) gone += (weights[bin] ?? 0) * (sums[at + COUNTS + bin] ?? 0);
      return left(own, gone);
    },
  };
}
