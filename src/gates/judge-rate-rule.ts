// Owns the verdict on one rule that is counted: rates, and quantiles by how many values exceed the limit.
import { priorWeight, rateBounds } from './e-process.ts';
import { WINDOW_INTERVALS, windowWeight, withWindow } from './late-regression.ts';
import { type RateOptions, type RateReading, rateVerdict, type Verdict, verdictOf } from './rate-verdict.ts';
import { relativeRateVerdict } from './relative-rate-verdict.ts';
import type { NamedTally, StageQuestion } from './stage-question.ts';
import { EMPTY_TALLY, mergeTallies, scaleTally, type Tally } from './tally.ts';

/** What to hold the counts against. */
export type CountedLimit =
  | { readonly kind: 'rate'; readonly threshold: number }
  | { readonly kind: 'relative'; readonly ratio: number; readonly floor: number };

/** The counts of one rule: the candidate's by device, the baseline's as one. */
export interface CountedEvidence {
  readonly limit: CountedLimit;
  readonly whole: readonly NamedTally[];
  readonly baseline: Tally | null;
  /** The current tumbling window: its number and its counts. */
  readonly window: { readonly index: number; readonly devices: readonly NamedTally[]; readonly baseline: Tally | null };
}

export interface CountedVerdict {
  readonly verdict: Verdict;
  readonly reading: RateReading<NamedTally>;
  readonly reason: string;
  readonly needs: { readonly trials: number; readonly minutes: number | null } | null;
}

export interface ErrorLevels {
  readonly alpha: number;
  readonly beta: number;
}

/** Limits at or beyond the ends of 0..1 leave nothing to estimate: one bad event breaks 0, nothing breaks 1. */
function exactReading(devices: readonly NamedTally[], threshold: number): RateReading<NamedTally> {
  const live = devices.filter((device) => device.trials > 0);
  const all = mergeTallies(live);
  const isWithin = all.trials > 0 && (threshold >= 1 || all.bad === 0);
  const isBroken = threshold <= 0 && all.bad > 0;
  return {
    verdict: isBroken ? 'fail' : isWithin ? 'pass' : 'undecided',
    estimate: all.trials > 0 ? all.bad / all.trials : null,
    trials: all.trials,
    devices: live.length,
    designEffect: 1,
    isWithin,
    pFail: isBroken ? 0 : 1,
    pPass: isWithin ? 0 : 1,
    pFailAll: isBroken ? 0 : 1,
    worst: null,
    reason: all.trials > 0 ? '' : 'no data',
  };
}

function read(
  limit: CountedLimit,
  devices: readonly NamedTally[],
  baseline: Tally | null,
  options: RateOptions,
): RateReading<NamedTally> {
  if (limit.kind === 'relative') {
    return relativeRateVerdict(devices, baseline, limit.ratio, { ...options, floor: limit.floor });
  }
  if (limit.threshold <= 0 || limit.threshold >= 1) return exactReading(devices, limit.threshold);
  return rateVerdict(devices, limit.threshold, options);
}

const LATE = 'the newest intervals alone breach the limit; over the whole stage it does not show yet';

/** The whole stage and its current tumbling window as one verdict. */
export function judgeCounts(evidence: CountedEvidence, levels: ErrorLevels, question: StageQuestion): CountedVerdict {
  const { limit, whole, baseline, window } = evidence;
  const reading = read(limit, whole, baseline, levels);
  const late = read(limit, window.devices, window.baseline, levels);
  const windows =
    question.deadlineMs === null ? null : Math.ceil(question.deadlineMs / (WINDOW_INTERVALS * question.intervalMs));
  const weight = windowWeight(window.index, windows);
  const p = {
    pFail: withWindow(reading.pFail, late.pFail, weight),
    pFailAll: withWindow(reading.pFailAll, late.pFailAll, weight),
    pPass: reading.pPass,
  };
  const outcome = verdictOf(p, levels);
  if (outcome.verdict !== 'undecided') {
    const isLate = outcome.verdict === 'fail' && withWindow(reading.pFail, 1, 1) > levels.alpha;
    return { verdict: outcome.verdict, reading, reason: isLate ? LATE : '', needs: null };
  }
  const side = reading.isWithin ? 'within' : 'over';
  const reason = reading.reason || outcome.reason || `too little evidence ${side} the limit`;
  return { verdict: 'undecided', reading, reason, needs: needsOf(evidence, levels, reading, question.perMinute) };
}

const MOST_DOUBLINGS = 16;
const BISECTIONS = 8;

/** How much more of the same would decide: all counts are scaled alike until a p-value is small enough. */
function needsOf(
  evidence: CountedEvidence,
  levels: ErrorLevels,
  reading: RateReading<NamedTally>,
  perMinute: number | null,
): CountedVerdict['needs'] {
  const { limit, whole, baseline } = evidence;
  if (reading.trials === 0) return null;
  const isDecided = (scale: number): boolean => {
    const scaled = whole.map((tally) => ({ device: tally.device, ...scaleTally(tally, scale) }));
    const then = read(limit, scaled, baseline === null ? null : scaleTally(baseline, scale), levels);
    return reading.isWithin ? then.pPass <= levels.beta : withWindow(then.pFail, 1, 1) <= levels.alpha;
  };
  let enough = 2;
  for (let i = 0; !isDecided(enough); i++) {
    if (i === MOST_DOUBLINGS) return null;
    enough *= 2;
  }
  let short = enough / 2;
  for (let i = 0; i < BISECTIONS; i++) {
    const middle = (short + enough) / 2;
    if (isDecided(middle)) enough = middle;
    else short = middle;
  }
  const trials = Math.ceil((enough - 1) * reading.trials);
  return { trials, minutes: perMinute !== null && perMinute > 0 ? Math.ceil(trials / perMinute) : null };
}

/** Bounds of the candidate's rate for display; null without data. */
export function boundsOf(
  whole: readonly Tally[],
  effect: number,
  limitRate: number,
  alpha: number,
): readonly [number, number] | null {
  const all = mergeTallies(whole);
  if (all.trials === 0) return null;
  const prior = priorWeight(Math.min(0.5, Math.max(1e-6, limitRate)));
  return rateBounds(all.bad / effect, all.trials / effect, prior, alpha);
}

/** The sums that the verdict can be worked out from again. */
export function sumsOf(evidence: CountedEvidence, worst: NamedTally | null) {
  const plain = (tally: Tally): Tally => mergeTallies([tally]);
  return {
    kind: 'rate',
    candidate: mergeTallies(evidence.whole),
    worst: worst === null ? null : plain(worst),
    window: evidence.window.devices.length === 0 ? EMPTY_TALLY : mergeTallies(evidence.window.devices),
    baseline: evidence.baseline,
  } as const;
}
