// Laws of what a manifests repository gets for its Git host: the job that checks it runs as written, on GitHub and on GitLab.
import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { parse } from 'yaml';
import { CliSession } from '../cli/cli-session.ts';
import { Workshop } from '../git/git-fixture.ts';
import { runJob, runScript } from './action-runner.ts';

// Each command is a process of its own.
vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const COMMIT = '0123456789abcdef0123456789abcdef01234567';
const QUICK = 'policies/quick.yaml';
/** The server of the repository runs in this process. */
const git = (...args: readonly string[]) => promisify(execFile)('git', [...args]);

let session: CliSession;
let workshop: Workshop;
let url: string;
let workspace: string;
beforeAll(async () => {
  session = new CliSession();
  workshop = new Workshop();
  for (const host of ['github', 'gitlab'])
    expect(await session.run(['init', host, '--example', '--ci', host, '--owners', '@acme/ml,@alice'])).toMatchObject({
      code: 0,
    });
  workshop.bare('models.git', 'empty');
  url = `${(await workshop.serve()).url}/models.git`;
});
afterAll(async () => {
  await workshop[Symbol.asyncDispose]();
  await session[Symbol.asyncDispose]();
});
beforeEach(() => {
  workspace = mkdtempSync(session.path('runner-'));
});

function trustText(): string {
  const key = readFileSync(session.path('.slipway/keys/ci.pub'), 'utf8');
  return `apiVersion: slipway.dev/v1alpha1
kind: TrustPolicy
spec: { signers: [{ name: ci, publicKey: ${JSON.stringify(key)}, models: ["*"], policies: ["*"] }] }
`;
}

/** A change of the target, and without the signature of a policy if so asked, as the newest commit of the served branch. */
async function push(host: string, { unsigned }: { readonly unsigned: boolean }): Promise<void> {
  const folder = session.path(mkdtempSync(session.path('change-')).slice(session.folder.length + 1), 'clone');
  cpSync(session.path(host), folder, { recursive: true });
  const rollout = path.join(folder, 'rollouts/document-classifier-eu.yaml');
  writeFileSync(rollout, readFileSync(rollout, 'utf8').replace('region:eu-west', 'region:eu-north'));
  if (unsigned) rmSync(path.join(folder, `${QUICK}.sigstore.json`));
  await git('-C', folder, '-c', 'user.name=ann', '-c', 'user.email=ann@example.org', 'commit', '-qam', 'change');
  await git('-C', folder, 'push', '-qf', url, 'HEAD:main');
}

const clone = (folder: string) => git('clone', '-q', '--depth', '2', url, folder);

function github(file: string, known: Readonly<Record<string, string>>) {
  return runJob(file, 'validate', {
    ...{ workspace, temporary: session.folder },
    known: {
      'vars.SLIPWAY_REPOSITORY': 'acme/slipway',
      'vars.SLIPWAY_COMMIT': COMMIT,
      'vars.SLIPWAY_TRUST_POLICY': trustText(),
      'vars.SLIPWAY_SERVER': '',
      'secrets.SLIPWAY_VIEW_TOKEN': '',
      ...known,
    },
    checkout: async (repository, folder) => {
      if (repository === undefined) await clone(folder);
      else symlinkSync(ROOT, folder);
    },
  });
}

test('`init --ci github` adds a job that passes what is signed, refuses what is not, and shows the plan', async () => {
  const file = session.path('github/.github/workflows/manifests.yml');
  await push('github', { unsigned: false });
  const good = await github(file, {});
  expect(good).toMatchObject({ code: 0, commands: [] });
  expect(good.summary).toContain('Rollout document-classifier-eu (changes: target)');
  rmSync(workspace, { recursive: true });
  workspace = mkdtempSync(session.path('runner-'));
  await push('github', { unsigned: true });
  expect(await github(file, {})).toMatchObject({
    code: 1,
    commands: [expect.stringMatching(`^::error file=${QUICK},line=1,col=1,title=SIGNATURE_MISSING::`)],
  });
  for (const missing of [{ 'vars.SLIPWAY_COMMIT': 'main' }, { 'vars.SLIPWAY_REPOSITORY': '' }])
    expect(await github(file, missing)).toMatchObject({
      code: 1,
      commands: [expect.stringMatching('SLIPWAY_UNKNOWN')],
    });
  const owners = readFileSync(session.path('github/.github/CODEOWNERS'), 'utf8');
  expect(owners).toMatch(/^\/policies\/ +@acme\/ml @alice$/m);
});

