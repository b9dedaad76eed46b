// Owns the rule of less sure models: how many more of the candidate's answers than of stable's lie below some level of confidence?
import type { HistogramRows } from './histogram-rows.ts';
import { COUNTS, type HistogramTally } from './histogram-tally.ts';
import { normalEvidence, normalP } from './normal-evidence.ts';
import { verdictOf } from './rate-verdict.ts';
import {
  failEvidence,
  type HistogramOptions,
  type HistogramReading,
  openHistogram,
  whyIncomparable,
} from './robust-evidence.ts';

export interface LossReading extends HistogramReading {
  /** The inner edge below which the excess is greatest: the number of bins below it; 0 without data. */
  readonly edge: number;
}

interface ShareBelow {
  readonly share: number;
  readonly variance: number;
}

/** The share of answers below each inner edge, and its variance by the cluster sandwich, never below that of independent draws. */
function sharesBelow({ bins, sums, trials, reports, trialsSquared }: HistogramTally): ShareBelow[] {
  const factor = reports / (reports - 3) / trials ** 2;
  const products = COUNTS + 2 * bins;
  let [count, countTrials, square] = [0, 0, 0];
  return Array.from({ length: bins - 1 }, (_, k) => {
    // Of products the half with l ≥ k is kept, row by row: row l begins where l rows of bins, bins − 1, … numbers end.
    for (let l = 0; l <= k; l++) {
      const at = products + l * bins - (l * (l - 1)) / 2 + (k - l);
      square += (l === k ? 1 : 2) * (sums[at] ?? 0);
    }
    count += sums[COUNTS + k] ?? 0;
    countTrials += sums[COUNTS + bins + k] ?? 0;
    const share = count / trials;
    const smooth = (count + 0.5) / (trials + 1);
    const spread = square - 2 * share * countTrials + share * share * trialsSquared;
    return { share, variance: Math.max(factor * spread, (smooth * (1 - smooth)) / trials) };
  });
}

interface Excess {
  readonly excess: number;
  readonly deviation: number;
}

function excessesOf(candidate: HistogramTally, baseline: readonly ShareBelow[]): Excess[] {
  return sharesBelow(candidate).map(({ share, variance }, k) => {
    const base = baseline[k] ?? { share: 0, variance: 0 };
    return { excess: share - base.share, deviation: Math.sqrt(variance + base.variance) };
  });
}

function informationOf(limit: number, deviation: number): number {
  return (limit * limit) / (4 * deviation * deviation);
}

/** An average of evidence is evidence: no more is paid for asking at every edge. */
function pLoss(excesses: readonly Excess[], limit: number): number {
  let sum = 0;
  for (const { excess, deviation } of excesses) {
    sum += normalEvidence((excess - limit) / deviation, informationOf(limit, deviation));
  }
  return Math.min(1, excesses.length / sum);
}

/** Are at no level of confidence more than `limit` (0..1) of additional answers below it? May be asked at any time. */
export function lossVerdict(
  devices: HistogramRows,
  baseline: HistogramTally | null,
  limit: number,
  options: HistogramOptions = {},
): LossReading {
  const open = whyIncomparable(devices, baseline);
  if (baseline === null || open !== null) return { ...openHistogram(open ?? 'no-baseline'), edge: 0 };
  const excesses = excessesOf(devices.all, sharesBelow(baseline));
  const most = Math.max(...excesses.map(({ excess }) => excess));
  const estimate = Math.max(0, most);
  const pPass = excesses.map(({ excess, deviation }) =>
    normalP((limit - excess) / deviation, informationOf(limit, deviation)),
  );
  const p = {
    ...failEvidence(
      devices,
      baseline,
      (against) => {
        const below = sharesBelow(against);
        return (candidate) => () => pLoss(excessesOf(candidate, below), limit);
      },
      options,
    ),
    pPass: Math.max(...pPass),
  };
  const { verdict, reason } = verdictOf(p, options);
  return {
    ...p,
    verdict,
    reason: reason === null ? null : 'one-device',
    estimate,
    edge: 1 + excesses.findIndex(({ excess }) => excess === most),
    isWithin: estimate < limit,
  };
}
