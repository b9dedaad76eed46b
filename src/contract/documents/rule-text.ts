// Owns the text of rules such as `latency_p95 < 2x baseline, floor 5ms`: their grammar and the values of their limits.
import { parseDurationMs, parsePercent } from '../duration.ts';
import { isGaugeName } from '../gauges.ts';
import {
  type MetricFacts,
  metricFacts,
  metricName,
  RULE_METRICS,
  type RuleComparison,
  type RuleMetric,
  type RuleUnit,
} from '../metric-catalogue.ts';
import { TextError } from '../text-error.ts';
import { findClosestWord } from './closest-word.ts';

export type RuleLimit =
  | { readonly kind: 'absolute'; readonly value: number; readonly unit: RuleUnit }
  /** `factor` times the baseline; differences below `floor` (in the metric's unit) never count as a breach. */
  | { readonly kind: 'baseline'; readonly factor: number; readonly floor?: number };

export interface ParsedRule {
  readonly metric: RuleMetric;
  /** The class that the rule is about, as in `class_share[receipt]`, or the gauge, as in `gauge[queue_depth]`. */
  readonly ofClass?: string;
  readonly comparison: RuleComparison;
  readonly limit: RuleLimit;
  /** A divergence on the scale of Kullback and Leibler instead of the population stability index. */
  readonly scale?: 'kl';
  /** The rule is broken only when its limit is, without a pause, for this long. */
  readonly sustainedMs?: number;
  /** The rule as written. */
  readonly source: string;
}

const WORDS: Readonly<Record<RuleUnit, string>> = {
  ratio: 'a share',
  ms: 'a time',
  bytes: 'a size',
  celsius: 'a temperature',
  count: 'a number',
  divergence: 'a number on the scale of PSI or KL',
};
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 1024,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const RULE =
  /^\s*([A-Za-z_][\w-]*)(?:\[([^\][]{1,128})\])?\s*(<=|>=|==|<|>)\s*((\d+(?:\.\d+)?)x\s+baseline|[\d.]+ ?[A-Za-z%°]*)(?:\s*,\s*floor\s+([\d.]+ ?[A-Za-z%°]*))?(?:\s+for\s+(\w+))?\s*$/d;
const LONGEST = 200;
/** Beyond this a factor is a typing error. */
const LARGEST_FACTOR = 1000;

function problem(code: string, column: number, message: string, remedy: string): TextError {
  return new TextError({ code, message, remedy, column });
}

/** The value in the unit's base, or undefined when the text has another unit. */
function findValue(text: string, unit: RuleUnit): number | undefined {
  try {
    if (unit === 'ratio') return parsePercent(text);
    if (unit === 'ms') return parseDurationMs(text.replace(' ', ''));
  } catch {
    return undefined;
  }
  const [, amount = '', suffix = ''] = /^(\d+(?:\.\d+)?) ?([A-Za-z°]*)$/.exec(text) ?? [];
  if (amount === '') return undefined;
  if (unit === 'bytes') return BYTES[suffix] === undefined ? undefined : Number(amount) * BYTES[suffix];
  if (unit === 'divergence') return ['', 'PSI', 'KL'].includes(suffix) ? Number(amount) : undefined;
  const fits = unit === 'celsius' ? suffix === 'C' || suffix === '°C' : suffix === '';
  return fits ? Number(amount) : undefined;
}

function parseValue(text: string, metric: RuleMetric, column: number): number {
  const { unit, example, comparisons } = metricFacts(metric);
  const value = findValue(text, unit);
  if (value !== undefined) return value;
  throw problem(
    'RULE_UNIT',
    column,
    `\`${metric}\` is ${WORDS[unit]}, and "${text}" is not.`,
    `Write it as in \`${metric} ${comparisons[0]} ${example}\`.`,
  );
}

