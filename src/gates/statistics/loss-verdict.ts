// Owns the rule of less sure models: how many more of the candidate's answers than of stable's lie below some level of confidence?
import type { DriftReading } from './drift-verdict.ts';
import type { HistogramRows } from './histogram-rows.ts';
import type { HistogramTally } from './histogram-tally.ts';
import { lossBound } from './loss-bound.ts';
import { normalEvidence, normalP, normalReach } from './normal-evidence.ts';
import { verdictOf } from './rate-verdict.ts';
import { failEvidence, type HistogramOptions, openHistogram, type Prober, whyIncomparable } from './robust-evidence.ts';
import { SharesBelow } from './shares-below.ts';

export interface LossReading extends DriftReading {
  /** The inner edge below which the excess is greatest: the number of bins below it; 0 without data. */
  readonly edge: number;
}

/** How many more of all answers (0..1) lie below an edge. */
export interface Excess {
  readonly excess: number;
  readonly deviation: number;
}

function excessAt(candidate: SharesBelow, baseline: SharesBelow, edge: number): Excess {
  const variance = (candidate.variances[edge] ?? 0) + (baseline.variances[edge] ?? 0);
  return { excess: (candidate.shares[edge] ?? 0) - (baseline.shares[edge] ?? 0), deviation: Math.sqrt(variance) };
}

function excessesOf(candidate: HistogramTally, baseline: HistogramTally): Excess[] {
  const [own, base] = [new SharesBelow(candidate), new SharesBelow(baseline)];
  return Array.from({ length: own.shares.length }, (_, edge) => excessAt(own, base, edge));
}

function informationOf(limit: number, deviation: number): number {
  return (limit * limit) / (4 * deviation * deviation);
}

function evidenceOfLoss({ excess, deviation }: Excess, limit: number): number {
  return normalEvidence((excess - limit) / deviation, informationOf(limit, deviation));
}

/** An average of evidence is evidence: no more is paid for asking at every edge. */
function pLoss(excesses: readonly Excess[], limit: number): number {
  return Math.min(1, excesses.length / excesses.reduce((sum, one) => sum + evidenceOfLoss(one, limit), 0));
}

/** The same of a histogram whose sums change in place. */
function proberOf(baseline: HistogramTally, limit: number): Prober {
  const base = new SharesBelow(baseline);
  return {
    probe: (candidate) => {
      const own = new SharesBelow(candidate);
      return () => {
        own.read();
        let sum = 0;
        for (let edge = 0; edge < own.shares.length; edge++) sum += evidenceOfLoss(excessAt(own, base, edge), limit);
        return Math.min(1, own.shares.length / sum);
      };
    },
    bound: (devices) => lossBound(devices, limit, base),
  };
}

/** The p-value of "at some level of confidence more are below": a pass must hold at every edge. */
function pKept(excesses: readonly Excess[], limit: number): number {
  const p = excesses.map(({ excess, deviation }) =>
    normalP((limit - excess) / deviation, informationOf(limit, deviation)),
  );
  return Math.max(...p);
}

export function lossPs(excesses: readonly Excess[], limit: number): { readonly pFail: number; readonly pPass: number } {
  return { pFail: pLoss(excesses, limit), pPass: pKept(excesses, limit) };
}

/** Both p-values if so many times as much of the same had been seen. */
export function lossAfter(
  candidate: HistogramTally,
  baseline: HistogramTally,
  limit: number,
  times: number,
): ReturnType<typeof lossPs> {
  const then = excessesOf(candidate, baseline).map(({ excess, deviation }) => ({
    excess,
    deviation: deviation / Math.sqrt(times),
  }));
  return lossPs(then, limit);
}

/** The share of answers in the first so many bins. */
export function shareBelow({ counts, trials }: HistogramTally, bins: number): number {
  return counts.slice(0, bins).reduce((sum, count) => sum + count, 0) / trials;
}

/** Are at no level of confidence more than `limit` (0..1) of additional answers below it? May be asked at any time. */
export function lossVerdict(
  devices: HistogramRows,
  baseline: HistogramTally | null,
  limit: number,
  options: HistogramOptions = {},
): LossReading {
  const open = whyIncomparable(devices, baseline);
  if (baseline === null || open !== null) {
    return { ...openHistogram(open ?? 'no-baseline'), edge: 0, lower: 0, upper: Number.POSITIVE_INFINITY };
  }
  const { alpha = 0.05, beta = 0.05 } = options;
  const excesses = excessesOf(devices.all, baseline);
  const most = Math.max(...excesses.map(({ excess }) => excess));
  const estimate = Math.max(0, most);
  const bound = (side: 1 | -1, level: number): number =>
    Math.max(
      ...excesses.map(({ excess, deviation }) => {
        return excess + side * deviation * normalReach(level, informationOf(limit, deviation));
      }),
    );
  const p = {
    ...failEvidence(devices, baseline, (against) => proberOf(against, limit), options),
    pPass: pKept(excesses, limit),
  };
  const { verdict, reason } = verdictOf(p, options);
  return {
    ...p,
    verdict,
    reason: reason === null ? null : 'one-device',
    estimate,
    edge: 1 + excesses.findIndex(({ excess }) => excess === most),
    isWithin: estimate < limit,
    lower: Math.max(0, bound(-1, alpha / excesses.length)),
    upper: bound(1, beta),
  };
}
