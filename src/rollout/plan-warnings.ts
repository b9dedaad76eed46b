// Owns what speaks against a policy before anything rolls under it: rules that can't be decided in time, or at all.

import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import { LEAST_DEVICES } from '../gates/judge-groups.ts';
import { ruleName } from '../gates/rule-verdict.ts';
import { countOf, formatAmount, formatCount, listed } from '../wording/amounts.ts';
import { passedOverInWords } from '../wording/reason-in-words.ts';
import { isOneOfMany } from './reckoned-groups.ts';
import type { Plan, PlannedRule, PlannedStage } from './stage-plan.ts';

export interface PlanWarning {
  readonly code:
    | 'POLICY_TOO_SLOW'
    | 'POLICY_NEVER_DECIDES'
    | 'POLICY_ONE_DEVICE'
    | 'POLICY_TOO_FEW_DEVICES'
    | 'POLICY_NO_GROUP';
  readonly stage: string;
  /** The rule as the policy has it; null when the stage as a whole is meant. */
  readonly rule: string | null;
  readonly message: string;
  readonly remedy: string;
}

/** A time that was worked out, not measured: to the minute. */
export function aboutTime(minutes: number): string {
  return formatDuration(Math.max(1, Math.round(minutes)) * 60_000);
}

/** The rule, with what it makes groups by. */
function nameOf({ rule, grouping }: PlannedRule): string {
  return oneLine(ruleName({ rule, by: grouping?.by ?? null }));
}

/** Whom a rule is decided on: the stage's devices, or those of its slowest group, which may have a traffic of its own. */
function judgedDevices(
  devices: number,
  { grouping }: PlannedRule,
): { readonly count: number; readonly who: string; readonly perMinute?: number } {
  const slowest = grouping?.groups.find(({ name }) => name === grouping.slowest);
  if (grouping === undefined || slowest === undefined) return { count: devices, who: countOf(devices, 'device') };
  const name = isOneOfMany(slowest.name) ? 'a group' : oneLine(slowest.name);
  const assumed = grouping.areKnown
    ? ''
    : ` (${oneLine(grouping.by)} is assumed to have ${grouping.count} groups of one size)`;
  const { devices: count, perMinute } = slowest;
  return { count, perMinute, who: `${countOf(count, 'device')} of ${name}${assumed}` };
}

/** `0.5 %` of `error_rate < 0.5%`; a rule's own text where it is more than a limit. */
function confirmed(planned: PlannedRule): string {
  const { forecast } = planned;
  const text = nameOf(planned);
  return forecast.kind === 'sampled' && forecast.of === 'inferences'
    ? `${formatAmount(forecast.limit, 'ratio')} (\`${text}\`)`
    : `\`${text}\``;
}

/** The time that a stage has for its verdict, and what it is. */
function timeOf({ soakMs, deadlineMs }: PlannedStage): { readonly ms: number; readonly what: string } | null {
  if (deadlineMs !== null) return { ms: deadlineMs, what: 'its deadline' };
  return soakMs > 0 ? { ms: soakMs, what: 'its soak' } : null;
}

const AFTER_DEADLINE = {
  hold: 'and at the deadline it waits for a person',
  rollback: 'and at the deadline it goes back',
  promote: 'and at the deadline it goes on if every open rule is observed within its limit',
} as const;

/** The rules that take longer than the stage has, as one warning at the slowest. */
function slowRules(stage: PlannedStage, decided: readonly PlannedRule[], perMinute: number): PlanWarning[] {
  const { name, devices, deadlineMs, onDeadline } = stage;
  const time = timeOf(stage);
  if (devices === null || time === null) return [];
  const minutesOf = ({ forecast }: PlannedRule): number =>
    forecast.kind === 'sampled' ? (forecast.pass.minutes ?? 0) : forecast.kind === 'signal' ? forecast.minutes : 0;
  const slow = decided.filter((one) => minutesOf(one) * 60_000 > time.ms).sort((x, y) => minutesOf(y) - minutesOf(x));
  const [slowest, ...others] = slow;
  if (slowest === undefined) return [];
  const judged = judgedDevices(devices, slowest);
  const who = `${judged.who} at ${countOf(judged.perMinute ?? perMinute, 'inference')} a minute`;
  const after = deadlineMs === null ? 'and it goes on until then' : AFTER_DEADLINE[onDeadline];
  const names = listed(
    others.map((one) => `\`${nameOf(one)}\``),
    'and',
  );
  const also = others.length === 0 ? '' : ` Too slow as well: ${names}.`;
  return [
    {
      code: 'POLICY_TOO_SLOW',
      stage: name,
      rule: slowest.rule,
      message: `Stage "${name}": ${who} cannot confirm ${confirmed(slowest)} within ${formatDuration(time.ms)}, ${time.what}; it takes about ${aboutTime(minutesOf(slowest))}, ${after}.${also}`,
      remedy: 'Take in more devices, give it more time, or widen the limit.',
    },
  ];
}

