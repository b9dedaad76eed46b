// Owns when the labels that a device states may change: never while that would take it out of the count of what it runs.
import type { Digest } from './digest.ts';
import { assignmentOf, type DirectiveEntry } from './directive.ts';
import type { DeviceFacts } from './selector.ts';

/** A model that runs on the device, and the rollout that brought it. */
export interface Followed {
  /** The rollout's newest entry. */
  readonly entry: DirectiveEntry;
  readonly running: Digest;
  /** The version that the device can't take, if there is one. */
  readonly failed: Digest | null;
}

/**
 * Do the labels stay as they are for now? A device that runs a candidate keeps those under which it got it, and one that has yet to go
 * back keeps them until it is back: a changed label never lets a version escape. Device and service ask the same.
 */
export function mustKeepLabels(facts: DeviceFacts, followed: readonly Followed[]): boolean {
  return followed.some(({ entry, running, failed }) => {
    const given = assignmentOf(entry, facts);
    if (given === undefined) return false;
    if (given.kind === 'none') return true;
    if (given.choice.digest === running) return given.arm === 'candidate';
    return given.choice.digest !== failed;
  });
}
