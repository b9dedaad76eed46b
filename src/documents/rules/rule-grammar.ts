// Owns the form of rules as text, and the hint for a text that leaves it: which rule to write in its place.
import type { CodedErrorFacts } from '../../base/errors.ts';
import { TextError } from '../../contract/source/text-error.ts';

/** What is wrong with a rule; its remedy is for where none of `instead` can be made a rule. */
export class RuleSlip extends TextError {
  /** Texts that can have been meant, the likeliest first. */
  readonly instead: readonly string[];

  constructor(facts: CodedErrorFacts & { readonly column: number; readonly instead?: readonly string[] }) {
    super(facts);
    this.instead = facts.instead ?? [];
  }
}

/** A part of a rule: a sticky pattern whose group is the part's text, and what it is in words. */
export interface RulePart<Name extends string> {
  readonly name: Name;
  readonly pattern: RegExp;
  readonly what: string;
}

/** Text of each part, and its column (from 1). */
export type Written<Name extends string> = {
  readonly [name in Name]?: { readonly text: string; readonly column: number };
};

const LONGEST = 200;
const LONGEST_QUOTED = 30;
/** A rule has fewer parts than this, and each step corrects one. */
const MOST_STEPS = 6;

/** What people write in place of the grammar: where a pattern starts, what it stands for, and what is wrong with it. */
const HABITS: readonly (readonly [RegExp, (...found: string[]) => string, (found: string) => string])[] = [
  [/(?<=\d),(?=\d)/, () => '.', () => 'Decimals are written with a point, not with a comma.'],
  [
    /(\d{1,4}(?:\.\d{1,3})?) ?% (?:of |× ?|x )?(?:the )?(?:baseline|stable)\b/,
    (_, percent) => `${Number((Number(percent) / 100).toPrecision(6))}x baseline`,
    (found) => `"${found}" is not a limit.`,
  ],
  [
    /(\d{1,4}(?:\.\d{1,3})?)(?: [x×*]|[×*]|(?=x (?:of |the )|x(?:baseline|stable)|x {1,2}stable)x) ?(?:of )?(?:the )?(?:baseline|stable)\b/,
    (_, factor) => `${factor}x baseline`,
    (found) => `"${found}" is not a limit.`,
  ],
  [
    /(?<=\d) ?(?:per|an?) ?(min|h|d)(?:ute|our|ay)?\b/,
    (_, time) => `/${time}`,
    (found) => `"${found.trim()}" is not a unit: write \`/h\`, \`/d\` or \`/min\`.`,
  ],
  [/(?<=baseline|\d ?[A-Za-z%°/]{0,4}) floor\b/, () => ', floor', () => 'A comma is missing before `floor`.'],
  [
    /(?<=\bfor )(\d{1,6}(?:\.\d{1,3})?)(?: ?([smhdw])(?:ec|econd|in|inute|r|our|ay|eek)s?| (ms|[smhdw]))\b/,
    (_, amount, long, short) => `${amount}${long ?? short}`,
    (found) => `"${found}" is not a duration.`,
  ],
];

/** The slip where a text breaks at a column: a known habit up to there, or what the next part should have been. */
function slipAt(text: string, column: number, what: string, remedy: string): RuleSlip {
  const rest = text.slice(column - 1).trim();
  const quoted = rest.length > LONGEST_QUOTED ? `${rest.slice(0, LONGEST_QUOTED)}…` : rest;
  let first = { column, message: `Expected ${what}, found ${quoted === '' ? 'the end' : `"${quoted}"`}.` };
  let meant = text;
  for (const [pattern, instead, message] of HABITS) {
    const found = pattern.exec(text);
    if (found !== null && found.index < first.column) first = { column: found.index + 1, message: message(found[0]) };
    meant = meant.replace(pattern, (...all) => instead(...(all as string[])));
  }
  return new RuleSlip({ code: 'RULE_SYNTAX', ...first, remedy, instead: meant === text ? [] : [meant] });
}

/** The parts of a text. Throws a slip where it stops being a rule, with the remedy that `explain` has for such a text. */
export function readParts<Name extends string>(
  text: string,
  parts: readonly RulePart<Name>[],
  explain: (text: string) => string,
): Written<Name> {
  if (text.length > LONGEST) {
    const message = `A rule has at most ${LONGEST} characters.`;
    throw new RuleSlip({ code: 'RULE_SYNTAX', column: LONGEST + 1, message, remedy: explain('') });
  }
  const read: { [name in Name]?: { text: string; column: number } } = {};
  let at = 0;
  for (const { name, pattern, what } of parts) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found === null) throw slipAt(text, at + text.slice(at).search(/\S|$/) + 1, what, explain(text));
    if (found[1] !== undefined) read[name] = { text: found[1], column: (found.indices?.[1]?.[0] ?? 0) + 1 };
    at += found[0].length;
  }
  return read;
}

/** The rule that a text stands for: itself, or what its slips say to write in its place. */
export function findMeantRule(text: string, read: (text: string) => unknown, steps = MOST_STEPS): string | undefined {
  try {
    read(text);
    return text.trim();
  } catch (error) {
    if (!(error instanceof RuleSlip)) throw error;
    if (steps === 0) return undefined;
    return error.instead.map((other) => findMeantRule(other, read, steps - 1)).find((meant) => meant !== undefined);
  }
}

/** The rule in a text after `head`. A TextError that it throws names rules to write that can be read, where there are any. */
export function readOrHint<Rule>(text: string, read: (text: string) => Rule, head = ''): Rule {
  try {
    return read(`${head}${text}`);
  } catch (error) {
    if (!(error instanceof RuleSlip)) throw error;
    const { code, message, instead } = error;
    const meant = new Set(instead.flatMap((other) => findMeantRule(other, read) ?? []));
    const advice = `Write ${[...meant].map((rule) => `\`${rule}\``).join(', or ')}.`;
    const remedy = meant.size === 0 ? error.remedy : advice;
    throw new TextError({ code, message, column: Math.max(1, error.column - head.length), ...(remedy && { remedy }) });
  }
}
