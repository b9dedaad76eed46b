// Owns signers for tests: key pairs, and trust policies that know them.
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { buildTrustPolicy, type SignerSource, type TrustPolicySource } from '../../src/contract/trust/trust-policy.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import { generateKeyPair } from '../../src/signing/keys.ts';

export interface TestKey {
  readonly key: KeyObject;
  readonly publicKey: KeyObject;
  readonly privatePem: string;
  readonly publicPem: string;
}

export function makeKey(): TestKey {
  const { privatePem, publicPem } = generateKeyPair();
  return { key: createPrivateKey(privatePem), publicKey: createPublicKey(publicPem), privatePem, publicPem };
}

/** A key of a kind that Slipway refuses. */
export function makeForeignKey(kind: 'ed25519' | 'P-384' | 'secp256k1' | 'rsa'): TestKey {
  const pair =
    kind === 'ed25519'
      ? generateKeyPairSync('ed25519')
      : kind === 'rsa'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ec', { namedCurve: kind });
  return {
    key: pair.privateKey,
    publicKey: pair.publicKey,
    privatePem: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    publicPem: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  };
}

/** A verifier whose policy lists these signers; they may sign everything unless they say otherwise. */
export function verifierFor(
  signers: readonly SignerSource[],
  more: { readonly trustedRoot?: unknown; readonly cacheEntries?: number } = {},
): DocumentVerifier {
  const source: TrustPolicySource = {
    spec: {
      ...(more.trustedRoot === undefined ? {} : { trustedRoot: 'trusted_root.json' }),
      signers: signers.map((signer) => ({ models: ['*'], policies: ['*'], ...signer })),
    },
  };
  const files = new Map([['trusted_root.json', Buffer.from(JSON.stringify(more.trustedRoot ?? null))]]);
  const options = more.cacheEntries === undefined ? {} : { cacheEntries: more.cacheEntries };
  return new DocumentVerifier(buildTrustPolicy(source, files), options);
}
