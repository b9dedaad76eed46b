// Owns the tables of groups × rules: how each rule stands on each group of devices.
import { type GroupVerdict, type RuleVerdict, ruleName } from '../../gates/rule-verdict.ts';
import { ruleStateOf } from '../../rollout/rollout-state.ts';
import { formatAmount } from '../../wording/amounts.ts';
import { count, finite, MOST_NAME, text } from './bounded.ts';
import { relativeToLimit } from './rule-view.ts';
import type { GroupCell, GroupTable } from './types.generated.ts';

const MOST_GROUPS = 100;
const MOST_RULES = 50;

function cellOf(rule: RuleVerdict, group: GroupVerdict): GroupCell {
  const { unit, goodSide } = rule;
  const estimate = finite(group.estimate);
  const isFew = group.verdict === 'not-applicable' && group.devices > 0;
  const state = ruleStateOf({ ...rule, ...group, reasons: [...group.reasons] });
  return {
    rule: text(ruleName(rule), MOST_NAME),
    text: estimate === null ? (isFew ? 'too few' : '–') : formatAmount(estimate, unit),
    state: isFew ? 'too-few' : state,
    nearness: relativeToLimit(estimate, { limit: finite(group.limit), goodSide, unit }),
  };
}

function tableOf(by: string, rules: readonly RuleVerdict[]): GroupTable {
  const names = [...new Set(rules.flatMap(({ groups }) => groups.map(({ name }) => name)))].slice(0, MOST_GROUPS);
  const rows = names.map((name) => {
    const found = rules.map((rule) => [rule, rule.groups.find((one) => one.name === name)] as const);
    return {
      value: text(name.startsWith(`${by}:`) ? name.slice(by.length + 1) : name, MOST_NAME),
      devices: Math.max(0, ...found.map(([, group]) => count(group?.devices))),
      cells: found.map(([rule, group]): GroupCell => {
        if (group !== undefined) return cellOf(rule, group);
        return { rule: text(ruleName(rule), MOST_NAME), text: '–', state: 'not-applicable', nearness: null };
      }),
    };
  });
  return { by: text(by, MOST_NAME), rules: rules.map((rule) => text(ruleName(rule), MOST_NAME)), rows };
}

/** One table for each label that rules make groups by. */
export function groupTables(rules: readonly RuleVerdict[]): GroupTable[] {
  const byLabel = Map.groupBy(
    rules.filter(({ by }) => by !== null),
    ({ by }) => by ?? '',
  );
  return [...byLabel].map(([by, own]) => tableOf(by, own.slice(0, MOST_RULES)));
}
