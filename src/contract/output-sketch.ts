// Owns the sketch of a scalar output: signed log-spaced buckets, cut at stable's own deciles into bins that count exactly on both arms.
import type { ScalarCounts } from './output-counts.ts';

const ACCURACY = 0.05;
const LN_GAMMA = Math.log((1 + ACCURACY) / (1 - ACCURACY));
/** Smaller values count as zero. */
const SMALLEST = 1e-9;
/** Larger values (about 1e30) count in the same bucket. */
export const MOST_BUCKET = 700;
/** Of a side in a report, so that a scalar takes 1 kB after 50,000 answers and 2 kB after any number: what is smaller counts as zero. */
export const MOST_SIDE_BUCKETS = 64;
/** Parts of about equal weight that stable's outputs are cut into. */
const PARTS = 10;

/** Counts by bucket of a value less the manifest's centre; bucket i of a side holds sizes in (g^(i−1), g^i]. */
export interface OutputSketch {
  zero: number;
  /** NaN and infinities. */
  odd: number;
  readonly plus: Map<number, number>;
  readonly minus: Map<number, number>;
}

export function emptyOutputSketch(): OutputSketch {
  return { zero: 0, odd: 0, plus: new Map(), minus: new Map() };
}

export function addOutput(sketch: OutputSketch, value: number): void {
  const size = Math.abs(value);
  if (!Number.isFinite(value)) sketch.odd++;
  else if (size < SMALLEST) sketch.zero++;
  else {
    const index = Math.min(MOST_BUCKET, Math.ceil(Math.log(size) / LN_GAMMA - 1e-12));
    const side = value > 0 ? sketch.plus : sketch.minus;
    side.set(index, (side.get(index) ?? 0) + 1);
  }
}

type Side = ReadonlyMap<number, number>;

function flatSide(side: Side): { readonly flat: readonly number[]; readonly small: number } {
  const sorted = [...side].sort(([a], [b]) => a - b);
  const kept = Math.max(0, sorted.length - MOST_SIDE_BUCKETS);
  const flat: number[] = [];
  let before = 0;
  for (const [index, count] of sorted.slice(kept)) {
    flat.push(index - before, count);
    before = index;
  }
  return { flat, small: sorted.slice(0, kept).reduce((sum, [, count]) => sum + count, 0) };
}

/** In the form of a report. */
export function countsOfSketch({ zero, odd, plus, minus }: OutputSketch, centre: number): ScalarCounts {
  const [above, below] = [flatSide(plus), flatSide(minus)];
  return { centre, zero: zero + above.small + below.small, odd, plus: above.flat, minus: below.flat };
}

function addSide(into: Map<number, number>, flat: readonly number[]): void {
  let index = 0;
  for (let i = 0; i < flat.length; i += 2) {
    index += flat[i] ?? 0;
    into.set(index, (into.get(index) ?? 0) + (flat[i + 1] ?? 0));
  }
}

/** Adds what a report says; sketches of one centre alone may be added. */
export function addToOutputSketch(sketch: OutputSketch, { zero, odd, plus, minus }: ScalarCounts): OutputSketch {
  sketch.zero += zero;
  sketch.odd += odd;
  addSide(sketch.plus, plus);
  addSide(sketch.minus, minus);
  return sketch;
}

function mergeSide(into: Map<number, number>, from: Side): void {
  for (const [index, count] of from) into.set(index, (into.get(index) ?? 0) + count);
}

/** Adds one sketch into another of the same centre. */
export function mergeOutputSketch(into: OutputSketch, from: OutputSketch): void {
  into.zero += from.zero;
  into.odd += from.odd;
  mergeSide(into.plus, from.plus);
  mergeSide(into.minus, from.minus);
}

export function outputCount({ zero, odd, plus, minus }: ScalarCounts): number {
  let count = zero + odd;
  for (let i = 1; i < plus.length; i += 2) count += plus[i] ?? 0;
  for (let i = 1; i < minus.length; i += 2) count += minus[i] ?? 0;
  return count;
}

/** Far from the index of any bucket. */
const SIDE = 1e6;

/** All buckets by their value, each as an order, the same on every device, and a count. */
function ordered({ zero, plus, minus }: OutputSketch): (readonly [order: number, count: number])[] {
  const below = [...minus].map(([index, count]) => [-SIDE - index, count] as const);
  const above = [...plus].map(([index, count]) => [SIDE + index, count] as const);
  return [...below, ...(zero > 0 ? [[0, zero] as const] : []), ...above].sort(([a], [b]) => a - b);
}

/** Upper edges, as orders, that cut the outputs into at most ten parts of about equal weight. */
export function outputEdges(sketch: OutputSketch): number[] {
  const list = ordered(sketch);
  const total = list.reduce((sum, [, count]) => sum + count, 0);
  const edges = new Set<number>();
  let sum = 0;
  let part = 1;
  for (const [order, count] of list) {
    sum += count;
    if (sum === total) break;
    if (sum < (part * total) / PARTS) continue;
    edges.add(order);
    while (sum >= (part * total) / PARTS) part++;
  }
  return [...edges];
}

/** Counts between the edges, and of NaN and infinities at last. */
export function outputBins(sketch: OutputSketch, edges: readonly number[]): number[] {
  const bins = new Array<number>(edges.length + 2).fill(0);
  for (const [order, count] of ordered(sketch)) {
    const found = edges.findIndex((edge) => order <= edge);
    const bin = found < 0 ? edges.length : found;
    bins[bin] = (bins[bin] ?? 0) + count;
  }
  bins[edges.length + 1] = sketch.odd;
  return bins;
}

/** The value up to which an edge reaches. */
export function edgeValue(order: number, centre: number): number {
  if (order === 0) return centre;
  return order > 0 ? centre + Math.exp(LN_GAMMA * (order - SIDE)) : centre - Math.exp(LN_GAMMA * (-SIDE - order - 1));
}
