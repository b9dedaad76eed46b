// Owns summing up a model's inputs: least, mean and most of each, at a bounded cost per request.
import { addToSummaries, MOST_READING, type Summary, summaryOf } from '../../../src/contract/gauges.ts';
import { columnsOf, LONGEST_INPUT_NAME } from '../../../src/contract/input-names.ts';
import { MOST_FEATURES } from '../../../src/contract/report.ts';
import type { Tensor } from '../model/tensor.ts';

/** Values looked at in one request; of longer inputs every n-th is. */
const MOST_VALUES = 1024;

/** Summaries by name, without text and without numbers that are not finite. */
export function summarizeInputs(inputs: readonly Tensor[]): Map<string, Summary> {
  const features = new Map<string, Summary>();
  for (const { name, datatype, shape, data } of inputs) {
    if (datatype === 'BYTES' || name.length > LONGEST_INPUT_NAME) continue;
    const columns = columnsOf(shape);
    for (const index of sampled(data.length, columns || 1)) {
      const key = columns > 0 ? `${name}[${index % columns}]` : name;
      const value = Number(data[index]);
      if (Math.abs(value) <= MOST_READING) addToSummaries(features, key, summaryOf(value), MOST_FEATURES);
    }
  }
  return features;
}

/** Indices of whole rows, evenly apart, that hold at most `MOST_VALUES` values in all. */
function* sampled(length: number, width: number): Generator<number> {
  const rows = Math.floor(length / width);
  const stride = Math.max(1, Math.ceil((rows * width) / MOST_VALUES));
  for (let row = 0; row < rows; row += stride) {
    for (let column = 0; column < width; column++) yield row * width + column;
  }
}
