// Owns the groups that a plan reckons with: those that there are, or as many of one size as the policy gives reason to assume.
import type { GroupForecast, ReckonedGroup, ReckonedGroups } from '../gates/forecast/group-forecast.ts';
import type { RuleGrouping } from '../gates/stage-rule.ts';
import { groupName, OTHER_VALUES } from '../telemetry/groups.ts';

/** The target's devices by a label, in the groups that windows count apart. Plain JSON. */
export interface LabelGroups {
  readonly by: string;
  readonly groups: readonly KnownGroup[];
}

export interface KnownGroup {
  /** The label's value; `(others)` of all that have no group of their own. */
  readonly value: string;
  readonly devices: number;
  /** Inferences of one of them in a minute; null when nobody says. */
  readonly perMinute: number | null;
}

/** The groups of one rule with what is forecast of each. */
export interface PlannedGrouping extends Pick<ReckonedGroups, 'count'> {
  readonly by: string;
  /** False: nobody said which there are, and they are assumed. */
  readonly areKnown: boolean;
  /** The group that the others wait for; null when none can be judged. */
  readonly slowest: string | null;
  readonly groups: readonly GroupForecast[];
}

interface StageShare {
  /** Devices of the stage, and of the target; null when nobody says. */
  readonly devices: number;
  readonly target: number | null;
  readonly perMinute: number;
}

/** Nobody asks by group where there is one. */
const LEAST_ASSUMED = 2;

/** In place of a value: each of so many groups that are alike. No label has it. */
function eachOf(count: number): string {
  return `(each of ${count})`;
}

/** Does the name stand for several groups that are alike? */
export function isOneOfMany(name: string): boolean {
  return /:\(each of \d+\)$/.test(name);
}

/** The values that the policy names and all others, of one size. */
function assumedGroups(
  { by, limits }: RuleGrouping,
  { devices, target, perMinute }: StageShare,
): Omit<ReckonedGroups, 'isWhole'> {
  const count = Math.max(LEAST_ASSUMED, limits.size + 1);
  const values = limits.size === 0 ? [eachOf(count)] : [...limits.keys(), OTHER_VALUES];
  const inStage = Math.floor(devices / count);
  const others = Math.floor(Math.max(0, (target ?? devices) - devices) / count);
  const groups = values.map((value) => ({ name: groupName(by, value), value, devices: inStage, others, perMinute }));
  return { count, groups };
}

/**
 * The groups of a label in a stage: by hash, so each with its share of the devices (a part of a device counts as none). Without a word about
 * them they are assumed.
 */
export function reckonGroups(
  grouping: RuleGrouping,
  known: readonly LabelGroups[],
  stage: StageShare,
): ReckonedGroups & Pick<PlannedGrouping, 'areKnown'> {
  const own = known.find(({ by }) => by === grouping.by)?.groups ?? [];
  const all = own.reduce((sum, { devices }) => sum + devices, 0);
  const isWhole = stage.target !== null && stage.devices >= stage.target;
  if (all === 0) return { areKnown: false, isWhole, ...assumedGroups(grouping, stage) };
  const target = stage.target ?? all;
  const groups = own.map(({ value, devices, perMinute }): ReckonedGroup => {
    const inStage = Math.floor((devices / all) * stage.devices + 1e-9);
    const others = isWhole ? 0 : Math.max(0, Math.round((devices / all) * target) - inStage);
    return {
      ...{ name: groupName(grouping.by, value), value, others },
      devices: inStage,
      perMinute: perMinute ?? stage.perMinute,
    };
  });
  const some = groups.filter(({ devices, others }) => devices + others > 0);
  return { areKnown: true, isWhole, count: own.length, groups: some };
}
