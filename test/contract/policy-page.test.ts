// Laws of the reference of policies: its tables name each field of the schema, and no other.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import schema from '../../schemas/rollout-policy.schema.json' with { type: 'json' };

const page = readFileSync(path.join(import.meta.dirname, '../../docs/reference/manifests-repository.md'), 'utf8');

/** Names in the first column of the table with this head. */
function rowsBelow(head: string): string[] {
  const [, body = ''] = page.split(`| \`${head}\` | what it says | default |\n|---|---|---|\n`);
  const [rows = ''] = body.split('\n\n', 1);
  return rows.split('\n').map((row) => /^\| `(\w+)` \|/.exec(row)?.[1] ?? row);
}

test('each field of a policy stands in its table', () => {
  expect(rowsBelow('spec').sort()).toEqual(Object.keys(schema.properties.spec.properties).sort());
});

test('each field of a stage stands in its table', () => {
  expect(rowsBelow('spec.stages[]').sort()).toEqual(Object.keys(schema.$defs.PolicyStage.properties).sort());
});
