// Laws of the jobs that release: from a stale clone, with the key or the identity of the job, they get a version out whole, or nothing at all.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { startGitHttpServer } from '../../src/cli/demo/git-http-server.ts';
import { CliSession } from '../cli/cli-session.ts';
import { rolloutText } from '../support/document-texts.ts';
import { type MockSigstore, startMockSigstore } from '../support/mock-sigstore.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { TestPullRequestHost } from '../support/pull-request-host.ts';
import { type JobEnd, runAction, runJob, runScript } from './action-runner.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const ISSUER = 'https://token.actions.githubusercontent.com';
const IDENTITY = 'https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main';
const TOKEN = 'git-token-of-the-job';
/** The server of the repository runs in this process. */
const git = (...args: readonly string[]) => promisify(execFile)('git', [...args]);

let sigstore: MockSigstore;
let session: CliSession;
let host: string;
let keyText: string;
let workspace: string;
beforeAll(async () => {
  sigstore = await startMockSigstore();
  session = new CliSession();
  await session.run(['init', 'models', '--keys', 'keys']);
  keyText = readFileSync(session.path('keys/ci.key'), 'utf8');
  session.write('models/rollouts/eu.yaml', rolloutText('eu', 'sorter', '0.9.0', 'careful'));
  session.git('models', 'add', '-A');
  session.git('models', 'commit', '-q', '-m', 'start');
  mkdirSync(session.path('hosts'));
  session.git('.', 'clone', '-q', '--bare', session.path('models'), session.path('hosts/models.git'));
  const environment = { PATH: process.env.PATH };
  const credentials = { username: 'x-access-token', password: TOKEN };
  const server = await startGitHttpServer({ root: session.path('hosts'), environment, credentials });
  session.keep(server);
  host = server.url;
});
afterAll(async () => {
  await session[Symbol.asyncDispose]();
  await sigstore[Symbol.asyncDispose]();
});
beforeEach(async () => {
  workspace = mkdtempSync(session.path('runner-'));
  await clone(workspace, `${host}/models.git`);
  writeFileSync(path.join(workspace, 'model.onnx'), constantClassifier(0, 6));
  writeFileSync(path.join(workspace, 'root.json'), JSON.stringify(sigstore.trustedRoot));
  writeFileSync(path.join(workspace, 'config.json'), JSON.stringify(sigstore.signingConfig('rekor-v2+tsa')));
});

