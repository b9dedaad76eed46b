// Owns the verdict on a stage: each rule judged by what its metric needs, then all of them together.
import { assertNever } from '../base/errors.ts';
import { quantileOf } from '../contract/sketch.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import { isAgainstStable } from './against-stable.ts';
import { blankVerdict, notApplicable } from './blank-verdict.ts';
import { findArmsAlarm, withheld } from './comparable-arms.ts';
import {
  baselineCounts,
  chooseBaseline,
  countedLimitOf,
  evidenceOf,
  inlierTrials,
  isThick,
  sourceOf,
} from './counted-evidence.ts';
import { restsOnOne } from './few-on-stable.ts';
import { baselineEdgeOf, type FrozenLimit, limitInForce } from './freeze-limits.ts';
import { judgeClassShare, judgeVanishedClasses } from './judge-classes.ts';
import { judgeCounter } from './judge-counter.ts';
import { type CountedEvidence, countedFacts, judgeCounts, sumsOf } from './judge-counts.ts';
import { judgeDevices } from './judge-devices.ts';
import { judgeDrift } from './judge-drift.ts';
import { judgeGauge } from './judge-gauge.ts';
import { judgeByGroup } from './judge-groups.ts';
import { judgeHeard } from './judge-heard.ts';
import {
  boundsOf,
  type CountedLimit,
  type CountedVerdict,
  type ErrorLevels,
  judgeAnyDevice,
} from './judge-rate-rule.ts';
import { judgeSuccess } from './judge-success.ts';
import { measureOf, metricKind } from './metric-kind.ts';
import { rateRecovered } from './recovery.ts';
import type { RuleReason } from './rule-reason.ts';
import { METHOD_VERSION, type RuleVerdict, ruleName, type StageReason, type StageVerdict } from './rule-verdict.ts';
import { judgeSignal } from './signal-verdict.ts';
import { DEFAULT_ERROR_LEVEL, type StageQuestion, sizeOf, wholeTallies } from './stage-question.ts';
import { rowsOfStage } from './stage-rows.ts';
import type { StageRule } from './stage-rule.ts';
import { combineVerdicts, ruleAlpha } from './stage-verdict.ts';
import { withoutFail } from './statistics/held-back.ts';
import { quantileBounds } from './statistics/quantile-verdict.ts';
import { designEffect, EMPTY_TALLY } from './statistics/tally.ts';

function judgeInScope(
  { scope, share }: StageRule,
  evidence: CountedEvidence,
  levels: ErrorLevels,
  question: StageQuestion,
): CountedVerdict {
  if (scope === 'any-device') return judgeAnyDevice(evidence, levels, { share, rows: rowsOfStage(question) });
  return judgeCounts(evidence, scope === 'fleet' ? { ...levels, scope } : levels, question);
}

/** Bad events of all: absolute, or against the baseline. */
function judgeRate(asked: StageRule, measure: string, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const { limit } = asked.rule;
  const trials = inlierTrials(question, measure);
  const counts = limit.kind === 'baseline' ? chooseBaseline(question, measure, trials) : null;
  const evidence = evidenceOf(question, measure, {
    limit: countedLimitOf(asked),
    baseline: counts === null ? null : { measure, counts },
  });
  const counted = judgeInScope(asked, evidence, levels, question);
  const { reading } = counted;
  const baseRate = counts === null ? null : counts.whole.bad / counts.whole.trials;
  const limitRate =
    limit.kind === 'absolute'
      ? limit.value
      : baseRate === null
        ? null
        : Math.max(limit.factor * baseRate, limit.floor ?? 0);
  const isAlone = asked.scope === 'any-device';
  const all = isAlone ? (reading.worst ?? EMPTY_TALLY) : evidence.whole.all;
  return {
    ...countedFacts(asked, counted),
    estimate: all.trials > 0 ? all.bad / all.trials : null,
    ...boundsOf(all, isAlone ? designEffect(all) : reading.designEffect, limitRate ?? 0.5, levels.beta),
    limit: limitRate,
    baseline: counts === null ? null : { estimate: baseRate, devices: counts.devices, from: sourceOf(counts) },
    kind: 'rate',
    sums: sumsOf(evidence, reading.worst),
  };
}

/** Share of beta for a pass by the frozen limit alone: enough when hardly anything is that slow, as at night. */
const FROZEN_SHARE = 0.1;

/**
 * Beside the baseline's slow answers nothing can pass when both arms have none; the limit that was frozen from them can still be kept.
 * Only a pass may rest on it: whether the candidate fails is judged against the baseline, whatever the load.
 */
function passEither(beside: CountedVerdict, frozen: CountedVerdict): CountedVerdict {
  const reading = { ...beside.reading, isWithin: beside.reading.isWithin || frozen.reading.isWithin };
  if (beside.verdict !== 'undecided' || !frozen.reading.isWithin) return { ...beside, reading };
  if (frozen.verdict === 'pass') return { verdict: 'pass', reading, reason: null, needs: null };
  const reason = beside.reading.isWithin ? beside.reason : frozen.reason;
  return { verdict: 'undecided', reading, reason, needs: beside.needs ?? frozen.needs };
}

