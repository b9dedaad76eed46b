// Owns the names that reports give to the inputs of a model: devices write them, and rules must name the same.

import { MOST_FEATURES } from './report.ts';
import type { InputTensor } from './types.generated.ts';

/** A table of no more columns than this is summed up by column, as `x[3]`. */
const MOST_COLUMNS = 16;
/** Inputs of longer names are not reported. */
export const LONGEST_INPUT_NAME = 100;

/** Columns of a table that is summed up by column; 0 for a tensor that is summed up as a whole. */
export function columnsOf(shape: readonly number[]): number {
  const columns = shape.length === 2 ? (shape[1] ?? 0) : 0;
  return columns > 0 && columns <= MOST_COLUMNS ? columns : 0;
}

/** The names of the inputs that are reported, in order; undefined where a table may have any number of columns. */
export function inputNamesOf(inputs: readonly InputTensor[]): readonly string[] | undefined {
  const reported = inputs.filter(({ name, type }) => type !== 'bytes' && name.length <= LONGEST_INPUT_NAME);
  if (reported.some(({ shape }) => shape.length === 2 && shape[1] === -1)) return undefined;
  const names = reported.flatMap(({ name, shape }) => {
    const columns = columnsOf(shape);
    return columns === 0 ? [name] : Array.from({ length: columns }, (_, column) => `${name}[${column}]`);
  });
  return names.slice(0, MOST_FEATURES);
}
