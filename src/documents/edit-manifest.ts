// Owns programs' edits of a manifest before it is signed: its sequence is set, every other byte stays.
import { assertInvariant } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import { findPair } from '../contract/source/document-source.ts';
import { readSource } from '../contract/source/read-source.ts';
import { addField, type FieldMap, isFieldMap, setField } from './splice-source.ts';

interface Opened {
  readonly metadata: FieldMap;
  readonly value: { readonly metadata: Readonly<Record<string, unknown>> };
}

function open(text: string): Opened {
  const read = readSource('manifest', Buffer.from(text));
  assertInvariant(read.kind !== 'broken', 'only a manifest that can be read is edited');
  const metadata = isFieldMap(read.source.root) ? findPair(read.source.root, 'metadata')?.value : undefined;
  assertInvariant(isFieldMap(metadata), 'a manifest has metadata');
  return { metadata, value: read.value as Opened['value'] };
}

/** The text with `metadata.sequence` set. */
export function spliceSequence(text: string, sequence: number): string {
  const { metadata, value } = open(text);
  const pair = findPair(metadata, 'sequence');
  const edited =
    pair === undefined ? addField(text, metadata, 'sequence', sequence) : setField(text, metadata, pair, sequence);
  const expected = { ...value, metadata: { ...value.metadata, sequence } };
  assertInvariant(canonicalJson(open(edited).value) === canonicalJson(expected), 'an edit changes nothing else');
  return edited;
}
