// Owns the sketch of a scalar output: signed log-spaced buckets, cut at stable's own deciles into bins that count exactly on both arms.

const ACCURACY = 0.05;
const LN_GAMMA = Math.log((1 + ACCURACY) / (1 - ACCURACY));
/** Smaller values count as zero. */
const SMALLEST = 1e-9;
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
    const index = Math.ceil(Math.log(size) / LN_GAMMA - 1e-12);
    const side = value > 0 ? sketch.plus : sketch.minus;
    side.set(index, (side.get(index) ?? 0) + 1);
  }
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