test('the reusable workflow checks with the inputs that its caller gives, and only as a commit that it knows', async () => {
  const file = path.join(ROOT, '.github/workflows/validate.yml');
  // Two folders that one pull request checks must not end each other.
  expect(parse(readFileSync(file, 'utf8')).concurrency.group).toContain('inputs.path');
  await push('github', { unsigned: false });
  const inputs = { path: '.', signatures: 'require', devices: '40', 'per-minute': '', server: '' };
  const known = {
    ...Object.fromEntries(Object.entries(inputs).map(([name, value]) => [`inputs.${name}`, value])),
    ...{ 'inputs.trust-policy': trustText(), 'secrets.token': '', 'secrets.slipway-token || github.token': 'x' },
    ...{ 'job.workflow_sha': COMMIT, 'job.workflow_repository': 'acme/slipway' },
  };
  const { code, summary } = await github(file, known);
  expect([code, summary]).toEqual([0, expect.stringContaining('40 devices match the target.')]);
  const unknown = await github(file, { ...known, 'job.workflow_sha': '' });
  expect(unknown).toMatchObject({ code: 1, commands: [expect.stringMatching('SLIPWAY_UNKNOWN')] });
});

test.each(['validate', 'release'])(
  'the job on hardware of %s runs the script of the repository, and ends as it does',
  async (name) => {
    const end = (script: string) =>
      runJob(path.join(ROOT, `.github/workflows/${name}.yml`), 'hardware', {
        ...{ workspace, temporary: session.folder },
        known: { 'inputs.hardware-script': 'ci/on device.sh', "inputs.artifact != ''": 'false' },
        checkout: async (_, folder) => {
          mkdirSync(path.join(folder, 'ci'), { recursive: true });
          writeFileSync(path.join(folder, 'ci/on device.sh'), script);
        },
      });
    expect(await end('echo tested')).toMatchObject({ code: 0, log: 'tested\n' });
    expect(await end('exit 7')).toMatchObject({ code: 7 });
  },
);

/** Slipway as a repository that GitLab's job can fetch, and its commit. */
async function slipwayRepository(): Promise<{ source: string; commit: string }> {
  const source = mkdtempSync(session.path('slipway-'));
  for (const name of ['src', 'schemas', 'examples', 'fleet-agent', 'deploy', 'package.json', 'package-lock.json'])
    cpSync(path.join(ROOT, name), path.join(source, name), {
      recursive: true,
      filter: (from) => !from.endsWith('node_modules'),
    });
  const as = ['-C', source, '-c', 'user.name=ann', '-c', 'user.email=ann@example.org'];
  await git('init', '-q', source);
  await git(...as, 'add', '--all');
  await git(...as, 'commit', '-qm', 'start');
  return { source, commit: (await git(...as, 'rev-parse', 'HEAD')).stdout.trim() };
}

interface GitlabJob {
  readonly before_script?: readonly string[];
  readonly script: readonly string[];
}