function parseMetric(text: string, column: number): RuleMetric {
  const known = RULE_METRICS.find((metric) => metric === text);
  if (known !== undefined) return known;
  const close = findClosestWord(text, RULE_METRICS);
  throw problem(
    'RULE_METRIC',
    column,
    `There is no metric \`${text}\`.`,
    close === undefined ? `Known metrics: ${RULE_METRICS.join(', ')}.` : `Did you mean \`${close}\`?`,
  );
}

/** The class in brackets, which some metrics must have and others can't. */
function parseClass(metric: RuleMetric, text: string | undefined, column: number): string | undefined {
  const { ofClass, comparisons, example } = metricFacts(metric);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  const name = text === undefined || text.trim() === '' || /[\u0000-\u001f\u007f]/.test(text) ? undefined : text.trim();
  if (metric === 'gauge') return parseGaugeName(name, column);
  if (ofClass === (name !== undefined) && ofClass === (text !== undefined)) return name;
  const message = ofClass ? `\`${metric}\` is about one class of the model.` : `\`${metric}\` is not about one class.`;
  const remedy = ofClass
    ? `Name the class: \`${metric}[receipt] ${comparisons[0]} ${example}\`.`
    : 'Leave out what is in brackets.';
  throw problem('RULE_CLASS', column, message, remedy);
}

function parseGaugeName(name: string | undefined, column: number): string {
  if (name !== undefined && isGaugeName(name)) return name;
  const message = "`gauge` is about one gauge of the device's own, by its name in a–z, digits and _.";
  throw problem('RULE_CLASS', column, message, 'Name it: `gauge[queue_depth] < 5 for 5m`.');
}

interface Relative {
  readonly metric: RuleMetric;
  readonly comparison: RuleComparison;
  readonly factorText: string;
  readonly floor: number | undefined;
}

function parseBaseline({ metric, comparison, factorText, floor }: Relative, column: number): RuleLimit {
  const { baseline: allowed, comparisons, example } = metricFacts(metric);
  if (allowed === 'no') {
    const remedy = `Give an absolute limit, as in \`${metric} ${comparisons[0]} ${example}\`.`;
    throw problem('RULE_BASELINE', column, `\`${metric}\` has no baseline to compare with.`, remedy);
  }
  const factor = Number(factorText);
  if (!(factor > 0 && factor <= LARGEST_FACTOR)) {
    const remedy = 'Write a factor above 0, such as `2x baseline`.';
    throw problem('RULE_BASELINE', column, `${factorText}x is no sensible factor.`, remedy);
  }
  if (comparison.startsWith('>')) {
    if (floor === undefined) return { kind: 'baseline', factor };
    throw problem('RULE_FLOOR', column, 'A least share has no floor.', 'Leave out `floor`.');
  }
  if (floor !== undefined) return { kind: 'baseline', factor, floor };
  if (allowed === 'with-floor') {
    const message = `\`${metric}\` relative to the baseline needs a floor: with no event on either side it could never pass.`;
    throw problem('RULE_FLOOR', column, message, `Write \`${metric} < ${factorText}x baseline, floor 0.1%\`.`);
  }
  return { kind: 'baseline', factor };
}

function parseAbsolute(metric: RuleMetric, comparison: RuleComparison, text: string, column: number): RuleLimit {
  const { unit } = metricFacts(metric);
  const value = parseValue(text, metric, column);
  if (comparison === '==' && value !== 0) {
    const remedy = `Write \`${metric} == 0\`.`;
    throw problem('RULE_LIMIT', column, `\`${metric}\` can only be held against 0.`, remedy);
  }
  if (value === 0 && comparison.startsWith('>')) {
    const remedy = 'Give a limit above zero.';
    throw problem('RULE_LIMIT', column, `\`${metric}\` is never below zero, so the rule says nothing.`, remedy);
  }
  if (unit === 'ratio' && value >= 1 && comparison.startsWith('>')) {
    throw problem('RULE_LIMIT', column, 'No number of answers proves a share of 100%.', 'Write a limit below 100%.');
  }
  if (value === 0 && comparison === '<') {
    const remedy = `Write \`<= ${text}\`, or a limit above zero.`;
    throw problem('RULE_LIMIT', column, `\`${metric}\` is never below zero, so the rule can never hold.`, remedy);
  }
  return { kind: 'absolute', value, unit };
}

