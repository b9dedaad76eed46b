// Laws of the GitHub actions that check: each step runs here by bash, in a clone from a real Git server, as a runner has it.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { CliSession, until } from '../cli/cli-session.ts';
import { Workshop } from '../git/git-fixture.ts';
import { type MockSigstore, startMockSigstore } from '../support/mock-sigstore.ts';
import { makeKey } from '../support/trust.ts';
import { type JobEnd, runAction } from './action-runner.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** The server of the repository runs in this process. */
const git = (args: readonly string[]) => promisify(execFile)('git', [...args]);
const ISSUER = 'https://token.actions.githubusercontent.com';
const IDENTITY = 'https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main';
const FILE = 'trust/trust.yaml';
const MODEL = 'models/document-classifier/1.0.0.yaml';

let sigstore: MockSigstore;
let session: CliSession;
let workshop: Workshop;
let url: string;
beforeAll(async () => {
  sigstore = await startMockSigstore();
  session = new CliSession();
  workshop = new Workshop();
  await session.run(['init', 'models', '--example']);
  session.git('models', 'commit', '-q', '--allow-empty', '-m', 'second');
  session.write('root.json', JSON.stringify(sigstore.trustedRoot));
  session.write('config.json', JSON.stringify(sigstore.signingConfig('rekor-v2+tsa')));
  workshop.bare('models.git', 'empty');
  const server = await workshop.serve();
  url = `${server.url}/models.git`;
  await git(['-C', session.path('models'), 'push', '-q', url, 'HEAD:main']);
});
afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
  await sigstore[Symbol.asyncDispose]();
});

let workspace: string;
beforeEach(async () => {
  workspace = mkdtempSync(session.path('runner-'));
  await git(['clone', '-q', '--depth', '2', url, workspace]);
});

/** The trust policy of the new home, which trusts the key that signed everything. */
function trustText(): string {
  const key = readFileSync(session.path('.slipway/keys/ci.pub'), 'utf8');
  return policyOf(`{ name: ci, publicKey: ${JSON.stringify(key)}, models: ["*"], policies: ["*"] }`);
}

function policyOf(signer: string, head = ''): string {
  return `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n${head}  signers:\n    - ${signer}\n`;
}

function write(file: string, text: string): void {
  mkdirSync(path.dirname(path.join(workspace, file)), { recursive: true });
  writeFileSync(path.join(workspace, file), text);
}

const read = (file: string): string => readFileSync(path.join(workspace, file), 'utf8');

function run(action: string, inputs: Readonly<Record<string, string>>): Promise<JobEnd> {
  return runAction(action, inputs, { workspace, temporary: session.folder });
}

const validate = (inputs: Readonly<Record<string, string>> = { 'trust-policy': trustText() }) =>
  run('validate', inputs);

