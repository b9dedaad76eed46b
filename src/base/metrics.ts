// Owns metrics: counters, gauges and histograms of one process, written in the text format that Prometheus reads.
import { assertInvariant } from './errors.ts';

export type MetricLabels = Readonly<Record<string, string>>;

/** Series beyond this number of one metric are counted under `other`, so that no caller can grow memory by new label values. */
const MOST_SERIES = 1_000;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly lines: () => Iterable<string>;
}

function labelText(labels: MetricLabels): string {
  const members = Object.entries(labels).map(([name, value]) => {
    const escaped = value.replace(/\\/g, '\\\\').replace(/\n/g, '\\n').replace(/"/g, '\\"');
    return `${name}="${escaped}"`;
  });
  return members.length === 0 ? '' : `{${members.join(',')}}`;
}

/** One value for each set of labels. */
class Series<T> {
  readonly values = new Map<string, T>();
  readonly #make: () => T;

  constructor(make: () => T) {
    this.#make = make;
  }

  get(labels: MetricLabels): { readonly key: string; readonly value: T } {
    let key = labelText(labels);
    if (!this.values.has(key) && this.values.size >= MOST_SERIES) {
      key = labelText(Object.fromEntries(Object.keys(labels).map((name) => [name, 'other'])));
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

/** The metrics of a process. Names follow Prometheus: `slipway_…`, base units, counters end in `_total`. */
export class Metrics {
  readonly #metrics = new Map<string, Metric>();

  #register(metric: Metric): void {
    assertInvariant(!this.#metrics.has(metric.name), `the metric ${metric.name} is registered once`);
    this.#metrics.set(metric.name, metric);
  }

  counter(name: string, help: string): Counter {
    const series = new Series(() => 0);
    this.#register({ name, help, type: 'counter', lines: () => plainLines(name, series) });
    return {
      add: (labels = {}, by = 1) => {
        const { key, value } = series.get(labels);
        series.values.set(key, value + by);
      },
    };
  }

  gauge(name: string, help: string): Gauge {
    const series = new Series(() => 0);
    this.#register({ name, help, type: 'gauge', lines: () => plainLines(name, series) });
    return {
      set: (to, labels = {}) => {
        series.values.set(series.get(labels).key, to);
      },
    };
  }

  /** `edges` are the upper bounds of its buckets, rising. */
  histogram(name: string, help: string, edges: readonly number[]): Histogram {
    const series = new Series(() => ({ buckets: new Array<number>(edges.length).fill(0), sum: 0, count: 0 }));
    this.#register({ name, help, type: 'histogram', lines: () => histogramLines(name, edges, series) });
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
    const blocks = [...this.#metrics.values()].map(({ name, help, type, lines }) =>
      [`# HELP ${name} ${help}`, `# TYPE ${name} ${type}`, ...lines()].join('\n'),
    );
    return `${blocks.join('\n')}\n`;
  }
}

function* plainLines(name: string, series: Series<number>): Iterable<string> {
  for (const [key, value] of series.values) yield `${name}${key} ${value}`;
}

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
