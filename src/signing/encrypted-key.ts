// Owns private keys that cosign encrypted: scrypt makes a key of the passphrase, NaCl's secretbox holds PKCS #8.
import { scryptSync } from 'node:crypto';
import { xsalsa20poly1305 } from '@noble/ciphers/salsa.js';
import { CodedError } from '../base/errors.ts';

/** cosign has N = 65,536 and r = 8, which takes 64 MiB; a file may ask for four times that. */
const MOST_SCRYPT_BYTES = 256 * 1024 * 1024;
const MOST_PARALLEL = 4;

/** Is it PEM that needs a passphrase: of OpenSSL (both forms), or of cosign? */
export function isEncrypted(pem: string): boolean {
  return /-----BEGIN ENCRYPTED|Proc-Type: 4,ENCRYPTED/.test(pem);
}

export function isOfCosign(pem: string): boolean {
  return /-----BEGIN ENCRYPTED (?:COSIGN|SIGSTORE) PRIVATE KEY-----/.test(pem);
}

interface CosignBox {
  readonly kdf: { readonly name: string; readonly params: { N: number; r: number; p: number }; readonly salt: string };
  readonly cipher: { readonly name: string; readonly nonce: string };
  readonly ciphertext: string;
}

function boxIn(pem: string): CosignBox | undefined {
  const body = /-----BEGIN [A-Z ]+-----([A-Za-z0-9+/=\s]+)-----END/.exec(pem)?.[1] ?? '';
  try {
    const { kdf, cipher, ciphertext } = JSON.parse(Buffer.from(body, 'base64').toString('utf8')) as CosignBox;
    const { N, r, p } = kdf.params;
    const isBounded = [N, r, p].every((one) => Number.isSafeInteger(one) && one > 0) && p <= MOST_PARALLEL;
    const isKnown = kdf.name === 'scrypt' && cipher.name === 'nacl/secretbox';
    return isBounded && isKnown && 128 * N * r <= MOST_SCRYPT_BYTES ? { kdf, cipher, ciphertext } : undefined;
  } catch {
    return undefined;
  }
}

/** DER (PKCS #8) of the key. Throws KEY_UNREADABLE or KEY_PASSPHRASE; no message quotes anything of it. */
export function openCosignKey(pem: string, passphrase: string, source: string): Buffer {
  const box = boxIn(pem);
  if (box === undefined) {
    throw new CodedError({
      code: 'KEY_UNREADABLE',
      message: `${source} is not a private key as cosign encrypts them.`,
      remedy: 'Copy the whole file again, or make a key with `cosign generate-key-pair`.',
    });
  }
  const { N, r, p } = box.kdf.params;
  try {
    const maxmem = 2 * MOST_SCRYPT_BYTES;
    const key = scryptSync(passphrase, Buffer.from(box.kdf.salt, 'base64'), 32, { N, r, p, maxmem });
    const nonce = Buffer.from(box.cipher.nonce, 'base64');
    return Buffer.from(xsalsa20poly1305(key, nonce).decrypt(Buffer.from(box.ciphertext, 'base64')));
  } catch {
    throw wrongPassphrase(source);
  }
}

export function wrongPassphrase(source: string): CodedError {
  return new CodedError({
    code: 'KEY_PASSPHRASE',
    message: `The passphrase does not open ${source}.`,
    remedy: 'Check the passphrase, and that the key file is complete.',
  });
}
