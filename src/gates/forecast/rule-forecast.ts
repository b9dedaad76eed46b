// Owns the forecast of one rule: how many inferences it takes to pass when all is well, and to fail when it is not.
import { assertNever } from '../../base/errors.ts';
import type { MetricKind } from '../../documents/rules/metric-facts.ts';
import type { ParsedRule } from '../../documents/rules/rule-text.ts';
import { SILENT_INTERVALS, WINDOW_INTERVALS } from '../../telemetry/window.ts';
import { LEAST_HOLDING_SHARE, VANISHED_RATIO } from '../judge-classes.ts';
import { shareLimitOf } from '../judge-devices.ts';
import { comesOf } from '../judge-success.ts';
import { metricKind } from '../metric-kind.ts';
import { goodSideOf, type StageRule } from '../stage-rule.ts';
import { pFail, pPass } from '../statistics/e-process.ts';
import { limitOf, mostBad } from '../statistics/share-verdict.ts';
import { LEAST_CLUSTERS } from '../statistics/tally.ts';
import { type DriftPlan, driftIntervals } from './drift-forecast.ts';
import { leastThat, samplesToDecide, withoutFurthest } from './planner.ts';

export interface ForecastQuestion {
  /** Devices of the stage, and those that stay on stable beside it. */
  readonly devices: number;
  readonly others: number;
  /** Inferences of one device in a minute. */
  readonly perMinute: number;
  readonly intervalMs: number;
  /** Error levels of this rule for a fail and for a pass, 0..1. */
  readonly alpha: number;
  readonly beta: number;
  /** How far from its limit the true value of a good candidate is, as a part of the limit (0..1). */
  readonly health: number;
}

/** What it takes to decide at a true value. */
export interface Needed {
  /** The true value: a rate (0..1), or a drift. */
  readonly value: number;
  /** The candidate's inferences; null when no number of them would do. */
  readonly inferences: number | null;
  /** The same in minutes at the asked traffic. */
  readonly minutes: number | null;
}

export type RuleForecast =
  | {
      readonly kind: 'sampled';
      /** What the values are a share of. */
      readonly of: 'inferences' | 'slow-answers' | 'class' | 'drift' | 'loss';
      readonly limit: number;
      readonly pass: Needed;
      readonly fail: Needed;
    }
  /** Devices are counted exactly: how many bad ones the limit bears. `afterMs`: of devices without the version, which are bad from then on. */
  | { readonly kind: 'devices'; readonly limit: number; readonly bears: number; readonly afterMs?: number }
  /** Devices are judged alone: how many may breach; with one more that do, each shows it after its own `fail`. */
  | { readonly kind: 'any-device'; readonly limit: number; readonly bears: number; readonly fail: Needed }
  /** Each device must be watched for so long, whatever the traffic. */
  | { readonly kind: 'sustained'; readonly minutes: number }
  /** `by`: the label of groups that are not known. */
  | { readonly kind: 'unplanned'; readonly why: UnplannedReason; readonly by?: string }
  /** Too few devices of a group, or of every group: neither does it hold the stage, nor see anything. */
  | { readonly kind: 'passed-over' };

/** What the time depends on, or why none is needed. */
export type UnplannedReason =
  | 'class-frequency'
  | ReturnType<typeof comesOf>
  | 'events'
  | 'device-means'
  | 'unknown-groups'
  | 'zero-limit'
  | 'no-relative-limit';

/** A bad candidate is as far beyond its limit as this. */
export const BREACH = 2;
/** How much devices' rates are taken to differ where they are a sample of the fleet: standard deviation over mean. */
const FLEET_SPREAD = 0.5;
/** Classes among which the error level of vanished classes is taken to be divided. */
const WATCHED_CLASSES = 10;
const HEARD_INTERVALS = { reports: SILENT_INTERVALS, answers: WINDOW_INTERVALS };
const HISTOGRAM_BINS = { confidence: 10, class: 16, output: 11, embedding: 10, detections: 10, length: 13 } as const;

type Side = 'within' | 'beyond';
type DriftKind = Extract<MetricKind, { kind: 'drift' }>;

function needed(value: number, inferences: number, { devices, perMinute, intervalMs }: ForecastQuestion): Needed {
  if (!Number.isFinite(inferences)) return { value, inferences: null, minutes: null };
  const traffic = devices * perMinute;
  const reportMinutes = (Math.ceil(LEAST_CLUSTERS / Math.max(1, devices)) * intervalMs) / 60_000;
  const minutes = traffic > 0 ? Math.max(reportMinutes, inferences / traffic) : null;
  return { value, inferences, minutes };
}

/** The level that the whole stage must reach for a fail: the other half is for the newest window (`withWindow`). */
function failLevel({ alpha }: ForecastQuestion): number {
  return alpha / 2;
}

interface RelativeRates {
  readonly ratio: number;
  readonly candidate: number;
  readonly baseline: number;
}

