// Owns rules over predicted classes: is one still answered as often as it should be, and has any that stable knows vanished?
import { blankVerdict } from './blank-verdict.ts';
import { chooseBaseline, countedLimitOf, evidenceOf, inlierTrials, sourceOf } from './counted-evidence.ts';
import { type CountedEvidence, countedFacts, judgeCounts, needsOf, sumsOf, weighCounts } from './judge-counts.ts';
import { boundsOf, type CountedLimit, type CountedVerdict, type ErrorLevels } from './judge-rate-rule.ts';
import { pastOf } from './own-past.ts';
import type { RuleReason } from './rule-reason.ts';
import type { BaselineSource, ClassSums, RuleVerdict } from './rule-verdict.ts';
import { CLASS_MEASURE, type StageQuestion } from './stage-question.ts';
import type { StageRule } from './stage-rule.ts';
import type { Tally } from './statistics/tally.ts';
import type { TallyRows } from './statistics/tally-rows.ts';

/** A class whose share fell below this part of the baseline's has vanished. */
export const VANISHED_RATIO = 1 / 3;
/** A class of at least this share of the baseline's answers must be seen to be there before a stage passes; a rarer one may only fail it. */
export const LEAST_HOLDING_SHARE = 0.005;
/** Classes that a verdict names, and whose sums it keeps. */
const MOST_NAMED = 3;
const MOST_SUMS = 16;

interface ClassReading extends CountedVerdict {
  readonly name: string;
  readonly evidence: ClassEvidence;
  readonly all: Tally;
}

/** What the candidate's own devices did under stable before it came; null when they are not known apart. */
function ownPast(question: StageQuestion, measure: string, devices: TallyRows): TallyRows | null {
  const own = pastOf(question, measure, devices);
  return own === undefined || own.live === 0 ? null : own;
}

interface ClassEvidence extends CountedEvidence {
  /** The devices that the class was held against, and when. */
  readonly beside: { readonly devices: number; readonly from: BaselineSource } | null;
}

function classEvidence(name: string, limit: CountedLimit, question: StageQuestion, trials: number): ClassEvidence {
  const measure = `${CLASS_MEASURE}${name}`;
  const isRelative = limit.kind === 'relative' || limit.kind === 'least-relative';
  // The trials are those of every class alike.
  const counts = isRelative ? chooseBaseline(question, measure, trials) : null;
  const evidence = evidenceOf(question, measure, { limit, baseline: counts === null ? null : { measure, counts } });
  const own = ownPast(question, measure, evidence.whole);
  const { inliers } = evidence;
  return {
    ...evidence,
    own: own?.all ?? null,
    inliers: inliers === null ? null : { ...inliers, own: own?.inliers.all ?? null },
    beside: counts === null ? null : { devices: counts.devices, from: sourceOf(counts) },
  };
}

/** The answers of the candidate's inliers that have a class. */
function answersOf(question: StageQuestion): number {
  const measure = question.candidate.measures.find((one) => one.startsWith(CLASS_MEASURE));
  return measure === undefined ? 0 : inlierTrials(question, measure);
}

function shareOf(tally: Tally | null): number {
  return tally === null || tally.trials === 0 ? 0 : tally.bad / tally.trials;
}

function fallOf({ name, evidence, all }: ClassReading, ratio: number): RuleReason {
  const from = shareOf(evidence.baseline);
  const devices = evidence.whole.countThat((bad, answers) => bad / answers < ratio * from);
  return { kind: 'class-fell', name, from, to: shareOf(all), devices, total: evidence.whole.live };
}

function sumsOfClass({ name, evidence, reading }: ClassReading): ClassSums {
  return { name, ...sumsOf(evidence, reading.worst), own: evidence.own ?? null };
}

function expected({ evidence, all }: ClassReading): number {
  return shareOf(evidence.baseline) * all.trials;
}

/** Holds the stage back until it is seen to be there. No outlier of stable says that a class is rare, or brings one of its own. */
function isHolding({ evidence: { inliers, baseline } }: ClassReading): boolean {
  return shareOf(inliers === null ? baseline : inliers.baseline) >= LEAST_HOLDING_SHARE;
}

/** The first few as they are, and how many more there are. */
function andMore(
  classes: readonly ClassReading[],
  named: number,
  say: (one: ClassReading) => RuleReason,
): RuleReason[] {
  const count = classes.length - named;
  return [...classes.slice(0, named).map(say), ...(count > 0 ? [{ kind: 'more-classes', count } as const] : [])];
}

