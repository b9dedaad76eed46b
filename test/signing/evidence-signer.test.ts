// Proves that evidence is believed when the reconciler signed it, and only then.

import { bundleFromJSON } from '@sigstore/bundle';
import { describe, expect, test } from 'vitest';
import { signDsse } from '../../src/contract/trust/dsse.ts';
import { reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import {
  EVIDENCE_PREDICATE_TYPE,
  IN_TOTO_PAYLOAD_TYPE,
  IN_TOTO_STATEMENT_TYPE,
  type InTotoStatement,
} from '../../src/contract/trust/statement.ts';
import { verifyEvidence } from '../../src/contract/trust/verifier.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import { makeForeignKey, makeKey } from '../support/trust.ts';

const reconciler = makeKey();
const signer = createReconcilerSigner(reconciler.key);
const trusted = reconcilerKeysOf([{ key: reconciler.publicKey }]);
const STATEMENT: InTotoStatement = {
  _type: IN_TOTO_STATEMENT_TYPE,
  subject: [{ name: 'rollouts/invoice-ocr-eu/status', digest: { sha256: 'a'.repeat(64) } }],
  predicateType: EVIDENCE_PREDICATE_TYPE,
  predicate: { rules: [], text: 'größer' },
};

describe('evidence', () => {
  test('of the reconciler is believed, and comes back as it was', () => {
    const check = verifyEvidence(signer.signEvidence(STATEMENT), trusted);
    expect(check).toMatchObject({ kind: 'verified', keyId: signer.keyId, value: { value: STATEMENT } });
  });

  test('of the same content has the same payload, whatever the order of its members', () => {
    const { predicate, ...rest } = STATEMENT;
    const payloadOf = (statement: InTotoStatement) => JSON.parse(signer.signEvidence(statement)).payload;
    expect(payloadOf({ predicate, ...rest })).toBe(payloadOf(STATEMENT));
  });

  test('of another key is refused, also when it claims the key id of the reconciler', () => {
    const stranger = makeKey();
    const text = createReconcilerSigner(stranger.key).signEvidence(STATEMENT);
    expect(verifyEvidence(text, trusted)).toMatchObject({
      code: 'EVIDENCE_KEY_UNKNOWN',
      reason: expect.stringContaining('not known'),
    });
    const forged = signDsse(IN_TOTO_PAYLOAD_TYPE, Buffer.from(JSON.stringify(STATEMENT)), {
      keyid: signer.keyId,
      key: stranger.key,
    });
    expect(verifyEvidence(JSON.stringify(forged), trusted)).toMatchObject({ code: 'EVIDENCE_SIGNATURE' });
  });

  test('of another payload or predicate type is refused, though the reconciler signed it', () => {
    const bytes = Buffer.from(JSON.stringify(STATEMENT));
    const asReport = signDsse('application/vnd.slipway.report+json', bytes, {
      keyid: signer.keyId,
      key: reconciler.key,
    });
    expect(verifyEvidence(JSON.stringify(asReport), trusted)).toMatchObject({ code: 'EVIDENCE_SIGNATURE' });
    const other = signer.signEvidence({ ...STATEMENT, predicateType: 'https://slsa.dev/provenance/v1' });
    expect(verifyEvidence(other, trusted)).toMatchObject({ code: 'EVIDENCE_UNREADABLE' });
  });

  test('without subjects, or that is not JSON, is refused', () => {
    expect(verifyEvidence(signer.signEvidence({ ...STATEMENT, subject: [] }), trusted)).toMatchObject({
      code: 'EVIDENCE_UNREADABLE',
    });
    const notJson = signDsse(IN_TOTO_PAYLOAD_TYPE, Buffer.of(0xff), { keyid: signer.keyId, key: reconciler.key });
    expect(verifyEvidence(JSON.stringify(notJson), trusted)).toMatchObject({ code: 'EVIDENCE_UNREADABLE' });
    for (const text of ['', 'null', '[]', '{}']) expect(verifyEvidence(text, trusted).kind).toBe('refused');
  });
});

test('a reconciler key that is not P-256 is refused at once', () => {
  expect(() => createReconcilerSigner(makeForeignKey('ed25519').key)).toThrow(/only P-256/);
  expect(() => signBytes(Buffer.from('x'), makeForeignKey('P-384').key)).toThrow(/P-384; only P-256/);
});

test('our bundles are read by the library of Sigstore', () => {
  const bundle = bundleFromJSON(signBytes(Buffer.from('x'), reconciler.key));
  expect(bundle.verificationMaterial.content).toEqual({ $case: 'publicKey', publicKey: { hint: signer.keyId } });
});
