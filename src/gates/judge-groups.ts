// Owns rules by group: the same judges asked of each group of the stage's devices, and what they say as one verdict that names a group.
import { blankVerdict, NOT_FROZEN } from './blank-verdict.ts';
import { limitsOfGroup } from './freeze-limits.ts';
import type { ErrorLevels } from './judge-rate-rule.ts';
import { metricKind } from './metric-kind.ts';
import type { GroupVerdict, RuleVerdict } from './rule-verdict.ts';
import type { ArmEvidence, GroupFacts, StageQuestion } from './stage-question.ts';
import type { RuleGrouping, StageRule } from './stage-rule.ts';
import { ruleAlpha } from './stage-verdict.ts';
import { NO_BASELINE } from './statistics/rate-verdict.ts';

/** A group of fewer devices in the stage can't be told from its devices. */
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
  const { measures, histograms, names, rates, looked, summary, groups } = group;
  const { isSample, specs } = gauges;
  const devices = new Map([...gauges.devices].filter(([device]) => isMember(device)));
  const rowOf = (name: string): number | undefined => group.rowOf(name);
  return { measures, histograms, names, rowOf, rates, looked, summary, groups, gauges: { isSample, specs, devices } };
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
function narrowed(question: StageQuestion, { name, installs }: GroupFacts, candidate: ArmEvidence): StageQuestion {
  const { baseline, earlierBaseline, restBaseline, history, perMinute } = question;
  const all = question.candidate.summary.inferences;
  return {
    ...question,
    limits: limitsOfGroup(question.limits, name),
    installs,
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

function passedOver(asked: StageRule, reason: string, devices = 0): RuleVerdict {
  return { ...blankVerdict(asked, reason), verdict: 'not-applicable', within: true, devices };
}

function judgeGroup(
  asked: StageRule,
  facts: GroupFacts,
  context: { readonly levels: ErrorLevels; readonly question: StageQuestion; readonly judge: Judge },
): RuleVerdict {
  const { levels, question, judge } = context;
  const { bad, good, pending } = facts.installs;
  const devices = bad + good + pending;
  if (devices < LEAST_DEVICES) return passedOver(asked, `fewer than ${LEAST_DEVICES} devices in the stage`, devices);
  const { kind } = metricKind(asked.rule.metric);
  const candidate = kind === 'share' ? question.candidate : groupArm(question.candidate, facts.name);
  if (candidate === null) return blankVerdict(asked, 'no data');
  const narrow = narrowed(question, facts, candidate);
  const verdict = judge(asked, levels, kind === 'gauge' ? narrowedToGauges(question, facts, narrow) : narrow);
  // A limit that was not frozen never comes; devices on stable may yet report.
  const isHopeless = verdict.reason === NOT_FROZEN || (verdict.reason.startsWith(NO_BASELINE) && facts.outside === 0);
  return isHopeless ? passedOver(asked, 'stable has no such devices to compare with', devices) : verdict;
}

/** How near to its limit, or how far over it: 1 is at the limit. */
function stretch({ verdict: { estimate, limit, rule } }: Judged): number {
  if (estimate === null || limit === null) return 0;
  if (limit === 0) return estimate;
  return rule.includes('>') ? limit / Math.max(estimate, 1e-9) : estimate / limit;
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

/** `the other 2 groups are within`, of those that were judged. */
function ofOthers(chosen: Judged, judged: readonly Judged[]): string {
  const others = judged.filter((one) => one !== chosen);
  const over = others.filter((one) => !one.verdict.within).map((one) => one.facts.name);
  if (others.length === 0) return '';
  if (over.length > 0) return `so do ${over.slice(0, 3).join(', ')}${over.length > 3 ? ' and others' : ''}`;
  return others.length === 1 ? 'the other group is within' : `the other ${others.length} groups are within`;
}

function summaryOf({ facts, verdict }: Judged): GroupVerdict {
  const { estimate, lower, upper, limit, trials, devices, within, reason } = verdict;
  return { name: facts.name, verdict: verdict.verdict, within, estimate, lower, upper, limit, trials, devices, reason };
}

/**
 * The rule in every group: one that fails fails it, and all must pass. Groups share the rule's part of the error level for a fail; a pass
 * needs all, so beta is not split. Groups too small to be told from their devices, and those with nothing to compare with, are passed over.
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
  const failed = furthest(judged.filter(({ verdict }) => verdict.verdict === 'fail'));
  const open = slowest(judged.filter(({ verdict }) => verdict.verdict === 'undecided'));
  const chosen = failed ?? open ?? furthest(judged);
  const named = { rule: asked.rule.source, by: grouping.by, groups: all.map(summaryOf) };
  if (chosen === undefined) {
    const reason = groups.length === 0 ? 'this window counts no groups' : 'no group can be judged in this stage';
    return { ...passedOver(asked, reason), ...named };
  }
  const { facts, verdict } = chosen;
  const reason = [verdict.reason, failed === undefined ? '' : ofOthers(chosen, judged)].filter((text) => text !== '');
  return {
    ...verdict,
    ...named,
    group: facts.name,
    ...(verdict.rule === asked.rule.source ? {} : { groupRule: verdict.rule }),
    within: judged.every((one) => one.verdict.within),
    reason: reason.join('; '),
  };
}
