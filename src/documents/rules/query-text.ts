// Owns the queries of rules: where a placeholder may stand, and how its value gets in without changing what is asked.

import { findClosestWord } from '../../base/closest-word.ts';
import { TextError } from '../../contract/source/text-error.ts';

export const PLACEHOLDERS = [
  'rollout',
  'model',
  'stage',
  'candidate.version',
  'candidate.digest',
  'stable.version',
  'stable.digest',
] as const;
export type Placeholder = (typeof PLACEHOLDERS)[number];

export type QueryPart = { readonly kind: 'text'; readonly text: string } | PlaceholderPart;

interface PlaceholderPart {
  readonly kind: 'placeholder';
  readonly name: Placeholder;
  /** The quotes that it stands in. */
  readonly mark: string;
  /** Do they hold a regular expression (`=~"…"`, the last argument of `label_replace`)? */
  readonly isPattern: boolean;
}

export type QueryValues = Readonly<Record<Placeholder, string>>;

const LONGEST = 4000;
const MOST_VALUE = 256;
const MOST_PLACEHOLDERS = 20;

function problem(code: string, column: number, message: string, remedy: string): TextError {
  return new TextError({ code, message, remedy, column });
}

/** The quotes that stand open before a place, and whether they hold a regular expression. */
interface OpenQuotes {
  readonly mark: string;
  readonly isPattern: boolean;
  /** From 1. */
  readonly column: number;
}

function placeholderAt(query: string, start: number, quotes: OpenQuotes | null): { part: QueryPart; end: number } {
  const end = query.indexOf('}}', start);
  const name = query.slice(start + 2, end < 0 ? start + 40 : end).trim();
  const known = end < 0 ? undefined : PLACEHOLDERS.find((one) => one === name);
  if (known === undefined) {
    const close = findClosestWord(name, PLACEHOLDERS);
    const remedy = close === undefined ? `Known: ${PLACEHOLDERS.join(', ')}.` : `Did you mean \`{{${close}}}\`?`;
    throw problem('QUERY_PLACEHOLDER', start + 1, `There is no placeholder \`{{${name.slice(0, 40)}}}\`.`, remedy);
  }
  if (quotes === null || quotes.mark === '`') {
    const message = `\`{{${known}}}\` is outside of quotes, where its value could change the query.`;
    throw problem('QUERY_PLACEHOLDER', start + 1, message, `Write it in quotes, as in \`version="{{${known}}}"\`.`);
  }
  const { mark, isPattern } = quotes;
  return { part: { kind: 'placeholder', name: known, mark, isPattern }, end: end + 2 };
}

/** `label_replace(vector, target, replacement, source, pattern)`, counted from 0. */
const PATTERN_ARGUMENT = 4;

const CLOSES: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

interface OpenBracket {
  readonly close: string;
  /** From 1. */
  readonly column: number;
  readonly isLabelReplace: boolean;
  argument: number;
}

/** The code of a query up to a place, without comments and placeholders: what quotes that open there are about. */
class CodeBefore {
  readonly #brackets: OpenBracket[] = [];
  #code = '';

  add(text: string): void {
    this.#code += text;
  }

  /** A character outside of quotes, at a column from 1. */
  step(char: string, column: number): void {
    const innermost = this.#brackets.at(-1);
    const close = CLOSES[char];
    if (close !== undefined) {
      const isLabelReplace = /(?<![\w:])label_replace\s*$/.test(this.#code);
      this.#brackets.push({ close, column, isLabelReplace, argument: 0 });
    } else if (')]}'.includes(char)) {
      if (this.#brackets.pop()?.close !== char)
        throw problem(
          'QUERY_SYNTAX',
          column,
          `\`${char}\` closes nothing that is open.`,
          'Remove it, or open it before.',
        );
    } else if (char === ',' && innermost !== undefined) innermost.argument += 1;
    this.add(char);
  }

  assertClosed(): void {
    const open = this.#brackets.at(-1);
    if (open === undefined) return;
    const remedy = `Close it with \`${open.close}\`.`;
    throw problem('QUERY_SYNTAX', open.column, 'A bracket of the query is not closed.', remedy);
  }

  opensPattern(): boolean {
    const innermost = this.#brackets.at(-1);
    const isArgument = innermost?.isLabelReplace === true && innermost.argument === PATTERN_ARGUMENT;
    return isArgument || /[=!]~\s*$/.test(this.#code);
  }
}

/** The parts of a query in PromQL. Throws QUERY_LENGTH, QUERY_SYNTAX (brackets, quotes) and QUERY_PLACEHOLDER (TextErrors); the server checks the rest. */
export function parseQuery(query: string): readonly QueryPart[] {
  if (query.length > LONGEST)
    throw problem('QUERY_LENGTH', LONGEST + 1, `The query is longer than ${LONGEST} characters.`, 'Shorten it.');
  const parts: QueryPart[] = [];
  const before = new CodeBefore();
  let quotes: OpenQuotes | null = null;
  let text = '';
  for (let i = 0; i < query.length; ) {
    const char = query[i] ?? '';
    if (query.startsWith('{{', i)) {
      const { part, end } = placeholderAt(query, i, quotes);
      if (parts.length >= 2 * MOST_PLACEHOLDERS) {
        const message = `The query has more than ${MOST_PLACEHOLDERS} placeholders.`;
        throw problem('QUERY_PLACEHOLDER', i + 1, message, 'Use fewer placeholders.');
      }
      parts.push({ kind: 'text', text }, part);
      text = '';
      i = end;
      continue;
    }
    if (quotes === null && char === '#') {
      const line = query.slice(i).split('\n', 1)[0] ?? '';
      text += line;
      i += line.length;
      continue;
    }
    const isEscape: boolean = char === '\\' && quotes !== null && quotes.mark !== '`';
    const taken = isEscape ? query.slice(i, i + 2) : char;
    if (quotes === null && '"\'`'.includes(char))
      quotes = { mark: char, isPattern: before.opensPattern(), column: i + 1 };
    else if (quotes === null) before.step(char, i + 1);
    else if (char === quotes.mark) {
      quotes = null;
      before.add(char);
    }
    text += taken;
    i += taken.length;
  }
  if (quotes !== null)
    throw problem(
      'QUERY_SYNTAX',
      quotes.column,
      'Quotes of the query are not closed.',
      `Close them with ${quotes.mark}.`,
    );
  before.assertClosed();
  return [...parts, { kind: 'text', text }];
}

/** As a literal inside its quotes of PromQL, or of a regular expression inside them; an escape of the other quotes would be none. */
function escaped(value: string, { mark, isPattern }: PlaceholderPart): string {
  const bounded = value.slice(0, MOST_VALUE);
  const literal = isPattern ? bounded.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&') : bounded;
  const quoted = literal.replaceAll('\\', '\\\\').replaceAll(mark, `\\${mark}`);
  return quoted.replace(/[\r\n]+/g, '\\n');
}

/** The query with its placeholders filled. No value can end the quotes that it stands in. */
export function fillQuery(parts: readonly QueryPart[], values: QueryValues): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : escaped(values[part.name], part))).join('');
}
