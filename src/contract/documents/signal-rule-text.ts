// Owns the text of rules about outside signals, such as `checkout_errors < 0.5% for 5m` and `fraud_desk passes`.
import { assertNever } from '../../base/errors.ts';
import { parseDurationMs } from '../duration.ts';
import { RULE_METRICS, type RuleComparison } from '../metric-catalogue.ts';
import { TextError } from '../text-error.ts';

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
const LIMIT =
  /^\s*([A-Za-z_][\w-]{0,62})\s*(<=|>=|==|<|>)\s*(-?\d{1,15}(?:\.\d{1,15})?)( ?[A-Za-z%°]+)?(?:\s+for\s+(\w[\w.]*))?\s*$/d;
const PASSES = /^\s*([A-Za-z_][\w-]{0,62})\s+passes(?:\s+for\s+(\w[\w.]*))?\s*$/d;

function columnOf(found: RegExpExecArray, group: number): number {
  return (found.indices?.[group]?.[0] ?? 0) + 1;
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
  return text === undefined ? fallbackMs : parseDurationMs(text);
}

/** `<name> <comparison> <number or percentage>[ for <duration>]`. Throws RULE_SYNTAX, RULE_SIGNAL_NAME, RULE_UNIT and DURATION_SYNTAX (TextErrors). */
export function parseSignalLimit(text: string): ParsedSignalRule {
  const found = text.length > LONGEST ? null : LIMIT.exec(text);
  if (found === null) {
    throw new TextError({
      code: 'RULE_SYNTAX',
      message: `"${text.slice(0, LONGEST)}" is no rule about a number.`,
      remedy: 'Write a name of your own and its limit, such as `checkout_errors < 0.5% for 5m`.',
      column: 1,
    });
  }
  const [, , comparison = '', amount = '', suffix = ''] = found;
  const unit = suffix.trim();
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
  return {
    name: nameOf(found),
    demand,
    sustainedMs: sustainedOf(found, 5, DEFAULT_LIMIT_FOR_MS),
    source: text.trim(),
  };
}

/** `<name> passes[ for <duration>]`. Throws RULE_SYNTAX, RULE_SIGNAL_NAME and DURATION_SYNTAX (TextErrors). */
export function parseSignalPass(text: string): ParsedSignalRule {
  const found = text.length > LONGEST ? null : PASSES.exec(text);
  if (found === null) {
    throw new TextError({
      code: 'RULE_SYNTAX',
      message: `"${text.slice(0, LONGEST)}" does not say that something passes.`,
      remedy: 'A webhook judges by itself: write a name of your own and `passes`, such as `fraud_desk passes`.',
      column: 1,
    });
  }
  return {
    name: nameOf(found),
    demand: { kind: 'passes' },
    sustainedMs: sustainedOf(found, 2, 0),
    source: text.trim(),
  };
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
