// Owns what becomes of groups of devices alone: those at fault stand apart, and people send one back or let it go along.

import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { partsOfGroup } from '../contract/group-exception.ts';
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
import { inWords, type PlacedRequest } from './requests.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { answer, isRolling, labelOf, type RollingStatus, step } from './steps.ts';
import type { Walk } from './walk.ts';

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
 * up at most half of the devices. Null when the whole stage is to go back: also on a first rollout, where groups have no version to go back to.
 */
function groupsAtFault({ facts, status, stage }: Walk): readonly string[] | null {
  if (stage.onGroupFailure === 'stage' || status.stable === null) return null;
  const failed = (facts.verdict?.rules ?? []).filter((rule) => rule.verdict === 'fail' && !rule.dryRun);
  const found = failed.map(failedGroups);
  const groups = new Set<string>();
  for (const names of found) {
    if (names === null) return null;
    for (const name of names) groups.add(name);
  }
  // Devices of all other values have nothing in common that would name them.
  const isNamed = [...groups].every((group) => partsOfGroup(group).value !== OTHER_VALUES);
  const isFew = groups.size + apartIn(status).length <= MOST_APART;
  const hasRoom = new Set([...groups, ...exceptionsOf(status).map(({ group }) => group)]).size <= MOST_EXCEPTIONS;
  return groups.size > 0 && isNamed && isFew && hasRoom ? [...groups].sort() : null;
}

interface Exception extends Pick<Apartness, 'groups' | 'kind' | 'reason'> {
  readonly answered: readonly number[];
}

/** The groups stand apart; the stage opens anew without them, as what was measured so far was measured with them. */
function except(facts: RolloutFacts, status: RollingStatus, { groups, kind, reason, answered }: Exception): Decision {
  const to = labelOf(status);
  const next = exceptedStatus(status, facts, { groups, kind, reason, stamp: { from: to, to, opens: true } });
  return step(facts, status, { kind: 'except', to, next, answered, reason, groups: { becomes: kind, names: groups } });
}

/** What a failed rule does when only groups are at fault; null when it is the whole stage's. */
export function decideGroupFailure(walk: Walk, reason: string): Decision | null {
  const { facts, status, stage, requests } = walk;
  const groups = groupsAtFault(walk);
  if (groups === null) return null;
  const kind = stage.onGroupFailure === 'hold' ? 'held' : 'rolled-back';
  return except(facts, status, { groups, kind, reason, answered: requests.ofStage });
}

/** A person sends one group back alone. */
export function decideGroupBack(
  facts: RolloutFacts,
  status: RollingStatus,
  asked: PlacedRequest | null,
): Decision | null {
  const group = asked?.request.group;
  if (asked?.request.act !== 'abort' || group === undefined) return null;
  const answered = [asked.index];
  const isEmpty = facts.matching(status.target, [group]).length === facts.matching(status.target).length;
  if (isEmpty) {
    return answer(facts, status, { reason: `answered with no: abort: no known device is in ${group}`, answered });
  }
  const reason = `${group} goes back alone${inWords(asked)}`;
  return except(facts, status, { groups: [group], kind: 'rolled-back', reason, answered });
}

/**
 * A person lets a group go along again: while a candidate rolls the stage opens anew with it, at rest it takes what is stable. Not
 * while the rollout is suspended. */
export function decideGroupAlong(
  facts: RolloutFacts,
  status: RolloutStatus,
  asked: PlacedRequest | null,
): Decision | null {
  const group = asked?.request.group;
  if (asked?.request.act !== 'promote' || group === undefined || facts.spec.suspend === true) return null;
  const next = rejoinedStatus(status, group);
  const draft = { reason: `${group} goes along again${inWords(asked)}`, answered: [asked.index] };
  if (!isRolling(status)) return answer(facts, status, draft, next);
  const groups = { becomes: 'rejoined', names: [group] } as const;
  return step(facts, status, { ...draft, kind: 'except', to: labelOf(status), next, groups });
}