/** Stable's quantile may be off by so much from when the limit was frozen: chance. */
const MOST_GROWTH = 1.1;

/** Does stable beside the candidate still show what the limit was frozen from? Else what slows both may look like the candidate's fault. */
function stillHolds({ limit }: ParsedRule, q: number, frozen: FrozenLimit, question: StageQuestion): boolean {
  const beside = baselineCounts(question, 'error', 'baseline');
  if (question.isWatch) return true;
  if (limit.kind !== 'baseline' || beside === null) return false;
  if (!isThick(question, beside, inlierTrials(question, 'error'))) return false;
  const present = quantileOf(beside.arm.summary.latencyMs, q);
  return present !== undefined && limit.factor * present <= MOST_GROWTH * frozen.limit;
}

/** What was fixed before may be kept, and never broken, once nobody shows any more what stable does (STATISTICS-2 D). */
function unlessFrozen<T extends Pick<CountedVerdict, 'verdict' | 'reason'>>(found: T): T {
  return found.verdict === 'fail'
    ? { ...found, verdict: withoutFail(found.verdict), reason: { kind: 'frozen' } }
    : found;
}

/** latency_p…: how many latencies exceed the limit, against the share that the quantile allows or the baseline shows. */
function judgeLatency(asked: StageRule, q: number, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const { candidate } = question;
  const limit = limitInForce(asked.rule, question.limits);
  if (limit === undefined) return blankVerdict(asked, { kind: 'not-frozen' });
  const measure = `latency>${limit.edge}`;
  const whole = wholeTallies(candidate, measure);
  if (whole === undefined) return blankVerdict(asked, { kind: 'not-measured' });
  const below = baselineEdgeOf(asked.rule, limit);
  const concurrent = below === undefined ? null : baselineCounts(question, `latency>${below}`, 'baseline');
  // Without a concurrent baseline, and for one device alone, the frozen limit stands on its own.
  const isAlone = asked.scope === 'any-device' || !isThick(question, concurrent, inlierTrials(question, measure));
  const counts = isAlone ? null : concurrent;
  const counted: CountedLimit =
    counts === null ? { kind: 'rate', threshold: 1 - q } : { kind: 'relative', ratio: 1, floor: 0 };
  const evidence = evidenceOf(question, measure, {
    limit: counted,
    baseline: counts === null ? null : { measure: `latency>${below}`, counts },
  });
  const found =
    counts === null
      ? judgeInScope(asked, evidence, levels, question)
      : passEither(
          judgeInScope(asked, evidence, { ...levels, beta: (1 - FROZEN_SHARE) * levels.beta }, question),
          judgeInScope(
            asked,
            evidenceOf(question, measure, { limit: { kind: 'rate', threshold: 1 - q } }),
            { ...levels, beta: FROZEN_SHARE * levels.beta },
            question,
          ),
        );
  const isFrozen =
    counts === null && asked.rule.limit.kind === 'baseline' && !stillHolds(asked.rule, q, limit, question);
  const { reading } = found;
  const sketch = candidate.summary.latencyMs;
  const [lower, upper] = quantileBounds(sketch, q, levels.beta, reading.designEffect);
  // No sketch is kept of a single device: its count of slow answers stands in `sums`.
  const estimate = asked.scope === 'any-device' ? null : (quantileOf(sketch, q) ?? null);
  return {
    ...countedFacts(asked, isFrozen ? unlessFrozen(found) : found),
    estimate,
    lower: estimate === null ? null : lower,
    upper: estimate !== null && Number.isFinite(upper) ? upper : null,
    limit: limit.limit,
    baseline:
      counts === null
        ? null
        : {
            estimate: quantileOf(counts.arm.summary.latencyMs, q) ?? null,
            devices: counts.devices,
            from: sourceOf(counts),
          },
    kind: 'rate',
    sums: sumsOf(evidence, reading.worst),
  };
}

/** Does one device alone keep the rule from a verdict? */
function isHeldByOne({ verdict, within, reasons }: RuleVerdict): boolean {
  return verdict === 'undecided' && !within && reasons.some(({ kind }) => kind === 'outlier' || kind === 'one-device');
}

/** One rule, and whether it holds again by now. */
function judgeRule(asked: StageRule, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const found = judgeFairly(asked, levels, question);
  const isAsked = asked.grouping === undefined && (found.verdict === 'fail' || isHeldByOne(found));
  const isBack = isAsked && rateRecovered(asked, found, question);
  return isBack ? { ...found, recovered: true } : found;
}

