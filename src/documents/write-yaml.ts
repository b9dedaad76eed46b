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

/** A document for people to read: block style, but below the first two levels what fits one line stands on one. */
export function writeDocument(value: object): string {
  return `${linesOf(value, 2).join('\n')}\n`;
}

const FLOW_WIDTH = 120;

/** What stands behind its key or dash; undefined for a collection that needs lines of its own. Above level 0 only empty ones need none. */
function inOneLine(value: unknown, level: number): string | undefined {
  if (!isCollection(value) || isEmpty(value)) return writeFlow(value);
  const flow = level > 0 ? undefined : writeFlow(value);
  return flow === undefined || flow.length > FLOW_WIDTH ? undefined : flow;
}

function writeFlow(value: unknown): string {
  if (!isCollection(value)) return writeScalar(value);
  if (Array.isArray(value)) return `[${value.map(writeFlow).join(', ')}]`;
  const members = Object.entries(value).filter(([, member]) => member !== undefined);
  if (members.length === 0) return '{}';
  return `{ ${members.map(([name, member]) => `${writeText(name)}: ${writeFlow(member)}`).join(', ')} }`;
}

/** A list of scalars over as many lines as it needs: an example may have thousands of numbers. */
function wrappedFlow(items: readonly unknown[]): string[] {
  const lines: string[] = [];
  let line = '[';
  for (const [index, item] of items.entries()) {
    const written = `${writeScalar(item)}${index === items.length - 1 ? ']' : ','}`;
    if (line.length + written.length > FLOW_WIDTH && line.length > 1) {
      lines.push(line.trimEnd());
      line = ' ';
    }
    line += `${written} `;
  }
  return [...lines, line.trimEnd()];
}

/** `level` counts down to where collections may stand on one line; never, unless given. */
function linesOf(value: object, level = Number.POSITIVE_INFINITY): string[] {
  if (Array.isArray(value)) return value.flatMap((item: unknown) => itemLines(item, level));
  return Object.entries(value).flatMap(([name, member]: [string, unknown]): string[] => {
    if (member === undefined) return [];
    const key = writeText(name);
    const line = inOneLine(member, level);
    if (line !== undefined) return [`${key}: ${line}`];
    if (Number.isFinite(level) && Array.isArray(member) && !member.some(isCollection))
      return [`${key}:`, ...wrappedFlow(member).map((one) => `  ${one}`)];
    return [`${key}:`, ...linesOf(member as object, level - 1).map((one) => `  ${one}`)];
  });
}

function itemLines(item: unknown, level: number): string[] {
  const line = inOneLine(item, level);
  const lines = line === undefined ? linesOf(item as object, level - 1) : [line];
  return lines.map((one, index) => `${index === 0 ? '- ' : '  '}${one}`);
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
