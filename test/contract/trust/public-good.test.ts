// Proves that what GitHub Actions really signed with the public Sigstore verifies offline. The bundle is a test vector of
// sigstore-conformance ("dsse-with-hashedrekord-happy-path"), the trusted root is the one that Sigstore publishes.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifierFor } from '../../support/trust.ts';

const fixture = (name: string) => readFileSync(path.join(import.meta.dirname, 'fixtures', name), 'utf8');
const bundle = fixture('github-actions-attestation.sigstore.json');
const trustedRoot = JSON.parse(
  readFileSync(path.join(import.meta.dirname, '../../../src/signing/keyless/public-trusted-root.json'), 'utf8'),
);
const REPOSITORY = 'https://github.com/sigstore-conformance/extremely-dangerous-public-oidc-beacon';
const IDENTITY = `${REPOSITORY}/.github/workflows/extremely-dangerous-oidc-beacon.yml@refs/heads/main`;
const ISSUER = 'https://token.actions.githubusercontent.com';

function ask(text: string, identity = IDENTITY) {
  const signer = { name: 'actions', keyless: { issuer: ISSUER, identity } };
  return verifierFor([signer], { trustedRoot }).verifyAttestation(text, {
    model: 'm',
    predicateType: 'https://example.com/predicate/v1',
    subject: 'sha256:70ed0277251d0cf2eb5eda8b574ce012de485e39a3de1fb4b1e0717e14b02d6a',
    now: 0,
    purpose: 'admit',
  });
}

describe('an attestation that GitHub Actions made', () => {
  test('is verified with the published trusted root, without any network', () => {
    expect(ask(bundle)).toMatchObject({ kind: 'verified', signer: `actions (${IDENTITY}, issued by ${ISSUER})` });
  });

  test('is refused for another branch of the same repository, and when a proof is bent', () => {
    expect(ask(bundle, IDENTITY.replace('main', 'next'))).toMatchObject({ code: 'SIGNER_UNKNOWN' });
    for (const [from, to] of [
      ['"cARbL9jX', '"cARbL9jY'],
      ['"integratedTime": "1778701653"', '"integratedTime": "1778701654"'],
    ] as const) {
      expect(bundle).toContain(from);
      expect(ask(bundle.replace(from, to))).toMatchObject({ code: 'SIGNATURE_WRONG' });
    }
  });
});
