// Owns the words of a plan's warnings: what is wrong with a stage, and what to do.
import { assertNever } from '../base/errors.ts';
import { oneLine } from '../base/plain-text.ts';
import { formatDuration } from '../contract/duration.ts';
import { ruleName } from '../gates/rule-verdict.ts';
import { type JudgedDevices, type PlanWarning, type StageTime, warningCode } from '../rollout/plan-warnings.ts';
import { FAULT_STORIES, type FaultStory } from '../rollout/policy-coverage.ts';
import { isOneOfMany } from '../rollout/reckoned-groups.ts';
import type { PlannedRule, PlannedStage } from '../rollout/stage-plan.ts';
import { countOf, formatAmount, formatCount, listed } from './amounts.ts';
import { passedOverInWords } from './reason-in-words.ts';

/** A warning for people and for programs. */
export interface WordedWarning {
  readonly code: ReturnType<typeof warningCode>;
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
  return `\`${oneLine(ruleName({ rule, by: grouping?.by ?? null }))}\``;
}

function judgedInWords({ count, group }: JudgedDevices, { grouping }: PlannedRule): string {
  const devices = countOf(count, 'device');
  if (group === null || grouping === undefined) return devices;
  const name = isOneOfMany(group) ? 'a group' : oneLine(group);
  const by = oneLine(grouping.by);
  return `${devices} of ${name}${grouping.areKnown ? '' : ` (assuming ${grouping.count} equal groups by ${by})`}`;
}

/** `0.5% (\`error_rate < 0.5%\`)`; a rule's own text where it is more than a limit. */
function confirmed(rule: PlannedRule): string {
  const { forecast } = rule;
  return forecast.kind === 'sampled' && forecast.of === 'inferences'
    ? `${formatAmount(forecast.limit, 'ratio')} (${nameOf(rule)})`
    : nameOf(rule);
}

function timeInWords({ ms, is }: StageTime): string {
  return `its ${is} of ${formatDuration(ms)}`;
}

type DeadlinedStage = Pick<PlannedStage, 'name' | 'deadlineMs' | 'onDeadline'>;

const THEN = {
  hold: 'the stage waits for a person',
  rollback: 'the candidate is rolled back',
  promote: 'the stage passes if every open rule is within its limit',
} as const;

/** `Policy careful leaves deadlines to the default: ramp (24 h) and full (24 h); then the stage waits for a person (\`onDeadline: hold\`).` */
export function defaultDeadlinesInWords(policy: string, stages: readonly DeadlinedStage[]): string {
  const each = [...Map.groupBy(stages, ({ onDeadline }) => onDeadline)].map(([action, own]) => {
    const names = own.map(({ name, deadlineMs }) => `${name} (${formatDuration(deadlineMs)})`);
    return `${listed(names, 'and')}; then ${THEN[action]} (\`onDeadline: ${action}\`)`;
  });
  return `Policy ${oneLine(policy)} leaves deadlines to the default: ${each.join('; ')}.`;
}

function tooSlow(warning: Extract<PlanWarning, { kind: 'too-slow' }>): string {
  const { stage, rule, judged, perMinute, time, minutes, others } = warning;
  const who = `${judgedInWords(judged, rule)} at ${countOf(judged.perMinute ?? perMinute, 'inference')} a minute`;
  const isInTime = minutes * 60_000 <= stage.deadlineMs;
  const after = isInTime ? 'the stage continues until then' : `at the deadline ${THEN[stage.onDeadline]}`;
  const also = others.length === 0 ? '' : ` Also too slow: ${listed(others.map(nameOf), 'and')}.`;
  return `${who} can't confirm ${confirmed(rule)} within ${timeInWords(time)}: it takes about ${aboutTime(minutes)}, and ${after}.${also}`;
}

