// Owns the latency sketch: log-spaced buckets whose edges everyone shares, so that counts above an edge are exact and sketches add up.

/** Relative accuracy: a value and its bucket's middle differ by 1% at most (Masson, Rim, Lee 2019: DDSketch). */
export const SKETCH_ACCURACY = 0.01;
const GAMMA = (1 + SKETCH_ACCURACY) / (1 - SKETCH_ACCURACY);
const LN_GAMMA = Math.log(GAMMA);
/** Buckets beyond these are folded into the last: 1 ns to 10^6 s for values in milliseconds. */
const LEAST_INDEX = -700;
const MOST_INDEX = 1100;

/** Counts by bucket; bucket i holds values in (GAMMA^(i-1), GAMMA^i], `zero` those that are 0 or less. */
export interface Sketch {
  zero: number;
  readonly buckets: Map<number, number>;
}

/** The form in reports: pairs of bucket index and count, by index. */
export interface SketchJson {
  readonly zero: number;
  readonly buckets: readonly (readonly [number, number])[];
}

export function emptySketch(): Sketch {
  return { zero: 0, buckets: new Map() };
}

/** Index of the bucket that holds a positive value; a value on an edge belongs to the bucket below the edge. */
export function bucketIndex(value: number): number {
  const index = Math.ceil(Math.log(value) / LN_GAMMA - 1e-9);
  return Math.min(MOST_INDEX, Math.max(LEAST_INDEX, index));
}

/** Upper edge of a bucket, in the unit of the values. */
export function bucketEdge(index: number): number {
  return GAMMA ** index;
}

/** Index of the bucket whose upper edge is nearest to the limit; differs from it by 1% at most. */
export function nearestEdgeIndex(limit: number): number {
  return Math.min(MOST_INDEX, Math.max(LEAST_INDEX, Math.round(Math.log(limit) / LN_GAMMA)));
}

export function addToSketch(sketch: Sketch, value: number, count = 1): void {
  if (!(value > 0)) {
    sketch.zero += count;
    return;
  }
  const index = bucketIndex(value);
  sketch.buckets.set(index, (sketch.buckets.get(index) ?? 0) + count);
}

export function mergeSketch(into: Sketch, from: Sketch): void {
  into.zero += from.zero;
  for (const [index, count] of from.buckets) into.buckets.set(index, (into.buckets.get(index) ?? 0) + count);
}

export function sketchCount(sketch: Sketch): number {
  let count = sketch.zero;
  for (const n of sketch.buckets.values()) count += n;
  return count;
}

/** How many values lie above the upper edge of bucket `edgeIndex`: exact. */
export function countAboveEdge(sketch: Sketch, edgeIndex: number): number {
  let above = 0;
  for (const [index, count] of sketch.buckets) if (index > edgeIndex) above += count;
  return above;
}

/** The value at quantile q (0..1), as the middle of its bucket; undefined when the sketch is empty. */
export function quantileOf(sketch: Sketch, q: number): number | undefined {
  const count = sketchCount(sketch);
  if (count === 0) return undefined;
  const rank = q * (count - 1);
  let seen = sketch.zero;
  if (seen > rank) return 0;
  for (const [index, n] of [...sketch.buckets].sort(([a], [b]) => a - b)) {
    seen += n;
    if (seen > rank) return (2 * bucketEdge(index)) / (GAMMA + 1);
  }
  return bucketEdge(MOST_INDEX);
}

/** The mean, each value taken for the middle of its bucket; undefined when the sketch is empty. */
export function meanOf(sketch: Sketch): number | undefined {
  const count = sketchCount(sketch);
  let total = 0;
  for (const [index, n] of sketch.buckets) total += (n * 2 * bucketEdge(index)) / (GAMMA + 1);
  return count === 0 ? undefined : total / count;
}

export function sketchToJson(sketch: Sketch): SketchJson {
  return { zero: sketch.zero, buckets: [...sketch.buckets].sort(([a], [b]) => a - b) };
}

export function sketchFromJson(json: SketchJson): Sketch {
  return { zero: json.zero, buckets: new Map(json.buckets) };
}
