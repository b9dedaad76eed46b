// Proves that no bundle, however it was bent, makes verification throw, hang or say yes to other bytes.
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DocumentVerifier } from '../../../src/contract/trust/verifier.ts';
import { signBytes } from '../../../src/signing/sign-document.ts';
import { type BundleJson, type MockSigstore, startMockSigstore } from '../../support/mock-sigstore.ts';
import { makeKey, verifierFor } from '../../support/trust.ts';

const MANIFEST = Buffer.from('kind: ModelManifest\n');
const OTHER = Buffer.from('kind: ModelManifest # with a bad model\n');
const WHO = { iss: 'https://issuer.example', sub: 'https://github.com/org/models' };
const ci = makeKey();

let sigstore: MockSigstore;
let verifier: DocumentVerifier;
let seeds: BundleJson[];
beforeAll(async () => {
  sigstore = await startMockSigstore();
  const keyless = { issuer: WHO.iss, identity: WHO.sub };
  const signers = [
    { name: 'ci', publicKey: ci.publicPem },
    { name: 'actions', keyless },
  ];
  verifier = verifierFor(signers, { trustedRoot: sigstore.trustedRoot, cacheEntries: 1 });
  seeds = [
    signBytes(MANIFEST, ci.key),
    await sigstore.signBlob(MANIFEST, WHO),
    await sigstore.signBlob(MANIFEST, WHO, 'rekor-v2+tsa'),
    await sigstore.attest({ _type: 'https://in-toto.io/Statement/v1' }, WHO),
  ];
});
afterAll(() => sigstore[Symbol.asyncDispose]());

const ask = (signature: Uint8Array | string, bytes = MANIFEST) =>
  verifier.verifyModel(bytes, signature, { model: 'm', now: 0, purpose: 'admit' });

/** All paths to members and elements inside. */
function pathsOf(value: unknown, path: string[] = []): string[][] {
  if (typeof value !== 'object' || value === null) return [path];
  return [path, ...Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name]))];
}

function mutate(bundle: BundleJson, path: string[], change: (value: unknown) => unknown): unknown {
  const [name, ...rest] = path;
  if (name === undefined) return change(bundle);
  const copy = Array.isArray(bundle) ? [...bundle] : { ...bundle };
  const member = mutate(copy[name], rest, change);
  if (member === undefined) delete copy[name];
  else copy[name] = member;
  return copy;
}

function flipBit(text: string, at: number): string {
  const bytes = Buffer.from(text, 'base64');
  if (bytes.length === 0) return 'AA==';
  bytes[Math.floor(at / 8) % bytes.length]! ^= 1 << (at % 8);
  return bytes.toString('base64');
}

const change = fc.oneof(
  fc.constant(() => undefined),
  fc.jsonValue().map((value) => () => value),
  fc.nat().map((at) => (value: unknown) => (typeof value === 'string' ? flipBit(value, at) : [value, value])),
  fc.nat(200).map((length) => (value: unknown) => (typeof value === 'string' ? value.slice(0, length) : {})),
);

describe('a bent bundle', () => {
  test('never throws and never verifies other bytes than those that were signed', () => {
    const kinds = new Set<string>();
    fc.assert(
      fc.property(fc.nat(3), fc.array(fc.tuple(fc.nat(), change), { minLength: 1, maxLength: 3 }), (seed, changes) => {
        let bent: unknown = seeds[seed];
        for (const [which, how] of changes) {
          const paths = pathsOf(bent);
          bent = mutate(bent, paths[which % paths.length]!, how);
        }
        const text = JSON.stringify(bent) ?? '';
        expect(ask(text, OTHER).kind).toBe('refused');
        const check = ask(text);
        kinds.add(check.kind === 'refused' ? check.code : 'verified');
      }),
      { numRuns: 3000 },
    );
    expect([...kinds]).toEqual(
      expect.arrayContaining(['SIGNATURE_WRONG', 'SIGNATURE_UNREADABLE', 'SIGNATURE_UNSUPPORTED']),
    );
  });

  test('whose signature or proof lost a bit is refused', () => {
    const signature = ['messageSignature', 'signature'];
    for (const seed of [0, 1, 2]) {
      for (let at = 0; at < 64 * 8; at += 5) {
        expect(ask(JSON.stringify(mutate(seeds[seed], signature, (text) => flipBit(String(text), at)))).kind).toBe(
          'refused',
        );
      }
    }
  });

  test('whose certificate lost a bit of its signed part is refused', () => {
    const certificate = ['verificationMaterial', 'certificate', 'rawBytes'];
    // The signed part: a sequence of two bytes of length, inside a sequence of two bytes of length.
    // The tags around it are not signed; with them bent a certificate still says the same.
    const der = Buffer.from(seeds[1].verificationMaterial.certificate.rawBytes, 'base64');
    const end = 8 + der.readUInt16BE(6);
    expect(end).toBeGreaterThan(400);
    for (let at = 8 * 4; at < 8 * end; at += 13) {
      expect(ask(JSON.stringify(mutate(seeds[1], certificate, (text) => flipBit(String(text), at)))).kind).toBe(
        'refused',
      );
    }
  });

  test('of any text or bytes is refused', () => {
    fc.assert(fc.property(fc.string(), (text) => ask(text).kind === 'refused'));
    fc.assert(fc.property(fc.json(), (text) => ask(text).kind === 'refused'));
    fc.assert(fc.property(fc.uint8Array(), (bytes) => ask(bytes).kind === 'refused'));
    for (const text of ['', '{', '{}', 'null', '[]', '{"mediaType":null}', '{"__proto__":{"mediaType":1}}'])
      expect(ask(text).kind).toBe('refused');
  });

  test('of great length or depth is refused in short time', () => {
    expect(ask('{'.repeat(2_000_000)).kind).toBe('refused');
    expect(ask(`{"a":${'['.repeat(700_000)}`).kind).toBe('refused');
    const deep = Buffer.alloc(300_000, Buffer.from('30800000', 'hex')).toString('base64');
    for (const path of [
      ['verificationMaterial', 'certificate', 'rawBytes'],
      ['messageSignature', 'signature'],
    ]) {
      expect(ask(JSON.stringify(mutate(seeds[1], path, () => deep))).kind).toBe('refused');
    }
    const nested = Buffer.concat(
      Array.from({ length: 60_000 }, (_, i) => {
        const length = Buffer.alloc(6, 0x30);
        length[1] = 0x84;
        length.writeUInt32BE((60_000 - i - 1) * 6, 2);
        return length;
      }),
    ).toString('base64');
    const stamps = { rfc3161Timestamps: [{ signedTimestamp: nested }] };
    expect(
      ask(JSON.stringify(mutate(seeds[2], ['verificationMaterial', 'timestampVerificationData'], () => stamps))).kind,
    ).toBe('refused');
    expect(
      ask(JSON.stringify(mutate(seeds[1], ['verificationMaterial', 'certificate', 'rawBytes'], () => nested))).kind,
    ).toBe('refused');
  });
});
