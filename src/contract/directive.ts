// Owns the directive: what the whole fleet should run now, and what it says to one device.
import type { Digest, JsonValue } from './digest.ts';
import { type Cohort, isInCohort } from './membership.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from './selector.ts';

export type Parameters = Readonly<Record<string, JsonValue>>;

/** One model version as a device should run it. */
export interface ModelChoice {
  readonly version: string;
  /** Digest of the manifest's bytes. */
  readonly digest: Digest;
  readonly parameters: Parameters;
}

export interface Candidate extends ModelChoice {
  /** A higher attempt than the one that failed lets a device try the digest again. */
  readonly attempt: number;
}

export interface Stable extends ModelChoice {
  /** The target under which it became stable: a widened target gives nobody the model before the stages did. */
  readonly target: string;
}

/** One rollout, as devices see it. */
export interface DirectiveEntry {
  readonly rollout: string;
  /** Devices ignore an entry below the last revision that they accepted for the rollout. */
  readonly revision: number;
  readonly model: string;
  /** Selector of the devices that this rollout is for. */
  readonly target: string;
  readonly stage: string | null;
  readonly cohort: Cohort;
  readonly salt: string;
  readonly candidate: Candidate | null;
  readonly stable: Stable | null;
  /** Downloads are spread over this time. */
  readonly spreadMs: number;
  /** Emergency stop, published before its commit: everyone runs stable, whatever the cohort. */
  readonly brake: boolean;
}

/** One signed statement for the whole fleet; entries sorted by rollout, so that equal content has equal bytes. */
export interface Directive {
  readonly kind: 'Directive';
  readonly entries: readonly DirectiveEntry[];
}

export const DIRECTIVE_TARGET = 'directive.json';

/** What a directive says to one device about one model. */
export type Assignment =
  | {
      readonly kind: 'run';
      readonly model: string;
      readonly entry: DirectiveEntry;
      readonly arm: 'candidate' | 'stable';
      readonly choice: ModelChoice;
      /** Attempt of the candidate; 0 for stable. */
      readonly attempt: number;
    }
  /** Nothing runs here yet: outside the cohort of a first rollout. */
  | { readonly kind: 'none'; readonly model: string; readonly entry: DirectiveEntry }
  /** Two entries claim the model on this device: it changes nothing and reports the conflict. */
  | { readonly kind: 'conflict'; readonly model: string; readonly rollouts: readonly string[] };

function matches(selector: string, facts: DeviceFacts): boolean {
  return matchesSelector(parseSelector(selector), facts);
}

/** Does the entry's candidate go to this device? */
export function isOnCandidate(entry: DirectiveEntry, facts: DeviceFacts): boolean {
  if (entry.candidate === null || entry.brake || !matches(entry.target, facts)) return false;
  return isInCohort({
    cohort: entry.cohort,
    salt: entry.salt,
    deviceId: facts.id,
    matchesSelect: (selector) => matches(selector, facts),
  });
}

/** What one entry says to the device; undefined when it is not for the device. */
function assignmentOf(entry: DirectiveEntry, facts: DeviceFacts): Assignment | undefined {
  const { model, candidate, stable } = entry;
  if (candidate !== null && isOnCandidate(entry, facts)) {
    return { kind: 'run', model, entry, arm: 'candidate', choice: candidate, attempt: candidate.attempt };
  }
  if (stable !== null && matches(stable.target, facts)) {
    return { kind: 'run', model, entry, arm: 'stable', choice: stable, attempt: 0 };
  }
  return matches(entry.target, facts) ? { kind: 'none', model, entry } : undefined;
}

/** What the directive says to the device, one assignment a model that any entry is for. */
export function assignmentsFor(directive: Directive, facts: DeviceFacts): Assignment[] {
  const byModel = new Map<string, Assignment>();
  for (const entry of directive.entries) {
    const assignment = assignmentOf(entry, facts);
    if (assignment === undefined) continue;
    const other = byModel.get(entry.model);
    byModel.set(entry.model, other === undefined ? assignment : conflictOf(other, entry));
  }
  return [...byModel.values()];
}

function conflictOf(other: Assignment, entry: DirectiveEntry): Assignment {
  const rollouts = other.kind === 'conflict' ? other.rollouts : [other.entry.rollout];
  return { kind: 'conflict', model: entry.model, rollouts: [...rollouts, entry.rollout] };
}
