// Laws of `slipway sign`: whoever signs (an identity, a key, a command), what is written verifies, and what goes wrong writes nothing.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type MockSigstore, PATHS, startMockSigstore } from '../support/mock-sigstore.ts';
import { makeKey } from '../support/trust.ts';
import { CliSession } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

const ISSUER = 'https://token.actions.githubusercontent.com';
const IDENTITY = 'https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main';
const OPENSSL = fileURLToPath(new URL('../../examples/signer-openssl.sh', import.meta.url));
const LOCKED = makeKey()
  .key.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'correct horse' })
  .toString();
const COSIGN = path.join(import.meta.dirname, '../signing/fixtures/cosign.key');
const FOLDER = 'models/models/document-classifier';

let sigstore: MockSigstore;
let session: CliSession;
let initial: CliSession;
beforeAll(async () => {
  sigstore = await startMockSigstore();
  initial = new CliSession();
  await initial.run(['init', 'models', '--example']);
  const signed = readFileSync(initial.path(FOLDER, '1.0.0.yaml'), 'utf8');
  for (const version of ['2.0.0', '2.1.0'])
    initial.write(
      `${FOLDER}/${version}.yaml`,
      signed.replace('"1.0.0"', `"${version}"`).replace(/ {2}sequence: 1\n/, ''),
    );
  initial.write('root.json', JSON.stringify(sigstore.trustedRoot));
  initial.write('config.json', JSON.stringify(sigstore.signingConfig('rekor-v2+tsa')));
  const identity = (name: string) => `apiVersion: slipway.dev/v1alpha1
kind: TrustPolicy
spec:
  trustedRoot: root.json
  signers:
    - { name: ci, keyless: { issuer: "${ISSUER}", identity: "${name}" }, models: ["*"], policies: ["*"] }
`;
  initial.write('trust.yaml', identity(IDENTITY));
  initial.write('other-trust.yaml', identity(`${IDENTITY}-other`));
});
afterAll(async () => {
  await initial[Symbol.asyncDispose]();
  await sigstore[Symbol.asyncDispose]();
});
beforeEach(() => {
  session = new CliSession();
  cpSync(initial.folder, session.folder, { recursive: true });
  for (const at of Object.values(PATHS)) sigstore.intercept(at, () => undefined);
});
afterEach(() => session[Symbol.asyncDispose]());

const NEW = [`${FOLDER}/2.0.0.yaml`, `${FOLDER}/2.1.0.yaml`] as const;
const KEYLESS = ['--keyless', '--signing-config', 'config.json', '--trusted-root', 'root.json'];
const token = (more = {}) => sigstore.token({ iss: ISSUER, sub: IDENTITY, ...more });

function sign(args: readonly string[], env: Readonly<Record<string, string>> = {}) {
  return session.run(['sign', NEW[0], ...args], env);
}

/** What the command changed, by name. */
function changed(): string[] {
  const names = readdirSync(session.path(FOLDER));
  const same = (name: string) => {
    const before = initial.path(FOLDER, name);
    return existsSync(before) && readFileSync(before).equals(readFileSync(session.path(FOLDER, name)));
  };
  return names.filter((name) => !same(name)).toSorted();
}

const WRITTEN = ['2.0.0.yaml', '2.0.0.yaml.sigstore.json'];

