// Owns the forecast of drift: when a true drift first differs from its limit beyond chance.
import { LEAST_INTERVALS } from '../judge-drift.ts';
import { limitInPsi, pBeyond, pWithin } from '../statistics/drift-verdict.ts';
import { lossPs } from '../statistics/loss-verdict.ts';
import { LEAST_REPORTS } from '../statistics/robust-evidence.ts';
import { leastThat } from './planner.ts';

export interface DriftPlan {
  /** Of a loss: the true greatest excess and its limit, 0..1. */
  readonly of: 'distance' | 'loss';
  /** True drift and limit, on the scale. */
  readonly drift: number;
  readonly limit: number;
  readonly scale: 'psi' | 'kl';
  readonly bins: number;
  /** Each sends a report an interval. */
  readonly devices: number;
  /** The candidate's answers in one interval of reports. */
  readonly perInterval: number;
  /** The baseline's answers for each of the candidate's. */
  readonly beside: number;
  /** Error level, 0..1. */
  readonly level: number;
}

/** At so large a variance of a share of one. */
function expectedPs({ of, drift, limit, scale, bins }: DriftPlan, variance: number): ReturnType<typeof lossPs> {
  if (of === 'loss') {
    // At the middle of the answers an edge is least sure; at the others nothing moved.
    const deviation = Math.sqrt(variance / 4);
    const edges = Array.from({ length: bins - 1 }, (_, k) => ({ excess: k === 0 ? drift : 0, deviation }));
    return lossPs(edges, limit);
  }
  const [truth, most] = [limitInPsi(drift, scale), limitInPsi(limit, scale)];
  const bias = (bins - 1) * variance;
  const estimate = { distance: Math.sqrt(truth + bias), deviation: Math.sqrt(variance), bias };
  return { pFail: pBeyond(estimate, most), pPass: pWithin(estimate, most) };
}

/** Intervals until it is decided on the expected path, with answers that are independent of each other; Infinity when it never is. */
export function driftIntervals(plan: DriftPlan): number {
  const { drift, limit, devices, perInterval, beside, level } = plan;
  if (!(perInterval > 0) || drift === limit) return Number.POSITIVE_INFINITY;
  const needed = leastThat((intervals) => {
    const { pFail, pPass } = expectedPs(plan, (1 + 1 / beside) / (perInterval * intervals));
    return (drift < limit ? pPass : pFail) <= level;
  });
  return Math.max(needed, LEAST_INTERVALS, Math.ceil(LEAST_REPORTS / Math.max(1, devices)));
}
