// Owns what a policy must mean beyond its schema: stages that grow, can pass, and reach everyone.

import { formatDuration, parseDurationMs, parsePercent } from '../contract/duration.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { findRepeats, findTextProblem, type Problem, problemInText } from '../contract/source/problem.ts';
import { TextError } from '../contract/source/text-error.ts';
import { checkDeliveryRules } from './check-delivery-rules.ts';
import { checkHoldBack, checkStageHoldBack } from './check-hold-back.ts';
import { checkGrouping, checkGroups } from './check-policy-groups.ts';
import { metricFacts, metricScopes } from './rules/metric-catalogue.ts';
import { absoluteExample } from './rules/metric-examples.ts';
import { parseRule } from './rules/rule-text.ts';
import { type ParsedSignalRule, parseSignalLimit, parseSignalPass, signalColumns } from './rules/signal-rule-text.ts';
import type { PolicyStage, RolloutPolicy } from './types.generated.ts';

const STAGES = ['spec', 'stages'] as const;

export function checkRolloutPolicy({ spec }: RolloutPolicy): Problem[] {
  const problems = (['spread', 'rollbackWindow', 'resumeWithin'] as const).flatMap((name) =>
    checkDuration(['spec', name], spec[name]),
  );
  if (spec.errorLevel !== undefined) problems.push(...checkErrorLevel(['spec', 'errorLevel'], spec.errorLevel));
  if (spec.holdBack !== undefined) problems.push(...checkHoldBack(['spec', 'holdBack'], spec.holdBack));
  if (spec.watch !== undefined) problems.push(...checkWatch(spec.watch));
  for (const [index, stage] of spec.stages.entries()) problems.push(...checkStage(stage, [...STAGES, index]));
  if (problems.length === 0) problems.push(...checkDeliveryRules(spec));
  return [...problems, ...checkGrouping(spec.stages), ...checkNames(spec.stages), ...checkGrowth(spec.stages)];
}

function checkErrorLevel(path: FieldPath, text: string): Problem[] {
  const inText = findTextProblem(path, () => parsePercent(text));
  if (inText !== undefined) return [inText];
  const level = parsePercent(text);
  if (level > 0 && level < 0.5) return [];
  const message = `An error level of ${text} is out of range.`;
  return [
    { code: 'POLICY_ERROR_LEVEL', path, message, remedy: 'Write a percentage above 0% and below 50%, such as `5%`.' },
  ];
}

const LONGEST_WATCH_MS = 31 * 86_400_000;

/** What is watched in the steady state: nothing is installed there, so shares of installs say nothing. */
function checkWatch({ rules, window, errorLevel }: NonNullable<RolloutPolicy['spec']['watch']>): Problem[] {
  const path = ['spec', 'watch', 'window'];
  const inText = checkDuration(path, window);
  const problems = [...inText];
  if (errorLevel !== undefined) problems.push(...checkErrorLevel(['spec', 'watch', 'errorLevel'], errorLevel));
  if (inText.length === 0 && window !== undefined && !isBetween(parseDurationMs(window), LONGEST_WATCH_MS)) {
    const remedy = 'Write more than 0s and at most 31d, such as `24h`.';
    problems.push({ code: 'POLICY_WATCH_WINDOW', path, message: `A window of ${window} is out of range.`, remedy });
  }
  for (const [index, rule] of rules.entries()) {
    const { metric } = parseRule(rule);
    const { kind } = metricFacts(metric).judge;
    if (kind !== 'share' && kind !== 'heard' && kind !== 'gauge') continue;
    const why = {
      share: 'installs, and the steady state has none',
      heard: 'two versions side by side',
      gauge: 'gauges, which are measured for a candidate only',
    }[kind];
    const message = `\`${metric}\` can't be watched: it is about ${why}.`;
    const remedy = 'Move the rule into a stage.';
    problems.push({ code: 'POLICY_WATCH_RULE', path: ['spec', 'watch', 'rules', index], message, remedy });
  }
  return problems;
}

function isBetween(ms: number, most: number): boolean {
  return ms > 0 && ms <= most;
}

function checkDuration(path: FieldPath, text: string | undefined): Problem[] {
  const problem = text === undefined ? undefined : findTextProblem(path, () => parseDurationMs(text));
  return problem === undefined ? [] : [problem];
}

