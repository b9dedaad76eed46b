// Owns the text of rules such as `latency_p95 < 2x baseline, floor 5ms`: their grammar and the values of their limits.
import { parseDurationMs } from '../../contract/duration.ts';
import { isGaugeName } from '../../contract/gauges.ts';
import { TextError } from '../../contract/source/text-error.ts';
import { findClosestMetric } from './closest-metric.ts';
import {
  metricFacts,
  metricName,
  RULE_METRICS,
  type RuleComparison,
  type RuleMetric,
  type RuleUnit,
} from './metric-catalogue.ts';
import { exampleRule, exampleSubject } from './metric-examples.ts';
import { findSlip, whereItBreaks } from './rule-slips.ts';
import { EXAMPLE_FLOOR, findValue, meantValues, UNIT_IN_WORDS } from './rule-value.ts';

export type RuleLimit =
  | { readonly kind: 'absolute'; readonly value: number; readonly unit: RuleUnit }
  /** `factor` times the baseline, or `floor` (in the metric's unit) where that is higher. */
  | { readonly kind: 'baseline'; readonly factor: number; readonly floor?: number };

export interface ParsedRule {
  readonly metric: RuleMetric;
  /** What the rule is about: a class, as in `class_share[receipt]`, a gauge, as in `gauge[queue_depth]`, an input, as in `input[x[3]]`. */
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

const RULE =
  /^\s*([A-Za-z_][\w-]*)(?:\[((?:[^\][]|\[\d{1,4}\]){1,128})\])?\s*(<=|>=|==|<|>)\s*((\d+(?:\.\d+)?)x\s+baseline|-?[\d.]+ ?[A-Za-z%°]*)(?:\s*,\s*floor\s+(-?[\d.]+ ?[A-Za-z%°]*))?(?:\s+for\s+(\w[\w.]*))?\s*$/d;
const LONGEST = 200;
/** Beyond this a factor is a typing error. */
const LARGEST_FACTOR = 1000;

function problem(code: string, column: number, message: string, remedy: string): TextError {
  return new TextError({ code, message, remedy, column });
}

/** A rule's parts as they are written. */
interface Written {
  readonly metric: RuleMetric;
  readonly ofClass: string | undefined;
  readonly comparison: string;
  readonly limit: string;
  readonly factor: string | undefined;
  readonly floor: string | undefined;
  readonly sustained: string | undefined;
}

type Part = 'metric' | 'class' | 'comparison' | 'limit' | 'floor' | 'sustained';
type Columns = Readonly<Record<Part, number>>;

function textOf({ metric, ofClass, comparison, limit, floor, sustained }: Written): string {
  const more = [floor === undefined ? '' : `, floor ${floor}`, sustained === undefined ? '' : ` for ${sustained}`];
  return `${metricName(metric, ofClass)} ${comparison} ${limit}${more.join('')}`;
}

/** The rule that a text stands for: itself, or what its error says to write in its place. */
function ruleMeant(text: string): string | undefined {
  try {
    parseRule(text);
    return text;
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const advised = /`([^`]+)`/.exec(error.remedy ?? '')?.[1];
    return advised === undefined || advised === text || !/^[a-z].*[<>=]/.test(advised) ? undefined : advised;
  }
}

/** The rule with other parts, mended once more where that does not do; else an example over the same metric. */
function instead(written: Written, ...others: readonly Partial<Written>[]): string {
  for (const other of others) {
    const meant = ruleMeant(textOf({ ...written, ...other }));
    if (meant !== undefined) return meant;
  }
  return exampleRule(written.metric, metricFacts(written.metric).ofClass ? written.ofClass : undefined);
}

function parseMetric(text: string, column: number): RuleMetric {
  const known = RULE_METRICS.find((metric) => metric === text);
  if (known !== undefined) return known;
  const close = findClosestMetric(text);
  const named = `A gauge of the devices' own is \`gauge[${text}]\`, an input of the model \`input[${text}]\`.`;
  throw problem(
    'RULE_METRIC',
    column,
    `There is no metric \`${text}\`.`,
    close === undefined
      ? `Known metrics: ${RULE_METRICS.join(', ')}.${isGaugeName(text) ? ` ${named}` : ''}`
      : `Did you mean \`${close}\`?`,
  );
}

