// Owns whether an earlier failure keeps a version from being tried again.
import type { Failure, Goal, ModelRecord } from '../record/model-record.ts';
import type { Circumstances } from './update-step.ts';

/** Is the goal barred by a failure that still counts? A higher attempt is the permit to try again. */
export function findBar(record: ModelRecord, goal: Goal, now: Circumstances): Failure | undefined {
  return record.failures.find(
    (failure) => failure.digest === goal.digest && goal.attempt <= failure.attempt && !hasLapsed(failure, now),
  );
}

function hasLapsed({ lapse }: Failure, now: Circumstances): boolean {
  switch (lapse.kind) {
    case 'never':
      return false;
    case 'circumstances':
      return lapse.were !== now.fingerprint;
    case 'time':
      return now.nowMs >= lapse.untilMs;
    case 'space':
      return now.freeBytes >= lapse.needBytes;
  }
}
