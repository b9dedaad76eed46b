// Owns what a policy asks of a stage, as numbers that are shown and kept beside its verdict.
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { CohortCounts } from './count-cohort.ts';
import { type HeldBack, heldBackIn, stageOf } from './held-back.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { leastDevices, type Stage, stagesOf } from './stages-of-policy.ts';

export interface StageTerms {
  readonly stage: string;
  readonly soakMs: number;
  /** Null in older evidence of a stage without one. */
  readonly deadlineMs: number | null;
  /** The policy does not name it; absent where it does. */
  readonly hasDefaultDeadline?: true;
  readonly onDeadline: Stage['onDeadline'];
  readonly onFailure: Stage['onFailure'];
  /** Absent where no rule is by group, and in older evidence. */
  readonly onGroupFailure?: Exclude<Stage['onGroupFailure'], 'stage'>;
  /** Below these the stage can't pass. */
  readonly minimumDevices: number;
  readonly minimumInferences: number;
  /** Most that its verdict may err on either side, 0..1. */
  readonly errorLevel: number;
  /** When the stage opened and its limits were fixed; absent in older evidence. */
  readonly opened?: string;
  /** Absent where nobody is held back. */
  readonly heldBack?: HeldBack;
}

/** The terms of the status's stage; null when nothing rolls, or its policy is not to be had. */
export function termsOf(
  {
    policyInForce,
    cohort,
  }: { readonly policyInForce: RolloutFacts['policyInForce']; readonly cohort: CohortCounts | null },
  status: RolloutStatus,
): StageTerms | null {
  if (policyInForce === null) return null;
  const stage = stageOf(stagesOf(policyInForce), status);
  if (stage === undefined) return null;
  const { name, soakMs, deadlineMs, onDeadline, onFailure, onGroupFailure, minimumInferences, errorLevel } = stage;
  const { hasDefaultDeadline } = stage;
  const heldBack = heldBackIn(stage, status, cohort);
  return {
    stage: name,
    ...{ soakMs, deadlineMs, onDeadline, onFailure },
    ...(hasDefaultDeadline ? { hasDefaultDeadline } : {}),
    ...(onGroupFailure === 'stage' ? {} : { onGroupFailure }),
    minimumDevices: Math.max(1, leastDevices(stage, cohort?.wanted ?? 0)),
    minimumInferences,
    errorLevel,
    opened: status.since,
    ...(heldBack === null ? {} : { heldBack }),
  };
}