describe('the action `validate`', () => {
  test('passes what is whole and signed, by the text of a trust policy or by its file', async () => {
    expect(await validate()).toMatchObject({ code: 0, commands: [], log: expect.stringContaining('no errors') });
    write('../outside-trust.yaml', trustText());
    const trust = session.path('outside-trust.yaml');
    expect(await validate({ trust })).toMatchObject({ code: 0, commands: [] });
  });

  test('refuses an unsigned, a changed and a strange signature, each with an annotation at its line', async () => {
    rmSync(path.join(workspace, 'policies/quick.yaml.sigstore.json'));
    write('policies/urgent.yaml', `${read('policies/urgent.yaml')}# changed\n`);
    session.write('stranger.key', makeKey().privatePem);
    const file = path.join(workspace, MODEL);
    expect(await session.run(['sign', file, '--key', 'stranger.key'])).toMatchObject({ code: 0 });
    const { code, commands } = await validate();
    expect(code).toBe(1);
    expect(commands.map((line) => line.split('::').slice(0, 2).join('::'))).toEqual([
      `::error file=${MODEL},line=1,col=1,title=SIGNER_UNKNOWN`,
      '::error file=policies/quick.yaml,line=1,col=1,title=SIGNATURE_MISSING',
      '::error file=policies/urgent.yaml,line=1,col=1,title=SIGNATURE_WRONG',
    ]);
  });

  test('takes keyless signatures by the identity of the job alone, and refuses an identity that is too loose at its line', async () => {
    const signer = (identity: string) =>
      policyOf(
        `{ name: ci, keyless: { issuer: "${ISSUER}", ${identity} }, models: ["*"] }`,
        '  trustedRoot: root.json\n',
      );
    const env = { SIGSTORE_ID_TOKEN: sigstore.token({ iss: ISSUER, sub: IDENTITY }) };
    const keyless = ['--keyless', '--signing-config', 'config.json', '--trusted-root', 'root.json'];
    const signed = await session.run(['sign', path.join(workspace, MODEL), ...keyless], env);
    expect(signed).toMatchObject({ code: 0 });
    for (const name of ['careful', 'quick', 'standard', 'urgent'])
      rmSync(path.join(workspace, `policies/${name}.yaml`));
    rmSync(path.join(workspace, 'rollouts'), { recursive: true });
    write('slipway.yaml', 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: {}\n');
    session.write('trust/root.json', JSON.stringify(sigstore.trustedRoot));
    session.write(FILE, signer(`identity: "${IDENTITY}"`));
    const trust = session.path(FILE);
    expect(await validate({ trust })).toMatchObject({ code: 0, commands: [] });
    session.write(FILE, signer(`identity: "${IDENTITY.replace('release', 'other')}"`));
    expect((await validate({ trust })).commands).toEqual([
      expect.stringMatching(`^::error file=${MODEL},line=1,col=1,title=SIGNER_UNKNOWN::`),
    ]);
    for (const loose of ['https://github.com/*', 'https://github.com/acme**', '**', '.*']) {
      session.write(FILE, signer(`identityPattern: "${loose}"`));
      const { code, commands } = await validate({ trust });
      expect([loose, code, commands]).toEqual([
        loose,
        2,
        [expect.stringMatching(/^::error file=\S*trust\/trust\.yaml,line=6,col=\d+,title=TRUST_SIGNER_PATTERN::/)],
      ]);
    }
  });

  test('checks signatures unless it is told not to, and says what is missing', async () => {
    expect(await validate({})).toMatchObject({ code: 2, commands: [expect.stringMatching('TRUST_MISSING')] });
    rmSync(path.join(workspace, 'policies/quick.yaml.sigstore.json'));
    expect(await validate({ signatures: 'ignore' })).toMatchObject({ code: 0, commands: [] });
    const both = { trust: 'a.yaml', 'trust-policy': trustText() };
    expect(await validate(both)).toMatchObject({ code: 2, commands: [expect.stringMatching('TRUST_TWICE')] });
    expect(await validate({ signatures: 'no' })).toMatchObject({ code: 2, commands: [expect.stringMatching('VALUE')] });
    const absent = await validate({ path: 'absent', signatures: 'ignore' });
    expect(absent).toMatchObject({ code: 2, commands: [expect.stringMatching('FOLDER_MISSING')] });
  });

  test('annotates from the root of the checkout, where the manifests are a folder of it', async () => {
    const inner = path.join(workspace, 'deep er/manifests');
    mkdirSync(path.dirname(inner));
    cpSync(session.path('models'), inner, { recursive: true, filter: (from) => !from.includes('.git') });
    write('deep er/manifests/rollouts/broken.yaml', 'apiVersion: slipway.dev/v1alpha1\nkind: Rolout\n');
    const { code, commands } = await validate({ path: 'deep er/manifests', 'trust-policy': trustText() });
    expect(code).toBe(1);
    expect(commands).toEqual([
      expect.stringMatching(/^::error file=deep er\/manifests\/rollouts\/broken\.yaml,line=2,/),
    ]);
  });

  test('runs no text of an input as code, and lets none steer the runner', async () => {
    const evil = '$(touch pwned)`touch pwned`";touch pwned;#\n::add-mask::x';
    for (const input of ['path', 'trust', 'trust-policy', 'signatures']) {
      const { code, commands } = await validate({ 'trust-policy': trustText(), [input]: evil });
      expect([input, code]).toEqual([input, 2]);
      expect(commands.every((line) => /^::error /.test(line))).toBe(true);
    }
    expect(() => read('pwned')).toThrow();
  });
});

describe('the plan in the summary', () => {
  const rollout = 'rollouts/document-classifier-eu.yaml';
  const commit = () =>
    git(['-C', workspace, '-c', 'user.name=ann', '-c', 'user.email=ann@example.org', 'commit', '-qam', 'change']);
  const plan = (inputs: Readonly<Record<string, string>> = {}) => validate({ 'trust-policy': trustText(), ...inputs });

  test('says of each changed rollout which version goes to how many devices, stage by stage', async () => {
    write(rollout, read(rollout).replace('region:eu-west', 'region:eu-west AND hw:rev2'));
    await commit();
    const { code, commands, summary } = await plan({ devices: '400' });
    expect({ code, commands }).toEqual({ code: 0, commands: [] });
    expect(summary).toMatch(/^### Plan\n\n~{8}text\nRollout document-classifier-eu \(changes: target\)\n/);
    expect(summary).toContain('document-classifier 1.0.0, on region:eu-west AND hw:rev2, policy careful.');
    expect(summary).toMatch(/\n {2}400 devices match the target\.\n/);
    expect(summary).toMatch(/\n {2}canary {5}4 {8}30 min .*\n {2}ramp {7}100 /);
  });

  test('compares with all files of the commit before: attributes in the repository hide none', async () => {
    write('.gitattributes', 'rollouts/** export-ignore\n');
    await git(['-C', workspace, 'add', '.gitattributes']);
    await commit();
    write(rollout, read(rollout).replace('region:eu-west', 'region:eu-west AND hw:rev2'));
    await commit();
    expect((await plan({ devices: '400' })).summary).toContain('Rollout document-classifier-eu (changes: target)');
  });

  test('says what it can where nobody knows the devices, and asks a service that is away in vain', async () => {
    expect((await plan()).summary).toContain('No rollout and no policy changes');
    write(rollout, read(rollout).replace('"1.0.0"', 'latest'));
    await commit();
    const { code, summary } = await plan({ server: 'http://127.0.0.1:9', token: 'secret' });
    expect(code).toBe(0);
    expect(summary).toMatch(/An unknown number of devices match the target\. The service was asked in\s+vain:/);
    expect(summary).toMatch(/\n {2}canary +1% of its target +30 min /);
  });

  test('takes the devices from the running service, by a token that may only look', async () => {
    await using service = await session.serve(['--repo', 'models'], { SLIPWAY_VIEWER_TOKEN: 'look' });
    await session.enrol(['a', 'b', 'c', 'd'], { region: 'eu-west' });
    write(rollout, read(rollout).replace('"1.0.0"', 'latest'));
    await commit();
    const knows = async () => (await plan({ server: service.url, token: 'look' })).summary.includes('4 devices match');
    await until(knows);
    const refused = await plan({ server: service.url, token: 'guess' });
    expect(refused.code).toBe(0);
    expect(refused.summary).toContain('An unknown number of devices match the target. The service was asked in vain:');
    expect(refused.log + refused.summary).not.toContain('guess');
  });

  test('is left out aloud without the commit before, and where nothing can be read', async () => {
    const whole = workspace;
    workspace = mkdtempSync(session.path('runner-'));
    await git(['clone', '-q', '--depth', '1', url, workspace]);
    const first = await plan();
    workspace = whole;
    expect(first).toMatchObject({ code: 0, commands: [expect.stringMatching(/^::warning title=PLAN_MISSING::/)] });
    expect(first.summary).toContain('`fetch-depth: 2`');
    const evil = await plan({ base: '--output=pwned' });
    expect(evil).toMatchObject({ code: 0, summary: first.summary });
    expect(() => read('pwned')).toThrow();
    rmSync(path.join(workspace, 'slipway.yaml'));
    for (const folder of ['models', 'policies', 'rollouts', 'fleet'])
      rmSync(path.join(workspace, folder), { recursive: true });
    await commit();
    const empty = await plan();
    expect(empty.code).toBe(2);
    expect(empty.summary).toMatch(/There is no plan: REPO_NO_DOCUMENTS/);
  });
});

describe('the action `verify`', () => {
  const verify = (inputs: Readonly<Record<string, string>>) =>
    run('verify', { files: MODEL, 'trust-policy': trustText(), ...inputs });

  test('names who signed, and refuses with an annotation', async () => {
    expect(await verify({ files: `${MODEL}\n\npolicies/quick.yaml\n` })).toMatchObject({
      code: 0,
      commands: [],
      log: expect.stringMatching(/^good .*1\.0\.0\.yaml {2}ci \(key .*\ngood .*quick\.yaml/),
    });
    write(MODEL, read(MODEL).replace('kind: ModelManifest', 'kind: ModelManifest # changed'));
    expect(await verify({})).toMatchObject({
      code: 1,
      commands: [expect.stringMatching(`^::error file=${MODEL},line=1,col=1,title=SIGNATURE_WRONG::`)],
    });
  });

  test('needs files and a trust policy, and takes a file that looks like an option as a file', async () => {
    expect((await verify({ files: ' \n' })).commands).toEqual([expect.stringMatching('FILES_MISSING')]);
    expect((await verify({ 'trust-policy': '' })).commands).toEqual([expect.stringMatching('TRUST_MISSING')]);
    expect((await verify({ files: '--help' })).commands).toEqual([expect.stringMatching(/FILE_UNREADABLE::--help/)]);
  });
});

test('an action installs the packages of its own checkout once, without development packages or scripts', async () => {
  const checkout = mkdtempSync(session.path('actions-'));
  cpSync(path.join(ROOT, '.github/actions'), path.join(checkout, '.github/actions'), { recursive: true });
  for (const name of ['src', 'schemas', 'package.json', 'fleet-agent', 'examples'])
    symlinkSync(path.join(ROOT, name), path.join(checkout, name));
  const bin = mkdtempSync(session.path('bin-'));
  const modules = path.join(checkout, 'node_modules');
  const npm = `#!/usr/bin/env bash\necho "npm $*"\nmkdir '${modules}' && touch '${modules}/.package-lock.json'\n`;
  writeFileSync(path.join(bin, 'npm'), npm, { mode: 0o755 });
  const job = {
    workspace,
    temporary: session.folder,
    actions: path.join(checkout, '.github/actions'),
    environment: { PATH: `${bin}:${process.env.PATH}` },
  };
  const first = await runAction('validate', { 'trust-policy': trustText() }, job);
  expect(first.log).toContain(`npm ci --prefix ${checkout} --omit=dev --ignore-scripts --no-audit --no-fund\n`);
  const second = await runAction('verify', { files: MODEL, 'trust-policy': trustText() }, job);
  expect([second.code, second.log]).toEqual([0, expect.not.stringContaining('npm')]);
});
