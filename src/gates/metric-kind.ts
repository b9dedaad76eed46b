// Owns the way from a metric to its judge, by the catalogue of metrics.
import { metricFacts, type RuleMetric } from '../documents/rules/metric-catalogue.ts';
import type { MetricKind } from '../documents/rules/metric-facts.ts';

export function metricKind(metric: RuleMetric): MetricKind {
  return metricFacts(metric).judge;
}

/** The quantile (0..1) that a latency metric asks for; undefined for other metrics. */
export function quantileOfMetric(metric: RuleMetric): number | undefined {
  const kind = metricKind(metric);
  return kind.kind === 'quantile' ? kind.q : undefined;
}
