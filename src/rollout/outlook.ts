// Owns what a rollout waits on and how it stands, as values: waiting is an answer.
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { CohortCounts } from './count-cohort.ts';
import type { LastRejection } from './last-rejection.ts';
import type { WindowTime } from './rollout-facts.ts';
import type { StageTerms } from './stage-terms.ts';

export type WaitingOn =
  | { readonly kind: 'soak'; readonly remainingMs: number }
  | { readonly kind: 'devices'; readonly have: number; readonly need: number }
  | { readonly kind: 'rest-of-fleet'; readonly pending: number }
  | {
      readonly kind: 'verdict';
      /** Rules that are still open. */
      readonly rules: readonly string[];
      /** About how long the slowest of them still takes; null when nobody can tell. */
      readonly minutes: number | null;
      /** The slowest of them, and how many more inferences it needs, to hold if it is within its limit so far, else to be broken. */
      readonly slowest: { readonly metric: string; readonly trials: number; readonly within?: boolean } | null;
      /** What else the stage's minimum lacks, in words. */
      readonly lacks: readonly string[];
      /** Of a rule that more of the same would not decide, why that is; absent when there is none. */
      readonly why?: string;
    }
  /** A provider that a rule asks gives nothing that can be used. */
  | {
      readonly kind: 'signal';
      readonly signal: string;
      readonly from: 'prometheus' | 'webhook';
      readonly provider: string;
      readonly reason: string;
      readonly sinceMs: number;
    }
  | { readonly kind: 'approval'; readonly approvers: readonly string[]; readonly have: number; readonly need: number }
  /** Stable's answers; when the time is over it starts without them. */
  | { readonly kind: 'baseline'; readonly have: number; readonly need: number; readonly remainingMs: number }
  | { readonly kind: 'suspended' }
  | { readonly kind: 'paused'; readonly reason: string }
  | { readonly kind: 'rejected'; readonly version: string; readonly reason: string }
  /** Groups that a failed rule holds: the rollout does not complete before a person says what becomes of them. */
  | { readonly kind: 'groups-held'; readonly groups: readonly string[] }
  | { readonly kind: 'deadline-held'; readonly rules: readonly string[] }
  | { readonly kind: 'known-devices'; readonly target: string; readonly have: number; readonly need: number }
  | { readonly kind: 'mending'; readonly code: string; readonly reason: string };

export type ConditionType = 'Ready' | 'Progressing' | 'Stalled' | 'SourceVerified' | 'SignalsAnswered';

export interface Condition {
  readonly type: ConditionType;
  readonly status: boolean;
  /** One word for programs. */
  readonly reason: string;
  /** A sentence for people. */
  readonly message: string;
}

/** How a group stands that does not go along. */
export interface ExceptedOutlook {
  readonly group: string;
  readonly kind: 'rolled-back' | 'held' | 'behind';
  /** The version that it runs while it is not on the candidate; null when that is the stable one. */
  readonly version: string | null;
  readonly reason: string;
}

/** The policy at HEAD is not the one that the attempt under way began with. */
export interface ChangedPolicy {
  readonly atHead: string;
  /** The name of the one in force. */
  readonly inForce: string;
}

/** How one rollout stands now: shown by the API and the CLI, never committed. */
export interface Outlook {
  readonly rollout: string;
  readonly model: string;
  /** The devices that it is about. */
  readonly target: string;
  readonly revision: number;
  readonly stage: string | null;
  readonly candidate: string | null;
  readonly stable: string | null;
  readonly cohort: CohortCounts | null;
  readonly verdict: StageVerdict | null;
  /** How long the stage has been measured; null when nothing rolls. */
  readonly window: WindowTime | null;
  /** What the policy in force asks of the stage; null when nothing rolls. */
  readonly terms: StageTerms | null;
  /** Absent when the attempt's policy is that of HEAD, and when nothing rolls. */
  readonly changedPolicy?: ChangedPolicy;
  /** Groups of devices that do not go along with the others, and what they run in place of stable; absent when all go along. */
  readonly exceptions?: readonly ExceptedOutlook[];
  /** What was taken back last, until another version starts. */
  readonly rejected: LastRejection | null;
  readonly waitingOn: readonly WaitingOn[];
  readonly conditions: readonly Condition[];
}
