// Owns what a chart of values over time takes.
import type { TimeAxis } from './plot.ts';

export interface ChartPoint {
  readonly atMs: number;
  readonly estimate: number | null;
  readonly low: number | null;
  readonly high: number | null;
  readonly baseline: number | null;
  /** Range of the baseline; absent where there is none. */
  readonly baselineLow?: number | null;
  readonly baselineHigh?: number | null;
  readonly limit: number | null;
}

export interface ChartMark {
  readonly atMs: number;
  readonly letter: string;
}

export interface LineChartProps {
  /** Unique on its page. */
  readonly id: string;
  /** The chart in words. */
  readonly name: string;
  readonly points: readonly ChartPoint[];
  /** Shared by all charts that stand together. */
  readonly axis: TimeAxis;
  readonly goodSide: 'below' | 'above' | null;
  readonly format: (value: number) => string;
  readonly marks?: readonly ChartMark[];
  readonly decided?: { readonly atMs: number; readonly as: 'pass' | 'fail' } | null;
  /** Why there are no values, in a few words. */
  readonly gapText: string;
  readonly height?: number;
  /** How an instant is written; UTC unless given. */
  readonly clock?: (atMs: number) => string;
  /** The instant that a person looks at. */
  readonly cursorAtMs?: number | null;
  readonly onWalk?: (atMs: number | null, by: 'key' | 'pointer') => void;
}
