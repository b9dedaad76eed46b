// Owns what a directive wants on this device, model by model: which entries count, the version to run, and when its download may begin.
import { createHash } from 'node:crypto';
import { toIsoSeconds } from '../../../src/base/clock.ts';
import {
  assignmentOf,
  assignmentsFor,
  type Claim,
  type Directive,
  type DirectiveEntry,
  followedClaim,
  type ModelChoice,
  type OnTrial,
  type Parameters,
  stableFor,
} from '../../../src/contract/directive.ts';
import { MOST_MODELS, type Outcome } from '../../../src/contract/report.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../../../src/contract/selector.ts';
import type { Backing } from '../../../src/contract/step-signature.ts';
import { type Goal, isSafeModelName } from '../record/model-record.ts';

/** What the directive wants of one model. */
export type DesiredVersion =
  | {
      readonly kind: 'run';
      readonly goal: Goal;
      /** Taken first where nothing was proven yet. */
      readonly stableFirst: Goal | null;
      /** How long the download waits, so that a fleet does not download at one instant. */
      readonly spreadWaitMs: number;
      readonly parameters: Parameters;
      /** What the entry says of its stable, which the device goes back to by itself when a trial fails. */
      readonly stable: Pick<ModelChoice, 'digest' | 'parameters'> | null;
    }
  | { readonly kind: 'none'; readonly rollout: string };

export interface Conflict {
  readonly model: string;
  readonly rollouts: readonly string[];
  /** The rollout that the device goes on with; absent when it follows none of them, and nothing changes. */
  readonly follows?: string;
  /** The first entry that is not followed. */
  readonly entry: DirectiveEntry;
}

export interface DesiredVersions {
  readonly desired: ReadonlyMap<string, DesiredVersion>;
  /** Models that several entries claim here. */
  readonly conflicts: readonly Conflict[];
  /** Entries for this device: their revisions are the lowest that count from now on. */
  readonly accepted: readonly DirectiveEntry[];
  readonly ignored: readonly { readonly entry: DirectiveEntry; readonly why: string }[];
}

/**
 * The device's choice from a directive. `revisionOf` is the last revision accepted for a rollout, 0 before the first; `followedOf` the
 * rollout that a model's running version came by, null before the first; `backingOf` says whether the reconciler itself signed an entry; the candidates of
 * `onTrial` run here.
 */
export function chooseVersions(
  directive: Directive,
  facts: DeviceFacts,
  revisionOf: (rollout: string) => number,
  followedOf: (model: string) => string | null = () => null,
  backingOf: (entry: DirectiveEntry) => Backing = () => 'unchecked',
  onTrial?: OnTrial,
): DesiredVersions {
  const ignored: { entry: DirectiveEntry; why: string }[] = [];
  const entries = directive.entries.filter((entry) => {
    const why = whyIgnored(entry, facts, revisionOf(entry.rollout));
    if (why !== undefined) ignored.push({ entry, why });
    return why === undefined;
  });
  const accepted = entries.filter((entry) => isFor(entry, facts, onTrial));
  const desired = new Map<string, DesiredVersion>();
  const conflicts: Conflict[] = [];
  for (const assignment of assignmentsFor({ kind: 'Directive', entries: accepted }, facts, onTrial)) {
    const { model } = assignment;
    const claim = followedClaim(assignment, followedOf(model));
    if (claim !== undefined) desired.set(model, desiredOf(claim, facts, backingOf(claim.entry)));
    if (assignment.kind !== 'conflict') continue;
    const { rollouts, claims } = assignment;
    const entry = claims.map((one) => one.entry).find((one) => one !== claim?.entry);
    const followed = claim === undefined ? {} : { follows: claim.entry.rollout };
    if (entry !== undefined) conflicts.push({ model, rollouts, ...followed, entry });
  }
  return { desired, conflicts, accepted, ignored };
}

function whyIgnored(entry: DirectiveEntry, facts: DeviceFacts, known: number): string | undefined {
  if (entry.revision < known) return `its revision ${entry.revision} is below ${known}, which was accepted before`;
  if (!isSafeModelName(entry.model)) return 'its model has a name that no folder can have';
  try {
    isFor(entry, facts);
    return undefined;
  } catch (error) {
    return `this agent does not understand its selectors: ${error instanceof Error ? error.message : String(error)}`;
  }
}

function isFor(entry: DirectiveEntry, facts: DeviceFacts, onTrial?: OnTrial): boolean {
  return assignmentOf(entry, facts, onTrial) !== undefined;
}

function desiredOf(assignment: Claim, facts: DeviceFacts, backing: Backing): DesiredVersion {
  const { entry } = assignment;
  if (assignment.kind === 'none') return { kind: 'none', rollout: entry.rollout };
  const { choice, arm, attempt } = assignment;
  const stable = stableFor(entry, facts);
  const mayTakeStable = arm === 'candidate' && stable !== null && matchesSelector(parseSelector(stable.target), facts);
  return {
    kind: 'run',
    goal: { ...goalOf(entry, choice, arm, attempt), backing },
    stableFirst: mayTakeStable ? { ...goalOf(entry, stable, 'stable', 0), backing } : null,
    spreadWaitMs: spreadWaitMs(entry, facts.id),
    parameters: choice.parameters,
    stable: stable === null ? null : { digest: stable.digest, parameters: stable.parameters },
  };
}

function goalOf(entry: DirectiveEntry, choice: ModelChoice, arm: Goal['arm'], attempt: number): Omit<Goal, 'backing'> {
  const { rollout, revision } = entry;
  return { rollout, revision, arm, digest: choice.digest, version: choice.version, attempt };
}

/** Where in the spread of downloads this device stands: the same every time, and unlike its place in the cohort. */
export function spreadWaitMs({ salt, spreadMs }: Pick<DirectiveEntry, 'salt' | 'spreadMs'>, deviceId: string): number {
  if (spreadMs === 0) return 0;
  const share = createHash('sha256').update(`spread\n${salt}\n${deviceId}`).digest().readUIntBE(0, 6) / 2 ** 48;
  return share * spreadMs;
}

/** A version that the device does not take because it has no room for another model; `atMs` is the wall clock. */
export function noRoomOutcome(model: string, { rollout, revision, digest, attempt }: Goal, atMs: number): Outcome {
  const message = `This device has ${MOST_MODELS} models already, as many as it can report.`;
  return {
    ...{ model, rollout, revision, digest, attempt, kind: 'refused', reason: 'incompatible' },
    ...{ message, at: toIsoSeconds(atMs) },
  };
}

/** The conflict as the service hears of it; undefined where the entry names no version. `atMs` is the wall clock. */
export function conflictOutcome({ model, rollouts, follows, entry }: Conflict, atMs: number): Outcome | undefined {
  const choice = entry.candidate ?? entry.stable;
  if (choice === null) return undefined;
  const { rollout, revision } = entry;
  const what = follows === undefined ? 'Nothing changes here' : `It goes on with ${follows}`;
  const message = `Several rollouts target "${model}" on this device (${rollouts.join(', ')}). ${what}.`;
  return {
    ...{ model, rollout, revision, digest: choice.digest, attempt: entry.candidate?.attempt ?? 0 },
    ...{ kind: 'conflict', reason: null, message: message.slice(0, 500), at: toIsoSeconds(atMs) },
  };
}