/** A fail stands if stable beside the candidate, and not only what was seen before, bears it out. */
function judgeFairly(asked: StageRule, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const found = judgeByKind(asked, levels, question);
  if (question.isWatch || asked.grouping !== undefined || found.verdict !== 'fail') return found;
  if (!isAgainstStable(asked.rule) || found.baseline?.from === 'offline') return found;
  const open = (reason: RuleReason): RuleVerdict => ({ ...found, verdict: 'undecided', reasons: [reason] });
  if (found.baseline?.from === 'earlier') return open({ kind: 'frozen' });
  if (isByChance(asked, levels, question)) return open({ kind: 'own-past' });
  const device = restsOnOne(question, (others) => {
    const { verdict, baseline } = judgeByKind(asked, levels, others);
    return verdict === 'fail' && baseline?.from === found.baseline?.from;
  });
  return device === null ? found : open({ kind: 'one-on-stable', device });
}

/** Gauges and outcomes know no past of each device: beside a few held back, a fail must hold against stable of before as well. */
function isByChance(asked: StageRule, levels: ErrorLevels, question: StageQuestion): boolean {
  const { kind } = metricKind(asked.rule.metric);
  if (question.isHeldBack !== true || !question.earlierBaseline || (kind !== 'gauge' && kind !== 'success'))
    return false;
  return judgeByKind(asked, levels, { ...question, baseline: null }).verdict !== 'fail';
}

function judgeByKind(asked: StageRule, levels: ErrorLevels, question: StageQuestion): RuleVerdict {
  const { rule } = asked;
  const kind = metricKind(rule.metric);
  // What the manifest states is there without a stable version.
  if (isAgainstStable(rule) && !question.hasStable && kind.kind !== 'success')
    return notApplicable(asked, { kind: 'first-rollout' });
  if (asked.grouping !== undefined) return judgeByGroup(asked, asked.grouping, { levels, question, judge: judgeRule });
  switch (kind.kind) {
    case 'rate':
      return judgeRate(asked, measureOf(rule) ?? kind.measure, levels, question);
    case 'counter':
      return judgeCounter(asked, { levels, question, judge: judgeRate });
    case 'quantile':
      return judgeLatency(asked, kind.q, levels, question);
    case 'class-share':
      return judgeClassShare(asked, levels, question);
    case 'vanished-classes':
      return judgeVanishedClasses(asked, levels, question);
    case 'drift':
      return judgeDrift(asked, kind, levels, question);
    case 'success':
      return judgeSuccess(asked, kind.measure, levels, question);
    case 'gauge':
      return judgeGauge(asked, levels, question);
    case 'heard':
      return judgeHeard(asked, kind.of, levels, question);
    case 'share':
      return judgeDevices(asked, kind, question);
    default:
      return assertNever(kind);
  }
}

/** Is the rule decided on a sample, and so has a share in the error level? Shares of devices are exact and need none. */
export function isSampled({ rule, dryRun }: StageRule): boolean {
  const { kind } = metricKind(rule.metric);
  return !dryRun && kind !== 'share' && !(kind === 'gauge' && rule.limit.kind === 'absolute');
}

/**
 * The verdict on a stage, pure and repeatable: it holds at the error level however often it is asked for. Soak, deadline and approval
 * are the caller's to weigh.
 */
export function judgeStage(question: StageQuestion): StageVerdict {
  const level = question.errorLevel ?? DEFAULT_ERROR_LEVEL;
  const levels = { alpha: ruleAlpha(level, question.rules.filter(isSampled).length), beta: level };
  const signals = question.signals ?? [];
  const heard = question.heard?.();
  const alarm = heard === undefined ? null : findArmsAlarm(heard);
  const rules = [
    ...question.rules.map((asked) => withheld(asked, judgeRule(asked, levels, question), alarm)),
    ...signals.map(({ rule, reading }) => judgeSignal(rule, reading)),
  ];
  const deciding = rules.flatMap((rule) => {
    const { verdict, within, dryRun } = rule;
    return dryRun || verdict === 'not-applicable' ? [] : [{ name: ruleName(rule), verdict, isWithin: within }];
  });
  const combined = combineVerdicts(deciding, { elapsedMs: 0 });
  const missing = missingEvidence(question);
  const arms = alarm === null ? {} : { arms: alarm };
  const about = { measured: sizeOf(question.candidate), ...arms, method: METHOD_VERSION } as const;
  const ofRules = combined.because.map((rule) => ({ kind: 'rule', rule }) as const);
  if (combined.verdict === 'fail') return { kind: 'fail', rules, because: ofRules, ...about };
  const because = [...ofRules, ...missing];
  const kind = combined.verdict === 'pass' && missing.length === 0 ? 'pass' : 'undecided';
  return { kind, rules, because, ...about };
}

/** What the stage lacks of its minimum. */
function missingEvidence({ candidate, minimum }: StageQuestion): StageReason[] {
  const { devices, inferences } = sizeOf(candidate);
  const asked = [
    { kind: 'minimum-devices', have: devices, need: minimum.devices },
    { kind: 'minimum-inferences', have: inferences, need: minimum.inferences },
  ] as const;
  return asked.filter(({ have, need }) => have < need);
}
