// Owns the reconciler's own signatures in the directive: proof of its steps and labels that no holder of the publication's keys can make.
import type { KeyObject } from 'node:crypto';
import { canonicalJson } from './digest.ts';
import type { Directive, DirectiveEntry, StepSignature } from './directive.ts';
import { decodeStrictBase64, hasSigned, preAuthEncoding, signDsse } from './trust/dsse.ts';
import { countsAt, type ReconcilerKeys } from './trust/keys.ts';

/** What is signed: the entry without its signature, in canonical JSON, under this payload type of DSSE. */
const STEP_PAYLOAD_TYPE = 'application/vnd.slipway.directive-entry+json';
const LABELS_PAYLOAD_TYPE = 'application/vnd.slipway.bound-labels+json';

/** The key by which the reconciler signs evidence and commits. */
interface Signer {
  readonly keyId: string;
  readonly key: KeyObject;
}

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

function sign(type: string, content: string, { keyId, key }: Signer): StepSignature {
  const [signature] = signDsse(type, Buffer.from(content), { keyid: keyId, key }).signatures;
  return { keyId, sig: signature?.sig ?? '' };
}

function check(
  type: string,
  content: () => string,
  signature: StepSignature | undefined,
  reconciler: ReconcilerKeys,
  nowMs: number,
): Backing {
  if (reconciler.size === 0) return 'unchecked';
  const known = signature && reconciler.get(signature.keyId);
  const sig = signature && decodeStrictBase64(signature.sig);
  if (known === undefined || sig === undefined || !countsAt(known, nowMs)) return 'unsigned';
  return hasSigned(known.key, preAuthEncoding(type, Buffer.from(content())), sig) ? 'signed' : 'unsigned';
}

/** The entry signed with the reconciler's key. */
export function signStep(entry: DirectiveEntry, signer: Signer): DirectiveEntry {
  const { stepSignature: _, ...content } = entry;
  return { ...content, stepSignature: sign(STEP_PAYLOAD_TYPE, contentOf(content), signer) };
}

/** Did one of the reconciler's keys, which did not end before now, sign this entry as it was read? */
export function backingOf(entry: DirectiveEntry, reconciler: ReconcilerKeys, nowMs = 0): Backing {
  return check(STEP_PAYLOAD_TYPE, () => contentOf(entry), entry.stepSignature, reconciler, nowMs);
}

/** The directive with a signature on its labels; none of them is a statement as well. */
export function signLabels(directive: Directive, signer: Signer): Directive {
  const { bound = [] } = directive;
  return { ...directive, boundSignature: sign(LABELS_PAYLOAD_TYPE, canonicalJson(bound), signer) };
}

/** Did one of the reconciler's keys sign these labels? */
export function labelsBackingOf(
  { bound = [], boundSignature }: Pick<Directive, 'bound' | 'boundSignature'>,
  reconciler: ReconcilerKeys,
  nowMs = 0,
): Backing {
  return check(LABELS_PAYLOAD_TYPE, () => canonicalJson(bound), boundSignature, reconciler, nowMs);
}
