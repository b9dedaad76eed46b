// Owns how statuses at HEAD become the directive: nothing else moves a device.
import type { Directive, DirectiveEntry } from '../contract/directive.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { standsApart } from '../contract/group-exception.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import { exceptionsOf } from './exceptions.ts';
import { isOtherOfSameRevision, type RolloutFacts } from './rollout-facts.ts';

export interface EntryFacts {
  readonly rollout: string;
  readonly model: string;
  readonly status: RolloutStatus;
  readonly policyInForce: RolloutPolicy | null;
}

/** As devices need them: reasons and evidence stay in Git. */
function directiveExceptions(status: RolloutStatus): Pick<DirectiveEntry, 'exceptions'> {
  const exceptions = exceptionsOf(status).map(({ group, kind, cohort, stable }) => ({ group, kind, cohort, stable }));
  return exceptions.length === 0 ? {} : { exceptions };
}

/** One rollout's entry, from its status alone (the policy in force is pinned by it). */
export function entryOf({ rollout, model, status, policyInForce }: EntryFacts): DirectiveEntry {
  const spread = policyInForce?.spec.spread;
  return {
    rollout,
    revision: status.revision,
    model: status.model ?? model,
    target: status.target,
    stage: status.stage,
    cohort: status.cohort,
    salt: status.salt ?? '',
    candidate: status.candidate,
    stable: status.stable,
    ...directiveExceptions(status),
    spreadMs: spread === undefined ? 0 : parseDurationMs(spread),
    emergency: false,
  };
}

/**
 * What HEAD says of a rollout, when it says it with authority. An entry changes only with a higher revision: devices that have accepted a
 * revision, and those that have not, must not get different content under the same number.
 */
function declaredEntry(facts: RolloutFacts, published: DirectiveEntry | undefined): DirectiveEntry | undefined {
  const { claim, seen } = facts;
  if (claim.kind !== 'authentic') return published;
  const { status } = claim;
  if (published !== undefined && status.revision <= published.revision) return published;
  const isBehind = status.revision < (seen?.revision ?? 0);
  const isTwice = isOtherOfSameRevision(status, seen);
  if (isBehind || isTwice) return published;
  return entryOf({ rollout: facts.name, model: facts.spec.model, status, policyInForce: facts.policyInForce });
}

export interface DirectiveSources {
  /** Rollouts that HEAD yields. */
  readonly readable: readonly RolloutFacts[];
  /** Rollouts whose file is there and can't be used: their published entry is carried over. */
  readonly broken: readonly string[];
  readonly published: Directive | null;
}

/** The directive of HEAD. An entry is dropped only when its rollout's file is gone. */
export function directiveOf({ readable, broken, published }: DirectiveSources): Directive {
  const before = new Map((published?.entries ?? []).map((entry) => [entry.rollout, entry]));
  const declared = readable.map((facts) => declaredEntry(facts, before.get(facts.name)));
  const carried = broken.map((rollout) => before.get(rollout));
  const entries = [...declared, ...carried].filter((entry) => entry !== undefined);
  return { kind: 'Directive', entries: entries.sort((a, b) => (a.rollout < b.rollout ? -1 : 1)) };
}

function apartIn(entry: DirectiveEntry): number {
  return (entry.exceptions ?? []).filter(standsApart).length;
}

/** Does it take a candidate away from devices that `published` gives it to? */
export function takesBackFrom(published: Directive | null, directive: Directive): boolean {
  const next = new Map(directive.entries.map((entry) => [entry.rollout, entry]));
  return (published?.entries ?? []).some((before) => {
    const entry = next.get(before.rollout);
    if (before.candidate === null || entry === undefined || entry.revision <= before.revision) return false;
    const isCompleted = entry.candidate === null && entry.stable?.digest === before.candidate.digest;
    return !isCompleted && (entry.candidate?.digest !== before.candidate.digest || apartIn(entry) > apartIn(before));
  });
}
