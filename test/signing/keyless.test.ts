// Laws of keyless signing, against a whole Sigstore on this machine: what is written verifies, and whatever goes wrong is said and writes nothing.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { FulcioSigner, MessageSignatureBundleBuilder, RekorWitness } from '@sigstore/sign';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Clock, SystemClock } from '../../src/base/clock.ts';
import { CodedError } from '../../src/base/errors.ts';
import { seededRandom } from '../../src/base/random.ts';
import { parseTrustedRoot } from '../../src/contract/trust/trusted-root.ts';
import { parseIdentityToken, requestGithubToken } from '../../src/signing/keyless/identity-token.ts';
import { createKeylessSigner } from '../../src/signing/keyless/keyless-signer.ts';
import { PUBLIC_SERVICES, readPublicRoot } from '../../src/signing/keyless/public-sigstore.ts';
import { parseSigningConfig } from '../../src/signing/keyless/signing-config.ts';
import { type Answer, type MockSigstore, PATHS, type Proofs, startMockSigstore } from '../support/mock-sigstore.ts';
import { verifierFor } from '../support/trust.ts';

const DOCUMENT = Buffer.from('kind: ModelManifest\n');
const ISSUER = 'https://token.actions.githubusercontent.com';
const IDENTITY = 'https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main';
const SERVICES = ['fulcio', 'rekor-v1', 'rekor-v2', 'tsa'] as const;

let sigstore: MockSigstore;
beforeAll(async () => {
  sigstore = await startMockSigstore();
});
afterAll(() => sigstore[Symbol.asyncDispose]());
beforeEach(() => {
  for (const path of Object.values(PATHS)) sigstore.intercept(path, () => undefined);
});

/** Waits between tries take no time and are kept; a limit of 20 s comes at once where the test is about it, and else never. */
class TestClock extends SystemClock {
  readonly waits: number[] = [];
  readonly #isLate: boolean;

  constructor(isLate = false) {
    super();
    this.#isLate = isLate;
  }

  override async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (ms === 20_000) return super.sleep(this.#isLate ? 30 : 600_000, signal);
    this.waits.push(ms);
  }
}

function tokenOf(claims: Record<string, unknown> = {}) {
  const text = sigstore.token({ iss: ISSUER, sub: IDENTITY, ...claims });
  return parseIdentityToken(text, { source: 'the test', audience: 'sigstore', nowMs: Date.now() });
}

function signer(proofs: Proofs = 'rekor-v2+tsa', clock: Clock = new TestClock(), root: unknown = sigstore.trustedRoot) {
  const network = { clock, random: seededRandom('keyless', 'back-off'), signal: new AbortController().signal };
  const config = Buffer.from(JSON.stringify(sigstore.signingConfig(proofs)));
  return createKeylessSigner({
    token: tokenOf(),
    services: parseSigningConfig(config, 'config.json', Date.now()),
    root: parseTrustedRoot(Buffer.from(JSON.stringify(root)), 'root.json'),
    network,
  });
}