/**
 * Parses a rule: `<metric> < <limit>`, with a limit such as `0.5%`, `150ms` or `2x baseline`, and `, floor 0.1%` after a relative one.
 * A rule says what must hold. Throws RULE_SYNTAX, RULE_METRIC, RULE_UNIT, RULE_LIMIT, RULE_CLASS, RULE_BASELINE, RULE_FLOOR or RULE_COMPARISON (TextErrors).
 */
export function parseRule(text: string): ParsedRule {
  const found = text.length > LONGEST ? null : RULE.exec(text);
  if (found === null) {
    const remedy = 'Write `<metric> < <limit>`, such as `error_rate < 0.5%` or `latency_p95 < 2x baseline, floor 5ms`.';
    throw problem('RULE_SYNTAX', 1, `"${text.slice(0, LONGEST)}" is no rule.`, remedy);
  }
  const [, metricText = '', classText, comparisonText = '', limitText = '', factorText, floorText, sustainedText] =
    found;
  const columnOf = (group: number): number => (found.indices?.[group]?.[0] ?? 0) + 1;
  const metric = parseMetric(metricText, columnOf(1));
  const facts: MetricFacts = metricFacts(metric);
  const ofClass = parseClass(metric, classText, columnOf(classText === undefined ? 1 : 2));
  const named = metricName(metric, ofClass);
  const comparison = facts.comparisons.find((known) => known === comparisonText);
  if (comparison === undefined) {
    const message = `\`${named} ${comparisonText} …\` can't be judged: a rule says what must hold.`;
    throw problem('RULE_COMPARISON', columnOf(3), message, `Write \`${named} ${facts.comparisons[0]} ${limitText}\`.`);
  }
  const floor = floorText === undefined ? undefined : parseValue(floorText, metric, columnOf(6));
  if (floor !== undefined && factorText === undefined) {
    throw problem(
      'RULE_FLOOR',
      columnOf(6),
      'Only a limit relative to the baseline has a floor.',
      'Leave out `floor`.',
    );
  }
  if (sustainedText !== undefined && !facts.sustained) {
    const message = `\`${metric}\` is judged over the whole stage, not for a time.`;
    throw problem('RULE_SUSTAINED', columnOf(7), message, 'Leave out `for`.');
  }
  if (sustainedText !== undefined && factorText !== undefined) {
    const message =
      "A limit relative to the baseline is held against each device's mean over the whole stage, not for a time.";
    throw problem('RULE_SUSTAINED', columnOf(7), message, 'Leave out `for`, or give an absolute limit.');
  }
  const limit =
    factorText === undefined
      ? parseAbsolute(metric, comparison, limitText.trim(), columnOf(4))
      : parseBaseline({ metric, comparison, factorText, floor }, columnOf(4));
  const sustained = sustainedText === undefined ? {} : { sustainedMs: parseDurationMs(sustainedText) };
  const about = ofClass === undefined ? {} : { ofClass };
  const scale = facts.unit === 'divergence' && limitText.trim().endsWith('KL') ? ({ scale: 'kl' } as const) : {};
  return { metric, ...about, comparison, limit, ...scale, ...sustained, source: text.trim() };
}

/** The same rule with another limit, such as `200ms` or `3x baseline`. Throws as `parseRule` does. */
export function ruleWithLimit({ metric, ofClass, comparison }: ParsedRule, limit: string): ParsedRule {
  const head = `${metricName(metric, ofClass)} ${comparison} `;
  try {
    return parseRule(`${head}${limit}`);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const { code, message, remedy = '', column } = error;
    throw problem(code, Math.max(1, column - head.length), message, remedy);
  }
}
