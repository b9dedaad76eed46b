// Owns Sigstore signatures: who, cryptographically, signed these bytes; whether they may is the trust policy's to say.
import { createHash, type KeyObject } from 'node:crypto';
import { type Bundle, bundleFromJSON } from '@sigstore/bundle';
import { HashAlgorithm } from '@sigstore/protobuf-specs';
import { toSignedEntity, Verifier } from '@sigstore/verify';
import { decodeStrictBase64, hasSigned, printable, verifyDsse } from './dsse.ts';
import { IN_TOTO_PAYLOAD_TYPE, type InTotoStatement, parseStatement } from './statement.ts';
import type { SigstoreRoot } from './trusted-root.ts';

export const MOST_BUNDLE_BYTES = 1_572_864;
/** A real bundle has one or two of each; the library compares all pairs. */
const MOST_LOG_ENTRIES = 8;
const MEDIA_TYPES: readonly string[] = [
  'application/vnd.dev.sigstore.bundle.v0.3+json',
  'application/vnd.dev.sigstore.bundle+json;version=0.3',
];

export type SignatureRefusalCode =
  | 'SIGNATURE_MISSING'
  /** Not a bundle, nor a plain signature. */
  | 'SIGNATURE_UNREADABLE'
  /** A real signature of a form that is refused on purpose. */
  | 'SIGNATURE_UNSUPPORTED'
  /** The signature does not fit these bytes, or its proofs don't hold. */
  | 'SIGNATURE_WRONG'
  | 'SIGNER_UNKNOWN';

export interface Refused<Code extends string> {
  readonly kind: 'refused';
  readonly code: Code;
  /** One sentence for people; foreign text in it is made printable and cut. */
  readonly reason: string;
}

/** Who signed: one of the keys that were asked about, or an identity that a certificate states. */
export type SignedBy =
  | { readonly kind: 'key'; readonly keyId: string }
  | { readonly kind: 'keyless'; readonly issuer: string; readonly identity: string };

/** What the signature proves besides, as the trusted root vouches for it. */
export interface Proven {
  readonly isLogged: boolean;
  /** The earliest signed time by which the signature was there, in milliseconds since 1970; null when none says so. */
  readonly atMs: number | null;
}

interface Signed {
  readonly kind: 'signed';
  readonly by: SignedBy;
  readonly proven: Proven;
}

const UNPROVEN: Proven = { isLogged: false, atMs: null };

export type SignatureCheck = Signed | Refused<SignatureRefusalCode>;
export type StatementCheck = (Signed & { readonly statement: InTotoStatement }) | Refused<SignatureRefusalCode>;

/** What the caller accepts; a bundle never widens it. */
export interface Expectation {
  /** Keys by key id. */
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** For certificates; null = none is accepted. */
  readonly root: SigstoreRoot | null;
  /** For the log entries and timestamps of key signers; null = they prove nothing. */
  readonly proofs: SigstoreRoot | null;
}

function refused(code: SignatureRefusalCode, reason: string): Refused<SignatureRefusalCode> {
  return { kind: 'refused', code, reason };
}

const UNKNOWN_CERTIFICATE = refused(
  'SIGNER_UNKNOWN',
  'It is signed with a certificate, but the trust policy lists no keyless signer.',
);

/**
 * Who signed these bytes: a v0.3 bundle with a message signature, or the plain base64 signature of `cosign sign-blob --key`.
 * Never throws: hostile bundles make the libraries throw type, range and ASN.1 errors, and each of them is a refusal.
 */
export function checkBlobSignature(signature: string, artifact: Uint8Array, expected: Expectation): SignatureCheck {
  if (signature.length > MOST_BUNDLE_BYTES) return refused('SIGNATURE_UNREADABLE', 'The signature file is too long.');
  if (!signature.trimStart().startsWith('{')) return checkDetached(signature.trim(), artifact, expected.keys);
  const read = readBundle(signature);
  if (read.kind === 'refused') return read;
  const { bundle } = read;
  if (bundle.content.$case !== 'messageSignature') {
    return refused('SIGNATURE_UNSUPPORTED', 'The bundle holds an attestation instead of a signature over the file.');
  }
  const { messageDigest, signature: bytes } = bundle.content.messageSignature;
  if (messageDigest.algorithm !== HashAlgorithm.SHA2_256) {
    return refused('SIGNATURE_UNSUPPORTED', 'The bundle uses a digest other than SHA-256.');
  }
  if (!createHash('sha256').update(artifact).digest().equals(messageDigest.digest)) {
    return refused(
      'SIGNATURE_WRONG',
      'The file was changed after it was signed: its digest differs from the signed one.',
    );
  }
  const material = bundle.verificationMaterial.content;
  if (material.$case !== 'publicKey') return checkCertificate(bundle, expected.root, artifact);
  const check = checkKeys(material.publicKey.hint, expected.keys, (key) => hasSigned(key, artifact, bytes));
  return checkProofs(check, bundle, expected, artifact);
}