/** How much of the target a stage takes; undefined when by selector alone, or when its text is wrong. */
type Size = { readonly kind: 'share'; readonly share: number } | { readonly kind: 'devices'; readonly devices: number };

function sizeOf(size: PolicyStage['size']): Size | TextError | undefined {
  if (size === undefined) return undefined;
  if (typeof size === 'object') {
    return 'devices' in size ? { kind: 'devices', ...size } : { kind: 'share', share: size.percent / 100 };
  }
  try {
    const share = parsePercent(size);
    if (share > 0) return { kind: 'share', share };
    const remedy = 'Write a percentage above 0%, such as `1%`, or leave out `size` and give `select`.';
    return new TextError({ code: 'POLICY_STAGE_SIZE', message: 'A stage of 0% has no devices.', remedy, column: 1 });
  } catch (error) {
    if (error instanceof TextError) return error;
    throw error;
  }
}

function checkStage(stage: PolicyStage, path: FieldPath): Problem[] {
  const problems = (['soak', 'deadline', 'silence'] as const).flatMap((name) =>
    checkDuration([...path, name], stage[name]),
  );
  if (stage.errorLevel !== undefined) problems.push(...checkErrorLevel([...path, 'errorLevel'], stage.errorLevel));
  const size = sizeOf(stage.size);
  if (size instanceof TextError) problems.push(problemInText([...path, 'size'], size));
  else problems.push(...checkStageHoldBack(stage, size?.kind === 'share' && size.share >= 1, [...path, 'holdBack']));
  if (size === undefined && stage.select === undefined) {
    const message = `Stage "${stage.name}" has no size, so its cohort is unknown.`;
    const remedy = 'Add `size: 1%`, `size: { devices: 10 }` or `select: …`.';
    problems.push({ code: 'POLICY_STAGE_SIZE', path, message, remedy });
  }
  const least = stage.minimum?.devices ?? 0;
  if (size !== undefined && 'devices' in size && least > size.devices && stage.select === undefined) {
    const message = `Stage "${stage.name}" needs ${least} devices to pass, but takes only ${size.devices}.`;
    const remedy = 'Lower `minimum.devices` or raise `size.devices`.';
    problems.push({ code: 'POLICY_STAGE_MINIMUM', path: [...path, 'minimum', 'devices'], message, remedy });
  }
  for (const [index, rule] of (stage.rules ?? []).entries()) {
    problems.push(...checkScope(rule, [...path, 'rules', index, 'scope']));
    problems.push(...checkShare(rule, [...path, 'rules', index, 'share']));
    problems.push(...checkGroups(rule, [...path, 'rules', index]));
    problems.push(...checkAction(rule, [...path, 'rules', index, 'onFailure']));
  }
  problems.push(...checkSignals(stage.rules ?? [], [...path, 'rules']));
  if (problems.length > 0) return problems;
  return [...checkDeadline(stage, path), ...checkSignalTimes(stage, path), ...checkApproval(stage, path)];
}

/** Only counted metrics have other scopes, and one device alone has no baseline of its own rate. */
function checkScope(rule: NonNullable<PolicyStage['rules']>[number], path: FieldPath): Problem[] {
  if (typeof rule === 'string' || !('scope' in rule) || rule.scope === undefined || rule.scope === 'stage') return [];
  const { metric, ofClass, limit } = parseRule(rule.rule);
  const { kind } = metricFacts(metric).judge;
  const scopes = metricScopes(metric);
  if (!scopes.includes(rule.scope)) {
    const isOfEach = scopes.includes('any-device');
    const message = isOfEach
      ? `\`${metric}\` is judged on each device, not for the fleet.`
      : `\`${metric}\` is only judged over the whole stage.`;
    const remedy = isOfEach ? 'Leave out `scope`, or write `scope: any-device`.' : 'Leave out `scope`.';
    return [{ code: 'POLICY_RULE_SCOPE', path, message, remedy }];
  }
  if (rule.scope !== 'any-device' || kind === 'quantile' || limit.kind === 'absolute') return [];
  const message =
    'A rule about any device needs an absolute limit: one device has too little data to compare with a baseline.';
  const remedy = `Write an absolute limit, as in \`${absoluteExample(metric, ofClass)}\`, or leave out \`scope\`.`;
  return [{ code: 'POLICY_RULE_SCOPE', path, message, remedy }];
}

