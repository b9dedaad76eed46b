// Owns the text of rules about outside signals, such as `checkout_errors < 0.5% for 5m` and `fraud_desk passes`.
import { parseDurationMs } from '../../contract/duration.ts';
import { TextError } from '../../contract/source/text-error.ts';
import { RULE_METRICS } from './metric-catalogue.ts';
import type { RuleComparison } from './metric-facts.ts';
import { type RulePart, RuleSlip, readOrHint, readParts, type Written } from './rule-grammar.ts';

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

type PartName = 'name' | 'comparison' | 'number' | 'unit' | 'passes' | 'sustained' | 'end';

const NAME: RulePart<PartName> = {
  name: 'name',
  pattern: /\s*([A-Za-z_][\w-]{0,62})(?![\w-])/dy,
  what: 'a name of at most 63 characters',
};
const TIME_AND_END: readonly RulePart<PartName>[] = [
  { name: 'sustained', pattern: /(?:\s+for\s+(\w[\w.]*))?/dy, what: '' },
  { name: 'end', pattern: /\s*$/dy, what: 'the end or `for …`' },
];
const LIMIT: readonly RulePart<PartName>[] = [
  NAME,
  { name: 'comparison', pattern: /\s*(<=|>=|==|<|>)/dy, what: '`<`, `<=`, `>`, `>=` or `==`' },
  // Neither `2x baseline` nor `1e3`.
  {
    name: 'number',
    pattern: /\s*(-?\d{1,15}(?:\.\d{1,15})?)(?![\d.]|e\d| ?x\b)/dy,
    what: 'a number or a percentage',
  },
  { name: 'unit', pattern: /(?: ?(?!for\b)([A-Za-z%°]+))?/dy, what: '' },
  ...TIME_AND_END,
];
const PASSES: readonly RulePart<PartName>[] = [
  NAME,
  { name: 'passes', pattern: /\s+(passes)\b/dy, what: '`passes`' },
  ...TIME_AND_END,
];

/** The parts of a text, and the signal that it names. */
function readSignal(
  text: string,
  parts: readonly RulePart<PartName>[],
  remedy: string,
): Written<PartName> & { readonly signal: string } {
  const written = readParts(text, parts, () => remedy);
  const { text: signal = '', column = 1 } = written.name ?? {};
  if (!RULE_METRICS.some((metric) => metric === signal)) return { ...written, signal };
  throw new RuleSlip({
    ...{ code: 'RULE_SIGNAL_NAME', column, message: `Devices report \`${signal}\` themselves.` },
    remedy: 'Give the outside signal a name of its own, or leave out the provider to ask.',
  });
}

function sustainedMsOf(text: string, { sustained }: Written<PartName>, fallbackMs: number): number {
  if (sustained === undefined) return fallbackMs;
  try {
    return parseDurationMs(sustained.text);
  } catch (error) {
    if (!(error instanceof TextError)) throw error;
    const { code, message } = error;
    const instead = [`${text.slice(0, sustained.column - 1)}5m`];
    throw new RuleSlip({ code, message, remedy: error.remedy ?? '', column: sustained.column, instead });
  }
}

function readLimit(text: string): ParsedSignalRule {
  const remedy = 'Write a name of your own and its limit, such as `checkout_errors < 0.5% for 5m`.';
  const written = readSignal(text, LIMIT, remedy);
  const { signal, unit, comparison, number } = written;
  if (unit !== undefined && unit.text !== '%') {
    throw new RuleSlip({
      ...{ code: 'RULE_UNIT', column: unit.column },
      message: `A query answers with a bare number, and "${unit.text}" is a unit.`,
      remedy: "Write the limit in the query's own unit: Prometheus counts times in seconds and sizes in bytes.",
    });
  }
  const scale = unit === undefined ? ({ by: 1, unit: 'count' } as const) : ({ by: 100, unit: 'ratio' } as const);
  return {
    name: signal,
    demand: {
      ...{ kind: 'limit', comparison: comparison?.text as RuleComparison, unit: scale.unit },
      limit: Number(number?.text) / scale.by,
    },
    sustainedMs: sustainedMsOf(text, written, DEFAULT_LIMIT_FOR_MS),
    source: text.trim(),
  };
}

function readPass(text: string): ParsedSignalRule {
  const remedy = 'A webhook judges by itself: write a name of your own and `passes`, such as `fraud_desk passes`.';
  const written = readSignal(text, PASSES, remedy);
  const sustainedMs = sustainedMsOf(text, written, 0);
  return { name: written.signal, demand: { kind: 'passes' }, sustainedMs, source: text.trim() };
}

/** `<name> <comparison> <number or percentage>[ for <duration>]`. Throws RULE_SYNTAX, RULE_SIGNAL_NAME, RULE_UNIT and DURATION_SYNTAX (TextErrors). */
export function parseSignalLimit(text: string): ParsedSignalRule {
  return readOrHint(text, readLimit);
}

/** `<name> passes[ for <duration>]`. Throws RULE_SYNTAX, RULE_SIGNAL_NAME and DURATION_SYNTAX (TextErrors). */
export function parseSignalPass(text: string): ParsedSignalRule {
  return readOrHint(text, readPass);
}

/** Columns (from 1) of the name and of the time in the text of a signal's rule; without a time, that of the name. */
export function signalColumns(text: string): { readonly name: number; readonly time: number } {
  const name = text.search(/\S|$/) + 1;
  const time = text.search(/(?<=\sfor\s+)\S+\s*$/) + 1;
  return { name, time: time === 0 ? name : time };
}

const KEEPS: Readonly<Record<RuleComparison, (value: number, limit: number) => boolean>> = {
  '<': (value, limit) => value < limit,
  '<=': (value, limit) => value <= limit,
  '>': (value, limit) => value > limit,
  '>=': (value, limit) => value >= limit,
  '==': (value, limit) => value === limit,
};

/** Does the number keep to the limit? */
export function keepsTo({ comparison, limit }: Extract<SignalDemand, { kind: 'limit' }>, value: number): boolean {
  return KEEPS[comparison](value, limit);
}
