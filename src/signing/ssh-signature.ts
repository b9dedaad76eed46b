// Owns SSH signatures of commits (OpenSSH's PROTOCOL.sshsig): what is signed, how keys are written, and verification.
import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import { CodedError } from '../base/errors.ts';
import { keyIdOf, type ReconcilerKeys } from '../contract/trust/keys.ts';

/** Namespace that Git signs commits and tags under. */
export const GIT_NAMESPACE = 'git';
const MOST_SIGNATURE_CHARACTERS = 8192;
const MOST_COMMIT_BYTES = 1_048_576;

export type SshCheck =
  | { readonly kind: 'verified'; readonly key: KeyObject; readonly keyId: string }
  | { readonly kind: 'refused'; readonly reason: string };

/** An SSH string: four bytes of length, then the bytes. */
export function sshString(value: Uint8Array | string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

/** A public key as SSH writes it. Throws TRUST_KEY_KIND for keys other than P-256 and Ed25519. */
export function sshPublicKey(key: KeyObject): Buffer {
  const { crv, x = '', y = '' } = key.export({ format: 'jwk' });
  const xBytes = Buffer.from(x, 'base64url');
  if (crv === 'Ed25519') return Buffer.concat([sshString('ssh-ed25519'), sshString(xBytes)]);
  if (crv === 'P-256') {
    const point = Buffer.concat([Buffer.of(4), xBytes, Buffer.from(y, 'base64url')]);
    return Buffer.concat([sshString('ecdsa-sha2-nistp256'), sshString('nistp256'), sshString(point)]);
  }
  throw new CodedError({
    code: 'TRUST_KEY_KIND',
    message: `A key of kind ${crv ?? key.asymmetricKeyType} can't sign commits.`,
    remedy: 'Use a P-256 or Ed25519 key.',
  });
}

/** One line of Git's `gpg.ssh.allowedSignersFile`: with it, `git log --show-signature` calls commits of this key good. */
export function formatAllowedSigner(principal: string, key: KeyObject): string {
  const blob = sshPublicKey(key);
  const type = new SshReader(blob).text();
  return `${principal} namespaces="${GIT_NAMESPACE}" ${type} ${blob.toString('base64')}`;
}

/** The bytes that the key signs: a digest of the message under a namespace, so that no signature serves another purpose. */
export function sshSignedBytes(namespace: string, hash: 'sha512' | 'sha256', message: Uint8Array | string): Buffer {
  const digest = createHash(hash).update(message).digest();
  return Buffer.concat([
    Buffer.from('SSHSIG'),
    sshString(namespace),
    sshString(''),
    sshString(hash),
    sshString(digest),
  ]);
}

/** Reads SSH strings; throws RangeError past the end. */
class SshReader {
  readonly #bytes: Buffer;
  #offset = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  take(count: number): Buffer {
    if (count > this.#bytes.length - this.#offset) throw new RangeError('the signature ends too early');
    this.#offset += count;
    return this.#bytes.subarray(this.#offset - count, this.#offset);
  }

  number(): number {
    return this.take(4).readUInt32BE();
  }

  string(): Buffer {
    return this.take(this.number());
  }

  text(): string {
    return this.string().toString('latin1');
  }

  end(): void {
    if (this.#offset !== this.#bytes.length) throw new RangeError('bytes follow the signature');
  }
}

function dearmor(armored: string): Buffer {
  if (armored.length > MOST_SIGNATURE_CHARACTERS) throw new RangeError('the signature is too long');
  const body = /^\s*-----BEGIN SSH SIGNATURE-----\r?\n([A-Za-z0-9+/=\r\n]+)-----END SSH SIGNATURE-----\s*$/.exec(
    armored,
  )?.[1];
  if (body === undefined) throw new RangeError('it is not an SSH signature');
  return Buffer.from(body.replace(/[\r\n]/g, ''), 'base64');
}

/** A positive number of at most 32 bytes, as 32 bytes. */
function fixedInteger(mpint: Buffer): Buffer {
  const bytes = mpint[0] === 0 ? mpint.subarray(1) : mpint;
  if (bytes.length > 32) throw new RangeError('the signature has a number out of range');
  return Buffer.concat([Buffer.alloc(32 - bytes.length), bytes]);
}

/** Key of an SSH public key blob, and a check of raw signatures with it. */
function readKey(blob: Buffer): { type: string; key: KeyObject; fits: (signed: Buffer, raw: Buffer) => boolean } {
  const reader = new SshReader(blob);
  const type = reader.text();
  if (type === 'ssh-ed25519') {
    const x = reader.string().toString('base64url');
    reader.end();
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
    return { type, key, fits: (signed, raw) => verify(null, signed, key, raw) };
  }
  if (type !== 'ecdsa-sha2-nistp256') throw new RangeError('its key is neither P-256 nor Ed25519');
  if (reader.text() !== 'nistp256') throw new RangeError('its curve is not P-256');
  const point = reader.string();
  reader.end();
  if (point.length !== 65 || point[0] !== 4) throw new RangeError('its key is not an uncompressed point');
  const [x, y] = [point.subarray(1, 33).toString('base64url'), point.subarray(33).toString('base64url')];
  const key = createPublicKey({ key: { kty: 'EC', crv: 'P-256', x, y }, format: 'jwk' });
  const fits = (signed: Buffer, raw: Buffer): boolean => {
    const numbers = new SshReader(raw);
    const joined = Buffer.concat([fixedInteger(numbers.string()), fixedInteger(numbers.string())]);
    numbers.end();
    return verify('sha256', signed, { key, dsaEncoding: 'ieee-p1363' }, joined);
  };
  return { type, key, fits };
}

/**
 * Which key signed the message. The key stands in the signature itself: the caller must look it up in its own list
 * (`keyId`), else anyone's signature is good. Never throws.
 */
export function verifySshSignature(message: Uint8Array | string, armored: string, namespace = GIT_NAMESPACE): SshCheck {
  try {
    const reader = new SshReader(dearmor(armored));
    if (reader.take(6).toString('latin1') !== 'SSHSIG') throw new RangeError('it is not an SSH signature');
    if (reader.number() !== 1) throw new RangeError('its version is not 1');
    const { type, key, fits } = readKey(reader.string());
    if (reader.text() !== namespace) throw new RangeError(`it was not made for "${namespace}"`);
    reader.string(); // reserved: to be ignored
    const hash = reader.text();
    if (hash !== 'sha512' && hash !== 'sha256') throw new RangeError('its hash is neither SHA-512 nor SHA-256');
    const signature = new SshReader(reader.string());
    reader.end();
    if (signature.text() !== type) throw new RangeError('key and signature are of different kinds');
    const raw = signature.string();
    signature.end();
    if (!fits(sshSignedBytes(namespace, hash, message), raw)) throw new RangeError('the signature does not match');
    return { kind: 'verified', key, keyId: keyIdOf(key) };
  } catch (error) {
    return { kind: 'refused', reason: error instanceof RangeError ? error.message : 'it is damaged' };
  }
}

/**
 * A raw commit object as what was signed and the signature. Throws GIT_COMMIT_SIGNATURES when there are two signatures or
 * one for SHA-256 object names: which of them counts would be the attacker's choice.
 */
export function splitSignedCommit(raw: Uint8Array): { readonly payload: Buffer; readonly signature: string | null } {
  const text = Buffer.from(raw).toString('latin1');
  const headEnd = text.indexOf('\n\n');
  const head = headEnd === -1 ? text : text.slice(0, headEnd);
  const kept: string[] = [];
  const signature: string[] = [];
  let inside = false;
  for (const line of head.split('\n')) {
    if (inside && line.startsWith(' ')) {
      signature.push(line.slice(1));
      continue;
    }
    inside = line.startsWith('gpgsig ');
    if ((inside && signature.length > 0) || line.startsWith('gpgsig-sha256 ')) {
      throw new CodedError({ code: 'GIT_COMMIT_SIGNATURES', message: 'The commit carries more than one signature.' });
    }
    if (inside) signature.push(line.slice('gpgsig '.length));
    else kept.push(line);
  }
  const payload = Buffer.from(kept.join('\n') + text.slice(head.length), 'latin1');
  return { payload, signature: signature.length === 0 ? null : `${signature.join('\n')}\n` };
}

/** Was this raw commit object signed by one of these keys (by key id)? Never throws. */
export function verifySignedCommit(raw: Uint8Array, keys: ReconcilerKeys): SshCheck {
  if (raw.length > MOST_COMMIT_BYTES) return { kind: 'refused', reason: 'the commit is too long' };
  try {
    const { payload, signature } = splitSignedCommit(raw);
    if (signature === null) return { kind: 'refused', reason: 'the commit is not signed' };
    const check = verifySshSignature(payload, signature);
    if (check.kind === 'verified' && !keys.has(check.keyId)) {
      return { kind: 'refused', reason: `the commit was signed by a key that is not trusted (${check.keyId})` };
    }
    return check;
  } catch (error) {
    return { kind: 'refused', reason: error instanceof CodedError ? error.message : 'the commit is damaged' };
  }
}
