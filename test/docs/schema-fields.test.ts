// Owns the laws of tables made from schemas: bounds, defaults and examples stand in their columns, and no field is left out.
import { globSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { documentsPage } from '../../docs/documents-page.ts';
import { type Field, fieldRows, withoutReferences } from '../../docs/schema-fields.ts';

it('a row has the field, its meaning, its value with bounds, its default and an example', () => {
  const schema: Field = {
    properties: {
      name: { description: 'The name.', type: 'string', maxLength: 63, examples: ['a|b'] },
      limit: { description: 'A limit. Default 5%. A percentage.', type: 'string', examples: ['5%'] },
      cpu: { description: 'Load. Default: none.', type: ['number', 'string'], minimum: 0, maximum: 100 },
      stages: {
        description: 'Stages.',
        type: 'array',
        minItems: 1,
        maxItems: 3,
        items: { properties: { on: { type: 'boolean', default: false } } },
      },
    },
    required: ['name'],
  };
  expect(fieldRows(schema, '', { isFull: true })).toEqual([
    '| `name` | The name. | text, at most 63 characters |  | `a\\|b` |',
    '| `limit` *(optional)* | A limit. A percentage. | text | 5% | `5%` |',
    '| `cpu` *(optional)* | Load. | number, 0 to 100 or text | none |  |',
    '| `stages` *(optional)* | Stages. | list, 1 to 3 |  |  |',
    '| `stages[].on` *(optional)* |  | boolean | `false` |  |',
  ]);
});

it('a part that is used twice stands at both places', () => {
  const definitions = { Key: { type: 'string', description: 'A key.' } };
  const schema = { properties: { a: { $ref: '#/$defs/Key' }, b: { $ref: '#/$defs/Key', description: 'Another.' } } };
  const rows = fieldRows(withoutReferences(schema, definitions) as Field);
  expect(rows).toEqual(['| `a` *(optional)* | A key. | text |', '| `b` *(optional)* | Another. | text |']);
});

it('the page has each field that a schema of documents has', () => {
  const page = documentsPage();
  const named = (schema: unknown): string[] =>
    schema === null || typeof schema !== 'object'
      ? []
      : Object.entries(schema).flatMap(([name, part]) => [
          ...(name === 'properties' ? Object.keys(part) : []),
          ...named(part),
        ]);
  for (const file of globSync(
    'schemas/{device-group,model-*,repository,rollout*,signal-providers,trust-policy}.schema.json',
  ))
    for (const name of named(JSON.parse(readFileSync(file, 'utf8')))) expect(page, file).toContain(name);
});
