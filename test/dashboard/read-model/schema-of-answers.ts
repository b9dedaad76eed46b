// Owns checking answers against the schemas of the read model, more strictly than clients do: no member that is not listed.
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';

const schema = JSON.parse(
  readFileSync(new URL('../../../schemas/read-model.schema.json', import.meta.url), 'utf8'),
) as Record<string, unknown>;

/** The same schema, closed. */
function closed(part: unknown): unknown {
  if (Array.isArray(part)) return part.map(closed);
  if (part === null || typeof part !== 'object') return part;
  const copy = Object.fromEntries(Object.entries(part).map(([name, value]) => [name, closed(value)]));
  if (copy.type === 'object' && copy.properties !== undefined) copy.additionalProperties ??= false;
  return copy;
}

const ajv = new Ajv2020({ strict: false, allErrors: true });
ajv.addSchema(closed(schema) as object, 'read-model');

/** What is wrong with the answer, as it goes over the wire; empty when nothing is. */
export function problemsOf(name: string, answer: unknown): string[] {
  const check = ajv.getSchema(`read-model#/$defs/${name}`);
  if (check === undefined) throw new Error(`there is no schema ${name}`);
  check(JSON.parse(JSON.stringify(answer)));
  return (check.errors ?? []).map(
    ({ instancePath, message, params }) => `${instancePath} ${message} ${JSON.stringify(params)}`,
  );
}
