// Owns rules over the share of the stage's own devices: arithmetic, no sampling, because the stage is the whole.
import type { Verdict } from './rate-verdict.ts';

export interface DeviceCounts {
  readonly bad: number;
  readonly good: number;
  /** Not known yet: may still turn out either way. */
  readonly pending: number;
}

export function totalOf({ bad, good, pending }: DeviceCounts): number {
  return bad + good + pending;
}

/** `one-breaches`: one bad device breaches the share. */
export type ShareOpenReason = 'no-devices' | 'one-breaches';

export interface ShareReading {
  readonly verdict: Verdict;
  /** Bad devices of all, pending ones included; null without devices. */
  readonly estimate: number | null;
  readonly isWithin: boolean;
  readonly reason: ShareOpenReason | null;
}

/** Shares of whole devices are compared with this slack, so that 3 of 30 is 10% also in binary fractions. */
const SLACK = 1e-9;

/**
 * Is the share of bad devices below `limit` (0..1), or at most `limit` with `mayReach`? Decided as soon as the pending devices can't
 * change the answer.
 */
export function shareVerdict(counts: DeviceCounts, limit: number, mayReach = false): ShareReading {
  const { bad, pending } = counts;
  const total = totalOf(counts);
  if (total === 0) return { verdict: 'undecided', estimate: null, isWithin: false, reason: 'no-devices' };
  const allowed = limit * total;
  const isOver = (count: number): boolean =>
    count > 0 && (mayReach ? count > allowed + SLACK : count >= allowed - SLACK);
  return {
    verdict: isOver(bad) ? 'fail' : isOver(bad + pending) ? 'undecided' : 'pass',
    estimate: bad / total,
    isWithin: !isOver(bad),
    reason: isOver(1) ? 'one-breaches' : null,
  };
}
