// Owns rules by group: the same judges asked of each group of the stage's devices, and what they say as one verdict that names a group.
import { blankVerdict, notApplicable } from './blank-verdict.ts';
import { limitsOfGroup } from './freeze-limits.ts';
import type { ErrorLevels } from './judge-rate-rule.ts';
import { metricKind } from './metric-kind.ts';
import type { RuleReason } from './rule-reason.ts';
import type { GroupVerdict, RuleVerdict } from './rule-verdict.ts';
import type { ArmEvidence, GroupFacts, StageQuestion } from './stage-question.ts';
import type { RuleGrouping, StageRule } from './stage-rule.ts';
import { ruleAlpha } from './stage-verdict.ts';
import { totalOf } from './statistics/share-verdict.ts';

/** In a group of fewer devices, a bad group and a bad device look the same. */
export const LEAST_DEVICES = 3;

type Judge = (asked: StageRule, levels: ErrorLevels, question: StageQuestion) => RuleVerdict;

interface Judged {
  readonly facts: GroupFacts;
  readonly verdict: RuleVerdict;
}

function groupArm(arm: ArmEvidence | null | undefined, name: string): ArmEvidence | null {
  return arm?.groups.get(name) ?? null;
}

/** A group's table with the gauges of its devices, which the arm keeps device by device. */
function withGauges(
  group: ArmEvidence | null,
  gauges: ArmEvidence['gauges'],
  { isMember }: GroupFacts,
): ArmEvidence | null {
  if (group === null || gauges === undefined || isMember === undefined) return group;
  const { measures, histograms, names, sums, summary, groups } = group;
  const { isSample, specs } = gauges;
  const devices = new Map([...gauges.devices].filter(([device]) => isMember(device)));
  const rowOf = (name: string): number | undefined => group.rowOf(name);
  return { measures, histograms, names, rowOf, sums, summary, groups, gauges: { isSample, specs, devices } };
}

/** The question about gauges, as if the group were the stage. */
function narrowedToGauges(question: StageQuestion, facts: GroupFacts, narrow: StageQuestion): StageQuestion {
  const { candidate, baseline, earlierBaseline } = narrow;
  return {
    ...narrow,
    candidate: withGauges(candidate, question.candidate.gauges, facts) ?? candidate,
    baseline: withGauges(baseline, question.baseline?.gauges, facts),
    earlierBaseline: withGauges(earlierBaseline ?? null, question.earlierBaseline?.gauges, facts),
  };
}

/** The question as if the group were the stage. */
function narrowed(
  question: StageQuestion,
  { name, installs, deliveries, heard }: GroupFacts,
  candidate: ArmEvidence,
): StageQuestion {
  const { baseline, earlierBaseline, restBaseline, history, perMinute } = question;
  const all = question.candidate.summary.inferences;
  return {
    ...question,
    limits: limitsOfGroup(question.limits, name),
    installs,
    ...(deliveries === undefined ? {} : { deliveries }),
    ...(heard === undefined ? {} : { heard }),
    candidate,
    baseline: groupArm(baseline, name),
    earlierBaseline: groupArm(earlierBaseline, name),
    restBaseline: groupArm(restBaseline, name),
    history: groupArm(history, name),
    perMinute: perMinute === null || all === 0 ? null : (perMinute * candidate.summary.inferences) / all,
  };
}

/** The rule in one group, with the group's own limit where it has one. */
export function ruleIn(
  { grouping: _, ...asked }: StageRule,
  { by: __, limits }: RuleGrouping,
  value: string,
): StageRule {
  return { ...asked, rule: limits.get(value) ?? asked.rule };
}

/** A limit that was not frozen never comes; devices on stable may yet report. */
function isHopeless({ reasons }: RuleVerdict, { outside }: GroupFacts): boolean {
  return reasons.some(
    ({ kind }) => kind === 'not-frozen' || (outside === 0 && (kind === 'no-baseline' || kind === 'thin-baseline')),
  );
}

