// Laws of the JSON Schemas: complete for editors, closed to unknown fields, and the source of the types.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { KINDS } from '../../src/documents/check-schema.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';

const ROOT = path.join(import.meta.dirname, '../..');
/** Answers that the service makes: nobody writes them, so they need not be closed. */
const ANSWERS = 'read-model.schema.json';
const SCHEMAS = readdirSync(path.join(ROOT, 'schemas')).filter(
  (file) => file.endsWith('.schema.json') && file !== ANSWERS,
);

type Schema = Record<string, unknown>;

function isSchema(value: unknown): value is Schema {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/** Every subschema with its place. */
function* subschemas(schema: Schema, at = ''): Generator<[string, Schema]> {
  yield [at, schema];
  for (const name of ['properties', '$defs']) {
    for (const [key, value] of Object.entries((schema[name] ?? {}) as Schema))
      if (isSchema(value)) yield* subschemas(value, `${at}/${key}`);
  }
  for (const name of ['items', 'additionalProperties', 'propertyNames']) {
    const value = schema[name];
    if (isSchema(value)) yield* subschemas(value, `${at}/${name}`);
  }
  for (const [index, value] of ((schema.anyOf ?? []) as unknown[]).entries())
    if (isSchema(value)) yield* subschemas(value, `${at}/anyOf/${index}`);
}

test('there is a schema for each kind of document, for reports, for the messages about tokens, and for the settings of the service', () => {
  expect(SCHEMAS).toHaveLength(KINDS.length + 3);
});

test.each(SCHEMAS)('%s describes every field and is closed and bounded', (file) => {
  const schema = JSON.parse(readFileSync(path.join(ROOT, 'schemas', file), 'utf8')) as Schema;
  expect(schema.$schema).toBe('https://json-schema.org/draft/2020-12/schema');
  for (const [at, part] of subschemas(schema)) {
    if (part.$ref === undefined || !at.includes('/items'))
      expect(part.description ?? part.$ref, `${file}${at}`).toBeTruthy();
    if (part.properties !== undefined && part.maxProperties === undefined)
      expect(part.additionalProperties, `${file}${at}`).toBe(false);
    if (part.type === 'array') expect(part.maxItems, `${file}${at}`).toBeGreaterThan(0);
    if (part.type === 'string') expect(part.maxLength ?? part.pattern, `${file}${at}`).toBeTruthy();
    if (isSchema(part.additionalProperties)) expect(part.maxProperties, `${file}${at}`).toBeGreaterThan(0);
  }
});

test('the generated types are those of the schemas', () => {
  execFileSync(process.execPath, ['schemas/generate.ts', '--check'], { cwd: ROOT });
});

test.each(['examples/trust-policy.yaml', 'examples/signals.yaml'])('%s fits', (file) => {
  expect(parseDocument(file, readFileSync(path.join(ROOT, file)))).toMatchObject({ kind: 'parsed' });
});

test.each(
  readdirSync(path.join(ROOT, 'examples'), { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.yaml'),
  ),
)('the example %s names its schema for editors', (file) => {
  const full = path.join(ROOT, 'examples', file);
  const named = /^# yaml-language-server: \$schema=(\S+)/.exec(readFileSync(full, 'utf8'))?.[1] ?? '';
  expect(readdirSync(path.dirname(path.resolve(path.dirname(full), named)))).toContain(path.basename(named));
});
