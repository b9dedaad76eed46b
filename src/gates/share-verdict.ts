// Owns rules over the share of the stage's own devices: arithmetic, no sampling, because the stage is the whole.
import type { Verdict } from './rate-verdict.ts';

export interface DeviceCounts {
  readonly bad: number;
  readonly good: number;
  /** Not known yet: may still turn out either way. */
  readonly pending: number;
}

export interface ShareReading {
  readonly verdict: Verdict;
  /** Bad devices of all, pending ones included; null without devices. */
  readonly estimate: number | null;
  readonly isWithin: boolean;
  readonly reason: string;
}

/** Is the share of bad devices below `limit` (0..1)? Decided as soon as the pending devices can't change the answer. */
export function shareVerdict({ bad, good, pending }: DeviceCounts, limit: number): ShareReading {
  const total = bad + good + pending;
  if (total === 0) return { verdict: 'undecided', estimate: null, isWithin: false, reason: 'no devices' };
  const isFail = bad >= limit * total && bad > 0;
  const isPass = bad + pending < limit * total || (pending === 0 && bad === 0);
  return {
    verdict: isFail ? 'fail' : isPass ? 'pass' : 'undecided',
    estimate: bad / total,
    isWithin: bad < limit * total || bad === 0,
    reason: limit * total < 1 ? 'one bad device already breaches this share' : '',
  };
}
