// Owns what is generated from the JSON Schemas: types and compiled checks; `--check` fails when a file is stale.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { checksOfSchemas } from './checks-of-schemas.ts';
import { typesOfDefinitions, typesOfSchemas } from './types-of-schemas.ts';

const FOLDER = import.meta.dirname;
/** The kinds that devices read; the others are between people and the service. */
const ON_DEVICES = ['model-manifest', 'trust-policy'];
const ON_SERVICE = [
  'repository',
  'rollout-policy',
  'rollout',
  'model-draft',
  'device-group',
  'signal-providers',
  'notifications',
];
/** Answers, not documents: their types are for the dashboard and whoever shows what it answers. */
const READ_MODEL = 'read-model';

async function readSchemas(names: readonly string[]): Promise<Record<string, unknown>> {
  const read = async (name: string): Promise<[string, unknown]> => [
    name,
    JSON.parse(await readFile(path.join(FOLDER, `${name}.schema.json`), 'utf8')),
  ];
  return Object.fromEntries(await Promise.all(names.map(read)));
}

const [onDevices, onService] = [await readSchemas(ON_DEVICES), await readSchemas(ON_SERVICE)];
const { [READ_MODEL]: readModel } = await readSchemas([READ_MODEL]);
const files: Readonly<Record<string, string>> = {
  'src/contract/types.generated.ts': await typesOfSchemas(onDevices),
  'src/contract/schema-checks.generated.ts': checksOfSchemas(onDevices),
  'src/documents/types.generated.ts': await typesOfSchemas(onService),
  'src/dashboard/read-model/types.generated.ts': await typesOfDefinitions(READ_MODEL, readModel),
};
for (const [target, text] of Object.entries(files)) {
  const file = path.join(FOLDER, '..', target);
  if (!process.argv.includes('--check')) await writeFile(file, text);
  else if ((await readFile(file, 'utf8').catch(() => '')) !== text) {
    process.stderr.write(`${target} is stale: run \`npm run generate\`.\n`);
    process.exitCode = 1;
  }
}
