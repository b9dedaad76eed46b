// Owns what a rollout waits on and how it stands, as values: waiting is an answer.
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { SignalSilence } from '../gates/signal-track.ts';
import type { CohortCounts } from './count-cohort.ts';
import type { LastRejection } from './last-rejection.ts';
import type { ParameterChange } from './parameter-change.ts';
import type { Fix, NamedRule, StatusReason, StuckRule } from './reasons.ts';
import type { WindowTime } from './rollout-facts.ts';
import type { StageTerms } from './stage-terms.ts';

/** A provider that gives nothing that can be used. */
export interface SilentSignal {
  readonly signal: string;
  readonly from: 'prometheus' | 'webhook';
  readonly provider: string;
  readonly why: SignalSilence;
  readonly sinceMs: number;
}

/** Parameters that differ from those of stable, where that is what a version is about; absent where none do. */
export interface Parametrised {
  readonly parameters?: readonly ParameterChange[];
}

export type WaitingOn =
  | { readonly kind: 'soak'; readonly remainingMs: number }
  | { readonly kind: 'devices'; readonly have: number; readonly need: number }
  | { readonly kind: 'rest-of-fleet'; readonly pending: number }
  | {
      readonly kind: 'verdict';
      /** Rules that are still open. */
      readonly rules: readonly NamedRule[];
      /** About how long the slowest of them still takes; null when nobody can tell. */
      readonly minutes: number | null;
      /** The slowest of them, and how many more inferences it needs, to hold if it is within its limit so far, else to be broken. */
      readonly slowest: { readonly metric: string; readonly trials: number; readonly within?: boolean } | null;
      /** What else the stage's minimum lacks. */
      readonly lacks: StageVerdict['because'];
      /** An open rule that more of the same would not decide; null when there is none. */
      readonly stuck: StuckRule | null;
    }
  | ({ readonly kind: 'signal' } & SilentSignal)
  | { readonly kind: 'approval'; readonly approvers: readonly string[]; readonly have: number; readonly need: number }
  /** Stable's answers; when the time is over it starts without them. */
  | { readonly kind: 'baseline'; readonly have: number; readonly need: number; readonly remainingMs: number }
  | { readonly kind: 'suspended' }
  /** Null where the status does not say why. It ends by itself if the rules hold again within that time; absent where only a person ends it. */
  | { readonly kind: 'paused'; readonly reason: StatusReason | null; readonly resumesWithinMs?: number }
  | ({ readonly kind: 'rejected'; readonly version: string; readonly reason: StatusReason | null } & Parametrised)
  /** The version failed before in these groups, which are all devices there are. */
  | { readonly kind: 'rejected-in-groups'; readonly version: string; readonly groups: readonly string[] }
  /** Groups that a failed rule holds: the rollout does not complete before a person says what becomes of them. */
  | { readonly kind: 'groups-held'; readonly groups: readonly string[] }
  /** `without`: devices of the stage that don't have the version, the first by name; absent when all have it. */
  | {
      readonly kind: 'deadline-held';
      readonly rules: readonly NamedRule[];
      readonly without?: SomeDevices;
    }
  /** `unfit` more match and can't run the version. */
  | {
      readonly kind: 'known-devices';
      readonly target: string;
      readonly have: number;
      readonly need: number;
      readonly unfit?: number;
    }
  | { readonly kind: 'needs-fix'; readonly fix: Fix };

/** A number of devices, and the first of them by name. */
export interface SomeDevices {
  readonly count: number;
  readonly devices: readonly string[];
}

/** `reason`: one word for programs. */
export type Condition =
  | { readonly type: 'Ready' | 'Progressing'; readonly status: boolean; readonly reason: string }
  | { readonly type: 'Stalled'; readonly status: true; readonly reason: string; readonly fix: Fix }
  | { readonly type: 'SourceVerified'; readonly status: true; readonly reason: string }
  /** `isNewer`: the desired version may be used, and a newer one that would be desired may not. */
  | {
      readonly type: 'SourceVerified';
      readonly status: false;
      readonly reason: string;
      readonly fix: Fix;
      readonly isNewer: boolean;
    }
  | {
      readonly type: 'SignalsAnswered';
      readonly status: boolean;
      readonly reason: string;
      readonly silent: readonly SilentSignal[];
    };

/** How a group stands that is an exception. */
export interface ExceptedOutlook {
  readonly group: string;
  readonly kind: 'rolled-back' | 'held' | 'behind';
  /** The version that it runs while it is not on the candidate; null when that is the stable one. */
  readonly version: string | null;
  readonly reason: StatusReason;
}

/** The policy at HEAD is not the one that the attempt under way began with. */
export interface ChangedPolicy {
  readonly atHead: string;
  /** The name of the one in force. */
  readonly inForce: string;
}

/** How one rollout stands now: shown by the API and the CLI, never committed. */
export interface Outlook extends Parametrised {
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
  /** Groups of devices that are exceptions, and what they run in place of stable; absent when there are none. */
  readonly exceptions?: readonly ExceptedOutlook[];
  /** What was taken back last, until another version starts. */
  readonly rejected: LastRejection | null;
  readonly waitingOn: readonly WaitingOn[];
  readonly conditions: readonly Condition[];
}
