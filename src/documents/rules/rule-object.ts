// Owns what is wrong with a rule as a set of fields: brackets without quotes, two providers, a metric as a field's name, or a floor as a field.

import { CodedError } from '../../base/errors.ts';
import type { FieldPath } from '../../contract/source/document-source.ts';
import { findTextProblem, type Problem } from '../../contract/source/problem.ts';
import { findClosestMetric } from './closest-metric.ts';
import { metricFacts, RULE_METRICS } from './metric-catalogue.ts';
import { exampleRule } from './metric-examples.ts';
import { parseRule, ruleMeantBy } from './rule-text.ts';

const MOST_NAME = 60;
const MOST_FOUND = 50;

/** The problem of the fields as a whole; undefined when they are a rule, or wrong only in one of them. */
export function findRuleObjectProblem(value: unknown, path: FieldPath): Problem | undefined {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return undefined;
  if ('prometheus' in value && 'webhook' in value) {
    const message = 'The rule asks both a Prometheus and a webhook; a rule asks one provider.';
    const remedy = 'Leave out `webhook` and its fields, or write two rules.';
    return { code: 'POLICY_RULE_FIELDS', path, message, remedy };
  }
  if ('rule' in value) {
    if ('prometheus' in value || 'webhook' in value || 'query' in value) return undefined;
    const { rule } = value;
    return typeof rule === 'string' ? (findSplitRule(value, rule, path) ?? findInRule(rule, path)) : undefined;
  }
  const meant = ruleOfFields(value);
  if (meant !== undefined) {
    const message = 'A rule is one text that says what must hold, not a metric and a limit apart.';
    return { code: 'POLICY_RULE_FIELDS', path, message, remedy: `Write \`- ${meant}\`.` };
  }
  for (const [name, limit] of Object.entries(value)) {
    const metric = RULE_METRICS.find((known) => name === known || name.startsWith(`${known}[`));
    if (metric === undefined) continue;
    const rule = ruleMeantBy(`${name} ${metricFacts(metric).comparisons[0]} ${String(limit)}`) ?? exampleRule(metric);
    const message = `\`${name}\` is a metric, not a field: a rule is one text that says what must hold.`;
    return { code: 'POLICY_RULE_FIELDS', path, message, remedy: `Write \`- ${rule}\`.` };
  }
  return undefined;
}

const METRIC_FIELDS = ['name', 'metric', 'metricName', 'metric_name'];
const LIMIT_FIELDS = ['threshold', 'limit', 'max', 'min', 'value', 'maximum', 'minimum'];

/** The rule that a metric and a threshold as fields of their own stand for, as other systems have them; undefined when they are none. */
export function ruleOfFields(value: object): string | undefined {
  const fields = new Map<string, unknown>(Object.entries(value));
  const name = METRIC_FIELDS.map((field) => fields.get(field)).find((one) => typeof one === 'string');
  const limit = LIMIT_FIELDS.map((field) => fields.get(field)).find((one) => one !== undefined);
  const metric = typeof name === 'string' ? findClosestMetric(name) : undefined;
  if (metric === undefined) return undefined;
  return ruleMeantBy(`${metric} ${metricFacts(metric).comparisons[0]} ${String(limit)}`) ?? exampleRule(metric);
}

function findInRule(rule: string, path: FieldPath): Problem | undefined {
  const problem = findTextProblem([...path, 'rule'], () => parseRule(rule));
  if (problem === undefined || !/`[^`]*, floor /.test(problem.remedy)) return problem;
  return { ...problem, remedy: `${problem.remedy} Put the rule in quotes: between braces, YAML ends it at its comma.` };
}

/** `{ rule: error_rate < 2x baseline, floor 1% }`: between braces a comma ends the text, and the floor becomes a field. */
function findSplitRule(value: object, rule: string, path: FieldPath): Problem | undefined {
  const [name, given] = Object.entries(value).find(([name]) => /^floor\b/.test(name)) ?? [];
  if (name === undefined) return undefined;
  const floor = typeof given === 'string' || typeof given === 'number' ? `${name} ${given}` : name;
  const whole = ruleMeantBy(`${rule}, ${floor}`);
  const shown = name.length > MOST_NAME ? `${name.slice(0, MOST_NAME - 1)}…` : name;
  const message =
    given === null
      ? `YAML ends the rule at its comma, so \`${shown}\` becomes a field.`
      : 'The floor is a part of the rule, not a field.';
  const how = whole === undefined ? ', as in' : ':';
  const remedy = `Put the rule in quotes${how} \`rule: "${whole ?? 'error_rate < 2x baseline, floor 0.1%'}"\`.`;
  return { code: 'POLICY_RULE_FIELDS', path: [...path, name], part: 'name', message, remedy };
}

const BARE_BRACKETS =
  /^( *- *\{[^"'#\n]*?\brule: *)([A-Za-z_]\w*\[[^\]\n"']{1,128}\][^,}\n]*(?:, *floor [^,}\n]*)?)(,?)/gm;

/** `{ rule: error_rate[timeout] < 1% }` in a text that is no YAML: between braces a bracket starts a list, and all that follows is misread. */
export function findBareBrackets(file: string, text: string): CodedError[] {
  return [...text.matchAll(BARE_BRACKETS)]
    .slice(0, MOST_FOUND)
    .map(({ 1: head = '', 2: rule = '', 3: comma, index }) => {
      const line = text.slice(0, index).split('\n').length;
      const column = head.length + rule.indexOf('[') + 1;
      const fields = `{ rule: "${ruleMeantBy(rule) ?? rule.trim()}"${comma === '' ? '' : ', …'} }`;
      const message = 'Between braces YAML takes `[` for a list.';
      return new CodedError({
        code: 'DOCUMENT_SYNTAX',
        message,
        remedy: `Put the rule in quotes: \`${fields}\`.`,
        at: { file, line, column },
      });
    });
}
