// Owns the number of a version among those of its model: read from the manifests that lie beside it.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { readBoundedFile } from '../base/bounded-file.ts';
import { parseDocument } from '../documents/parse-document.ts';
import { isDocument } from '../snapshot/folder-cache.ts';

/** Longer files are no documents of Slipway's. */
export const MOST_DOCUMENT_BYTES = 1024 * 1024;

/** 0 for a manifest of another model, without a sequence, or that can't be read. */
export function sequenceIn(file: string, bytes: Uint8Array, model: string): number {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'broken' || parsed.document.kind !== 'ModelManifest') return 0;
  const { metadata } = parsed.document;
  return metadata.name === model ? (metadata.sequence ?? 0) : 0;
}

/** The highest sequence of the model in the file's folder, the file itself left out. `draftOf` has the bytes that a file will have. */
export async function highestBeside(
  file: string,
  model: string,
  draftOf: (beside: string) => Buffer | undefined = () => undefined,
): Promise<number> {
  const folder = path.dirname(file);
  let highest = 0;
  for (const name of await readdir(folder).catch(() => [])) {
    if (!isDocument(name) || name === path.basename(file)) continue;
    const beside = path.join(folder, name);
    const bytes = draftOf(beside) ?? (await readBoundedFile(beside, MOST_DOCUMENT_BYTES).catch(() => Buffer.alloc(0)));
    highest = Math.max(highest, sequenceIn(name, bytes, model));
  }
  return highest;
}
