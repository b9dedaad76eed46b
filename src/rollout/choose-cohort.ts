// Owns whom a stage takes in: as many of the known devices as the policy wants, and of those that join later no more than their share.
import { BUCKETS, bucketOf, type Cohort, chooseCut, coveringCut, listedHash } from '../contract/membership.ts';
import { isOfAll, type Stage, wantedDevices } from './stages-of-policy.ts';

/** More are not listed one by one: a cut through so many devices is near its share of any fleet. */
const MOST_LISTED = 64;

/** The cut that takes the stage's share of all devices there will ever be; a fixed number of devices has no such share. */
function fairCut({ size }: Stage, wanted: number): number {
  if (size?.kind === 'share') return Math.floor(size.share * BUCKETS);
  return wanted <= MOST_LISTED ? 0 : BUCKETS;
}

/**
 * The cohort of a stage: grown from the one before, never shrunk. The known devices with the lowest buckets are in, exactly as many as are
 * wanted. Where few are known, a cut through them could take in most of those that join later: what lies beyond the stage's share is
 * listed device by device. Only a stage of the whole target that holds nobody back takes in everyone who joins; who is held back lies beyond
 * the cut.
 */
export function cohortOf(stage: Stage, before: Cohort, salt: string, deviceIds: readonly string[]): Cohort {
  const select = stage.select ?? before.select;
  const { devices } = before;
  const wanted = wantedDevices(stage, deviceIds.length);
  if (before.cut >= BUCKETS || (isOfAll(stage) && wanted === deviceIds.length))
    return { cut: BUCKETS, select, devices };
  if (wanted === 0) return { cut: before.cut, select, devices };
  const exact =
    wanted < deviceIds.length
      ? chooseCut(deviceIds, salt, wanted, before.cut)
      : coveringCut(deviceIds, salt, before.cut);
  const fair = Math.max(before.cut, fairCut(stage, wanted));
  const beyond = deviceIds.filter((id) => {
    const bucket = bucketOf(salt, id);
    return bucket >= fair && bucket < exact;
  });
  if (exact <= fair || beyond.length > MOST_LISTED) return { cut: exact, select, devices };
  const listed = beyond.map((id) => listedHash(salt, id)).sort();
  return { cut: fair, select, devices: [...new Set([...devices, ...listed])] };
}
