// Owns what rules by group must mean in a policy: labels that can be counted, limits that fit, and failures that some group can have.
import { isVariantProperty } from '../contract/manifest/choose-variant.ts';
import type { FieldPath } from '../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../contract/source/problem.ts';
import { parseRule, ruleWithLimit } from './rules/rule-text.ts';
import type { PolicyStage } from './types.generated.ts';

const STAGES = ['spec', 'stages'] as const;

type PolicyRule = NonNullable<PolicyStage['rules']>[number];

function labelOf(rule: PolicyRule): string | undefined {
  return typeof rule === 'string' || !('by' in rule) ? undefined : rule.by;
}

export function checkGrouping(stages: readonly PolicyStage[]): Problem[] {
  return [...checkLabels(stages), ...checkGroupFailure(stages)];
}

/** A stage without a rule that decides by group never has a group at fault. */
function checkGroupFailure(stages: readonly PolicyStage[]): Problem[] {
  let inherited: readonly PolicyRule[] = [];
  return stages.flatMap(({ name, rules, onGroupFailure = 'stage' }, index): Problem[] => {
    inherited = rules ?? inherited;
    const decides = inherited.some((rule) => {
      const by = labelOf(rule);
      return by !== undefined && !isVariantProperty(by) && !(typeof rule === 'object' && rule.dryRun);
    });
    if (decides || onGroupFailure === 'stage') return [];
    const message = `Stage "${name}" has no rule that decides by a label, so no group can fail alone.`;
    const remedy = 'Add one, such as `{ rule: error_rate < 1%, by: hw }`, or leave out `onGroupFailure`.';
    return [{ code: 'POLICY_GROUP_FAILURE', path: [...STAGES, index, 'onGroupFailure'], message, remedy }];
  });
}

/** Each label has everything counted once more. */
const MOST_LABELS = 3;

function checkLabels(stages: readonly PolicyStage[]): Problem[] {
  const labels = new Set<string>();
  for (const [index, { rules = [] }] of stages.entries()) {
    for (const [place, rule] of rules.entries()) {
      const by = labelOf(rule);
      if (by === undefined) continue;
      labels.add(by);
      if (labels.size <= MOST_LABELS) continue;
      const message = `The policy's rules group devices by more than ${MOST_LABELS} labels.`;
      const remedy = 'Keep the labels that tell faults apart, such as `hw` and `os`.';
      return [{ code: 'POLICY_RULE_BY', path: [...STAGES, index, 'rules', place, 'by'], message, remedy }];
    }
  }
  return [];
}

/** A rule by groups is judged in each of them as a stage of its own. */
export function checkGroups(rule: PolicyRule, path: FieldPath): Problem[] {
  if (typeof rule === 'string' || 'prometheus' in rule || 'webhook' in rule) return [];
  const { by, limits = {}, scope = 'stage' } = rule;
  if (by === undefined && Object.keys(limits).length > 0) {
    const message = '`limits` needs `by`, the label that forms the groups.';
    return [
      { code: 'POLICY_RULE_BY', path: [...path, 'limits'], message, remedy: 'Add `by: hw`, or leave out `limits`.' },
    ];
  }
  if (by !== undefined && scope !== 'stage') {
    const message = 'A rule with `by` only covers the devices of the stage.';
    return [{ code: 'POLICY_RULE_BY', path: [...path, 'scope'], message, remedy: 'Leave out `scope`, or `by`.' }];
  }
  return Object.entries(limits).flatMap(([value, limit]) => {
    const problem = limitProblem(rule.rule, limit, [...path, 'limits', value]);
    return problem === undefined ? [] : [{ ...problem, remedy: asGroupLimit(problem.remedy, value) }];
  });
}

function limitProblem(rule: string, limit: string, path: FieldPath): Problem | undefined {
  const asked = (text: string): Problem | undefined =>
    findTextProblem(path, () => ruleWithLimit(parseRule(rule), text));
  const bare = limit.replace(/^\s*(?:<=|>=|==|<|>)\s*/, '');
  const problem = asked(limit);
  if (problem === undefined || bare === limit || asked(bare) !== undefined) return problem;
  const message = "A group's limit takes no comparison sign: the rule's sign applies.";
  return { ...problem, message, remedy: `Write \`${rule.match(/^[^<>=]*[<>=]+/)?.[0]} ${bare}\`.` };
}

/** What to write for a rule, `latency_p95 < 200ms`, as it stands beside the group: `rev2: 200ms`. */
function asGroupLimit(remedy: string, value: string): string {
  const name = /^[A-Za-z][\w.-]*$/.test(value) ? value : JSON.stringify(value);
  return remedy.replaceAll(/`[a-z]\w*(?:\[[^`]*\])? (?:<=|>=|==|<|>) ([^`]+)`/g, (_, limit: string) =>
    limit.includes(',') ? `\`${name}: "${limit}"\`` : `\`${name}: ${limit}\``,
  );
}
