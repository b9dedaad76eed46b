// Owns what whoever signs documents promises, and the one who holds a key in this process.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { keyIdOf } from '../contract/trust/keys.ts';
import { bundleText, signBytes } from './sign-document.ts';

export interface SignedDocument {
  /** Text of the Sigstore bundle to keep beside the document. */
  readonly bundle: string;
  /** Who signed, for people. */
  readonly signer: string;
}

export interface DocumentSigner {
  /** Who will sign, for people. */
  readonly name: string;
  /** What others answered was verified against these bytes. */
  sign(bytes: Uint8Array): Promise<SignedDocument>;
}

/** Throws TRUST_KEY_KIND unless the key is P-256. */
export function createKeySigner(key: KeyObject): DocumentSigner {
  const name = `key ${keyIdOf(createPublicKey(key))}`;
  return { name, sign: async (bytes) => ({ bundle: bundleText(signBytes(bytes, key)), signer: name }) };
}
