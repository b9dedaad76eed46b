// Owns what is said about one rule and about a stage: verdicts, the numbers below them, and why nothing is decided yet.
import type { RuleUnit } from '../documents/rules/metric-facts.ts';
import type { RuleReason } from './rule-reason.ts';
import type { SignalSums } from './signal-track.ts';
import type { FailureAction, GoodSide, RuleScope } from './stage-rule.ts';
import type { ArmDevices, ArmsProblem } from './statistics/arms-check.ts';
import type { OwnPasts } from './statistics/held-back.ts';
import type { Verdict } from './statistics/rate-verdict.ts';
import type { HeardArm } from './statistics/reporting-verdict.ts';
import type { DeviceCounts } from './statistics/share-verdict.ts';
import type { Tally } from './statistics/tally.ts';

/**
 * Names the method below a verdict; kept with the evidence, so that an audit replays it by the right one. It rises with each change of
 * what a verdict is or of what evidence keeps of it.
 */
export const METHOD_VERSION = 'slipway-stats/5';

/** The counts that a verdict can be worked out from again. */
export interface RateSums {
  /** All devices of the candidate since the stage opened. */
  readonly candidate: Tally;
  /** The device left out for a fail; null when none was. */
  readonly worst: Tally | null;
  /** All devices of the candidate in the current tumbling window. */
  readonly window: Tally;
  /** The baseline that a relative rule was held against. */
  readonly baseline: Tally | null;
  /** What both arms' devices did before, where few keep stable; absent where that played no part. */
  readonly pasts?: OwnPasts;
  /** Least design effect of a pass, by stable's bursts; 1 without. */
  readonly leastEffect: number;
  /** Without the devices of either arm that claim far more than the median one of theirs; null where there are none. */
  readonly inliers: { readonly candidate: Tally; readonly baseline: Tally | null } | null;
}

export interface ClassSums extends RateSums {
  readonly name: string;
  /** What the same devices did under stable. */
  readonly own: Tally | null;
}

/** Counts by bin; their moments are behind `lower` and `upper`. */
export interface HistogramSums {
  /** All devices since the stage opened. */
  readonly candidate: HistogramSummary;
  readonly baseline: HistogramSummary;
  /** The candidate in the current tumbling window. */
  readonly window: HistogramSummary;
  /** Where the stage's confidence leads; absent while nothing says so, once the rule itself fails, after the soak, and without one. */
  readonly course?: CourseSummary;
}

/** A loss of mean confidence, 0..1, at the end of the soak, if it goes on as it did. */
export interface CourseSummary {
  readonly level: number;
  readonly deviation: number;
  /** The loss that breaks the rule's limit. */
  readonly limit: number;
  /** Small means: beyond the limit by then. */
  readonly pFail: number;
  /** In minutes since the stage opened: when the line crosses the limit, and the end of the soak. */
  readonly minute: number;
  readonly until: number;
}

export interface HistogramSummary {
  readonly reports: number;
  readonly counts: readonly number[];
}

/** How a rule stands, in a group or over all. */
export interface Standing {
  readonly verdict: Verdict | 'not-applicable';
  /** Is the observed value within the limit, decided or not? In all groups, where there are some. */
  readonly within: boolean;
  /** Observed value in the rule's unit, of the worst device where the rule is about any; null without data. */
  readonly estimate: number | null;
  /** Confidence bounds for display, which hold no matter how often results are checked; null where there are none. */
  readonly lower: number | null;
  readonly upper: number | null;
  /** The limit in force; null while there is none. */
  readonly limit: number | null;
  /** What was counted: inferences, measured latencies, or devices. */
  readonly trials: number;
  /** Devices with data. */
  readonly devices: number;
  /** Why undecided or not applicable, or what the numbers don't show. */
  readonly reasons: readonly RuleReason[];
}

/** What one group's devices show of a rule. */
export interface GroupVerdict extends Standing {
  /** `hw:rev2`. */
  readonly name: string;
}

/**
 * `beside`: stable's devices in the same time. `earlier`: stable when it was last seen beside the candidate. `offline`: what the manifest
 * states.
 */
export type BaselineSource = 'beside' | 'earlier' | 'offline';

/** What is missing for a decision if things stay as observed: no `trials` when it is time alone. */
export interface Needs {
  readonly trials: number;
  readonly minutes: number | null;
}

