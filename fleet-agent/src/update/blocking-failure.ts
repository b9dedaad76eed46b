// Owns whether an earlier failure keeps a version from being tried again.
import type { Failure, Goal, ModelRecord } from '../record/model-record.ts';
import type { Circumstances } from './update-step.ts';

/** The failure that still blocks the goal. A higher attempt is the permit to try again. */
export function findBlockingFailure(record: ModelRecord, goal: Goal, now: Circumstances): Failure | undefined {
  return record.failures.find(
    (failure) => failure.digest === goal.digest && goal.attempt <= failure.attempt && !hasExpired(failure, now),
  );
}

function hasExpired({ expiry }: Failure, now: Circumstances): boolean {
  switch (expiry.kind) {
    case 'never':
      return false;
    case 'circumstances':
      return expiry.were !== now.fingerprint;
    case 'time':
      return now.nowMs >= expiry.untilMs;
    case 'space':
      return now.freeBytes >= expiry.needBytes;
  }
}
