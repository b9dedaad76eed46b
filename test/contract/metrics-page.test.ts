// Laws of the reference of metrics: what the page shows as a rule is one.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { RULE_METRICS } from '../../src/documents/rules/metric-catalogue.ts';
import { parseRule } from '../../src/documents/rules/rule-text.ts';

const page = readFileSync(path.join(import.meta.dirname, '../../docs/reference/metrics.md'), 'utf8');
const examples = [...page.matchAll(/`([a-z_0-9]+(?:\[[^\]`]*\])? ?[<>=]=? ?[^`]+)`/g)].map(([, text = '']) => text);

test('each metric has an example', () => {
  const metrics = new Set(examples.map((text) => parseRule(text).metric));
  expect([...metrics].sort()).toEqual([...RULE_METRICS].sort());
});

test.each([...new Set(examples)])('%s is a rule', (text) => {
  expect(parseRule(text).source).toBe(text);
});
