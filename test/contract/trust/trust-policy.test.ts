// Proves that a trust policy that would trust more than its author meant is refused, with a remedy.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { CodedError } from '../../../src/base/errors.ts';
import { keyIdOf, parsePublicKey } from '../../../src/contract/trust/keys.ts';
import { matchesGlob } from '../../../src/contract/trust/name-glob.ts';
import { loadTrust } from '../../../src/contract/trust/read-trust-policy.ts';
import { buildTrustPolicy, type KeylessSource, type SignerSource } from '../../../src/contract/trust/trust-policy.ts';
import { parseTrustedRoot } from '../../../src/contract/trust/trusted-root.ts';
import { type BundleJson, type MockSigstore, startMockSigstore } from '../../support/mock-sigstore.ts';
import { makeForeignKey, makeKey } from '../../support/trust.ts';

const ci = makeKey();
const folder = mkdtempSync(path.join(tmpdir(), 'slipway-trust-'));
const sigstore: MockSigstore = await startMockSigstore();
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await sigstore[Symbol.asyncDispose]();
});

function errorOf(run: () => unknown): CodedError {
  try {
    run();
  } catch (error) {
    if (error instanceof CodedError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
}

const ROOT = Buffer.from(JSON.stringify(sigstore.trustedRoot));
const build = (signers: SignerSource[], reconciler: { publicKey?: string; key?: string; notAfter?: string }[] = []) =>
  buildTrustPolicy({ spec: { trustedRoot: 'root.json', signers, reconciler } }, new Map([['root.json', ROOT]]));
const keyless = (more: Partial<KeylessSource>): SignerSource => ({
  name: 'ci',
  keyless: { issuer: 'https://issuer.example', ...more },
});

describe('a public key', () => {
  test('is named by the digest of its DER form, as cosign names it', () => {
    const pem =
      '-----BEGIN PUBLIC KEY-----\nMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE7pBlkILi/WN1X8FiQTlZBK2/GlQD\nOl9bn1iDaSE8B5Eu+uccNndQid2Nmgp8mrTWhT2XhZbshUGMDSDx/6jwvw==\n-----END PUBLIC KEY-----\n';
    expect(keyIdOf(parsePublicKey(pem, 'key'))).toHaveLength(44);
    expect(keyIdOf(parsePublicKey(pem.replaceAll('\n', '\r\n'), 'key'))).toBe(keyIdOf(parsePublicKey(pem, 'key')));
  });

  test.each([
    ['ed25519', 'Ed25519'],
    ['P-384', 'P-384'],
    ['rsa', 'RSA'],
  ] as const)('of kind %s is refused with a remedy', (kind, name) => {
    const error = errorOf(() => parsePublicKey(makeForeignKey(kind).publicPem, 'ci.pub'));
    expect(error).toMatchObject({ code: 'TRUST_KEY_KIND', remedy: expect.stringContaining('P-256') });
    expect(error.message).toContain(`ci.pub is ${name}`);
  });

  test('is not derived from a private key, which would hide that a secret lies open', () => {
    const error = errorOf(() => parsePublicKey(ci.privatePem, 'ci.pub'));
    expect(error).toMatchObject({ code: 'TRUST_KEY_UNREADABLE', message: expect.stringContaining('private key') });
    expect(`${error.message}${error.remedy}`).not.toContain(ci.privatePem.split('\n')[1]);
  });

  test.each([
    '',
    'MFkw',
    `${ci.publicPem}${ci.publicPem}`,
    ci.publicPem.slice(0, 80),
    ci.publicPem.replaceAll('PUBLIC KEY', 'CERTIFICATE'),
    'x'.repeat(20_000),
  ])('is one whole PEM block, not %#', (pem) => {
    expect(errorOf(() => parsePublicKey(pem, 'ci.pub')).code).toBe('TRUST_KEY_UNREADABLE');
  });
});

describe('an identity pattern', () => {
  test.each([
    ...['.*', '.+', 'https://.*', '.*@.*', 'https://github.com/.*', '|x', '(?:)|.*'],
    ...['.*@refs/heads/main', 'https://[^/]*/acme/.*', '(a+)+$', '*', '**', '*@refs/heads/main', 'https://*/acme/x'],
    ...['https://github.com/*', 'https://github.com/acme*', 'https://github.com/*/acme/x', 'https://git*.com/acme/**'],
    ...['*@*', '*@*.acme.example', '**@acme.example', 'a@b/*@acme.example', 'spiffe://*/ns', 'https://x@y/acme/*'],
  ])('that strangers fit, or that is a regular expression, is refused: %s', (identityPattern) => {
    expect(errorOf(() => build([keyless({ identityPattern })]))).toMatchObject({
      code: 'TRUST_POLICY_SIGNER',
      remedy: expect.any(String),
    });
  });

  test.each(['(', 'https://github.com/org)|(?:.*', 'https://github.com/org)|(?:https://github.com/team', '[', '\\'])(
    'that is no regular expression by itself is refused: %s',
    (identityPattern) => {
      expect(errorOf(() => build([keyless({ identityPattern })])).code).toBe('TRUST_POLICY_SIGNER');
    },
  );

  test('or an identity is needed, not both, with an issuer', () => {
    for (const bad of [
      {},
      { identity: '' },
      { identityPattern: '' },
      { identity: 'a', identityPattern: 'a' },
      { identity: 'a', issuer: '' },
    ]) {
      expect(errorOf(() => build([keyless(bad)])).code).toBe('TRUST_POLICY_SIGNER');
    }
  });

  test('needs a trusted root', () => {
    const run = () => buildTrustPolicy({ spec: { signers: [keyless({ identity: 'a' })] } }, new Map());
    expect(errorOf(run)).toMatchObject({
      code: 'TRUST_POLICY_SIGNER',
      message: expect.stringContaining('trusted root'),
    });
  });
});

describe('a trust policy', () => {
  test('may be empty, and then trusts nobody', () => {
    expect(buildTrustPolicy({ spec: {} }, new Map())).toMatchObject({ signers: [], root: null });
  });

  test('takes a signer with exactly one way to sign, and a name of its own', () => {
    const key = { publicKey: ci.publicPem };
    expect(errorOf(() => build([{ name: 'ci' }])).code).toBe('TRUST_POLICY_SIGNER');
    expect(errorOf(() => build([{ ...keyless({ identity: 'a' }), ...key }])).code).toBe('TRUST_POLICY_SIGNER');
    expect(
      errorOf(() =>
        build([
          { name: 'ci', ...key },
          { name: 'ci', publicKey: makeKey().publicPem },
        ]),
      ).message,
    ).toMatch(/Two signers/);
    expect(errorOf(() => build([{ name: 'ci', ...key, notAfter: '2027-13-01' }])).message).toMatch(/notAfter/);
  });

  test('never gives one key both powers: two keys must fall before a bad model runs', () => {
    const error = errorOf(() => build([{ name: 'ci', publicKey: ci.publicPem }], [{ publicKey: ci.publicPem }]));
    expect(error.message).toMatch(/reconciler's key/);
  });

  test('that lists a key of the reconciler twice lets it count until the earliest end', () => {
    const { publicPem: publicKey } = makeKey();
    const ends = ['2027-01-01T00:00:00Z', '2026-12-01T00:00:00Z', undefined];
    const reconciler = ends.map((notAfter) => ({ publicKey, ...(notAfter === undefined ? {} : { notAfter }) }));
    const [[, known] = []] = build([], reconciler).reconciler;
    expect(known?.endsAtMs).toBe(Date.parse('2026-12-01T00:00:00Z'));
    expect(errorOf(() => build([], [{ publicKey, notAfter: 'soon' }])).message).toMatch(/notAfter/);
  });

  test('lists everything that is wrong with it at once', () => {
    const error = errorOf(() =>
      build([{ name: 'a', publicKey: 'x' }, { name: 'b' }, keyless({ identityPattern: '.*' })]),
    );
    expect(error.code).toBe('TRUST_POLICY_PROBLEMS');
    expect(error.message).toMatch(/3 problems.*signer "a".*signer "b".*signer "ci"/s);
  });

  test('is read with the files beside it', async () => {
    writeFileSync(path.join(folder, 'ci.pub'), ci.publicPem);
    writeFileSync(path.join(folder, 'root.json'), ROOT);
    const source = {
      ...{ apiVersion: 'slipway.dev/v1alpha1', kind: 'TrustPolicy' },
      spec: {
        trustedRoot: 'root.json',
        signers: [{ name: 'ci', key: 'ci.pub' }],
        reconciler: [{ publicKey: makeKey().publicPem }],
      },
    };
    const file = path.join(folder, 'trust.json');
    writeFileSync(file, JSON.stringify(source));
    const { policy } = await loadTrust(file);
    expect(policy.signers[0]?.identity).toMatchObject({ kind: 'key', keyId: keyIdOf(ci.publicKey) });
    expect(policy.reconciler.size).toBe(1);
  });

  test('in YAML is loaded with its files, or refused with the places of what is wrong', async () => {
    writeFileSync(path.join(folder, 'reconciler.pub'), makeKey().publicPem);
    writeFileSync(path.join(folder, 'ci.pub'), ci.publicPem);
    const load = async (text: string) => {
      const file = path.join(folder, 'trust.yaml');
      writeFileSync(file, `apiVersion: slipway.dev/v1alpha1\n${text}`);
      return (await loadTrust(file)).policy;
    };
    const spec =
      'spec:\n  signers:\n    - { name: ci, key: ci.pub, models: ["*"] }\n  reconciler: [{ key: reconciler.pub }]\n';
    expect(await load(`kind: TrustPolicy\n${spec}`)).toMatchObject({
      signers: [{ name: 'ci', models: ['*'], policies: [] }],
    });
    await expect(load('kind: TrustPolicy\nspec: { signers: [{ name: ci }, { nam: x }] }\n')).rejects.toMatchObject({
      code: expect.stringMatching(/^(TRUST|DOCUMENT)_/),
      message: expect.any(String),
    });
    await expect(load('kind: DeviceGroup\nmetadata: { name: trust }\nspec: { devices: [] }\n')).rejects.toMatchObject({
      code: 'DOCUMENT_KIND',
    });
    await expect(loadTrust(path.join(folder, 'absent.yaml'))).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
    });
  });

  test('says which file is missing, and does not read one without end', async () => {
    const at = path.join(folder, 'trust.yaml');
    const read = (key: string) => {
      const spec = { signers: [{ name: 'ci', key, models: ['*'] }], reconciler: [{ key }] };
      writeFileSync(at, JSON.stringify({ apiVersion: 'slipway.dev/v1alpha1', kind: 'TrustPolicy', spec }));
      return loadTrust(at);
    };
    await expect(read('absent.pub')).rejects.toMatchObject({
      code: 'FILE_UNREADABLE',
      message: expect.stringContaining('absent.pub'),
    });
    if (process.platform !== 'win32') await expect(read('/dev/zero')).rejects.toMatchObject({ code: 'FILE_KIND' });
  });
});

describe('a trusted root', () => {
  const parse = (change: (root: BundleJson) => void) => {
    const root = structuredClone(sigstore.trustedRoot);
    change(root);
    return errorOf(() => parseTrustedRoot(Buffer.from(JSON.stringify(root)), 'root.json')).code;
  };

  test('without a start of validity is refused: the library would take the key for valid always', () => {
    for (const part of ['tlogs', 'ctlogs'] as const) {
      expect(parse((root) => delete root[part][0].publicKey.validFor)).toBe('TRUST_ROOT_INCOMPLETE');
      expect(
        parse((root) => {
          root[part][0].publicKey.validFor = { begin: '2020-01-01T00:00:00Z' };
        }),
      ).toBe('TRUST_ROOT_INCOMPLETE');
    }
    for (const part of ['certificateAuthorities', 'timestampAuthorities'] as const) {
      expect(parse((root) => delete root[part][0].validFor)).toBe('TRUST_ROOT_INCOMPLETE');
      expect(parse((root) => delete root[part][0].certChain)).toBe('TRUST_ROOT_INCOMPLETE');
    }
  });

  test('of another type, damaged, absent or without authorities is refused', () => {
    expect(
      parse((root) => {
        root.mediaType = 'application/json';
      }),
    ).toBe('TRUST_ROOT_UNREADABLE');
    expect(
      parse((root) => {
        root.tlogs[0].publicKey.rawBytes = 'AAAA';
      }),
    ).toBe('TRUST_ROOT_UNREADABLE');
    expect(parse((root) => delete root.tlogs)).toBe('TRUST_ROOT_INCOMPLETE');
    expect(errorOf(() => parseTrustedRoot(Buffer.from('{'), 'root.json')).code).toBe('TRUST_ROOT_UNREADABLE');
    expect(errorOf(() => parseTrustedRoot(undefined, 'root.json')).code).toBe('TRUST_ROOT_UNREADABLE');
  });
});

describe('a glob over names', () => {
  test.each([
    ['*', 'anything', true],
    ['invoice-*', 'invoice-ocr', true],
    ['invoice-*', 'my-invoice-ocr', false],
    ['*-ocr', 'invoice-ocr', true],
    ['a*b*c', 'a1b2c', true],
    ['a*b*c', 'ac', false],
    ['a*a', 'a', false],
    ['a.c', 'abc', false],
    ['', '', true],
    ['', 'a', false],
    ['a', 'ab', false],
  ])('"%s" over "%s": %s', (glob, name, fits) => expect(matchesGlob(glob, name)).toBe(fits));

  test('fits as the regular expression that it means', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'b', '-'), maxLength: 12 });
    const glob = fc.string({ unit: fc.constantFrom('a', 'b', '-', '*'), maxLength: 8 });
    fc.assert(
      fc.property(
        glob,
        text,
        (pattern, name) => matchesGlob(pattern, name) === new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name),
      ),
      { numRuns: 5000 },
    );
  });
});
