// Owns edits of a document's text that touch nothing but what they change: set a field, add one, remove one, remove an entry of a list.
import { isCollection, isMap, isScalar, isSeq, type Pair, type ParsedNode, type YAMLMap, type YAMLSeq } from 'yaml';
import { assertInvariant } from '../base/errors.ts';
import { type BlockStyle, writeBlock, writeJson, writeQuoted, writeText } from './write-yaml.ts';

type FieldPair = Pair<ParsedNode, ParsedNode | null>;
export type FieldMap = YAMLMap.Parsed<ParsedNode, ParsedNode | null>;
type ItemList = YAMLSeq.Parsed<ParsedNode>;

interface Splice {
  readonly start: number;
  readonly end: number;
  readonly text: string;
}

export function isFieldMap(node: unknown): node is FieldMap {
  return isMap(node);
}

function apply(text: string, { start, end, text: replacement }: Splice): string {
  return text.slice(0, start) + replacement + text.slice(end);
}

export function lineEndOf(text: string): string {
  return text[text.indexOf('\n') - 1] === '\r' ? '\r\n' : '\n';
}

function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Offset of the end of the line, before its line break. */
function lineStop(text: string, offset: number): number {
  const found = text.indexOf('\n', offset);
  if (found < 0) return text.length;
  return text[found - 1] === '\r' && found > offset ? found - 1 : found;
}

function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

/** Where a value ends: behind its last character that is neither blank nor comment. */
function endOf(text: string, node: ParsedNode): number {
  const isFlow = isCollection(node) && node.flow === true;
  if (isCollection(node) && !isFlow) {
    const last: unknown = node.items.at(-1);
    const deepest = isMap(node) ? lastOfPair(last as FieldPair) : (last as ParsedNode | undefined);
    if (deepest) return endOf(text, deepest);
  }
  const [start, end] = node.range;
  return start + text.slice(start, end).trimEnd().length;
}

function lastOfPair(pair: FieldPair | undefined): ParsedNode | undefined {
  return pair?.value && !isUnwritten(pair.value) ? pair.value : pair?.key;
}

/** `name:` with nothing behind it is a null that no character stands for. */
function isUnwritten(node: ParsedNode): boolean {
  return isScalar(node) && node.range[0] === node.range[1];
}

/** Offset behind the colon of a field. */
function colonEnd(text: string, pair: FieldPair): number {
  return text.indexOf(':', pair.key.range[1]) + 1;
}

function pairEnd(text: string, pair: FieldPair): number {
  return pair.value && !isUnwritten(pair.value) ? endOf(text, pair.value) : colonEnd(text, pair);
}

/** Over how many columns a flow map that stands on several lines is indented; undefined for one on a single line. */
function flowStyle(text: string, map: FieldMap): (BlockStyle & { readonly step: number }) | undefined {
  const first = map.items[0]?.key.range[0] ?? map.range[0];
  if (!text.slice(map.range[0], first).includes('\n')) return undefined;
  const margin = /^ */.exec(text.slice(lineStart(text, map.range[0])))?.[0].length ?? 0;
  const step = Math.max(1, columnOf(text, first) - margin);
  return { indent: columnOf(text, first), step, lineEnd: lineEndOf(text) };
}

/** Adds a field behind the last one of the map (in block style: below it). */
export function addField(text: string, map: FieldMap, name: string, value: unknown): string {
  const last = map.items.at(-1);
  assertInvariant(last !== undefined, 'a field is only added to a map that has some');
  const end = pairEnd(text, last);
  if (map.flow === true) {
    const style = flowStyle(text, map);
    const margin = style === undefined ? ' ' : style.lineEnd + ' '.repeat(style.indent);
    return apply(text, { start: end, end, text: `,${margin}${writeQuoted(name)}: ${writeJson(value, style)}` });
  }
  const stop = lineStop(text, end);
  const style = { indent: columnOf(text, last.key.range[0]), lineEnd: lineEndOf(text) };
  return apply(text, { start: stop, end: stop, text: style.lineEnd + writeBlock({ [name]: value }, style) });
}

/** Adds a field at the very end of a document, below people's last comment. */
export function appendField(text: string, root: FieldMap, name: string, value: unknown): string {
  const first = root.items[0];
  const isEnded = /^\.\.\./m.test(text.slice(root.range[1]));
  if (root.flow === true || first === undefined || isEnded) return addField(text, root, name, value);
  const style = { indent: columnOf(text, first.key.range[0]), lineEnd: lineEndOf(text) };
  const lines = writeBlock({ [name]: value }, style) + style.lineEnd;
  return text + (text.endsWith('\n') ? '' : style.lineEnd) + lines;
}

