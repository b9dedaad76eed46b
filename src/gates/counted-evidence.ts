// Owns what a rule is judged on: the candidate's counts of a measure, and the baseline that they are held against.

import type { CountedEvidence, QuietCounts } from './judge-counts.ts';
import type { CountedLimit, Counts } from './judge-rate-rule.ts';
import { type QuietRows, quietRows } from './quiet-rows.ts';
import type { BaselineSource } from './rule-verdict.ts';
import { type ArmEvidence, newestWindow, type StageQuestion, wholeTallies, windowTallies } from './stage-question.ts';
import { burstEffect } from './statistics/burst-effect.ts';
import type { LoudRow } from './statistics/loud-rows.ts';
import { LEAST_CLUSTERS, type Tally } from './statistics/tally.ts';
import { NO_ROWS, type TallyRows } from './statistics/tally-rows.ts';

/** A baseline thinner than this share of the candidate's trials is the rest of a stable arm that is going away. */
const THINNEST_BASELINE = 0.1;

export interface BaselineCounts {
  readonly arm: ArmEvidence;
  readonly whole: Tally;
  /** Without the devices that claim far more than the median one; null where there are none. */
  readonly quiet: { readonly whole: Tally; readonly loudest: LoudRow } | null;
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
  const without = quietRows(question, arm, measure, rows, 'whole');
  const quiet = without === null ? null : { whole: without.rows.all, loudest: without.loudest };
  return { arm, whole: rows.all, quiet, devices: rows.live, isConcurrent: from === 'baseline' };
}

export function sourceOf({ isConcurrent }: BaselineCounts): BaselineSource {
  return isConcurrent ? 'beside' : 'earlier';
}

/** The candidate's trials without the loud devices: how thick a baseline is beside them, no device says alone. */
export function quietTrials(question: StageQuestion, measure: string): number {
  const rows = wholeTallies(question.candidate, measure) ?? NO_ROWS;
  return (quietRows(question, question.candidate, measure, rows, 'whole')?.rows ?? rows).all.trials;
}

/** Is it enough to go by, beside so many trials of the candidate's quiet devices? */
export function isThick(baseline: BaselineCounts | null, candidateTrials: number): boolean {
  if (baseline === null) return false;
  const { reports, trials } = baseline.quiet?.whole ?? baseline.whole;
  return reports >= LEAST_CLUSTERS && trials >= THINNEST_BASELINE * candidateTrials;
}

/** The concurrent baseline first; the one before it was gone next. */
export function chooseBaseline(question: StageQuestion, measure: string, trials: number): BaselineCounts | null {
  const concurrent = baselineCounts(question, measure, 'baseline');
  if (isThick(concurrent, trials)) return concurrent;
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
  /** The limit by stable's quiet devices, where it was worked out from a baseline with loud ones. */
  readonly quiet?: { readonly limit: CountedLimit; readonly loudest: LoudRow } | null;
}

function sumOf(rows: TallyRows): Tally | null {
  return rows.live === 0 ? null : rows.all;
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
    leastEffect: leastEffectOf(question, measure, limit),
    window: { index, devices, baseline: sumOf(beside) },
  };
  const own = quietRows(question, question.candidate, measure, whole, 'whole');
  const late = baseline ? quietRows(question, baseline.counts.arm, baseline.measure, beside, 'window') : null;
  return { ...counts, quiet: quietOf(counts, against, { own, late }) };
}

/** The same without the loud devices of both arms, as far as there are some; null where there are none. */
function quietOf(
  counts: Counts,
  { limit, baseline, quiet }: Against,
  { own, late }: { readonly own: QuietRows | null; readonly late: QuietRows | null },
): QuietCounts | null {
  const { whole, window } = counts;
  const stable = baseline?.counts.quiet ?? null;
  const loudestOfStable = stable?.loudest ?? quiet?.loudest ?? late?.loudest ?? null;
  if (own === null && loudestOfStable === null) return null;
  return {
    ...counts,
    limit: quiet?.limit ?? limit,
    whole: own?.rows ?? whole,
    baseline: stable?.whole ?? counts.baseline,
    window: {
      index: window.index,
      devices: window.devices.quiet,
      baseline: late === null ? window.baseline : sumOf(late.rows),
    },
    loudest: own?.loudest ?? null,
    loudestOfStable,
  };
}
