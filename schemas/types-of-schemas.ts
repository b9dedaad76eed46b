// Owns the types of the documents, made from their JSON Schemas.
import { compile, type JSONSchema } from 'json-schema-to-typescript';

const bannerOf = (what: string): string =>
  `// Owns the types of ${what}. Generated from schemas/*.schema.json by \`npm run generate\`: change those instead.\n`;
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

/** The text of a file with the types of some schemas, by the schemas' names. */
export async function typesOfSchemas(schemas: Readonly<Record<string, unknown>>): Promise<string> {
  const parts: string[] = [];
  for (const [name, schema] of Object.entries(schemas)) {
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
  return `${bannerOf('the documents')}\n${asReadonly(parts.join('\n'))}`;
}

/** The text of a file with the types of all definitions of one schema. */
export async function typesOfDefinitions(name: string, schema: unknown): Promise<string> {
  const types = await compile(schema as JSONSchema, name, {
    bannerComment: '',
    additionalProperties: false,
    ignoreMinAndMaxItems: true,
    unknownAny: true,
    unreachableDefinitions: true,
    style: { singleQuote: true, printWidth: 120 },
  });
  // What holds nothing but definitions is no type of its own, and who refers to whom is seen below.
  const noise = / \*\n \* This interface was referenced by `\w+`'s JSON-Schema\n \* via the `definition` "\w+"\.\n/g;
  const ofNone = /\/\*\*\n(?: \* .*\n)+ \*\/\n(?:export interface ReadModel \{[^}]*\}\n)?(?=\/\*\*)/;
  return `${bannerOf('the read model')}\n${asReadonly(types.replaceAll(noise, '').replace(ofNone, ''))}`;
}
