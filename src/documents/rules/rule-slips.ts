// Owns slips in the text of a rule: what people write in place of its grammar, where it stands, and the text as they meant it.

/** A slip, at a column (from 1). */
export interface RuleSlip {
  readonly column: number;
  /** What is wrong, as a sentence. */
  readonly message: string;
}

const DURATION_UNITS: Readonly<Record<string, string>> = {
  second: 's',
  sec: 's',
  minute: 'm',
  min: 'm',
  hour: 'h',
  hr: 'h',
  day: 'd',
  week: 'w',
};

interface Habit {
  readonly pattern: RegExp;
  readonly mend: (...found: string[]) => string;
  readonly message: (found: string) => string;
}

const noLimit = (found: string): string => `"${found}" is no limit.`;

/** Each pattern starts where the slip does. */
const HABITS: readonly Habit[] = [
  {
    pattern: /(?<=\d),(?=\d)/,
    mend: () => '.',
    message: () => 'A decimal comma ends the limit: decimals have a point.',
  },
  {
    pattern: /(\d{1,4}(?:\.\d{1,3})?) ?% (?:of |× ?|x )?(?:the )?(?:baseline|stable)\b/,
    mend: (_, percent = '') => `${Number((Number(percent) / 100).toPrecision(6))}x baseline`,
    message: noLimit,
  },
  {
    pattern:
      /(\d{1,4}(?:\.\d{1,3})?)(?: [x×*]|[×*]|(?=x (?:of |the )|x(?:baseline|stable)|x {1,2}stable)x) ?(?:of )?(?:the )?(?:baseline|stable)\b/,
    mend: (_, factor = '') => `${factor}x baseline`,
    message: noLimit,
  },
  {
    pattern: /(?<=baseline) floor\b/,
    mend: () => ', floor',
    message: () => 'A comma stands before `floor`.',
  },
  {
    pattern:
      /(?<=\bfor )(\d{1,6}(?:\.\d{1,3})?) ?(second|sec|minute|min|hour|hr|day|week)s?\b|(?<=\bfor )(\d{1,6}) (ms|s|m|h|d|w)\b/,
    mend: (_, amount, unit = '', bare, short = '') =>
      amount === undefined ? `${bare}${short}` : `${amount}${DURATION_UNITS[unit] ?? ''}`,
    message: (found) => `"${found}" is no duration.`,
  },
];

/** The text as it was meant, and its first slip; undefined where no known slip is in it. */
export function findSlip(text: string): (RuleSlip & { readonly mended: string }) | undefined {
  let first: RuleSlip | undefined;
  let mended = text;
  for (const { pattern, mend, message } of HABITS) {
    const found = pattern.exec(text);
    if (found !== null && (first === undefined || found.index + 1 < first.column)) {
      first = { column: found.index + 1, message: message(found[0]) };
    }
    mended = mended.replace(pattern, (...all) => mend(...(all as string[])));
  }
  return first === undefined ? undefined : { ...first, mended: mended.trim() };
}

/** A part of a rule: a sticky pattern, and what it is in words. */
export interface RulePart {
  readonly pattern: RegExp;
  readonly what: string;
}

export const COMPARISON: RulePart = { pattern: /(?:<=|>=|==|<|>)\s*/y, what: '`<`, `<=`, `>`, `>=` or `==`' };

const PARTS: readonly RulePart[] = [
  { pattern: /\s*[A-Za-z_][\w-]*(?:\[(?:[^\][]|\[\d{1,4}\]){1,128}\])?\s*/y, what: 'a metric' },
  COMPARISON,
  { pattern: /(?:\d+(?:\.\d+)?x\s+baseline|-?[\d.]+ ?[A-Za-z%°]*)\s*/y, what: 'a limit' },
  { pattern: /(?:,\s*floor\s+-?[\d.]+ ?[A-Za-z%°]*\s*)?/y, what: '' },
  { pattern: /(?:for\s+\w[\w.]*\s*)?/y, what: '' },
  { pattern: /$/y, what: 'the end, `, floor …` or `for …`' },
];
const LONGEST_TOLD = 30;

/** Where the text stops being a rule, and what it should go on with. */
export function whereItBreaks(text: string, parts = PARTS): RuleSlip {
  let at = 0;
  for (const { pattern, what } of parts) {
    pattern.lastIndex = at;
    const found = pattern.exec(text);
    if (found !== null) {
      at += found[0].length;
      continue;
    }
    at += text.slice(at).search(/\S|$/);
    const rest = text.slice(at).trim();
    const told = rest.length > LONGEST_TOLD ? `${rest.slice(0, LONGEST_TOLD)}…` : rest;
    return { column: at + 1, message: `Expected ${what}, found ${told === '' ? 'the end' : `"${told}"`}.` };
  }
  return { column: 1, message: 'This is no rule.' };
}
