// Owns how far a stage is: failed, past its deadline, ready to go on, or waiting and for what.
import type { RuleVerdict, StageReason } from '../gates/rule-verdict.ts';
import { missingCount } from './count-cohort.ts';
import type { SomeDevices, WaitingOn } from './outlook.ts';
import type { NamedRule, RuleFailedReason, StatusReason, StepReason, StuckRule } from './reasons.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { decidingRules, failedRules, failureOf, MOST_RULES, ruleText } from './rule-failure.ts';
import { silentOf } from './silent-signals.ts';
import { leastDevices, type Stage } from './stages-of-policy.ts';

export type PassedReason = Extract<StepReason, { kind: 'rules-passed' | 'rest-passed' | 'deadline-passed' }>;

export type StageProgress =
  /** A rule failed. */
  | { readonly kind: 'failed'; readonly reason: RuleFailedReason }
  /** The deadline passed, and the policy goes back then. */
  | { readonly kind: 'expired'; readonly reason: Extract<StatusReason, { kind: 'deadline-expired' }> }
  | { readonly kind: 'passed'; readonly reason: PassedReason }
  | { readonly kind: 'waiting'; readonly on: readonly WaitingOn[] };

const MOST_NAMED = 3;

function openRules(facts: RolloutFacts): readonly RuleVerdict[] {
  return decidingRules(facts).filter((rule) => rule.verdict === 'undecided');
}

function missingDevices(stage: Stage, { cohort }: RolloutFacts): WaitingOn[] {
  const need = Math.max(1, leastDevices(stage, cohort?.wanted ?? 0));
  const have = cohort?.ready ?? 0;
  return have < need ? [{ kind: 'devices', have, need }] : [];
}

function namedRule({ rule, by, scope, share }: RuleVerdict): NamedRule {
  return { rule, by, scope, share };
}

/** What the verdict itself finds short of the stage's minimum: devices with data, inferences. */
function lackedMinimum(facts: RolloutFacts): readonly StageReason[] {
  const { kind, because } = facts.verdict ?? { because: [] };
  return kind === 'undecided' ? because.filter((one) => one.kind !== 'rule') : [];
}

/** An open rule that more of the same would not decide. Beside a wait that can be counted only a breach of one device is worth a word. */
function stuckRule(open: readonly RuleVerdict[], isCounted: boolean): StuckRule | null {
  const stuck = open.filter(({ needs, reasons, kind }) => needs === null && reasons.length > 0 && kind !== 'signal');
  const ofOneDevice = stuck.find(({ reasons }) => reasons.some(({ kind }) => kind === 'one-device'));
  // What is seen and still open says more than what nothing was heard of yet.
  const rule = ofOneDevice ?? (isCounted ? undefined : (stuck.find(({ estimate }) => estimate !== null) ?? stuck[0]));
  if (rule === undefined) return null;
  const { metric, group, reasons, worstDevice } = rule;
  return { metric, group, reasons, worstDevice: rule === ofOneDevice ? worstDevice : null };
}

function missingVerdict(facts: RolloutFacts): WaitingOn {
  const open = openRules(facts);
  const needs = open.flatMap(({ metric, within, needs }) => (needs === null ? [] : [{ metric, within, ...needs }]));
  const timed = needs.filter((one) => one.minutes !== null);
  const slowest = [...(timed.length > 0 ? timed : needs)].sort(
    (a, b) => (b.minutes ?? 0) - (a.minutes ?? 0) || b.trials - a.trials,
  )[0];
  const lacks = lackedMinimum(facts);
  return {
    kind: 'verdict',
    rules: open.map(namedRule),
    minutes: slowest?.minutes ?? null,
    slowest: slowest === undefined ? null : { metric: slowest.metric, trials: slowest.trials, within: slowest.within },
    lacks,
    stuck: stuckRule(open, slowest !== undefined || lacks.length > 0),
  };
}

