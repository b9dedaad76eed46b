// Proves what a trust policy of identities lets through, against a whole Sigstore on this machine.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { digestOf } from '../../../src/contract/digest.ts';
import { IN_TOTO_STATEMENT_TYPE } from '../../../src/contract/trust/statement.ts';
import type { KeylessSource, SignerSource } from '../../../src/contract/trust/trust-policy.ts';
import { signBytes } from '../../../src/signing/sign-document.ts';
import { type BundleJson, type MockSigstore, startMockSigstore } from '../../support/mock-sigstore.ts';
import { makeKey, verifierFor } from '../../support/trust.ts';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const MANIFEST = Buffer.from('kind: ModelManifest\n');
const ISSUER = 'https://token.actions.githubusercontent.com';
const WORKFLOW = 'https://github.com/org/models/.github/workflows/release.yml@refs/heads/main';
const CI = { iss: ISSUER, sub: WORKFLOW };

let sigstore: MockSigstore;
let bundle: BundleJson;
beforeAll(async () => {
  sigstore = await startMockSigstore();
  bundle = await sigstore.signBlob(MANIFEST, CI);
});
afterAll(() => sigstore[Symbol.asyncDispose]());

function asSigner(keyless: Partial<KeylessSource>, more: Partial<SignerSource> = {}): SignerSource {
  return { name: 'ci', keyless: { issuer: ISSUER, ...keyless }, ...more };
}
const EXACT = asSigner({ identity: WORKFLOW });

function judge(
  given: BundleJson,
  signer = EXACT,
  { bytes = MANIFEST, trustedRoot = sigstore.trustedRoot as unknown, now = NOW } = {},
) {
  const verifier = verifierFor([signer], { trustedRoot });
  return verifier.verifyModel(bytes, JSON.stringify(given), { model: 'invoice-ocr', now, purpose: 'admit' });
}

/** A deep copy, changed. */
function altered(given: BundleJson, change: (copy: BundleJson) => void): BundleJson {
  const copy = structuredClone(given);
  change(copy);
  return copy;
}

