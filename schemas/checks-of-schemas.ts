// Owns the checks that devices carry: JSON Schemas compiled ahead, so that a device needs neither Ajv nor code made at run time.
import { _, Ajv2020 } from 'ajv/dist/2020.js';
import standalone from 'ajv/dist/standalone/index.js';

const BANNER = `// Owns the schema checks of the documents that devices read. Generated from schemas/*.schema.json by \`npm run generate\`: change those instead.
// @ts-nocheck
import { isRange } from './model-version.ts';

const formats = { 'slipway-version-range': isRange };

/** Characters as people count them: a pair of surrogates is one. */
function lengthOf(text) {
  let length = 0;
  for (const _ of text) length++;
  return length;
}
`;
/** What people read in a schema; a check says only what is wrong, and where. */
const PROSE = ['title', 'description', 'examples'];
/** Here the keys are names of fields, which may be called as prose is. */
const MAPS = ['properties', '$defs'];

function withoutProse(schema: unknown, isMap = false): unknown {
  if (Array.isArray(schema)) return schema.map((one) => withoutProse(one));
  if (schema === null || typeof schema !== 'object') return schema;
  const kept = Object.entries(schema).filter(([name]) => isMap || !PROSE.includes(name));
  return Object.fromEntries(kept.map(([name, value]) => [name, withoutProse(value, !isMap && MAPS.includes(name))]));
}

function titleOf(schema: unknown): string {
  return String((schema as { readonly title?: unknown }).title);
}

/** The text of a file with a check for each schema, named `fits<title>`. */
export function checksOfSchemas(schemas: Readonly<Record<string, unknown>>): string {
  const ajv = new Ajv2020({
    ...{ strict: true, allowUnionTypes: true, strictRequired: false, messages: false, validateFormats: true },
    code: { source: true, esm: true, lines: true, optimize: 2, formats: _`formats` },
  });
  ajv.addFormat('slipway-version-range', () => true);
  const exported: Record<string, string> = {};
  for (const [name, schema] of Object.entries(schemas)) {
    ajv.addSchema(withoutProse(schema) as object, name);
    exported[`fits${titleOf(schema)}`] = name;
  }
  const code = standalone
    .default(ajv, exported)
    .replace('"use strict";\n', '')
    .replaceAll(/,schemaPath:"[^"]*"/g, '')
    .replaceAll('require("ajv/dist/runtime/ucs2length").default', 'lengthOf');
  if (/\brequire\(|new Function/.test(code)) throw new Error('a compiled check reaches for more than its formats');
  return `${BANNER}\n${code}`;
}
