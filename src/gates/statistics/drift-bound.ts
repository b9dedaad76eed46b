// Owns how much evidence for a drift there is at least without a row, from what the row answered alone: leaving it out takes far longer.
import type { DriftParts } from './drift-estimate.ts';
import type { HistogramRows } from './histogram-rows.ts';
import { COUNTS, type HistogramTally } from './histogram-tally.ts';
import type { RowBound } from './robust-evidence.ts';

/** Below this exponent evidence may fall as the deviation does. */
const LEAST_EXPONENT = 0.5;

/** The logarithm of the evidence that a distance lies so far beyond its limit (a drift), if its deviation is that or less. */
function leastEvidence(beyond: number, deviation: number, limit: number): number {
  const information = limit / (2 * deviation) ** 2;
  const exponent = ((beyond / deviation) ** 2 * information) / (2 * (1 + information));
  if (!(beyond > 0) || exponent < LEAST_EXPONENT) return 0;
  return Math.max(0, exponent - Math.log1p(information) / 2);
}

/** How a row differs from the whole: of the shares that it has of each bin's answers the greatest, and n² of its answers times the squared distance of its shares from those of all. */
interface Apart {
  readonly lost: number;
  readonly squares: number;
}

/** The greatest of any row. */
const furthest = new WeakMap<HistogramRows, Apart>();

function furthestOf(devices: HistogramRows, apartOf: (sums: Float64Array, at: number) => Apart): Apart {
  const known = furthest.get(devices);
  if (known !== undefined) return known;
  let [lost, squares] = [0, 0];
  for (const row of devices.liveRows()) {
    const apart = apartOf(devices.sums, row * devices.width);
    lost = Math.max(lost, apart.lost);
    squares = Math.max(squares, apart.squares);
  }
  furthest.set(devices, { lost, squares });
  return { lost, squares };
}

/**
 * With what was measured of the sum of all rows beside the baseline. Without a row the roots of the shares are off by `moved` at
 * most; then by the triangle inequality the distance falls by twice that at most, the direction turns by `turned`, and deviations, which
 * are lengths in the space of reports, grow by so much.
 */
export function driftBound(
  devices: HistogramRows,
  baseline: HistogramTally,
  { distance, own, base }: DriftParts,
  limit: number,
): RowBound {
  const { all } = devices;
  const { bins, sums: whole, trials, reports } = all;
  const counts = whole.subarray(COUNTS, COUNTS + bins);
  /** One over the share of each bin, and over its count with half an answer more. */
  const inverse = counts.map((count) => (count > 0 ? trials / count : 0));
  const smoothed = counts.map((count) => 1 / (count + 0.5));
  const smooth = (count: number): number => 1 + bins / (2 * count);
  const factor = reports / (reports - 3);
  const perReport = Math.sqrt(factor * all.trialsSquared * smooth(trials)) / trials;
  const [along, total] = [Math.sqrt(own.along), Math.sqrt(own.total)];
  const [baseAlong, baseTotal] = [Math.sqrt(base.along), Math.sqrt(base.total * smooth(baseline.trials / 2))];
  const apartOf = (sums: Float64Array, at: number): Apart => {
    let [squares, lost] = [-((sums[at] ?? 0) ** 2), 0];
    for (let k = 0; k < bins; k++) {
      const count = sums[at + COUNTS + k] ?? 0;
      squares += count * count * (inverse[k] ?? 0);
      lost = Math.max(lost, count * (smoothed[k] ?? 0));
    }
    return { squares: Math.max(0, squares), lost };
  };
  // Each of the four can only take evidence away.
  const without = (own: number, ownReports: number, { squares, lost }: Apart): number => {
    const [left, leftReports] = [trials - own, reports - ownReports];
    const moved = Math.sqrt(squares) / left;
    const turned = (4 * moved) / distance;
    /** By how much the weight of a bin changes. */
    const bent = Math.max(1 / Math.sqrt(1 - lost) - 1, 1 - Math.sqrt((left + bins / 2) / (trials + bins / 2)));
    const grown = Math.sqrt(leftReports / (leftReports - 3) / factor) * (trials / left);
    const totalLeft = grown * (total + moved * perReport);
    const alongLeft = grown * (along + moved * perReport) + (bent + turned * (1 + bent)) * totalLeft;
    const variance = Math.max(alongLeft ** 2, smooth(left) / left) + (baseAlong + turned * baseTotal) ** 2;
    const bias = Math.max(((1 + bent) * totalLeft) ** 2, (bins - 1) / left) + base.total;
    return leastEvidence(distance - 2 * moved - Math.sqrt(limit + bias), Math.sqrt(variance), limit);
  };
  const largest = devices.largest();
  return {
    ofAny: without(largest.trials, largest.reports, furthestOf(devices, apartOf)),
    of: (sums, at) => without(sums[at] ?? 0, sums[at + 1] ?? 0, apartOf(sums, at)),
  };
}
