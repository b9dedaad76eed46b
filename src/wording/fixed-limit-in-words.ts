// Owns the words about limits that were fixed when a stage opened.
import { parseRule } from '../documents/rules/rule-text.ts';
import { metricKind } from '../gates/metric-kind.ts';
import type { RuleVerdict } from '../gates/rule-verdict.ts';
import { formatAmount } from './amounts.ts';

/** What a latency limit was fixed from, and when; counts have no limit of their own that would be fixed. */
export function fixedInWords(
  { rule: source, groupRule, limit, unit, isRelative }: RuleVerdict,
  opened?: string,
): string[] {
  if (!isRelative || limit === null || unit !== 'ms' || opened === undefined) return [];
  const { metric, limit: said } = parseRule(groupRule ?? source);
  if (metricKind(metric).kind !== 'quantile' || said.kind !== 'baseline') return [];
  const isFloor = said.floor !== undefined && limit <= said.floor * 1.01;
  const from = isFloor ? 'the floor of the rule' : `stable's ${formatAmount(limit / said.factor, unit)}`;
  return [`Fixed when the stage opened, ${opened}: ${formatAmount(limit, unit)}, from ${from}.`];
}
