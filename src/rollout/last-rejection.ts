// Owns what is shown after a rollback: the version that was rolled back last, until another one starts.
import type { RolloutStatus } from '../documents/types.generated.ts';
import { changesOf, type ParameterChange } from './parameter-change.ts';
import type { StatusReason } from './reasons.ts';

export interface LastRejection {
  readonly version: string;
  readonly reason: StatusReason;
  /** What was tried beside, where only the parameters were rejected. */
  readonly parameters?: readonly ParameterChange[];
  /** RFC 3339. */
  readonly at: string;
}

/** The newest rejection since the present rest was opened; null while something rolls. */
export function lastRejection(status: RolloutStatus): LastRejection | null {
  const { candidate, rejected, opened } = status;
  const [newest] = rejected;
  if (candidate !== null || newest === undefined) return null;
  // Evidence is named by the revision of its step.
  const revision = Number.parseInt(newest.evidence.split('/').at(-1) ?? '', 10);
  if (!(revision >= opened)) return null;
  const { version, reason, at, parameters } = newest;
  return { version, reason, at, ...(parameters === undefined ? {} : changesOf(status, parameters)) };
}
