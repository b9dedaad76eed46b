// Owns what becomes of groups of devices alone: those at fault stand apart, and people roll one back or let it rejoin.

import { groupsApart, isNameable, partsOfGroup } from '../contract/group-exception.ts';
import { isVariantProperty } from '../contract/manifest/choose-variant.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { OTHER_VALUES } from '../telemetry/groups.ts';
import type { Decision } from './decision.ts';
import {
  type Apartness,
  apartIn,
  exceptedStatus,
  exceptionsOf,
  MOST_APART,
  MOST_EXCEPTIONS,
  rejoinedStatus,
} from './exceptions.ts';
import { openingOf } from './next-status.ts';
import type { StepReason } from './reasons.ts';
import { askedBy, type PlacedRequest, type SortedRequests } from './requests.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { failedRules, failureOf } from './rule-failure.ts';
import type { Stage } from './stages-of-policy.ts';
import { answer, isRolling, labelOf, type RollingStatus, step } from './steps.ts';
import { presentStage, type Walk } from './walk.ts';

/** The groups in which a rule failed; null when it failed in ways that no group can be blamed for. */
function failedGroups({ groups = [] }: RuleVerdict): readonly string[] | null {
  const failed = groups.filter((group) => group.verdict === 'fail');
  const [bad, all] = [failed, groups].map((some) => some.reduce((sum, { devices }) => sum + devices, 0));
  // What more than half of the devices show is the model's fault.
  const isOfGroups = failed.length > 0 && 2 * (bad ?? 0) <= (all ?? 0);
  return isOfGroups ? failed.map(({ name }) => name) : null;
}

/**
 * The groups that a failed stage is to blame on, when the policy wants them apart: every failed rule is by group, and failed in groups that make
 * up at most half of the devices. Null when the whole stage is to go back or to stop: also on a first rollout, where groups have no version to go back to.
 */
function groupsAtFault({ facts, status, stage }: Walk, failed: readonly RuleVerdict[]): readonly string[] | null {
  if (stage.onGroupFailure === 'stage' || status.stable === null) return null;
  const found = failed.map(failedGroups);
  const groups = new Set<string>();
  for (const names of found) {
    if (names === null) return null;
    for (const name of names) groups.add(name);
  }
  // Devices of all other values have nothing in common that would name them, and the directive names groups by labels alone.
  const isNamed = [...groups].every((group) => {
    const { label, value } = partsOfGroup(group);
    return isNameable(group) && value !== OTHER_VALUES && !isVariantProperty(label);
  });
  const apart = new Set([...groups, ...apartIn(status).map(({ group }) => group)]);
  const all = new Set([...groups, ...exceptionsOf(status).map(({ group }) => group)]);
  const isFew = apart.size <= MOST_APART && all.size <= MOST_EXCEPTIONS && leavesHalf(facts, status, [...apart]);
  return groups.size > 0 && isNamed && isFew ? [...groups].sort() : null;
}

/** Does at least half of the target's known devices go on without these groups? */
function leavesHalf({ known }: RolloutFacts, { target }: RolloutStatus, apart: readonly string[]): boolean {
  return 2 * known.count(target, apart) >= known.count(target);
}

interface Exception extends Pick<Apartness, 'groups' | 'kind' | 'reason'> {
  readonly answered: readonly number[];
  /** Null when the policy in force can't be read. */
  readonly stage: Stage | null;
}

/**
 * The groups stand apart; the stage opens anew without them, as what was measured so far was measured with them, and takes in others in
 * their place. Of groups that stood apart already nothing was measured.
 */
function except(facts: RolloutFacts, status: RollingStatus, exception: Exception): Decision {
  const { groups, kind, reason, answered, stage } = exception;
  const to = labelOf(status);
  const apart = groupsApart(status.exceptions);
  const opens = groups.some((group) => !apart.includes(group));
  const { candidate } = status;
  const next = exceptedStatus(status, facts, { candidate, groups, kind, reason, stamp: { from: to, to, opens } });
  return step(facts, status, {
    kind: 'except',
    to,
    next: opens ? refilled(next, stage, facts) : next,
    opens,
    answered,
    reason,
    groups: { becomes: kind, names: groups },
  });
}

/** As many of the others as the stage wants. */
function refilled(next: RolloutStatus, stage: Stage | null, facts: RolloutFacts): RolloutStatus {
  if (stage === null) return next;
  const { target, candidate } = next;
  if (candidate === null) return next;
  const { cohort } = openingOf(stage, next, next.salt ?? '', facts, { target, digest: candidate.digest });
  return { ...next, cohort };
}

/** What a failed rule does when only groups are at fault; null when it is the whole stage's. */
export function decideGroupFailure(walk: Walk): Decision | null {
  const { facts, status, stage, requests } = walk;
  // A rule that itself says to stop the stage blames no group.
  const failed = failedRules(facts).filter(({ onFailure = 'rollback' }) => onFailure === 'rollback');
  const groups = groupsAtFault(walk, failed);
  if (groups === null) return null;
  const { action: _, ...reason } = failureOf(stage, failed);
  const kind = stage.onGroupFailure === 'hold' ? 'held' : 'rolled-back';
  return except(facts, status, { groups, kind, reason, answered: requests.ofStage, stage });
}

/** What was agreed to before a group went or came does not count after it. */
function answeredWith(asked: PlacedRequest, { approvals }: SortedRequests): readonly number[] {
  return [asked, ...approvals].map(({ index }) => index).sort((a, b) => a - b);
}

/** A person sends one group back alone. */
export function decideGroupBack(facts: RolloutFacts, status: RollingStatus, requests: SortedRequests): Decision | null {
  const { abortOfGroup: asked } = requests;
  const group = asked?.request.group;
  if (asked === null || group === undefined) return null;
  const [all, others] = [facts.known.count(status.target), facts.known.count(status.target, [group])];
  if (others === all || others === 0) {
    const problem = { kind: others === all ? 'group-empty' : 'group-is-all', group } as const;
    const reason: StepReason = { kind: 'requests-refused', requests: [{ act: 'abort', problem }] };
    return answer(facts, status, { reason, answered: [asked.index] });
  }
  const reason = { kind: 'aborted', ...askedBy(asked) } as const;
  const answered = answeredWith(asked, requests);
  return except(facts, status, {
    ...{ groups: [group], kind: 'rolled-back', reason, answered },
    stage: presentStage(facts, status),
  });
}

/**
 * A person lets a group rejoin: while a candidate rolls the stage opens anew with it, else it takes what is stable. Not
 * while the rollout is suspended.
 */
export function decideRejoin(facts: RolloutFacts, status: RolloutStatus, requests: SortedRequests): Decision | null {
  const { promoteOfGroup: asked } = requests;
  const group = asked?.request.group;
  if (asked === null || group === undefined || facts.spec.suspend === true) return null;
  const next = rejoinedStatus(status, group);
  const reason: StepReason = { kind: 'group-rejoined', group, ...askedBy(asked) };
  if (!isRolling(status)) return answer(facts, status, { reason, answered: [asked.index] }, next);
  const answered = answeredWith(asked, requests);
  const groups = { becomes: 'rejoined', names: [group] } as const;
  return step(facts, status, { kind: 'except', to: labelOf(status), next, answered, reason, groups });
}
