// Owns metrics: counters, gauges and histograms of one process, and readings taken at each scrape, in the text format that Prometheus reads.
import { assertInvariant } from './errors.ts';
import {
  headOf,
  labelText,
  type MetricInWords,
  type MetricLabels,
  type Reading,
  writeReadings,
} from './metric-text.ts';

/** Series beyond this number of one metric are counted under `other`, so that no caller can grow memory by new label values. */
const MOST_SERIES = 1_000;
const LEFT_OUT = 'slipway_metrics_series_left_out';

interface Metric extends MetricInWords {
  /** Writes the metric's lines, and answers how many series it could not hold. */
  readonly write: (lines: string[]) => number;
}

/** One value for each set of labels. */
class Series<T> {
  readonly values = new Map<string, T>();
  readonly #make: () => T;
  leftOut = 0;

  constructor(make: () => T) {
    this.#make = make;
  }

  get(labels: MetricLabels): { readonly key: string; readonly value: T } {
    let key = labelText(labels);
    if (!this.values.has(key) && this.values.size >= MOST_SERIES) {
      key = labelText(Object.fromEntries(Object.keys(labels).map((name) => [name, 'other'])));
      this.leftOut = 1;
    }
    const value = this.values.get(key) ?? this.#make();
    return { key, value };
  }
}

export interface Counter {
  add(labels?: MetricLabels, by?: number): void;
}

export interface Gauge {
  set(value: number, labels?: MetricLabels): void;
}

export interface Histogram {
  observe(value: number, labels?: MetricLabels): void;
}

/** The metrics of a process. Names follow Prometheus and OpenMetrics: `slipway_…`, base units, counters end in `_total`. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();

  #register(metric: Metric): void {
    assertInvariant(!this.#metrics.has(metric.name), `the metric ${metric.name} is registered once`);
    this.#metrics.set(metric.name, metric);
  }

  #plain(name: string, help: string, type: 'counter' | 'gauge'): Series<number> {
    const series = new Series(() => 0);
    const write = (lines: string[]): number => {
      for (const [key, value] of series.values) lines.push(`${name}${key} ${value}`);
      return series.leftOut;
    };
    this.#register({ name, help, type, write });
    return series;
  }

  counter(name: string, help: string): Counter {
    const series = this.#plain(name, help, 'counter');
    return {
      add: (labels = {}, by = 1) => {
        const { key, value } = series.get(labels);
        series.values.set(key, value + by);
      },
    };
  }

  gauge(name: string, help: string): Gauge {
    const series = this.#plain(name, help, 'gauge');
    return {
      set: (to, labels = {}) => {
        series.values.set(series.get(labels).key, to);
      },
    };
  }

  /** `read` is asked at each scrape: what is gone leaves no series behind. Of two readings with the same labels the first counts. */
  reading(name: string, help: string, read: () => Iterable<Reading>, type: 'counter' | 'gauge' = 'gauge'): void {
    const write = (lines: string[]): number => writeReadings(name, read(), lines);
    this.#register({ name, help, type, write });
  }

  /** `edges` are the upper bounds of its buckets, rising. */
  histogram(name: string, help: string, edges: readonly number[]): Histogram {
    const series = new Series(() => ({ buckets: new Array<number>(edges.length).fill(0), sum: 0, count: 0 }));
    const write = (lines: string[]): number => {
      for (const line of histogramLines(name, edges, series)) lines.push(line);
      return series.leftOut;
    };
    this.#register({ name, help, type: 'histogram', write });
    return {
      observe: (observed, labels = {}) => {
        const { key, value } = series.get(labels);
        edges.forEach((edge, i) => {
          if (observed <= edge) value.buckets[i] = (value.buckets[i] ?? 0) + 1;
        });
        value.sum += observed;
        value.count += 1;
        series.values.set(key, value);
      },
    };
  }

  /** All metrics in the text exposition format 0.0.4. */
  write(): string {
    const lines: string[] = [];
    const leftOut: string[] = [];
    for (const metric of this.#metrics.values()) {
      lines.push(...headOf(metric));
      const count = metric.write(lines);
      if (count > 0) leftOut.push(`${LEFT_OUT}${labelText({ metric: metric.name })} ${count}`);
    }
    lines.push(...headOf({ name: LEFT_OUT, help: LEFT_OUT_HELP, type: 'gauge' }), ...leftOut);
    return `${lines.join('\n')}\n`;
  }
}

const LEFT_OUT_HELP =
  'Series that did not fit, by metric: readings of this scrape that are missing, or 1 where some are counted as other.';

interface Observed {
  readonly buckets: number[];
  sum: number;
  count: number;
}

function* histogramLines(name: string, edges: readonly number[], series: Series<Observed>): Iterable<string> {
  for (const [key, { buckets, sum, count }] of series.values) {
    const inner = key === '' ? '' : `${key.slice(1, -1)},`;
    for (const [i, edge] of edges.entries()) yield `${name}_bucket{${inner}le="${edge}"} ${buckets[i] ?? 0}`;
    yield `${name}_bucket{${inner}le="+Inf"} ${count}`;
    yield `${name}_sum${key} ${sum}`;
    yield `${name}_count${key} ${count}`;
  }
}
