// Owns the forecast of a rule by group: each group by itself, as it will be judged, and the slowest, which decides when the rule passes.
import { LEAST_DEVICES, ruleIn } from '../judge-groups.ts';
import type { RuleGrouping, StageRule } from '../stage-rule.ts';
import { ruleAlpha } from '../stage-verdict.ts';
import { forecastInStage, type StageForecast, type StageForecastQuestion } from './forecast-in-stage.ts';
import { type Needed, unseenShare } from './rule-forecast.ts';

/** A group as a plan reckons with it. */
export interface ReckonedGroup {
  /** `hw:rev2`. */
  readonly name: string;
  readonly value: string;
  /** Its devices in the stage, and those that stay on stable beside it. */
  readonly devices: number;
  readonly others: number;
  /** Inferences of one of its devices in a minute; 0 when nobody says. */
  readonly perMinute: number;
}

export interface ReckonedGroups {
  readonly groups: readonly ReckonedGroup[];
  /** All among which the error level is shared, those without devices too. */
  readonly count: number;
  /** Does the stage take in all devices? */
  readonly isWhole: boolean;
}

export interface GroupForecast {
  readonly name: string;
  /** In the stage. */
  readonly devices: number;
  /** Inferences of one of them in a minute; 0 when nobody says. */
  readonly perMinute: number;
  /** The rule as it is for this group. */
  readonly rule: string;
  /** Fewer of its devices than this part (0..1) may all have a fault of which the stage shows nothing; 0 when the stage takes in all. */
  readonly unseenShare: number;
  readonly forecast: StageForecast;
}

/** A rule in each of so many groups: they share its alpha, and each must pass at beta. */
export function forecastByGroup(
  asked: StageRule,
  grouping: RuleGrouping,
  { groups, count, isWhole }: ReckonedGroups,
  question: StageForecastQuestion,
): GroupForecast[] {
  const alpha = ruleAlpha(question.alpha, count);
  return groups.map(({ name, value, devices, others, perMinute }): GroupForecast => {
    const own = ruleIn(asked, grouping, value);
    const isJudged = devices >= LEAST_DEVICES;
    return {
      ...{ name, devices, perMinute, rule: own.rule.source },
      unseenShare: isWhole ? 0 : unseenShare(devices, question.beta),
      forecast: isJudged
        ? forecastInStage(own, { ...question, devices, others, perMinute, alpha })
        : { kind: 'passed-over' },
    };
  });
}

function timeOf({ minutes, inferences }: Needed, devices: number): number {
  if (inferences === null) return Number.POSITIVE_INFINITY;
  return minutes ?? inferences / devices;
}

function timeToPass({ forecast, devices }: GroupForecast): number {
  switch (forecast.kind) {
    case 'sampled':
      return timeOf(forecast.pass, devices);
    case 'any-device':
      return timeOf(forecast.fail, 1);
    case 'sustained':
      return forecast.minutes;
    default:
      return 0;
  }
}

/** The group that the others wait for; of equal ones that of the fewest devices. Undefined when all are passed over. */
export function slowestGroup(groups: readonly GroupForecast[]): GroupForecast | undefined {
  return groups
    .filter(({ forecast }) => forecast.kind !== 'passed-over')
    .toSorted((a, b) => timeToPass(b) - timeToPass(a) || a.devices - b.devices)[0];
}
