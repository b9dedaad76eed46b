// Owns the class names of a new version: out of the file that is named, or of those that lie among a variant's files.
import path from 'node:path';
import { readBoundedFile } from '../base/bounded-file.ts';
import type { Labels } from '../documents/new-manifest.ts';
import { refused, type VariantFiles } from './variant-files.ts';

/** Labels that are found by themselves. */
export const LABELS_NAME = 'labels.txt';
/** Class names beyond these stay in a file. */
const MOST_INLINE_LABELS = 1000;
const MOST_LABEL_BYTES = 8 * 1024 * 1024;

export interface FoundLabels {
  readonly labels: Labels | null;
  readonly labelsFile: string | null;
}

/** Those of `given`, or of the variants, which must then agree. */
export async function findLabels(given: string | null, found: readonly VariantFiles[]): Promise<FoundLabels> {
  const own = found.flatMap(({ others }) => others.filter((one) => path.basename(one) === LABELS_NAME));
  const labelsFile = given ?? own[0] ?? null;
  const labels = labelsFile === null ? null : await readLabels(labelsFile);
  for (const one of own)
    if (JSON.stringify(await readLabels(one)) !== JSON.stringify(labels))
      throw refused(`${one} has other labels than ${labelsFile}.`, 'All variants answer with the same classes.');
  return { labels, labelsFile };
}

/** A JSON list, or one name a line, as devices read it. */
async function readLabels(file: string): Promise<Labels> {
  const text = (await readBoundedFile(file, MOST_LABEL_BYTES)).toString('utf8').replace(/^\uFEFF/, '');
  if (text.trimStart().startsWith('[')) {
    const names = parseJson(text);
    if (Array.isArray(names) && names.every((name) => typeof name === 'string') && names.length <= MOST_INLINE_LABELS)
      return { names, inFile: false };
    const remedy = 'Write one name a line.';
    throw refused(`${file} is no JSON list of at most ${MOST_INLINE_LABELS} names.`, remedy);
  }
  const lines = text.split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  const names = lines.map((line, index) => line || `class ${index}`);
  return { names, inFile: names.length > MOST_INLINE_LABELS };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
