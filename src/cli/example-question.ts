// Owns the inputs of an example for a new version: out of JSON as in a manifest, or of NumPy files.
import path from 'node:path';
import { readBoundedFile } from '../base/bounded-file.ts';
import type { InputTensor, ModelExample } from '../contract/types.generated.ts';
import { readNpy } from '../documents/read-npy.ts';
import { MOST_DOCUMENT_BYTES } from './sequences.ts';
import { refused } from './variant-files.ts';

/** An example without its answer. */
export type Question = Omit<ModelExample, 'expect'>;

/** What is larger has more values than an example may hold, whatever their type. */
const MOST_NPY_BYTES = 4 * 1024 * 1024;

/** `given`: one JSON file, or a NumPy file for each input, as in `state=state.npy`. Throws PACKAGE_FILES, FILE_… or NPY_…. */
export async function readQuestion(given: readonly string[], inputs: readonly InputTensor[]): Promise<Question> {
  const [first = '', ...others] = given;
  if (given.every((one) => one.endsWith('.npy'))) return readArrays(given, inputs);
  if (others.length === 0) return readJson(first);
  throw refused(
    `These are ${given.length} examples: ${given.join(', ')}.`,
    'Pass one JSON file with --example, or a NumPy file for each input (--example <input>=<file>.npy).',
  );
}

async function readJson(file: string): Promise<Question> {
  const { name, inputs, shapes } = Object(parse((await readBoundedFile(file, MOST_DOCUMENT_BYTES)).toString('utf8')));
  if (inputs !== undefined)
    return { name: name ?? path.parse(file).name, inputs, ...(shapes === undefined ? {} : { shapes }) };
  throw refused(`${file} is no JSON with \`inputs\`.`, 'Write it as in `{ "inputs": { "x": [0.5, 0.25] } }`.');
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function readArrays(given: readonly string[], inputs: readonly InputTensor[]): Promise<Question> {
  const files = given.map((one) => fileOf(one, inputs));
  const values: Record<string, ModelExample['inputs'][string]> = {};
  const shapes: Record<string, number[]> = {};
  for (const { input, file } of files) {
    if (Object.hasOwn(values, input.name))
      throw refused(`The input "${input.name}" has two files.`, 'Pass one file for each input.');
    const read = readNpy(file, await readBoundedFile(file, MOST_NPY_BYTES));
    values[input.name] = [...read.values];
    if (String(read.shape) !== String(input.shape)) shapes[input.name] = [...read.shape];
  }
  const name = path.parse(files[0]?.file ?? '').name;
  return { name, inputs: values, ...(Object.keys(shapes).length === 0 ? {} : { shapes }) };
}

/** Names of inputs may hold `=`, so it is the name that is looked for. */
function fileOf(given: string, inputs: readonly InputTensor[]): { readonly input: InputTensor; readonly file: string } {
  const input = inputs.find(({ name }) => given.startsWith(`${name}=`));
  if (input !== undefined) return { input, file: given.slice(input.name.length + 1) };
  const [only, ...others] = inputs;
  if (only !== undefined && others.length === 0) return { input: only, file: given };
  throw refused(
    `The model has the inputs ${inputs.map(({ name }) => name).join(', ')}, and ${given} names none of them.`,
    `Pass a file for each: --example ${only?.name}=${path.basename(given)}.`,
  );
}
