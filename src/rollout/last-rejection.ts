// Owns what is shown after a rollback: the version that was rolled back last, until another one starts.
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { StatusReason } from './reasons.ts';

export interface LastRejection {
  readonly version: string;
  readonly reason: StatusReason;
  /** RFC 3339. */
  readonly at: string;
}

/** The rejection that opened the present rest; null while something rolls, and when the rest was opened by anything else. */
export function lastRejection({ candidate, rejected, opened }: RolloutStatus): LastRejection | null {
  const [newest] = rejected;
  if (candidate !== null || newest === undefined) return null;
  // Evidence is named by the revision of its step.
  const isOfThisRest = newest.evidence.split('/').at(-1)?.startsWith(`${opened}-`) ?? false;
  return isOfThisRest ? { version: newest.version, reason: newest.reason, at: newest.at } : null;
}