function whatIsMissing(stage: Stage, isLast: boolean, facts: RolloutFacts): WaitingOn[] {
  const { cohort, window, verdict } = facts;
  const silent = stage.isRest ? [] : silentOf(openRules(facts));
  const missing: WaitingOn[] = [
    ...silent.map((one) => ({ kind: 'signal' as const, ...one })),
    ...missingDevices(stage, facts),
  ];
  const rest = (cohort?.pending ?? 0) + (cohort?.trying ?? 0);
  if (isLast && rest > 0) missing.push({ kind: 'rest-of-fleet', pending: rest });
  const remainingMs = stage.soakMs - (window?.readyMs ?? 0);
  if (remainingMs > 0) missing.push({ kind: 'soak', remainingMs });
  const isJudged = stage.rules.length > 0 || stage.signals.length > 0 || stage.minimumInferences > 0;
  const isHeld = verdict?.kind === 'pass' || (stage.isRest && mayPromote(stage, facts));
  if (isJudged && !isHeld) missing.push(missingVerdict(facts));
  return missing;
}

function successOf(stage: Stage, facts: RolloutFacts): PassedReason {
  const held = decidingRules(facts).filter((rule) => rule.verdict === 'pass');
  const sampled = held
    .filter((rule) => !['share', 'heard', 'gauge', 'signal'].includes(rule.kind))
    .map((rule) => rule.trials);
  return {
    kind: 'rules-passed',
    stage: stage.name,
    rules: held.length,
    readyMs: facts.window?.readyMs ?? null,
    devices: facts.cohort?.ready ?? 0,
    // A rule by group has the numbers of one group.
    inferences: sampled.length === 0 ? null : (facts.verdict?.measured.inferences ?? 0),
    approvedBy: [],
  };
}

function followedOf({ window, cohort }: RolloutFacts): PassedReason {
  return { kind: 'rest-passed', readyMs: window?.readyMs ?? null, devices: cohort?.ready ?? 0, approvedBy: [] };
}

/**
 * How the present stage stands. A failing rule counts at once; everything else has time until the deadline. Below its minimum of devices or
 * inferences a stage never passes, also at its deadline.
 */
export function stageProgress(stage: Stage, isLast: boolean, facts: RolloutFacts): StageProgress {
  if (facts.verdict?.kind === 'fail') return { kind: 'failed', reason: failureOf(stage, failedRules(facts)) };
  const missing = whatIsMissing(stage, isLast, facts);
  if (missing.length === 0)
    return { kind: 'passed', reason: stage.isRest ? followedOf(facts) : successOf(stage, facts) };
  if ((facts.window?.listenedMs ?? 0) < stage.deadlineMs) return { kind: 'waiting', on: missing };
  return atDeadline(stage, facts, missing);
}

/** Devices of the stage that don't have the version: the first by name. */
function withoutIt({ cohort }: RolloutFacts): { readonly without?: SomeDevices } {
  const devices = (cohort?.missing ?? []).slice(0, MOST_NAMED).map(({ device }) => device);
  return cohort === null || devices.length === 0 ? {} : { without: { count: missingCount(cohort), devices } };
}

/** Is what was seen beyond the limit? Nothing seen is not. */
function isSeenOver(rule: RuleVerdict): boolean {
  if (rule.kind === 'signal') return rule.sums.track.run?.within === false;
  const standings = rule.groups.length === 0 ? [rule] : rule.groups;
  return standings.some(({ within, trials }) => !within && trials > 0);
}

function mayPromote(stage: Stage, facts: RolloutFacts): boolean {
  if (facts.verdict === null || missingDevices(stage, facts).length > 0) return false;
  // All rules have passed before the rest got it: for them it is enough that none is seen to be broken.
  if (stage.isRest) return !openRules(facts).some(isSeenOver);
  return lackedMinimum(facts).length === 0 && openRules(facts).every((rule) => rule.within);
}

function atDeadline(stage: Stage, facts: RolloutFacts, missing: readonly WaitingOn[]): StageProgress {
  const { deadlineMs } = stage;
  const open = openRules(facts);
  if (stage.onDeadline === 'rollback') {
    const undecided = open.slice(0, MOST_RULES).map(({ rule }) => ruleText(rule));
    return { kind: 'expired', reason: { kind: 'deadline-expired', stage: stage.name, deadlineMs, undecided } };
  }
  if (stage.onDeadline === 'promote' && mayPromote(stage, facts))
    return { kind: 'passed', reason: { kind: 'deadline-passed', stage: stage.name, deadlineMs, approvedBy: [] } };
  const held: WaitingOn = { kind: 'deadline-held', rules: open.map(namedRule), ...withoutIt(facts) };
  return { kind: 'waiting', on: [held, ...missing] };
}
