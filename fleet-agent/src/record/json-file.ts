// Owns reading the agent's own JSON files with doubt: what is torn, foreign or unreadable counts as absent.
import { readFileIfPresent } from '../../../src/base/durable-file.ts';

/** What `parse` makes of the file; undefined when there is none, or when it can't be read or is broken. */
export async function readJsonFile<T>(
  file: string,
  parse: (value: Record<string, unknown>) => T | undefined,
): Promise<T | undefined> {
  try {
    const bytes = await readFileIfPresent(file);
    if (bytes === undefined) return undefined;
    return parse(Object(JSON.parse(bytes.toString('utf8'))) as Record<string, unknown>);
  } catch {
    return undefined;
  }
}
