// Owns what speaks against a policy before anything rolls under it, as facts: rules that can't be decided in time, or at all.
import { LEAST_DEVICES } from '../gates/judge-groups.ts';
import type { FaultStory } from './policy-coverage.ts';
import type { Plan, PlannedRule, PlannedStage } from './stage-plan.ts';

/** The time that a stage has for its verdict. */
export interface StageTime {
  readonly ms: number;
  readonly is: 'deadline' | 'soak';
}

/** Whom a rule is decided on: the stage's devices, or those of its slowest group, which may have a traffic of its own. */
export interface JudgedDevices {
  readonly count: number;
  /** The slowest group; null when the rule is about the stage's devices together. */
  readonly group: string | null;
  readonly perMinute: number | null;
}

export type PlanWarning = {
  readonly stage: PlannedStage;
} /** The slowest rule takes longer than the stage has; `others` do so as well. */ & (
  | {
      readonly kind: 'too-slow';
      readonly rule: PlannedRule;
      readonly judged: JudgedDevices;
      readonly perMinute: number;
      readonly time: StageTime;
      readonly minutes: number;
      readonly others: readonly PlannedRule[];
    }
  /** A rule for a time that the deadline does not leave, whatever the traffic. */
  | { readonly kind: 'sustained-too-long'; readonly rule: PlannedRule; readonly minutes: number }
  | { readonly kind: 'minimum-too-slow'; readonly rule: null; readonly minutes: number; readonly time: StageTime }
  | { readonly kind: 'too-few-devices'; readonly rule: null; readonly devices: number }
  | { readonly kind: 'no-group'; readonly rule: PlannedRule }
  | {
      readonly kind: 'never-decides';
      readonly rule: PlannedRule;
      readonly judged: JudgedDevices;
      readonly lacks: 'pass' | 'fail';
    }
  /** Stories of bad models that no rule of the policy sees before all devices have the version; told at the first stage. */
  | { readonly kind: 'unseen'; readonly rule: null; readonly stories: readonly FaultStory[] }
  | { readonly kind: 'one-device'; readonly rule: PlannedRule; readonly judged: JudgedDevices; readonly limit: number }
);

const CODES = {
  'too-slow': 'POLICY_TOO_SLOW',
  'sustained-too-long': 'POLICY_TOO_SLOW',
  'minimum-too-slow': 'POLICY_TOO_SLOW',
  'too-few-devices': 'POLICY_TOO_FEW_DEVICES',
  'no-group': 'POLICY_NO_GROUP',
  'never-decides': 'POLICY_NEVER_DECIDES',
  'one-device': 'POLICY_ONE_DEVICE',
  unseen: 'POLICY_BLIND',
} as const satisfies Readonly<Record<PlanWarning['kind'], string>>;

export function warningCode({ kind }: PlanWarning): (typeof CODES)[PlanWarning['kind']] {
  return CODES[kind];
}

function judgedDevices(devices: number, { grouping }: PlannedRule): JudgedDevices {
  const slowest = grouping?.groups.find(({ name }) => name === grouping.slowest);
  if (slowest === undefined) return { count: devices, group: null, perMinute: null };
  return { count: slowest.devices, group: slowest.name, perMinute: slowest.perMinute };
}

/** A deadline that the policy does not name says nothing of what it expects; its soak does. */
function timeOf({ soakMs, deadlineMs, hasDefaultDeadline }: PlannedStage): StageTime {
  return hasDefaultDeadline && soakMs > 0 ? { ms: soakMs, is: 'soak' } : { ms: deadlineMs, is: 'deadline' };
}

function minutesOf({ forecast }: PlannedRule): number {
  if (forecast.kind === 'sampled') return forecast.pass.minutes ?? 0;
  return forecast.kind === 'signal' ? forecast.minutes : 0;
}

/** The rules that take longer than the stage has, as one warning at the slowest. */
function slowRules(stage: PlannedStage, decided: readonly PlannedRule[], perMinute: number): PlanWarning[] {
  const { devices } = stage;
  const time = timeOf(stage);
  if (devices === null) return [];
  const slow = decided.filter((one) => minutesOf(one) * 60_000 > time.ms).sort((x, y) => minutesOf(y) - minutesOf(x));
  const [rule, ...others] = slow;
  if (rule === undefined) return [];
  const judged = judgedDevices(devices, rule);
  return [{ kind: 'too-slow', stage, rule, judged, perMinute, time, minutes: minutesOf(rule), others }];
}

function lateRules(stage: PlannedStage, decided: readonly PlannedRule[]): PlanWarning[] {
  const { deadlineMs } = stage;
  return decided.flatMap((rule): PlanWarning[] => {
    const { forecast } = rule;
    if (forecast.kind !== 'sustained' || forecast.minutes * 60_000 < deadlineMs) return [];
    return [{ kind: 'sustained-too-long', stage, rule, minutes: forecast.minutes }];
  });
}

function neverDecided(stage: PlannedStage, rule: PlannedRule): PlanWarning[] {
  const { forecast, grouping } = rule;
  if (stage.devices === null) return [];
  const judged = judgedDevices(stage.devices, rule);
  if (forecast.kind === 'passed-over') {
    // What is only assumed of groups is no reason to warn, unless no group at all can have so many.
    const isAssumed = grouping?.areKnown === false && stage.devices >= LEAST_DEVICES;
    return isAssumed ? [] : [{ kind: 'no-group', stage, rule }];
  }
  if (forecast.kind === 'sampled' && !['drift', 'loss'].includes(forecast.of)) {
    const { pass, fail } = forecast;
    const isBlind = fail.inferences === null && forecast.openFail === undefined;
    const lacks = pass.inferences === null ? 'pass' : isBlind ? 'fail' : null;
    return lacks === null ? [] : [{ kind: 'never-decides', stage, rule, judged, lacks }];
  }
  // A stop because of one device takes nothing back, and people see it.
  const stops = rule.onFailure === 'pause' || rule.onFailure === 'ask';
  if (forecast.kind !== 'devices' || forecast.bears > 0 || forecast.limit <= 0 || stops) return [];
  return [{ kind: 'one-device', stage, rule, judged, limit: forecast.limit }];
}

function stageWarnings(stage: PlannedStage, perMinute: number | null): PlanWarning[] {
  const { devices, minimumDevices, rules } = stage;
  const warnings: PlanWarning[] = [];
  // Its rules have held before, and need not be confirmed once more.
  if (stage.isRest === true) return warnings;
  if (devices !== null && devices < minimumDevices && !stage.selects)
    warnings.push({ kind: 'too-few-devices', stage, rule: null, devices });
  const time = timeOf(stage);
  const minutes = stage.perMinute ? stage.minimumInferences / stage.perMinute : 0;
  if (minutes * 60_000 > time.ms) warnings.push({ kind: 'minimum-too-slow', stage, rule: null, minutes, time });
  const decided = rules.filter((rule) => !rule.dryRun);
  return [
    ...warnings,
    ...lateRules(stage, decided),
    ...decided.flatMap((rule) => neverDecided(stage, rule)),
    ...(perMinute === null ? [] : slowRules(stage, decided, perMinute)),
  ];
}

/** What the plan of a policy warns of; without a known traffic, what holds at any. */
export function warningsOf({ stages, traffic, unseen }: Plan): PlanWarning[] {
  const [first] = stages;
  const blind: PlanWarning[] =
    first === undefined || unseen.length === 0 ? [] : [{ kind: 'unseen', stage: first, rule: null, stories: unseen }];
  return [...stages.flatMap((stage) => stageWarnings(stage, traffic.perMinute)), ...blind];
}
