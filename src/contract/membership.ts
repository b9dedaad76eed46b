// Owns who is in a cohort: the same arithmetic on server and device, so that one directive serves the whole fleet.
import { createHash } from 'node:crypto';

/** Buckets are whole numbers in [0, 2^48). */
export const BUCKETS = 2 ** 48;

/** The devices of a target that are in the present stage. */
export interface Cohort {
  /** Devices whose bucket is below this are in; 0 for none by hash, `BUCKETS` for all. */
  readonly cut: number;
  /** A selector whose devices are in besides, or null. */
  readonly select: string | null;
  /** Salted hashes (24 hexadecimal digits, 96 bits) of devices listed one by one. */
  readonly devices: readonly string[];
}

/**
 * Ties a device's place in the order to one attempt of one candidate, so that no device is always first. The nonce is drawn as the attempt
 * starts: who could compute the order beforehand could enrol a device with an id that is in every canary.
 */
export function saltOf(rollout: string, candidateDigest: string, attempt: number, nonce: string): string {
  return [rollout, candidateDigest, attempt, nonce].join('\n');
}

/** The first 48 bits of sha256(salt ‖ id); a newline stands between, which neither holds at that place. */
export function bucketOf(salt: string, deviceId: string): number {
  return createHash('sha256').update(`${salt}\n${deviceId}`).digest().readUIntBE(0, 6);
}

/** How a device that is listed one by one stands in a directive: 96 bits that tell nothing without the salt and the id. */
export function listedHash(salt: string, deviceId: string): string {
  return createHash('sha256').update(`listed\n${salt}\n${deviceId}`).digest('hex').slice(0, 24);
}

export interface MembershipQuestion {
  readonly cohort: Cohort;
  readonly salt: string;
  readonly deviceId: string;
  /** Does `cohort.select` match the device? Asked only when it is not null. */
  readonly matchesSelect: (selector: string) => boolean;
}

/** Is a device, known to match the target, in the cohort? */
export function isInCohort({ cohort, salt, deviceId, matchesSelect }: MembershipQuestion): boolean {
  if (cohort.cut >= BUCKETS) return true;
  if (cohort.cut > 0 && bucketOf(salt, deviceId) < cohort.cut) return true;
  if (cohort.devices.length > 0 && cohort.devices.includes(listedHash(salt, deviceId))) return true;
  return cohort.select !== null && matchesSelect(cohort.select);
}

/**
 * The cut below which exactly `wanted` of these devices fall (all of them, and everyone who joins later, when `wanted` covers the list).
 * Never below `atLeast`, the cut of the stage before: membership only grows within an attempt.
 */
export function chooseCut(deviceIds: readonly string[], salt: string, wanted: number, atLeast = 0): number {
  if (wanted >= deviceIds.length) return BUCKETS;
  if (wanted <= 0) return atLeast;
  const buckets = Float64Array.from(deviceIds, (id) => bucketOf(salt, id)).sort();
  const first = buckets[wanted - 1] ?? 0;
  return Math.max(atLeast, first + 1);
}

/** The lowest cut that takes in all of these devices; of those that join later, only their fair share. */
export function coveringCut(deviceIds: readonly string[], salt: string, atLeast = 0): number {
  return deviceIds.reduce((cut, id) => Math.max(cut, bucketOf(salt, id) + 1), atLeast);
}
