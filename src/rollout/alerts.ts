// Owns what alerts are: their kinds, what names one, what one says, and the facts that they are judged on.
import type { RuleUnit } from '../documents/rules/metric-facts.ts';
import type { ArmsAlarm, RuleVerdict } from '../gates/rule-verdict.ts';
import type { SharedDevices } from './holdings.ts';
import type { ExceptedOutlook, Outlook, SilentSignal, SomeDevices } from './outlook.ts';
import type { ClaimProblem, Fix, NamedRule, StatusReason, StepReason } from './reasons.ts';

/** Every kind of alert; the words are part of metrics and events. */
export const ALERT_KINDS = [
  'stalled',
  'history-rewound',
  'status-forged',
  'evidence-missing',
  'version-refused',
  'reverted',
  'waits-for-approval',
  'paused',
  'deadline-held',
  'group-apart',
  'emergency-rollback',
  'signal-silent',
  'devices-off-declared',
  'targets-overlap',
  'stable-drift',
  'devices-refusing',
  'devices-on-revoked',
  'arms-differ',
  'devices-claiming',
  'reports-refused',
  'notices-lost',
  'source-away',
  'cycle-failed',
] as const;

export type AlertKind = (typeof ALERT_KINDS)[number];

/** What names an alert: the same three are the same alert for as long as it stands. */
export interface AlertKey {
  readonly kind: AlertKind;
  /** Null when it is about the service as a whole. */
  readonly rollout: string | null;
  /** What tells alerts of one kind and rollout apart: a code, a rule, a digest. */
  readonly subject: string;
}

/** What an alert says, as facts. */
export type AlertFact =
  | { readonly kind: 'fix'; readonly fix: Fix; readonly isNewer: boolean }
  | { readonly kind: 'signals'; readonly silent: readonly SilentSignal[] }
  | { readonly kind: 'paused'; readonly reason: StatusReason | null }
  | ({ readonly kind: 'reverted' } & RevertFact)
  | {
      readonly kind: 'approval';
      readonly stage: string | null;
      readonly approvers: readonly string[];
      readonly have: number;
      readonly need: number;
    }
  | {
      readonly kind: 'deadline';
      readonly stage: string | null;
      readonly open: readonly NamedRule[];
      readonly without?: SomeDevices;
    }
  | { readonly kind: 'group'; readonly exception: ExceptedOutlook }
  | { readonly kind: 'forged'; readonly problem: ClaimProblem }
  | { readonly kind: 'emergency'; readonly reason: StepReason }
  | { readonly kind: 'arms'; readonly alarm: ArmsAlarm }
  | ({ readonly kind: 'shared' } & SharedDevices)
  | { readonly kind: 'off-declared'; readonly devices: number; readonly first: readonly string[] }
  | ({ readonly kind: 'drift' } & Omit<WatchedRule, 'rollout' | 'verdict'>)
  | {
      readonly kind: 'refusing' | 'on-revoked' | 'claiming';
      readonly devices: number;
      readonly first: readonly string[];
    }
  | { readonly kind: 'evidence-missing'; readonly revisions: readonly number[] }
  | { readonly kind: 'notices-lost'; readonly target: string; readonly count: number }
  | ({ readonly kind: 'reports-refused' } & RefusedReportsFact)
  /** The error of another component, in its own words. */
  | { readonly kind: 'error'; readonly message: string; readonly remedy?: string }
  | { readonly kind: 'vanished'; readonly branch: string | null };

export interface Alert extends AlertKey {
  /** One word for programs. */
  readonly reason: string;
  readonly fact: AlertFact;
  /** Where people read what to do, as the rollout's policy says; null leaves it to the settings. */
  readonly runbook?: string | null;
}