/** Trials of the candidate until the thinned engine (rule B) decides, with the baseline at its own rate beside it. */
function relativeSamples(rates: RelativeRates, side: Side, level: number, question: ForecastQuestion): number {
  const { ratio, candidate, baseline } = rates;
  const { devices, others } = question;
  const beside = others > 0 ? others / devices : 1;
  const isAbove = candidate > ratio * baseline;
  const decides = (bad: number, trials: number, allTrials: number): boolean => {
    const stable = baseline * allTrials * beside;
    const theta = (ratio * trials) / (ratio * trials + allTrials * beside);
    return bad + stable > 0 && (isAbove ? pFail : pPass)(bad, bad + stable, theta) <= level;
  };
  return leastThat((trials) => {
    const bad = candidate * trials;
    if (!decides(bad, trials, trials)) return false;
    if (side === 'within') return true;
    const rest = withoutFurthest({ bad, trials, devices, isHigh: isAbove });
    return decides(rest.bad, rest.trials, trials);
  });
}

/** Trials until a share is proven above (or, for a fail, below) its least. */
function leastShareSamples(threshold: number, rate: number, side: Side, question: ForecastQuestion): number {
  const { devices, beta } = question;
  if (side === 'within') return leastThat((trials) => pFail(rate * trials, trials, threshold) <= beta);
  return leastThat((trials) => {
    const rest = withoutFurthest({ bad: rate * trials, trials, devices, isHigh: false });
    return pPass(rest.bad, rest.trials, threshold) <= failLevel(question);
  });
}

/** Devices as a sample of the fleet: evidence saturates at what so many of them can tell. */
function fleetSamples(threshold: number, rate: number, level: number, { devices }: ForecastQuestion): number {
  if (devices < LEAST_CLUSTERS) return Number.POSITIVE_INFINITY;
  return leastThat((trials) => {
    const effect = 1 + (trials / devices) * rate * FLEET_SPREAD ** 2;
    const side = rate > threshold ? pFail : pPass;
    return side((rate * trials) / effect, trials / effect, threshold) <= level;
  });
}

/** Bad events of all: the limit itself is the threshold. */
function forecastRate(
  threshold: number,
  of: 'inferences' | 'slow-answers',
  { scope, share = 0 }: Pick<StageRule, 'scope' | 'share'>,
  question: ForecastQuestion,
): RuleForecast {
  const { devices, beta, health, alpha } = question;
  const good = health * threshold;
  const bad = Math.min(BREACH * threshold, (1 + threshold) / 2);
  if (scope === 'any-device') {
    // As `anyDeviceVerdict` has it: of so many devices one could be beyond the limit by chance.
    const bears = Math.floor(share * devices + 1e-9);
    const onOne = samplesToDecide(threshold, bad, alpha / Math.max(1, devices - bears));
    return { kind: 'any-device', limit: threshold, bears, fail: needed(bad, onOne, { ...question, devices: 1 }) };
  }
  const samples = (rate: number, level: number): number =>
    scope === 'fleet'
      ? fleetSamples(threshold, rate, level, question)
      : samplesToDecide(threshold, rate, level, { devices });
  const pass = needed(good, samples(good, beta), question);
  const fail = needed(bad, samples(bad, failLevel(question)), question);
  return { kind: 'sampled', of, limit: threshold, pass, fail };
}

/** Against the baseline, where the floor is just what the baseline allows: neither helps the other. */
function forecastRelativeRate(ratio: number, floor: number, question: ForecastQuestion): RuleForecast {
  const baseline = floor / ratio;
  const [good, bad] = [question.health * floor, Math.min(1, BREACH * floor)];
  const level = failLevel(question);
  const { devices } = question;
  const fail = Math.max(
    samplesToDecide(floor, bad, level, { devices }),
    relativeSamples({ ratio, candidate: bad, baseline }, 'beyond', level, question),
  );
  const pass = samplesToDecide(floor, good, question.beta / 2);
  return {
    ...{ kind: 'sampled', of: 'inferences', limit: floor },
    ...{ pass: needed(good, pass, question), fail: needed(bad, fail, question) },
  };
}

function forecastLatency(q: number, asked: StageRule, question: ForecastQuestion): RuleForecast {
  const { rule, scope } = asked;
  const allowed = 1 - q;
  const isBeside = rule.limit.kind === 'baseline' && question.others > 0;
  if (!isBeside || scope === 'any-device') return forecastRate(allowed, 'slow-answers', asked, question);
  const [good, bad] = [question.health * allowed, Math.min(1, BREACH * allowed)];
  const samples = (candidate: number, side: Side, level: number): number =>
    relativeSamples({ ratio: 1, candidate, baseline: allowed }, side, level, question);
  return {
    ...{ kind: 'sampled', of: 'slow-answers', limit: allowed },
    pass: needed(good, samples(good, 'within', question.beta), question),
    fail: needed(bad, samples(bad, 'beyond', failLevel(question)), question),
  };
}

