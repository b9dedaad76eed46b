// Owns how far a stage is: failed, past its deadline, ready to go on, or waiting and for what.

import { clipped, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { RuleVerdict, StageReason } from '../gates/rule-verdict.ts';
import { countOf, formatCount, listed } from '../wording/amounts.ts';
import { reasonsInWords, silenceInWords, stageReasonInWords } from '../wording/reason-in-words.ts';
import { ruleInScope } from '../wording/scope-in-words.ts';
import { breachInWords } from '../wording/verdict-table.ts';
import type { WaitingOn } from './outlook.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import type { Stage } from './stages-of-policy.ts';
import { leastDevices } from './stages-of-policy.ts';

export type StageProgress =
  /** A rule failed. */
  | { readonly kind: 'failed'; readonly reason: string }
  /** The deadline passed, and the policy goes back then. */
  | { readonly kind: 'expired'; readonly reason: string }
  | { readonly kind: 'passed'; readonly reason: string }
  | { readonly kind: 'waiting'; readonly on: readonly WaitingOn[] };

/** A reason is one of several things in a cell of a table. */
const MOST_WHY = 160;

function decidingRules({ verdict }: RolloutFacts): readonly RuleVerdict[] {
  return (verdict?.rules ?? []).filter((rule) => !rule.dryRun);
}

function openRules(facts: RolloutFacts): readonly RuleVerdict[] {
  return decidingRules(facts).filter((rule) => rule.verdict === 'undecided');
}

function missingDevices(stage: Stage, { cohort }: RolloutFacts): WaitingOn[] {
  const need = Math.max(1, leastDevices(stage, cohort?.wanted ?? 0));
  const have = cohort?.ready ?? 0;
  return have < need ? [{ kind: 'devices', have, need }] : [];
}

/** What the verdict itself finds short of the stage's minimum: devices with data, inferences. */
function lackedMinimum(facts: RolloutFacts): readonly string[] {
  const isLack = ({ kind }: StageReason): boolean => kind !== 'rule';
  return facts.verdict?.kind === 'undecided' ? facts.verdict.because.filter(isLack).map(stageReasonInWords) : [];
}

/** Providers that don't answer: nothing else can mend that but a person. */
function silentSignals(facts: RolloutFacts): WaitingOn[] {
  return openRules(facts).flatMap((rule): WaitingOn[] => {
    if (rule.kind !== 'signal' || rule.sums.state.kind !== 'silent') return [];
    const { from, provider, state } = rule.sums;
    const reason = `${from} ${provider}: ${silenceInWords(state.why)}`;
    return [{ kind: 'signal', signal: rule.metric, from, provider, reason, sinceMs: state.sinceMs }];
  });
}

/**
 * `latency_p95 on hw:rev2: one device explains the breach, kiosk-017`. Beside a wait that can be counted only that is said: everything else
 * that rules wait for then comes with time.
 */
function whyStuck(open: readonly RuleVerdict[], isCounted: boolean): { readonly why?: string } {
  const stuck = open.filter(({ needs, reasons, kind }) => needs === null && reasons.length > 0 && kind !== 'signal');
  const ofOneDevice = stuck.find(({ reasons }) => reasons.some(({ kind }) => kind === 'one-device'));
  // What is seen and still open says more than what nothing was heard of yet.
  const rule = ofOneDevice ?? (isCounted ? undefined : (stuck.find(({ estimate }) => estimate !== null) ?? stuck[0]));
  if (rule === undefined) return {};
  const { metric, group, reasons, worstDevice } = rule;
  // The only open rule is named beside it.
  const about = [...(open.length > 1 ? [metric] : []), ...(group === null ? [] : [group])].join(' on ');
  const device = rule === ofOneDevice && worstDevice !== null ? `, ${worstDevice}` : '';
  return { why: clipped(oneLine(`${about === '' ? '' : `${about}: `}${reasonsInWords(reasons)}${device}`), MOST_WHY) };
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
    rules: open.map(ruleInScope),
    minutes: slowest?.minutes ?? null,
    slowest: slowest === undefined ? null : { metric: slowest.metric, trials: slowest.trials, within: slowest.within },
    lacks,
    ...whyStuck(open, slowest !== undefined || lacks.length > 0),
  };
}

function whatIsMissing(stage: Stage, isLast: boolean, facts: RolloutFacts): WaitingOn[] {
  const { cohort, window, verdict } = facts;
  const missing: WaitingOn[] = [...silentSignals(facts), ...missingDevices(stage, facts)];
  const rest = (cohort?.pending ?? 0) + (cohort?.trying ?? 0);
  if (isLast && rest > 0) missing.push({ kind: 'rest-of-fleet', pending: rest });
  const remainingMs = stage.soakMs - (window?.readyMs ?? 0);
  if (remainingMs > 0) missing.push({ kind: 'soak', remainingMs });
  const isJudged = stage.rules.length > 0 || stage.signals.length > 0 || stage.minimumInferences > 0;
  if (isJudged && verdict?.kind !== 'pass') missing.push(missingVerdict(facts));
  return missing;
}

