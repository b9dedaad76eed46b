// Owns what is said of a rule that is written as fields which make none: two places to ask, or a metric as a field's name.

import type { FieldPath } from '../../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../../contract/source/problem.ts';
import { TextError } from '../../contract/source/text-error.ts';
import { metricFacts, RULE_METRICS } from './metric-catalogue.ts';
import { exampleRule } from './metric-examples.ts';
import { parseRule } from './rule-text.ts';

/** The problem of the fields as a whole; undefined when they are a rule, or wrong only in one of them. */
export function findRuleObjectProblem(value: unknown, path: FieldPath): Problem | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  if ('prometheus' in value && 'webhook' in value) {
    const message = 'The rule asks a Prometheus and a webhook; a rule asks one of them.';
    const remedy = 'Leave out `webhook` and what it judges, or make two rules of it.';
    return { code: 'POLICY_RULE_FIELDS', path, message, remedy };
  }
  if ('rule' in value) {
    if ('prometheus' in value || 'webhook' in value || 'query' in value) return undefined;
    const { rule } = value;
    return typeof rule === 'string' ? (findSplitRule(value, rule, path) ?? findInRule(rule, path)) : undefined;
  }
  for (const [name, limit] of Object.entries(value)) {
    const metric = RULE_METRICS.find((known) => name === known || name.startsWith(`${known}[`));
    if (metric === undefined) continue;
    const rule = `${name} ${metricFacts(metric).comparisons[0]} ${String(limit)}`;
    const message = `\`${name}\` is a metric, not a field: a rule is one text that says what must hold.`;
    return { code: 'POLICY_RULE_FIELDS', path, message, remedy: `Write \`- ${ruleOr(rule, exampleRule(metric))}\`.` };
  }
  return undefined;
}

function findInRule(rule: string, path: FieldPath): Problem | undefined {
  const problem = findTextProblem([...path, 'rule'], () => parseRule(rule));
  if (problem === undefined || !/`[^`]*, floor /.test(problem.remedy)) return problem;
  return { ...problem, remedy: `${problem.remedy} Put the rule in quotes: between braces YAML ends it at its comma.` };
}

/** `{ rule: error_rate < 2x baseline, floor 1% }`: between braces a comma ends the text, and the floor becomes a field. */
function findSplitRule(value: object, rule: string, path: FieldPath): Problem | undefined {
  const [name, given] = Object.entries(value).find(([name]) => /^floor\b/.test(name)) ?? [];
  if (name === undefined) return undefined;
  const floor = typeof given === 'string' || typeof given === 'number' ? `${name} ${given}` : name;
  const whole = ruleOr(`${rule}, ${floor}`, undefined);
  const message =
    given === null
      ? `\`${shortened(name)}\` is read as a field, as YAML ends the rule before it at the comma.`
      : 'The floor is a part of the rule, not a field.';
  const example = whole === undefined ? 'rule: "error_rate < 2x baseline, floor 0.1%"' : `rule: "${whole}"`;
  const remedy = `Put the rule in quotes${whole === undefined ? ', as in' : ':'} \`${example}\`.`;
  return { code: 'POLICY_RULE_FIELDS', path: [...path, name], part: 'name', message, remedy };
}

const MOST_NAME = 60;

function shortened(name: string): string {
  return name.length > MOST_NAME ? `${name.slice(0, MOST_NAME - 1)}…` : name;
}

function ruleOr<Other extends string | undefined>(text: string, other: Other): string | Other {
  try {
    return parseRule(text).source;
  } catch (error) {
    if (error instanceof TextError) return other;
    throw error;
  }
}
