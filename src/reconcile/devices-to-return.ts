// Owns which devices of a rollout that was taken back have not reported yet that they are back.

import type { RolloutStatus } from '../documents/types.generated.ts';
import type { KnownDevice } from '../rollout/count-cohort.ts';
import { exceptionsOf } from '../rollout/exceptions.ts';
import { lastRejection } from '../rollout/last-rejection.ts';

/** Devices that may still run, or be about to run, what was rolled back last; 0 when nothing was. */
export function devicesToReturn(rollout: string, status: RolloutStatus, devices: readonly KnownDevice[]): number {
  if (lastRejection(status) === null) return 0;
  const stable = [status.stable, ...exceptionsOf(status).map((one) => one.stable)].flatMap((one) => one?.digest ?? []);
  return devices.filter(({ models }) =>
    [...models.values()].some(({ rollout: follows, revision, running }) => {
      if (follows !== rollout) return false;
      const isBack = running === null || stable.includes(running.digest);
      return !isBack || (revision ?? 0) < status.revision;
    }),
  ).length;
}
