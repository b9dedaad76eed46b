// Owns the verdict on one rule that is counted: of all devices, and without those that claim far more than the others of their arm.
import { type CountedVerdict, type Counts, type ErrorLevels, readCounts, timesToDecide } from './judge-rate-rule.ts';
import type { OutlierReason, RuleReason } from './rule-reason.ts';
import type { RateSums } from './rule-verdict.ts';
import type { StageQuestion } from './stage-question.ts';
import { type LoudRow, louder } from './statistics/loud-rows.ts';
import type { RateReading } from './statistics/rate-verdict.ts';
import type { Tally } from './statistics/tally.ts';
import type { NamedTally } from './statistics/tally-rows.ts';

/** The same counts without the loud devices of either arm, and the loudest of each. */
export interface QuietCounts extends Counts {
  readonly loudest: LoudRow | null;
  readonly loudestOfStable: LoudRow | null;
}

/** The counts of all devices; and those of the quiet ones, where others are loud. */
export interface CountedEvidence extends Counts {
  readonly quiet: QuietCounts | null;
}

/**
 * All of the candidate against the quiet of stable: what a fail must hold against as well, so that no device of stable makes it. That
 * the candidate's own loud ones count is sound only because a fail must hold against all of stable, too: a fleet where gateways err
 * more has them on both sides.
 */
function besideTheQuiet(evidence: CountedEvidence, { limit, baseline, own = null, window }: QuietCounts): Counts {
  return { ...evidence, limit, baseline, own, window: { ...evidence.window, baseline: window.baseline } };
}

export function outlierReason(
  byAll: OutlierReason['byAll'],
  { device, times }: LoudRow,
  areOthersOver = false,
): OutlierReason {
  return { kind: 'outlier', byAll, device, times, areOthersOver };
}

/** Why what all say does not decide. */
function loudReason(byAll: CountedVerdict, quiet: QuietCounts, others: CountedVerdict): RuleReason | null {
  const { loudest, loudestOfStable } = quiet;
  const loud = louder(loudest, loudestOfStable);
  if (byAll.verdict === 'fail' && loud !== null) return outlierReason('fail', loudestOfStable ?? loud);
  const { isWithin, estimate } = others.reading;
  if (loud === null || !byAll.reading.isWithin || (byAll.verdict !== 'pass' && isWithin)) return byAll.reason;
  return outlierReason(byAll.verdict === 'pass' ? 'pass' : 'within', loud, !isWithin && estimate !== null);
}

/**
 * What one device says of itself neither passes nor fails a stage. With loud devices about, a pass must hold for all against all and for
 * the quiet against the quiet; a fail for all against all, and against the quiet of stable (under `scope: fleet` for the quiet alone).
 */
export function weighCounts(evidence: CountedEvidence, levels: ErrorLevels, question: StageQuestion): CountedVerdict {
  const byAll = readCounts(evidence, levels, question);
  const { quiet } = evidence;
  if (quiet === null) return byAll;
  const plain = { ...levels, nameWorst: false };
  const others = readCounts(quiet, plain, question);
  const reading = { ...byAll.reading, isWithin: byAll.reading.isWithin && others.reading.isWithin };
  // Seen as a sample of the fleet no device is left out for a fail, and one that claims most of all makes the sample its own.
  const besides =
    byAll.verdict !== 'fail' || levels.scope === 'fleet'
      ? others
      : readCounts(besideTheQuiet(evidence, quiet), plain, question);
  const holds = byAll.verdict === besides.verdict;
  if (holds && byAll.verdict !== 'undecided') return { ...byAll, reading };
  return { verdict: 'undecided', reading, reason: loudReason(byAll, quiet, others), needs: null };
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
  const { quiet } = evidence;
  const side = reading.isWithin ? 'pass' : 'fail';
  const isOfQuiet = side === 'pass' || levels.scope === 'fleet';
  const besides = quiet === null ? [] : [isOfQuiet ? quiet : besideTheQuiet(evidence, quiet)];
  let times = 1;
  for (const counts of [evidence, ...besides]) {
    const own = timesToDecide(counts, levels, side);
    if (own === null) return null;
    times = Math.max(times, own);
  }
  const trials = Math.ceil((times - 1) * reading.trials);
  return { trials, minutes: perMinute !== null && perMinute > 0 ? Math.ceil(trials / perMinute) : null };
}

function unnamed({ device: _, ...tally }: NamedTally): Tally {
  return tally;
}

/** The sums that the verdict can be worked out from again. */
export function sumsOf(
  { whole, window, baseline, leastEffect, quiet }: CountedEvidence,
  worst: NamedTally | null,
): RateSums {
  return {
    candidate: whole.all,
    worst: worst === null ? null : unnamed(worst),
    window: window.devices.all,
    baseline,
    leastEffect,
    quiet: quiet === null ? null : { candidate: quiet.whole.all, baseline: quiet.baseline },
  };
}
