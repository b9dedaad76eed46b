// Owns examples of rules over each metric, for messages and the reference.
import { metricFacts, metricName, type RuleMetric } from './metric-catalogue.ts';
import { UNITS } from './rule-value.ts';

/** The class, the gauge or the input of examples. */
export function exampleSubject(metric: RuleMetric): string | undefined {
  if (metric === 'gauge') return 'queue_depth';
  if (metric === 'input') return 'amount';
  if (metric === 'counter') return 'alerts';
  if (metric === 'output_drift') return 'price';
  return metricFacts(metric).ofClass ? 'receipt' : undefined;
}

/** A rule over the metric that holds by itself, such as `latency_p95 < 150ms`. */
export function exampleRule(metric: RuleMetric, ofClass = exampleSubject(metric)): string {
  const { comparisons, example } = metricFacts(metric);
  return `${metricName(metric, ofClass)} ${comparisons[0]} ${example}`;
}

/** The same with a limit that needs no baseline: `battery_drain < 10%`. */
export function absoluteExample(metric: RuleMetric, ofClass = exampleSubject(metric)): string {
  const { comparisons, example, unit } = metricFacts(metric);
  if (!example.includes('baseline')) return exampleRule(metric, ofClass);
  return `${metricName(metric, ofClass)} ${comparisons[0]} ${UNITS[unit].limit}`;
}

/** The remedy for a rule that nobody can guess. */
export function asIn(metric: RuleMetric, subject?: string): string {
  return `Write it as in \`${exampleRule(metric, subject)}\`.`;
}
