// Owns the words of a plan: for each stage its devices and time, for each rule what passes and what is caught, and what can go unnoticed.

import { asSentence, oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import type { GroupForecast } from '../gates/forecast/group-forecast.ts';
import type { Needed, RuleForecast } from '../gates/forecast/rule-forecast.ts';
import { ruleName } from '../gates/rule-verdict.ts';
import { isOneOfMany, type PlannedGrouping } from '../rollout/reckoned-groups.ts';
import type { Plan, PlannedRule, PlannedStage } from '../rollout/stage-plan.ts';
import { groupName, OTHER_VALUES } from '../telemetry/groups.ts';
import { countOf, formatAmount, formatCount, listed, percent } from './amounts.ts';
import { heldBackInWords } from './held-back-in-words.ts';
import { openFailInWords, openFailOf, openFailSentences, rulesNamed } from './open-fail-in-words.ts';
import { aboutTime } from './plan-warnings-in-words.ts';
import { passedOverInWords } from './reason-in-words.ts';
import { decidesInWords, scopeInWords } from './scope-in-words.ts';

type Sampled = Extract<RuleForecast, { kind: 'sampled' }>;
type Unplanned = Extract<RuleForecast, { kind: 'unplanned' }>;

/** What is true of the candidate in this case. */
function caseInWords({ of }: Sampled, { value }: Needed): string {
  switch (of) {
    case 'inferences':
      return percent(value);
    case 'slow-answers':
      return `${percent(value)} of answers slower`;
    case 'class':
      return value === 0 ? 'a class vanished' : `a class of ${percent(value)}`;
    case 'drift':
      return formatAmount(value, 'divergence');
    case 'loss':
      return `${percent(value)} of answers less sure`;
  }
}

/** `11 min (3,370 inferences)`. */
function afterInWords({ inferences, minutes }: Needed): string {
  if (inferences === null) return 'never';
  const count = countOf(Number(inferences.toPrecision(3)), 'inference');
  return minutes === null ? count : `${aboutTime(minutes)} (${count})`;
}

type Cells = readonly [good: string, passes: string, bad: string, caught: string];

const UNPLANNED: Readonly<Record<Unplanned['why'], string>> = {
  'class-frequency': 'depends on how often stable predicts the class',
  downloads: 'depends on how often devices download',
  installs: 'takes the installs of all devices of the stage',
  events: 'depends on how often the events come',
  labels: 'depends on how many labels arrive',
  'device-means': 'needs devices, not inferences: 7 or more can prove it',
  'unknown-groups': 'unknown: which groups the stage selects',
  'zero-limit': 'the first event breaches a limit of 0%',
  'no-relative-limit': 'this metric needs an absolute limit',
};

function unplannedInWords({ why, by }: Unplanned): string {
  return by === undefined ? UNPLANNED[why] : `unknown: which groups of ${oneLine(by)} the stage selects`;
}

function cellsOf(planned: PlannedRule): Cells {
  const open = openFailOf(planned);
  if (open === undefined) return timesOf(planned);
  if (open === 'not-applicable') return ["doesn't apply: nobody is left on stable", '', '', ''];
  const [good, passes, bad] = timesOf(planned);
  return [good, passes, bad, openFailInWords(open, planned)];
}

function timesOf({ forecast, grouping }: PlannedRule): Cells {
  switch (forecast.kind) {
    case 'sampled': {
      const { pass, fail } = forecast;
      return [caseInWords(forecast, pass), afterInWords(pass), caseInWords(forecast, fail), afterInWords(fail)];
    }
    case 'devices': {
      const { bears, afterMs } = forecast;
      if (afterMs !== undefined)
        return [
          `${bears === 0 ? 'none' : `at most ${formatCount(bears)}`} without it`,
          bears === 0 ? 'all devices have it' : 'all others have it',
          `${formatCount(bears + 1)} without it`,
          formatDuration(afterMs),
        ];
      return [
        `${bears === 0 ? 'none' : `at most ${formatCount(bears)}`} failed`,
        'all installs are done',
        `${formatCount(bears + 1)} failed`,
        'at once',
      ];
    }
    case 'any-device': {
      const { bears, fail } = forecast;
      return [
        bears === 0 ? 'all within it' : `at most ${formatCount(bears)} beyond it`,
        'the first reports',
        `${bears === 0 ? 'one' : countOf(bears + 1, 'device')} at ${percent(fail.value)}`,
        `${afterInWords(fail)}${bears === 0 ? '' : ' of each'}`,
      ];
    }
    case 'signal': {
      const time = forecast.minutes > 0 ? aboutTime(forecast.minutes) : 'one answer';
      return ['passes', time, 'fails', time];
    }
    case 'sustained': {
      const { minutes } = forecast;
      const time = minutes > 0 ? `${aboutTime(minutes)} of each device` : 'the first reports';
      return ['within it', time, 'beyond it', time];
    }
    case 'unplanned':
      return [unplannedInWords(forecast), '', '', ''];
    case 'passed-over':
      return [passedOverInWords(grouping), '', '', ''];
  }
}

/** `hw:rev3`, with the limit of its own that it may have. */
function slowestInWords({ rule, grouping }: PlannedRule): string[] {
  const slowest = grouping?.groups.find(({ name }) => name === grouping.slowest);
  if (slowest === undefined || isOneOfMany(slowest.name)) return [];
  const own = slowest.rule === rule ? '' : `: ${oneLine(slowest.rule)}`;
  return [`${oneLine(slowest.name)}${own}`];
}

function ruleInWords(planned: PlannedRule): string {
  const { rule, grouping } = planned;
  const more = [...slowestInWords(planned), scopeInWords(planned), ...decidesInWords(planned)].filter(
    (text) => text !== '',
  );
  const name = oneLine(ruleName({ rule, by: grouping?.by ?? null }));
  return `${name}${more.length === 0 ? '' : ` (${more.join(', ')})`}`;
}

export const PLAN_HEADER = ['RULE', 'GOOD', 'PASSES AFTER', 'BAD', 'CAUGHT AFTER'] as const;

/** A row for each rule of a stage, in the columns of `PLAN_HEADER`. */
export function planRows(stage: PlannedStage): string[][] {
  return stage.rules.map((planned) => [ruleInWords(planned), ...cellsOf(planned)]);
}

/** `canary: 20 devices, 1,200 inferences per minute; soak 30 min, deadline 2 h`. */
export function stageHeading(stage: PlannedStage): string {
  const { name, devices, selects, perMinute, soakMs, isSoakOfHoldBack, deadlineMs, hasDefaultDeadline } = stage;
  const who =
    devices === null
      ? 'a percentage of an unknown number of devices (pass --devices)'
      : `${selects ? 'at least ' : ''}${countOf(devices, 'device')}`;
  const traffic = perMinute === null ? '' : `, ${countOf(perMinute, 'inference')} per minute`;
  const times = [
    ...(soakMs > 0 ? [`soak ${formatDuration(soakMs)}${isSoakOfHoldBack === true ? ' (holdBack)' : ''}`] : []),
    `deadline ${formatDuration(deadlineMs)}${hasDefaultDeadline ? ' (default)' : ''}`,
  ];
  return `${name}: ${who}${traffic}; ${times.join(', ')}`;
}

function shareInWords(share: number): string {
  return percent(Number(share.toPrecision(2)));
}

/** How the devices are taken to lie in groups of a label, and what stays unseen of one group. */
function groupSentences({ by, areKnown, count, groups }: PlannedGrouping): string[] {
  const isOver = ({ forecast }: GroupForecast): boolean => forecast.kind === 'passed-over';
  const groupsInWords = (some: readonly GroupForecast[]): string =>
    listed(
      some.map(({ name, devices }) => `${name} with ${countOf(devices, 'device')}`),
      'and',
    );
  const judged = groups.filter((group) => !isOver(group));
  const over = groups.filter(isOver);
  const [smallest] = judged.filter((group) => group.unseenShare > 0).sort((a, b) => a.devices - b.devices);
  const label = oneLine(by);
  const sentences: string[] = [];
  if (!areKnown) {
    const each = countOf(groups[0]?.devices ?? 0, 'device');
    sentences.push(`The groups of ${label} are unknown; this plan assumes ${count} groups with ${each} each.`);
  }
  const isOne = areKnown && groups.length > 0 && groups.every(({ name }) => name === groupName(by, OTHER_VALUES));
  if (isOne)
    sentences.push(
      `No known device has a group of its own by ${label}, so all are judged as one group. Check the label.`,
    );
  if (areKnown && judged.length > 0 && !isOne)
    sentences.push(
      `Each group of ${label} is judged separately, and the slowest decides when the stage passes: ${groupsInWords(judged)}.`,
    );
  if (over.length > 0) {
    const who = areKnown ? groupsInWords(over) : 'all of them';
    sentences.push(`Not judged: ${who}. A group needs 3 devices, so a fault in a smaller group alone goes unnoticed.`);
  }
  if (smallest !== undefined) {
    const whose = isOneOfMany(smallest.name) ? 'such a group' : oneLine(smallest.name);
    sentences.push(
      `In ${whose} alone, a fault on fewer than ${shareInWords(smallest.unseenShare)} of devices can go unnoticed: the stage has ${formatCount(smallest.devices)} of them.`,
    );
  }
  return sentences;
}

function distinctGroupings(rules: readonly PlannedRule[]): PlannedGrouping[] {
  const known = rules.flatMap(({ grouping }) => grouping ?? []);
  return [...new Map(known.map((grouping) => [grouping.by, grouping])).values()];
}

/** Does what one device of the stage says suffice to break the rule? */
function failsByOneDevice({ forecast, scope }: PlannedRule): boolean {
  switch (forecast.kind) {
    case 'devices':
    case 'any-device':
      return forecast.bears === 0;
    case 'sustained':
      return scope === 'any-device';
    case 'unplanned':
      return forecast.why === 'zero-limit';
    case 'sampled':
    case 'signal':
    case 'passed-over':
      return false;
  }
}

/** What the stage as a whole can tell, in sentences. */
export function stageSentences(stage: PlannedStage): string[] {
  const { devices, soakMs, leastMs, passMinutes, unseenShare, rules, heldBack } = stage;
  const sentences: string[] = [];
  if (devices === null || unseenShare === null) return ['Pass --devices to say how many devices the target has.'];
  if (stage.isRest === true)
    return [
      `The devices that kept the old version get it too; it completes after ${formatDuration(soakMs)}, unless a rule fails.`,
    ];
  if (heldBack !== undefined) sentences.push(asSentence(heldBackInWords({ ...heldBack, version: 'the old version' })));
  if (rules.every(({ dryRun, forecast }) => dryRun || forecast.kind === 'passed-over'))
    sentences.push('No rule decides this stage; it passes by time alone.');
  else if (leastMs !== null && passMinutes !== null) {
    const isSoak = leastMs <= soakMs;
    const time = isSoak ? `its soak of ${formatDuration(soakMs)}` : `about ${aboutTime(passMinutes)}`;
    const open = rules.filter(({ dryRun, forecast }) => !dryRun && forecast.kind === 'unplanned');
    const names = listed(
      open.map(({ rule }) => `\`${oneLine(rule)}\``),
      'and',
    );
    const beside = open.length > 0 ? `, or later: the time for ${names} is unknown` : '';
    sentences.push(
      `A good version passes after ${time}${beside || (isSoak ? '; its rules are confirmed earlier' : '')}.`,
    );
  }
  if (unseenShare > 0) {
    sentences.push(
      `A fault on fewer than ${shareInWords(unseenShare)} of devices can go unnoticed: the stage's ${countOf(devices, 'device')} may all be without it.`,
    );
  }
  const alone = rules.filter((one) => !one.dryRun && failsByOneDevice(one));
  if (alone.length > 0) {
    sentences.push(`One device alone can fail ${rulesNamed(alone)}.`);
  }
  sentences.push(...openFailSentences(rules));
  sentences.push(...distinctGroupings(rules).flatMap(groupSentences));
  if (devices < 3) sentences.push('With fewer than 3 devices, one bad device looks like a bad model.');
  return sentences;
}

/** How often verdicts err, stage by stage where stages differ. */
function certainty(stages: readonly PlannedStage[]): string {
  const most = stages.map(({ errorLevel }) => Number((100 * errorLevel).toPrecision(3)));
  if (new Set(most).size === 1)
    return `Confidence: at most ${most[0]} in 100 stages get a wrong verdict, no matter how often results are checked.`;
  const own = stages.map(({ name }, i) => `${most[i]} in 100 for ${name}`);
  return `Confidence: no matter how often results are checked, at most this many verdicts are wrong: ${listed(own, 'and', own.length)}.`;
}

/** What the plan takes for granted. */
export function assumptionsOf({ traffic, health, labels, stages }: Plan): string[] {
  const devices = traffic.devices === null ? 'an unknown number of devices' : countOf(traffic.devices, 'device');
  const rate =
    traffic.perMinute === null ? 'unknown traffic' : `${countOf(traffic.perMinute, 'inference')} per minute each`;
  return [
    `Assumes ${devices}, ${rate}.`,
    `"Good" is ${percent(health)} of each limit, "bad" is twice the limit. Times are medians: half of all rollouts take longer.`,
    certainty(stages),
    ...(traffic.groups ?? [])
      .filter(({ by }) => !labels.includes(by))
      .map(({ by }) => `No rule groups devices by ${oneLine(by)}, so its group sizes are ignored.`),
  ];
}