/** `dryRun` is the one word for a rule that is shown and never decides: it has no action. */
function checkAction(rule: NonNullable<PolicyStage['rules']>[number], path: FieldPath): Problem[] {
  if (typeof rule === 'string' || rule.onFailure === undefined || rule.dryRun !== true) return [];
  const message = `A rule with \`dryRun: true\` never decides, so \`onFailure: ${rule.onFailure}\` would never happen.`;
  const remedy = 'Leave out `dryRun` to let the rule decide, or leave out `onFailure`.';
  return [{ code: 'POLICY_RULE_ACTION', path, message, remedy }];
}

/** Where devices are judged one by one, a share of them can be allowed. */
function checkShare(rule: NonNullable<PolicyStage['rules']>[number], path: FieldPath): Problem[] {
  if (typeof rule === 'string' || !('share' in rule) || rule.share === undefined) return [];
  const { metric, ofClass, limit } = parseRule(rule.rule);
  const { kind } = metricFacts(metric).judge;
  const isOfEach = metricScopes(metric).includes('any-device');
  const wrong = (message: string, remedy: string): Problem[] => [{ code: 'POLICY_RULE_SHARE', path, message, remedy }];
  if (!isOfEach)
    return wrong(
      `\`${metric}\` is not judged device by device, so no share of devices may breach it.`,
      'Leave out `share`.',
    );
  if (rule.scope === 'any-device') {
    const message = 'With `scope: any-device` one device is enough to fail the stage, but `share` allows several.';
    return wrong(message, 'Leave out `scope` to allow a share of the devices, or `share` to allow none.');
  }
  if (rule.scope !== undefined || rule.by !== undefined) {
    const message = 'A rule with `share` is judged on each device alone.';
    if (kind !== 'gauge')
      return wrong(message, `Leave out \`${rule.scope === undefined ? 'by' : 'scope'}\`, or \`share\`.`);
  }
  if (kind === 'rate' && limit.kind !== 'absolute') {
    const message =
      'A rule with `share` needs an absolute limit: one device has too little data to compare with a baseline.';
    return wrong(
      message,
      `Write an absolute limit, as in \`${absoluteExample(metric, ofClass)}\`, or leave out \`share\`.`,
    );
  }
  const { share } = rule;
  const inText = findTextProblem(path, () => parsePercent(share));
  if (inText !== undefined) return [inText];
  if (parsePercent(share) < 1) return [];
  return wrong(`With \`share: ${share}\` the stage can never fail.`, 'Write a share below 100%, such as `share: 30%`.');
}

/** Each keeps its query and its newest answers in the evidence of a step, which has to stay readable. */
const MOST_SIGNALS = 16;

/** Verdicts, commits and alerts call a signal by its name alone. */
function checkSignals(rules: NonNullable<PolicyStage['rules']>, path: FieldPath): Problem[] {
  const seen = new Set<string>();
  let count = 0;
  return rules.flatMap((rule, index): Problem[] => {
    const asked = signalTextOf(rule);
    if (asked === undefined) return [];
    count++;
    if (count === MOST_SIGNALS + 1) {
      const message = `A stage can query at most ${MOST_SIGNALS} outside signals.`;
      const remedy = 'Combine some of them in one query, or use a webhook that judges them together.';
      return [{ code: 'POLICY_SIGNALS', path: [...path, index], message, remedy }];
    }
    const isSecond = seen.has(asked.name);
    seen.add(asked.name);
    const message = `Two signals of the stage are named \`${asked.name}\`.`;
    const remedy = 'Give each a unique name.';
    const column = signalColumns(textOf(rule)).name;
    return isSecond ? [{ code: 'RULE_SIGNAL_NAME', path: [...path, index, 'rule'], column, message, remedy }] : [];
  });
}

function textOf(rule: NonNullable<PolicyStage['rules']>[number]): string {
  return typeof rule === 'string' ? rule : rule.rule;
}

