// Owns summing up outputs that are no classes: what the manifest declares of them, at a bounded cost per request and in bounded bytes.
import type { DeclaredOutputs } from '../../../src/contract/declared-outputs.ts';
import {
  countBin,
  DETECTION_BINS,
  DIRECTION_BINS,
  DIRECTION_SEED,
  DIRECTIONS,
  LENGTH_BINS,
  lengthBin,
  projectionBin,
} from '../../../src/contract/output-bins.ts';
import { type AnswerEnd, addCountLists, type OutputCounts } from '../../../src/contract/output-counts.ts';
import {
  addOutput,
  addToOutputSketch,
  countsOfSketch,
  emptyOutputSketch,
} from '../../../src/contract/output-sketch.ts';
import { boundedSum } from '../../../src/contract/report-reader.ts';
import type { Tensor } from '../model/tensor.ts';

/** Coordinates looked at in one request; of more vectors every n-th is. */
const MOST_VALUES = 65_536;

interface Answered {
  readonly outputs: readonly Tensor[];
  /** No output counts more often than the answer has rows. */
  readonly rows: number;
  /** From this score on a detection counts. */
  readonly least: number;
}

/** What one answer adds; undefined where the manifest declares nothing. */
export function summarizeOutputs(declared: DeclaredOutputs, answered: Answered): OutputCounts | undefined {
  const { scalars, embedding, detections, text } = declared;
  if (scalars.length === 0 && detections === null && text === null) return undefined;
  const named = (name: string | undefined): Tensor | undefined => answered.outputs.find((one) => one.name === name);
  const [vectors, counted] = [named(embedding?.name), named(detections ?? undefined)];
  const texts = text?.isSeen === true ? named(text.name) : undefined;
  return {
    ...(scalars.length === 0 ? {} : { scalars: Object.fromEntries(scalars.flatMap(scalarOf)) }),
    ...(vectors === undefined || !embedding?.space ? {} : { embedding: directionsOf(vectors, embedding.space) }),
    ...(counted === undefined
      ? {}
      : { detections: binned(DETECTION_BINS, rowsOf(counted), (row) => countBin(detectionsOf(row, answered.least))) }),
    ...(texts === undefined
      ? {}
      : { lengths: binned(LENGTH_BINS, rowsOf(texts), ([one]) => lengthBin(String(one).length)) }),
  };

  function rowsOf({ shape, data }: Tensor, isVector = false): (readonly unknown[])[] {
    const width = shape.length > 1 ? data.length / (shape[0] ?? 1) : isVector ? data.length : 1;
    const rows = Math.min(answered.rows, Math.floor(data.length / width));
    const stride = Math.max(1, Math.ceil((rows * width) / MOST_VALUES));
    const sampled = Array.from({ length: Math.ceil(rows / stride) }, (_, i) => i * stride * width);
    return sampled.map((from) => [...data.slice(from, from + width)]);
  }

  function scalarOf({ name, centre, isNorm }: DeclaredOutputs['scalars'][number]) {
    const tensor = named(name);
    if (tensor === undefined) return [];
    const sketch = emptyOutputSketch();
    for (const row of rowsOf(tensor, isNorm))
      addOutput(sketch, (isNorm ? Math.hypot(...row.map(Number)) : Number(row[0])) - centre);
    return [[name, countsOfSketch(sketch, centre)] as const];
  }

  function directionsOf(tensor: Tensor, space: string): NonNullable<OutputCounts['embedding']> {
    const bins = new Array<number>(DIRECTIONS * DIRECTION_BINS).fill(0);
    for (const row of rowsOf(tensor, true)) {
      const vector = row.map(Number);
      if (!vector.every(Number.isFinite)) continue;
      for (let direction = 0; direction < DIRECTIONS; direction++) {
        const bin = direction * DIRECTION_BINS + projectionBin(vector, DIRECTION_SEED, direction);
        bins[bin] = (bins[bin] ?? 0) + 1;
      }
    }
    return { space, bins };
  }
}

/** The number itself, or how many scores are high enough. */
function detectionsOf(row: readonly unknown[], least: number): number {
  if (row.length > 1) return row.filter((score) => Number(score) >= least).length;
  return Math.max(0, Math.floor(Number(row[0])) || 0);
}

function binned(bins: number, rows: readonly (readonly unknown[])[], binOf: (row: readonly unknown[]) => number) {
  const counts = new Array<number>(bins).fill(0);
  for (const row of rows) {
    const bin = binOf(row);
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  return counts;
}

/** What the application tells of a text that the agent does not see. */
export function countsOfText({ tokens, end }: { readonly tokens?: number; readonly end?: AnswerEnd }): OutputCounts {
  return {
    ...(tokens === undefined ? {} : { lengths: binned(LENGTH_BINS, [[tokens]], () => lengthBin(tokens)) }),
    ...(end === undefined ? {} : { ends: { [end]: 1 } }),
  };
}

/** The counts of both; they are of one manifest, and so of the same centres and space. */
export function addOutputCounts(a: OutputCounts, b: OutputCounts): OutputCounts {
  const scalars = new Map(Object.entries(a.scalars ?? {}));
  for (const [name, counts] of Object.entries(b.scalars ?? {})) {
    const known = scalars.get(name);
    const sum = known && addToOutputSketch(addToOutputSketch(emptyOutputSketch(), known), counts);
    scalars.set(name, sum === undefined ? counts : countsOfSketch(sum, counts.centre));
  }
  const ends = new Map(Object.entries(a.ends ?? {}));
  for (const [end, count] of Object.entries(b.ends ?? {})) ends.set(end, boundedSum(ends.get(end) ?? 0, count));
  const embedding = a.embedding ?? b.embedding;
  const lists = (x: readonly number[] | undefined, y: readonly number[] | undefined) =>
    addCountLists(x ?? [], y ?? []).map((count) => boundedSum(count, 0));
  return {
    ...(scalars.size === 0 ? {} : { scalars: Object.fromEntries(scalars) }),
    ...(embedding && {
      embedding: { space: embedding.space, bins: lists(a.embedding?.bins, b.embedding?.bins) },
    }),
    ...((a.detections ?? b.detections) && { detections: lists(a.detections, b.detections) }),
    ...((a.lengths ?? b.lengths) && { lengths: lists(a.lengths, b.lengths) }),
    ...(ends.size === 0 ? {} : { ends: Object.fromEntries(ends) }),
  };
}
