// Owns which metric a mistyped or differently named one stands for: `latency_p95` for `p95_latency`, `cpu` for `cpu_usage`.

import { findClosestWord } from '../../base/closest-word.ts';
import { RULE_METRICS, type RuleMetric } from './metric-catalogue.ts';

/** Words that several metrics have in common, and so tell none of them. */
const COMMON = new Set(['rate', 'class', 'share', 'time', 'devices', 'drift', 'success', 'user', 'load']);

/** Near to a metric by its letters, and of another meaning: turned into one, the rule would ask for something else. */
const OTHER_MEANING = /^(?:gpu|tpu|latency|error_count|(?:accuracy|precision|recall|f1)_(?:drop|loss|decrease))$/i;

/** Other words for a metric, which nothing in their letters tells. */
const ALSO_CALLED: readonly (readonly [RegExp, RuleMetric])[] = [
  [/^(?:(?:avg|average|mean)_latency|latency_(?:avg|average))(?:_ms)?$/i, 'latency_mean'],
  [/^(?:install|switch|self_?test)_success(?:_rate)?$/i, 'apply_success'],
  [/^(?:agent_)?(?:reboots?|crash(?:es|_rate)?|restart_(?:count|rate))$/i, 'restarts'],
];

function wordsOf(name: string): string[] {
  return name.toLowerCase().split(/[_-]+/);
}

/** The metric that is meant; undefined when nothing is near. */
export function findClosestMetric(name: string): RuleMetric | undefined {
  if (OTHER_MEANING.test(name)) return undefined;
  const also = ALSO_CALLED.find(([pattern]) => pattern.test(name));
  if (also !== undefined) return also[1];
  const close = findClosestWord(name, RULE_METRICS);
  if (close !== undefined) return RULE_METRICS.find((metric) => metric === close);
  const words = wordsOf(name);
  const shared = (metric: RuleMetric): number =>
    wordsOf(metric).filter((word) => !COMMON.has(word) && words.includes(word)).length;
  const [best] = [...RULE_METRICS].sort((a, b) => shared(b) - shared(a));
  return best !== undefined && shared(best) > 0 ? best : undefined;
}
