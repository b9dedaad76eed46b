// Owns the names in a `labels` file: one class a line, as trainers write them, made into names that reports may hold.
import { readFile, stat } from 'node:fs/promises';
import { ModelError } from './model-host.ts';

const MOST_BYTES = 8 * 1024 * 1024;
/** As long as reports let a class name be. */
const LONGEST_NAME = 128;

/** Throws a ModelError `load` for a file that is too long. */
export async function readLabels(file: string): Promise<string[]> {
  const { size } = await stat(file);
  if (size > MOST_BYTES) throw new ModelError('load', `The labels file has ${size} bytes; ${MOST_BYTES} are read.`);
  const lines = (await readFile(file, 'utf8')).replace(/^\uFEFF/, '').split(/\r?\n/);
  if (lines.at(-1) === '') lines.pop();
  return lines.map((line, index) => nameOf(line) || `class ${index}`);
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is replaced
const CONTROLS = /[\u0000-\u001f\u007f]+/g;

/** Control characters can't stand in reports, nor can a name that JavaScript keeps for itself; long names are cut. */
function nameOf(line: string): string {
  const name = line.replace(CONTROLS, ' ').slice(0, LONGEST_NAME).toWellFormed();
  return name === '__proto__' ? '' : name;
}