function wordsOf(warning: PlanWarning): Pick<WordedWarning, 'message' | 'remedy'> {
  const { stage } = warning;
  switch (warning.kind) {
    case 'too-slow':
      return { message: tooSlow(warning), remedy: 'Add devices, give it more time, or widen the limit.' };
    case 'sustained-too-long': {
      const soonest = `${nameOf(warning.rule)} can't pass before ${aboutTime(warning.minutes)}`;
      const deadline = `the deadline is ${formatDuration(stage.deadlineMs)}, and ${`at the deadline ${THEN[stage.onDeadline]}`}`;
      return { message: `${soonest}; ${deadline}.`, remedy: 'Make `deadline` longer, or `for` in the rule shorter.' };
    }
    case 'minimum-too-slow': {
      const minimum = `its minimum of ${countOf(stage.minimumInferences, 'inference')} takes about ${aboutTime(warning.minutes)}`;
      return {
        message: `${minimum}, longer than ${timeInWords(warning.time)}.`,
        remedy: 'Lower `minimum.inferences`, or give it more time.',
      };
    }
    case 'too-few-devices':
      return {
        message: `it has ${countOf(warning.devices, 'device')}, and needs ${formatCount(stage.minimumDevices)} to pass.`,
        remedy: 'Lower `minimum.devices`, or add devices.',
      };
    case 'no-group':
      return {
        message: `${nameOf(warning.rule)} judges nothing here: ${passedOverInWords(warning.rule.grouping)}.`,
        remedy: 'Add devices, or move the rule to a later stage.',
      };
    case 'never-decides': {
      const { rule, judged, lacks } = warning;
      const of = rule.scope === 'fleet' ? ' as a sample of the fleet' : '';
      const what = lacks === 'pass' ? 'confirm' : 'catch twice the limit of';
      return {
        message: `${judgedInWords(judged, rule)}${of} can never ${what} ${nameOf(rule)}, no matter how long the stage runs.`,
        remedy: 'Add devices, or leave out `scope: fleet`.',
      };
    }
    case 'one-device': {
      const { rule, judged, limit } = warning;
      const one = formatAmount(1 / judged.count, 'ratio');
      const least = `${formatCount(Math.floor(1 / limit + 1e-9) + 1)} devices${rule.grouping === undefined ? '' : ' of each group'}`;
      const isDelivery = rule.forecast.kind === 'devices' && rule.forecast.afterMs !== undefined;
      const [which, ends] = isDelivery
        ? ['one device without the version', 'one device']
        : ['one failed device', 'one broken device'];
      return {
        message: `on ${judgedInWords(judged, rule)}, ${which} is ${one} and fails ${nameOf(rule)}, so ${ends} ends the rollout.`,
        remedy: `Include at least ${least}, or give the limit a floor: \`, floor 2 devices\`.`,
      };
    }
    case 'unseen': {
      const { stories } = warning;
      const rules = stories.map((story) => `\`${FAULT_STORIES[story].rule}\``);
      const seen = listed(
        stories.map((story) => STORIES[story]),
        'or',
        stories.length,
      );
      return {
        message: `No rule of this policy would notice ${seen} before every device has the version.`,
        remedy: `Add ${listed(rules, 'and', rules.length)} to a stage that is not the last.`,
      };
    }
    default:
      return assertNever(warning);
  }
}

const STORIES: Readonly<Record<FaultStory, string>> = {
  errors: 'failing inferences',
  resources: 'devices that run hot, full or out of battery',
  classes: 'a class that is missed',
  confidence: 'answers that are less sure',
  silence: 'devices that fail or fall silent',
  delivery: 'devices that never get it',
};

/** `Stage canary: …`. */
export function warningInWords(warning: PlanWarning): WordedWarning {
  const { stage, rule } = warning;
  const { message, remedy } = wordsOf(warning);
  return {
    code: warningCode(warning),
    stage: stage.name,
    rule: rule?.rule ?? null,
    message: warning.kind === 'unseen' ? message : `Stage ${stage.name}: ${message}`,
    remedy,
  };
}
