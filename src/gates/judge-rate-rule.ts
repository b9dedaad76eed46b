// Owns what one set of counts says of its limit: rates, and quantiles by how many values exceed the limit.

import { WINDOW_INTERVALS } from '../telemetry/window.ts';
import type { RuleReason } from './rule-reason.ts';
import type { Needs } from './rule-verdict.ts';
import type { StageQuestion } from './stage-question.ts';
import { anyDeviceVerdict } from './statistics/any-device-verdict.ts';
import { priorWeight, rateBounds } from './statistics/e-process.ts';
import { heldBackVerdict, type OwnPasts } from './statistics/held-back.ts';
import { windowWeight, withWindow } from './statistics/late-regression.ts';
import { leastRateVerdict, leastRelativeVerdict } from './statistics/least-rate-verdict.ts';
import {
  type OpenReason,
  openReading,
  type RateOptions,
  type RateReading,
  rateVerdict,
  type Verdict,
  verdictOf,
} from './statistics/rate-verdict.ts';
import { LEAST_CLUSTERS, scaleTally, type Tally } from './statistics/tally.ts';
import type { TallyRows } from './statistics/tally-rows.ts';

/** What to hold the counts against. */
export type CountedLimit =
  | { readonly kind: 'rate'; readonly threshold: number }
  | { readonly kind: 'relative'; readonly ratio: number; readonly floor: number }
  /** The rate must be above it. */
  | { readonly kind: 'least'; readonly threshold: number }
  | { readonly kind: 'least-relative'; readonly ratio: number };

/** The counts of one rule: the candidate's by device, the baseline's as one. */
export interface Counts {
  readonly limit: CountedLimit;
  readonly whole: TallyRows;
  readonly baseline: Tally | null;
  /** What the candidate's devices themselves did under stable; a fail for too little must hold against that too. */
  readonly own?: Tally | null;
  /** What the devices of both arms did before, where those on stable are few: a fail must hold beyond how unlike they were. */
  readonly pasts?: OwnPasts | null;
  /** Least design effect of a pass: stable's bursts, which the candidate may not have met yet. */
  readonly leastEffect: number;
  /** The current tumbling window: its number and its counts. */
  readonly window: { readonly index: number; readonly devices: TallyRows; readonly baseline: Tally | null };
}

export interface CountedVerdict {
  readonly verdict: Verdict;
  readonly reading: RateReading;
  readonly reason: RuleReason | null;
  readonly needs: Needs | null;
}

export interface ErrorLevels {
  readonly alpha: number;
  readonly beta: number;
  /** `fleet`: the devices are a sample of it; `stage` unless given. */
  readonly scope?: 'stage' | 'fleet';
}

/** Limits at or beyond the ends of 0..1 leave nothing to estimate: one bad event breaks 0, nothing breaks 1. */
function exactReading(devices: TallyRows, threshold: number): RateReading {
  const { all } = devices;
  const isWithin = all.trials > 0 && (threshold >= 1 || all.bad === 0);
  const isBroken = threshold <= 0 && all.bad > 0;
  const pFail = isBroken ? 0 : 1;
  return {
    ...openReading(devices),
    verdict: isBroken ? 'fail' : isWithin ? 'pass' : 'undecided',
    designEffect: 1,
    isWithin,
    ...{ pFail, pFailAll: pFail, pPass: isWithin ? 0 : 1 },
    reason: all.trials > 0 ? null : 'no-data',
  };
}

function read(
  { limit, pasts = null }: Pick<Counts, 'limit' | 'pasts'>,
  devices: TallyRows,
  baseline: Tally | null,
  options: RateOptions,
): BothReading {
  if (limit.kind === 'relative') {
    return heldBackVerdict(devices, baseline, limit.ratio, pasts, { ...options, floor: limit.floor });
  }
  if (limit.kind === 'least-relative') return leastRelativeVerdict(devices, baseline, limit.ratio, options);
  if (limit.kind === 'least') return leastRateVerdict(devices, limit.threshold, options);
  if (limit.threshold <= 0 || limit.threshold >= 1) return exactReading(devices, limit.threshold);
  return rateVerdict(devices, limit.threshold, options);
}

/** So many of the events must have been due in the devices' own past for their absence there to say something. */
const TELLING_EVENTS = 10;

/** Would the devices' own past show it, if they were like the devices of the baseline? */
function isTelling(own: Tally, baseline: Tally | null): boolean {
  if (own.reports < LEAST_CLUSTERS) return false;
  if (baseline === null || baseline.trials === 0) return true;
  return (baseline.bad / baseline.trials) * own.trials >= TELLING_EVENTS;
}

interface BothReading extends RateReading {
  /** Proven against the baseline, and not against the devices' own past. */
  readonly isLikeOwnPast?: boolean;
}

/** The reading with the weaker of two proofs: against the baseline, and against the devices' own past. */
function readBoth(
  counts: Counts,
  devices: TallyRows,
  levels: ErrorLevels & RateOptions,
  baseline: Tally | null,
): BothReading {
  const { limit, own = null, leastEffect } = counts;
  const beside = read(counts, devices, baseline, { ...levels, leastDesignEffect: leastEffect });
  if (limit.kind !== 'least-relative' || own === null || !isTelling(own, counts.baseline)) return beside;
  if (baseline === null || baseline.trials === 0) return read({ limit }, devices, own, levels);
  // Only how sure it is counts: who stands out is named beside the baseline.
  const before = read({ limit }, devices, own, { ...levels, nameWorst: false });
  // The own past only guards against a canary unlike the fleet: for that the stage's error level will do, undivided.
  if (before.pFail <= levels.beta) return beside;
  const p = {
    pFail: Math.max(beside.pFail, before.pFail),
    pFailAll: Math.max(beside.pFailAll, before.pFailAll),
    pPass: beside.pPass,
  };
  const outcome = verdictOf(p, levels);
  const isLikeOwnPast = outcome.verdict === 'undecided' && beside.pFail <= levels.alpha;
  return { ...beside, ...p, ...outcome, isLikeOwnPast };
}

