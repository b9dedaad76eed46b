// Owns the way from bytes to a syntax tree: one YAML or JSON document with bounded depth and size, without anchors, tags or repeated fields.
import { Composer, type Document, isMap, isScalar, isSeq, LineCounter, type Pair, type ParsedNode } from 'yaml';
import { CodedError } from '../../base/errors.ts';
import { decodeText } from './decode-text.ts';
import { DocumentSource, placeAt } from './document-source.ts';
import { type Finding, MOST_FINDINGS, parseTokens } from './parse-tokens.ts';

export type ReadSource =
  | { readonly kind: 'read'; readonly source: DocumentSource; readonly value: unknown }
  | { readonly kind: 'broken'; readonly errors: readonly CodedError[] };

/**
 * Reads the one document in the bytes. All problems of the text are reported at once: DOCUMENT_SYNTAX, DOCUMENT_ALIAS, DOCUMENT_TAG,
 * DOCUMENT_MULTIPLE, DOCUMENT_TOO_DEEP, DOCUMENT_TOO_MANY_NODES, DOCUMENT_DUPLICATE_FIELD, DOCUMENT_FIELD_NAME, DOCUMENT_NUMBER, DOCUMENT_EMPTY.
 */
export function readSource(file: string, bytes: Uint8Array): ReadSource {
  const decoded = decodeText(file, bytes);
  if (decoded.kind === 'broken') return decoded;
  const { text } = decoded;
  const lines = new LineCounter();
  const broken = (findings: readonly Finding[]): ReadSource => ({
    kind: 'broken',
    errors: findings
      .slice(0, MOST_FINDINGS)
      .map(({ offset, ...facts }) => new CodedError({ ...facts, at: placeAt(file, lines, offset) })),
  });
  const parsed = parseTokens(text, lines);
  if (parsed.kind === 'refused') return broken(parsed.findings);
  const notJson = file.endsWith('.json') ? checkJson(text) : [];
  if (notJson.length > 0) return broken(notJson);
  const [document] = new Composer({
    uniqueKeys: false,
    keepSourceTokens: true,
    prettyErrors: false,
    logLevel: 'silent',
  }).compose(parsed.tokens, true, text.length);
  if (document === undefined) return broken([nothing]);
  const composed = [...document.errors, ...document.warnings].map(toFinding);
  if (composed.length > 0) return broken(composed);
  const root: ParsedNode | null = (document as Document.Parsed).contents;
  if (root === null || (isScalar(root) && root.value === null)) return broken([nothing]);
  const found = checkNodes(root);
  if (found.length > 0) return broken(found);
  return {
    kind: 'read',
    source: new DocumentSource({ file, text, root, lines }),
    value: document.toJS({ maxAliasCount: 0 }),
  };
}

const nothing: Finding = {
  code: 'DOCUMENT_EMPTY',
  offset: 0,
  message: 'The document is empty.',
  remedy: 'Start it with `apiVersion: slipway.dev/v1alpha1` and `kind: …`.',
};

function toFinding(error: { readonly pos: [number, number]; readonly message: string }): Finding {
  const [sentence = ''] = error.message.split('\n');
  return {
    code: 'DOCUMENT_SYNTAX',
    offset: error.pos[0],
    message: sentence.replace(/[.:]?$/, '.'),
    remedy: 'Correct the YAML here.',
  };
}

/** YAML takes in nearly all of JSON and much more; a file that says it is JSON must be JSON. */
function checkJson(text: string): Finding[] {
  try {
    JSON.parse(text);
    return [];
  } catch (error) {
    const message = (error as Error).message;
    const position = Number(/at position (\d+)/.exec(message)?.[1] ?? text.length);
    const [reason = ''] = message.split(/ in JSON| \(line/);
    return [
      {
        code: 'DOCUMENT_SYNTAX',
        offset: position,
        message: `This is not JSON: ${reason}.`,
        remedy: 'Correct the JSON here.',
      },
    ];
  }
}

/** Repeated fields (the parser's own check is worse than linear), names that are no text, numbers that JavaScript would round. */
function checkNodes(root: ParsedNode): Finding[] {
  const findings: Finding[] = [];
  const stack: (ParsedNode | null)[] = [root];
  for (let node = stack.pop(); node !== undefined && findings.length < MOST_FINDINGS; node = stack.pop()) {
    if (isSeq<ParsedNode>(node)) stack.push(...node.items.toReversed());
    if (isScalar(node) && typeof node.value === 'number' && !isExact(node.value)) {
      const message = `${String(node.source ?? node.value).slice(0, 60)} is a number that can't be stored exactly.`;
      findings.push({
        code: 'DOCUMENT_NUMBER',
        offset: node.range[0],
        message,
        remedy: 'Write a smaller number, or quote it as text.',
      });
    }
    if (!isMap<ParsedNode, ParsedNode | null>(node)) continue;
    findings.push(...checkNames(node.items));
    for (const pair of node.items.toReversed()) stack.push(pair.value);
  }
  return findings;
}

function isExact(value: number): boolean {
  return Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
}

function checkNames(pairs: readonly Pair<ParsedNode, ParsedNode | null>[]): Finding[] {
  const findings: Finding[] = [];
  const seen = new Set<string>();
  for (const { key, srcToken } of pairs) {
    const offset = key.range[0];
    if (!isScalar(key) || typeof key.value !== 'string') {
      const remedy = 'Put quotes around it.';
      findings.push({ code: 'DOCUMENT_FIELD_NAME', offset, message: 'The name of this field is not text.', remedy });
    } else if (srcToken?.start.some((token) => token.type === 'explicit-key-ind') === true) {
      // Edits are spliced in where a name and its value stand on one line.
      const message = `\`${key.value.slice(0, 60)}\` is written as \`? name\`, which Slipway can't edit in place.`;
      findings.push({ code: 'DOCUMENT_FIELD_NAME', offset, message, remedy: 'Write `name: value`.' });
    } else if (seen.has(key.value)) {
      const message = `\`${key.value.slice(0, 60)}\` appears twice.`;
      findings.push({ code: 'DOCUMENT_DUPLICATE_FIELD', offset, message, remedy: 'Keep one of them.' });
    } else seen.add(key.value);
  }
  return findings;
}
