// Proves what a trust policy of keys lets through, and with which words it refuses the rest.
import { sign } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import type { SignerSource } from '../../../src/contract/trust/trust-policy.ts';
import { parseVerified } from '../../../src/contract/trust/verifier.ts';
import { signBytes } from '../../../src/signing/sign-document.ts';
import { makeKey, verifierFor } from '../../support/trust.ts';

const NOW = Date.parse('2026-11-20T10:00:00Z');
const MANIFEST = Buffer.from('kind: ModelManifest\nmetadata: { name: invoice-ocr }\n');
const ci = makeKey();
const other = makeKey();
const BUNDLE = JSON.stringify(signBytes(MANIFEST, ci.key));

function asSigner(more: Partial<SignerSource> = {}): SignerSource {
  return { name: 'ci', publicKey: ci.publicPem, ...more };
}

function judge(
  signers: readonly SignerSource[],
  {
    bytes = MANIFEST,
    bundle = BUNDLE as string | undefined,
    purpose = 'admit' as 'admit' | 'keep',
    model = 'invoice-ocr',
  } = {},
) {
  return verifierFor(signers).verifyModel(bytes, bundle, { model, now: NOW, purpose });
}

describe('a model signed with a key', () => {
  test('is verified when the policy lists the key, and the bytes are the signed ones', () => {
    const result = judge([asSigner()]);
    expect(result).toMatchObject({ kind: 'verified', signer: expect.stringMatching(/^ci \(key /) });
    if (result.kind !== 'verified') throw new Error('unreachable');
    expect(result.value.value).toEqual(MANIFEST);
    expect(parseVerified(result.value, String)).toMatchObject({
      value: MANIFEST.toString(),
      digest: result.value.digest,
    });
  });

  test('is refused when any one byte of it changes', () => {
    const verifier = verifierFor([asSigner()]);
    for (let at = 0; at < MANIFEST.length; at++) {
      const bytes = Buffer.from(MANIFEST);
      bytes[at]! ^= 1;
      const result = verifier.verifyModel(bytes, BUNDLE, { model: 'invoice-ocr', now: NOW, purpose: 'admit' });
      expect(result).toMatchObject({ kind: 'refused', code: 'SIGNATURE_WRONG' });
    }
  });

  test('is refused when it is not signed', () => {
    expect(
      verifierFor([asSigner()]).verifyModel(MANIFEST, undefined, { model: 'm', now: NOW, purpose: 'keep' }),
    ).toEqual({
      kind: 'refused',
      code: 'SIGNATURE_MISSING',
      reason: 'It is not signed.',
    });
    expect(judge([asSigner()], { bundle: ' \n' })).toMatchObject({ code: 'SIGNATURE_MISSING' });
  });

  test('is refused when a stranger signed it, also under the name of a known key', () => {
    const stranger = signBytes(MANIFEST, other.key);
    expect(judge([asSigner()], { bundle: JSON.stringify(stranger) })).toMatchObject({ code: 'SIGNER_UNKNOWN' });
    const disguised = { ...stranger, verificationMaterial: JSON.parse(BUNDLE).verificationMaterial };
    expect(judge([asSigner()], { bundle: JSON.stringify(disguised) })).toMatchObject({ code: 'SIGNATURE_WRONG' });
  });

  test('is refused under a policy without signers', () => {
    expect(judge([])).toMatchObject({ code: 'SIGNER_UNKNOWN' });
  });

  test('past the end date of the key is refused as new and kept if it is old', () => {
    const ended = [asSigner({ notAfter: '2026-11-20T09:59:59Z' })];
    expect(judge(ended)).toMatchObject({
      code: 'SIGNER_EXPIRED',
      reason: expect.stringContaining('2026-11-20T09:59:59Z'),
    });
    expect(judge(ended, { purpose: 'keep' })).toMatchObject({ kind: 'verified' });
    expect(judge([asSigner({ notAfter: '2026-11-20T10:00:00Z' })])).toMatchObject({ kind: 'verified' });
  });

  test('of a revoked key is refused, new or old, even if another entry still trusts the key', () => {
    for (const purpose of ['admit', 'keep'] as const) {
      expect(judge([asSigner({ revoked: true })], { purpose })).toMatchObject({ code: 'SIGNER_REVOKED' });
      expect(judge([asSigner(), asSigner({ name: 'ci-2', revoked: true })], { purpose })).toMatchObject({
        code: 'SIGNER_REVOKED',
      });
    }
  });

  test('is refused when the signer may not sign models of that name', () => {
    const result = judge([asSigner({ models: ['invoice-*'] })], { model: 'door-cam' });
    expect(result).toMatchObject({ code: 'SIGNER_NOT_ALLOWED', reason: expect.stringContaining('"door-cam"') });
    expect(judge([asSigner({ models: ['invoice-*'] })])).toMatchObject({ kind: 'verified' });
    expect(judge([asSigner({ models: [] })])).toMatchObject({ code: 'SIGNER_NOT_ALLOWED' });
  });

  test('is verified when one of several entries of the key may sign it', () => {
    const entries = [asSigner({ models: ['door-*'] }), asSigner({ name: 'ci-invoices', models: ['invoice-*'] })];
    expect(judge(entries)).toMatchObject({ kind: 'verified', signer: expect.stringMatching(/^ci-invoices/) });
  });

  test('does not serve as a policy unless the signer may sign policies of that name', () => {
    const verifier = verifierFor([asSigner({ policies: ['careful'] })]);
    const ask = (policy: string) => verifier.verifyPolicy(MANIFEST, BUNDLE, { policy, now: NOW, purpose: 'admit' });
    expect(ask('careful')).toMatchObject({ kind: 'verified' });
    expect(ask('reckless')).toMatchObject({ code: 'SIGNER_NOT_ALLOWED' });
  });
});

describe('a plain signature of `cosign sign-blob --key`', () => {
  const plain = `${sign('sha256', MANIFEST, ci.key).toString('base64')}\n`;

  test('is verified with the key of the policy that made it', () => {
    const signers = [{ name: 'other', publicKey: other.publicPem }, asSigner()];
    expect(judge(signers, { bundle: plain })).toMatchObject({
      kind: 'verified',
      signer: expect.stringMatching(/^ci /),
    });
  });

  test('is refused over other bytes, by other keys, and when it is not base64', () => {
    expect(judge([asSigner()], { bundle: plain, bytes: Buffer.from('x') })).toMatchObject({ code: 'SIGNER_UNKNOWN' });
    expect(judge([{ name: 'other', publicKey: other.publicPem }], { bundle: plain })).toMatchObject({
      code: 'SIGNER_UNKNOWN',
    });
    expect(judge([asSigner()], { bundle: 'MEUCIQ$$' })).toMatchObject({ code: 'SIGNATURE_UNREADABLE' });
  });
});

describe('the memory of a verifier', () => {
  test('does not outlive an end date: the same bytes are refused once it has passed', () => {
    const verifier = verifierFor([asSigner({ notAfter: '2026-11-20T10:00:00Z' })]);
    const ask = (now: number) => verifier.verifyModel(MANIFEST, BUNDLE, { model: 'm', now, purpose: 'admit' }).kind;
    expect([ask(NOW), ask(NOW + 1), ask(NOW)]).toEqual(['verified', 'refused', 'verified']);
  });

  test('does not change an answer, however small it is', () => {
    const verifier = verifierFor([asSigner()], { cacheEntries: 1 });
    const ask = (bytes: Buffer, bundle: string) =>
      verifier.verifyModel(bytes, bundle, { model: 'm', now: NOW, purpose: 'admit' }).kind;
    for (let round = 0; round < 3; round++) {
      expect(ask(MANIFEST, BUNDLE)).toBe('verified');
      expect(ask(Buffer.from('other'), BUNDLE)).toBe('refused');
    }
  });

  test('gives bytes that the caller can no longer change', () => {
    const bytes = Buffer.from(MANIFEST);
    const result = verifierFor([asSigner()]).verifyModel(bytes, BUNDLE, { model: 'm', now: NOW, purpose: 'admit' });
    bytes.fill(0);
    if (result.kind !== 'verified') throw new Error('unreachable');
    expect(result.value.value).toEqual(MANIFEST);
  });
});
