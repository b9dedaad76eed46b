// Laws of `slipway release`: a runner that has a stale clone, a token and a key gets a version out, whole, once, and never over another's.
import { spawn } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { encodeOnnx } from '../../examples/invoices/onnx-writer.ts';
import { type GitHttpRequest, startGitHttpServer } from '../../src/cli/demo/git-http-server.ts';
import { digestOf } from '../../src/contract/digest.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { rolloutText } from '../support/document-texts.ts';
import { PROJECT, REPOSITORY, TestPullRequestHost } from '../support/pull-request-host.ts';
import { makeKey } from '../support/trust.ts';
import { CliSession, PERSON, until } from './cli-session.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000 });

/** Says what the output is, so that packaging notes nothing. */
const KIND = ['--kind', 'scores=embedding'];
const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const TOKEN = 'token-of-the-job';
const RUNNER = {
  SLIPWAY_GIT_TOKEN: TOKEN,
  GITHUB_ACTOR: 'alice',
  GITHUB_ACTOR_ID: '42',
  GITHUB_SERVER_URL: 'https://github.com',
  CI_KEY: makeKey().key.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

function onnx(name: string): Buffer {
  const io = { name: 'x', shape: ['batch', 3] };
  const nodes = [{ operator: 'Identity', inputs: ['x'], outputs: ['scores'] }];
  return encodeOnnx({ name, inputs: [io], outputs: [{ ...io, name: 'scores' }], tensors: [], nodes });
}

let session: CliSession;
let url: string;
let start: number;
/** Called before each answer of the Git host. */
let before: (request: GitHttpRequest) => Promise<void> | void;
beforeEach(async () => {
  session = new CliSession();
  before = () => undefined;
  await session.run(['init', 'models']);
  session.write('models/rollouts/eu.yaml', rolloutText('eu', 'sorter', '0.9.0', 'careful'));
  session.write('model.onnx', '');
  for (const name of ['model', 'better']) writeFileSync(session.path(`${name}.onnx`), onnx(name));
  mkdirSync(session.path('hosts'));
  session.git('models', 'add', '-A');
  session.git('models', 'commit', '-q', '-m', 'start');
  session.git('.', 'clone', '-q', '--bare', session.path('models'), session.path('hosts/models.git'));
  const server = await startGitHttpServer({
    root: session.path('hosts'),
    environment: { PATH: process.env.PATH },
    credentials: { username: 'slipway', password: TOKEN },
    onRequest: async (request) => {
      await before(request);
      return undefined;
    },
  });
  session.keep(server);
  url = `${server.url}/models.git`;
  start = log().length;
});
afterEach(() => session[Symbol.asyncDispose]());

const onBranch = (file: string): string => session.git('hosts/models.git', 'show', `main:${file}`);
const log = (): string[] => session.git('hosts/models.git', 'log', '--format=%an <%ae> %s', 'main').split('\n');
const fileOf = (version: string): string => `models/sorter/${version}.yaml`;
const artifacts = (): string[] => readdirSync(session.path('.slipway/publication/artifacts'));

function release(version: string, more: readonly string[] = [], repo = url) {
  const args = ['release', 'model.onnx', '--manifest', fileOf(version), '--key', 'env://CI_KEY', '--repo', repo];
  return session.run([...args, ...KIND, '--json', ...more], RUNNER);
}

test('a runner without a clone releases files: artifacts, then one commit with manifest, signature and rollout; the same again changes nothing', async () => {
  const { code, stdout, stderr } = await release('1.0.0', ['--set', 'eu']);
  expect([code, stderr]).toEqual([0, '']);
  const said = JSON.parse(stdout);
  expect(said).toMatchObject({
    model: 'sorter',
    version: '1.0.0',
    sequence: 1,
    branch: 'main',
    alreadyReleased: false,
  });
  expect(said.commit).toBe(session.git('hosts/models.git', 'rev-parse', 'main'));
  expect(log()[0]).toBe('alice <42+alice@users.noreply.github.com> Release sorter 1.0.0');
  expect(session.git('hosts/models.git', 'show', '--name-only', '--format=', 'main').split('\n')).toEqual([
    fileOf('1.0.0'),
    `${fileOf('1.0.0')}.sigstore.json`,
    'rollouts/eu.yaml',
  ]);
  const manifest = parseManifest(Buffer.from(`${onBranch(fileOf('1.0.0'))}\n`), 'manifest');
  expect(artifacts()).toEqual([manifest.spec.variants[0]?.files[0]?.digest.slice('sha256:'.length)]);
  expect(onBranch('rollouts/eu.yaml')).toContain('version: "1.0.0"');
  const again = await release('1.0.0', ['--set', 'eu']);
  expect(again.code).toBe(0);
  expect(JSON.parse(again.stdout)).toMatchObject({ alreadyReleased: true, commit: null, digest: said.digest });
  expect(log()).toHaveLength(start + 1);
});

test('a draft that only the remote has gives the version its lineage and metrics', async () => {
  const draft = `apiVersion: slipway.dev/v1alpha1
kind: ModelDraft
metadata: { name: sorter, version: "1.0.0", state: training, owner: team-paper }
spec:
  lineage: { data: invoices-2026-11, code: 4f2c1e9 }
  metrics: { accuracy: 0.97 }
`;
  session.write(`models/${fileOf('1.0.0')}`, draft);
  session.git('models', 'add', '-A');
  session.git('models', 'commit', '-q', '-m', 'register');
  session.git('models', 'push', '-q', session.path('hosts/models.git'), 'main');
  const { code, stderr } = await release('1.0.0');
  expect([code, stderr]).toEqual([0, '']);
  const { metadata, spec } = parseManifest(Buffer.from(`${onBranch(fileOf('1.0.0'))}\n`), 'manifest');
  expect(metadata).toMatchObject({ version: '1.0.0', sequence: 1 });
  expect(spec).toMatchObject({ lineage: { data: 'invoices-2026-11', code: '4f2c1e9' }, metrics: { accuracy: 0.97 } });
});

test('a bill of materials comes with the commit, as the manifest names it under whatever sequence, and once', async () => {
  await release('0.9.0');
  const { code, stdout } = await release('1.0.0', ['--bom']);
  expect([code, JSON.parse(stdout).sequence]).toEqual([0, 2]);
  const manifest = parseManifest(Buffer.from(`${onBranch(fileOf('1.0.0'))}\n`), 'manifest');
  const bill = `${onBranch('models/sorter/1.0.0.cdx.json')}\n`;
  expect(manifest.spec.bom).toBe(digestOf(bill));
  expect(JSON.parse(bill)).toMatchObject({ bomFormat: 'CycloneDX', specVersion: '1.7' });
  const commits = log().length;
  expect(JSON.parse((await release('1.0.0', ['--bom'])).stdout)).toMatchObject({ alreadyReleased: true, commit: null });
  expect(log()).toHaveLength(commits);
});

test('what verifies it is what it was signed with, and other bytes under the same version are refused', async () => {
  await release('1.0.0');
  session.write('trust.yaml', '');
  const args = ['release', 'better.onnx', '--manifest', fileOf('1.0.0'), '--key', 'env://CI_KEY', '--repo', url];
  const { code, stderr } = await session.run(args, RUNNER);
  expect([code, stderr]).toEqual([2, expect.stringContaining('RELEASE_EXISTS')]);
  expect(stderr).toContain('Versions never change');
  expect(artifacts()).toHaveLength(1);
  expect(log()).toHaveLength(start + 1);
});

test('a signature that somebody else pushed must be one that the trust policy accepts, and a message is one line', async () => {
  const forged = 'One line\n\nSlipway-Rollout: eu';
  expect((await release('1.0.0', ['--message', forged])).code).toBe(0);
  expect(session.git('hosts/models.git', 'log', '-1', '--format=%s', 'main')).toBe('One line Slipway-Rollout: eu');
  const signers = '  signers:\n    - { name: ci, key: ci.pub, models: ["*"] }\n';
  session.write('trust.yaml', `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n${signers}`);
  session.write('ci.pub', createPublicKey(RUNNER.CI_KEY).export({ type: 'spki', format: 'pem' }).toString());
  expect((await release('1.0.0', ['--trust', 'trust.yaml'])).code).toBe(0);
  session.git('.', 'clone', '-q', session.path('hosts/models.git'), session.path('thief'));
  session.write(`thief/${fileOf('1.0.0')}.sigstore.json`, '{}');
  session.git('thief', 'commit', '-qam', 'forged');
  session.git('thief', 'push', '-q', 'origin', 'main');
  const commits = log().length;
  const { code, stderr } = await release('1.0.0', ['--trust', 'trust.yaml', '--set', 'eu']);
  expect([code, stderr]).toEqual([2, expect.stringContaining('SIGN_UNTRUSTED')]);
  expect(log()).toHaveLength(commits);
});

test('a shallow, detached and stale clone releases on the head of its origin, and stays as it is', async () => {
  // Git works while this process waits for it, so it can't clone from the server in here.
  session.git('.', 'clone', '-q', '--depth', '1', `file://${session.path('hosts/models.git')}`, 'runner');
  session.git('runner', 'remote', 'set-url', 'origin', url.replace('://', `://slipway:${TOKEN}@`));
  session.git('runner', 'checkout', '-q', '--detach');
  await release('1.0.0');
  const head = session.git('runner', 'rev-parse', 'HEAD');
  const { SLIPWAY_GIT_TOKEN: _, ...withoutToken } = RUNNER;
  const args = ['release', 'better.onnx', '--manifest', `runner/${fileOf('1.1.0')}`, '--key', 'env://CI_KEY'];
  const { code, stdout, stderr } = await session.run([...args, ...KIND, '--repo', 'runner', '--json'], withoutToken);
  expect([code, stderr]).toEqual([0, '']);
  expect(JSON.parse(stdout)).toMatchObject({ sequence: 2, manifest: fileOf('1.1.0') });
  expect(onBranch(fileOf('1.1.0'))).toContain('sequence: 2');
  expect(session.git('runner', 'status', '--porcelain')).toBe('');
  expect(session.git('runner', 'rev-parse', 'HEAD')).toBe(head);
  expect(stdout + stderr).not.toContain(TOKEN);
});

test('two runners at once both land, with different sequences', async () => {
  const [one, two] = await Promise.all([release('1.0.0'), release('1.1.0')]);
  expect([one, two]).toMatchObject([{ code: 0 }, { code: 0 }]);
  const sequences = [one, two].map(({ stdout }) => JSON.parse(stdout).sequence);
  expect(sequences.toSorted()).toEqual([1, 2]);
  for (const [index, version] of ['1.0.0', '1.1.0'].entries())
    expect(onBranch(fileOf(version))).toContain(`sequence: ${sequences[index]}`);
  expect(log()).toHaveLength(start + 2);
});

test('a manifest that people committed is signed on the branch', async () => {
  await session.run(['package', 'model.onnx', '--manifest', `models/${fileOf('1.0.0')}`]);
  const text = readFileSync(session.path('models', fileOf('1.0.0')), 'utf8');
  session.git('models', 'add', '-A');
  session.git('models', 'commit', '-q', '-m', 'a version');
  session.git('models', 'push', '-q', session.path('hosts/models.git'), 'main');
  const args = ['release', '--manifest', fileOf('1.0.0'), '--key', 'env://CI_KEY', '--repo', url];
  const { code, stdout } = await session.run(args, RUNNER);
  expect(code).toBe(0);
  expect(stdout).toMatch(
    /^sorter 1\.0\.0: release, sha256:\w+, sequence 1\nSigned by key .*\nThe branch has 1 error already; .*\nPushed [0-9a-f]{40} to main\.\n$/,
  );
  expect(`${onBranch(fileOf('1.0.0'))}\n`).toBe(text);
  expect(session.git('hosts/models.git', 'show', '--name-only', '--format=', 'main')).toBe(
    `${fileOf('1.0.0')}.sigstore.json`,
  );
});

test('a dry run shows the diff and changes nothing anywhere', async () => {
  const args = ['release', 'model.onnx', '--manifest', fileOf('1.0.0'), '--keyless', '--set', 'eu', '--dry-run'];
  const { code, stdout } = await session.run([...args, '--repo', url], RUNNER);
  expect(code).toBe(0);
  expect(stdout).toContain('Rollout eu: 0.9.0 → 1.0.0.\n');
  expect(stdout).toContain(`${fileOf('1.0.0')}\n  + apiVersion: slipway.dev/v1alpha1\n`);
  expect(stdout).toContain('rollouts/eu.yaml\n  -   version: "0.9.0"\n  +   version: "1.0.0"\n');
  expect(stdout).toMatch(/Dry run: nothing was uploaded, signed or pushed\.\n$/);
  expect(log()).toHaveLength(start);
  expect(existsSync(session.path('.slipway/publication/artifacts'))).toBe(false);
});

test('with a service, a dry run says how many devices the rollouts are for', async () => {
  await release('1.0.0', ['--set', 'eu']);
  const viewer = { ...RUNNER, SLIPWAY_VIEWER_TOKEN: 'a-viewer-token-of-some-length' };
  const service = await session.serve(['--repo', url], viewer);
  await session.enrol(['kiosk-1', 'kiosk-2', 'kiosk-3'], { region: 'eu' });
  const args = ['release', 'better.onnx', '--manifest', fileOf('1.1.0'), '--key', 'env://CI_KEY', '--set', 'eu'];
  const dry = () => session.run([...args, '--repo', url, '--server', service.url, '--dry-run'], viewer);
  await until(async () => (await dry()).stdout.includes('Rollout eu: 1.0.0 → 1.1.0; its target has 3 devices.\n'));
  expect(log().filter((line) => line.includes('1.1.0'))).toEqual([]);
  const home = ['--home', session.path('.slipway')];
  const made = await session.run(['token', 'create', '--name', 'ci', '--scope', 'publish', ...home]);
  const publisher = { ...RUNNER, SLIPWAY_TOKEN: made.stdout.trim() };
  const blind = await session.run([...args, '--repo', url, '--server', service.url, '--dry-run'], publisher);
  expect(blind.stdout).toContain('Rollout eu: 1.0.0 → 1.1.0.\n');
  expect(blind.stderr).toMatch(/number of devices is not known\. .*scope publish; this address needs view/);
});

test('a clone without an origin is the repository itself: its branch and its files follow', async () => {
  const args = [
    'release',
    'model.onnx',
    '--manifest',
    `models/${fileOf('1.0.0')}`,
    '--key',
    'env://CI_KEY',
    '--set',
    'eu',
  ];
  const { code, stdout, stderr } = await session.run([...args, ...KIND, '--repo', 'models'], RUNNER);
  expect([code, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`model.onnx was stored as artifacts/${artifacts()[0]}.\n`);
  expect(session.git('models', 'status', '--porcelain')).toBe('');
  expect(session.git('models', 'log', '-1', '--format=%s')).toBe('Release sorter 1.0.0');
  expect(existsSync(session.path('models', fileOf('1.0.0')))).toBe(true);
});

test('what validate would refuse, a signature that is not trusted, and a rollout that is not there are refused before anything is pushed', async () => {
  const misplaced = await release('1.0.0', ['--set', 'us']);
  expect([misplaced.code, misplaced.stderr]).toEqual([2, expect.stringContaining('ROLLOUT_UNKNOWN')]);
  session.write(
    'trust.yaml',
    `apiVersion: slipway.dev/v1alpha1\nkind: TrustPolicy\nspec:\n  signers:\n    - { name: other, key: other.pub, models: ["*"] }\n`,
  );
  session.write('other.pub', makeKey().publicPem);
  const untrusted = await release('1.0.0', ['--trust', 'trust.yaml']);
  expect([untrusted.code, untrusted.stderr]).toEqual([2, expect.stringContaining('SIGN_UNTRUSTED')]);
  expect(existsSync(session.path('.slipway/publication/artifacts'))).toBe(false);
  session.write(
    'models/fleet/eu.yaml',
    'apiVersion: slipway.dev/v1alpha1\nkind: DeviceGroup\nmetadata: { name: eu }\n',
  );
  const wrong = ['release', 'model.onnx', '--manifest', `policies/sorter/1.0.0.yaml`, '--key', 'env://CI_KEY'];
  const refused = await session.run([...wrong, '--repo', url, '--json'], RUNNER);
  expect(refused.code).toBe(1);
  expect(JSON.parse(refused.stdout)).toMatchObject({ commit: null, errors: [{ code: 'DOCUMENT_MISPLACED' }] });
  expect(log()).toHaveLength(start);
});

test('killed between upload and push, the same command lands exactly once', async () => {
  const child = spawn(
    process.execPath,
    [MAIN, 'release', 'model.onnx', ...KIND, '--manifest', fileOf('1.0.0'), '--key', 'env://CI_KEY', '--repo', url],
    {
      cwd: session.folder,
      env: { PATH: process.env.PATH, TMPDIR: session.folder, ...PERSON, ...RUNNER },
      stdio: 'ignore',
    },
  );
  before = ({ service, step }) => {
    if (service === 'git-receive-pack' && step === 'exchange') child.kill('SIGKILL');
  };
  await once(child, 'close');
  expect(child.signalCode).toBe('SIGKILL');
  expect(artifacts()).toHaveLength(1);
  before = () => undefined;
  const { code, stdout } = await release('1.0.0');
  expect(code).toBe(0);
  expect(JSON.parse(stdout).alreadyReleased).toBe(JSON.parse(stdout).commit === null);
  expect(log()).toHaveLength(start + 1);
  expect(artifacts()).toHaveLength(1);
});

test('a host that refuses the token, and one that is away, say so with their exit codes', async () => {
  const refused = await session.run(
    ['release', 'model.onnx', '--manifest', fileOf('1.0.0'), '--key', 'env://CI_KEY', '--repo', url],
    { ...RUNNER, SLIPWAY_GIT_TOKEN: 'another' },
  );
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('GIT_CREDENTIALS_REFUSED')]);
  const away = await release('1.0.0', [], 'http://127.0.0.1:9/models.git');
  expect([away.code, away.stderr]).toEqual([3, expect.stringContaining('GIT_UNREACHABLE')]);
  const outside = await release('../../../x');
  expect([outside.code, outside.stderr]).toEqual([2, expect.stringContaining('RELEASE_PATH')]);
});

