// Owns what a policy can tell before anything rolls: how long each rule of each stage takes at a given traffic, and what stays unseen.
import type { RolloutPolicy } from '../documents/types.generated.ts';
import {
  type Baseless,
  forecastInStage,
  type StageForecast,
  type StageForecastQuestion,
} from '../gates/forecast/forecast-in-stage.ts';
import { forecastByGroup, slowestGroup } from '../gates/forecast/group-forecast.ts';
import { unseenShare } from '../gates/forecast/rule-forecast.ts';
import { isSampled } from '../gates/judge-stage.ts';
import type { FailureAction, RuleGrouping, RuleScope, StageRule } from '../gates/stage-rule.ts';
import { ruleAlpha } from '../gates/stage-verdict.ts';
import { type HeldBack, isFew } from './held-back.ts';
import { type FaultStory, unseenStories } from './policy-coverage.ts';
import { type LabelGroups, type PlannedGrouping, reckonGroups } from './reckoned-groups.ts';
import {
  heldBackBy,
  heldRules,
  leastDevices,
  type Stage,
  stagesOf,
  wantedDevices,
  withoutHoldBack,
} from './stages-of-policy.ts';

/** The traffic that a plan assumes. */
export interface Traffic {
  /** Devices of the target; null leaves out stages whose size is a share. */
  readonly devices: number | null;
  /** Inferences of one device in a minute; null when nobody says. */
  readonly perMinute: number | null;
  /** The target's devices by label, of the labels that somebody knows of. */
  readonly groups?: readonly LabelGroups[];
}

export interface PlanQuestion extends Traffic {
  /** How far a good candidate's true value is from its limit, as a part of the limit (0..1). */
  readonly health?: number;
  /** How often devices report; a minute unless given. */
  readonly intervalMs?: number;
}

export interface PlannedRule {
  readonly rule: string;
  readonly scope: RuleScope;
  /** Of a rule about any device, the share of them that may breach, 0..1; absent when none may. */
  readonly share?: number;
  readonly dryRun: boolean;
  /** Of a rule that has an action of its own. */
  readonly onFailure?: FailureAction;
  /** Of a rule by group that of its slowest group. */
  readonly forecast: StageForecast | SignalForecast;
  /** Of a rule by group alone. */
  readonly grouping?: PlannedGrouping;
}

/** An outside signal: its answers must say the same for so long, whatever the traffic. */
export interface SignalForecast {
  readonly kind: 'signal';
  readonly minutes: number;
}

export interface PlannedStage {
  readonly name: string;
  /** Devices that it takes in, those of the stages before included; null when that is not known. */
  readonly devices: number | null;
  /** It selects devices by label besides, whose number is not known here. */
  readonly selects: boolean;
  readonly soakMs: number;
  /** The soak is the time for which devices are held back, longer than the one that the policy names. */
  readonly isSoakOfHoldBack?: true;
  readonly deadlineMs: number;
  /** The policy does not name it. */
  readonly hasDefaultDeadline: boolean;
  readonly onDeadline: Stage['onDeadline'];
  /** Most that its verdict errs, 0..1. */
  readonly errorLevel: number;
  readonly minimumDevices: number;
  readonly minimumInferences: number;
  /** Devices that keep stable while it is judged; absent where there are none, or nobody knows how many. */
  readonly heldBack?: Omit<HeldBack, 'version'>;
  /** It gives the version to those held back, and ends unless a rule fails. */
  readonly isRest?: true;
  /** Inferences of the stage in a minute. */
  readonly perMinute: number | null;
  /** Minutes until all is confirmed that decides it, the minimum of inferences included; null when something never is, or nobody knows. */
  readonly passMinutes: number | null;
  /** The same with its soak, in milliseconds; null likewise. */
  readonly leastMs: number | null;
  /** Fewer devices than this part of them (0..1) may all have a fault of which the stage shows nothing; 0 when it takes in all. */
  readonly unseenShare: number | null;
  readonly rules: readonly PlannedRule[];
}

export interface Plan {
  readonly policy: string;
  readonly traffic: Traffic;
  readonly health: number;
  /** That rules make groups by. */
  readonly labels: readonly string[];
  readonly stages: readonly PlannedStage[];
  /** What none of its rules would notice in time. */
  readonly unseen: readonly FaultStory[];
}

export const DEFAULT_HEALTH = 0.4;
const MINUTE_MS = 60_000;

/** The devices of a stage: by its size; of one that only selects, no more than it needs is sure. */
function devicesOf(stage: Stage, { devices }: Traffic, before: number): number | null {
  if (stage.size === null) return Math.max(before, leastDevices(stage, Number.POSITIVE_INFINITY));
  if (stage.size.kind === 'share' && devices === null) return null;
  return Math.max(before, wantedDevices(stage, devices ?? Number.POSITIVE_INFINITY));
}

function heldBackOf(stage: Stage, matching: number | null): Pick<PlannedStage, 'heldBack'> {
  const { holdBack } = stage;
  if (holdBack === null) return {};
  const devices = matching === null ? 0 : matching - wantedDevices(stage, matching);
  const { forMs } = holdBack;
  return devices === 0 ? {} : { heldBack: { devices, of: matching ?? 0, rules: heldRules(stage), forMs } };
}

interface GroupsOfPlan {
  readonly stage: Stage;
  readonly target: number | null;
  readonly known: readonly LabelGroups[];
}

