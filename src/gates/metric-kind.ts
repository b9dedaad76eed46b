// Owns which kind of judgement each metric takes; a metric that documents learn to name must find its place here to compile.
import type { RuleMetric } from '../contract/documents/rule-text.ts';

export type MetricKind =
  /** Bad inferences of all. */
  | { readonly kind: 'rate'; readonly measure: 'error' | 'unknown' }
  /** Latencies above the limit, against the share 1−q that the quantile allows. */
  | { readonly kind: 'quantile'; readonly q: number }
  /** Devices of the stage, counted exactly. */
  | { readonly kind: 'share' };

const KINDS: Readonly<Record<RuleMetric, MetricKind>> = {
  error_rate: { kind: 'rate', measure: 'error' },
  unknown_rate: { kind: 'rate', measure: 'unknown' },
  latency_p50: { kind: 'quantile', q: 0.5 },
  latency_p90: { kind: 'quantile', q: 0.9 },
  latency_p95: { kind: 'quantile', q: 0.95 },
  latency_p99: { kind: 'quantile', q: 0.99 },
  failed_devices: { kind: 'share' },
};

export function metricKind(metric: RuleMetric): MetricKind {
  return KINDS[metric];
}

/** The quantile (0..1) that a latency metric asks for; undefined for other metrics. */
export function quantileOfMetric(metric: RuleMetric): number | undefined {
  const kind = metricKind(metric);
  return kind.kind === 'quantile' ? kind.q : undefined;
}
