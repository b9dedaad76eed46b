// Owns DSSE envelopes: signing a typed payload, and refusing every envelope that is not exactly what was asked for.
import { type KeyObject, sign, verify } from 'node:crypto';
import { assertP256, isP256 } from './keys.ts';

/** Longest payload, in bytes. */
export const MOST_PAYLOAD_BYTES = 1_048_576;
const MOST_PAYLOAD_CHARACTERS = Math.ceil(MOST_PAYLOAD_BYTES / 3) * 4;
const MOST_KEYID_CHARACTERS = 256;
/** A P-256 signature in DER takes at most 72 bytes. */
const MOST_SIGNATURE_CHARACTERS = 96;

/** A DSSE envelope as JSON (secure-systems-lab/dsse, protocol 1.0). */
export interface DsseEnvelope {
  readonly payloadType: string;
  readonly payload: string;
  readonly signatures: readonly { readonly keyid: string; readonly sig: string }[];
}

export type DsseCheck =
  | { readonly kind: 'verified'; readonly payload: Buffer; readonly keyid: string }
  | { readonly kind: 'refused'; readonly reason: string; readonly isKeyUnknown?: boolean };

/** What is signed: type and payload with their lengths, so that neither can be taken for the other. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const type = Buffer.from(payloadType, 'utf8');
  return Buffer.concat([Buffer.from(`DSSEv1 ${type.length} `), type, Buffer.from(` ${payload.length} `), payload]);
}

/** Signs with a P-256 private key (SHA-256, signature in DER). Throws TRUST_KEY_KIND for any other key. */
export function signDsse(
  payloadType: string,
  payload: Uint8Array,
  signer: { readonly keyid: string; readonly key: KeyObject },
): DsseEnvelope {
  assertP256(signer.key, `The key "${signer.keyid}"`);
  const sig = sign('sha256', preAuthEncoding(payloadType, payload), signer.key).toString('base64');
  return {
    payloadType,
    payload: Buffer.from(payload).toString('base64'),
    signatures: [{ keyid: signer.keyid, sig }],
  };
}

/** Bytes of standard base64 with its padding, or undefined: Node alone skips what it can't read, so that many texts mean the same bytes. */
export function decodeStrictBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  return bytes.toString('base64') === text ? bytes : undefined;
}

function refused(reason: string): DsseCheck & { readonly kind: 'refused' } {
  return { kind: 'refused', reason };
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * The payload of an envelope that carries exactly one signature, by the key that `find` gives for its key id, over exactly
 * this payload type. The type is the caller's, never the envelope's: otherwise a signed report could pass for evidence.
 * Never throws.
 */
export function verifyDsse(
  envelope: unknown,
  find: (keyid: string) => KeyObject | undefined,
  payloadType: string,
): DsseCheck {
  if (!isRecord(envelope)) return refused('the envelope is not an object');
  if (envelope.payloadType !== payloadType) return refused(`the payload type is not ${payloadType}`);
  const { payload, signatures } = envelope;
  if (typeof payload !== 'string') return refused('the payload is not text');
  if (payload.length > MOST_PAYLOAD_CHARACTERS) return refused(`the payload exceeds ${MOST_PAYLOAD_BYTES} bytes`);
  if (!Array.isArray(signatures) || signatures.length !== 1) return refused('there is not exactly one signature');
  const signature: unknown = signatures[0];
  if (!isRecord(signature)) return refused('the signature is not an object');
  const { sig, keyid = '' } = signature;
  if (typeof sig !== 'string' || sig.length > MOST_SIGNATURE_CHARACTERS)
    return refused('the signature is not one of P-256');
  if (typeof keyid !== 'string' || keyid.length > MOST_KEYID_CHARACTERS) return refused('the key id is not short text');
  const bytes = decodeStrictBase64(payload);
  const signatureBytes = decodeStrictBase64(sig);
  if (bytes === undefined || signatureBytes === undefined)
    return refused('payload or signature is not standard base64');
  const key = find(keyid);
  if (key === undefined) return { ...refused(`the key "${printable(keyid)}" is not known`), isKeyUnknown: true };
  if (!isP256(key)) return refused(`the key "${printable(keyid)}" is not P-256`);
  if (!hasSigned(key, preAuthEncoding(payloadType, bytes), signatureBytes))
    return refused('the signature does not match');
  return { kind: 'verified', payload: bytes, keyid };
}

/** Did the key make this signature (DER, SHA-256) over these bytes? What the crypto library throws means no. */
export function hasSigned(key: KeyObject, bytes: Uint8Array, signature: Uint8Array): boolean {
  try {
    return verify('sha256', bytes, key, signature);
  } catch {
    return false;
  }
}

/** Foreign text, safe to show in one line of a message or log: control characters replaced, cut at 256 characters. */
export function printable(text: string): string {
  const clean = text.replace(/[\p{C}\u2028\u2029]/gu, '\u{fffd}');
  return clean.length > 256 ? `${clean.slice(0, 255)}…` : clean;
}
