// Owns what a sketch tells of a quantile: how many values lie above a limit, and between which edges the quantile is.
import { bucketEdge, bucketIndex, type Sketch, sketchCount } from '../../contract/sketch.ts';
import { pFail, pPass } from './e-process.ts';

/** How many values lie above x: surely, and possibly (those of x's own bucket too). Equal when x is a bucket's edge. */
export function countAbove(sketch: Sketch, x: number): readonly [number, number] {
  const own = x > 0 ? bucketIndex(x) : Number.NEGATIVE_INFINITY;
  const isEdge = x > 0 && Math.abs(Math.log(x / bucketEdge(own))) < 1e-9;
  let surely = 0;
  let possibly = 0;
  for (const [index, count] of sketch.buckets) {
    if (index > own) surely += count;
    if (index > own || (index === own && !isEdge)) possibly += count;
  }
  return [surely, possibly];
}

/**
 * For display: confidence sequence of a quantile, at bucket edges (Howard and Ramdas 2022).
 * `effect` is the design effect of "above the quantile".
 */
export function quantileBounds(sketch: Sketch, q: number, alpha: number, effect = 1): readonly [number, number] {
  const count = sketchCount(sketch);
  let above = count - sketch.zero;
  let lower = 0;
  let upper = Number.POSITIVE_INFINITY;
  const look = (edge: number): void => {
    if (pFail(above / effect, count / effect, 1 - q) <= alpha / 2) lower = Math.max(lower, edge);
    if (upper === Number.POSITIVE_INFINITY && pPass(above / effect, count / effect, 1 - q) <= alpha / 2) upper = edge;
  };
  const buckets = [...sketch.buckets].sort(([a], [b]) => a - b);
  const first = buckets[0];
  if (first !== undefined) look(bucketEdge(first[0] - 1));
  for (const [index, inBucket] of buckets) {
    above -= inBucket;
    look(bucketEdge(index));
  }
  return [lower, upper];
}
