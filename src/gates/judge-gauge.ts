// Owns rules over a gauge of each device: who is beyond the limit for too long, and whether too many are.

import type { GaugeState } from '../telemetry/gauge-tallies.ts';
import { blankVerdict } from './blank-verdict.ts';
import { type GaugeTerms, gaugeTermsOf } from './gauge-terms.ts';
import type { ErrorLevels } from './judge-rate-rule.ts';
import type { RuleReason } from './rule-reason.ts';
import type { BaselineSource, RuleVerdict } from './rule-verdict.ts';
import type { ArmEvidence, StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import { pFail, pPass } from './statistics/e-process.ts';
import { orderStatistic } from './statistics/order-statistic.ts';
import type { Verdict } from './statistics/rate-verdict.ts';
import { type DeviceCounts, shareVerdict, totalOf } from './statistics/share-verdict.ts';

/** So many of the devices may breach a gauge's limit unless the rule says otherwise: a fan fails, a battery ages. */
const DEFAULT_SHARE = 0.1;
/** With so many devices or more, one alone never condemns the version. */
const LEAST_DEVICES_TO_SPARE_ONE = 3;
const LEAST_REPORTS = 4;
const HALF = 0.5;

/** One gauge on the devices that report it. */
interface Followed {
  readonly place: number;
  readonly devices: ReadonlyMap<string, readonly GaugeState[]>;
  /** Too many devices to follow each. */
  readonly isSample: boolean;
}

function followedBy({ gauges }: ArmEvidence, { gauge, limit, bad }: GaugeTerms): Followed | undefined {
  if (gauges === undefined) return undefined;
  const place = gauges.specs.findIndex((one) => one.gauge === gauge && one.limit === limit && one.bad === bad);
  return place < 0 ? undefined : { place, devices: gauges.devices, isSample: gauges.isSample };
}

type Standing = 'bad' | 'good' | 'pending';

/** How long the newest stretch beyond the limit has lasted, 0 when it is over, and how long others did that ended. */
function stretches({ spans, pastMs }: GaugeState): { readonly presentMs: number; readonly endedMs: number } {
  let [fromMs, toMs, isOpen, endedMs] = [0, 0, false, pastMs];
  for (const span of spans) {
    if (!span.isBeyond) {
      if (isOpen) endedMs = Math.max(endedMs, toMs - fromMs);
      isOpen = false;
      continue;
    }
    fromMs = isOpen ? fromMs : span.fromMs;
    toMs = isOpen ? Math.max(toMs, span.toMs) : span.toMs;
    isOpen = true;
  }
  return { presentMs: isOpen ? toMs - fromMs : 0, endedMs };
}

/**
 * Beyond its limit for so long; not, after having been watched for so long; or neither yet. A device that is beyond at the moment may
 * stay so, unless it is one whose gauge went as far and came back before.
 */
function standingOf(state: GaugeState, forMs: number): Standing {
  if (state.longestMs > 0 && state.longestMs >= forMs) return 'bad';
  const { presentMs, endedMs } = stretches(state);
  return presentMs > endedMs || state.watchedMs < forMs ? 'pending' : 'good';
}

/** A device that was beyond its limit for so long is good again once it has been within it for as long. */
function standingNow(state: GaugeState, forMs: number): Standing {
  const standing = standingOf(state, forMs);
  const newest = state.spans.at(-1);
  const isBack = newest !== undefined && !newest.isBeyond && newest.toMs - newest.fromMs >= forMs;
  return standing === 'bad' && isBack ? 'good' : standing;
}

/** A device's mean says something after so many reports; a version is loaded once. */
function leastReportsOf(gauge: string): number {
  return gauge === 'load_time' ? 1 : LEAST_REPORTS;
}

/** Of the devices' own means, so that each weighs once, however much it claims to have measured; null where none says enough. */
function medianOf({ place, devices }: Followed, leastReports: number): number | null {
  const means: number[] = [];
  for (const states of devices.values()) {
    const state = states[place];
    if (state !== undefined && state.weight > 0 && state.reports >= leastReports)
      means.push(state.total / state.weight);
  }
  if (means.length === 0) return null;
  const values = Float64Array.from(means);
  const low = orderStatistic(values, (values.length - 1) >> 1);
  const high = orderStatistic(values, values.length >> 1);
  return low + (high - low) / 2;
}

interface Standings {
  readonly counts: DeviceCounts;
  readonly devices: number;
  /** The device that was beyond the limit longest, of several the first by name; null when none was. */
  readonly longest: string | null;
}

function countStandings({ place, devices }: Followed, standing: (one: GaugeState) => Standing): Standings {
  const counts = { bad: 0, good: 0, pending: 0 };
  let [known, longestMs] = [0, 0];
  let longest: string | null = null;
  for (const [device, states] of devices) {
    const state = states[place];
    if (state === undefined || state.reports === 0) continue;
    known++;
    counts[standing(state)]++;
    if (state.longestMs === 0 || state.longestMs < longestMs) continue;
    if (longest === null || state.longestMs > longestMs || device < longest) longest = device;
    longestMs = state.longestMs;
  }
  return { counts, devices: known, longest };
}

interface Weighed {
  readonly verdict: Verdict;
  readonly isWithin: boolean;
  readonly reason: RuleReason | null;
}

/** Exact: the devices that report the gauge are the whole. */
function weighDevices({ scope, share }: StageRule, counts: DeviceCounts, question: StageQuestion): Weighed {
  const total = totalOf(counts);
  const allowed = scope === 'any-device' ? 0 : (share ?? DEFAULT_SHARE);
  const { verdict, isWithin } = shareVerdict(counts, { limit: allowed, mayReach: true });
  const sparesOne = scope !== 'any-device' && share === undefined && total >= LEAST_DEVICES_TO_SPARE_ONE;
  if (verdict === 'fail' && counts.bad === 1 && sparesOne)
    return { verdict: 'undecided', isWithin: false, reason: { kind: 'one-device' } };
  const wanted = Math.min(question.minimum.devices, question.candidate.names.length);
  if (verdict === 'pass' && total < wanted) {
    return { verdict: 'undecided', isWithin, reason: { kind: 'few-report', devices: total } };
  }
  return { verdict, isWithin, reason: null };
}

function devicesBeyond(
  counts: DeviceCounts,
  { bad: side }: GaugeTerms,
  time: { readonly forMs: number; readonly isSample: boolean },
): RuleReason {
  return { kind: 'devices-beyond', side, bad: counts.bad, pending: counts.pending, total: totalOf(counts), ...time };
}

function judgeAbsolute(asked: StageRule, terms: GaugeTerms & { limit: number }, question: StageQuestion): RuleVerdict {
  const followed = followedBy(question.candidate, terms);
  if (followed === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  const { sustainedMs = 0 } = asked.rule;
  const { counts, devices, longest } = countStandings(followed, (state) => standingOf(state, sustainedMs));
  if (devices === 0) return blankVerdict(asked, { kind: 'not-reported' });
  const { verdict, isWithin, reason } = weighDevices(asked, counts, question);
  const now = countStandings(followed, (state) => standingNow(state, sustainedMs));
  const hasRecovered = verdict === 'fail' && weighDevices(asked, now.counts, question).isWithin;
  const median = medianOf(followed, 1);
  const { isSample } = followed;
  return {
    ...blankVerdict(asked, devicesBeyond(counts, terms, { forMs: sustainedMs, isSample }), reason),
    verdict,
    ...(hasRecovered ? { recovered: true as const } : {}),
    within: isWithin,
    estimate: median,
    limit: terms.limit,
    trials: devices,
    devices,
    worstDevice: counts.bad > 0 ? longest : null,
    kind: 'gauge',
    sums: counts,
  };
}

interface GaugeBaseline {
  /** The median of its devices' own means. */
  readonly typical: number;
  readonly from: BaselineSource;
  readonly devices: number;
}

/** The first arm of stable that says enough, else why there is none. */
function baselineOf({ baseline, earlierBaseline }: StageQuestion, terms: GaugeTerms): GaugeBaseline | RuleReason {
  let reason: RuleReason = { kind: 'no-baseline' };
  for (const [arm, from] of [
    [baseline, 'beside'],
    [earlierBaseline, 'earlier'],
  ] as const) {
    const followed = arm ? followedBy(arm, terms) : undefined;
    if (followed === undefined || followed.devices.size === 0) continue;
    const typical = medianOf(followed, leastReportsOf(terms.gauge));
    if (typical !== null && typical > 0) return { typical, from, devices: followed.devices.size };
    reason = { kind: typical === null ? 'thin-baseline' : 'baseline-not-positive' };
  }
  return reason;
}

/** Devices as trials: is the share of those whose own mean is beyond the limit surely above `allowed`, or surely below? */
function weighMeans(
  { bad, good, pending }: DeviceCounts,
  allowed: number,
  levels: ErrorLevels,
  least: number,
): Weighed {
  const known = bad + good;
  const isWithin = known > 0 && bad < allowed * known;
  if (known === 0) return { verdict: 'undecided', isWithin, reason: { kind: 'thin-reports' } };
  if (pFail(bad, known, allowed) <= levels.alpha) return { verdict: 'fail', isWithin, reason: null };
  const isClean = bad === 0 && pending === 0 && known >= least;
  if (isClean || pPass(bad, known, allowed) <= levels.beta) return { verdict: 'pass', isWithin, reason: null };
  return { verdict: 'undecided', isWithin, reason: { kind: 'too-few-devices' } };
}

function judgeRelative(asked: StageRule, terms: GaugeTerms, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const { limit } = asked.rule;
  const followed = followedBy(question.candidate, terms);
  if (limit.kind !== 'baseline' || followed === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  const baseline = baselineOf(question, terms);
  if ('kind' in baseline) return blankVerdict(asked, baseline);
  const allowedMean = Math.max(limit.factor * baseline.typical, limit.floor ?? 0);
  const leastReports = leastReportsOf(terms.gauge);
  const { counts, devices } = countStandings(followed, (state) => {
    if (state.reports < leastReports) return 'pending';
    const mean = state.total / state.weight;
    return (terms.bad === 'above' ? mean > allowedMean : mean < allowedMean) ? 'bad' : 'good';
  });
  if (devices === 0) return blankVerdict(asked, { kind: 'not-reported' });
  const { verdict, isWithin, reason } = weighMeans(counts, asked.share ?? HALF, levels, question.minimum.devices);
  const median = medianOf(followed, leastReports);
  const { isSample } = followed;
  return {
    ...blankVerdict(asked, devicesBeyond(counts, terms, { forMs: 0, isSample }), reason),
    verdict,
    within: isWithin,
    estimate: median,
    limit: allowedMean,
    baseline: { estimate: baseline.typical, devices: baseline.devices, from: baseline.from },
    trials: devices,
    devices,
    kind: 'gauge',
    sums: counts,
  };
}

/** cpu, memory, temperature, …: absolute limits by each device's own time beyond them, relative ones by each device's mean. */
export function judgeGauge(asked: StageRule, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const terms = gaugeTermsOf(asked.rule);
  if (terms === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  const { limit } = terms;
  return limit === null
    ? judgeRelative(asked, terms, levels, question)
    : judgeAbsolute(asked, { ...terms, limit }, question);
}