/**
 * The in-toto statement of a v0.3 bundle with an attestation, and who signed it. The library looks neither at payload type
 * nor at predicate type nor at subjects: a signed statement about something else would pass for this one.
 * `subject` is the SHA-256 in hexadecimal digits of the file that it must be about. Never throws.
 */
export function checkStatement(
  signature: string,
  want: { readonly predicateType: string; readonly subject: string },
  expected: Expectation,
): StatementCheck {
  if (signature.length > MOST_BUNDLE_BYTES) return refused('SIGNATURE_UNREADABLE', 'The attestation is too long.');
  const read = readBundle(signature);
  if (read.kind === 'refused') return read;
  const { bundle } = read;
  if (bundle.content.$case !== 'dsseEnvelope')
    return refused('SIGNATURE_UNSUPPORTED', 'The bundle holds no attestation.');
  const { payloadType, payload } = bundle.content.dsseEnvelope;
  if (payloadType !== IN_TOTO_PAYLOAD_TYPE)
    return refused('SIGNATURE_UNSUPPORTED', 'The attestation is not an in-toto statement.');
  const material = bundle.verificationMaterial.content;
  const check =
    material.$case === 'publicKey'
      ? checkProofs(
          checkKeys(material.publicKey.hint, expected.keys, (key) => {
            return verifyDsse(read.envelope, () => key, IN_TOTO_PAYLOAD_TYPE).kind === 'verified';
          }),
          bundle,
          expected,
        )
      : checkCertificate(bundle, expected.root);
  if (check.kind === 'refused') return check;
  const statement = parseStatement(payload, want.predicateType);
  if (statement.kind === 'refused')
    return refused('SIGNATURE_UNSUPPORTED', `The attestation is refused: ${statement.reason}.`);
  if (!statement.statement.subject.some((subject) => subject.digest.sha256 === want.subject)) {
    return refused('SIGNATURE_WRONG', 'The attestation is about another file.');
  }
  return { ...check, statement: statement.statement };
}

type ReadBundle =
  | { readonly kind: 'read'; readonly bundle: Bundle; readonly envelope: unknown }
  | Refused<SignatureRefusalCode>;

function readBundle(text: string): ReadBundle {
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json !== 'object' || json === null)
      return refused('SIGNATURE_UNREADABLE', 'The signature is not a Sigstore bundle.');
    if ('base64Signature' in json) {
      return refused(
        'SIGNATURE_UNSUPPORTED',
        'It is a bundle of the old cosign format; sign again with `--new-bundle-format`.',
      );
    }
    const mediaType = 'mediaType' in json ? String(json.mediaType) : '';
    if (!MEDIA_TYPES.includes(mediaType)) {
      return refused(
        'SIGNATURE_UNSUPPORTED',
        `Only Sigstore bundles of version 0.3 are accepted, this is "${printable(mediaType)}"; sign again with a newer tool.`,
      );
    }
    // With a chain the signer would bring intermediates of its own. The library refuses it too; here it is on purpose.
    if (hasCertificateChain(json)) {
      return refused('SIGNATURE_UNSUPPORTED', 'The bundle contains a certificate chain, which version 0.3 forbids.');
    }
    const bundle = bundleFromJSON(json);
    const { tlogEntries, timestampVerificationData } = bundle.verificationMaterial;
    const stamps = timestampVerificationData?.rfc3161Timestamps ?? [];
    if (tlogEntries.length > MOST_LOG_ENTRIES || stamps.length > MOST_LOG_ENTRIES) {
      return refused(
        'SIGNATURE_UNSUPPORTED',
        `The bundle holds more than ${MOST_LOG_ENTRIES} log entries or timestamps.`,
      );
    }
    return { kind: 'read', bundle, envelope: 'dsseEnvelope' in json ? json.dsseEnvelope : undefined };
  } catch {
    return refused('SIGNATURE_UNREADABLE', 'The signature is not a Sigstore bundle.');
  }
}

function hasCertificateChain(json: object): boolean {
  const material: unknown = 'verificationMaterial' in json ? json.verificationMaterial : undefined;
  return typeof material === 'object' && material !== null && Object.keys(material).some((name) => /chain/i.test(name));
}

/** With a hint only the key of that name is tried; without one, all. The hint is not signed: it only saves work. */
function checkKeys(
  hint: string,
  keys: ReadonlyMap<string, KeyObject>,
  fits: (key: KeyObject) => boolean,
): SignatureCheck {
  const named = keys.get(hint);
  if (hint !== '' && named === undefined) {
    return refused('SIGNER_UNKNOWN', `It is signed with the key ${printable(hint)}, which is not in the trust policy.`);
  }
  const tried = named === undefined ? keys : new Map([[hint, named]]);
  for (const [keyId, key] of tried)
    if (fits(key)) return { kind: 'signed', by: { kind: 'key', keyId }, proven: UNPROVEN };
  return named === undefined
    ? refused('SIGNER_UNKNOWN', 'No key of the trust policy made this signature over this file.')
    : refused('SIGNATURE_WRONG', `The signature is not one of the key ${printable(hint)} over this file.`);
}

