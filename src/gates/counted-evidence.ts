// Owns what a rule is judged on: the candidate's counts of a measure, and the baseline that they are held against.
import { burstEffect } from './burst-effect.ts';
import type { CountedEvidence, CountedLimit } from './judge-rate-rule.ts';
import type { BaselineSource } from './rule-verdict.ts';
import { type ArmEvidence, newestWindow, type StageQuestion, wholeTallies, windowTallies } from './stage-question.ts';
import { LEAST_CLUSTERS, type Tally } from './tally.ts';
import { NO_ROWS } from './tally-rows.ts';

/** A baseline thinner than this share of the candidate's trials is the rest of a stable arm that is going away. */
const THINNEST_BASELINE = 0.1;

export interface BaselineCounts {
  readonly arm: ArmEvidence;
  readonly whole: Tally;
  readonly devices: number;
  readonly isConcurrent: boolean;
}

/** One measure of an arm as a baseline; null when nothing was counted. */
export function baselineCounts(
  arm: ArmEvidence | null | undefined,
  measure: string,
  isConcurrent: boolean,
): BaselineCounts | null {
  const rows = arm ? wholeTallies(arm, measure) : undefined;
  if (!arm || rows === undefined || rows.live === 0) return null;
  // One device of stable that claims a thousand million good inferences must not be the baseline.
  const quiet = rows.withoutLoud()?.rows ?? rows;
  return { arm, whole: quiet.all, devices: quiet.live, isConcurrent };
}

export function sourceOf({ isConcurrent }: BaselineCounts): BaselineSource {
  return isConcurrent ? 'beside' : 'earlier';
}

export function isThick(baseline: BaselineCounts | null, candidateTrials: number): boolean {
  if (baseline === null) return false;
  return baseline.whole.reports >= LEAST_CLUSTERS && baseline.whole.trials >= THINNEST_BASELINE * candidateTrials;
}

/** The concurrent baseline first; the one before it was gone next. */
export function chooseBaseline(question: StageQuestion, measure: string, trials: number): BaselineCounts | null {
  const concurrent = baselineCounts(question.baseline, measure, true);
  if (isThick(concurrent, trials)) return concurrent;
  return baselineCounts(question.earlierBaseline, measure, false) ?? concurrent;
}

/** How far the measure's events came in bursts on stable before anything rolled. */
function leastEffectOf({ history }: StageQuestion, measure: string, { kind }: CountedLimit): number {
  // Bad events that have not come yet can only make look well what must stay below its limit.
  const isUpper = kind === 'rate' || kind === 'relative';
  return history && isUpper ? burstEffect(wholeTallies(history, measure)) : 1;
}

/** The counts of one measure, as judges of counts want them. */
export function evidenceOf(
  question: StageQuestion,
  measure: string,
  limit: CountedLimit,
  baseline: { readonly measure: string; readonly counts: BaselineCounts } | null,
): CountedEvidence {
  const index = newestWindow(question.candidate);
  const beside = baseline?.counts.isConcurrent ? windowTallies(baseline.counts.arm, baseline.measure, index) : NO_ROWS;
  return {
    limit,
    whole: wholeTallies(question.candidate, measure) ?? NO_ROWS,
    baseline: baseline?.counts.whole ?? null,
    leastEffect: leastEffectOf(question, measure, limit),
    window: {
      index,
      devices: windowTallies(question.candidate, measure, index),
      baseline: beside.live === 0 ? null : beside.all,
    },
  };
}
