// Laws of misplaced fields: the places that people are sent to have these fields.
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { POLICY_PLACES } from '../../src/documents/field-places.ts';

const schema = JSON.parse(readFileSync(new URL('../../schemas/rollout-policy.schema.json', import.meta.url), 'utf8'));
const { PolicyStage, PolicyRule, PrometheusRule, WebhookRule } = schema.$defs;

test.each([
  ['policy', [schema.properties.spec]],
  ['stage', [PolicyStage]],
  ['rule', [PolicyRule, PrometheusRule, WebhookRule]],
] as const)('the fields of a %s are those of the schema', (place, schemas) => {
  const fields = new Set(schemas.flatMap((one) => Object.keys(one.properties)));
  expect([...POLICY_PLACES[place].fields].sort()).toEqual([...fields].sort());
  expect(fields).toContain(POLICY_PLACES[place].mark);
});
