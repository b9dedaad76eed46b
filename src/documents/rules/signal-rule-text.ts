// Owns the text of rules about outside signals, such as `checkout_errors < 0.5% for 5m` and `fraud_desk passes`.
import { assertNever } from '../../base/errors.ts';
import { parseDurationMs } from '../../contract/duration.ts';
import { TextError } from '../../contract/source/text-error.ts';
import { RULE_METRICS, type RuleComparison } from './metric-catalogue.ts';
import { COMPARISON, findSlip, type RulePart, whereItBreaks } from './rule-slips.ts';

/** What must hold of a signal. */
export type SignalDemand =
  /** The number that it answers; `ratio` limits were written in percent and are held against a fraction. */
  | {
      readonly kind: 'limit';
      readonly comparison: RuleComparison;
      readonly limit: number;
      readonly unit: 'ratio' | 'count';
    }
  /** It answers pass or fail itself. */
  | { readonly kind: 'passes' };

export interface ParsedSignalRule {
  /** The policy's own name for the signal. */
  readonly name: string;
  readonly demand: SignalDemand;
  /** How long its answers must say the same before that counts. */
  readonly sustainedMs: number;
  /** The rule as written. */
  readonly source: string;
}

/** A number out of another system has no sampling model here; one bad minute is not yet a bad model. */
const DEFAULT_LIMIT_FOR_MS = 5 * 60_000;
const LONGEST = 200;

/** The text of one kind of signal rules: as a whole, and part by part to find where it breaks. */
interface Grammar {
  readonly whole: RegExp;
  readonly parts: readonly RulePart[];
  readonly remedy: string;
  readonly parse: (text: string) => ParsedSignalRule;
}

const NAME: RulePart = { pattern: /\s*[A-Za-z_][\w-]{0,62}(?![\w-])\s*/y, what: 'a name of at most 63 characters' };
const TIME_AND_END: readonly RulePart[] = [
  { pattern: /(?:for\s+\w[\w.]*\s*)?/y, what: '' },
  { pattern: /$/y, what: 'the end or `for …`' },
];
const LIMIT: Grammar = {
  whole:
    /^\s*([A-Za-z_][\w-]{0,62})\s*(<=|>=|==|<|>)\s*(-?\d{1,15}(?:\.\d{1,15})?)(?: ?(?!for\b)([A-Za-z%°]+))?(?:\s+for\s+(\w[\w.]*))?\s*$/d,
  parts: [
    NAME,
    COMPARISON,
    {
      // Neither `2x baseline` nor `1e3`.
      pattern: /-?\d{1,15}(?:\.\d{1,15})?(?![\d.]|e\d| ?x\b)(?: ?(?!for\b)[A-Za-z%°]+)?\s*/y,
      what: 'a number or a percentage',
    },
    ...TIME_AND_END,
  ],
  remedy: 'Write a name of your own and its limit, such as `checkout_errors < 0.5% for 5m`.',
  parse: parseSignalLimit,
};
const PASSES: Grammar = {
  whole: /^\s*([A-Za-z_][\w-]{0,62})\s+passes(?:\s+for\s+(\w[\w.]*))?\s*$/d,
  parts: [NAME, { pattern: /passes\b\s*/y, what: '`passes`' }, ...TIME_AND_END],
  remedy: 'A webhook judges by itself: write a name of your own and `passes`, such as `fraud_desk passes`.',
  parse: parseSignalPass,
};

function columnOf(found: RegExpExecArray, group: number): number {
  return (found.indices?.[group]?.[0] ?? 0) + 1;
}

function isRule(parse: () => ParsedSignalRule): boolean {
  try {
    parse();
    return true;
  } catch (error) {
    if (error instanceof TextError) return false;
    throw error;
  }
}

