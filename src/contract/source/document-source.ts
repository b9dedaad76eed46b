// Owns where things stand in a document: its text, its syntax tree, and the line and column of every field.
import { isMap, isScalar, isSeq, type LineCounter, type Node, type Pair, type ParsedNode, type Scalar } from 'yaml';
import type { SourcePlace } from '../../base/errors.ts';

/** Steps from the root of a document to a field: names of fields and positions in lists. */
export type FieldPath = readonly (string | number)[];

/** `spec.stages[0].size`, as errors name a field. */
export function formatPath(path: FieldPath): string {
  return path
    .map((step) => (typeof step === 'number' ? `[${step}]` : `.${step}`))
    .join('')
    .replace(/^\./, '');
}

export function findPair(node: unknown, name: string): Pair<ParsedNode, ParsedNode | null> | undefined {
  if (!isMap<ParsedNode, ParsedNode | null>(node)) return undefined;
  return node.items.find((pair) => isScalar(pair.key) && pair.key.value === name);
}

/** The text of a document with its syntax tree. */
export class DocumentSource {
  readonly file: string;
  readonly text: string;
  readonly root: ParsedNode;
  readonly #lines: LineCounter;

  constructor(facts: { file: string; text: string; root: ParsedNode; lines: LineCounter }) {
    this.file = facts.file;
    this.text = facts.text;
    this.root = facts.root;
    this.#lines = facts.lines;
  }

  placeAt(offset: number): SourcePlace {
    return placeAt(this.file, this.#lines, offset);
  }

  /** Place of a field: of its value, or of its name. Where the field is missing, of the nearest parent that is there. */
  placeOf(path: FieldPath, part: 'name' | 'value' = 'value'): SourcePlace {
    return this.placeAt(this.#find(path, part).offset);
  }

  /** Place of a column (from 1) inside a text value; of the value itself where escapes make that unclear. */
  placeInside(path: FieldPath, column: number): SourcePlace {
    const { node, offset } = this.#find(path, 'value');
    return this.placeAt(offset + (isScalar(node) ? writtenIndex(node, this.writtenAt(path), column - 1) : 0));
  }

  /** The value of a field as it is written. */
  writtenAt(path: FieldPath): string {
    const { node } = this.#find(path, 'value');
    const [start, end] = node?.range ?? [0, 0];
    return this.text.slice(start, end);
  }

  #find(path: FieldPath, part: 'name' | 'value'): { node: ParsedNode | null; offset: number } {
    let node: ParsedNode | null = this.root;
    let offset = offsetOf(node);
    for (const [index, step] of path.entries()) {
      if (typeof step === 'number') {
        const item: unknown = isSeq(node) ? node.items[step] : undefined;
        if (item === undefined || item === null) break;
        node = item as ParsedNode;
        offset = offsetOf(node);
        continue;
      }
      const pair = findPair(node, step);
      if (pair === undefined) break;
      node = pair.value;
      const named = part === 'name' && index === path.length - 1;
      offset = named || node === null ? offsetOf(pair.key) : offsetOf(node);
    }
    return { node, offset };
  }
}

function offsetOf(node: Node): number {
  return node.range?.[0] ?? 0;
}

/** Line and column of an offset (UTF-16 units), both from 1. */
export function placeAt(file: string, lines: LineCounter, offset: number): SourcePlace {
  const { line, col } = lines.linePos(offset);
  return { file, line: Math.max(1, line), column: Math.max(1, col) };
}

/** Index in a text as it is written of the character at an index of its value; 0 where escapes over several lines make that unclear. */
function writtenIndex({ type, value }: Scalar, written: string, index: number): number {
  if (typeof value !== 'string') return 0;
  const isQuoted = type === 'QUOTE_DOUBLE' || type === 'QUOTE_SINGLE';
  if (!written.includes('\n')) return isQuoted ? indexInQuotes(written, index) : index;
  if (isQuoted && /\\|''/.test(written)) return 0;
  // Only blanks differ from those of the value: breaks and indentation are folded.
  const isBlock = type === 'BLOCK_LITERAL' || type === 'BLOCK_FOLDED';
  let at = isBlock ? written.indexOf('\n') + 1 : Number(isQuoted);
  for (let left = value.slice(0, index).replaceAll(/\s/g, '').length; left > 0 && at < written.length; at++) {
    if (!isBlank(written[at])) left--;
  }
  while (at < written.length && isBlank(written[at]) && !isBlank(value[index])) at++;
  return at;
}

function isBlank(character = ' '): boolean {
  return /\s/.test(character);
}

function indexInQuotes(written: string, index: number): number {
  const isDouble = written.startsWith('"');
  const characters = written.slice(1).match(isDouble ? /\\(?:x\w{2}|u\w{4}|U\w{8}|.)|./g : /''|./g) ?? [];
  return 1 + characters.slice(0, index).join('').length;
}