/** Rules for a time that a stage's deadline does not leave, whatever its traffic. */
function lateRules({ name, deadlineMs, onDeadline }: PlannedStage, decided: readonly PlannedRule[]): PlanWarning[] {
  if (deadlineMs === null) return [];
  return decided.flatMap(({ rule, forecast }): PlanWarning[] => {
    if (forecast.kind !== 'sustained' || forecast.minutes * 60_000 < deadlineMs) return [];
    const needs = `\`${oneLine(rule)}\` can pass after ${aboutTime(forecast.minutes)} at the earliest`;
    const message = `Stage "${name}": ${needs}; its deadline is ${formatDuration(deadlineMs)}, ${AFTER_DEADLINE[onDeadline]}.`;
    return [
      {
        code: 'POLICY_TOO_SLOW',
        stage: name,
        rule,
        message,
        remedy: 'Make `deadline` longer, or say a shorter `for` in the rule.',
      },
    ];
  });
}

function neverDecided(stage: PlannedStage, planned: PlannedRule): PlanWarning[] {
  const { forecast, scope, rule, grouping } = planned;
  if (stage.devices === null) return [];
  const base = { stage: stage.name, rule };
  const name = nameOf(planned);
  const { count, who } = judgedDevices(stage.devices, planned);
  if (forecast.kind === 'passed-over') {
    // What is only assumed of groups is no reason to warn, unless no group at all can have so many.
    if (grouping?.areKnown === false && stage.devices >= LEAST_DEVICES) return [];
    const message = `Stage "${stage.name}": \`${name}\` judges nothing here: ${passedOverInWords(grouping)}.`;
    const remedy = 'Take in more devices, or ask it in a later stage.';
    return [{ ...base, code: 'POLICY_NO_GROUP', message, remedy }];
  }
  const isNever = forecast.kind === 'sampled' && forecast.of !== 'drift';
  if (isNever && (forecast.pass.inferences === null || forecast.fail.inferences === null)) {
    const of = scope === 'fleet' ? ' as a sample of the fleet' : '';
    const what = forecast.pass.inferences === null ? 'confirm' : 'catch twice the limit of';
    const message = `Stage "${stage.name}": ${who}${of} can never ${what} \`${name}\`, however long it runs.`;
    return [
      { ...base, code: 'POLICY_NEVER_DECIDES', message, remedy: 'Take in more devices, or leave out `scope: fleet`.' },
    ];
  }
  if (forecast.kind !== 'devices' || forecast.bears > 0) return [];
  const { limit } = forecast;
  if (limit <= 0) return [];
  const one = formatAmount(1 / count, 'ratio');
  const message = `Stage "${stage.name}": \`${name}\` can't be told on ${who}: one failed device is ${one}, so the first one fails the stage.`;
  const least = formatCount(Math.floor(1 / limit + 1e-9) + 1);
  const remedy = `If one broken device may not end a rollout, take in at least ${least} devices${grouping === undefined ? '' : ' of each group'} or raise the limit.`;
  return [{ ...base, code: 'POLICY_ONE_DEVICE', message, remedy }];
}

function stageWarnings(stage: PlannedStage, perMinute: number | null): PlanWarning[] {
  const { name, devices, minimumDevices, rules } = stage;
  const base = { stage: name, rule: null };
  const warnings: PlanWarning[] = [];
  if (devices !== null && devices < minimumDevices && !stage.selects) {
    const message = `Stage "${name}" takes in ${countOf(devices, 'device')}, and can't pass with fewer than ${formatCount(minimumDevices)}.`;
    const remedy = 'Lower `minimum.devices`, or give it more devices.';
    warnings.push({ ...base, code: 'POLICY_TOO_FEW_DEVICES', message, remedy });
  }
  const time = timeOf(stage);
  const slow = stage.perMinute ? stage.minimumInferences / stage.perMinute : 0;
  if (time !== null && slow * 60_000 > time.ms) {
    const message = `Stage "${name}": its minimum of ${formatCount(stage.minimumInferences)} inferences takes about ${aboutTime(slow)}, and ${time.what} is ${formatDuration(time.ms)}.`;
    warnings.push({
      ...base,
      code: 'POLICY_TOO_SLOW',
      message,
      remedy: 'Lower `minimum.inferences`, or give it more time.',
    });
  }
  const decided = rules.filter((rule) => !rule.dryRun);
  return [
    ...warnings,
    ...lateRules(stage, decided),
    ...decided.flatMap((rule) => neverDecided(stage, rule)),
    ...(perMinute === null ? [] : slowRules(stage, decided, perMinute)),
  ];
}

/** What the plan of a policy warns of; without a known traffic, what holds at any. */
export function warningsOf({ stages, traffic }: Plan): PlanWarning[] {
  return stages.flatMap((stage) => stageWarnings(stage, traffic.perMinute));
}