test('a job of GitHub or GitLab signs with its identity, and validate and verify take it by the trust policy', async () => {
  const path = '/token?job=1&audience=sigstore';
  sigstore.intercept(path, () => ({ statusCode: 200, response: JSON.stringify({ value: token() }) }));
  const github = { ACTIONS_ID_TOKEN_REQUEST_URL: `${sigstore.url}/token?job=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x' };
  expect(await sign([...KEYLESS, '--trust', 'trust.yaml'], github)).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(
      /^signed .*2\.0\.0\.yaml {2}sha256:[0-9a-f]{64} {2}https:.*release\.yml@.*, issued by https:/,
    ),
  });
  expect(changed()).toEqual(WRITTEN);
  const gitlab = { SIGSTORE_ID_TOKEN: token() };
  const second = await session.run(['sign', NEW[1], ...KEYLESS, '--json'], gitlab);
  expect(JSON.parse(second.stdout)).toEqual([
    {
      file: NEW[1],
      bundle: `${NEW[1]}.sigstore.json`,
      digest: expect.stringMatching(/^sha256:/),
      signer: `${IDENTITY}, issued by ${ISSUER}`,
    },
  ]);
  expect(await session.run(['verify', ...NEW, '--trust', 'trust.yaml'])).toMatchObject({ code: 0 });
  expect((await session.run(['verify', NEW[0], '--trust', 'other-trust.yaml'])).stdout).toContain('SIGNER_UNKNOWN');
  const { stdout } = await session.run(['validate', '--repo', 'models', '--trust', 'trust.yaml']);
  expect(stdout).toContain('1.0.0.yaml'); // signed by the key of the home, which this policy does not know
  expect(stdout).not.toMatch(/2\.[01]\.0\.yaml/);
});

test('a dry run says who would sign what, asks no service and writes nothing', async () => {
  const start = sigstore.seen.length;
  session.write('token', `${token()}\n`);
  const ran = await sign([...KEYLESS, '--identity-token-file', 'token', '--dry-run']);
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringMatching(/^would sign .*, issued by https:/) });
  expect(sigstore.seen.length).toBe(start);
  expect(changed()).toEqual([]);
});

test('whatever goes wrong with identity or services is told by its code, without the token, and writes nothing', async () => {
  const ok = { SIGSTORE_ID_TOKEN: token() };
  const html = { statusCode: 200, response: '<html>', contentType: 'text/html' };
  const cases: [string, number, readonly string[], Readonly<Record<string, string>>, () => void][] = [
    ['SIGN_TOKEN_MISSING', 2, KEYLESS, {}, () => undefined],
    ['SIGN_TOKEN_EXPIRED', 2, KEYLESS, { SIGSTORE_ID_TOKEN: token({ exp: 1 }) }, () => undefined],
    ['SIGN_TOKEN_AUDIENCE', 2, [...KEYLESS, '--audience', 'acme'], ok, () => undefined],
    ['SIGN_ROOT_MISSING', 2, KEYLESS.slice(0, 3), ok, () => undefined],
    ['SIGN_UNTRUSTED', 2, [...KEYLESS, '--trust', 'other-trust.yaml'], ok, () => undefined],
    ['SIGN_METHOD', 2, [...KEYLESS, '--key', 'ci.key'], ok, () => undefined],
    ['SIGN_METHOD', 2, [], ok, () => undefined],
    ['FILE_UNREADABLE', 2, [...KEYLESS, '--identity-token-file', 'absent'], {}, () => undefined],
    ['SIGN_SERVICE_DOWN', 3, KEYLESS, ok, () => sigstore.intercept(PATHS.tsa, () => null)],
    ['SIGN_SERVICE_ANSWER', 2, KEYLESS, ok, () => sigstore.intercept(PATHS.fulcio, () => html)],
  ];
  for (const [code, exit, args, env, spoil] of cases) {
    spoil();
    const ran = await sign(args, env);
    expect([ran.code, ran.stderr], code).toEqual([
      exit,
      expect.stringMatching(new RegExp(`^${code}\\n  .+\\n  .+\\n$`)),
    ]);
    expect(ran.stderr).not.toContain(token().split('.')[1]);
    expect(changed(), code).toEqual([]);
  }
});

test('of several files none is written when the last can not be signed, and new manifests get sequences one after the other', async () => {
  let asked = 0;
  sigstore.intercept(PATHS.fulcio, () => (++asked === 2 ? { statusCode: 403, response: 'no' } : undefined));
  const env = { SIGSTORE_ID_TOKEN: token() };
  const both = () => session.run(['sign', ...NEW, ...KEYLESS], env);
  expect(await both()).toMatchObject({ code: 2, stderr: expect.stringMatching(/^SIGN_SERVICE_REFUSED\n/) });
  expect(changed()).toEqual([]);
  expect(await both()).toMatchObject({ code: 0 });
  const sequences = NEW.map((file) => /^ {2}sequence: (\d+)$/m.exec(readFileSync(session.path(file), 'utf8'))?.[1]);
  expect(sequences).toEqual(['2', '3']);
});

test('a key comes from a file or the environment, and its passphrase from a variable or a file', async () => {
  const { privatePem } = makeKey();
  session.write('locked.key', LOCKED);
  session.write('passphrase', 'correct horse\n');
  const good: [readonly string[], Readonly<Record<string, string>>][] = [
    [['--key', 'env://RELEASE_KEY'], { RELEASE_KEY: privatePem }],
    [['--key', 'locked.key'], { COSIGN_PASSWORD: 'correct horse' }],
    [['--key', COSIGN, '--passphrase-file', 'passphrase'], {}],
    [['--key', 'env://COSIGN_PRIVATE_KEY', '--passphrase-file', 'passphrase'], { COSIGN_PRIVATE_KEY: LOCKED }],
  ];
  for (const [args, env] of good) expect(await sign(args, env)).toMatchObject({ code: 0, stderr: '' });
  const bad: [string, readonly string[], Readonly<Record<string, string>>][] = [
    ['KEY_ENVIRONMENT', ['--key', 'env://RELEASE_KEY'], {}],
    ['KEY_ENVIRONMENT', ['--key', 'env://RELEASE_KEY'], { RELEASE_KEY: '' }],
    ['KEY_UNREADABLE', ['--key', 'env://RELEASE_KEY'], { RELEASE_KEY: 'c2VjcmV0' }],
    ['KEY_ENCRYPTED', ['--key', 'locked.key'], {}],
    ['KEY_PASSPHRASE', ['--key', 'locked.key'], { COSIGN_PASSWORD: 'wrong' }],
    ['KEY_FILE_UNREADABLE', ['--key', 'absent.key'], {}],
  ];
  for (const [code, args, env] of bad) {
    const ran = await sign(args, env);
    expect([ran.code, ran.stderr], code).toEqual([
      2,
      expect.stringMatching(new RegExp(`^${code}\\n  .+\\n  .+\\.\\n$`)),
    ]);
    expect(ran.stderr).not.toContain('c2VjcmV0');
  }
});

test('a passphrase is asked for at a terminal, and not shown; who leaves is told what was missing', async (context) => {
  if (spawnSync('script', ['--version']).error !== undefined) return context.skip('script was not found');
  session.write('locked.key', LOCKED);
  const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
  const command = `'${process.execPath}' '${main}' sign ${NEW[0]} --key locked.key`;
  const { COSIGN_PASSWORD: _, ...env } = process.env;
  const type = async (keys: string) => {
    const child = spawn('script', ['-qec', command, '/dev/null'], { cwd: session.folder, env });
    let shown = '';
    child.stdout.on('data', (chunk: Buffer) => {
      if (!shown.includes('Passphrase') && chunk.includes('Passphrase')) child.stdin.write(keys);
      shown += chunk.toString();
    });
    const [code] = await once(child, 'close');
    return { code, shown: stripVTControlCharacters(shown) };
  };
  for (const leave of ['\u0003', '\u0004'])
    expect(await type(leave)).toEqual({ code: 2, shown: expect.stringMatching(/^Pass.*\s+KEY_ENCRYPTED\s/) });
  expect(changed()).toEqual([]);
  expect(await type('correct horse\r')).toEqual({
    code: 0,
    shown: expect.stringMatching(/^Passphrase of locked\.key: \s+signed /),
  });
  expect(changed()).toEqual(WRITTEN);
});

test('the example of a signer command signs with OpenSSL; a command that fails is told and writes nothing', async (context) => {
  if (spawnSync('openssl', ['version']).error !== undefined) return context.skip('openssl was not found');
  const signed = await sign(['--signer', `"${OPENSSL}" .slipway-keys/ci.key`]);
  expect(signed).toMatchObject({ code: 0, stdout: expect.stringMatching(/^signed .* key [\w+/]{43}=\n$/) });
  expect(await session.run(['verify', NEW[0]])).toMatchObject({ code: 0 });
  const failed = await session.run(['sign', NEW[1], '--signer', `"${OPENSSL}" absent.key`]);
  expect([failed.code, failed.stderr]).toEqual([
    2,
    expect.stringMatching(/^SIGN_COMMAND\n.*ends with 1: .*absent\.key.*\n.*sign-in-ci\.md/),
  ]);
  expect(changed()).toEqual(WRITTEN);
});
