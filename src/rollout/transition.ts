// Owns the steps that a rollout can take: each becomes exactly one commit.
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { CohortCounts } from './count-cohort.ts';
import type { WindowTime } from './rollout-facts.ts';
import type { StageTerms } from './stage-terms.ts';

export type TransitionKind =
  | 'start'
  | 'advance'
  | 'complete'
  | 'roll-back'
  | 'supersede'
  | 'pause'
  | 'reopen'
  /** Groups stand apart from here on, or go along again. */
  | 'except'
  | 'answer'
  | 'restore'
  | 'adopt';

/** Changes of the rollout's `spec` that go with the step. */
export interface SpecEdits {
  /** Puts `spec.version` back; only when it pinned the rejected version. */
  readonly version?: string;
  /** Places in `spec.requests` that this commit answers. */
  readonly answered: readonly number[];
}

/** The groups of devices that a step is about, and what becomes of them. */
export interface GroupsOfStep {
  readonly becomes: 'rolled-back' | 'held' | 'rejoined';
  readonly names: readonly string[];
}

export interface Transition {
  readonly kind: TransitionKind;
  readonly rollout: string;
  readonly model: string;
  readonly from: string;
  readonly to: string;
  /** The status after the step, its `evidence` path included. */
  readonly next: RolloutStatus;
  readonly spec: SpecEdits;
  /** Why, in a sentence for people. */
  readonly reason: string;
  /** What was measured when it was decided. */
  readonly verdict: StageVerdict | null;
  readonly cohort: CohortCounts | null;
  readonly window?: WindowTime | null;
  /** What the policy asked of the stage that was left. */
  readonly terms?: StageTerms | null;
  /** The candidate that the step is about, when there is one. */
  readonly subject: { readonly version: string; readonly digest: string; readonly attempt: number } | null;
  /** Digest of the policy to pin beside the evidence; null when none is in force. */
  readonly policy: string | null;
  /** What comes next, as a clause; null when nothing does. */
  readonly outlook: string | null;
  /** The rules that have to hold there, with their frozen limits; absent when they are those of the stage before. */
  readonly mustHold?: readonly string[];
  /** Of a step about some groups alone. */
  readonly groups?: GroupsOfStep;
}

/** Does the step take a bad candidate away from devices? Nothing may hold it up. */
export function takesBack({ kind, groups }: Pick<Transition, 'kind' | 'groups'>): boolean {
  return kind === 'roll-back' || (kind === 'except' && groups?.becomes === 'rolled-back');
}
