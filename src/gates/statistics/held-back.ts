// Owns comparisons with the few devices that keep stable while a last stage takes in everyone else.
import type { RateReading, Verdict } from './rate-verdict.ts';
import { type RelativeRateOptions, relativeRateVerdict } from './relative-rate-verdict.ts';
import { LEAST_CLUSTERS, type Tally } from './tally.ts';
import type { TallyRows } from './tally-rows.ts';

const SHARE = 0.02;
const LEAST = 10;
const MOST_SHARE = 0.1;

/** How many devices keep stable: 2%, at least 10, never more than a tenth of the fleet. */
export function heldBackCount(devices: number, share = SHARE): number {
  return Math.min(Math.floor(devices * MOST_SHARE), Math.max(LEAST, Math.ceil(share * devices)));
}

/** What the candidate's devices did under stable, and what those held back did. */
export interface OwnPasts {
  readonly candidate: Tally;
  readonly held: Tally;
}

export interface HeldBackReading extends RateReading {
  /** How many times as often as those held back the candidate's devices erred before anything rolled; at least 1. */
  readonly unequal: number;
  /** Proven against those held back as they are, and not against what chance left there. */
  readonly isLikeOwnPast?: boolean;
}

function pastRate({ bad, trials }: Tally): number {
  return (bad + 0.5) / trials;
}

/** Rule B against few devices, chosen by chance: a fail must also hold against the ratio times how much the two differed before. */
export function heldBackVerdict(
  devices: TallyRows,
  held: Tally | null,
  ratio: number,
  pasts: OwnPasts | null,
  options: RelativeRateOptions = {},
): HeldBackReading {
  const plain = relativeRateVerdict(devices, held, ratio, options);
  const isKnown = pasts !== null && Math.min(pasts.candidate.reports, pasts.held.reports) >= LEAST_CLUSTERS;
  if (plain.verdict !== 'fail' || !isKnown) return { ...plain, unequal: 1 };
  const unequal = Math.max(1, pastRate(pasts.candidate) / pastRate(pasts.held));
  const fair = relativeRateVerdict(devices, held, ratio * unequal, options);
  if (fair.verdict === 'fail') return { ...fair, unequal };
  const { pFail, pFailAll } = fair;
  return { ...plain, verdict: 'undecided', pFail, pFailAll, unequal, isLikeOwnPast: true };
}

/** Against a limit that was fixed earlier, with nobody on stable: it may pass, never fail. */
export function withoutFail(verdict: Verdict): Verdict {
  return verdict === 'fail' ? 'undecided' : verdict;
}
