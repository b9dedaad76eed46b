// Owns reading a document whose kind is known beforehand: all that is wrong with it is one error.
import { CodedError, formatError } from '../base/errors.ts';
import { parseDocument } from './parse-document.ts';
import type { SlipwayDocument } from './slipway-document.ts';

type Kind = SlipwayDocument['kind'];

/** The document of the kind. Throws DOCUMENT_KIND, or its first problem with its place, which lists the others. */
export function parseDocumentOf<K extends Kind>(
  kind: K,
  file: string,
  bytes: Uint8Array,
): Extract<SlipwayDocument, { readonly kind: K }> {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'parsed') {
    if (isOfKind(parsed.document, kind)) return parsed.document;
    throw new CodedError({
      code: 'DOCUMENT_KIND',
      message: `${file} is a ${parsed.document.kind}.`,
      remedy: `Pass a file with \`kind: ${kind}\`.`,
    });
  }
  const [first, ...others] = parsed.errors;
  const message = [first?.message ?? `${file} can't be read.`, ...others.map((one) => `\n${formatError(one)}`)].join(
    '',
  );
  throw new CodedError({
    code: first?.code ?? 'DOCUMENT_BROKEN',
    message,
    ...(first?.remedy === undefined ? {} : { remedy: first.remedy }),
    ...(first?.at === undefined ? {} : { at: first.at }),
  });
}

function isOfKind<K extends Kind>(
  document: SlipwayDocument,
  kind: K,
): document is Extract<SlipwayDocument, { readonly kind: K }> {
  return document.kind === kind;
}
