// Owns what a rule is judged on: the candidate's counts of a measure, and the baseline that they are held against.

import { type InlierRows, inlierRows } from './inlier-rows.ts';
import type { CountedEvidence, InlierCounts } from './judge-counts.ts';
import type { CountedLimit, Counts } from './judge-rate-rule.ts';
import { pastsOf } from './own-past.ts';
import type { BaselineSource } from './rule-verdict.ts';
import { type ArmEvidence, newestWindow, type StageQuestion, wholeTallies, windowTallies } from './stage-question.ts';
import { goodSideOf, type StageRule } from './stage-rule.ts';
import { burstEffect } from './statistics/burst-effect.ts';
import type { OwnPasts } from './statistics/held-back.ts';
import type { OutlierRow } from './statistics/outlier-rows.ts';
import { LEAST_CLUSTERS, type Tally } from './statistics/tally.ts';
import { NO_ROWS, type TallyRows } from './statistics/tally-rows.ts';

/** A baseline thinner than this share of the candidate's trials is the rest of a stable arm that is going away. */
export const THINNEST_BASELINE = 0.1;

export interface BaselineCounts {
  readonly arm: ArmEvidence;
  readonly whole: Tally;
  /** Without the devices that claim far more than the median one; null where there are none. */
  readonly inliers: { readonly whole: Tally; readonly outlier: OutlierRow } | null;
  readonly devices: number;
  readonly isConcurrent: boolean;
}

/** One measure of stable as a baseline, beside the candidate or before it was gone; null when nothing was counted. */
export function baselineCounts(
  question: StageQuestion,
  measure: string,
  from: 'baseline' | 'earlierBaseline',
): BaselineCounts | null {
  const arm = question[from];
  const rows = arm ? wholeTallies(arm, measure) : undefined;
  if (!arm || rows === undefined || rows.live === 0) return null;
  const without = inlierRows(question, arm, measure, rows, 'whole');
  const inliers = without === null ? null : { whole: without.rows.all, outlier: without.outlier };
  return { arm, whole: rows.all, inliers, devices: rows.live, isConcurrent: from === 'baseline' };
}

export function sourceOf({ isConcurrent }: BaselineCounts): BaselineSource {
  return isConcurrent ? 'beside' : 'earlier';
}

/** The candidate's trials without the outliers: how thick a baseline is beside them, no device says alone. */
export function inlierTrials(question: StageQuestion, measure: string): number {
  const rows = wholeTallies(question.candidate, measure) ?? NO_ROWS;
  return (inlierRows(question, question.candidate, measure, rows, 'whole')?.rows ?? rows).all.trials;
}

/** Is it enough to go by, beside so many trials of the candidate's inliers? Who is held back stays, however few they are. */
export function isThick(
  { isHeldBack = false }: StageQuestion,
  baseline: BaselineCounts | null,
  candidateTrials: number,
): boolean {
  if (baseline === null) return false;
  const { reports, trials } = baseline.inliers?.whole ?? baseline.whole;
  return reports >= LEAST_CLUSTERS && (isHeldBack || trials >= THINNEST_BASELINE * candidateTrials);
}

/** The concurrent baseline first; the one before it was gone next. */
export function chooseBaseline(question: StageQuestion, measure: string, trials: number): BaselineCounts | null {
  const concurrent = baselineCounts(question, measure, 'baseline');
  if (isThick(question, concurrent, trials)) return concurrent;
  return baselineCounts(question, measure, 'earlierBaseline') ?? concurrent;
}

/** How far the measure's events came in bursts on stable before anything rolled. */
function leastEffectOf({ history }: StageQuestion, measure: string, { kind }: CountedLimit): number {
  // Bad events that have not come yet can only make look well what must stay below its limit.
  const isUpper = kind === 'rate' || kind === 'relative';
  return history && isUpper ? burstEffect(wholeTallies(history, measure)) : 1;
}

/** What the counts are held against. */
export interface Against {
  readonly limit: CountedLimit;
  readonly baseline?: { readonly measure: string; readonly counts: BaselineCounts } | null;
  /** The limit by stable's inliers, where it was worked out from a baseline with outliers. */
  readonly inliers?: { readonly limit: CountedLimit; readonly outlier: OutlierRow } | null;
}

function sumOf(rows: TallyRows): Tally | null {
  return rows.live === 0 ? null : rows.all;
}

function pastsBeside(
  question: StageQuestion,
  { measure, counts }: NonNullable<Against['baseline']>,
  devices: TallyRows,
): OwnPasts | null {
  return question.isHeldBack && counts.isConcurrent ? pastsOf(question, counts.arm, measure, devices) : null;
}

/** The counts of one measure, as judges of counts want them. */
export function evidenceOf(question: StageQuestion, measure: string, against: Against): CountedEvidence {
  const { limit, baseline } = against;
  const index = newestWindow(question.candidate);
  const whole = wholeTallies(question.candidate, measure) ?? NO_ROWS;
  const devices = windowTallies(question.candidate, measure, index);
  const beside = baseline?.counts.isConcurrent ? windowTallies(baseline.counts.arm, baseline.measure, index) : NO_ROWS;
  const counts = {
    limit,
    whole,
    baseline: baseline?.counts.whole ?? null,
    pasts: limit.kind === 'relative' && baseline ? pastsBeside(question, baseline, whole) : null,
    leastEffect: leastEffectOf(question, measure, limit),
    window: { index, devices, baseline: sumOf(beside) },
  };
  const own = inlierRows(question, question.candidate, measure, whole, 'whole');
  const late = baseline ? inlierRows(question, baseline.counts.arm, baseline.measure, beside, 'window') : null;
  return { ...counts, inliers: inliersOf(counts, against, { own, late }) };
}

/** The same without the outliers of both arms, as far as there are some; null where there are none. */
function inliersOf(
  counts: Counts,
  { limit, baseline, inliers }: Against,
  { own, late }: { readonly own: InlierRows | null; readonly late: InlierRows | null },
): InlierCounts | null {
  const { whole, window } = counts;
  const stable = baseline?.counts.inliers ?? null;
  const outlierOfStable = stable?.outlier ?? inliers?.outlier ?? late?.outlier ?? null;
  if (own === null && outlierOfStable === null) return null;
  return {
    ...counts,
    limit: inliers?.limit ?? limit,
    whole: own?.rows ?? whole,
    baseline: stable?.whole ?? counts.baseline,
    window: {
      index: window.index,
      devices: window.devices.inliers,
      baseline: late === null ? window.baseline : sumOf(late.rows),
    },
    outlier: own?.outlier ?? null,
    outlierOfStable,
  };
}

/** The limit of a rule over a rate, from below or from above. */
export function countedLimitOf({ rule }: StageRule): CountedLimit {
  const { limit } = rule;
  const isLeast = goodSideOf(rule) === 'above';
  if (limit.kind === 'absolute') return { kind: isLeast ? 'least' : 'rate', threshold: limit.value };
  return isLeast
    ? { kind: 'least-relative', ratio: limit.factor }
    : { kind: 'relative', ratio: limit.factor, floor: limit.floor ?? 0 };
}
