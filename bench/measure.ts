// Owns timing: repeated runs summed up as median, least and most.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
  readonly runs: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const median =
    sorted.length % 2 === 1 ? (sorted[middle] ?? 0) : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
  return { median, least: sorted[0] ?? 0, most: sorted.at(-1) ?? 0, runs: sorted.length };
}

/** Milliseconds that the work takes. */
export async function timeMs(work: () => unknown): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Milliseconds that processors spent on the work in this process: the same on a busy machine, nearly. */
export async function processorMs(work: () => unknown): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

export interface RateOrder {
  /** Runs of the work that one measurement is made of. */
  readonly times: number;
  readonly runs?: number;
}

/** How often a second the work can be done one after the other; one measurement to warm up is thrown away. */
export function ratePerSecond(work: (i: number) => unknown, { times, runs = 7 }: RateOrder): Spread {
  const rates: number[] = [];
  for (let run = -1; run < runs; run++) {
    const start = performance.now();
    for (let i = 0; i < times; i++) work(i);
    const rate = (times * 1000) / (performance.now() - start);
    if (run >= 0) rates.push(rate);
  }
  return spreadOf(rates);
}

/** Times of single runs, by the wall clock unless told otherwise; the first `warmUps` are thrown away. */
export async function repeatMs(
  work: () => unknown,
  { runs = 7, warmUps = 2, clock = timeMs }: { runs?: number; warmUps?: number; clock?: typeof timeMs } = {},
): Promise<Spread> {
  const times: number[] = [];
  for (let run = -warmUps; run < runs; run++) {
    const ms = await clock(work);
    if (run >= 0) times.push(ms);
  }
  return spreadOf(times);
}

let collect: (() => void) | undefined;

/** Bytes in use on the heap and outside it, after the garbage was collected. */
export function heapBytes(): number {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc') as () => void;
  }
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
