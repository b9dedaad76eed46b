// Owns the grammar of selectors: recursive descent with bounds on length and nesting.
import { compareVersions } from './model-version.ts';
import { TextError } from './source/text-error.ts';

export type Comparison = '<' | '<=' | '>' | '>=';

export interface Bound {
  /** A number or a version, as written. */
  readonly value: string;
  readonly inclusive: boolean;
}

/** What one value is held against. */
export type ValueTest =
  | { readonly kind: 'present' }
  | { readonly kind: 'equals'; readonly text: string }
  | { readonly kind: 'prefix'; readonly text: string }
  | { readonly kind: 'compare'; readonly comparison: Comparison; readonly value: string }
  /** null: open at that end. */
  | { readonly kind: 'range'; readonly least: Bound | null; readonly most: Bound | null };

export type Selector =
  | { readonly kind: 'all' }
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Selector[] }
  | { readonly kind: 'not'; readonly part: Selector }
  /** The named label, property or `id` passes any of the tests. */
  | { readonly kind: 'term'; readonly field: string; readonly tests: readonly ValueTest[] };

/** UTF-16 units; a selector travels in every directive. */
const LONGEST = 1024;
const DEEPEST = 32;
const WORD = /[A-Za-z0-9_.+/@~%-]+/y;
const FIELD = /[A-Za-z_][A-Za-z0-9_./-]*/y;
/** What can be more or less than something else: a number or a version. */
const ORDERED = /^(?:-?\d+(?:\.\d+)?(?:[eE]\d+)?|v?\d[A-Za-z0-9._+-]*)$/;
const KEYWORDS: readonly string[] = ['AND', 'OR', 'NOT', 'TO'];

/** Is there nothing between the bounds, neither as numbers nor as versions? */
function isEmpty(least: string, most: string, includesBoth: boolean): boolean {
  const orders = [compareVersions(most, least)];
  const [from, to] = [Number(least), Number(most)];
  if (Number.isFinite(from) && Number.isFinite(to)) orders.push(to - from);
  return orders.every((order) => order < 0 || (order === 0 && !includesBoth));
}

/** Parses one text once. */
export class SelectorParser {
  readonly #text: string;
  readonly #emptyRanges: 'allowed' | 'refused';
  #at = 0;
  #depth = 0;

  /** A range with nothing in it is a slip of whoever writes it, and no reason not to understand it. */
  constructor(text: string, emptyRanges: 'allowed' | 'refused' = 'allowed') {
    this.#text = text;
    this.#emptyRanges = emptyRanges;
  }

