// Owns writing values as YAML (block style) and as JSON, for the parts of documents that programs write.

export interface BlockStyle {
  /** Spaces before each line. */
  readonly indent: number;
  readonly lineEnd: string;
}

/** What some parser, of YAML 1.1 or 1.2, would not read as the text that it is. */
const WORDS = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const PLAIN = /^[A-Za-z0-9](?:[A-Za-z0-9_.:/@+() -]*[A-Za-z0-9_./@+()-])?$/;

/** Text without quotes where nobody could take it for something else, else in double quotes. */
export function writeText(text: string): string {
  const startsLikeNumber = /^\d/.test(text) && (/^0[xo]/.test(text) || !/[A-DF-NP-Za-df-np-wyz]/.test(text));
  const isPlain =
    text.length <= 4000 && PLAIN.test(text) && !WORDS.test(text) && !text.includes(': ') && !startsLikeNumber;
  return isPlain ? text : writeQuoted(text);
}

/** Text in double quotes, as JSON and YAML both read it; characters that documents may not hold are escaped. */
export function writeQuoted(text: string): string {
  return JSON.stringify(text).replaceAll(
    /[\u007f-\u009f\u2028\u2029\ufeff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function writeScalar(value: unknown): string {
  return typeof value === 'string' ? writeText(value) : JSON.stringify(value);
}

function isCollection(value: unknown): value is object {
  return value !== null && typeof value === 'object';
}

function isEmpty(value: object): boolean {
  return Object.keys(value).length === 0;
}

/** The lines of a map or list in block style, the first one indented as well; without an end of line at the end. */
export function writeBlock(value: object, { indent, lineEnd }: BlockStyle): string {
  return linesOf(value)
    .map((line) => ' '.repeat(indent) + line)
    .join(lineEnd);
}

function linesOf(value: object): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => itemLines(item));
  return Object.entries(value).flatMap(([name, member]: [string, unknown]): string[] => {
    if (member === undefined) return [];
    const key = writeText(name);
    if (!isCollection(member)) return [`${key}: ${writeScalar(member)}`];
    if (isEmpty(member)) return [`${key}: ${Array.isArray(member) ? '[]' : '{}'}`];
    return [`${key}:`, ...linesOf(member).map((line) => `  ${line}`)];
  });
}

function itemLines(item: unknown): string[] {
  if (!isCollection(item)) return [`- ${writeScalar(item)}`];
  if (isEmpty(item)) return [`- ${Array.isArray(item) ? '[]' : '{}'}`];
  return linesOf(item).map((line, index) => `${index === 0 ? '- ' : '  '}${line}`);
}

/** JSON that is also flow-style YAML: on one line, or over several with the first line unindented. */
export function writeJson(value: unknown, style: (BlockStyle & { readonly step: number }) | undefined): string {
  if (!isCollection(value)) return typeof value === 'string' ? writeQuoted(value) : JSON.stringify(value);
  const isList = Array.isArray(value);
  const [open, close] = isList ? '[]' : '{}';
  const inner = style && { ...style, indent: style.indent + style.step };
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return `${open}${close}`;
  const written = members.map(([name, member]) =>
    isList ? writeJson(member, inner) : `${writeQuoted(name)}: ${writeJson(member, inner)}`,
  );
  if (style === undefined || inner === undefined) return `${open} ${written.join(', ')} ${close}`;
  const margin = style.lineEnd + ' '.repeat(inner.indent);
  return `${open}${margin}${written.join(`,${margin}`)}${style.lineEnd}${' '.repeat(style.indent)}${close}`;
}
