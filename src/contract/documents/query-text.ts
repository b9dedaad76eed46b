// Owns the queries of rules: where a placeholder may stand, and how its value gets in without changing what is asked.
import { TextError } from '../text-error.ts';
import { findClosestWord } from './closest-word.ts';

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

export type QueryPart =
  | { readonly kind: 'text'; readonly text: string }
  /** Stands inside quotes; `isPattern` where these hold a regular expression (`=~"…"`). */
  | { readonly kind: 'placeholder'; readonly name: Placeholder; readonly isPattern: boolean };

export type QueryValues = Readonly<Record<Placeholder, string>>;

const LONGEST = 4000;
const MOST_VALUE = 256;
const MOST_PLACEHOLDERS = 20;

function problem(code: string, column: number, message: string, remedy: string): TextError {
  return new TextError({ code, message, remedy, column });
}

/** The quotes that stand open before a place, and whether a matcher by regular expression opened them. */
interface OpenQuotes {
  readonly mark: string;
  readonly isPattern: boolean;
}

function placeholderAt(query: string, start: number, quotes: OpenQuotes | null): { part: QueryPart; end: number } {
  const end = query.indexOf('}}', start);
  const name = query.slice(start + 2, end < 0 ? start + 40 : end).trim();
  const known = end < 0 ? undefined : PLACEHOLDERS.find((one) => one === name);
  if (known === undefined) {
    const close = findClosestWord(name, PLACEHOLDERS);
    const remedy = close === undefined ? `Known ones: ${PLACEHOLDERS.join(', ')}.` : `Did you mean \`{{${close}}}\`?`;
    throw problem('QUERY_PLACEHOLDER', start + 1, `There is no placeholder \`{{${name.slice(0, 40)}}}\`.`, remedy);
  }
  if (quotes === null || quotes.mark === '`') {
    const message = `\`{{${known}}}\` stands outside of quotes, where its value could change what is asked.`;
    throw problem('QUERY_PLACEHOLDER', start + 1, message, `Write it in quotes, as in \`version="{{${known}}}"\`.`);
  }
  return { part: { kind: 'placeholder', name: known, isPattern: quotes.isPattern }, end: end + 2 };
}

/** The parts of a query in PromQL. Throws QUERY_LENGTH and QUERY_PLACEHOLDER (TextErrors); the server checks the rest. */
export function parseQuery(query: string): readonly QueryPart[] {
  if (query.length > LONGEST)
    throw problem('QUERY_LENGTH', 1, `The query is longer than ${LONGEST} characters.`, 'Shorten it.');
  const parts: QueryPart[] = [];
  let quotes: OpenQuotes | null = null;
  let text = '';
  for (let i = 0; i < query.length; ) {
    const char = query[i] ?? '';
    if (query.startsWith('{{', i)) {
      const { part, end } = placeholderAt(query, i, quotes);
      if (parts.length >= 2 * MOST_PLACEHOLDERS) {
        const message = `The query has more than ${MOST_PLACEHOLDERS} placeholders.`;
        throw problem('QUERY_PLACEHOLDER', i + 1, message, 'Ask for less at once.');
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
    if (quotes === null && '"\'`'.includes(char)) {
      quotes = { mark: char, isPattern: /[=!]~\s*$/.test(text) };
    } else if (char === quotes?.mark) quotes = null;
    text += isEscape ? query.slice(i, i + 2) : char;
    i += isEscape ? 2 : 1;
  }
  return [...parts, { kind: 'text', text }];
}

/** As a literal inside quotes of PromQL, or of a regular expression inside them. */
function escaped(value: string, isPattern: boolean): string {
  const bounded = value.slice(0, MOST_VALUE);
  const literal = isPattern ? bounded.replace(/[\\.+*?()|[\]{}^$]/g, '\\$&') : bounded;
  return literal.replace(/[\\"']/g, '\\$&').replace(/[\r\n]+/g, '\\n');
}

/** The query with its placeholders filled. No value can end the quotes that it stands in. */
export function fillQuery(parts: readonly QueryPart[], values: QueryValues): string {
  return parts.map((part) => (part.kind === 'text' ? part.text : escaped(values[part.name], part.isPattern))).join('');
}