/** What metrics are about that are not about a class. */
const SUBJECTS: Readonly<Partial<Record<RuleMetric, string>>> = {
  gauge: "one gauge of the device's own, by its name in a–z, digits and _",
  input: 'one input of the model, by the name that reports give it, such as `x` or `x[3]`',
};

/** Refuses a missing class where the metric is about one, a class where it is not, and what is no name. */
function checkClass(written: Written, text: string | undefined, columns: Columns): void {
  const { metric, ofClass: name } = written;
  const column = text === undefined ? columns.metric : columns.class;
  const nobody = { ...written, ofClass: undefined };
  if (!metricFacts(metric).ofClass) {
    if (text === undefined) return;
    const remedy = `Leave out what is in brackets: \`${instead(nobody, {})}\`.`;
    throw problem('RULE_CLASS', column, `\`${metric}\` is not about one class.`, remedy);
  }
  const bare = /^(["'])\s*([^"'`]+?)\s*\1$/.exec(name ?? '')?.[2];
  if (bare !== undefined) {
    const remedy = `Write \`${instead(nobody, { ofClass: bare })}\`.`;
    throw problem('RULE_CLASS', column, 'A name in brackets stands without quotes.', remedy);
  }
  if (name !== undefined && (metric !== 'gauge' || isGaugeName(name))) return;
  const about = SUBJECTS[metric] ?? 'one class of the model';
  const message = `\`${metric}\` is about ${about}.`;
  throw problem('RULE_CLASS', column, message, `Name it: \`${instead(nobody, { ofClass: exampleSubject(metric) })}\`.`);
}

const FLIPPED: Readonly<Record<string, RuleComparison>> = { '<': '>', '<=': '>=', '>': '<', '>=': '<=' };

function parseComparison(written: Written, columns: Columns): RuleComparison {
  const { metric, ofClass, comparison } = written;
  const { comparisons } = metricFacts(metric);
  const known = comparisons.find((one) => one === comparison);
  if (known !== undefined) return known;
  const flipped = comparisons.filter((one) => one === FLIPPED[comparison]);
  const remedy = `Write \`${instead(written, ...[...flipped, ...comparisons].map((one) => ({ comparison: one })))}\`.`;
  const message = `\`${metricName(metric, ofClass)} ${comparison} …\` can't be judged: a rule says what must hold.`;
  throw problem('RULE_COMPARISON', columns.comparison, message, remedy);
}

function parseValue(written: Written, part: 'limit' | 'floor', columns: Columns): number {
  const { metric, ofClass } = written;
  const { unit, signed = false } = metricFacts(metric);
  const text = (written[part] ?? '').trim();
  const value = findValue(text, unit);
  const named = part === 'floor' ? `The floor of \`${metric}\`` : `\`${metric}\``;
  if (value !== undefined && (value >= 0 || (signed && part === 'limit'))) return value;
  if (value !== undefined) {
    const remedy = `Write \`${instead(written, { [part]: text.slice(1) })}\`.`;
    throw problem('RULE_LIMIT', columns[part], `${named} is never below zero.`, remedy);
  }
  const meant = meantValues(text, unit).map((other) => instead({ ...written, ofClass }, { [part]: other }));
  const example = part === 'floor' ? instead(written, { floor: EXAMPLE_FLOOR[unit] }) : instead(written);
  const [first, second] = meant.length === 0 ? [example] : [...new Set(meant)];
  const also = second === undefined ? '' : `, or \`${second}\``;
  const message = `${named} is ${UNIT_IN_WORDS[unit]}, and "${text}" is not.`;
  const write = meant.length === 0 ? 'Write it as in' : 'Write';
  throw problem('RULE_UNIT', columns[part], message, `${write} \`${first}\`${also}.`);
}

function parseBaseline(written: Written, comparison: RuleComparison, columns: Columns): RuleLimit {
  const { metric, factor: factorText = '' } = written;
  const { baseline: allowed, judge, unit } = metricFacts(metric);
  if (allowed === 'no') {
    const why = judge.kind === 'drift' ? 'is a distance from stable already' : 'has no baseline to compare with';
    const remedy = `Give an absolute limit, as in \`${instead(written)}\`.`;
    throw problem('RULE_BASELINE', columns.limit, `\`${metric}\` ${why}.`, remedy);
  }
  const factor = Number(factorText);
  if (!(factor > 0 && factor <= LARGEST_FACTOR)) {
    const remedy = `Write a factor above 0, as in \`${instead(written, { limit: '2x baseline' })}\`.`;
    throw problem('RULE_BASELINE', columns.limit, `${factorText}x is no sensible factor.`, remedy);
  }
  const floor = written.floor === undefined ? undefined : parseValue(written, 'floor', columns);
  if (comparison.startsWith('>')) {
    if (floor === undefined) return { kind: 'baseline', factor };
    const remedy = `Leave out \`floor\`: \`${instead(written, { floor: undefined })}\`.`;
    throw problem('RULE_FLOOR', columns.limit, 'Only an upper limit has a floor, which it never gets below.', remedy);
  }
  if (floor !== undefined) return { kind: 'baseline', factor, floor };
  if (allowed === 'with-floor') {
    const message = `\`${metric}\` relative to the baseline needs a floor: with no event on either side it could never pass.`;
    const remedy = `Write \`${instead(written, { floor: EXAMPLE_FLOOR[unit] })}\`.`;
    throw problem('RULE_FLOOR', columns.limit, message, remedy);
  }
  return { kind: 'baseline', factor };
}

function parseAbsolute(written: Written, comparison: RuleComparison, columns: Columns): RuleLimit {
  const { metric } = written;
  const { unit, signed = false } = metricFacts(metric);
  const value = parseValue(written, 'limit', columns);
  const wrong = (message: string, remedy: string): TextError => problem('RULE_LIMIT', columns.limit, message, remedy);
  if (comparison === '==' && value !== 0) {
    throw wrong(`\`${metric}\` can only be held against 0.`, `Write \`${instead(written, { limit: '0' })}\`.`);
  }
  if (unit === 'ratio' && value >= 1 && comparison.startsWith('>')) {
    const remedy = `Write a limit below 100%, such as \`${instead(written, { limit: '99%' })}\`.`;
    throw wrong('No number of answers proves a share of 100%.', remedy);
  }
  if (signed || value > 0 || comparison === '==' || comparison === '<=') return { kind: 'absolute', value, unit };
  if (comparison === '<') {
    const remedy = `Write \`${instead(written, { comparison: '<=' })}\`, or a limit above zero.`;
    throw wrong(`\`${metric}\` is never below zero, so the rule can never hold.`, remedy);
  }
  const message = `\`${metric}\` is never below zero, so the rule says nothing.`;
  throw wrong(message, `Give a limit above zero, as in \`${instead(written)}\`.`);
}

function parseSustained(written: Written, columns: Columns): number | undefined {
  const { metric, sustained, factor } = written;
  if (sustained === undefined) return undefined;
  const remedy = (): string => `Leave out \`for\`: \`${instead(written, { sustained: undefined })}\`.`;
  if (!metricFacts(metric).sustained) {
    const message =
      metric === 'load_time'
        ? 'A version is loaded once, so `load_time` is never beyond its limit for a time.'
        : `\`${metric}\` is judged over the whole stage, not for a time.`;
    throw problem('RULE_SUSTAINED', columns.sustained, message, remedy());
  }
  if (factor !== undefined) {
    const message =
      "A limit relative to the baseline is held against each device's mean over the whole stage, not for a time.";
    throw problem('RULE_SUSTAINED', columns.sustained, message, remedy());
  }
  try {
    return parseDurationMs(sustained);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const { code, message } = error;
    throw problem(code, columns.sustained, message, `Write \`${instead(written, { sustained: '5m' })}\`.`);
  }
}

/** What is wrong with a text that has not the form of a rule. */
function syntaxProblem(text: string): TextError {
  if (text.length > LONGEST) {
    const remedy = 'Write it shorter, as in `error_rate < 0.5%`.';
    return problem('RULE_SYNTAX', 1, `A rule has at most ${LONGEST} characters.`, remedy);
  }
  const signal = /^\s*([A-Za-z_][\w-]{0,62})\s+passes\b/.exec(text)?.[1];
  if (signal !== undefined) {
    const remedy = `Say which webhook judges it: \`{ rule: ${signal} passes, webhook: ${signal.toLowerCase().replaceAll('_', '-')} }\`.`;
    return problem(
      'RULE_SYNTAX',
      1,
      `\`${signal} passes\` is about an outside signal, and names nobody to ask.`,
      remedy,
    );
  }
  const slip = findSlip(text);
  const meant = slip === undefined ? undefined : ruleMeant(slip.mended);
  if (slip !== undefined && meant !== undefined) {
    return problem('RULE_SYNTAX', slip.column, slip.message, `Write \`${meant}\`.`);
  }
  const { column, message } = whereItBreaks(text);
  const [, spaces = '', word = ''] = /^(\s*)([A-Za-z_][\w-]*)/.exec(text) ?? [];
  const metric = word === '' ? undefined : parseMetric(word, spaces.length + 1);
  const remedy =
    metric === undefined
      ? 'Write `<metric> < <limit>`, such as `error_rate < 0.5%` or `latency_p95 < 2x baseline, floor 5ms`.'
      : `Write it as in \`${exampleRule(metric)}\`.`;
  return problem('RULE_SYNTAX', column, message, remedy);
}

/**
 * Parses a rule: `<metric> < <limit>`, with a limit such as `0.5%`, `150ms` or `2x baseline`, and `, floor 0.1%` after a relative one.
 * A rule says what must hold. Throws RULE_SYNTAX, RULE_METRIC, RULE_UNIT, RULE_LIMIT, RULE_CLASS, RULE_BASELINE, RULE_FLOOR, RULE_SUSTAINED,
 * RULE_COMPARISON or DURATION_SYNTAX (TextErrors); a rule that their remedy holds is one that parses.
 */
export function parseRule(text: string): ParsedRule {
  const found = text.length > LONGEST ? null : RULE.exec(text);
  if (found === null) throw syntaxProblem(text);
  const [, metricText = '', classText, comparisonText = '', limitText = '', factor, floor, sustained] = found;
  const columnOf = (group: number): number => (found.indices?.[group]?.[0] ?? 0) + 1;
  const columns: Columns = {
    ...{ metric: columnOf(1), class: columnOf(2), comparison: columnOf(3), limit: columnOf(4) },
    ...{ floor: columnOf(6), sustained: columnOf(7) },
  };
  const metric = parseMetric(metricText, columns.metric);
  const ofClass = nameInBrackets(classText);
  const written: Written = {
    ...{ metric, ofClass, factor, floor: floor?.trim(), sustained },
    ...{ comparison: comparisonText, limit: limitText.trim() },
  };
  checkClass(written, classText, columns);
  const comparison = parseComparison(written, columns);
  if (floor !== undefined && factor === undefined) {
    const remedy = `Leave out \`floor\`: \`${instead(written, { floor: undefined })}\`.`;
    throw problem('RULE_FLOOR', columns.floor, 'Only a limit relative to the baseline has a floor.', remedy);
  }
  const sustainedMs = parseSustained(written, columns);
  const limit = (factor === undefined ? parseAbsolute : parseBaseline)(written, comparison, columns);
  const isKl = metricFacts(metric).unit === 'divergence' && written.limit.endsWith('KL');
  return {
    metric,
    ...(ofClass === undefined ? {} : { ofClass }),
    ...{ comparison, limit },
    ...(isKl ? { scale: 'kl' as const } : {}),
    ...(sustainedMs === undefined ? {} : { sustainedMs }),
    source: text.trim(),
  };
}

/** The name as it counts; none when it is blank or no text. */
function nameInBrackets(text: string | undefined): string | undefined {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
  return text === undefined || text.trim() === '' || /[\u0000-\u001f\u007f]/.test(text) ? undefined : text.trim();
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