describe('a model signed by an identity', () => {
  test.each(['rekor-v1', 'rekor-v2+tsa'] as const)('is verified with the proofs of %s', async (proofs) => {
    const result = judge(await sigstore.signBlob(MANIFEST, CI, proofs));
    expect(result).toMatchObject({ kind: 'verified', signer: `ci (${WORKFLOW}, issued by ${ISSUER})` });
  });

  test('is refused when the file was changed after signing', () => {
    expect(judge(bundle, EXACT, { bytes: Buffer.from('kind: ModelManifesu\n') })).toMatchObject({
      code: 'SIGNATURE_WRONG',
      reason: expect.stringContaining('changed after it was signed'),
    });
  });

  test('is refused when the identity or its issuer is another', async () => {
    expect(judge(bundle, asSigner({ identity: `${WORKFLOW}x` }))).toMatchObject({ code: 'SIGNER_UNKNOWN' });
    const imitator = await sigstore.signBlob(MANIFEST, { iss: 'https://issuer.invalid', sub: WORKFLOW });
    expect(judge(imitator)).toMatchObject({
      code: 'SIGNER_UNKNOWN',
      reason: expect.stringContaining('https://issuer.invalid'),
    });
  });

  test('fits a pattern as a whole only: a name that merely contains a trusted one is a stranger', async () => {
    const pattern = asSigner({
      identityPattern: 'https://github.com/org/*/.github/workflows/release.yml@refs/heads/main',
    });
    expect(judge(bundle, pattern)).toMatchObject({ kind: 'verified' });
    const unanchored = asSigner({ identityPattern: 'https://github.com/org' });
    for (const sub of [
      `https://evil.example/?https://github.com/org`,
      'https://github.com/organised-crime/x',
      `${WORKFLOW}\nx`,
    ]) {
      const attack = await sigstore.signBlob(MANIFEST, { iss: ISSUER, sub });
      expect(judge(attack, unanchored)).toMatchObject({ code: 'SIGNER_UNKNOWN' });
      expect(judge(attack, pattern)).toMatchObject({ code: 'SIGNER_UNKNOWN' });
    }
  });

  test('takes an exact identity for text, not for a pattern', async () => {
    const lookalike = await sigstore.signBlob(MANIFEST, {
      iss: ISSUER,
      sub: WORKFLOW.replace('github.com', 'githubxcom'),
    });
    expect(judge(lookalike)).toMatchObject({ code: 'SIGNER_UNKNOWN' });
  });

  test('is refused under the trusted root of another Sigstore', async () => {
    await using other = await startMockSigstore();
    expect(judge(bundle, EXACT, { trustedRoot: other.trustedRoot })).toMatchObject({ code: 'SIGNATURE_WRONG' });
  });

  test('is refused without a log entry, and without a timestamp', async () => {
    expect(judge(await sigstore.signBlob(MANIFEST, CI, 'tsa-only'))).toMatchObject({ code: 'SIGNATURE_WRONG' });
    expect(judge(await sigstore.signBlob(MANIFEST, CI, 'rekor-v2-only'))).toMatchObject({
      code: 'SIGNATURE_WRONG',
      reason: expect.stringContaining('expected 1 timestamps'),
    });
    const bare = altered(bundle, (copy) => {
      copy.verificationMaterial.tlogEntries = [];
    });
    expect(judge(bare)).toMatchObject({ code: 'SIGNATURE_WRONG' });
  });

  test('is refused with the log entry of another signature', async () => {
    const other = await sigstore.signBlob(Buffer.from('other'), CI);
    const mixed = altered(bundle, (copy) => {
      copy.verificationMaterial.tlogEntries = other.verificationMaterial.tlogEntries;
    });
    expect(judge(mixed)).toMatchObject({ code: 'SIGNATURE_WRONG' });
  });

  test('is refused when its certificate had expired before the logs saw the signature', async () => {
    const fresh = await sigstore.signBlob(MANIFEST, CI);
    sigstore.setTime(new Date(Date.now() + 3_600_000));
    try {
      const late = await sigstore.signBlob(MANIFEST, CI);
      const revived = altered(late, (copy) => {
        copy.verificationMaterial.certificate = fresh.verificationMaterial.certificate;
      });
      expect(judge(late)).toMatchObject({ kind: 'verified' });
      expect(judge(revived)).toMatchObject({ code: 'SIGNATURE_WRONG' });
    } finally {
      sigstore.setTime(new Date());
    }
  });

  test('past the end date of the signer is refused as new', () => {
    const ended = asSigner({ identity: WORKFLOW }, { notAfter: '2026-11-20T09:00:00Z' });
    expect(judge(bundle, ended)).toMatchObject({ code: 'SIGNER_EXPIRED' });
    expect(judge(bundle, asSigner({ identity: WORKFLOW }, { revoked: true }))).toMatchObject({
      code: 'SIGNER_REVOKED',
    });
  });

  test('is refused under a policy of keys, and a key signature under a policy of identities', () => {
    const ci = makeKey();
    const keys = verifierFor([{ name: 'ci', publicKey: ci.publicPem }], { trustedRoot: sigstore.trustedRoot });
    const question = { model: 'm', now: NOW, purpose: 'admit' } as const;
    expect(keys.verifyModel(MANIFEST, JSON.stringify(bundle), question)).toMatchObject({ code: 'SIGNER_UNKNOWN' });
    expect(judge(signBytes(MANIFEST, ci.key))).toMatchObject({ code: 'SIGNER_UNKNOWN' });
  });
});