async function failure(promise: Promise<unknown>): Promise<CodedError> {
  const error = await promise.then(
    () => expect.unreachable('it signed'),
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(CodedError);
  const { message, remedy, cause } = error as CodedError;
  expect(`${message} ${remedy} ${JSON.stringify(cause)}`).not.toContain(tokenOf().text.split('.')[1]);
  return error as CodedError;
}

const html: Answer = { statusCode: 200, response: '<html>Sign in</html>', contentType: 'text/html; charset=utf-8' };
/** Under which proofs a service is asked at all. */
const proofsOf = (service: (typeof SERVICES)[number]): Proofs => (service === 'rekor-v1' ? 'rekor-v1' : 'rekor-v2+tsa');

describe('a keyless signature', () => {
  test.each(['rekor-v1', 'rekor-v2+tsa'] as const)(
    'with the proofs of %s is one that the trust policy verifies',
    async (proofs) => {
      const { bundle, signer: by } = await signer(proofs).sign(DOCUMENT);
      expect(by).toBe(`${IDENTITY}, issued by ${ISSUER}`);
      const keyless = { issuer: ISSUER, identity: IDENTITY };
      const verifier = verifierFor([{ name: 'ci', keyless }], { trustedRoot: sigstore.trustedRoot });
      const question = { model: 'm', now: Date.now(), purpose: 'admit' as const };
      expect(verifier.verifyModel(DOCUMENT, bundle, question)).toMatchObject({ kind: 'verified' });
      expect(verifier.verifyModel(Buffer.from('other'), bundle, question)).toMatchObject({ code: 'SIGNATURE_WRONG' });
    },
  );

  test('asks for what the library of Sigstore asks for, and a timestamp as OpenSSL does', async (context) => {
    for (const [proofs, majorApiVersion] of [
      ['rekor-v1', 1],
      ['rekor-v2+tsa', 2],
    ] as const) {
      const start = sigstore.seen.length;
      await signer(proofs).sign(DOCUMENT);
      const middle = sigstore.seen.length;
      const identityProvider = { getToken: async () => tokenOf().text };
      await new MessageSignatureBundleBuilder({
        signer: new FulcioSigner({ fulcioBaseURL: sigstore.url, identityProvider }),
        witnesses: [new RekorWitness({ rekorBaseURL: sigstore.url, majorApiVersion })],
      }).create({ data: DOCUMENT });
      const shapes = (from: number, to?: number) =>
        sigstore.seen
          .slice(from, to)
          .filter(({ path }) => path !== PATHS.tsa)
          .map(({ method, path, body }) => ({ method, path, body: shapeOf(JSON.parse(body.toString())) }));
      expect(shapes(start, middle)).toEqual(shapes(middle));
    }
    const asked = sigstore.seen.findLast(({ path }) => path === PATHS.tsa)?.body ?? Buffer.alloc(0);
    const digest = asked.subarray(-32).toString('hex');
    const made = spawnSync('openssl', ['ts', '-query', '-digest', digest, '-sha256', '-no_nonce']);
    if (made.error !== undefined) return context.skip('openssl was not found');
    expect(asked).toEqual(made.stdout);
  });

  test('holds the log entry that is there already when the answer to a try was lost', async () => {
    let lost: Answer | undefined;
    sigstore.intercept(PATHS['rekor-v1'], async (_, serve) => {
      if (lost !== undefined)
        return { statusCode: 409, response: '{}', location: `${PATHS['rekor-v1']}/${'ab'.repeat(32)}` };
      lost = await serve();
      return null;
    });
    sigstore.intercept(`${PATHS['rekor-v1']}/${'ab'.repeat(32)}`, () => lost);
    await signer('rekor-v1').sign(DOCUMENT);
    expect(sigstore.seen.at(-1)).toMatchObject({ method: 'GET' });
  });
});

/** The structure of a request, with what differs from run to run by its kind. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shapeOf);
  if (typeof value === 'object' && value !== null)
    return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, shapeOf(one)]));
  if (typeof value !== 'string') return value;
  if (value.startsWith('-----BEGIN PUBLIC KEY-----')) return 'public key';
  const bytes = Buffer.from(value, 'base64');
  if (bytes.toString().startsWith('-----BEGIN CERTIFICATE-----')) return 'certificate in PEM';
  if (bytes[0] === 0x30) return bytes.length > 80 ? 'certificate' : 'signature';
  return value;
}

describe('a service that is away', () => {
  test.each(SERVICES)('for a moment is asked again, by %s', async (service) => {
    const clock = new TestClock();
    const answers: (Answer | null)[] = [{ statusCode: 503, response: '' }, null, { statusCode: 429, response: '' }];
    sigstore.intercept(PATHS[service], () => answers.shift());
    await signer(proofsOf(service), clock).sign(DOCUMENT);
    expect(clock.waits).toHaveLength(3);
    expect(clock.waits.every((ms, i) => ms > 0 && ms <= 500 * 2 ** i)).toBe(true);
  });

  test.each(SERVICES)('for good ends the signing after four tries, by %s', async (service) => {
    sigstore.intercept(PATHS[service], () => ({ statusCode: 502, response: '' }));
    const start = sigstore.seen.length;
    const error = await failure(signer(proofsOf(service)).sign(DOCUMENT));
    expect(error).toMatchObject({ code: 'SIGN_SERVICE_DOWN', kind: 'retry-later' });
    expect(error.message).toMatch(/127\.0\.0\.1.*HTTP 502/);
    expect(sigstore.seen.slice(start).filter(({ path }) => path === PATHS[service])).toHaveLength(4);
  });

  test('or never ends its answer is left after the limit', async () => {
    sigstore.intercept(PATHS.fulcio, () => new Promise(() => undefined));
    const error = await failure(signer('rekor-v1', new TestClock(true)).sign(DOCUMENT));
    expect(error).toMatchObject({
      code: 'SIGN_SERVICE_DOWN',
      message: expect.stringContaining('no answer within 20 s'),
    });
  });

  test('or that sends more than 1 MiB is no service', async () => {
    sigstore.intercept(PATHS['rekor-v1'], () => ({ statusCode: 201, response: 'x'.repeat(1_048_577) }));
    const start = sigstore.seen.length;
    const error = await failure(signer('rekor-v1').sign(DOCUMENT));
    expect(error).toMatchObject({
      code: 'SIGN_SERVICE_ANSWER',
      kind: 'fix-input',
      message: expect.stringContaining('longer than 1 MiB'),
    });
    expect(sigstore.seen.slice(start).filter(({ path }) => path === PATHS['rekor-v1'])).toHaveLength(1);
  });
});

describe('an answer', () => {
  test.each(SERVICES)('of a captive portal, in the place of %s, is told as one', async (service) => {
    sigstore.intercept(PATHS[service], () => html);
    const error = await failure(signer(proofsOf(service)).sign(DOCUMENT));
    expect(error).toMatchObject({ code: 'SIGN_SERVICE_ANSWER', remedy: expect.stringContaining('captive portal') });
    expect(error.message).toContain('text/html');
  });

  test.each([301, 307])('that redirects (%i) gets the token to no other place', async (statusCode) => {
    let visits = 0;
    const elsewhere = createServer((_, response) => {
      visits++;
      response.end();
    }).listen(0, '127.0.0.1');
    await once(elsewhere, 'listening');
    const location = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}/`;
    sigstore.intercept(PATHS.fulcio, () => ({ statusCode, response: '', location }));
    const start = sigstore.seen.length;
    const error = await failure(signer().sign(DOCUMENT));
    elsewhere.close();
    expect(error).toMatchObject({ code: 'SIGN_SERVICE_ANSWER', message: expect.stringContaining('redirects') });
    expect(visits).toBe(0);
    expect(sigstore.seen.slice(start)).toHaveLength(1);
  });

  test.each([
    ['fulcio', { message: 'token is\u001b[2J expired\n::error::x' }],
    ['rekor-v1', { message: 'no' }],
    ['rekor-v2', {}],
    ['tsa', { message: 'no' }],
  ] as const)('that refuses, by %s, is passed on in words that steer no terminal', async (service, said) => {
    const answer = { statusCode: 401, response: JSON.stringify(said), contentType: 'application/json' };
    sigstore.intercept(PATHS[service], () => answer);
    const error = await failure(signer(proofsOf(service)).sign(DOCUMENT));
    expect(error).toMatchObject({ code: 'SIGN_SERVICE_REFUSED', remedy: expect.any(String) });
    expect(error.message).toMatch(/^[^\p{C}]*\(HTTP 401\)(: [^\p{C}]*)?\.$/u);
  });

  test.each(['text/plain', 'application/json'])(
    'that quotes the request (%s) is not quoted where the request holds a token',
    async (contentType) => {
      const token = 'eyJhbGciOiJ.eyJpc3MiOiJ.SIGNATURESECRET';
      const echoes = (said: string): Answer => ({
        ...{ statusCode: 400, contentType: contentType === 'text/plain' ? `text/plain; x=${token}` : contentType },
        response: contentType === 'text/plain' ? said : JSON.stringify({ message: said }),
      });
      sigstore.intercept(PATHS.fulcio, () => echoes(`cannot parse ${sigstore.seen.at(-1)?.body}`));
      const refused = await failure(signer().sign(DOCUMENT));
      expect(refused.message).toMatch(/^Fulcio \(\S+\) refuses \(HTTP 400\)\.$/);
      const path = '/token?audience=sigstore';
      const job = { url: `${sigstore.url}/token`, bearer: token, audience: 'sigstore' };
      const network = { clock: new TestClock(), random: seededRandom('x', 'y'), signal: new AbortController().signal };
      for (const statusCode of [400, 200]) {
        sigstore.intercept(path, () => ({ ...echoes(`denied: Bearer ${token}`), statusCode }));
        expect((await failure(requestGithubToken(job, network))).message).not.toContain('SIGNATURESECRET');
      }
    },
  );

  test('that lies verifies with nothing: a certificate, a log entry or a timestamp of something else', async () => {
    const lies = async (service: (typeof SERVICES)[number], proofs: Proofs) => {
      let truth: Answer | undefined;
      sigstore.intercept(PATHS[service], async (_, serve) => {
        truth ??= await serve();
        return truth;
      });
      await signer(proofs).sign(DOCUMENT);
      const error = await failure(signer(proofs).sign(DOCUMENT));
      expect([service, error.code]).toEqual([service, 'SIGN_UNVERIFIED']);
      sigstore.intercept(PATHS[service], () => undefined);
    };
    for (const service of SERVICES) await lies(service, proofsOf(service));
  });

  test.each([
    ['rekor-v1', '{}'],
    ['rekor-v1', '{"a":{"body":"e30=","verification":{}}}'],
    ['rekor-v1', '[null]'],
    ['rekor-v2', 'null'],
    ['fulcio', '{"signedCertificateEmbeddedSct":{"chain":{"certificates":["-----BEGIN CERTIFICATE-----"]}}}'],
    ['fulcio', '{"signedCertificateDetachedSct":{}}'],
    ['tsa', ''],
  ] as const)('of %s that lacks what it should hold (%s) is refused', async (service, response) => {
    sigstore.intercept(PATHS[service], () => ({ statusCode: 201, response, contentType: 'application/json' }));
    expect(await failure(signer(proofsOf(service)).sign(DOCUMENT))).toMatchObject({ code: 'SIGN_SERVICE_ANSWER' });
  });

  test('is held against the trusted root of this Sigstore and no other', async () => {
    await using other = await startMockSigstore();
    const error = await failure(signer('rekor-v1', new TestClock(), other.trustedRoot).sign(DOCUMENT));
    expect(error).toMatchObject({ code: 'SIGN_UNVERIFIED', remedy: expect.stringContaining('trusted root') });
  });
});

describe('an identity token', () => {
  const parse = (text: string) =>
    parseIdentityToken(text, { source: 'SIGSTORE_ID_TOKEN', audience: 'sigstore', nowMs: Date.now() });
  const seconds = (from: number) => Math.floor(Date.now() / 1000) + from;

  test('is read with what surrounds it, and a verified e-mail address stands for its subject', () => {
    expect(parse(` ${sigstore.token({ iss: ISSUER, sub: 'x' })}\n`)).toMatchObject({ issuer: ISSUER, subject: 'x' });
    const mail = { iss: ISSUER, sub: 'x', email: 'a@acme.example', email_verified: true };
    expect(parse(sigstore.token(mail))).toMatchObject({ subject: 'a@acme.example' });
    expect(parse(sigstore.token({ iss: ISSUER, sub: 'x', aud: ['other', 'sigstore'] }))).toBeDefined();
  });

  test.each([
    ['SIGN_TOKEN_EXPIRED', { exp: seconds(-5) }],
    ['SIGN_TOKEN_AUDIENCE', { aud: 'https://github.com/acme' }],
    ['SIGN_TOKEN_AUDIENCE', { aud: undefined }],
    ['SIGN_TOKEN_UNREADABLE', { exp: 'soon' }],
    ['SIGN_TOKEN_UNREADABLE', { email: 'a@acme.example' }],
  ])('is refused as %s with the claims %o', (code, claims) => {
    const text = sigstore.token({ iss: ISSUER, sub: 'x', ...claims });
    try {
      parse(text);
      expect.unreachable();
    } catch (error) {
      expect(error).toMatchObject({ code, remedy: expect.any(String) });
      expect((error as Error).message).not.toContain(text.split('.')[1]);
    }
  });

  test.each(['', 'a.b', 'a.b.c', 'a.bnVsbA.c', `${'a'.repeat(20_000)}.e30.c`, 'a.e30.c\r\nx: y'])(
    'that is none (%#) is refused',
    (text) => {
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'SIGN_TOKEN_UNREADABLE' }));
    },
  );

  test('of GitHub is asked for with the audience and the credential of the job, and over no open network', async () => {
    const network = { clock: new TestClock(), random: seededRandom('x', 'y'), signal: new AbortController().signal };
    const path = '/token?api-version=2&audience=sigstore';
    sigstore.intercept(path, () => ({ statusCode: 200, response: '{"value":"a.b.c"}' }));
    const job = { url: `${sigstore.url}/token?api-version=2`, bearer: 'credential', audience: 'sigstore' };
    expect(await requestGithubToken(job, network)).toBe('a.b.c');
    await expect(requestGithubToken({ ...job, url: 'http://runner.example/t' }, network)).rejects.toMatchObject({
      code: 'SIGN_INSECURE',
    });
    sigstore.intercept(path, () => html);
    await expect(requestGithubToken(job, network)).rejects.toMatchObject({ code: 'SIGN_SERVICE_ANSWER' });
  });
});

describe('a signing config', () => {
  const NOW = Date.parse('2026-11-20T10:00:00Z');
  const service = (url: string, more: object = {}) => ({
    url,
    majorApiVersion: 1,
    validFor: { start: '2021-01-01T00:00:00Z' },
    operator: new URL(url).hostname.split('.').slice(1).join('.'),
    ...more,
  });
  const config = (more: object) => ({
    mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.2+json',
    caUrls: [service('https://ca.acme.example/')],
    rekorTlogUrls: [service('https://log.acme.example')],
    rekorTlogConfig: { selector: 'ANY' },
    ...more,
  });
  const parse = (given: object) => parseSigningConfig(Buffer.from(JSON.stringify(given)), 'config.json', NOW);

  test('names of each operator the highest version, of these the newest that is valid now', () => {
    const logs = [
      service('https://v1.acme.example'),
      service('https://v2-old.acme.example', { majorApiVersion: 2 }),
      service('https://v2.acme.example', { majorApiVersion: 2, validFor: { start: '2026-01-01T00:00:00Z' } }),
      service('https://v2-next.acme.example', { majorApiVersion: 2, validFor: { start: '2027-01-01T00:00:00Z' } }),
      service('https://v3.acme.example', { majorApiVersion: 3 }),
      service('https://ended.beta.example', { majorApiVersion: 2, validFor: { end: '2026-01-01T00:00:00Z' } }),
      service('https://v1.beta.example'),
    ];
    const tsaUrls = [service('https://tsa.acme.example/api/v1/timestamp')];
    const choose = (rekorTlogConfig: object) =>
      parse(config({ rekorTlogUrls: logs, rekorTlogConfig, tsaUrls })).logs.map(({ url }) => url);
    expect(choose({ selector: 'ANY' })).toEqual(['https://v2.acme.example']);
    expect(choose({ selector: 'ALL' })).toEqual(['https://v2.acme.example', 'https://v1.beta.example']);
    expect(choose({ selector: 'EXACT', count: 2 })).toHaveLength(2);
    expect(() => choose({ selector: 'EXACT', count: 3 })).toThrow(/2 usable transparency logs now, and 3 are needed/);
    expect(parse(config({})).authority).toBe('https://ca.acme.example');
  });

  test.each([
    ['SIGN_CONFIG', { mediaType: 'application/vnd.dev.sigstore.signingconfig.v0.1+json' }],
    ['SIGN_CONFIG', { caUrls: [] }],
    ['SIGN_CONFIG', { rekorTlogUrls: [] }],
    ['SIGN_CONFIG', { caUrls: 'https://ca.acme.example' }],
    ['SIGN_CONFIG', { rekorTlogUrls: [{ ...service('https://log.acme.example'), url: 'file:///etc/passwd' }] }],
    ['SIGN_CONFIG', { rekorTlogUrls: [service('https://log.acme.example', { majorApiVersion: 2 })] }],
    ['SIGN_INSECURE', { caUrls: [service('http://ca.acme.example')] }],
  ])('is refused as %s with %o', (code, more) => {
    expect(() => parse(config(more))).toThrow(expect.objectContaining({ code, remedy: expect.any(String) }));
  });

  test('of the public instance is built in, with a trusted root that knows its services', async () => {
    const root = await readPublicRoot();
    const known = readFileSync(new URL('../../src/signing/keyless/public-trusted-root.json', import.meta.url), 'utf8');
    const { authority, logs, timestamps } = PUBLIC_SERVICES;
    for (const url of [authority, ...logs.map((log) => log.url), ...timestamps]) expect(known).toContain(`"${url}"`);
    expect([root.certificateAuthorities.length, root.timestampAuthorities.length]).toEqual([2, 1]);
  });
});
