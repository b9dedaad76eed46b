// Proves that what stands in a key's bundle beside the signature is verified: log entry, inclusion, timestamp; and what it is good for.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import type { SignerSource } from '../../../src/contract/trust/trust-policy.ts';
import type { Purpose } from '../../../src/contract/trust/verifier.ts';
import { signBytes } from '../../../src/signing/sign-document.ts';
import { type BundleJson, type MockSigstore, startMockSigstore } from '../../support/mock-sigstore.ts';
import { makeKey, verifierFor } from '../../support/trust.ts';

const MANIFEST = Buffer.from('kind: ModelManifest\n');
const ci = makeKey();
let sigstore: MockSigstore;
let logged: BundleJson;
let stamped: BundleJson;
let bare: BundleJson;
beforeAll(async () => {
  sigstore = await startMockSigstore();
  logged = await sigstore.signBlob(MANIFEST, ci.key);
  stamped = await sigstore.signBlob(MANIFEST, ci.key, 'rekor-v2+tsa');
  bare = signBytes(MANIFEST, ci.key);
});
afterAll(() => sigstore[Symbol.asyncDispose]());

interface Case {
  readonly signer?: Partial<SignerSource>;
  readonly purpose?: Purpose;
  readonly now?: number;
  readonly trustedRoot?: unknown;
}

function judge(bundle: BundleJson, { signer = {}, purpose = 'admit', now = Date.now(), ...more }: Case = {}) {
  const verifier = verifierFor([{ name: 'ci', publicKey: ci.publicPem, ...signer }], {
    trustedRoot: 'trustedRoot' in more ? more.trustedRoot : sigstore.trustedRoot,
  });
  return verifier.verifyModel(MANIFEST, JSON.stringify(bundle), { model: 'm', now, purpose });
}

function altered(bundle: BundleJson, change: (copy: BundleJson) => void): BundleJson {
  const copy = structuredClone(bundle);
  change(copy);
  return copy;
}

const flipped = (base64: string): string => {
  const bytes = Buffer.from(base64, 'base64');
  bytes[bytes.length >> 1]! ^= 1;
  return bytes.toString('base64');
};
const entryOf = (bundle: BundleJson) => bundle.verificationMaterial.tlogEntries[0];

test('a bundle of a key with a log entry or a timestamp is accepted as it was made', () => {
  for (const bundle of [logged, stamped, bare]) expect(judge(bundle)).toMatchObject({ kind: 'verified' });
});

test.each<[string, () => BundleJson, (copy: BundleJson) => void]>([
  ['time of the log', () => logged, (copy) => (entryOf(copy).integratedTime = '1')],
  ['name of the log', () => logged, (copy) => (entryOf(copy).logId.keyId = flipped(entryOf(copy).logId.keyId))],
  [
    'logged content',
    () => logged,
    (copy) => (entryOf(copy).canonicalizedBody = flipped(entryOf(copy).canonicalizedBody)),
  ],
  [
    "log's promise",
    () => logged,
    ({ verificationMaterial: { tlogEntries } }) => {
      const { inclusionPromise } = tlogEntries[0];
      inclusionPromise.signedEntryTimestamp = flipped(inclusionPromise.signedEntryTimestamp);
    },
  ],
  [
    'proof of inclusion',
    () => stamped,
    (copy) => (entryOf(copy).inclusionProof.rootHash = flipped(entryOf(copy).inclusionProof.rootHash)),
  ],
  ['checkpoint', () => stamped, (copy) => (entryOf(copy).inclusionProof.checkpoint.envelope = 'x')],
  [
    'timestamp',
    () => stamped,
    ({ verificationMaterial: { timestampVerificationData: data } }) => {
      data.rfc3161Timestamps[0].signedTimestamp = flipped(data.rfc3161Timestamps[0].signedTimestamp);
    },
  ],
])('a changed %s is refused', (_, bundle, change) => {
  expect(judge(altered(bundle(), change)).kind).toBe('refused');
});

test('the log entry and the timestamp of another signature are refused', async () => {
  const other = await sigstore.signBlob(Buffer.from('other'), ci.key, 'rekor-v2+tsa');
  for (const part of ['tlogEntries', 'timestampVerificationData']) {
    const mixed = altered(stamped, (copy) => {
      copy.verificationMaterial[part] = other.verificationMaterial[part];
    });
    expect(judge(mixed)).toMatchObject({ code: 'SIGNATURE_WRONG' });
  }
});

describe('a signer who must prove', () => {
  test('a log entry or a signed time is refused without it, and accepted with it', () => {
    const log = { signer: { require: ['log'] as const } };
    const timestamp = { signer: { require: ['timestamp'] as const } };
    expect(judge(bare, log)).toMatchObject({ code: 'PROOF_MISSING', reason: expect.stringContaining('log') });
    expect(judge(bare, timestamp)).toMatchObject({ code: 'PROOF_MISSING' });
    for (const bundle of [logged, stamped])
      for (const wanted of [log, timestamp]) expect(judge(bundle, wanted)).toMatchObject({ kind: 'verified' });
  });

  test('needs a trusted root, or the policy is refused', () => {
    expect(() => judge(bare, { signer: { require: ['log'] }, trustedRoot: undefined })).toThrow(CodedError);
  });
});

describe('past the end of a signer', () => {
  const hour = 3_600_000;
  const late = { now: Date.now() + 2 * hour, signer: { notAfter: new Date(Date.now() + hour).toISOString() } };

  test('only a signed time within it lets a version be installed that nothing else dates', () => {
    expect(judge(bare, { ...late, purpose: 'dated' })).toMatchObject({ code: 'SIGNER_EXPIRED' });
    for (const bundle of [logged, stamped])
      expect(judge(bundle, { ...late, purpose: 'dated' })).toMatchObject({ kind: 'verified' });
  });

  test('a signed time after it helps nobody', () => {
    const ended = { ...late, signer: { notAfter: new Date(Date.now() - hour).toISOString() } };
    expect(judge(logged, { ...ended, purpose: 'dated' })).toMatchObject({ code: 'SIGNER_EXPIRED' });
  });

  test('nothing starts anew, and what something else dates stays', () => {
    for (const bundle of [bare, logged]) {
      expect(judge(bundle, { ...late, purpose: 'admit' })).toMatchObject({ code: 'SIGNER_EXPIRED' });
      expect(judge(bundle, { ...late, purpose: 'keep' })).toMatchObject({ kind: 'verified' });
    }
  });
});
