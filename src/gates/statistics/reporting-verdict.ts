// Owns the rule over devices that fall silent: does the candidate keep as many of its devices heard as stable does?
import { pFail } from './e-process.ts';
import type { Verdict } from './rate-verdict.ts';
import { designEffect, LEAST_CLUSTERS, type Tally } from './tally.ts';

/** How the devices of an arm are heard. */
export interface HeardArm {
  /** Devices that began to take the version; of stable, those heard of when the stage opened. */
  readonly taken: number;
  /** Of these, not heard of at present. */
  readonly silent: number;
  /** Of these, they took the version less than the silence span ago: they could not have fallen silent yet. */
  readonly young: number;
  /** One cluster an interval: devices that were never silent so far, and those that fell silent in it for the first time. */
  readonly falls: Tally;
}

export interface ReportingReading {
  readonly verdict: Verdict;
  /** The part of the candidate's devices that is heard over that of stable's; null where nothing is. */
  readonly estimate: number | null;
  readonly isWithin: boolean;
  readonly pFail: number;
  /** `fewer-report`: fewer than should, which chance or one outage may explain. `young`: some took the version too lately. */
  readonly reason: 'no-data' | 'no-baseline' | 'fewer-report' | 'young' | null;
}

/** Shares of whole devices are compared with this slack. */
const SLACK = 1e-9;

/** p-value of "the candidate's devices fall silent no more often than stable's". */
function pSilenced(candidate: Tally, baseline: Tally): number {
  const fallen = candidate.bad + baseline.bad;
  if (candidate.reports < LEAST_CLUSTERS || baseline.reports < LEAST_CLUSTERS || !(fallen > 0)) return 1;
  const share = candidate.bad / fallen;
  const effect = Math.max(1, designEffect(candidate) * (1 - share) + designEffect(baseline) * share);
  const expected = candidate.trials / (candidate.trials + baseline.trials);
  return pFail(candidate.bad / effect, fallen / effect, expected);
}

/**
 * Are at least `share` (0..1) of as many of the candidate's devices heard as of stable's? It fails when they are not at present, and
 * chance as on stable does not explain that so many fell silent: first falls count once, so the comparison is a log-rank test
 * (Grünwald, Ly, Pérez-Ortiz, ter Schure 2021).
 */
export function reportingVerdict(
  candidate: HeardArm,
  baseline: HeardArm | null,
  share: number,
  { alpha = 0.05 }: { readonly alpha?: number } = {},
): ReportingReading {
  const open = { verdict: 'undecided', estimate: null, isWithin: false, pFail: 1 } as const;
  if (!(candidate.taken > 0)) return { ...open, reason: 'no-data' };
  if (baseline === null || !(baseline.taken > 0)) return { ...open, reason: 'no-baseline' };
  const heard = 1 - baseline.silent / baseline.taken;
  const least = (share * heard - SLACK) * candidate.taken;
  const on = candidate.taken - candidate.silent;
  const isWithin = on >= least;
  const p = pSilenced(candidate.falls, baseline.falls);
  const reading = { estimate: heard > 0 ? on / candidate.taken / heard : null, isWithin, pFail: p };
  if (!isWithin && p <= alpha) return { ...reading, verdict: 'fail', reason: null };
  if (on - candidate.young >= least) return { ...reading, verdict: 'pass', reason: null };
  return { ...reading, verdict: 'undecided', reason: isWithin ? 'young' : 'fewer-report' };
}
