// Owns rules over a gauge of each device: who is beyond the limit for too long, and whether too many are.
import { formatDuration } from '../contract/duration.ts';
import { blankVerdict } from './blank-verdict.ts';
import { pFail, pPass } from './e-process.ts';
import { type GaugeTerms, gaugeTermsOf } from './gauge-terms.ts';
import type { ErrorLevels } from './judge-rate-rule.ts';
import { ONE_DEVICE, type Verdict } from './rate-verdict.ts';
import type { BaselineSource, RuleVerdict } from './rule-verdict.ts';
import { type DeviceCounts, shareVerdict } from './share-verdict.ts';
import type { ArmEvidence, DeviceGaugeState, StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';

/** So many of the devices may breach a gauge's limit unless the rule says otherwise: a fan fails, a battery ages. */
const DEFAULT_SHARE = 0.1;
/** With so many devices or more, one alone never condemns the version. */
const LEAST_DEVICES_TO_SPARE_ONE = 3;
/** A device's mean says something after so many reports; a version is loaded once. */
const LEAST_REPORTS = 4;
const HALF = 0.5;

/** One gauge on the devices that report it. */
interface Followed {
  readonly place: number;
  readonly devices: ReadonlyMap<string, readonly DeviceGaugeState[]>;
}

function followedBy({ gauges }: ArmEvidence, { gauge, limit, bad }: GaugeTerms): Followed | undefined {
  if (gauges === undefined) return undefined;
  const place = gauges.specs.findIndex((one) => one.gauge === gauge && one.limit === limit && one.bad === bad);
  return place < 0 ? undefined : { place, devices: gauges.devices };
}

type Standing = 'bad' | 'good' | 'pending';

/** Beyond its limit for so long; not for now, after having been watched for so long; or neither yet. */
function standingOf({ longestMs, spans }: DeviceGaugeState, forMs: number): Standing {
  const last = spans.at(-1);
  if (longestMs > 0 && longestMs >= forMs) return 'bad';
  const watchedMs = last === undefined ? 0 : last.toMs - (spans[0]?.fromMs ?? last.toMs);
  return last?.isBeyond === true || watchedMs < forMs ? 'pending' : 'good';
}

function meanOf(total: { readonly total: number; readonly weight: number } | undefined): number | null {
  return total === undefined || total.weight === 0 ? null : total.total / total.weight;
}

interface Standings {
  readonly counts: DeviceCounts;
  readonly devices: number;
  /** The device that was beyond the limit longest, of several the first by name; null when none was. */
  readonly longest: string | null;
}

function countStandings({ place, devices }: Followed, standing: (one: DeviceGaugeState) => Standing): Standings {
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
  readonly reason: string;
}

/** Exact: the devices that report the gauge are the whole. */
function weighDevices({ scope, share }: StageRule, counts: DeviceCounts, question: StageQuestion): Weighed {
  const total = counts.bad + counts.good + counts.pending;
  const allowed = scope === 'any-device' ? 0 : (share ?? DEFAULT_SHARE);
  const { verdict, isWithin } = shareVerdict(counts, allowed, true);
  const sparesOne = scope !== 'any-device' && share === undefined && total >= LEAST_DEVICES_TO_SPARE_ONE;
  if (verdict === 'fail' && counts.bad === 1 && sparesOne)
    return { verdict: 'undecided', isWithin: false, reason: ONE_DEVICE };
  const wanted = Math.min(question.minimum.devices, question.candidate.names.length);
  if (verdict === 'pass' && total < wanted) {
    return { verdict: 'undecided', isWithin, reason: `only ${total} of the stage's devices report it` };
  }
  return { verdict, isWithin, reason: '' };
}

/** `3 of 20 devices above it for 5 min`. */
function inWords({ bad, good, pending }: DeviceCounts, { bad: side }: GaugeTerms, forMs: number): string {
  const time = forMs === 0 ? '' : ` for ${formatDuration(forMs)}`;
  const open = pending === 0 ? '' : `, ${pending} not known yet`;
  return `${bad} of ${bad + good + pending} devices ${side} it${time}${open}`;
}

function judgeAbsolute(asked: StageRule, terms: GaugeTerms & { limit: number }, question: StageQuestion): RuleVerdict {
  const followed = followedBy(question.candidate, terms);
  if (followed === undefined) return blankVerdict(asked, 'this window does not follow the gauge');
  const { sustainedMs = 0 } = asked.rule;
  const { counts, devices, longest } = countStandings(followed, (state) => standingOf(state, sustainedMs));
  if (devices === 0) return blankVerdict(asked, 'no device of the stage reports it');
  const { verdict, isWithin, reason } = weighDevices(asked, counts, question);
  const mean = meanOf(question.candidate.summary.gauges?.get(terms.gauge));
  const told = [inWords(counts, terms, sustainedMs), ...(reason === '' ? [] : [reason])].join('; ');
  return {
    ...blankVerdict(asked, told),
    verdict,
    within: isWithin,
    estimate: mean,
    limit: terms.limit,
    trials: devices,
    devices,
    worstDevice: counts.bad > 0 ? longest : null,
    sums: { kind: 'gauge', ...counts, mean },
  };
}

interface GaugeBaseline {
  readonly mean: number;
  readonly from: BaselineSource;
  readonly devices: number;
}

function baselineOf({ baseline, earlierBaseline }: StageQuestion, gauge: string): GaugeBaseline | null {
  for (const [arm, from] of [
    [baseline, 'beside'],
    [earlierBaseline, 'earlier'],
  ] as const) {
    const mean = meanOf(arm?.summary.gauges?.get(gauge));
    if (arm && mean !== null && mean > 0) return { mean, from, devices: arm.names.length };
  }
  return null;
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
  if (known === 0) return { verdict: 'undecided', isWithin, reason: 'too few reports of each device' };
  if (pFail(bad, known, allowed) <= levels.alpha) return { verdict: 'fail', isWithin, reason: '' };
  const isClean = bad === 0 && pending === 0 && known >= least;
  if (isClean || pPass(bad, known, allowed) <= levels.beta) return { verdict: 'pass', isWithin, reason: '' };
  return { verdict: 'undecided', isWithin, reason: `${known} devices are too few to tell` };
}

function judgeRelative(asked: StageRule, terms: GaugeTerms, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const { limit } = asked.rule;
  const followed = followedBy(question.candidate, terms);
  if (limit.kind !== 'baseline' || followed === undefined)
    return blankVerdict(asked, 'this window does not follow the gauge');
  const baseline = baselineOf(question, terms.gauge);
  if (baseline === null) return blankVerdict(asked, 'no baseline: stable does not report it');
  const allowedMean = Math.max(limit.factor * baseline.mean, limit.floor ?? 0);
  const leastReports = terms.gauge === 'load_time' ? 1 : LEAST_REPORTS;
  const { counts, devices } = countStandings(followed, (state) => {
    if (state.reports < leastReports) return 'pending';
    const mean = state.total / state.weight;
    return (terms.bad === 'above' ? mean > allowedMean : mean < allowedMean) ? 'bad' : 'good';
  });
  if (devices === 0) return blankVerdict(asked, 'no device of the stage reports it');
  const { verdict, isWithin, reason } = weighMeans(counts, asked.share ?? HALF, levels, question.minimum.devices);
  const mean = meanOf(question.candidate.summary.gauges?.get(terms.gauge));
  const told = [inWords(counts, terms, 0), ...(reason === '' ? [] : [reason])].join('; ');
  return {
    ...blankVerdict(asked, told),
    verdict,
    within: isWithin,
    estimate: mean,
    limit: allowedMean,
    baseline: { estimate: baseline.mean, devices: baseline.devices, from: baseline.from },
    trials: devices,
    devices,
    sums: { kind: 'gauge', ...counts, mean },
  };
}

/** cpu, memory, temperature, …: absolute limits by each device's own time beyond them, relative ones by each device's mean. */
export function judgeGauge(asked: StageRule, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const terms = gaugeTermsOf(asked.rule);
  if (terms === undefined) return blankVerdict(asked, 'this window does not follow the gauge');
  const { limit } = terms;
  return limit === null
    ? judgeRelative(asked, terms, levels, question)
    : judgeAbsolute(asked, { ...terms, limit }, question);
}