function openReasons(open: readonly ClassReading[]): RuleReason[] {
  if (open.length === 0) return [{ kind: 'classes-too-rare' }];
  return andMore(open, 1, (one) => {
    const { name, reason, all } = one;
    const why = reason?.kind === 'too-little' ? null : reason;
    return { kind: 'class-open', name, seen: all.bad, expected: expected(one), why };
  });
}

/**
 * vanished_classes: each class that the baseline shows must keep more than a third of its share. Every watched class may spend an equal
 * part of the error level on a fail; a pass needs all of them, so beta is not split.
 */
export function judgeVanishedClasses(asked: StageRule, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const watched = question.candidate.measures.filter((measure) => measure.startsWith(CLASS_MEASURE));
  if (watched.length === 0) return blankVerdict(asked, { kind: 'no-classes' });
  const trials = answersOf(question);
  const each = { alpha: levels.alpha / watched.length, beta: levels.beta };
  const limit = { kind: 'least-relative', ratio: VANISHED_RATIO } as const;
  const classes = watched
    .map((measure): ClassReading => {
      const name = measure.slice(CLASS_MEASURE.length);
      const evidence = classEvidence(name, limit, question, trials);
      return { name, evidence, all: evidence.whole.all, ...weighCounts(evidence, each, question) };
    })
    .sort((a, b) => expected(a) - expected(b));
  const first = classes[0];
  if (first === undefined || first.evidence.beside === null) return blankVerdict(asked, { kind: 'no-baseline' });
  const vanished = classes.filter((one) => one.verdict === 'fail').sort((a, b) => expected(b) - expected(a));
  const holding = classes.filter(isHolding);
  const open = holding.filter((one) => one.verdict !== 'pass' && one.verdict !== 'fail');
  const isPass = vanished.length === 0 && open.length === 0 && holding.length > 0;
  const verdict = vanished.length > 0 ? 'fail' : isPass ? 'pass' : 'undecided';
  const reasons = {
    pass: () => [],
    fail: () => andMore(vanished, MOST_NAMED, (one) => fallOf(one, VANISHED_RATIO)),
    undecided: () => openReasons(open),
  };
  const [slowest] = open;
  return {
    ...blankVerdict(asked, ...reasons[verdict]()),
    verdict,
    within: holding.length > 0 && holding.every((one) => one.reading.isWithin),
    estimate: vanished.length,
    limit: 0,
    baseline: { estimate: null, ...first.evidence.beside },
    trials: first.reading.trials,
    devices: first.reading.devices,
    worstDevice: vanished[0]?.reading.worst?.device ?? null,
    needs:
      verdict === 'undecided' && slowest !== undefined
        ? needsOf(slowest.evidence, each, slowest.reading, question.perMinute)
        : null,
    kind: 'classes',
    sums: [...new Set([...vanished, ...open, ...classes])].slice(0, MOST_SUMS).map(sumsOfClass),
  };
}

/** class_share[name]: the share of one class, absolute or against the baseline, from below or from above. */
export function judgeClassShare(asked: StageRule, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const name = asked.rule.ofClass ?? '';
  if (!question.candidate.measures.includes(`${CLASS_MEASURE}${name}`)) {
    return blankVerdict(asked, { kind: 'unknown-class', name });
  }
  const limit = countedLimitOf(asked);
  const evidence = classEvidence(name, limit, question, answersOf(question));
  const counted = judgeCounts(evidence, levels, question);
  const { reading, verdict } = counted;
  const { all } = evidence.whole;
  const before = evidence.baseline === null ? null : shareOf(evidence.baseline);
  const limitShare = 'threshold' in limit ? limit.threshold : before === null ? null : limit.ratio * before;
  const hasFallen = verdict === 'fail' && limit.kind === 'least-relative';
  const found = { name, evidence, all, ...counted };
  return {
    ...countedFacts(asked, hasFallen ? { ...counted, reason: fallOf(found, limit.ratio) } : counted),
    estimate: all.trials > 0 ? shareOf(all) : null,
    ...boundsOf(all, reading.designEffect, limitShare ?? 0.5, levels.beta),
    limit: limitShare,
    baseline: evidence.beside === null ? null : { estimate: before, ...evidence.beside },
    kind: 'classes',
    sums: [sumsOfClass(found)],
  };
}
