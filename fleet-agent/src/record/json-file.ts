// Owns reading the agent's own JSON files with doubt: what is torn or foreign counts as absent.
import { readFileIfPresent } from '../../../src/base/durable-file.ts';

/** What `parse` makes of the file; undefined when there is none, or when it throws or finds the content broken. */
export async function readJsonFile<T>(
  file: string,
  parse: (value: Record<string, unknown>) => T | undefined,
): Promise<T | undefined> {
  const bytes = await readFileIfPresent(file);
  if (bytes === undefined) return undefined;
  try {
    return parse(Object(JSON.parse(bytes.toString('utf8'))) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}
