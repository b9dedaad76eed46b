// Owns what stands in the brackets of a rule: a class, a gauge, an input, a counter, or a kind of errors; and what was meant by another name.
import { findClosestWord } from '../../base/closest-word.ts';
import { isGaugeName } from '../../contract/gauges.ts';
import { isCounterName } from '../../contract/report.ts';
import { metricFacts, type RuleMetric } from './metric-catalogue.ts';
import { exampleSubject } from './metric-examples.ts';
import type { MetricFacts } from './metric-facts.ts';

/** Names that examples may repeat. */
const PLAIN_NAME = /^[\w./:[\]-][\w ./:[\]-]*$/;
/** What metrics are about that are not about a class. */
const SUBJECTS: Readonly<Partial<Record<RuleMetric, string>>> = {
  gauge: 'one gauge (a–z, digits and _)',
  output_drift: 'one output of the model that the manifest declares as `scalar` or `embedding`',
  counter: 'one counter of the application (a–z, digits and _, at most 40)',
  input: 'one input of the model (as in reports, such as `x` or `x[3]`)',
};

/** Kinds of errors by other names. */
const KINDS_ALSO_CALLED: Readonly<Record<string, string>> = {
  ...{ oom: 'out-of-memory', memory: 'out-of-memory', 'time-out': 'timeout', time_out: 'timeout' },
  ...{ input: 'bad-input', corrupt: 'bad-input', 'corrupt-input': 'bad-input', nan: 'bad-value', app: 'application' },
  ...{ shape: 'bad-shape', model: 'load', crash: 'runtime', unknown: 'other' },
};

function isSubject(metric: RuleMetric, name: string): boolean {
  if (metric === 'gauge') return isGaugeName(name);
  return metric === 'counter' ? isCounterName(name) : name !== '';
}

/** May messages repeat it in an example? */
export function isRepeatable(metric: RuleMetric, name: string): boolean {
  return metricFacts(metric).ofClass && PLAIN_NAME.test(name) && isSubject(metric, name);
}

export type ReadSubject =
  | { readonly name: string }
  /** What is wrong with it, and what to write in its place; undefined for no brackets. */
  | { readonly message: string; readonly instead: string | undefined };

/** The name in the brackets of a rule over the metric; empty where there are none. */
export function readSubject(metric: RuleMetric, name: string): ReadSubject {
  const facts: MetricFacts = metricFacts(metric);
  if (facts.kinds !== undefined) {
    if (facts.kinds.includes(name)) return { name };
    const instead = KINDS_ALSO_CALLED[name.toLowerCase()] ?? findClosestWord(name.toLowerCase(), facts.kinds);
    return { message: `\`${metric}\` has no kind \`${name}\`. Known kinds: ${facts.kinds.join(', ')}.`, instead };
  }
  if (!facts.ofClass) return { message: `\`${metric}\` takes nothing in brackets.`, instead: undefined };
  const bare = /^(["'])\s*([^"'`]+?)\s*\1$/.exec(name)?.[2];
  if (bare !== undefined) return { message: 'A name in brackets takes no quotes.', instead: bare };
  if (isSubject(metric, name)) return { name };
  const about = SUBJECTS[metric] ?? 'one class of the model';
  return { message: `\`${metric}\` needs the name of ${about} in brackets.`, instead: exampleSubject(metric) };
}