/** Would it pass, had stable shown no bursts? */
function isHeldByBursts(counts: Counts, levels: ErrorLevels, reading: RateReading): boolean {
  if (!reading.isWithin || counts.leastEffect <= 1) return false;
  const { whole, baseline } = counts;
  const calm = readBoth({ ...counts, leastEffect: 1 }, whole, { ...levels, nameWorst: false }, baseline);
  return calm.pPass <= levels.beta;
}

/** The reading with the design effect that its bounds are shown at: what is not proven broken may still burst. */
function asShown(reading: RateReading, { leastEffect }: Counts): RateReading {
  return { ...reading, designEffect: Math.max(leastEffect, reading.designEffect) };
}

/** The whole stage and its current tumbling window as one verdict. */
export function readCounts(counts: Counts, levels: ErrorLevels & RateOptions, question: StageQuestion): CountedVerdict {
  const { whole, baseline, window } = counts;
  const reading = readBoth(counts, whole, levels, baseline);
  const late = readBoth(counts, window.devices, { ...levels, nameWorst: false }, window.baseline);
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
    const shown = outcome.verdict === 'fail' ? reading : asShown(reading, counts);
    const { bad, trials } = window.devices.all;
    return {
      verdict: outcome.verdict,
      reading: shown,
      reason: isLate ? { kind: 'late', bad, trials } : null,
      needs: null,
    };
  }
  const reason = openReason(reading, outcome.reason, () => isHeldByBursts(counts, levels, reading), counts.leastEffect);
  return { verdict: 'undecided', reading: asShown(reading, counts), reason, needs: null };
}

function openReason(
  reading: BothReading,
  ofBoth: OpenReason | null,
  isHeldByBursts: () => boolean,
  effect: number,
): RuleReason {
  if (reading.isLikeOwnPast === true) return { kind: 'own-past' };
  const kind = reading.reason ?? ofBoth;
  if (kind !== null) return { kind };
  return isHeldByBursts() ? { kind: 'bursts', effect } : { kind: 'too-little', within: reading.isWithin };
}

/** Each device alone against an absolute limit: how many surely breach it, and are the others observed within? */
export function judgeAnyDevice(
  { limit, whole, baseline }: Counts,
  levels: ErrorLevels,
  { share = 0, rows = 0 }: { readonly share?: number | undefined; readonly rows?: number } = {},
): CountedVerdict {
  const together = read({ limit }, whole, baseline, { ...levels, dropWorst: false });
  if (limit.kind !== 'rate' || limit.threshold <= 0 || limit.threshold >= 1) {
    return { verdict: 'undecided', reading: together, reason: { kind: 'no-single-device-limit' }, needs: null };
  }
  const found = anyDeviceVerdict(whole, limit.threshold, { alpha: levels.alpha, share, rows });
  const { verdict, isWithin, pFail, worst, mayBreach, breaching, total } = found;
  const outstanding = worst ?? whole.largestExcess(limit.threshold) ?? null;
  const reading = { ...together, verdict, isWithin, pFail, worst: outstanding };
  const open = (): RuleReason | null => {
    if (whole.live === 0) return { kind: 'no-data' };
    return isWithin ? null : { kind: 'devices-open', mayBreach, total };
  };
  const breach = (): RuleReason | null => {
    if (worst === null) return null;
    const { device, bad, trials } = worst;
    return { kind: 'device-breach', device, bad, trials, breaching, mayBreach, total };
  };
  return { verdict, reading, reason: verdict === 'fail' ? breach() : open(), needs: null };
}

const MOST_DOUBLINGS = 16;
const BISECTIONS = 8;

/** How many times as much of the same would decide: all counts are scaled alike until a p-value is small enough. Null when none does. */
export function timesToDecide(counts: Counts, levels: ErrorLevels, side: 'pass' | 'fail'): number | null {
  const { whole, baseline } = counts;
  const isDecided = (scale: number): boolean => {
    const beside = baseline === null ? null : scaleTally(baseline, scale);
    const then = readBoth(counts, whole.scaled(scale), { ...levels, nameWorst: false }, beside);
    return side === 'pass' ? then.pPass <= levels.beta : withWindow(then.pFail, 1, 1) <= levels.alpha;
  };
  return timesUntil(isDecided);
}

/** The least scale, above 1, at which a question turns true; null when none does. */
export function timesUntil(isDecided: (scale: number) => boolean): number | null {
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
  return enough;
}

export interface Bounds {
  readonly lower: number | null;
  readonly upper: number | null;
}

/** Bounds of the candidate's rate for display; null without data. */
export function boundsOf(all: Tally, effect: number, limitRate: number, alpha: number): Bounds {
  if (all.trials === 0) return { lower: null, upper: null };
  const prior = priorWeight(Math.min(0.5, Math.max(1e-6, limitRate)));
  const [lower, upper] = rateBounds(all.bad / effect, all.trials / effect, prior, alpha);
  return { lower, upper };
}
