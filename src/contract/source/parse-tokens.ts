// Owns the way from text to YAML tokens: what is refused before anything is built of them (depth, size, anchors, tags, a second document).
import { type CST, Lexer, type LineCounter, Parser } from 'yaml';

export const DEEPEST = 32;
/** Values (scalars, lists, maps, field names) in a document. */
const MOST_NODES = 30_000;
/** Words and signs: what is built of one costs about 10 µs. */
const MOST_LEXEMES = 100_000;
/** A file that is wrong all over is reported up to here. */
export const MOST_FINDINGS = 60;
/** The lexer's mark that the next lexeme is text. */
const TEXT_MARK = '\u001f';

/** A problem of the text, at an offset in it. */
export interface Finding {
  readonly code: string;
  readonly offset: number;
  readonly message: string;
  readonly remedy: string;
}

export type ParsedTokens =
  | { readonly kind: 'tokens'; readonly tokens: readonly CST.Token[] }
  | { readonly kind: 'refused'; readonly findings: readonly Finding[] };

function tooDeep(offset: number): Finding {
  const message = `The document is nested deeper than ${DEEPEST} levels.`;
  return { code: 'DOCUMENT_TOO_DEEP', offset, message, remedy: 'Use fewer levels.' };
}

function tooLarge(offset: number): Finding {
  return { code: 'DOCUMENT_TOO_MANY_NODES', offset, message: 'The document has too many values.', remedy: 'Split it.' };
}

const NO_ALIAS = 'Anchors and aliases are not allowed: a few lines of them can expand to gigabytes.';

/** The tokens of one document. Stops at the first lexeme too many or too deep, so that hostile text costs no more than a large document. */
export function parseTokens(text: string, lines: LineCounter): ParsedTokens {
  const parser = new Parser(lines.addNewLine);
  const tokens: CST.Token[] = [];
  lines.addNewLine(0);
  let [lexemes, depth, isText] = [0, 0, false];
  for (const lexeme of new Lexer().lex(text)) {
    if (!isText && (lexeme === '[' || lexeme === '{')) depth++;
    if (!isText && (lexeme === ']' || lexeme === '}')) depth--;
    if (depth > DEEPEST) return { kind: 'refused', findings: [tooDeep(parser.offset)] };
    if (++lexemes > MOST_LEXEMES) return { kind: 'refused', findings: [tooLarge(parser.offset)] };
    tokens.push(...parser.next(lexeme));
    isText = lexeme === TEXT_MARK;
  }
  tokens.push(...parser.end());
  const findings = checkTokens(tokens);
  return findings.length === 0 ? { kind: 'tokens', tokens } : { kind: 'refused', findings };
}

function checkTokens(tokens: readonly CST.Token[]): Finding[] {
  const findings: Finding[] = [];
  let documents = 0;
  for (const token of tokens) {
    if (token.type === 'directive') {
      const message = 'YAML directives are not allowed.';
      return [{ code: 'DOCUMENT_TAG', offset: token.offset, message, remedy: 'Remove the line.' }];
    }
    if (token.type !== 'document') continue;
    if (++documents > 1) {
      const message = 'A second document starts here.';
      findings.push({
        code: 'DOCUMENT_MULTIPLE',
        offset: token.offset,
        message,
        remedy: 'Move it to a separate file.',
      });
      break;
    }
    findings.push(...checkMarks(token.start));
    if (token.value) findings.push(...checkTree(token.value));
  }
  return findings;
}

/** By a stack of our own, which no depth can overflow. */
function checkTree(root: CST.Token): Finding[] {
  const findings: Finding[] = [];
  const stack = [{ token: root, depth: 1 }];
  let nodes = 0;
  for (let next = stack.pop(); next !== undefined && findings.length < MOST_FINDINGS; next = stack.pop()) {
    const { token, depth } = next;
    if (++nodes > MOST_NODES) return [...findings, tooLarge(token.offset)];
    if (depth > DEEPEST) return [...findings, tooDeep(token.offset)];
    if (token.type === 'alias') {
      const remedy = 'Write the value out.';
      findings.push({ code: 'DOCUMENT_ALIAS', offset: token.offset, message: NO_ALIAS, remedy });
    }
    if (token.type === 'block-scalar') findings.push(...checkMarks(token.props));
    if (token.type !== 'block-map' && token.type !== 'block-seq' && token.type !== 'flow-collection') continue;
    for (const item of token.items.toReversed()) {
      findings.push(...checkMarks(item.start), ...checkMarks(item.sep));
      if (item.value) stack.push({ token: item.value, depth: depth + 1 });
      if (item.key) stack.push({ token: item.key, depth: depth + 1 });
    }
  }
  return findings;
}

function checkMarks(marks: readonly CST.Token[] | undefined): Finding[] {
  return (marks ?? []).flatMap((mark): Finding[] => {
    if (mark.type === 'anchor') {
      return [{ code: 'DOCUMENT_ALIAS', offset: mark.offset, message: NO_ALIAS, remedy: 'Remove it.' }];
    }
    if (mark.type !== 'tag') return [];
    const message = `The tag \`${mark.source.slice(0, 60)}\` is not allowed.`;
    const remedy = 'Remove it; put quotes around text that looks like something else.';
    return [{ code: 'DOCUMENT_TAG', offset: mark.offset, message, remedy }];
  });
}