function signalTextOf(rule: NonNullable<PolicyStage['rules']>[number]): ParsedSignalRule | undefined {
  if (typeof rule === 'string') return undefined;
  if ('prometheus' in rule) return parseSignalLimit(rule.rule);
  return 'webhook' in rule ? parseSignalPass(rule.rule) : undefined;
}

/** A signal that must say the same for longer than the stage may last never decides. */
function checkSignalTimes({ name, deadline, rules = [] }: PolicyStage, path: FieldPath): Problem[] {
  if (deadline === undefined) return [];
  const deadlineMs = parseDurationMs(deadline);
  return rules.flatMap((rule, index): Problem[] => {
    const signal = signalTextOf(rule);
    if (signal === undefined || signal.sustainedMs < deadlineMs) return [];
    const wanted = formatDuration(signal.sustainedMs);
    const message = `\`${signal.name}\` needs ${wanted} to decide, but stage "${name}" reaches its deadline after ${formatDuration(deadlineMs)}.`;
    const remedy = 'Make `deadline` longer, or shorten the `for` of the rule.';
    const column = signalColumns(textOf(rule)).time;
    return [{ code: 'POLICY_STAGE_DEADLINE', path: [...path, 'rules', index, 'rule'], column, message, remedy }];
  });
}

function checkDeadline(stage: PolicyStage, path: FieldPath): Problem[] {
  if (stage.deadline === undefined || stage.soak === undefined) return [];
  const [soakMs, deadlineMs] = [parseDurationMs(stage.soak), parseDurationMs(stage.deadline)];
  if (deadlineMs > soakMs) return [];
  const message = `The deadline of stage "${stage.name}" (${formatDuration(deadlineMs)}) comes before the end of its soak (${formatDuration(soakMs)}).`;
  const remedy = 'Make `deadline` longer than `soak`.';
  return [{ code: 'POLICY_STAGE_DEADLINE', path: [...path, 'deadline'], message, remedy }];
}

function checkApproval({ name, approval }: PolicyStage, path: FieldPath): Problem[] {
  if (approval === undefined) return [];
  const different = new Set(approval.approvers).size;
  if ((approval.count ?? 1) <= different) return [];
  const message = `Stage "${name}" needs ${approval.count} approvals, but names only ${different} different ${different === 1 ? 'approver' : 'approvers'}.`;
  const remedy = 'Lower `count` or name more approvers.';
  return [{ code: 'POLICY_STAGE_APPROVAL', path: [...path, 'approval', 'count'], message, remedy }];
}

function checkNames(stages: readonly PolicyStage[]): Problem[] {
  return findRepeats([...stages.entries()], ([, { name }]) => name).map(([index, { name }]) => ({
    ...{ code: 'POLICY_STAGE_NAME', path: [...STAGES, index, 'name'], message: `Two stages are named "${name}".` },
    remedy: 'Give each stage a unique name: approvals and evidence refer to it.',
  }));
}

/** Canary within ramp within full: a later stage is never smaller, and a ramp by percentages ends at all. */
function checkGrowth(stages: readonly PolicyStage[]): Problem[] {
  const problems: Problem[] = [];
  const largest = { share: 0, devices: 0 };
  let last: { readonly size: Size | undefined; readonly index: number } | undefined;
  for (const [index, stage] of stages.entries()) {
    const size = sizeOf(stage.size);
    if (size instanceof TextError) return problems;
    last = { size, index };
    const [unit, amount] =
      size?.kind === 'devices' ? (['devices', size.devices] as const) : (['share', size?.share] as const);
    if (amount === undefined) continue;
    if (amount < largest[unit]) {
      const message = `Stage "${stage.name}" is smaller than an earlier stage, but a cohort never shrinks.`;
      const remedy = 'Order the stages by size.';
      problems.push({ code: 'POLICY_STAGE_ORDER', path: [...STAGES, index, 'size'], message, remedy });
    }
    largest[unit] = Math.max(largest[unit], amount);
  }
  if (last?.size?.kind === 'share' && last.size.share < 1) {
    const message = 'The last stage does not cover all devices: the others would get the version unwatched.';
    const remedy = 'Add a last stage: `- { name: full, size: 100% }`.';
    problems.push({ code: 'POLICY_STAGE_LAST', path: [...STAGES, last.index, 'size'], message, remedy });
  }
  return problems;
}
