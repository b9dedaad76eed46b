// Owns where a walk stands: its candidate, its stages under the policy in force, and what people ask of it.
import type { RolloutStatus } from '../documents/types.generated.ts';
import { holdsBack, stageOf } from './held-back.ts';
import type { SortedRequests } from './requests.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { type Stage, stagesOf, withoutHoldBack } from './stages-of-policy.ts';
import type { RollingStatus } from './steps.ts';

export interface Walk {
  readonly facts: RolloutFacts;
  readonly status: RollingStatus;
  readonly requests: SortedRequests;
  readonly stage: Stage;
  /** The stage after; null in the last. */
  readonly following: Stage | null;
  /** Does no stage after it take in others than those held back? */
  readonly isLast: boolean;
}

function placeOf(
  { policyInForce }: RolloutFacts,
  status: RolloutStatus,
): Pick<Walk, 'stage' | 'following' | 'isLast'> | null {
  const stages = policyInForce === null ? [] : stagesOf(policyInForce);
  const stage = stageOf(stages, status);
  if (stage === undefined) return null;
  const next = stages[stages.findIndex(({ name }) => name === stage.name) + 1];
  const isLast = next === undefined || next.isRest;
  if (next === undefined || (next.isRest && !holdsBack(stage, status))) return { stage, following: null, isLast };
  return { stage, following: status.stable === null ? withoutHoldBack(next) : next, isLast };
}

/** The present stage; null when nothing rolls, and when the policy in force can't be read. */
export function presentStage(facts: RolloutFacts, status: RolloutStatus): Stage | null {
  return status.candidate === null ? null : (placeOf(facts, status)?.stage ?? null);
}

/** Null when the policy in force can't be read, or has no such stage. */
export function walkOf(facts: RolloutFacts, status: RollingStatus, requests: SortedRequests): Walk | null {
  const place = placeOf(facts, status);
  return place === null ? null : { facts, status, requests, ...place };
}