function planByGroup(
  asked: StageRule,
  grouping: RuleGrouping,
  question: StageForecastQuestion,
  { stage, target, known }: GroupsOfPlan,
): Pick<PlannedRule, 'forecast' | 'grouping'> {
  const { by } = grouping;
  // Devices that are selected besides those by size only make groups larger.
  if (stage.size === null) return { forecast: { kind: 'unplanned', why: 'unknown-groups', by } };
  const { areKnown, ...reckoned } = reckonGroups(grouping, known, { ...question, target });
  const groups = forecastByGroup(asked, grouping, reckoned, question);
  const slowest = slowestGroup(groups);
  return {
    forecast: slowest?.forecast ?? { kind: 'passed-over' },
    grouping: { by, areKnown, count: reckoned.count, slowest: slowest?.name ?? null, groups },
  };
}

/** Is nobody left on stable, or one among so many that no fail may rest on it? */
function baselessWith(devices: number, target: number | null): { readonly baseless?: Baseless } {
  if (target === null || devices < target - 1) return {};
  if (devices >= target) return { baseless: 'nobody-on-stable' };
  return isFew(1, target) ? { baseless: 'one-on-stable' } : {};
}

function planRules(stage: Stage, devices: number, level: number, question: PlanQuestion): PlannedRule[] {
  const alpha = ruleAlpha(level, stage.rules.filter(isSampled).length);
  const asked = {
    devices,
    others: Math.max(0, (question.devices ?? devices) - devices),
    perMinute: question.perMinute ?? 0,
    intervalMs: question.intervalMs ?? MINUTE_MS,
    ...baselessWith(devices, question.devices),
    ...{ alpha, beta: level, health: question.health ?? DEFAULT_HEALTH },
  };
  const rules = stage.rules.map((one) => ({
    rule: one.rule.source,
    scope: one.scope ?? 'stage',
    ...(one.scope === 'any-device' && one.share !== undefined ? { share: one.share } : {}),
    dryRun: one.dryRun,
    ...(one.onFailure === undefined ? {} : { onFailure: one.onFailure }),
    ...(one.grouping === undefined
      ? { forecast: forecastInStage(one, asked) }
      : planByGroup(one, one.grouping, asked, { stage, target: question.devices, known: question.groups ?? [] })),
  }));
  const signals = stage.signals.map(({ source, dryRun, onFailure, sustainedMs }): PlannedRule => {
    const action = onFailure === undefined ? {} : { onFailure };
    return {
      rule: source,
      scope: 'stage',
      dryRun,
      ...action,
      forecast: { kind: 'signal', minutes: sustainedMs / MINUTE_MS },
    };
  });
  return [...rules, ...signals];
}

/** Minutes until every deciding rule has passed; null when one never does, or nobody knows. */
function passMinutesOf(stage: Stage, rules: readonly PlannedRule[], perMinute: number | null): number | null {
  if (perMinute === null || perMinute <= 0) return null;
  let most = stage.minimumInferences / perMinute;
  for (const { dryRun, forecast } of rules) {
    if (dryRun) continue;
    if (forecast.kind === 'signal' || forecast.kind === 'sustained') most = Math.max(most, forecast.minutes);
    if (forecast.kind !== 'sampled') continue;
    if (forecast.pass.minutes === null) return null;
    most = Math.max(most, forecast.pass.minutes);
  }
  return most;
}

/** What each stage of the policy can confirm and catch at this traffic. */
export function planOf(policy: RolloutPolicy, question: PlanQuestion): Plan {
  let before = 0;
  const planned = stagesOf(policy).map((ofPolicy): PlannedStage => {
    const holdsNobody = question.devices !== null && heldBackBy(ofPolicy, question.devices) === 0;
    const stage = holdsNobody ? withoutHoldBack(ofPolicy) : ofPolicy;
    const devices = devicesOf(stage, question, before);
    before = devices ?? before;
    const perMinute = devices === null || question.perMinute === null ? null : devices * question.perMinute;
    const rules = devices === null ? [] : planRules(stage, devices, stage.errorLevel, question);
    const passMinutes = devices === null ? null : stage.isRest ? 0 : passMinutesOf(stage, rules, perMinute);
    const { name, soakMs, deadlineMs, hasDefaultDeadline, onDeadline, errorLevel, minimumInferences } = stage;
    return {
      ...{
        name,
        devices,
        selects: stage.select !== null,
        soakMs,
        deadlineMs,
        hasDefaultDeadline,
        onDeadline,
        errorLevel,
        minimumInferences,
      },
      minimumDevices: Math.max(1, leastDevices(stage, devices ?? Number.POSITIVE_INFINITY)),
      ...heldBackOf(stage, question.devices),
      ...(stage.isRest ? { isRest: true } : soakMs > stage.courseMs ? { isSoakOfHoldBack: true } : {}),
      ...{ perMinute, passMinutes, rules },
      leastMs: passMinutes === null ? null : Math.max(soakMs, Math.ceil(passMinutes * MINUTE_MS)),
      unseenShare: devices === null ? null : devices === question.devices ? 0 : unseenShare(devices, stage.errorLevel),
    };
  });
  // Where nobody is held back, no stage comes after the last one.
  const isHoldingBack = question.devices === null || planned.some(({ heldBack }) => heldBack !== undefined);
  const stages = planned.filter(({ isRest }) => isRest !== true || isHoldingBack);
  const { devices, perMinute, groups, health = DEFAULT_HEALTH } = question;
  const traffic = { devices, perMinute, ...(groups === undefined ? {} : { groups }) };
  const labels = stagesOf(policy).flatMap(({ rules }) => rules.flatMap(({ grouping }) => grouping?.by ?? []));
  const unseen = unseenStories(policy);
  return { policy: policy.metadata.name, traffic, health, labels: [...new Set(labels)], stages, unseen };
}