test('`init --ci gitlab` adds a job whose report holds each finding at its line, and whose log holds the plan', async () => {
  const jobs = parse(readFileSync(session.path('gitlab/.gitlab-ci.yml'), 'utf8')) as Record<string, GitlabJob>;
  const script = [...(jobs['.slipway']?.before_script ?? []), ...(jobs['slipway-validate']?.script ?? [])].join('\n');
  const { source, commit } = await slipwayRepository();
  const bin = mkdtempSync(session.path('bin-'));
  // The packages of this project stand for those that npm would bring.
  writeFileSync(path.join(bin, 'npm'), `#!/bin/sh\necho "npm $*"\nln -s '${ROOT}node_modules' "$3/node_modules"\n`, {
    mode: 0o755,
  });
  session.write('trust.yaml', trustText());
  const run = async (more: Readonly<Record<string, string>> = {}) => {
    const folder = path.join(mkdtempSync(session.path('runner-')), 'project');
    await clone(folder);
    const base = (await git('-C', folder, 'rev-parse', 'HEAD^1')).stdout.trim();
    const env = {
      ...{
        PATH: `${bin}:${process.env.PATH}`,
        HOME: session.folder,
        TMPDIR: session.folder,
        CI: 'true',
        GITLAB_CI: 'true',
      },
      ...{ CI_PROJECT_DIR: folder, CI_DEFAULT_BRANCH: 'main', CI_MERGE_REQUEST_DIFF_BASE_SHA: base },
      ...{ SLIPWAY_SOURCE: source, SLIPWAY_COMMIT: commit, SLIPWAY_TRUST_POLICY: session.path('trust.yaml'), ...more },
    };
    const ran = await runScript(script, { folder, temporary: session.folder, env });
    const report = path.join(folder, 'gl-code-quality-report.json');
    return { ...ran, report: () => JSON.parse(readFileSync(report, 'utf8')) };
  };
  await push('gitlab', { unsigned: false });
  const good = await run();
  expect([good.code, good.log]).toEqual([0, expect.stringContaining('changes: target')]);
  expect(good.log).toMatch(/^npm ci --prefix \S+ --omit=dev --ignore-scripts /m);
  expect(good.report()).toEqual([]);
  await push('gitlab', { unsigned: true });
  const bad = await run();
  expect([bad.code, bad.log]).toEqual([1, expect.stringContaining('SIGNATURE_MISSING')]);
  expect(bad.report()).toEqual([
    {
      ...{ check_name: 'SIGNATURE_MISSING', severity: 'major', location: { path: QUICK, lines: { begin: 1 } } },
      ...{ description: expect.any(String), fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) },
    },
  ]);
  expect(await run({ SLIPWAY_COMMIT: 'main' })).toMatchObject({
    code: 1,
    log: expect.stringContaining('SLIPWAY_COMMIT'),
  });
  expect(await run({ SLIPWAY_TRUST_POLICY: '' })).toMatchObject({
    code: 1,
    log: expect.stringContaining('SLIPWAY_TRUST'),
  });
  // As GitLab matches (gitlab-org/gitlab, ee/lib/gitlab/code_owners/file.rb): by fnmatch, where `*` matches no `/`.
  const owned = readFileSync(session.path('gitlab/.gitlab/CODEOWNERS'), 'utf8').matchAll(
    /^(\/\S+) +@acme\/ml @alice$/gm,
  );
  const patterns = [...owned].map(([, pattern = '']) => (pattern.endsWith('/') ? `${pattern}**/*` : pattern));
  for (const decisive of [
    '/.gitlab-ci.yml',
    '/.gitlab/CODEOWNERS',
    '/CODEOWNERS',
    '/docs/CODEOWNERS',
    '/policies/a.yaml',
  ])
    expect(
      patterns.some((pattern) => path.matchesGlob(decisive, pattern)),
      decisive,
    ).toBe(true);
});

test('`init` without --ci adds nothing for a host, and refuses owners that are none before it makes anything', async () => {
  const { stdout } = await session.run(['init', 'plain', '--home', 'plain-home', '--json']);
  expect(JSON.parse(stdout).files.filter((file: string) => file.startsWith('.'))).toEqual([]);
  const bad = await session.run(['init', 'bad', '--home', 'bad-home', '--ci', 'github', '--owners', 'x y']);
  expect(bad).toMatchObject({ code: 2, stderr: expect.stringMatching(/^INIT_OWNERS\n/) });
  expect(() => readFileSync(session.path('bad-home/trust-policy.yaml'))).toThrow();
});
