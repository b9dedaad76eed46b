// Owns the directive: what the whole fleet should run now, and what it says to one device.
import type { BoundLabels } from './bound-labels.ts';
import type { Digest, JsonValue } from './digest.ts';
import { type ExceptedGroup, isOfGroup, standsApart } from './group-exception.ts';
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

/** A group of devices that does not go along with the others. */
export interface GroupException extends ExceptedGroup {
  /** Of a held group, the cohort of the stage in which it was held; else null. */
  readonly cohort: Cohort | null;
  /** What the group runs in place of the entry's stable; null when it runs that one. */
  readonly stable: Stable | null;
}

/** The reconciler's own signature on an entry. */
export interface StepSignature {
  /** Names the reconciler's key, as the trust policy's `reconciler` has it. */
  readonly keyId: string;
  /** P-256, SHA-256, DER in base64. */
  readonly sig: string;
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
  /** Groups of devices that do not go along with the others; absent when all do. */
  readonly exceptions?: readonly GroupException[];
  /** Downloads are spread over this time. */
  readonly spreadMs: number;
  /** An emergency rollback, published before its commit: everyone runs stable, whatever the cohort. */
  readonly emergency: boolean;
  /** The reconciler's own signature on all of the above; absent only before it is signed. */
  readonly stepSignature?: StepSignature;
}

/** One signed statement for the whole fleet; entries sorted by rollout, so that equal content has equal bytes. */
export interface Directive {
  readonly kind: 'Directive';
  readonly entries: readonly DirectiveEntry[];
  /** Labels that the fleet documents give to devices; absent when they give none. */
  readonly bound?: readonly BoundLabels[];
  /** The reconciler's own signature on `bound`; absent only before it is signed. */
  readonly boundSignature?: StepSignature;
  /** The agent that devices should have at least, as the repository declares it; absent when it declares none. */
  readonly agentVersion?: string;
}

export const DIRECTIVE_TARGET = 'directive.json';
/** Highest revision, and attempt: the same in statuses, directives and reports, so that no door takes what the next one refuses. */
export const MOST_REVISION = 1_000_000_000;

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
  /** Several entries claim the model on this device: it goes on with the one that it follows, and reports the conflict. */
  | {
      readonly kind: 'conflict';
      readonly model: string;
      readonly rollouts: readonly string[];
      readonly claims: readonly Claim[];
    };

/** What one entry says. */
export type Claim = Exclude<Assignment, { kind: 'conflict' }>;

function matches(selector: string, facts: DeviceFacts): boolean {
  return matchesSelector(parseSelector(selector), facts);
}

function isIn(cohort: Cohort, { salt }: DirectiveEntry, facts: DeviceFacts): boolean {
  const matchesSelect = (selector: string): boolean => matches(selector, facts);
  return isInCohort({ cohort, salt, deviceId: facts.id, matchesSelect });
}

function exceptionsFor({ exceptions = [] }: DirectiveEntry, { labels }: DeviceFacts): readonly GroupException[] {
  return exceptions.filter(({ group }) => isOfGroup(group, labels));
}

/** Rollouts whose candidate a device runs: their entries are for it whatever its facts became since, until it is back. */
export type OnTrial = ReadonlySet<string>;

const NONE_ON_TRIAL: OnTrial = new Set();

function isFor(entry: DirectiveEntry, facts: DeviceFacts, onTrial: OnTrial): boolean {
  return matches(entry.target, facts) || onTrial.has(entry.rollout);
}

/** Does the entry's candidate go to this device? A device of several groups gets it only if all of them do. */
export function isOnCandidate(entry: DirectiveEntry, facts: DeviceFacts, onTrial = NONE_ON_TRIAL): boolean {
  if (entry.candidate === null || entry.emergency || !isFor(entry, facts, onTrial)) return false;
  if (!isIn(entry.cohort, entry, facts)) return false;
  const apart = exceptionsFor(entry, facts).filter(standsApart);
  return apart.every(({ cohort }) => cohort !== null && isIn(cohort, entry, facts));
}

/** What the device runs while it is not on the candidate; the first of its groups that is behind decides where it is in several. */
export function stableFor(entry: DirectiveEntry, facts: DeviceFacts): Stable | null {
  const behind = exceptionsFor(entry, facts).find(({ stable }) => stable !== null);
  return behind?.stable ?? entry.stable;
}

/** What one entry says to the device, whatever others say; undefined when it is not for the device. */
export function assignmentOf(entry: DirectiveEntry, facts: DeviceFacts, onTrial = NONE_ON_TRIAL): Claim | undefined {
  const { model, candidate, rollout } = entry;
  if (candidate !== null && isOnCandidate(entry, facts, onTrial)) {
    return { kind: 'run', model, entry, arm: 'candidate', choice: candidate, attempt: candidate.attempt };
  }
  const stable = stableFor(entry, facts);
  if (stable !== null && (matches(stable.target, facts) || (onTrial.has(rollout) && !matches(entry.target, facts)))) {
    return { kind: 'run', model, entry, arm: 'stable', choice: stable, attempt: 0 };
  }
  return isFor(entry, facts, onTrial) ? { kind: 'none', model, entry } : undefined;
}

/** All versions that an entry may ask a device to run. */
export function choicesOf({ candidate, stable, exceptions = [] }: DirectiveEntry): readonly ModelChoice[] {
  return [candidate, stable, ...exceptions.map((one) => one.stable)].filter((choice) => choice !== null);
}

/** What the directive says to the device, one assignment a model that any entry is for. */
export function assignmentsFor(directive: Directive, facts: DeviceFacts, onTrial = NONE_ON_TRIAL): Assignment[] {
  const byModel = new Map<string, Assignment>();
  for (const entry of directive.entries) {
    const assignment = assignmentOf(entry, facts, onTrial);
    if (assignment === undefined) continue;
    const other = byModel.get(entry.model);
    byModel.set(entry.model, other === undefined ? assignment : conflictOf(other, assignment));
  }
  return [...byModel.values()];
}

function conflictOf(other: Assignment, claim: Claim): Assignment {
  const claims = [...(other.kind === 'conflict' ? other.claims : [other]), claim];
  return { kind: 'conflict', model: claim.model, rollouts: claims.map(({ entry }) => entry.rollout), claims };
}

/**
 * What counts of several claims: that of the rollout that the device follows, so that it goes back when that one does; an entry that has
 * nothing for the device leaves it to the others. Undefined when it follows none of several.
 */
export function followedClaim(assignment: Assignment, follows: string | null): Claim | undefined {
  if (assignment.kind !== 'conflict') return assignment;
  const runs = assignment.claims.filter(({ kind }) => kind === 'run');
  if (runs.length === 1) return runs[0];
  const claims = runs.length === 0 ? assignment.claims : runs;
  return claims.find(({ entry }) => entry.rollout === follows);
}
