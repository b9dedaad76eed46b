// Owns the steps that a rollout can take: each becomes exactly one commit.
import type { Rollout, RolloutStatus } from '../documents/types.generated.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { CohortCounts } from './count-cohort.ts';
import type { DecisionInputs } from './decision-inputs.ts';
import type { ParameterChange } from './parameter-change.ts';
import type { StepReason } from './reasons.ts';
import type { WindowTime } from './rollout-facts.ts';
import type { StageTerms } from './stage-terms.ts';
import type { Stage } from './stages-of-policy.ts';

export const STEP_KINDS = [
  'start',
  'advance',
  'complete',
  'roll-back',
  'supersede',
  'pause',
  'reopen',
  /** Groups become exceptions from here on, or rejoin the others. */
  'except',
  'answer',
  'restore',
  'adopt',
] as const;

export type TransitionKind = (typeof STEP_KINDS)[number];

/** Changes of the rollout's `spec` that go with the step. */
export interface SpecEdits {
  /** Puts `spec.version` back; only when it pinned the rejected version. */
  readonly version?: string;
  /** Puts `spec.parameters` back to these; only when they were rejected. */
  readonly parameters?: NonNullable<Rollout['spec']['parameters']>;
  /** Places in `spec.requests` that this commit answers. */
  readonly answered: readonly number[];
}

/** The groups of devices that a step is about, and what becomes of them. */
export interface GroupsOfStep {
  readonly becomes: 'rolled-back' | 'held' | 'rejoined';
  readonly names: readonly string[];
}

/** The stage that a step opens. */
export interface OpenedStage {
  readonly stage: Stage;
  /** Known devices of the target, without groups that are exceptions. */
  readonly able: number;
  /** Others, that can't run the version; absent when all can. */
  readonly unfit?: number;
  /** Its rules are those of the stage before. */
  readonly keepsRules: boolean;
}

/** A step as it is decided. */
export interface Step {
  readonly kind: TransitionKind;
  readonly rollout: string;
  readonly model: string;
  readonly from: string;
  readonly to: string;
  /** The status after the step, its `evidence` path included. */
  readonly next: RolloutStatus;
  readonly spec: SpecEdits;
  readonly reason: StepReason;
  /** What was measured when it was decided. */
  readonly verdict: StageVerdict | null;
  readonly cohort: CohortCounts | null;
  readonly window: WindowTime | null;
  /** What the policy asked of the stage that was left. */
  readonly terms: StageTerms | null;
  /** The candidate that the step is about, when there is one. */
  readonly subject: { readonly version: string; readonly digest: string; readonly attempt: number } | null;
  /** What of its parameters differs from those of stable before the step; absent when nothing does. */
  readonly parameters?: readonly ParameterChange[];
  /** Digest of the policy to pin beside the evidence; null when none is in force. */
  readonly policy: string | null;
  readonly opens: OpenedStage | null;
  /** Of a step about some groups alone. */
  readonly groups?: GroupsOfStep;
}

/** A step with everything that it was decided on. */
export interface Transition extends Step {
  readonly inputs: DecisionInputs;
}

/** The steps that rest on what was measured. */
export const MEASURED_STEPS: ReadonlySet<TransitionKind> = new Set([
  'advance',
  'complete',
  'roll-back',
  'pause',
  'reopen',
  'except',
]);

/** Does the step take a bad candidate away from devices? Nothing may hold it up. */
export function takesBack({ kind, groups }: Pick<Transition, 'kind' | 'groups'>): boolean {
  return kind === 'roll-back' || (kind === 'except' && groups?.becomes === 'rolled-back');
}