/** `error_rate 4.2 % in canary, not < 0.5 %; latency_p95 failed as well`. */
function failure(stage: Stage, facts: RolloutFacts): string {
  const failed = decidingRules(facts).filter((rule) => rule.verdict === 'fail');
  const [first, ...more] = failed;
  const others = more.map((rule) => rule.metric);
  const also = others.length === 0 ? '' : `; ${listed(others, 'and', 3)} failed as well`;
  return first === undefined
    ? `${listed((facts.verdict?.because ?? []).map(stageReasonInWords), 'and', 3)} failed in ${stage.name}`
    : `${breachInWords(first, stage.name)}${also}`;
}

/** `all 4 rules of "canary" held for 30 min on 10 devices, 12 480 inferences`. */
function success(stage: Stage, facts: RolloutFacts): string {
  const held = decidingRules(facts).filter((rule) => rule.verdict === 'pass');
  const rules = held.length === 1 ? `the rule of "${stage.name}"` : `all ${held.length} rules of "${stage.name}"`;
  const what = held.length === 0 ? `"${stage.name}" has no rule that applies; it ran` : `${rules} held`;
  const sampled = held.filter((rule) => !['share', 'gauge', 'signal'].includes(rule.kind)).map((rule) => rule.trials);
  // A rule by group has the numbers of one group.
  const seen = facts.verdict?.measured.inferences ?? 0;
  const inferences = sampled.length === 0 ? '' : `, ${countOf(seen, 'inference')}`;
  const time = facts.window === null ? '' : ` for ${formatDuration(facts.window.readyMs)}`;
  return `${what}${time} on ${countOf(facts.cohort?.ready ?? 0, 'device')}${inferences}`;
}

/**
 * How the present stage stands. A failing rule counts at once; everything else has time until the deadline. Below its minimum of devices or
 * inferences a stage never passes, also at its deadline.
 */
export function stageProgress(stage: Stage, isLast: boolean, facts: RolloutFacts): StageProgress {
  if (facts.verdict?.kind === 'fail') return { kind: 'failed', reason: failure(stage, facts) };
  const missing = whatIsMissing(stage, isLast, facts);
  if (missing.length === 0) return { kind: 'passed', reason: success(stage, facts) };
  if (stage.deadlineMs === null || (facts.window?.listenedMs ?? 0) < stage.deadlineMs)
    return { kind: 'waiting', on: missing };
  return atDeadline(stage, facts, missing);
}

function mayPromote(stage: Stage, facts: RolloutFacts): boolean {
  const hasMinimum = missingDevices(stage, facts).length === 0 && lackedMinimum(facts).length === 0;
  return hasMinimum && facts.verdict !== null && openRules(facts).every((rule) => rule.within);
}

/** `: error_rate < 0.5% was not decided; of 20 devices 12 had not finished taking it`. */
function whyNot(facts: RolloutFacts): string {
  const open = openRules(facts).map((rule) => oneLine(ruleInScope(rule)));
  const rules =
    open.length === 0 ? [] : [`${listed(open, 'and', 3)} ${open.length === 1 ? 'was' : 'were'} not decided`];
  const lacks = lackedMinimum(facts);
  const minimum = lacks.length === 0 ? [] : [`it lacked ${listed(lacks, 'and', 3)}`];
  const why = [...rules, ...minimum, ...devicesApart(facts)];
  return why.length === 0 ? '' : `: ${why.join('; ')}`;
}

function devicesApart({ cohort }: RolloutFacts): string[] {
  if (cohort === null) return [];
  const { trying, onTrial = 0, pending, failed, refused, silent, unreachable, wanted } = cohort;
  const apart = [
    [trying - onTrial, 'had not finished the download'],
    [onTrial, onTrial === 1 ? 'was on trial' : 'were on trial'],
    [pending, 'had not begun'],
    [failed, 'failed'],
    [refused, 'refused it'],
    [silent, 'fell silent'],
    [unreachable, unreachable === 1 ? 'was not reached' : 'were not reached'],
  ] as const;
  const told = apart.filter(([count]) => count > 0).map(([count, what]) => `${formatCount(count)} ${what}`);
  return told.length === 0 ? [] : [`of ${countOf(wanted, 'device')} ${listed(told, 'and', told.length)}`];
}

function atDeadline(stage: Stage, facts: RolloutFacts, missing: readonly WaitingOn[]): StageProgress {
  const limit = formatDuration(stage.deadlineMs ?? 0);
  if (stage.onDeadline === 'rollback') {
    return { kind: 'expired', reason: `"${stage.name}" did not pass within its deadline of ${limit}${whyNot(facts)}` };
  }
  if (stage.onDeadline === 'promote' && mayPromote(stage, facts)) {
    const reason = `"${stage.name}" reached its deadline of ${limit} with every rule observed within its limit`;
    return { kind: 'passed', reason };
  }
  const held: WaitingOn = { kind: 'deadline-held', rules: openRules(facts).map(ruleInScope) };
  return { kind: 'waiting', on: [held, ...missing] };
}
