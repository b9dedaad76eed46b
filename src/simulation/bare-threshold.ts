// Owns what a controller that compares one number with one threshold an interval would have done on the same numbers.

import { quantileOf, type Sketch } from '../contract/sketch.ts';
import { type ParsedRule, parseRule } from '../documents/rules/rule-text.ts';
import { quantileOfMetric } from '../gates/metric-kind.ts';
import { measureAt } from '../telemetry/rate-sums.ts';
import type { Measure } from '../telemetry/window.ts';
import type { ArmTallies, WindowTallies } from '../telemetry/window-tallies.ts';

/** What such a controller would have done. */
export interface BareOutcome {
  readonly outcome: 'reverted' | 'no objection';
  /** Minutes from the start of the rollout; null when it did not revert. */
  readonly minutesToRevert: number | null;
  readonly stage: string | null;
  /** The rule whose breach decided it. */
  readonly rule: string | null;
  /** Intervals in which a rule was breached (Argo: of the rule with most), until it reverted or the rehearsal ended. */
  readonly breaches: number;
}

export interface BareThresholds {
  /** Argo Rollouts, `failureLimit: 3`: a metric fails at its fourth failed measurement. */
  readonly argo: BareOutcome;
  /** Flagger, `threshold: 5`: the rollout is reverted at its fifth failed check, of any metric. */
  readonly flagger: BareOutcome;
  /** Minutes from the start of the rollout up to which they saw numbers. */
  readonly watchedMinutes: number;
}

export const ARGO_FAILURE_LIMIT = 3;
export const FLAGGER_THRESHOLD = 5;

/** Running totals of an arm; an interval's numbers are the difference of two. */
interface Totals {
  readonly inferences: number;
  readonly errors: number;
  readonly unknown: number;
  readonly latencyMs: Sketch;
}

function totalsOf(arm: ArmTallies): Totals {
  const count = (measure: Measure): number => {
    const sums = arm.sums.parts[arm.measures.indexOf(measure)];
    return sums === undefined ? 0 : measureAt(sums.total, 0).bad;
  };
  const { inferences, latencyMs } = arm.summary;
  const copy = { zero: latencyMs.zero, buckets: new Map(latencyMs.buckets) };
  return { inferences, errors: count('error'), unknown: count('unknown'), latencyMs: copy };
}

function minus(now: Totals, before: Totals | undefined): Totals {
  if (before === undefined) return now;
  const buckets = new Map<number, number>();
  for (const [index, count] of now.latencyMs.buckets) {
    const added = count - (before.latencyMs.buckets.get(index) ?? 0);
    if (added > 0) buckets.set(index, added);
  }
  return {
    inferences: now.inferences - before.inferences,
    errors: now.errors - before.errors,
    unknown: now.unknown - before.unknown,
    latencyMs: { zero: now.latencyMs.zero - before.latencyMs.zero, buckets },
  };
}

/** The rule's number of one interval; undefined where there is none. */
function measuredBy({ metric, ofClass }: ParsedRule, totals: Totals): number | undefined {
  const q = quantileOfMetric(metric);
  if (q !== undefined) return quantileOf(totals.latencyMs, q);
  if (totals.inferences === 0 || ofClass !== undefined) return undefined;
  if (metric === 'error_rate') return totals.errors / totals.inferences;
  return metric === 'unknown_rate' ? totals.unknown / totals.inferences : undefined;
}

function isBreached(rule: ParsedRule, candidate: Totals, baseline: Totals): boolean {
  const value = measuredBy(rule, candidate);
  if (value === undefined) return false;
  if (rule.limit.kind === 'absolute') return value >= rule.limit.value;
  const beside = measuredBy(rule, baseline);
  if (beside === undefined) return false;
  return value >= Math.max(rule.limit.factor * beside, rule.limit.floor ?? 0);
}

interface Interval {
  readonly minute: number;
  readonly stage: string;
  readonly rules: readonly string[];
  readonly openedRevision: number;
  readonly tallies: WindowTallies;
}

/** Compares every interval's numbers, and keeps count. */
export class BareControllers {
  #opened = 0;
  #before: { readonly candidate: Totals; readonly stable: Totals } | undefined;
  readonly #byRule = new Map<string, number>();
  #failedChecks = 0;
  #watchedMinutes = 0;
  #argo: BareOutcome | null = null;
  #flagger: BareOutcome | null = null;

  /** One interval of a stage, with the window's tallies as they stand at its end. */
  see({ minute, stage, rules, openedRevision, tallies }: Interval): void {
    const now = { candidate: totalsOf(tallies.candidate), stable: totalsOf(tallies.stable) };
    const before = this.#opened === openedRevision ? this.#before : undefined;
    this.#opened = openedRevision;
    this.#before = now;
    this.#watchedMinutes = minute;
    const candidate = minus(now.candidate, before?.candidate);
    const baseline = minus(now.stable, before?.stable);
    const broken = rules.filter((rule) => isBreached(parseRule(rule), candidate, baseline));
    const reverted = { outcome: 'reverted' as const, minutesToRevert: minute, stage };
    for (const rule of broken) {
      const count = (this.#byRule.get(rule) ?? 0) + 1;
      this.#byRule.set(rule, count);
      if (count > ARGO_FAILURE_LIMIT) this.#argo ??= { ...reverted, rule, breaches: count };
    }
    const [rule] = broken;
    if (rule === undefined) return;
    this.#failedChecks++;
    if (this.#failedChecks >= FLAGGER_THRESHOLD) this.#flagger ??= { ...reverted, rule, breaches: this.#failedChecks };
  }

  outcome(): BareThresholds {
    const none = { outcome: 'no objection' as const, minutesToRevert: null, stage: null, rule: null };
    return {
      argo: this.#argo ?? { ...none, breaches: Math.max(0, ...this.#byRule.values()) },
      flagger: this.#flagger ?? { ...none, breaches: this.#failedChecks },
      watchedMinutes: this.#watchedMinutes,
    };
  }
}
