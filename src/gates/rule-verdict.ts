// Owns what is said about one rule and about a stage: verdicts, the numbers below them, and why nothing is decided yet.
import type { RuleUnit } from '../documents/rules/metric-catalogue.ts';
import type { SignalSums } from './signal-track.ts';
import type { RuleScope } from './stage-rule.ts';
import type { Verdict } from './statistics/rate-verdict.ts';
import type { DeviceCounts } from './statistics/share-verdict.ts';
import type { Tally } from './statistics/tally.ts';

/** Names the statistics below a verdict; kept with the evidence, so that an audit replays it by the right method. */
export const METHOD_VERSION = 'slipway-stats/1';

/** The numbers that a verdict can be worked out from again. */
export type SufficientSums =
  | {
      readonly kind: 'rate';
      /** All devices of the candidate since the stage opened. */
      readonly candidate: Tally;
      /** The device left out for a fail; null when none was. */
      readonly worst: Tally | null;
      /** All devices of the candidate in the current tumbling window. */
      readonly window: Tally;
      /** The baseline that a relative rule was held against. */
      readonly baseline: Tally | null;
      /** Least design effect of a pass, by stable's bursts; absent where it is 1. */
      readonly leastEffect?: number;
      readonly quiet?: QuietSums;
    }
  | ({ readonly kind: 'share' } & DeviceCounts)
  /** Devices by how their own gauge stands, and the median of their own means. */
  | ({ readonly kind: 'gauge'; readonly median: number | null } & DeviceCounts)
  /** Classes, those most in doubt first; `own` is what the same devices did under stable. */
  | { readonly kind: 'classes'; readonly classes: readonly ClassSums[] }
  /** Counts by bin at a look; their moments are behind `lower` and `upper`. */
  | {
      readonly kind: 'histogram';
      readonly look: number;
      readonly candidate: HistogramSummary;
      readonly baseline: HistogramSummary;
    }
  /** Answers of an outside provider. */
  | SignalSums
  | { readonly kind: 'none' };

/** Without the devices of either arm that claim far more than the median one of theirs; absent where there are none. */
export interface QuietSums {
  readonly candidate: Tally;
  readonly baseline: Tally | null;
}

export interface HistogramSummary {
  readonly reports: number;
  readonly counts: readonly number[];
}

export interface ClassSums {
  readonly name: string;
  readonly candidate: Tally;
  readonly worst: Tally | null;
  readonly window: Tally;
  readonly baseline: Tally | null;
  readonly own: Tally | null;
  /** As for rates. */
  readonly leastEffect?: number;
  readonly quiet?: QuietSums;
}

/** What one group's devices show of a rule. */
export interface GroupVerdict {
  /** `hw:rev2`. */
  readonly name: string;
  readonly verdict: Verdict | 'not-applicable';
  readonly within: boolean;
  readonly estimate: number | null;
  readonly lower: number | null;
  readonly upper: number | null;
  readonly limit: number | null;
  readonly trials: number;
  readonly devices: number;
  readonly reason: string;
}

/**
 * `beside`: stable's devices in the same time. `earlier`: stable when it was last seen beside the candidate. `offline`: what the manifest
 * states.
 */
export type BaselineSource = 'beside' | 'earlier' | 'offline';

export interface RuleVerdict {
  /** The rule as the policy has it. */
  readonly rule: string;
  /** A metric of the catalogue, or the policy's name for an outside signal. */
  readonly metric: string;
  /** What the rule is about, where it is not the stage's devices together. */
  readonly scope?: 'fleet' | 'any-device';
  /** Of devices that are judged alone, the share that may breach, 0..1; absent when none may. */
  readonly share?: number;
  /** The label that the rule makes groups by, and how it stands in each; absent of rules without groups. */
  readonly by?: string;
  readonly groups?: readonly GroupVerdict[];
  /** The group that the numbers are of: the one at fault, or that the others wait for, or the one nearest to its limit. */
  readonly group?: string;
  /** The rule as it is for that group, where the group has a limit of its own. */
  readonly groupRule?: string;
  readonly verdict: Verdict | 'not-applicable';
  /** Is the observed value within the limit, decided or not? In all groups, where there are some. */
  readonly within: boolean;
  /** Observed value in `unit`, of the worst device where the rule is about any; null without data. */
  readonly estimate: number | null;
  /** Bounds for display, valid however often one looks; null where there are none. */
  readonly lower: number | null;
  readonly upper: number | null;
  /** The limit in force, in `unit`; null while there is none. */
  readonly limit: number | null;
  /** `ratio`: 0..1, of inferences or devices. */
  readonly unit: RuleUnit;
  readonly baseline: {
    readonly estimate: number | null;
    readonly devices: number;
    /** Absent in evidence of before this was kept. */
    readonly from?: BaselineSource;
  } | null;
  /** What was counted: inferences, measured latencies, or devices. */
  readonly trials: number;
  /** Devices with data. */
  readonly devices: number;
  /** The device furthest over the limit, where one was left out. */
  readonly worstDevice: string | null;
  /** Why undecided or not applicable, or what the numbers don't show of a fail, in words; else empty. */
  readonly reason: string;
  /** Reported, but never decides. */
  readonly dryRun: boolean;
  /** What is missing for a decision if things stay as observed: no `trials` when it is time alone. Null when decided, or when no amount would do. */
  readonly needs: { readonly trials: number; readonly minutes: number | null } | null;
  readonly sums: SufficientSums;
}

/** A name that tells a rule by groups from the same rule without. */
export function ruleName({ rule, by }: Pick<RuleVerdict, 'rule' | 'by'>): string {
  return by === undefined ? rule : `${rule} by ${by}`;
}

/** What a rule is about, where it is not the stage's devices together; else empty. */
export function scopeInWords({ scope, share }: { readonly scope?: RuleScope; readonly share?: number }): string {
  if (scope === 'fleet') return 'fleet';
  if (scope !== 'any-device') return '';
  return share === undefined ? 'any device' : `over ${Number((100 * share).toPrecision(3))} % of devices`;
}

/** The same for people: with the scope, that tells it from the same rule of the stage's devices together. */
export function ruleInScope(verdict: Pick<RuleVerdict, 'rule' | 'by' | 'scope' | 'share'>): string {
  const about = scopeInWords(verdict);
  return `${ruleName(verdict)}${about === '' ? '' : ` (${about})`}`;
}

/** Devices with inferences, and those inferences. */
export interface MeasuredArm {
  readonly devices: number;
  readonly inferences: number;
}

/** What all rules together say about a stage. */
export interface StageVerdict {
  readonly kind: Verdict;
  readonly rules: readonly RuleVerdict[];
  /** The rules that failed; or those that are open, and what else is missing; empty for a pass. */
  readonly because: readonly string[];
  /** The candidate as a whole, where rules may be about groups of it; absent in evidence of before it was kept. */
  readonly measured?: MeasuredArm;
  readonly method: typeof METHOD_VERSION;
}
