// Owns whether an earlier failure keeps a version from being tried again.
import { BAR_MS, type Failure, type Goal, type ModelRecord } from '../record/model-record.ts';
import type { Circumstances } from './update-step.ts';

/**
 * The failure that still blocks the goal. A higher attempt is the permit to try again; stable can always be tried again after a while, for
 * the rest of the fleet runs it.
 */
export function findBlockingFailure(record: ModelRecord, goal: Goal, now: Circumstances): Failure | undefined {
  return record.failures.find((failure) => {
    if (failure.digest !== goal.digest || goal.attempt > failure.attempt) return false;
    const isLapsing = goal.arm === 'stable' && failure.expiry.kind !== 'backing';
    if (isLapsing && !isWithin(failure.atMs + BAR_MS, now)) return false;
    return !hasExpired(failure, goal, now);
  });
}

/** Before its end; an end further away than any bar was set by a clock that was ahead. */
function isWithin(untilMs: number, { nowMs }: Circumstances): boolean {
  return nowMs < untilMs && untilMs - nowMs <= BAR_MS;
}

function hasExpired({ expiry }: Failure, goal: Goal, now: Circumstances): boolean {
  switch (expiry.kind) {
    case 'circumstances':
      return expiry.were !== now.fingerprint;
    case 'time':
      return !isWithin(expiry.untilMs, now);
    case 'space':
      return now.freeBytes >= expiry.needBytes;
    case 'backing':
      return goal.backing !== 'unsigned' || expiry.were !== now.fingerprint;
    // Also what a newer agent wrote and this one does not know: it failed, that much is certain.
    default:
      return false;
  }
}
