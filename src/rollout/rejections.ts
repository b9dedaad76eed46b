// Owns which versions a status rejects: a digest, or no more than the parameters that a stable version was tried with.
import { canonicalJson, type Digest } from '../contract/digest.ts';
import type { Parameters } from '../contract/directive.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';

export type Rejected = RolloutStatus['rejected'][number];

/** A version as it is to run. */
export interface ParametrisedVersion {
  readonly digest: Digest;
  readonly parameters: Parameters;
}

export function sameParameters(one: Parameters, other: Parameters): boolean {
  return canonicalJson(one) === canonicalJson(other);
}

export function isSameVersion(one: ParametrisedVersion, other: ParametrisedVersion): boolean {
  return one.digest === other.digest && sameParameters(one.parameters, other.parameters);
}

/** Is the entry about this version with these parameters? */
export function rejects(entry: Rejected, { digest, parameters }: ParametrisedVersion): boolean {
  const { parameters: failed } = entry;
  return entry.digest === digest && (failed === undefined || sameParameters(failed, parameters));
}

/** The entry that keeps this version from starting; undefined when none does. */
export function findRejection({ rejected }: RolloutStatus, version: ParametrisedVersion): Rejected | undefined {
  return rejected.find((entry) => rejects(entry, version));
}
