// Owns the way from bytes to text: UTF-8 without a byte order mark or control characters, of bounded size.
import { CodedError, type SourcePlace } from '../../base/errors.ts';

/** Larger documents are refused unread: parsing must stay far below a second. */
export const MOST_DOCUMENT_BYTES = 256 * 1024;

export type DecodedText =
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'broken'; readonly errors: readonly CodedError[] };

/** Offset in `text` of the first character that stands for bytes that are no UTF-8. */
function findReplacement(text: string, bytes: Uint8Array): number {
  let from = 0;
  let byteOffset = 0;
  for (;;) {
    const found = text.indexOf('\uFFFD', from);
    if (found < 0) return from;
    byteOffset += Buffer.byteLength(text.slice(from, found));
    const isWritten = bytes[byteOffset] === 0xef && bytes[byteOffset + 1] === 0xbf && bytes[byteOffset + 2] === 0xbd;
    if (!isWritten) return found;
    from = found + 1;
    byteOffset += 3;
  }
}

function placeIn(file: string, text: string, offset: number): SourcePlace {
  const before = text.slice(0, offset).split('\n');
  return { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}

/** The text of a document, or why it is none: DOCUMENT_TOO_LARGE, DOCUMENT_ENCODING or DOCUMENT_CHARACTER. */
export function decodeText(file: string, bytes: Uint8Array): DecodedText {
  const broken = (code: string, at: SourcePlace, message: string, remedy: string): DecodedText => ({
    kind: 'broken',
    errors: [new CodedError({ code, at, message, remedy })],
  });
  if (bytes.length > MOST_DOCUMENT_BYTES) {
    const message = `The document has ${bytes.length} bytes, more than ${MOST_DOCUMENT_BYTES}.`;
    return broken(
      'DOCUMENT_TOO_LARGE',
      { file, line: 1, column: 1 },
      message,
      'Split it, or move large lists elsewhere.',
    );
  }
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    const lossy = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
    const at = placeIn(file, lossy, findReplacement(lossy, bytes));
    return broken('DOCUMENT_ENCODING', at, 'The bytes here are not UTF-8.', 'Save the document as UTF-8.');
  }
  if (text.startsWith('\uFEFF')) {
    const message = 'The document starts with a byte order mark.';
    return broken(
      'DOCUMENT_ENCODING',
      { file, line: 1, column: 1 },
      message,
      'Save it as UTF-8 without a byte order mark.',
    );
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  const control = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f]|\r(?!\n)/.exec(text);
  if (control !== null) {
    const name = `U+${text.charCodeAt(control.index).toString(16).toUpperCase().padStart(4, '0')}`;
    const message = `There is a control character here: ${name}.`;
    return broken('DOCUMENT_CHARACTER', placeIn(file, text, control.index), message, 'Remove it.');
  }
  return { kind: 'text', text };
}