/** As actions/checkout leaves it: shallow, on a commit, without the token. */
async function clone(folder: string, origin: string): Promise<void> {
  await git('clone', '-q', '--depth', '1', `${host.replace('://', `://x-access-token:${TOKEN}@`)}/models.git`, folder);
  await git('-C', folder, 'checkout', '-q', '--detach');
  await git('-C', folder, 'remote', 'set-url', 'origin', origin);
}

const onBranch = (file: string): string => session.git('hosts/models.git', 'show', `main:${file}`);
const head = (): string => session.git('hosts/models.git', 'rev-parse', 'main');
const fileOf = (version: string): string => `models/sorter/${version}.yaml`;
const GITHUB = { GITHUB_ACTOR: 'alice', GITHUB_ACTOR_ID: '42' };

function release(version: string, inputs: Readonly<Record<string, string>>, environment = {}): Promise<JobEnd> {
  const all = {
    ...{ manifest: fileOf(version), files: 'model.onnx', 'git-token': TOKEN, to: session.path('store') },
    ...{ options: '--kind\nprobabilities=embedding', ...inputs },
  };
  return runAction('release', all, {
    workspace,
    temporary: session.folder,
    environment: { ...GITHUB, ...environment },
  });
}

const withKey = () => ({ sign: 'key', key: keyText });

function identityPolicy(identity: string): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: TrustPolicy
spec:
  trustedRoot: root.json
  signers:
    - { name: ci, keyless: { issuer: "${ISSUER}", ${identity} }, models: ["*"] }
`;
}

function keyless(): Readonly<Record<string, string>> {
  sigstore.intercept('/token?job=1&audience=sigstore', () => ({
    statusCode: 200,
    response: JSON.stringify({ value: sigstore.token({ iss: ISSUER, sub: IDENTITY }) }),
  }));
  return { ACTIONS_ID_TOKEN_REQUEST_URL: `${sigstore.url}/token?job=1`, ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'bearer' };
}

const PRIVATE = { 'signing-config': 'config.json', 'trusted-root': 'root.json' };

describe('the action `release`', () => {
  test('with a key: one commit with manifest, signature and rollout, told in outputs; the same again changes nothing', async () => {
    const first = await release('1.0.0', { ...withKey(), rollouts: 'eu\n' });
    expect([first.code, first.commands], first.log).toEqual([0, []]);
    expect(first.outputs).toEqual({
      commit: head(),
      version: '1.0.0',
      'pull-request': '',
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
    });
    expect(first.summary).toContain(`sorter 1.0.0: commit ${head()}, manifest ${first.outputs.digest}`);
    expect(onBranch('rollouts/eu.yaml')).toContain('version: "1.0.0"');
    expect(session.git('hosts/models.git', 'log', '-1', '--format=%an', 'main')).toBe('alice');
    const again = await release('1.0.0', { ...withKey(), rollouts: 'eu' });
    expect(again).toMatchObject({ code: 0, outputs: { commit: '', digest: first.outputs.digest } });
    for (const { log, summary } of [first, again]) {
      expect(log + summary).not.toContain(TOKEN);
      expect(log + summary).not.toContain(keyText.split('\n')[1]);
    }
    await clone(path.join(workspace, 'new'), `${host}/models.git`);
    const ci = readFileSync(session.path('.slipway/keys/ci.pub'), 'utf8');
    const trust = `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec: { signers: [{ name: ci, publicKey: ${JSON.stringify(ci)}, models: ["*"], policies: ["*"] }] }\n`;
    const place = { workspace: path.join(workspace, 'new'), temporary: session.folder };
    expect(await runAction('verify', { files: fileOf('1.0.0'), 'trust-policy': trust }, place)).toMatchObject({
      code: 0,
    });
    expect(await runAction('validate', { 'trust-policy': trust }, place)).toMatchObject({ code: 0 });
  });

  test('with the identity of the job, where the trust policy accepts it; another or a too loose identity leaves nothing behind', async () => {
    const before = head();
    const refused: [string, string][] = [
      [`identity: "${IDENTITY}-other"`, 'SIGN_UNTRUSTED'],
      ['identityPattern: "https://github.com/*"', 'TRUST_SIGNER_PATTERN'],
    ];
    for (const [identity, code] of refused) {
      writeFileSync(path.join(workspace, 'trust.yaml'), identityPolicy(identity));
      const ended = await release('2.0.0', { ...PRIVATE, trust: 'trust.yaml' }, keyless());
      expect([ended.code, ended.outputs], ended.log).toEqual([
        2,
        { commit: '', digest: '', version: '', 'pull-request': '' },
      ]);
      expect(ended.commands).toEqual([expect.stringMatching(new RegExp(`^::error .*title=${code}::`))]);
      expect(head()).toBe(before);
    }
    writeFileSync(path.join(workspace, 'trust.yaml'), identityPolicy(`identity: "${IDENTITY}"`));
    const ended = await release('2.0.0', { ...PRIVATE, trust: 'trust.yaml' }, keyless());
    expect([ended.code, ended.outputs.commit], ended.log).toEqual([0, head()]);
    expect(JSON.parse(onBranch(`${fileOf('2.0.0')}.sigstore.json`))).toHaveProperty('verificationMaterial');
  });

  test('as a pull request: on a branch of its own, opened once however often the job runs', async () => {
    await using hub = await TestPullRequestHost.start(TOKEN);
    const before = head();
    const propose = () => release('6.0.0', { ...withKey(), 'pull-request': 'true' }, { GITHUB_API_URL: hub.url });
    const [first, again] = [await propose(), await propose()];
    for (const ended of [first, again]) expect([ended.code, ended.commands], ended.log).toEqual([0, []]);
    expect(first.outputs['pull-request']).toMatch(/^http/);
    expect(again.outputs['pull-request']).toBe(first.outputs['pull-request']);
    expect(hub.requests).toMatchObject([{ branch: 'slipway/sorter-6.0.0', base: 'main' }]);
    expect(head()).toBe(before);
    expect(first.log + first.summary).not.toContain(TOKEN);
  });

  test('pushes nothing in a dry run, names what is missing, and runs no input as code', async () => {
    const before = head();
    const dry = await release('3.0.0', { ...withKey(), 'dry-run': 'true', rollouts: 'eu' });
    expect(dry).toMatchObject({ code: 0, outputs: { commit: '' } });
    expect(dry.summary).toMatch(/^\* eu: \S+ → 3\.0\.0$/m);
    expect(dry.summary).toMatch(/^~{8}diff\nmodels\/sorter\/3\.0\.0\.yaml\n\+ apiVersion/m);
    const evil = '$(touch pwned)`touch pwned`";touch pwned;#\n::add-mask::x';
    for (const input of [
      'manifest',
      'files',
      'rollouts',
      'repository',
      'branch',
      'sign',
      'key',
      'trust',
      'server',
      'options',
    ]) {
      const { code, commands, log } = await release('3.0.0', { ...withKey(), 'dry-run': 'true', [input]: evil });
      // A dry run takes no key and, without a rollout, asks no service.
      expect([input, code === 0], log).toEqual([input, input === 'key' || input === 'server']);
      expect(
        commands.every((line) => /^::error /.test(line)),
        commands.join('\n'),
      ).toBe(true);
    }
    expect(() => readFileSync(path.join(workspace, 'pwned'))).toThrow();
    expect((await release('3.0.0', { sign: 'key' })).commands).toEqual([expect.stringMatching('KEY_ENVIRONMENT')]);
    expect((await release('3.0.0', {})).commands).toEqual([expect.stringMatching('SIGN_TOKEN_MISSING')]);
    expect(head()).toBe(before);
  });
});

test('what a release says is shown without steering the runner', async () => {
  const folder = mkdtempSync(session.path('report-'));
  const at = (name: string, text: string): string => {
    writeFileSync(path.join(folder, name), text);
    return path.join(folder, name);
  };
  const place = { file: 'a,b\n::add-mask::x.yaml', line: 3, column: 1 };
  const errors = [{ code: 'REFERENCE', message: 'x\n::stop-commands::y', at: place }];
  const result = { model: 'm', version: '1\ncommit=evil', digest: 'sha256:1', commit: null, errors };
  const failure = { error: { code: 'GIT_DOWN', message: '100%', remedy: 'Wait.' } };
  const files = [at('result', JSON.stringify(result)), at('errors', `words\n${JSON.stringify(failure)}\n{ broken\n`)];
  const env = { GITHUB_OUTPUT: at('output', ''), GITHUB_STEP_SUMMARY: at('summary', '') };
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [`${ROOT}.github/actions/release/report.mjs`, ...files],
    { env },
  );
  expect(stdout.trimEnd().split('\n')).toEqual([
    '::error file=a%2Cb%0A%3A%3Aadd-mask%3A%3Ax.yaml,line=3,col=1,title=REFERENCE::x%0A::stop-commands::y',
    '::error title=GIT_DOWN::100%25%0AWait.',
  ]);
  expect(readFileSync(env.GITHUB_OUTPUT, 'utf8')).toBe(
    'version=1commitevil\ndigest=sha256:1\ncommit=\npull-request=\n',
  );
});

describe('the reusable workflow that releases', () => {
  const job = (inputs: Readonly<Record<string, string>>, serverUrl = host) => {
    const declared = parse(readFileSync(path.join(ROOT, '.github/workflows/release.yml'), 'utf8')).on.workflow_call;
    const known: Record<string, string> = {};
    for (const [name, { default: fallback }] of Object.entries<{ default?: string }>(declared.inputs))
      known[`inputs.${name}`] = inputs[name] ?? fallback ?? '';
    for (const name of Object.keys(declared.secrets)) known[`secrets.${name}`] = '';
    return runJob(path.join(ROOT, '.github/workflows/release.yml'), 'release', {
      ...{ workspace, temporary: session.folder, environment: GITHUB },
      known: {
        ...known,
        ...{
          'secrets.key': keyText,
          'secrets.git-token || github.token': TOKEN,
          'secrets.slipway-token || github.token': '',
        },
        ...{
          'job.workflow_sha': 'a'.repeat(40),
          'job.workflow_repository': 'open.git',
          'github.server_url': serverUrl,
        },
        "inputs.artifact != ''": String((inputs.artifact ?? '') !== ''),
        "inputs.sign != 'key'": String(inputs.sign !== undefined && inputs.sign !== 'key'),
      },
      checkout: async (repository, folder) => {
        if (repository !== undefined && !existsSync(folder)) symlinkSync(ROOT, folder);
      },
    });
  };

  test('releases with the key of its caller, and never keyless where everybody may call it', async () => {
    const inputs = {
      manifest: fileOf('4.0.0'),
      files: 'model.onnx',
      to: session.path('store'),
      options: '--kind\nprobabilities=embedding',
    };
    const open = await startGitHttpServer({ root: session.path('hosts'), environment: { PATH: process.env.PATH } });
    session.keep(open);
    session.git('.', 'clone', '-q', '--bare', session.path('models'), session.path('hosts/open.git'));
    const before = head();
    const asked = session.path('asked');
    const signer = { sign: 'signer', options: `${inputs.options}\n--signer\ntouch ${asked}` };
    for (const how of [{ sign: 'keyless' }, signer])
      expect(await job({ ...inputs, ...how }, open.url)).toMatchObject({
        code: 1,
        commands: [expect.stringMatching(/^::error title=SIGN_SHARED_IDENTITY::/)],
      });
    expect(existsSync(asked)).toBe(false);
    expect(await job({ ...inputs, sign: 'keyless' }, 'http://127.0.0.1:9')).toMatchObject({
      code: 1,
      commands: [expect.stringMatching(/^::error title=SIGN_IDENTITY_UNKNOWN::/)],
    });
    const closed = await job({ ...inputs, sign: 'keyless', 'dry-run': 'true' });
    expect([closed.code, closed.commands], closed.log).toEqual([0, []]);
    expect(head()).toBe(before);
    const ended = await job(inputs);
    expect([ended.code, ended.commands], ended.log).toEqual([0, []]);
    expect(onBranch(fileOf('4.0.0'))).toContain('version: "4.0.0"');
  });
});

test('the job of GitLab releases with its identity, by the token of its clone', async () => {
  const jobs = parse(readFileSync(path.join(ROOT, 'deploy/gitlab/slipway.gitlab-ci.yml'), 'utf8'));
  const { script, variables } = jobs['.slipway-release'] as { script: string[]; variables: Record<string, string> };
  const slipway = `slipway() { node '${ROOT}src/cli/slipway.mjs' "$@"; }\ntrust='${path.join(workspace, 'trust.yaml')}'\n`;
  writeFileSync(path.join(workspace, 'trust.yaml'), identityPolicy(`identity: "${IDENTITY}"`));
  const origin = `${host.replace('://', `://x-access-token:${TOKEN}@`)}/models.git`;
  await git('-C', workspace, 'remote', 'set-url', 'origin', origin);
  const options = [
    '--signing-config',
    'config.json',
    '--trusted-root',
    'root.json',
    '--kind',
    'probabilities=embedding',
    '--to',
    session.path('store'),
  ];
  const env = {
    ...{ PATH: process.env.PATH ?? '', HOME: session.folder, CI_DEFAULT_BRANCH: 'main', ...variables },
    ...{ GITLAB_USER_NAME: 'bob', GITLAB_USER_EMAIL: 'bob@example.org' },
    SIGSTORE_ID_TOKEN: sigstore.token({ iss: ISSUER, sub: IDENTITY }),
    ...{
      SLIPWAY_MANIFEST: fileOf('5.0.0'),
      SLIPWAY_FILES: 'model.onnx',
      SLIPWAY_ROLLOUTS: 'eu',
      SLIPWAY_OPTIONS: options.join('\n'),
    },
  };
  const ended = await runScript(slipway + script.join('\n'), { folder: workspace, temporary: session.folder, env });
  expect(ended.code, ended.log).toBe(0);
  expect(onBranch('rollouts/eu.yaml')).toContain('version: "5.0.0"');
  expect(session.git('hosts/models.git', 'log', '-1', '--format=%an', 'main')).toBe('bob');
});