describe('a bundle of another form', () => {
  const refusedAs = (code: string, change: (copy: BundleJson) => void) => {
    expect(judge(altered(bundle, change))).toMatchObject({ kind: 'refused', code });
  };

  test('is refused on purpose when it brings a certificate chain, whatever version it claims', () => {
    const chain = (copy: BundleJson) => {
      const { certificate, ...material } = copy.verificationMaterial;
      copy.verificationMaterial = { ...material, x509CertificateChain: { certificates: [certificate] } };
    };
    refusedAs('SIGNATURE_UNSUPPORTED', chain);
    refusedAs('SIGNATURE_UNSUPPORTED', (copy) => {
      chain(copy);
      copy.mediaType = 'application/vnd.dev.sigstore.bundle+json;version=0.2';
    });
  });

  test('is refused when it is of an older version, or of cosign before bundles', () => {
    for (const version of ['0.1', '0.2']) {
      refusedAs('SIGNATURE_UNSUPPORTED', (copy) => {
        copy.mediaType = `application/vnd.dev.sigstore.bundle+json;version=${version}`;
      });
    }
    expect(judge({ base64Signature: 'MEUC', cert: '', rekorBundle: {} })).toMatchObject({
      code: 'SIGNATURE_UNSUPPORTED',
      reason: expect.stringContaining('--new-bundle-format'),
    });
  });

  test('is refused when it repeats its log entries to stretch the work', () => {
    refusedAs('SIGNATURE_UNSUPPORTED', (copy) => {
      copy.verificationMaterial.tlogEntries = Array(9).fill(copy.verificationMaterial.tlogEntries[0]);
    });
    refusedAs('SIGNATURE_WRONG', (copy) => {
      copy.verificationMaterial.tlogEntries = Array(2).fill(copy.verificationMaterial.tlogEntries[0]);
    });
  });

  test('is refused when an attestation takes the place of a signature over the file', async () => {
    const attestation = await sigstore.attest({ _type: IN_TOTO_STATEMENT_TYPE }, CI);
    expect(judge(attestation)).toMatchObject({ code: 'SIGNATURE_UNSUPPORTED' });
  });
});

describe('an attestation', () => {
  const PROVENANCE = 'https://slsa.dev/provenance/v1';
  const subject = digestOf(MANIFEST);
  const statement = (more: object = {}) => ({
    _type: IN_TOTO_STATEMENT_TYPE,
    subject: [{ name: 'models/m/1.yaml', digest: { sha256: subject.slice(7) } }],
    predicateType: PROVENANCE,
    predicate: { builder: 'ci' },
    ...more,
  });
  const ask = (given: BundleJson, signer: SignerSource = EXACT) =>
    verifierFor([signer], { trustedRoot: sigstore.trustedRoot }).verifyAttestation(JSON.stringify(given), {
      model: 'm',
      predicateType: PROVENANCE,
      subject,
      now: NOW,
      purpose: 'admit',
    });

  test.each(['rekor-v1', 'rekor-v2+tsa'] as const)(
    'of the wanted type about the file is verified with the proofs of %s',
    async (proofs) => {
      const result = ask(await sigstore.attest(statement(), CI, { proofs }));
      expect(result).toMatchObject({ kind: 'verified', value: { value: { predicate: { builder: 'ci' } } } });
    },
  );

  test('about another file, of another type, or of another payload type is refused', async () => {
    const elsewhere = statement({ subject: [{ name: 'models/m/1.yaml', digest: { sha256: '0'.repeat(64) } }] });
    expect(ask(await sigstore.attest(elsewhere, CI))).toMatchObject({ code: 'SIGNATURE_WRONG' });
    expect(ask(await sigstore.attest(statement({ predicateType: 'https://x/v1' }), CI))).toMatchObject({
      code: 'SIGNATURE_UNSUPPORTED',
    });
    expect(ask(await sigstore.attest(statement({ _type: 'https://in-toto.io/Statement/v0.1' }), CI))).toMatchObject({
      kind: 'refused',
    });
    const plain = await sigstore.attest(statement(), CI, { payloadType: 'application/json' });
    expect(ask(plain)).toMatchObject({ code: 'SIGNATURE_UNSUPPORTED' });
  });

  test('by a stranger, or by someone who may not sign the model, is refused', async () => {
    const given = await sigstore.attest(statement(), CI);
    expect(ask(given, asSigner({ identity: 'someone else' }))).toMatchObject({ code: 'SIGNER_UNKNOWN' });
    expect(ask(given, asSigner({ identity: WORKFLOW }, { models: ['door-*'] }))).toMatchObject({
      code: 'SIGNER_NOT_ALLOWED',
    });
  });
});
