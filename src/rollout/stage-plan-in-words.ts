// Owns how a plan is told: for each stage its devices and time, for each rule what passes and what is caught, and what stays unseen.

import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { Needed, RuleForecast } from '../gates/rule-forecast.ts';
import { countOf, formatAmount, formatCount, listed } from './amounts.ts';
import { aboutTime } from './plan-warnings.ts';
import type { Plan, PlannedRule, PlannedStage } from './stage-plan.ts';

type Sampled = Extract<RuleForecast, { kind: 'sampled' }>;

function percent(share: number): string {
  return formatAmount(share, 'ratio');
}

/** What is true of the candidate in this case. */
function caseInWords({ of }: Sampled, { value }: Needed): string {
  switch (of) {
    case 'inferences':
      return percent(value);
    case 'slow-answers':
      return `${percent(value)} of answers slower`;
    case 'class':
      return value === 0 ? 'a class gone' : `a class of ${percent(value)}`;
    case 'drift':
      return formatAmount(value, 'divergence');
  }
}

/** `11 min (3 370 inferences)`. */
function afterInWords({ inferences, minutes }: Needed): string {
  if (inferences === null) return 'never';
  const count = countOf(Number(inferences.toPrecision(3)), 'inference');
  return minutes === null ? count : `${aboutTime(minutes)} (${count})`;
}

type Cells = readonly [well: string, passes: string, bad: string, caught: string];

function cellsOf({ forecast }: PlannedRule): Cells {
  switch (forecast.kind) {
    case 'sampled': {
      const { pass, fail } = forecast;
      return [caseInWords(forecast, pass), afterInWords(pass), caseInWords(forecast, fail), afterInWords(fail)];
    }
    case 'devices': {
      const { bears } = forecast;
      return [
        `${bears === 0 ? 'none' : `at most ${formatCount(bears)}`} failed`,
        'all are done',
        `${formatCount(bears + 1)} failed`,
        'at once',
      ];
    }
    case 'any-device':
      return [
        'all within it',
        'the first reports',
        `one at ${percent(forecast.fail.value)}`,
        afterInWords(forecast.fail),
      ];
    case 'signal': {
      const time = forecast.minutes > 0 ? aboutTime(forecast.minutes) : 'one answer';
      return ['holds', time, 'is broken', time];
    }
    case 'sustained': {
      const { minutes } = forecast;
      const time = minutes > 0 ? `${aboutTime(minutes)} of each device` : 'the first reports';
      return ['within it', time, 'beyond it', time];
    }
    case 'unplanned':
      return [forecast.reason, '', '', ''];
  }
}

function ruleInWords({ rule, scope, dryRun }: PlannedRule): string {
  const more = [
    ...(scope === 'stage' ? [] : [scope === 'fleet' ? 'fleet' : 'any device']),
    ...(dryRun ? ['dry run'] : []),
  ];
  return `${oneLine(rule)}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

export const PLAN_HEADER = ['RULE', 'WELL', 'PASSES AFTER', 'BAD', 'CAUGHT AFTER'] as const;

/** A row for each rule of a stage, in the columns of `PLAN_HEADER`. */
export function planRows(stage: PlannedStage): string[][] {
  return stage.rules.map((planned) => [ruleInWords(planned), ...cellsOf(planned)]);
}

/** `canary: 20 devices, 1 200 inferences a minute; soak 30 min, deadline 2 h`. */
export function stageHeading({ name, devices, selects, perMinute, soakMs, deadlineMs }: PlannedStage): string {
  const who =
    devices === null
      ? 'a share of devices whose number nobody said'
      : `${selects ? 'at least ' : ''}${countOf(devices, 'device')}`;
  const traffic = perMinute === null ? '' : `, ${countOf(perMinute, 'inference')} a minute`;
  const times = [
    ...(soakMs > 0 ? [`soak ${formatDuration(soakMs)}`] : []),
    ...(deadlineMs === null ? [] : [`deadline ${formatDuration(deadlineMs)}`]),
  ];
  return `${name}: ${who}${traffic}${times.length === 0 ? '' : `; ${times.join(', ')}`}`;
}

/** What the stage as a whole can tell, in sentences. */
export function stageSentences({ devices, soakMs, leastMs, passMinutes, unseenShare, rules }: PlannedStage): string[] {
  const sentences: string[] = [];
  if (devices === null || unseenShare === null) return ['Say how many devices the target has: --devices.'];
  if (rules.every((rule) => rule.dryRun)) sentences.push('No rule decides it: it passes by time alone.');
  else if (leastMs !== null && passMinutes !== null) {
    const isSoak = leastMs <= soakMs;
    const time = isSoak ? `its soak of ${formatDuration(soakMs)}` : `about ${aboutTime(passMinutes)}`;
    const open = rules.filter(({ dryRun, forecast }) => !dryRun && forecast.kind === 'unplanned');
    const names = listed(
      open.map(({ rule }) => `\`${oneLine(rule)}\``),
      'and',
    );
    const beside = open.length > 0 ? `, or later: the time of ${names} is not known` : '';
    sentences.push(
      `If all is well it passes after ${time}${beside || (isSoak ? ': the rules are confirmed before' : '')}.`,
    );
  }
  if (unseenShare > 0) {
    const share = Number((100 * unseenShare).toPrecision(2));
    sentences.push(
      `A fault on fewer than ${share} % of devices can stay unseen: its ${countOf(devices, 'device')} may all be without it.`,
    );
  }
  if (devices < 3) sentences.push('With fewer than 3 devices, one bad device is taken for a bad model.');
  return sentences;
}

/** What the plan takes for granted. */
export function assumptionsOf({ traffic, health, errorLevel }: Plan): string[] {
  const devices = traffic.devices === null ? 'an unknown number of devices' : countOf(traffic.devices, 'device');
  const rate =
    traffic.perMinute === null ? 'unknown traffic' : `${countOf(traffic.perMinute, 'inference')} a minute of each`;
  return [
    `Assumed: ${devices}, ${rate}.`,
    `"Well" is ${percent(health)} of each limit, "bad" is twice the limit. Times are those of a typical rollout: half of them take longer.`,
    `A verdict is wrong in at most ${Number((100 * errorLevel).toPrecision(3))} of 100 stages, however often one looks.`,
  ];
}