/** The rarest class that a stage waits for: unchanged, and gone. */
function forecastVanished(question: ForecastQuestion): RuleForecast {
  const share = LEAST_HOLDING_SHARE;
  const rates = (candidate: number): RelativeRates => ({ ratio: VANISHED_RATIO, candidate, baseline: share });
  const level = failLevel(question) / WATCHED_CLASSES;
  return {
    ...{ kind: 'sampled', of: 'class', limit: VANISHED_RATIO * share },
    pass: needed(share, relativeSamples(rates(share), 'within', question.beta, question), question),
    fail: needed(0, relativeSamples(rates(0), 'beyond', level, question), question),
  };
}

function forecastClassShare(
  { limit, comparison }: ParsedRule,
  asked: StageRule,
  question: ForecastQuestion,
): RuleForecast {
  if (limit.kind === 'baseline') return { kind: 'unplanned', why: 'class-frequency' };
  if (goodSideOf({ comparison }) === 'below') return forecastRate(limit.value, 'inferences', asked, question);
  const threshold = limit.value;
  const good = Math.min(threshold / question.health, (1 + threshold) / 2);
  const bad = threshold / BREACH;
  return {
    ...{ kind: 'sampled', of: 'class', limit: threshold },
    pass: needed(good, leastShareSamples(threshold, good, 'within', question), question),
    fail: needed(bad, leastShareSamples(threshold, bad, 'beyond', question), question),
  };
}

function forecastDrift({ histogram, of }: DriftKind, rule: ParsedRule, question: ForecastQuestion): RuleForecast {
  if (rule.limit.kind !== 'absolute') return { kind: 'unplanned', why: 'no-relative-limit' };
  const { value: limit } = rule.limit;
  const { devices, others, perMinute, intervalMs, beta, health } = question;
  const plan: Omit<DriftPlan, 'drift' | 'level'> = {
    ...{ of, limit, scale: rule.scale ?? 'psi' },
    ...{ bins: HISTOGRAM_BINS[histogram], devices },
    perInterval: (devices * perMinute * intervalMs) / 60_000,
    beside: others > 0 ? others / devices : 1,
  };
  const at = (drift: number, level: number): Needed => {
    const intervals = driftIntervals({ ...plan, drift, level });
    if (!Number.isFinite(intervals)) return { value: drift, inferences: null, minutes: null };
    const inferences = Math.ceil(intervals * plan.perInterval);
    return { value: drift, inferences, minutes: (intervals * intervalMs) / 60_000 };
  };
  return {
    ...{ kind: 'sampled', of: of === 'loss' ? of : 'drift', limit },
    ...{ pass: at(health * limit, beta), fail: at(BREACH * limit, failLevel(question)) },
  };
}

/** Devices that the limit bears: with one more it is breached. */
function forecastDevices(rule: ParsedRule, { devices }: ForecastQuestion): RuleForecast {
  const { afterMs } = rule;
  const asked = shareLimitOf(rule);
  if (asked === null) return { kind: 'unplanned', why: 'no-relative-limit' };
  const [limit, bears] = [limitOf(devices, asked), mostBad(devices, asked)];
  return { kind: 'devices', limit, bears, ...(afterMs === undefined ? {} : { afterMs }) };
}

/** What a rule can tell of a stage; on the expected path, so about half of the rollouts take longer (STATISTICS §2.7). */
export function forecastRule(asked: StageRule, question: ForecastQuestion): RuleForecast {
  const { rule } = asked;
  const kind = metricKind(rule.metric);
  switch (kind.kind) {
    case 'rate': {
      const { limit } = rule;
      if (limit.kind === 'baseline') return forecastRelativeRate(limit.factor, limit.floor ?? 0, question);
      if (limit.value > 0 && limit.value < 1) return forecastRate(limit.value, 'inferences', asked, question);
      return { kind: 'unplanned', why: 'zero-limit' };
    }
    case 'counter':
      return { kind: 'unplanned', why: 'events' };
    case 'quantile':
      return forecastLatency(kind.q, asked, question);
    case 'class-share':
      return forecastClassShare(rule, asked, question);
    case 'vanished-classes':
      return forecastVanished(question);
    case 'drift':
      return forecastDrift(kind, rule, question);
    case 'heard':
      return { kind: 'sustained', minutes: (HEARD_INTERVALS[kind.of] * question.intervalMs) / 60_000 };
    case 'share':
      return forecastDevices(rule, question);
    case 'success':
      return { kind: 'unplanned', why: comesOf(kind.measure) };
    case 'gauge': {
      const { limit, sustainedMs = 0 } = rule;
      if (limit.kind === 'baseline') return { kind: 'unplanned', why: 'device-means' };
      return { kind: 'sustained', minutes: sustainedMs / 60_000 };
    }
    default:
      return assertNever(kind);
  }
}

/** Part of the devices (0..1) that may have a fault of which a stage shows nothing, at the error level: 1 − β^(1/D). */
export function unseenShare(devices: number, level: number): number {
  return devices > 0 ? 1 - level ** (1 / devices) : 1;
}
