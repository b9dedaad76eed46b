// Owns rules over good outcomes (downloads, right answers): judged by the bad ones, which are the rarer, against what the limit leaves to them.
import { assertNever } from '../base/errors.ts';
import type { SuccessMeasure } from '../documents/rules/metric-facts.ts';
import { blankVerdict } from './blank-verdict.ts';
import { type Against, baselineCounts, evidenceOf, sourceOf } from './counted-evidence.ts';
import { countedFacts, judgeCounts, sumsOf } from './judge-counts.ts';
import { boundsOf, type CountedVerdict, type ErrorLevels } from './judge-rate-rule.ts';
import type { BaselineSource, RuleVerdict } from './rule-verdict.ts';
import { type StageQuestion, sizeOf, wholeTallies } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import type { OutlierRow } from './statistics/outlier-rows.ts';
import { designEffect, type Tally } from './statistics/tally.ts';

/** What is counted for a measure: the bad ones; src/telemetry says of which. */
export function badOutcomesOf(measure: SuccessMeasure, ofClass: string | undefined): string {
  switch (measure) {
    case 'download':
    case 'apply':
      return measure;
    case 'accuracy':
      return 'wrong';
    case 'precision':
      return `imprecise:${ofClass ?? ''}`;
    case 'recall':
      return `missed:${ofClass ?? ''}`;
    case 'f1':
      return `confused:${ofClass ?? ''}`;
    default:
      return assertNever(measure);
  }
}

/**
 * The rate of bad outcomes that a value stands for, and back. With TP, FP, FN: F1 = 2TP / (2TP + FP + FN), and of the TP + FP + FN answers
 * that are about the class the share 2(1 − F) / (2 − F) is bad. Its own inverse, as 1 − x is; falling, so a least value is a most rate.
 */
function otherSide(measure: SuccessMeasure, value: number): number {
  return measure === 'f1' ? (2 * (1 - value)) / (2 - value) : 1 - value;
}

/** Nothing is known beforehand of what a baseline's rate is: the prior of its bounds is even. */
const ANY_RATE = 0.5;

/** Between these a baseline surely is. */
interface Span {
  readonly least: number;
  readonly most: number;
}

interface SuccessBaseline extends Span {
  readonly estimate: number;
  /** Of stable's inliers; null where there is no outlier. */
  readonly inliers: (Span & { readonly outlier: OutlierRow }) | null;
  readonly devices: number;
  readonly from: BaselineSource;
}

/** Stable's beside the candidate, then what the manifest states, then stable's of before. */
function baselineOf(
  asked: StageRule,
  measure: SuccessMeasure,
  level: number,
  question: StageQuestion,
): SuccessBaseline | null {
  const { metric, ofClass } = asked.rule;
  const counted = badOutcomesOf(measure, ofClass);
  const fromCounts = (counts: ReturnType<typeof baselineCounts>): SuccessBaseline | null => {
    if (counts === null) return null;
    const { whole, inliers } = counts;
    const spanOf = (tally: Tally): Span => {
      const { lower, upper } = boundsOf(tally, designEffect(tally), ANY_RATE, level);
      return { least: otherSide(measure, upper ?? 1), most: otherSide(measure, lower ?? 0) };
    };
    return {
      estimate: otherSide(measure, whole.bad / whole.trials),
      ...spanOf(whole),
      inliers: inliers === null ? null : { ...spanOf(inliers.whole), outlier: inliers.outlier },
      devices: counts.devices,
      from: sourceOf(counts),
    };
  };
  const beside = fromCounts(baselineCounts(question, counted, 'baseline'));
  if (beside !== null) return beside;
  const name = ofClass === undefined ? metric : `${metric}/${ofClass}`;
  const stated = Object.hasOwn(question.offline ?? {}, name) ? question.offline?.[name] : undefined;
  if (stated !== undefined && stated >= 0 && stated <= 1) {
    return { estimate: stated, least: stated, most: stated, inliers: null, devices: 0, from: 'offline' };
  }
  return fromCounts(baselineCounts(question, counted, 'earlierBaseline'));
}

/** The value that must be kept to pass, and the one below which it fails; they differ by how well the baseline is known. */
interface Limits {
  readonly toFail: number;
  readonly toPass: number;
}

interface RuleLimits extends Limits {
  readonly shown: number;
  /** By stable's inliers; null where there is no outlier. */
  readonly inliers: (Limits & { readonly outlier: OutlierRow }) | null;
}

