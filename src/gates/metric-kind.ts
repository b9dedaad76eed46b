// Owns the way from a metric to its judge, by the catalogue of metrics.
import { metricFacts, type RuleMetric } from '../documents/rules/metric-catalogue.ts';
import type { MetricKind } from '../documents/rules/metric-facts.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';

/** Before the name of a counter. */
export const COUNTER_MEASURE = 'counter:';

export function metricKind(metric: RuleMetric): MetricKind {
  return metricFacts(metric).judge;
}

/** What is counted for a rule on a rate or a counter, of which src/telemetry says more; undefined for other rules. */
export function measureOf({ metric, ofClass }: Pick<ParsedRule, 'metric' | 'ofClass'>): string | undefined {
  const kind = metricKind(metric);
  if (kind.kind === 'rate') return ofClass === undefined ? kind.measure : `${kind.measure}:${ofClass}`;
  if (kind.kind !== 'counter') return undefined;
  return kind.of === 'own' ? `${COUNTER_MEASURE}${ofClass}` : kind.of;
}

/** The quantile (0..1) that a latency metric asks for; undefined for other metrics. */
export function quantileOfMetric(metric: RuleMetric): number | undefined {
  const kind = metricKind(metric);
  return kind.kind === 'quantile' ? kind.q : undefined;
}