function checkDetached(text: string, artifact: Uint8Array, keys: ReadonlyMap<string, KeyObject>): SignatureCheck {
  if (text === '') return refused('SIGNATURE_MISSING', 'The signature file is empty.');
  const bytes = text.length > 200 ? undefined : decodeStrictBase64(text);
  if (bytes === undefined)
    return refused('SIGNATURE_UNREADABLE', 'The signature is neither a Sigstore bundle nor one line of base64.');
  return checkKeys('', keys, (key) => hasSigned(key, artifact, bytes));
}

/** Log entries and timestamps beside a key's signature must hold: one that does not shows that somebody changed the bundle. */
function checkProofs(
  check: SignatureCheck,
  bundle: Bundle,
  expected: Expectation,
  artifact?: Uint8Array,
): SignatureCheck {
  const { keys, proofs } = expected;
  const { tlogEntries, timestampVerificationData } = bundle.verificationMaterial;
  const isBare = tlogEntries.length === 0 && (timestampVerificationData?.rfc3161Timestamps ?? []).length === 0;
  if (check.kind === 'refused' || check.by.kind !== 'key' || isBare || proofs === null) return check;
  const publicKey = keys.get(check.by.keyId);
  if (publicKey === undefined) return check;
  try {
    const material = { ...proofs, publicKey: () => ({ publicKey, validFor: () => true }) };
    const thresholds = { tlogThreshold: tlogEntries.length, ctlogThreshold: 0, timestampThreshold: 0 };
    const entity = toSignedEntity(bundle, artifact === undefined ? undefined : Buffer.from(artifact));
    new Verifier(material, thresholds).verify(entity);
    if (!tlogEntries.every(isOfCheckpoint))
      return refused('SIGNATURE_WRONG', 'Its log entry names another tree than its checkpoint.');
    return { ...check, proven: provenBy(entity) };
  } catch (error) {
    const detail = error instanceof Error ? printable(error.message) : 'unknown problem';
    return refused('SIGNATURE_WRONG', `Its log entry or timestamp fails against the trusted root: ${detail}.`);
  }
}

/** The library proves inclusion in the tree of the signed checkpoint, and looks at no other statement about it. */
function isOfCheckpoint({ inclusionProof }: Bundle['verificationMaterial']['tlogEntries'][number]): boolean {
  if (inclusionProof === undefined) return true;
  const [, size, root] = (inclusionProof.checkpoint?.envelope ?? '').split('\n');
  return size === String(inclusionProof.treeSize) && root === inclusionProof.rootHash.toString('base64');
}

/** Of an entity that was verified. A log's time counts only where the log signed it. */
function provenBy({ tlogEntries, timestamps }: ReturnType<typeof toSignedEntity>): Proven {
  const times = timestamps.flatMap((one): number[] => {
    if (one.$case === 'timestamp-authority') return [one.timestamp.signingTime.getTime()];
    const { inclusionPromise, integratedTime } = one.tlogEntry;
    return inclusionPromise === undefined ? [] : [Number(integratedTime) * 1000];
  });
  return { isLogged: tlogEntries.length > 0, atMs: times.length === 0 ? null : Math.min(...times) };
}

/**
 * A certificate needs its chain, a signed certificate timestamp, a transparency log entry and a timestamp: without the last,
 * the library does not check the certificate at all.
 */
function checkCertificate(bundle: Bundle, root: SigstoreRoot | null, artifact?: Uint8Array): SignatureCheck {
  if (root === null) return UNKNOWN_CERTIFICATE;
  try {
    const noKeys = (): never => {
      throw new Error('a certificate was expected');
    };
    const verifier = new Verifier(
      { ...root, publicKey: noKeys },
      { tlogThreshold: 1, ctlogThreshold: 1, timestampThreshold: 1 },
    );
    const entity = toSignedEntity(bundle, artifact === undefined ? undefined : Buffer.from(artifact));
    const { identity } = verifier.verify(entity);
    const issuer = identity?.extensions?.issuer ?? '';
    const name = identity?.subjectAlternativeName ?? '';
    if (issuer === '' || name === '')
      return refused('SIGNATURE_WRONG', 'The certificate states no identity or no issuer.');
    return { kind: 'signed', by: { kind: 'keyless', issuer, identity: name }, proven: provenBy(entity) };
  } catch (error) {
    const detail = error instanceof Error ? printable(error.message) : 'unknown problem';
    return refused('SIGNATURE_WRONG', `The keyless signature fails against the trusted root: ${detail}.`);
  }
}
