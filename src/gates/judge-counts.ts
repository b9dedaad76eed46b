// Owns the verdict on one rule that is counted: of all devices, and without those that claim far more than the others of their arm.
import { type BlankVerdict, blankVerdict } from './blank-verdict.ts';
import { type CountedVerdict, type Counts, type ErrorLevels, readCounts, timesToDecide } from './judge-rate-rule.ts';
import type { OutlierReason, RuleReason } from './rule-reason.ts';
import type { RateSums } from './rule-verdict.ts';
import type { StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import { furtherOutlier, type OutlierRow } from './statistics/outlier-rows.ts';
import type { RateReading } from './statistics/rate-verdict.ts';
import type { Tally } from './statistics/tally.ts';
import type { NamedTally } from './statistics/tally-rows.ts';

/** The same counts without the outliers of either arm, and the furthest of each. */
export interface InlierCounts extends Counts {
  readonly outlier: OutlierRow | null;
  readonly outlierOfStable: OutlierRow | null;
}

/** The counts of all devices; and those of the inliers, where there are outliers. */
export interface CountedEvidence extends Counts {
  readonly inliers: InlierCounts | null;
}

/**
 * All of the candidate against the inliers of stable: what a fail must hold against as well, so that no device of stable makes it. That
 * the candidate's own outliers count is sound only because a fail must hold against all of stable, too: a fleet where gateways err
 * more has them on both sides.
 */
function besideInliers(evidence: CountedEvidence, { limit, baseline, own = null, window }: InlierCounts): Counts {
  return { ...evidence, limit, baseline, own, window: { ...evidence.window, baseline: window.baseline } };
}

export function outlierReason(
  byAll: OutlierReason['byAll'],
  { device, times }: OutlierRow,
  areOthersOver = false,
): OutlierReason {
  return { kind: 'outlier', byAll, device, times, areOthersOver };
}

/** Why what all say does not decide. */
function reasonOfAll(byAll: CountedVerdict, inliers: InlierCounts, others: CountedVerdict): RuleReason | null {
  const { outlier, outlierOfStable } = inliers;
  const furthest = furtherOutlier(outlier, outlierOfStable);
  if (byAll.verdict === 'fail' && furthest !== null) return outlierReason('fail', outlierOfStable ?? furthest);
  const { isWithin, estimate } = others.reading;
  if (furthest === null || !byAll.reading.isWithin || (byAll.verdict !== 'pass' && isWithin)) return byAll.reason;
  return outlierReason(byAll.verdict === 'pass' ? 'pass' : 'within', furthest, !isWithin && estimate !== null);
}

/**
 * What one device says of itself neither passes nor fails a stage. With outliers about, a pass must hold for all against all and for
 * the inliers against the inliers; a fail for all against all, and against the inliers of stable (under `scope: fleet` for the inliers alone).
 */
export function weighCounts(evidence: CountedEvidence, levels: ErrorLevels, question: StageQuestion): CountedVerdict {
  const byAll = readCounts(evidence, levels, question);
  const { inliers } = evidence;
  if (inliers === null) return byAll;
  const plain = { ...levels, nameWorst: false };
  const others = readCounts(inliers, plain, question);
  const reading = { ...byAll.reading, isWithin: byAll.reading.isWithin && others.reading.isWithin };
  // Seen as a sample of the fleet no device is left out for a fail, and one that claims most of all makes the sample its own.
  const besides =
    byAll.verdict !== 'fail' || levels.scope === 'fleet'
      ? others
      : readCounts(besideInliers(evidence, inliers), plain, question);
  const holds = byAll.verdict === besides.verdict;
  if (holds && byAll.verdict !== 'undecided') return { ...byAll, reading };
  return { verdict: 'undecided', reading, reason: reasonOfAll(byAll, inliers, others), needs: null };
}

/** The same with what is missing for a decision, which takes some more work. */
export function judgeCounts(evidence: CountedEvidence, levels: ErrorLevels, question: StageQuestion): CountedVerdict {
  const counted = weighCounts(evidence, levels, question);
  if (counted.verdict !== 'undecided') return counted;
  return { ...counted, needs: needsOf(evidence, levels, counted.reading, question.perMinute) };
}

/** How much more of the same would decide, by all and by whatever it must hold for besides. */
export function needsOf(
  evidence: CountedEvidence,
  levels: ErrorLevels,
  reading: RateReading,
  perMinute: number | null,
): CountedVerdict['needs'] {
  if (reading.trials === 0) return null;
  const { inliers } = evidence;
  const side = reading.isWithin ? 'pass' : 'fail';
  const isOfInliers = side === 'pass' || levels.scope === 'fleet';
  const besides = inliers === null ? [] : [isOfInliers ? inliers : besideInliers(evidence, inliers)];
  let times = 1;
  for (const counts of [evidence, ...besides]) {
    const own = timesToDecide(counts, levels, side);
    if (own === null) return null;
    times = Math.max(times, own);
  }
  const trials = Math.ceil((times - 1) * reading.trials);
  return { trials, minutes: perMinute !== null && perMinute > 0 ? Math.ceil(trials / perMinute) : null };
}

/** What every counted rule says: its verdict, of how many, and what is missing. */
export function countedFacts(asked: StageRule, counted: CountedVerdict): BlankVerdict {
  const { verdict, reading, reason, needs } = counted;
  const { isWithin: within, trials, devices, worst } = reading;
  return {
    ...blankVerdict(asked, reason),
    ...{ verdict, within, trials, devices, worstDevice: worst?.device ?? null, needs },
  };
}

function unnamed({ device: _, ...tally }: NamedTally): Tally {
  return tally;
}

/** The sums that the verdict can be worked out from again. */
export function sumsOf(
  { whole, window, baseline, pasts = null, leastEffect, inliers }: CountedEvidence,
  worst: NamedTally | null,
): RateSums {
  return {
    candidate: whole.all,
    worst: worst === null ? null : unnamed(worst),
    window: window.devices.all,
    baseline,
    ...(pasts === null ? {} : { pasts }),
    leastEffect,
    inliers: inliers === null ? null : { candidate: inliers.whole.all, baseline: inliers.baseline },
  };
}