export interface RuleFacts extends Standing {
  /** The rule as the policy has it. */
  readonly rule: string;
  /** A metric of the catalogue, or the policy's name for an outside signal. */
  readonly metric: string;
  /** The side of the limit on which values are good; null for a signal that judges by itself. */
  readonly goodSide: GoodSide | null;
  /** Is the limit a multiple of the baseline? */
  readonly isRelative: boolean;
  readonly scope: RuleScope;
  /** Of devices that are judged alone, the share that may breach, 0..1; null when none may. */
  readonly share: number | null;
  /** The label that the rule makes groups by, and how it stands in each. */
  readonly by: string | null;
  readonly groups: readonly GroupVerdict[];
  /** The group that the numbers are of: the one at fault, or that the others wait for, or the one nearest to its limit. */
  readonly group: string | null;
  /** The rule as it is for that group, where the group has a limit of its own. */
  readonly groupRule: string | null;
  /** `ratio`: 0..1, of inferences or devices. */
  readonly unit: RuleUnit;
  readonly baseline: {
    readonly estimate: number | null;
    readonly devices: number;
    readonly from: BaselineSource;
  } | null;
  /** The device furthest over the limit, where one was left out. */
  readonly worstDevice: string | null;
  /** Reported, but never decides. */
  readonly dryRun: boolean;
  /** What its fail does, where the rule itself says so; else its stage does. */
  readonly onFailure?: FailureAction;
  /** Address of the page for people, where the rule itself names one. */
  readonly runbook?: string;
  /** Of a rule that failed, or that one device alone keeps open: what is so now keeps the limit (`rateRecovered`). Absent where it does not, or where only a person can tell. */
  readonly recovered?: true;
  /** Null when decided, or when no amount would do. */
  readonly needs: Needs | null;
}

/** The verdict on a rule, by what its numbers are. */
export type RuleVerdict = RuleFacts &
  (
    | { readonly kind: 'rate'; readonly sums: RateSums }
    /** Devices, counted. */
    | { readonly kind: 'share'; readonly sums: DeviceCounts }
    /** Devices that are heard of, in both arms. */
    | { readonly kind: 'heard'; readonly sums: { readonly candidate: HeardArm; readonly baseline: HeardArm } }
    /** Devices by how their own gauge stands; the estimate is the median of their own means. */
    | { readonly kind: 'gauge'; readonly sums: DeviceCounts }
    /** Classes, those most in doubt first. */
    | { readonly kind: 'classes'; readonly sums: readonly ClassSums[] }
    | { readonly kind: 'histogram'; readonly sums: HistogramSums }
    /** Answers of an outside provider. */
    | { readonly kind: 'signal'; readonly sums: SignalSums }
    /** Nothing was measured. */
    | { readonly kind: 'blank' }
  );

/** A name that tells a rule by groups from the same rule without. */
export function ruleName({ rule, by }: { readonly rule: string; readonly by: string | null }): string {
  return by === null ? rule : `${rule} by ${by}`;
}

/** Devices with inferences, and those inferences. */
export interface MeasuredArm {
  readonly devices: number;
  readonly inferences: number;
  /** Requests that devices refused; absent where there is none. */
  readonly rejected?: number;
}

/** A rule, by its name, or a minimum of the stage. */
export type StageReason =
  | { readonly kind: 'rule'; readonly rule: string }
  | { readonly kind: 'minimum-devices'; readonly have: number; readonly need: number }
  | { readonly kind: 'minimum-inferences'; readonly have: number; readonly need: number };

/** Why the arms can't be compared, and the devices that show it. */
export interface ArmsAlarm extends ArmDevices {
  readonly problem: ArmsProblem;
  /** A few of those in both arms. */
  readonly devices: readonly string[];
}

/** What all rules together say about a stage. */
export interface StageVerdict {
  readonly kind: Verdict;
  readonly rules: readonly RuleVerdict[];
  /** The rules that failed; or those that are open, and what else is missing; empty for a pass. */
  readonly because: readonly StageReason[];
  /** The candidate as a whole, where rules may be about groups of it. */
  readonly measured: MeasuredArm;
  /** Absent while the arms can be compared. */
  readonly arms?: ArmsAlarm;
  readonly method: typeof METHOD_VERSION;
}
