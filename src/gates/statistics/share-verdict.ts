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

export interface ShareLimit {
  /** A share of the devices, 0..1. */
  readonly limit: number;
  /** A number of devices: where they are a higher share than `limit`, their share is the limit. */
  readonly floor?: number;
  /** The limit itself is still good. */
  readonly mayReach?: boolean;
}

/** The limit where there are so many devices. */
export function limitOf(total: number, { limit, floor = 0 }: ShareLimit): number {
  return total === 0 ? limit : Math.min(1, Math.max(limit, floor / total));
}

/** The most devices of so many that may be bad; a floor never bears that all are. */
export function mostBad(total: number, { limit, floor = 0, mayReach = false }: ShareLimit): number {
  const allowed = Math.max(limit * total, Math.min(floor, total - (mayReach ? 1 : 0)));
  return Math.max(0, mayReach ? Math.floor(allowed + SLACK) : Math.ceil(allowed - SLACK) - 1);
}

/** Is the share of bad devices below its limit? Decided as soon as the pending devices can't change the answer. */
export function shareVerdict(counts: DeviceCounts, asked: ShareLimit): ShareReading {
  const { bad, pending } = counts;
  const total = totalOf(counts);
  if (total === 0) return { verdict: 'undecided', estimate: null, isWithin: false, reason: 'no-devices' };
  const most = mostBad(total, asked);
  const isOver = (count: number): boolean => count > most;
  return {
    verdict: isOver(bad) ? 'fail' : isOver(bad + pending) ? 'undecided' : 'pass',
    estimate: bad / total,
    isWithin: !isOver(bad),
    reason: isOver(1) ? 'one-breaches' : null,
  };
}
