// Owns what a benchmark is: a name, and lines of figures, each beside a peer where there is one.
import type { Spread } from './measure.ts';

/** `ms`, `µs` and `bytes`: less is better; `/s`: more is. */
export type Unit = 'ms' | 'µs' | '/s' | 'bytes' | 'count';

export interface Line {
  readonly what: string;
  readonly unit: Unit;
  readonly ours: Spread;
  /** The plainest thing that does the same part of the work, measured in the same run. */
  readonly peer?: { readonly what: string; readonly spread: Spread };
}

export interface Group {
  readonly title: string;
  readonly lines: readonly Line[];
}

export interface BenchmarkResult {
  readonly groups: readonly Group[];
  /** What limits, and what the figures leave out; for people. */
  readonly notes: readonly string[];
}

export interface Benchmark {
  readonly name: string;
  readonly title: string;
  /** Measures all of it; `say` hears how far it is. */
  readonly run: (say: (progress: string) => void) => Promise<BenchmarkResult>;
}