/** What is wrong with a text that is not of the grammar, where it goes wrong. */
function syntaxProblem(text: string, { parts, remedy, parse }: Grammar): TextError {
  const code = 'RULE_SYNTAX';
  if (text.length > LONGEST) {
    const message = `A rule has at most ${LONGEST} characters.`;
    return new TextError({ code, message, remedy, column: LONGEST + 1 });
  }
  const slip = findSlip(text);
  if (slip !== undefined && isRule(() => parse(slip.mended))) {
    const { column, message, mended } = slip;
    return new TextError({ code, message, remedy: `Write \`${mended}\`.`, column });
  }
  return new TextError({ code, remedy, ...whereItBreaks(text, parts) });
}

function read(text: string, grammar: Grammar): RegExpExecArray {
  const found = text.length > LONGEST ? null : grammar.whole.exec(text);
  if (found === null) throw syntaxProblem(text, grammar);
  return found;
}

function nameOf(found: RegExpExecArray): string {
  const name = found[1] ?? '';
  if (!RULE_METRICS.some((metric) => metric === name)) return name;
  throw new TextError({
    code: 'RULE_SIGNAL_NAME',
    message: `\`${name}\` is what devices report themselves.`,
    remedy: 'Give the outside signal a name of its own, or leave out whom to ask.',
    column: columnOf(found, 1),
  });
}

function sustainedOf(found: RegExpExecArray, group: number, fallbackMs: number): number {
  const text = found[group];
  if (text === undefined) return fallbackMs;
  try {
    return parseDurationMs(text);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const { code, message } = error;
    const column = columnOf(found, group);
    const before = found.input.slice(0, column - 1).trimStart();
    throw new TextError({ code, message, remedy: `Write \`${before}5m\`.`, column });
  }
}

/** `<name> <comparison> <number or percentage>[ for <duration>]`. Throws RULE_SYNTAX, RULE_SIGNAL_NAME, RULE_UNIT and DURATION_SYNTAX (TextErrors). */
export function parseSignalLimit(text: string): ParsedSignalRule {
  const found = read(text, LIMIT);
  const [, , comparison = '', amount = '', unit = ''] = found;
  const name = nameOf(found);
  if (unit !== '' && unit !== '%') {
    throw new TextError({
      code: 'RULE_UNIT',
      message: `The answer of a query is a bare number, and "${unit}" is a unit.`,
      remedy: "Write the limit in the query's own unit: Prometheus counts times in seconds and sizes in bytes.",
      column: columnOf(found, 4),
    });
  }
  const isPercent = unit === '%';
  const demand: SignalDemand = {
    kind: 'limit',
    comparison: comparison as RuleComparison,
    limit: isPercent ? Number(amount) / 100 : Number(amount),
    unit: isPercent ? 'ratio' : 'count',
  };
  return { name, demand, sustainedMs: sustainedOf(found, 5, DEFAULT_LIMIT_FOR_MS), source: text.trim() };
}

/** `<name> passes[ for <duration>]`. Throws RULE_SYNTAX, RULE_SIGNAL_NAME and DURATION_SYNTAX (TextErrors). */
export function parseSignalPass(text: string): ParsedSignalRule {
  const found = read(text, PASSES);
  return {
    name: nameOf(found),
    demand: { kind: 'passes' },
    sustainedMs: sustainedOf(found, 2, 0),
    source: text.trim(),
  };
}

/** Columns (from 1) of the name and of the time in the text of a signal's rule; without a time, that of the name. */
export function signalColumns(text: string): { readonly name: number; readonly time: number } {
  const name = text.search(/\S|$/) + 1;
  const time = text.search(/(?<=\sfor\s+)\S+\s*$/) + 1;
  return { name, time: time === 0 ? name : time };
}

/** Does the number keep to the limit? */
export function keepsTo({ comparison, limit }: Extract<SignalDemand, { kind: 'limit' }>, value: number): boolean {
  switch (comparison) {
    case '<':
      return value < limit;
    case '<=':
      return value <= limit;
    case '>':
      return value > limit;
    case '>=':
      return value >= limit;
    case '==':
      return value === limit;
    default:
      return assertNever(comparison);
  }
}
