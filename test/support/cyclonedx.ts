// Owns holding bills of materials against the published schema of CycloneDX 1.7.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';

/** Whose schemas the files are named for, with `SNAPSHOT` in the names that they call each other by. */
const BASE = 'http://cyclonedx.org/schema';
const FOLDER = path.join(import.meta.dirname, '../../schemas/vendor/cyclonedx');

function schema(name: string): object {
  return JSON.parse(readFileSync(path.join(FOLDER, `${name}.SNAPSHOT.schema.json`), 'utf8')) as object;
}

/** Everything in which the bill departs from the schema. */
export function bomProblems(text: string): string[] {
  // The schema is of an older draft, with words of its own and formats that ajv has none of.
  const ajv = new Ajv({ allErrors: true, strict: false, validateFormats: false });
  for (const name of ['spdx', 'jsf-0.82', 'cryptography-defs'])
    ajv.addSchema(schema(name), `${BASE}/${name}.SNAPSHOT.schema.json`);
  const validate = ajv.compile(schema('bom-1.7'));
  validate(JSON.parse(text));
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
}
