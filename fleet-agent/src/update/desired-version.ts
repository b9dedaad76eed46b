// Owns what a directive means here: stale entries are passed over, every model gets its wish, conflicts are named.
import { createHash } from 'node:crypto';
import type { Logger } from '../../../src/base/logger.ts';
import {
  type Assignment,
  assignmentsFor,
  type Directive,
  type DirectiveEntry,
  type ModelChoice,
  stableFor,
} from '../../../src/contract/directive.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../../../src/contract/selector.ts';
import { isSafeModelName } from '../record/device-folder.ts';
import type { DeviceMemory } from '../record/device-memory.ts';
import type { Goal } from '../record/model-record.ts';
import type { Wish } from './model-updater.ts';

export type Taken =
  | { readonly kind: 'wish'; readonly model: string; readonly wish: Wish }
  | {
      readonly kind: 'conflict';
      readonly model: string;
      readonly rollouts: readonly string[];
      readonly entry: DirectiveEntry;
    };

/** Takes an accepted directive; afterwards the revisions of what is for this device are the least that count. */
export async function takeDirective(
  directive: Directive,
  facts: DeviceFacts,
  { memory, logger }: { readonly memory: DeviceMemory; readonly logger: Logger },
): Promise<Taken[]> {
  const entries = directive.entries.filter((entry) => isUsable(entry, facts, memory, logger));
  const assignments = assignmentsFor({ kind: 'Directive', entries }, facts);
  const mine = new Set(assignments.flatMap((one) => (one.kind === 'conflict' ? one.rollouts : [one.entry.rollout])));
  await memory.accept(entries.filter(({ rollout }) => mine.has(rollout)));
  return assignments.map((assignment) => toTaken(assignment, entries, facts));
}

function isUsable(entry: DirectiveEntry, facts: DeviceFacts, memory: DeviceMemory, logger: Logger): boolean {
  const { rollout, revision, model } = entry;
  const known = memory.revisionOf(rollout);
  if (revision < known) {
    logger.warn('directive entry is older than the one accepted, ignored', { rollout, revision, known });
    return false;
  }
  if (!isSafeModelName(model)) {
    logger.warn('directive entry names a model that no folder can have, ignored', { rollout });
    return false;
  }
  try {
    assignmentsFor({ kind: 'Directive', entries: [entry] }, facts);
    return true;
  } catch (error) {
    logger.warn('directive entry has a selector that this agent does not understand, ignored', { rollout, error });
    return false;
  }
}

function toTaken(assignment: Assignment, entries: readonly DirectiveEntry[], facts: DeviceFacts): Taken {
  const { model } = assignment;
  if (assignment.kind === 'conflict') {
    const entry = entries.find(({ rollout }) => rollout === assignment.rollouts[0]) ?? entries[0];
    return { kind: 'conflict', model, rollouts: assignment.rollouts, entry: entry as DirectiveEntry };
  }
  const { entry } = assignment;
  if (assignment.kind === 'none') {
    return { kind: 'wish', model, wish: { kind: 'none', rollout: entry.rollout } };
  }
  const goal = goalOf(entry, assignment.choice, assignment.arm, assignment.attempt);
  const stable = stableFor(entry, facts);
  const mayTakeStable =
    assignment.arm === 'candidate' && stable !== null && matchesSelector(parseSelector(stable.target), facts);
  const stableFirst = mayTakeStable ? goalOf(entry, stable, 'stable', 0) : null;
  const spreadWaitMs = spreadShare(entry.salt, facts.id) * entry.spreadMs;
  return {
    kind: 'wish',
    model,
    wish: { kind: 'run', goal, stableFirst, spreadWaitMs, parameters: assignment.choice.parameters },
  };
}

function goalOf(entry: DirectiveEntry, choice: ModelChoice, arm: Goal['arm'], attempt: number): Goal {
  const { rollout, revision } = entry;
  return { rollout, revision, arm, digest: choice.digest, version: choice.version, attempt };
}

/** Where in the spread of downloads this device stands, 0..1: the same every time, and unlike its place in the cohort. */
export function spreadShare(salt: string, deviceId: string): number {
  return createHash('sha256').update(`spread\n${salt}\n${deviceId}`).digest().readUIntBE(0, 6) / 2 ** 48;
}
