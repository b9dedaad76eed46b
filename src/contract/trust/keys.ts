// Owns public keys: which kind is accepted, how one is named, and how its PEM text is read.
import { createHash, createPublicKey, type KeyObject } from 'node:crypto';
import { parseInstant } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';

/** Longest PEM text that is read; a P-256 public key takes about 180 characters. */
export const MOST_KEY_BYTES = 16_384;

/**
 * Name of a public key: base64 of the SHA-256 of its DER SubjectPublicKeyInfo.
 * The same that cosign writes as key hint into a bundle, so that its bundles name our keys.
 */
export function keyIdOf(publicKey: KeyObject): string {
  return createHash('sha256')
    .update(publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64');
}

/**
 * Is this a P-256 key? It is the only kind accepted for signers, reconciler and devices: Sigstore can't check Ed25519
 * for message signatures, and hashes with SHA-256 whatever the curve, which P-384 in an envelope is not signed with.
 */
export function isP256(key: KeyObject): boolean {
  return key.asymmetricKeyType === 'ec' && key.asymmetricKeyDetails?.namedCurve === 'prime256v1';
}

/** A key of the reconciler. What it signs after its end, milliseconds since 1970, counts for nothing: it was replaced. */
export interface ReconcilerKey {
  readonly key: KeyObject;
  /** Null for one without an end. */
  readonly endsAtMs: number | null;
}

/** By key id. */
export type ReconcilerKeys = ReadonlyMap<string, ReconcilerKey>;

export function countsAt({ endsAtMs }: ReconcilerKey, atMs: number): boolean {
  return endsAtMs === null || atMs <= endsAtMs;
}

/** Of a key that is listed more than once the earliest end counts. Throws TRUST_POLICY_SIGNER for an end that is no time. */
export function reconcilerKeysOf(
  listed: readonly { readonly key: KeyObject; readonly notAfter?: string | undefined }[],
): ReconcilerKeys {
  const keys = new Map<string, ReconcilerKey>();
  for (const { key, notAfter } of listed) {
    const id = keyIdOf(key);
    const ends = [keys.get(id)?.endsAtMs ?? null, notAfter === undefined ? null : endOf(notAfter)];
    const known = ends.filter((end) => end !== null);
    keys.set(id, { key, endsAtMs: known.length === 0 ? null : Math.min(...known) });
  }
  return keys;
}

function endOf(notAfter: string): number {
  const endMs = parseInstant(notAfter);
  if (endMs !== undefined) return endMs;
  const message = `notAfter of a reconciler key is not a time: "${notAfter}".`;
  throw new CodedError({ code: 'TRUST_POLICY_SIGNER', message, remedy: 'Write it like 2027-01-01T00:00:00Z.' });
}

/** What kind of key it is, as people name it: "Ed25519", "P-384", "RSA". */
export function describeKey(key: KeyObject): string {
  const curve = key.asymmetricKeyDetails?.namedCurve;
  if (curve !== undefined) return { prime256v1: 'P-256', secp384r1: 'P-384', secp521r1: 'P-521' }[curve] ?? curve;
  const type = key.asymmetricKeyType ?? key.type;
  return type.startsWith('ed') ? `Ed${type.slice(2)}` : type.toUpperCase();
}

/** Throws TRUST_KEY_KIND unless the key is P-256. `source` names the key for people: a file, or "signer ci". */
export function assertP256(key: KeyObject, source: string): void {
  if (isP256(key)) return;
  throw new CodedError({
    code: 'TRUST_KEY_KIND',
    message: `${source} is ${describeKey(key)}; only P-256 keys work in every Sigstore signature and every Slipway envelope.`,
    remedy:
      'Make a P-256 key: `cosign generate-key-pair`, or `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256`.',
  });
}

/**
 * The P-256 public key in a PEM text. Only one block labelled PUBLIC KEY is taken: Node would also derive a public key
 * from a private one or from a certificate, which hides that a secret lies in a public place.
 * Throws TRUST_KEY_UNREADABLE or TRUST_KEY_KIND.
 */
export function parsePublicKey(pem: string, source: string): KeyObject {
  const unreadable = (problem: string, remedy: string, cause?: unknown): CodedError =>
    new CodedError({ code: 'TRUST_KEY_UNREADABLE', message: `${source} ${problem}.`, remedy, cause });
  if (pem.length > MOST_KEY_BYTES) throw unreadable('is too long to be one public key', 'Give one PEM block.');
  const labels = [...pem.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----/g)].map((match) => match[1]);
  if (labels.some((label) => label?.includes('PRIVATE'))) {
    throw unreadable(
      'holds a private key where a public one belongs',
      'Replace it with its public key (`openssl pkey -pubout`), and treat the private key as leaked if others could read it.',
    );
  }
  if (labels.length !== 1 || labels[0] !== 'PUBLIC KEY') {
    const found = labels.length === 0 ? 'no PEM block' : labels.join(', ');
    throw unreadable(
      `is not one public key (found: ${found})`,
      'Give one PEM block that begins with -----BEGIN PUBLIC KEY-----.',
    );
  }
  let key: KeyObject;
  try {
    key = createPublicKey(pem);
  } catch (error) {
    throw unreadable('is damaged', 'Copy the whole PEM block again, with its BEGIN and END lines.', error);
  }
  assertP256(key, source);
  return key;
}