/** A version that the service took back. */
export interface RevertFact {
  readonly model: string;
  readonly version: string;
  /** What devices went back to; null when nothing was stable. */
  readonly stable: string | null;
  readonly revision: number;
  readonly reason: StatusReason;
  /** The revert commit; null when it is not found. */
  readonly commit: string | null;
  /** The rule that failed, as it was measured; null when none did, or its evidence is gone. */
  readonly failed: FailedRule | null;
}

export type FailedRule = Pick<
  RuleVerdict,
  'rule' | 'metric' | 'estimate' | 'lower' | 'upper' | 'limit' | 'unit' | 'devices' | 'trials'
>;

/** How a rollout stands to its last revert. */
export interface RevertedRollout {
  readonly rollout: string;
  /** The revert that nothing followed yet; null while another attempt rolls. */
  readonly revert: RevertFact | null;
  /** Reverts of which only a later attempt will tell whether they are over, by revision. */
  readonly open: readonly number[];
  /** The page that the policy names for the rule that failed. */
  readonly runbook: string | null;
}

/** Devices whose reports the service refuses now; `why` is the reason in its answers to them. */
export interface RefusedDevices {
  readonly count: number;
  readonly first: readonly { readonly device: string; readonly why: string }[];
}

export interface RefusedReportsFact {
  readonly devices: number;
  readonly first: readonly string[];
  readonly reasons: readonly string[];
}

/** `unknown`: whether these still hold is unknown now, so they stay as they are. */
export interface AlertReading {
  readonly present: readonly Alert[];
  readonly unknown: readonly AlertKey[];
}

export function alertKeyOf({ kind, rollout, subject }: AlertKey): string {
  return `${kind}\n${rollout ?? ''}\n${subject}`;
}

/** Devices of one rollout that run something else than declared, for longer than they may. */
export interface StayingOff {
  readonly rollout: string;
  /** Those that are off now, however short; none ends the alert. */
  readonly count: number;
  /** Those that stay so. */
  readonly staying: number;
  readonly first: readonly string[];
}

/** How a rule over the stable version stands. */
export interface WatchedRule {
  readonly rollout: string;
  readonly version: string;
  readonly digest: string;
  readonly rule: string;
  readonly verdict: 'pass' | 'fail' | 'undecided';
  /** What was seen; null before anything was judged. */
  readonly seen: WatchedNumbers | null;
}

export interface WatchedNumbers
  extends Pick<RuleVerdict, 'estimate' | 'lower' | 'upper' | 'limit' | 'devices' | 'trials' | 'reasons'> {
  readonly unit: RuleUnit;
  readonly listenedMs: number;
}

export interface OddDevices {
  readonly count: number;
  readonly first: readonly { readonly device: string }[];
}

export interface AlertFacts {
  readonly outlooks: readonly Outlook[];
  /** Rollouts whose status at HEAD nobody authentic wrote. */
  readonly forged: readonly { readonly rollout: string; readonly problem: ClaimProblem }[];
  readonly emergencyRollbacks: readonly { readonly rollout: string; readonly reason: StepReason }[];
  readonly refusing: OddDevices;
  /** They serve a version whose signer is revoked, for want of another. */
  readonly onRevoked: OddDevices;
  /** They report for an arm, or about a version, that the directive did not give them. */
  readonly claiming: OddDevices;
  readonly refusedReports: RefusedDevices;
  readonly away: { readonly reason: string; readonly remedy?: string | null } | null;
  /** Why there is nothing to follow although the host answers; `branch` is null when it has none at all. */
  readonly vanished?: { readonly branch: string | null } | null;
  readonly trouble: { readonly code: string; readonly message: string; readonly remedy?: string | null } | null;
  readonly offDeclared: readonly StayingOff[];
  /** Devices that two rollouts of one model have. */
  readonly shared?: readonly SharedDevices[];
  readonly watched: readonly WatchedRule[];
  readonly reverted?: readonly RevertedRollout[];
  /** By rollout, where its policy names a page. */
  readonly runbooks: ReadonlyMap<string, string>;
}