/** Replaces the value of a field that is there. Comments on the line of its name stay. */
export function setField(text: string, map: FieldMap, pair: FieldPair, value: unknown): string {
  if (value === null || typeof value !== 'object') return setScalar(text, pair, value);
  const old = pair.value;
  if (map.flow === true) {
    const range = old && !isUnwritten(old) ? { start: old.range[0], end: endOf(text, old) } : undefined;
    const at = range ?? { start: colonEnd(text, pair), end: colonEnd(text, pair) };
    return apply(text, { ...at, text: (range ? '' : ' ') + writeJson(value, flowStyle(text, map)) });
  }
  if (Array.isArray(value) && value.length === 0 && old && !isUnwritten(old))
    return apply(text, { start: colonEnd(text, pair), end: endOf(text, old), text: ' []' });
  const lineEnd = lineEndOf(text);
  const indent = columnOf(text, pair.key.range[0]) + 2;
  if (!old || isUnwritten(old)) {
    const stop = lineStop(text, colonEnd(text, pair));
    return apply(text, { start: stop, end: stop, text: lineEnd + writeBlock(value, { indent, lineEnd }) });
  }
  const isBlock = isCollection(old) && old.flow !== true;
  if (!isBlock) {
    const [end, stop] = [endOf(text, old), lineStop(text, endOf(text, old))];
    const block = text.slice(end, stop) + lineEnd + writeBlock(value, { indent, lineEnd });
    return apply(text, { start: colonEnd(text, pair), end: stop, text: block });
  }
  const start = lineStart(text, old.range[0]);
  const block = writeBlock(value, { indent: old.range[0] - start, lineEnd });
  return apply(text, { start, end: endOf(text, old), text: block });
}

/** Text keeps the kind of quotes that it had. */
function setScalar(text: string, pair: FieldPair, value: unknown): string {
  const old = pair.value;
  const quote = old && isScalar(old) ? text[old.range[0]] : undefined;
  const plain = typeof value === 'string' ? writeText(value) : JSON.stringify(value);
  const isKept = typeof value === 'string' && (quote === '"' || quote === "'");
  const written = !isKept ? plain : quote === '"' ? writeQuoted(value) : writeSingleQuoted(value);
  if (!old || isUnwritten(old)) {
    const at = colonEnd(text, pair);
    return apply(text, { start: at, end: at, text: ` ${written}` });
  }
  return apply(text, { start: old.range[0], end: endOf(text, old), text: written });
}

function writeSingleQuoted(value: string): string {
  return /^[\u0020-\u007e]*$/.test(value) ? `'${value.replaceAll("'", "''")}'` : writeQuoted(value);
}

/** Removes a field with its value, in block style with its whole lines. */
export function removeField(text: string, map: FieldMap, pair: FieldPair): string {
  const index = map.items.indexOf(pair);
  if (map.flow === true) {
    const ends = map.items.map((one) => ({ start: one.key.range[0], end: pairEnd(text, one) }));
    return removeFromFlow(text, ends, index);
  }
  return removeLines(text, lineStart(text, pair.key.range[0]), pairEnd(text, pair));
}

/** Removes an entry of a list that has others. */
export function removeItem(text: string, list: ItemList, index: number): string {
  if (list.flow === true) {
    const ends = list.items.map((one) => ({ start: one.range[0], end: endOf(text, one) }));
    return removeFromFlow(text, ends, index);
  }
  const item = list.items[index];
  const token = list.srcToken;
  assertInvariant(item !== undefined && token?.type === 'block-seq', 'an entry is only removed where it stands');
  const dash = token.items[index]?.start.find((mark) => mark.type === 'seq-item-ind');
  assertInvariant(dash !== undefined, 'an entry of a block list starts with a dash');
  return removeLines(text, lineStart(text, dash.offset), endOf(text, item));
}

/** Adds an entry behind the last one of a list that has some. */
export function addItem(text: string, list: ItemList, value: unknown): string {
  const last = list.items.at(-1);
  const token = list.srcToken;
  assertInvariant(last !== undefined, 'an entry is only added to a list that has some');
  const end = endOf(text, last);
  if (list.flow === true) return apply(text, { start: end, end, text: `, ${writeJson(value, undefined)}` });
  const dash =
    token?.type === 'block-seq' ? token.items[0]?.start.find((mark) => mark.type === 'seq-item-ind') : undefined;
  assertInvariant(dash !== undefined, 'an entry of a block list starts with a dash');
  const stop = lineStop(text, end);
  const style = { indent: columnOf(text, dash.offset), lineEnd: lineEndOf(text) };
  return apply(text, { start: stop, end: stop, text: style.lineEnd + writeBlock([value], style) });
}

function removeFromFlow(
  text: string,
  ends: readonly { readonly start: number; readonly end: number }[],
  index: number,
): string {
  const [before, it, after] = [ends[index - 1], ends[index], ends[index + 1]];
  assertInvariant(it !== undefined, 'an entry is only removed where it stands');
  if (after !== undefined) return apply(text, { start: it.start, end: after.start, text: '' });
  return apply(text, { start: before?.end ?? it.start, end: it.end, text: '' });
}

/** Removes whole lines, the last one with its comment and its line break. */
function removeLines(text: string, start: number, end: number): string {
  const next = text.indexOf('\n', end);
  return apply(text, { start, end: next < 0 ? text.length : next + 1, text: '' });
}

export function isItemList(node: unknown): node is ItemList {
  return isSeq(node);
}