describe.each(['GitHub', 'GitLab'])('at %s', (name) => {
  test('--pull-request pushes a branch and opens one pull request, which a rerun finds; the branch that it is for stays', async () => {
    const secret = 'token-for-pull-requests';
    const host = await TestPullRequestHost.start(secret);
    session.keep(host);
    const job =
      name === 'GitHub'
        ? { GITHUB_REPOSITORY: REPOSITORY, GITHUB_API_URL: host.url, GITHUB_TOKEN: secret }
        : { CI_PROJECT_ID: PROJECT, CI_API_V4_URL: host.gitlabUrl, GITLAB_TOKEN: secret };
    const args = ['release', 'model.onnx', '--manifest', fileOf('1.0.0'), '--key', 'env://CI_KEY', '--repo', url];
    const propose = (more: readonly string[] = [], env: Readonly<Record<string, string>> = job) =>
      session.run([...args, ...KIND, '--set', 'eu', '--pull-request', ...more], { ...RUNNER, ...env });
    const dry = await propose(['--dry-run'], {});
    expect([dry.code, host.asked]).toEqual([0, []]);
    const { code, stdout, stderr } = await propose(['--json']);
    expect([code, stderr]).toEqual([0, '']);
    const head = session.git('hosts/models.git', 'rev-parse', 'slipway/sorter-1.0.0');
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ commit: head, branch: 'main' },
      pullRequest: { branch: 'slipway/sorter-1.0.0', number: 1, isNew: true },
    });
    expect(host.requests).toMatchObject([
      { branch: 'slipway/sorter-1.0.0', base: 'main', title: 'Release sorter 1.0.0' },
    ]);
    expect(host.requests[0]?.body).toContain('* eu: 0.9.0 → 1.0.0');
    expect(log()).toHaveLength(start);
    const again = await propose();
    expect(again.stdout).toMatch(
      /^Already open: pull request 1 for main, [0-9a-f]{40} on slipway\/sorter-1\.0\.0: https:/m,
    );
    expect(session.git('hosts/models.git', 'rev-parse', 'slipway/sorter-1.0.0')).toBe(head);
    const lost = await propose([], { ...job, GITHUB_TOKEN: 'wrong', GITLAB_TOKEN: 'wrong' });
    expect([lost.code, lost.stderr]).toEqual([2, expect.stringContaining('HOST_CREDENTIALS')]);
    const nowhere = await propose([], {});
    expect([nowhere.code, nowhere.stderr]).toEqual([2, expect.stringContaining('HOST_UNKNOWN')]);
    expect(host.requests).toHaveLength(1);
  });
});