  parse(): Selector {
    if (this.#text.length > LONGEST) {
      throw this.#error(`The selector has ${this.#text.length} characters, more than ${LONGEST}.`, {
        remedy: 'Give the devices a common label and select by it.',
        at: LONGEST,
      });
    }
    const selector = this.#parseEither();
    if (this.#at < this.#text.length) throw this.#unexpected('AND, OR or the end');
    return selector;
  }

  #parseEither(): Selector {
    const parts = [this.#parseBoth()];
    while (this.#takeKeyword('OR')) parts.push(this.#parseBoth());
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'or', parts };
  }

  #parseBoth(): Selector {
    const parts = [this.#parseUnary()];
    while (this.#takeKeyword('AND')) parts.push(this.#parseUnary());
    const [only] = parts;
    return parts.length === 1 && only !== undefined ? only : { kind: 'and', parts };
  }

  #parseUnary(): Selector {
    if (this.#takeKeyword('NOT')) return this.#deeper(() => ({ kind: 'not', part: this.#parseUnary() }));
    if (this.#take('(')) {
      return this.#deeper(() => {
        const inner = this.#parseEither();
        if (!this.#take(')')) throw this.#unexpected('AND, OR or `)`');
        return inner;
      });
    }
    if (this.#take('*')) return { kind: 'all' };
    return this.#parseTerm();
  }

  #parseTerm(): Selector {
    const start = this.#skipSpace();
    const field = this.#takePattern(FIELD);
    if (field === undefined || KEYWORDS.includes(field)) {
      this.#at = start;
      throw this.#unexpected('a term such as `region:eu-west`');
    }
    if (this.#text[this.#at] !== ':') throw this.#unexpected(`\`:\` and a value after "${field}"`);
    this.#at++;
    return { kind: 'term', field, tests: this.#take('(') ? this.#parseList() : [this.#parseTest()] };
  }

  #parseList(): ValueTest[] {
    const tests = [this.#parseTest()];
    while (this.#takeKeyword('OR')) tests.push(this.#parseTest());
    if (!this.#take(')')) throw this.#unexpected('OR or `)`');
    return tests;
  }

  #parseTest(): ValueTest {
    const comparison = this.#takeComparison();
    if (comparison !== undefined) return { kind: 'compare', comparison, value: this.#parseOrdered() };
    if (this.#take('[')) return this.#parseRange(true);
    if (this.#take('{')) return this.#parseRange(false);
    const text = this.#takeText();
    if (text?.quoted) return { kind: 'equals', text: text.value };
    if (this.#text[this.#at] !== '*') {
      if (text === undefined) throw this.#unexpected('a value');
      return { kind: 'equals', text: text.value };
    }
    this.#at++;
    return text === undefined ? { kind: 'present' } : { kind: 'prefix', text: text.value };
  }

  #parseRange(includesLeast: boolean): ValueTest {
    const start = this.#at;
    const least = this.#parseBound();
    if (!this.#takeKeyword('TO')) throw this.#unexpected('TO');
    const most = this.#parseBound();
    const includesMost = this.#take(']');
    if (!includesMost && !this.#take('}')) throw this.#unexpected('`]` or `}`');
    const isSlip = least !== null && most !== null && isEmpty(least, most, includesLeast && includesMost);
    if (isSlip && this.#emptyRanges === 'refused') {
      const remedy = 'Write the lower bound first.';
      throw this.#error(`No value lies between ${least} and ${most}.`, { remedy, at: start });
    }
    const bound = (value: string | null, inclusive: boolean): Bound | null =>
      value === null ? null : { value, inclusive };
    return { kind: 'range', least: bound(least, includesLeast), most: bound(most, includesMost) };
  }

  #parseBound(): string | null {
    return this.#take('*') ? null : this.#parseOrdered();
  }

  #parseOrdered(): string {
    const start = this.#skipSpace();
    const text = this.#takeText();
    if (text !== undefined && ORDERED.test(text.value)) return text.value;
    this.#at = start;
    throw this.#unexpected('a number or a version');
  }

  #takeComparison(): Comparison | undefined {
    for (const comparison of ['>=', '<=', '>', '<'] as const) if (this.#take(comparison)) return comparison;
    return undefined;
  }

  #takeText(): { readonly value: string; readonly quoted: boolean } | undefined {
    const start = this.#skipSpace();
    if (this.#text[start] === '"') return { value: this.#takeQuoted(), quoted: true };
    const value = this.#takePattern(WORD);
    if (value === undefined) return undefined;
    if (!KEYWORDS.includes(value)) return { value, quoted: false };
    this.#at = start;
    throw this.#unexpected('a value (a keyword needs quotes)');
  }

  #takeQuoted(): string {
    const start = this.#at++;
    let value = '';
    for (; this.#at < this.#text.length; this.#at++) {
      const char = this.#text[this.#at];
      if (char === '"') {
        this.#at++;
        return value;
      }
      if (char === '\\') this.#at++;
      value += this.#text[this.#at] ?? '';
    }
    throw this.#error('The quoted text is not closed.', { remedy: 'Close it with `"`.', at: start });
  }

  #deeper(parse: () => Selector): Selector {
    if (++this.#depth > DEEPEST) {
      throw this.#error(`The selector is nested deeper than ${DEEPEST} levels.`, { remedy: 'Use fewer levels.' });
    }
    const selector = parse();
    this.#depth--;
    return selector;
  }

  #skipSpace(): number {
    while (this.#text[this.#at] === ' ' || this.#text[this.#at] === '\n' || this.#text[this.#at] === '\t') this.#at++;
    return this.#at;
  }

  #take(token: string): boolean {
    if (!this.#text.startsWith(token, this.#skipSpace())) return false;
    this.#at += token.length;
    this.#skipSpace();
    return true;
  }

  #takePattern(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#skipSpace();
    const found = pattern.exec(this.#text)?.[0];
    if (found !== undefined) this.#at += found.length;
    return found;
  }

  #takeKeyword(keyword: string): boolean {
    const start = this.#skipSpace();
    const end = start + keyword.length;
    if (!this.#text.startsWith(keyword, start) || /[A-Za-z0-9_.:/-]/.test(this.#text[end] ?? ' ')) return false;
    this.#at = end;
    this.#skipSpace();
    return true;
  }

  #unexpected(expected: string): TextError {
    this.#skipSpace();
    const found = /^(?:[A-Za-z0-9_.:-]{1,40}|.)/u.exec(this.#text.slice(this.#at))?.[0];
    const hint = found !== undefined && KEYWORDS.includes(found.toUpperCase()) && !KEYWORDS.includes(found);
    return this.#error(`Expected ${expected}, found ${found === undefined ? 'the end' : `\`${found}\``}.`, {
      remedy: hint
        ? `Write ${found.toUpperCase()} in capitals.`
        : 'Write terms such as `region:eu-west AND hw:(rev2 OR rev3)`; put quotes around values with other characters.',
    });
  }

  #error(message: string, { remedy, at = this.#at }: { remedy: string; at?: number }): TextError {
    return new TextError({ code: 'SELECTOR_SYNTAX', message, remedy, column: at + 1 });
  }
}
