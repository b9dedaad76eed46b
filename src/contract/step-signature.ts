// Owns the reconciler's own signature on an entry of the directive: proof of its step that no holder of the publication's keys can make.
import type { KeyObject } from 'node:crypto';
import { canonicalJson } from './digest.ts';
import type { DirectiveEntry } from './directive.ts';
import { decodeStrictBase64, hasSigned, preAuthEncoding, signDsse } from './trust/dsse.ts';

/** What is signed: the entry without its signature, in canonical JSON, under this payload type of DSSE. */
const STEP_PAYLOAD_TYPE = 'application/vnd.slipway.directive-entry+json';

/** `unchecked`: this device's trust policy names no reconciler. */
export type Backing = 'signed' | 'unsigned' | 'unchecked';

/** What was signed of entries that were read, with the fields that this version does not know. */
const contents = new WeakMap<DirectiveEntry, string>();

/** Takes note of what an entry was read from. */
export function noteContent(entry: DirectiveEntry, fields: Readonly<Record<string, unknown>>): DirectiveEntry {
  const { stepSignature: _, ...content } = fields;
  contents.set(entry, canonicalJson(content));
  return entry;
}

export function contentOf(entry: DirectiveEntry): string {
  const known = contents.get(entry);
  if (known !== undefined) return known;
  const { stepSignature: _, ...content } = entry;
  const text = canonicalJson(content);
  contents.set(entry, text);
  return text;
}

/** The entry signed with the reconciler's key, by which it signs evidence and commits. */
export function signStep(
  entry: DirectiveEntry,
  signer: { readonly keyId: string; readonly key: KeyObject },
): DirectiveEntry {
  const { stepSignature: _, ...content } = entry;
  const payload = Buffer.from(contentOf(content));
  const [signature] = signDsse(STEP_PAYLOAD_TYPE, payload, { keyid: signer.keyId, key: signer.key }).signatures;
  return { ...content, stepSignature: { keyId: signer.keyId, sig: signature?.sig ?? '' } };
}

/** Did one of the reconciler's keys sign this entry as it was read? */
export function backingOf(entry: DirectiveEntry, reconciler: ReadonlyMap<string, KeyObject>): Backing {
  if (reconciler.size === 0) return 'unchecked';
  const { stepSignature } = entry;
  const key = stepSignature && reconciler.get(stepSignature.keyId);
  const sig = stepSignature && decodeStrictBase64(stepSignature.sig);
  if (key === undefined || sig === undefined) return 'unsigned';
  const isSigned = hasSigned(key, preAuthEncoding(STEP_PAYLOAD_TYPE, Buffer.from(contentOf(entry))), sig);
  return isSigned ? 'signed' : 'unsigned';
}
