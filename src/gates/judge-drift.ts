// Owns rules over drift: a distribution beside stable's, at any time.
import { whyNotComparable } from '../documents/comparable-outputs.ts';
import type { MetricKind } from '../documents/rules/metric-facts.ts';
import { blankVerdict } from './blank-verdict.ts';
import { confidenceCourse } from './confidence-course.ts';
import {
  type HistogramAgainst,
  type HistogramBaseline,
  type HistogramCase,
  type HistogramEvidence,
  histogramCase,
} from './histogram-evidence.ts';
import { distanceMethod, type HistogramMethod, lossMethod } from './histogram-method.ts';
import { outlierReason } from './judge-counts.ts';
import { DIRECTION_KEYS, type HistogramVerdict, joinDirections } from './judge-embedding.ts';
import { type ErrorLevels, timesUntil } from './judge-rate-rule.ts';
import type { RuleReason } from './rule-reason.ts';
import type { CourseSummary, HistogramSummary, RuleVerdict } from './rule-verdict.ts';
import type { StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import type { DriftReading } from './statistics/drift-verdict.ts';
import type { HistogramRows } from './statistics/histogram-rows.ts';
import type { HistogramTally } from './statistics/histogram-tally.ts';
import { withWindow } from './statistics/late-regression.ts';
import { furtherOutlier } from './statistics/outlier-rows.ts';
import { againstEither, type HistogramOptions, LEAST_REPORTS } from './statistics/robust-evidence.ts';

/** One interval alone says nothing of how intervals differ. */
export const LEAST_INTERVALS = 2;

/** What the histograms say, and why they say no more. */
interface Weighed extends Omit<DriftReading, 'reason'> {
  readonly reason: RuleReason | null;
}

interface Rule {
  readonly method: HistogramMethod;
  readonly levels: ErrorLevels;
}

type Seen = Pick<HistogramEvidence, 'whole' | 'window' | 'weight'>;

/** The reading against one baseline and, where the devices have a past, against that. */
function readEither(
  { whole, window, weight }: Seen,
  beside: HistogramAgainst,
  own: HistogramAgainst | null,
  { method, levels }: Rule,
  options: HistogramOptions = {},
): Weighed {
  const { alpha, beta } = levels;
  const read = (against: HistogramAgainst, level: number): DriftReading =>
    method.read(whole, against.whole, {
      ...{ alpha: level, beta, nameWorst: false },
      ...{ window: { devices: window, baseline: against.window, weight }, ...options },
    });
  const first = read(beside, alpha);
  const past = own === null ? null : read(own, beta);
  const both = againstEither(first, past, { alpha, beta });
  const isLikePast = both.verdict === 'pass' ? !first.isWithin : both.verdict === 'undecided' && first.pFail <= alpha;
  if (past !== null && isLikePast) return { ...both, reason: { kind: 'own-past' } };
  const isOpen = both.verdict === 'undecided' && first.reason !== null;
  return { ...both, reason: isOpen ? { kind: first.reason } : null };
}

/**
 * What one device says of itself decides nothing here either: a fail must hold against stable's inliers as well, a pass for the
 * inliers against the inliers, of stable or of their own past. Asked only where there are outliers.
 */
function withInliers(
  reading: Weighed,
  devices: HistogramEvidence,
  beside: HistogramBaseline,
  own: HistogramBaseline | null,
  rule: Rule,
): Weighed {
  const plain = { dropWorst: false };
  if (reading.verdict === 'fail') {
    const { inliers } = beside;
    if (inliers === null || readEither(devices, inliers, own, rule, plain).verdict === 'fail') return reading;
    return { ...reading, verdict: 'undecided', reason: outlierReason('fail', inliers.outlier) };
  }
  const without = devices.whole.inliers();
  const furthest = [without, beside.inliers, own?.inliers ?? null]
    .map((one) => one?.outlier ?? null)
    .reduce(furtherOutlier, null);
  if (furthest === null) return reading;
  const inliers = { ...devices, whole: without?.rows ?? devices.whole };
  const others = readEither(inliers, beside.inliers ?? beside, own?.inliers ?? own, rule, { ...plain, window: null });
  const both = { ...reading, isWithin: reading.isWithin && others.isWithin };
  const isPass = reading.verdict === 'pass';
  if ((isPass && others.verdict === 'pass') || (!isPass && both.isWithin === reading.isWithin)) return both;
  const areOver = !others.isWithin && others.estimate !== null;
  return { ...both, verdict: 'undecided', reason: outlierReason(isPass ? 'pass' : 'within', furthest, areOver) };
}

/** How long until there are enough intervals and reports to say anything. */
function untilReports(
  devices: HistogramRows,
  baseline: HistogramBaseline | null,
  { openMs = 0, intervalMs }: StageQuestion,
): RuleVerdict['needs'] {
  const missing = (have: number, rows: number): number => (rows === 0 ? 0 : Math.ceil((LEAST_REPORTS - have) / rows));
  const intervals = Math.max(
    LEAST_INTERVALS - Math.floor(openMs / intervalMs),
    missing(devices.all.reports, devices.live),
    baseline === null ? 0 : missing(baseline.whole.reports, baseline.devices),
  );
  return { trials: 0, minutes: Math.max(1, Math.ceil((intervals * intervalMs) / 60_000)) };
}

/** How much more of the same would decide. */
function untilDecided(
  candidate: HistogramTally,
  baseline: HistogramTally,
  side: 'pass' | 'fail',
  { method, levels }: Rule,
  perMinute: number | null,
): RuleVerdict['needs'] {
  const times = timesUntil((scaled) => {
    const { pFail, pPass } = method.after([candidate, baseline], scaled);
    return side === 'pass' ? pPass <= levels.beta : withWindow(pFail, 1, 1) <= levels.alpha;
  });
  if (times === null) return null;
  const trials = Math.ceil((times - 1) * candidate.trials);
  return { trials, minutes: perMinute !== null && perMinute > 0 ? Math.ceil(trials / perMinute) : null };
}

/** Half of the rule's alpha is the course's; where the course can't fail the stage, the other reading keeps all of it. */
const SHARE_OF_COURSE = 0.5;

/** What is on course to break the limit does not pass; whether it fails is the policy's word. What failed already needs no course. */
function withCourse(
  reading: Weighed,
  found: HistogramCase,
  { method, levels }: Rule,
  question: StageQuestion,
): { readonly reading: Weighed; readonly course: CourseSummary | null } {
  const limit = found.baseline && method.courseLimit(found.baseline.whole);
  if (limit === null || reading.verdict === 'fail') return { reading, course: null };
  const alpha = SHARE_OF_COURSE * levels.alpha;
  const course = confidenceCourse(question, found, { limit, alpha });
  if (course === null || course.pFail > alpha) return { reading, course };
  const { minute, until } = course;
  const reason = { kind: 'on-course', minute, until, isPast: minute * 60_000 <= (question.openMs ?? 0) } as const;
  return { reading: { ...reading, verdict: question.onCourse === 'rollback' ? 'fail' : 'undecided', reason }, course };
}

function summaryOf({ reports, counts }: HistogramTally): HistogramSummary {
  return { reports, counts };
}

type DriftKind = Extract<MetricKind, { kind: 'drift' }>;

/** Rules over drift and confidence_loss: stage scope, drop-worst, asked at any time. */
export function judgeDrift(
  asked: StageRule,
  kind: DriftKind,
  levels: ErrorLevels,
  question: StageQuestion,
): RuleVerdict {
  const { histogram } = kind;
  const name = asked.rule.ofClass;
  const why = whyNotComparable({ histogram, name }, question.outputs ?? {});
  if (why !== null) return blankVerdict(asked, { kind: 'not-comparable', why });
  if (histogram !== 'embedding') {
    const key = histogram === 'output' ? `${histogram}:${name}` : histogram;
    return judgeHistogram(asked, { key, of: kind.of }, levels, question).rule;
  }
  const directions = DIRECTION_KEYS.map((key) => judgeHistogram(asked, { key, of: kind.of }, levels, question));
  return joinDirections(directions, levels.alpha) ?? blankVerdict(asked, { kind: 'not-measured' });
}

function judgeHistogram(
  asked: StageRule,
  { key, of }: Pick<DriftKind, 'of'> & { readonly key: string },
  levels: ErrorLevels,
  question: StageQuestion,
): HistogramVerdict {
  const { limit, scale } = asked.rule;
  const unread = (rule: RuleVerdict): HistogramVerdict => ({ rule, reading: null });
  if (limit.kind !== 'absolute') return unread(blankVerdict(asked, { kind: 'no-relative-limit' }));
  const found = histogramCase(question, key);
  if (found === undefined) return unread(blankVerdict(asked, { kind: 'not-measured' }));
  const { devices, baseline, own } = found;
  const { all } = devices.whole;
  const blank = (reason: RuleReason, needs: RuleVerdict['needs']): HistogramVerdict =>
    unread({ ...blankVerdict(asked, reason), ...{ limit: limit.value, needs } });
  const soon = untilReports(devices.whole, baseline, question);
  if ((question.openMs ?? 0) < LEAST_INTERVALS * question.intervalMs) {
    return blank({ kind: 'first-intervals', intervals: LEAST_INTERVALS }, soon);
  }
  if (devices.whole.live === 0) return blank({ kind: 'no-data' }, soon);
  if (baseline === null) return blank({ kind: 'no-baseline' }, null);
  const { histogram } = devices;
  const method = of === 'loss' ? lossMethod(limit.value) : distanceMethod(histogram, limit.value, scale);
  const mayFail = question.onCourse === 'rollback' && (question.candidate.course?.spec ?? null) !== null;
  const held: Rule = { method, levels: mayFail ? { ...levels, alpha: (1 - SHARE_OF_COURSE) * levels.alpha } : levels };
  const present = withInliers(readEither(devices, baseline, own, held), devices, baseline, own, held);
  const { reading, course } = withCourse(present, found, { method, levels }, question);
  const { verdict, estimate, isWithin, lower, upper } = reading;
  const open = (): RuleReason => reading.reason ?? { kind: 'too-little', within: isWithin };
  const moved = reading.isLate ? devices.window.all : all;
  const against = (reading.isLate ? baseline.window : null) ?? baseline.whole;
  const reason = {
    fail: () => reading.reason ?? method.reason([moved, against]),
    undecided: open,
    pass: () => reading.reason,
  };
  const needs = (): RuleVerdict['needs'] => {
    if (open().kind === 'too-few-reports') return soon;
    if (open().kind !== 'too-little') return null;
    return untilDecided(all, baseline.whole, isWithin ? 'pass' : 'fail', held, question.perMinute);
  };
  const rule: RuleVerdict = {
    ...blankVerdict(asked, reason[verdict]()),
    verdict,
    within: isWithin,
    estimate,
    // Where all answers are of one class, there is no spread to draw bounds from.
    lower: estimate !== null && Number.isFinite(lower) ? lower : null,
    upper: Number.isFinite(upper) ? upper : null,
    limit: limit.value,
    baseline: { estimate: null, devices: baseline.devices, from: baseline.from },
    trials: all.trials,
    devices: devices.whole.live,
    worstDevice: reading.worst,
    needs: verdict === 'undecided' ? needs() : null,
    kind: 'histogram',
    sums: {
      candidate: summaryOf(all),
      baseline: summaryOf(baseline.whole),
      window: summaryOf(devices.window.all),
      ...(course === null ? {} : { course }),
    },
  };
  return { rule, reading };
}