function limitsOf({ rule }: StageRule, baseline: SuccessBaseline | null): RuleLimits | null {
  const { limit } = rule;
  if (limit.kind === 'absolute') return { toFail: limit.value, toPass: limit.value, shown: limit.value, inliers: null };
  if (baseline === null) return null;
  const of = (value: number): number => Math.min(1, limit.factor * value);
  const limits = ({ least, most }: Span): Limits => ({ toFail: of(least), toPass: of(most) });
  const { inliers } = baseline;
  return {
    ...limits(baseline),
    shown: of(baseline.estimate),
    inliers: inliers === null ? null : { ...limits(inliers), outlier: inliers.outlier },
  };
}

/** download_tries, apply_success, accuracy, precision, recall, f1: absolute, or against the baseline by its bounds. */
export function judgeSuccess(
  asked: StageRule,
  measure: SuccessMeasure,
  levels: ErrorLevels,
  question: StageQuestion,
): RuleVerdict {
  const counted = badOutcomesOf(measure, asked.rule.ofClass);
  if (!question.candidate.measures.includes(counted)) return blankVerdict(asked, { kind: 'not-measured' });
  const isRelative = asked.rule.limit.kind === 'baseline';
  // Half of the level goes to the bounds of the baseline.
  const split = isRelative ? { ...levels, alpha: levels.alpha / 2, beta: levels.beta / 2 } : levels;
  const baseline = isRelative ? baselineOf(asked, measure, split.alpha, question) : null;
  const limits = limitsOf(asked, baseline);
  if (limits === null) return blankVerdict(asked, { kind: 'no-baseline' });
  const perMinute = trialsPerMinute(counted, question);
  const { inliers } = limits;
  const limitAt = (value: number) => ({ kind: 'rate', threshold: otherSide(measure, value) }) as const;
  const judge = (side: keyof Limits): CountedVerdict => {
    const besides = inliers === null ? null : { limit: limitAt(inliers[side]), outlier: inliers.outlier };
    const against: Against = { limit: limitAt(limits[side]), inliers: besides };
    return judgeCounts(evidenceOf(question, counted, against), split, { ...question, perMinute });
  };
  const failing = judge('toFail');
  const passing = isRelative ? judge('toPass') : failing;
  const decided = failing.verdict === 'fail' ? failing : passing;
  const isProven = passing.verdict === 'pass' || (passing.reading.isWithin && isComplete(measure, question));
  const verdict = failing.verdict === 'fail' ? 'fail' : isProven ? 'pass' : 'undecided';
  const rate = otherSide(measure, limits.shown);
  const evidence = evidenceOf(question, counted, { limit: { kind: 'rate', threshold: rate } });
  const { all } = evidence.whole;
  const { lower, upper } = boundsOf(all, decided.reading.designEffect, rate, levels.beta);
  const nothing = { kind: 'no-outcomes', of: comesOf(measure) } as const;
  return {
    ...countedFacts(asked, {
      ...decided,
      verdict,
      reason: all.trials === 0 ? nothing : verdict === 'pass' ? null : decided.reason,
    }),
    estimate: all.trials > 0 ? otherSide(measure, all.bad / all.trials) : null,
    lower: upper === null ? null : otherSide(measure, upper),
    upper: lower === null ? null : otherSide(measure, lower),
    limit: limits.shown,
    baseline:
      baseline === null ? null : { estimate: baseline.estimate, devices: baseline.devices, from: baseline.from },
    needs: verdict === 'undecided' ? decided.needs : null,
    kind: 'rate',
    sums: sumsOf(evidence, decided.reading.worst),
  };
}

/** What its trials come with. */
export function comesOf(measure: SuccessMeasure): 'downloads' | 'installs' | 'labels' {
  return measure === 'download' ? 'downloads' : measure === 'apply' ? 'installs' : 'labels';
}

/** A stage has no more downloads and switches than its devices: once all have ended, what was seen is all there is, and no sample. */
function isComplete(measure: SuccessMeasure, { installs, candidate, minimum }: StageQuestion): boolean {
  const devices = wholeTallies(candidate, badOutcomesOf(measure, undefined))?.live ?? 0;
  return comesOf(measure) !== 'labels' && installs.pending === 0 && devices >= Math.max(1, minimum.devices);
}

/** Labels and downloads come at a pace of their own, seen against that of inferences. */
function trialsPerMinute(counted: string, question: StageQuestion): number | null {
  const { inferences } = sizeOf(question.candidate);
  const trials = wholeTallies(question.candidate, counted)?.all.trials ?? 0;
  if (question.perMinute === null || inferences === 0 || trials === 0) return null;
  return (question.perMinute * trials) / inferences;
}
