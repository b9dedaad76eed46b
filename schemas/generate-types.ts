// Owns the types of the documents: generates them from the JSON Schemas; `--check` fails when they are stale.
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { compile, type JSONSchema } from 'json-schema-to-typescript';

const FOLDER = import.meta.dirname;
/** Devices read the first two kinds; the others are between people and the service. */
const TARGETS: Readonly<Record<string, readonly string[]>> = {
  'src/contract/types.generated.ts': ['model-manifest', 'trust-policy'],
  'src/documents/types.generated.ts': [
    'repository',
    'rollout-policy',
    'rollout',
    'device-group',
    'signal-providers',
    'notifications',
  ],
};
const BANNER =
  '// Owns the types of the documents. Generated from schemas/*.schema.json by `npm run generate`: change those instead.\n';
const DIGEST_PATTERN = '^sha256:[0-9a-f]{64}$';

/** Digests get the type of `Digest` (a nullable one as well), which JSON Schema can't say. */
function withDigests(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withDigests);
  if (schema === null || typeof schema !== 'object') return schema;
  const entries = Object.entries(schema).map(([name, value]) => [name, withDigests(value)]);
  const copy: Record<string, unknown> = Object.fromEntries(entries);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: it is the text of a type
  const digest = '`sha256:${string}`';
  if (copy.pattern === DIGEST_PATTERN) copy.tsType = Array.isArray(copy.type) ? `${digest} | null` : digest;
  return copy;
}

/** Documents are facts: every field and list of the generated types is made readonly. */
function asReadonly(types: string): string {
  return types
    .replaceAll(/^( +)((?:"[^"\n]+"|[A-Za-z]\w*)\??:|\[k: string\]:)(?=\s)/gm, '$1readonly $2')
    .replaceAll(/(\w+|\([^()]*\))\[\]/g, 'readonly $1[]');
}

async function generate(schemas: readonly string[]): Promise<string> {
  const parts: string[] = [];
  for (const name of schemas) {
    const schema: unknown = JSON.parse(await readFile(path.join(FOLDER, `${name}.schema.json`), 'utf8'));
    parts.push(
      await compile(withDigests(schema) as JSONSchema, name, {
        bannerComment: '',
        additionalProperties: false,
        ignoreMinAndMaxItems: true,
        unknownAny: true,
        unreachableDefinitions: false,
        style: { singleQuote: true, printWidth: 120 },
      }),
    );
  }
  return `${BANNER}\n${asReadonly(parts.join('\n'))}`;
}

for (const [target, schemas] of Object.entries(TARGETS)) {
  const types = await generate(schemas);
  const file = path.join(FOLDER, '..', target);
  if (!process.argv.includes('--check')) await writeFile(file, types);
  else if ((await readFile(file, 'utf8').catch(() => '')) !== types) {
    process.stderr.write(`${target} is stale: run \`npm run generate\`.\n`);
    process.exitCode = 1;
  }
}
