// Owns what editors need in a new manifests repository: the schemas of its documents, and the line by which a document names its own.
import { readFile } from 'node:fs/promises';
import path from 'node:path';

const FOLDER = 'schemas';
const NAMES = ['repository', 'model-manifest', 'model-draft', 'rollout-policy', 'rollout', 'device-group'] as const;

function fileOf(name: (typeof NAMES)[number]): string {
  return `${FOLDER}/${name}.schema.json`;
}

/** The schemas, by their paths in the repository. */
export async function schemaFiles(): Promise<[string, string][]> {
  const read = async (name: (typeof NAMES)[number]): Promise<[string, string]> => {
    const source = new URL(`../../schemas/${name}.schema.json`, import.meta.url);
    return [fileOf(name), await readFile(source, 'utf8')];
  };
  return Promise.all(NAMES.map(read));
}

/** The text with the line that YAML editors look for; `file` is its path in the repository. */
export function withSchemaLine(file: string, name: (typeof NAMES)[number], text: string): string {
  const to = path.posix.relative(path.posix.dirname(file), fileOf(name));
  return `# yaml-language-server: $schema=${to}\n${text}`;
}
