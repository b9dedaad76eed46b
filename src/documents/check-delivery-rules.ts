// Owns what rules over deliveries must mean in their policy: devices get time to fetch, and the stage lasts until the rule can decide.
import { formatDuration, parseDurationMs } from '../contract/duration.ts';
import type { Problem } from '../contract/source/problem.ts';
import { parseRule } from './rules/rule-text.ts';
import type { PolicyStage, RolloutPolicy } from './types.generated.ts';

interface TimedRule {
  readonly metric: string;
  readonly afterMs: number;
  /** Of the stage that has it, and its place there. */
  readonly at: readonly [stage: number, rule: number];
}

function timedRules({ rules = [] }: PolicyStage, stage: number): TimedRule[] {
  return rules.flatMap((rule, index): TimedRule[] => {
    if (typeof rule !== 'string' && ('prometheus' in rule || 'webhook' in rule)) return [];
    const { metric, afterMs } = parseRule(typeof rule === 'string' ? rule : rule.rule);
    return afterMs === undefined ? [] : [{ metric, afterMs, at: [stage, index] }];
  });
}

/** Of a policy whose durations and rules can be read. */
export function checkDeliveryRules({ spread, stages }: RolloutPolicy['spec']): Problem[] {
  const spreadMs = spread === undefined ? 0 : parseDurationMs(spread);
  const problem = ({ at: [stage, rule] }: TimedRule, message: string, remedy: string): Problem => {
    return { code: 'POLICY_RULE_AFTER', path: ['spec', 'stages', stage, 'rules', rule], message, remedy };
  };
  let inForce: readonly TimedRule[] = [];
  return stages.flatMap((stage, index) => {
    const isOwn = stage.rules !== undefined;
    if (isOwn) inForce = timedRules(stage, index);
    const deadlineMs = stage.deadline === undefined ? Number.POSITIVE_INFINITY : parseDurationMs(stage.deadline);
    return inForce.flatMap((rule) => {
      const { metric, afterMs } = rule;
      const after = formatDuration(afterMs);
      const found: Problem[] = [];
      if (afterMs >= deadlineMs) {
        const message = `\`${metric}\` counts devices after ${after}, but stage "${stage.name}" reaches its deadline after ${formatDuration(deadlineMs)}.`;
        found.push(problem(rule, message, 'Shorten the time after `after`, or make `deadline` longer.'));
      }
      if (isOwn && afterMs <= spreadMs) {
        const message = `\`${metric}\` gives devices ${after}, but \`spread\` lets some begin their download only after ${formatDuration(spreadMs)}.`;
        found.push(problem(rule, message, 'Make the time after `after` longer than `spread`.'));
      }
      return found;
    });
  });
}