function judgeGroup(
  asked: StageRule,
  facts: GroupFacts,
  context: { readonly levels: ErrorLevels; readonly question: StageQuestion; readonly judge: Judge },
): RuleVerdict {
  const { levels, question, judge } = context;
  const devices = totalOf(facts.installs);
  if (devices < LEAST_DEVICES)
    return { ...notApplicable(asked, { kind: 'small-group', least: LEAST_DEVICES }), devices };
  const { kind } = metricKind(asked.rule.metric);
  const candidate =
    kind === 'share' || kind === 'heard' ? question.candidate : groupArm(question.candidate, facts.name);
  if (candidate === null) return blankVerdict(asked, { kind: 'no-data' });
  const narrow = narrowed(question, facts, candidate);
  const verdict = judge(asked, levels, kind === 'gauge' ? narrowedToGauges(question, facts, narrow) : narrow);
  return isHopeless(verdict, facts) ? { ...notApplicable(asked, { kind: 'no-such-devices' }), devices } : verdict;
}

/** How near to its limit, or how far over it: 1 is at the limit. */
function stretch({ verdict: { estimate, limit, goodSide } }: Judged): number {
  if (estimate === null || limit === null) return 0;
  if (limit === 0) return estimate;
  return goodSide === 'above' ? limit / Math.max(estimate, 1e-9) : estimate / limit;
}

function furthest(judged: readonly Judged[]): Judged | undefined {
  return judged.toSorted((a, b) => stretch(b) - stretch(a))[0];
}

/** The group that the others wait for. */
function slowest(open: readonly Judged[]): Judged | undefined {
  const minutes = ({ verdict: { needs } }: Judged): number =>
    needs === null ? Number.POSITIVE_INFINITY : (needs.minutes ?? needs.trials);
  return open.toSorted((a, b) => minutes(b) - minutes(a))[0];
}

const MOST_OVER = 3;

/** How the others stand of those that were judged. */
function ofOthers(chosen: Judged, judged: readonly Judged[]): RuleReason[] {
  const others = judged.filter((one) => one !== chosen);
  if (others.length === 0) return [];
  const over = others.filter((one) => !one.verdict.within).map((one) => one.facts.name);
  return [{ kind: 'other-groups', count: others.length, over: over.slice(0, MOST_OVER), overCount: over.length }];
}

function summaryOf({ facts: { name }, verdict: found }: Judged): GroupVerdict {
  const { verdict, estimate, lower, upper, limit, trials, devices, within, reasons } = found;
  return { name, verdict, within, estimate, lower, upper, limit, trials, devices, reasons };
}

/**
 * The rule in every group: one that fails fails it, and all must pass. Groups share the rule's part of the error level for a fail; a pass
 * needs all, so beta is not split. Groups with too few devices, and those with nothing to compare with, are passed over.
 */
export function judgeByGroup(
  asked: StageRule,
  grouping: RuleGrouping,
  context: { readonly levels: ErrorLevels; readonly question: StageQuestion; readonly judge: Judge },
): RuleVerdict {
  const { levels, question } = context;
  const groups = question.groups?.get(grouping.by) ?? [];
  const own = { ...context, levels: { ...levels, alpha: ruleAlpha(levels.alpha, groups.length) } };
  const all = groups.map((facts): Judged => {
    return { facts, verdict: judgeGroup(ruleIn(asked, grouping, facts.value), facts, own) };
  });
  const judged = all.filter(({ verdict }) => verdict.verdict !== 'not-applicable');
  const fails = judged.filter(({ verdict }) => verdict.verdict === 'fail');
  const failed = furthest(fails);
  const open = slowest(judged.filter(({ verdict }) => verdict.verdict === 'undecided'));
  const chosen = failed ?? open ?? furthest(judged);
  const named = { rule: asked.rule.source, by: grouping.by, groups: all.map(summaryOf) };
  if (chosen === undefined) {
    const kind = groups.length === 0 ? 'not-measured' : 'no-group-judged';
    return { ...notApplicable(asked, { kind }), ...named };
  }
  const { facts, verdict } = chosen;
  const { recovered: _, ...chosenVerdict } = verdict;
  const areAllBack = fails.length > 0 && fails.every((one) => one.verdict.recovered === true);
  return {
    ...chosenVerdict,
    ...(areAllBack ? { recovered: true } : {}),
    ...named,
    group: facts.name,
    groupRule: verdict.rule === asked.rule.source ? null : verdict.rule,
    within: judged.every((one) => one.verdict.within),
    reasons: failed === undefined ? verdict.reasons : [...verdict.reasons, ...ofOthers(chosen, judged)],
  };
}
