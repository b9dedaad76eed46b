// Owns signing of documents with a key: the Sigstore bundle that lies beside a manifest or a policy.
import { createHash, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { assertP256, keyIdOf } from '../contract/trust/keys.ts';

/** A Sigstore bundle of version 0.3 with a message signature by a key, as JSON. */
export interface SigstoreBundleJson {
  readonly mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json';
  readonly verificationMaterial: { readonly publicKey: { readonly hint: string } };
  readonly messageSignature: {
    readonly messageDigest: { readonly algorithm: 'SHA2_256'; readonly digest: string };
    readonly signature: string;
  };
}

/** The bundle of a signature (DER, SHA-256) that this key made over the bytes. */
export function keyBundle(bytes: Uint8Array, publicKey: KeyObject, signature: Uint8Array): SigstoreBundleJson {
  return {
    mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
    verificationMaterial: { publicKey: { hint: keyIdOf(publicKey) } },
    messageSignature: {
      messageDigest: { algorithm: 'SHA2_256', digest: createHash('sha256').update(bytes).digest('base64') },
      signature: Buffer.from(signature).toString('base64'),
    },
  };
}

/** Signs the bytes as they are; verify them before they are parsed. Throws TRUST_KEY_KIND unless the key is P-256. */
export function signBytes(bytes: Uint8Array, key: KeyObject): SigstoreBundleJson {
  assertP256(key, 'The signing key');
  return keyBundle(bytes, createPublicKey(key), sign('sha256', bytes, key));
}

/** A bundle as its file holds it. */
export function bundleText(bundle: object): string {
  return `${JSON.stringify(bundle, null, 2)}\n`;
}
