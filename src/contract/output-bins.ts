// Owns the bins of outputs that are no classes: embeddings by fixed directions, counts of detections, lengths of texts.

/** Directions of an embedding, and bins of each. */
export const DIRECTIONS = 8;
export const DIRECTION_BINS = 10;
/** Of the directions: with another one, nothing could be compared. */
export const DIRECTION_SEED = 1;
export const DETECTION_BINS = 10;
export const LENGTH_BINS = 13;

/** Sign of a direction at a coordinate, the same on every device and without a table (±1 projections: Achlioptas 2003). */
export function directionSign(seed: number, direction: number, coordinate: number): 1 | -1 {
  let mix = (seed + Math.imul(direction + 1, 0x9e3779b1) + Math.imul(coordinate + 1, 0x85ebca77)) >>> 0;
  mix = Math.imul(mix ^ (mix >>> 16), 0x7feb352d);
  mix = Math.imul(mix ^ (mix >>> 15), 0x846ca68b);
  return ((mix ^ (mix >>> 16)) & 1) === 1 ? 1 : -1;
}

/** Deciles of the normal distribution: a vector without structure falls into the ten bins equally often, whatever its length and size. */
const DECILES = [0.2533471031357997, 0.5244005127080407, 0.8416212335729142, 1.2815515655446004];
const PROJECTION_EDGES = [...DECILES.map((edge) => -edge).reverse(), 0, ...DECILES];

function countBelow(edges: readonly number[], value: number): number {
  const bin = edges.findIndex((edge) => !(value > edge));
  return bin < 0 ? edges.length : bin;
}

/** The bin (0..9) of a vector in a direction. */
export function projectionBin(vector: ArrayLike<number>, seed: number, direction: number): number {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < vector.length; i++) {
    const value = vector[i] ?? 0;
    sum += directionSign(seed, direction, i) * value;
    squares += value * value;
  }
  return countBelow(PROJECTION_EDGES, squares > 0 ? sum / Math.sqrt(squares) : 0);
}

const MOST_COUNT = DETECTION_BINS - 1;
const MOST_LENGTH_BIN = LENGTH_BINS - 1;

/** The bin of a count of detections: 0, 1, …, 8, and 9 or more. */
export function countBin(count: number): number {
  return Math.min(MOST_COUNT, count);
}

/** The bin of a length in tokens: 0, 1, 2–3, 4–7, …, 2048 and more. */
export function lengthBin(tokens: number): number {
  return tokens < 1 ? 0 : Math.min(MOST_LENGTH_BIN, 1 + Math.floor(Math.log2(tokens)));
}
