// The proof that a runner with nothing but the repository and its tokens gets versions out: to a bucket and to the service, signed by its identity, past a second runner, onto devices stage by stage.
import { execFile } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { parseManifest } from '../../src/contract/manifest/parse-manifest.ts';
import { manifestText, policyText, rolloutText } from '../support/document-texts.ts';
import { answering, type CommandResult, Installation, openHost, running } from '../support/installation.ts';
import { type MockSigstore, startMockSigstore } from '../support/mock-sigstore.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { PrivateBucket } from '../support/private-bucket.ts';
import { until } from '../support/until.ts';

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const JOB = {
  iss: 'https://token.actions.githubusercontent.com',
  sub: 'https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main',
};
/** One device first; each stage ends once it is over without a failure. */
const STAGES = `    - { name: canary, size: { devices: 1 }, soak: 300ms, minimum: { devices: 1 } }
    - { name: full, size: 100%, soak: 300ms, minimum: { devices: 1 } }`;

const host = openHost();
const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-release-'));
let bucket: PrivateBucket;
let sigstore: MockSigstore;
let world: Installation;
let publishToken: string;

beforeAll(async () => {
  sigstore = await startMockSigstore();
  bucket = await PrivateBucket.open(path.join(folder, 'bucket'));
  Object.assign(process.env, bucket.environment);
  world = await Installation.open();
  const { home } = world.set;
  await writeFile(path.join(home.folder, 'trusted_root.json'), JSON.stringify(sigstore.trustedRoot));
  const publicPem = createPublicKey(await world.ciKey()).export({ type: 'spki', format: 'pem' });
  await world.writeTrust(
    `    - { name: people, publicKey: ${JSON.stringify(publicPem)}, policies: ["*"] }
    - { name: release, keyless: { issuer: "${JOB.iss}", identity: "${JOB.sub}" }, models: ["*"] }`,
    home.trustPolicy,
    '  trustedRoot: trusted_root.json\n',
  );
  const policy = policyText('staged', '0s').replace(/^ {4}- .*$/m, STAGES);
  await world.pushStart([
    ...(await world.signed('policies/staged.yaml', policy)),
    ['rollouts/doors.yaml', rolloutText('doors', 'door', '1.0.0', 'staged')],
  ]);
  await world.startService({ artifacts: 's3://ours/prod' });
  const made = await world.slipway('token', 'create', '--name', 'runner', '--scope', 'publish', '--home', home.folder);
  expect(made.stderr).toBe('');
  publishToken = made.stdout.trim();
}, 120_000);

afterAll(async () => {
  for (const name of Object.keys(bucket.environment)) delete process.env[name];
  await world[Symbol.asyncDispose]();
  await bucket[Symbol.asyncDispose]();
  await sigstore[Symbol.asyncDispose]();
  await host.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A job: a clone, the model that it trained, a token for Git, one to publish, and its identity. */
class Runner {
  readonly #clone: string;
  readonly #environment: Readonly<Record<string, string | undefined>>;

  private constructor(clone: string, environment: Readonly<Record<string, string | undefined>>) {
    this.#clone = clone;
    this.#environment = environment;
  }

  static async start(name: string, answers: number): Promise<Runner> {
    const clone = await world.set.clone(name);
    await clone.pull();
    await writeFile(path.join(clone.folder, 'model.onnx'), constantClassifier(answers, 100_000 + answers));
    // What the version before said of a short warm-up, as teams take over their own.
    const before = { model: 'door', version: '0.9.0', artifact: digestOf('none'), sizeBytes: 1 };
    await writeFile(path.join(clone.folder, 'before.yaml'), manifestText(before).replace(/^ {2}examples: .*\n/m, ''));
    await writeFile(path.join(clone.folder, 'labels.txt'), 'invoice\nreceipt\nletter\nform\n');
    await writeFile(path.join(clone.folder, 'signing.json'), JSON.stringify(sigstore.signingConfig('rekor-v1')));
    await writeFile(path.join(clone.folder, 'root.json'), JSON.stringify(sigstore.trustedRoot));
    const { PATH, NODE_COMPILE_CACHE } = process.env;
    return new Runner(clone.folder, {
      ...{ PATH, NODE_COMPILE_CACHE, HOME: clone.folder, SIGSTORE_ID_TOKEN: sigstore.token(JOB) },
      ...{ SLIPWAY_GIT_TOKEN: world.set.credentials.password, SLIPWAY_TOKEN: publishToken },
    });
  }

  /** `slipway release` as the job runs it. */
  release(version: string, more: readonly string[], environment: Readonly<Record<string, string>> = {}) {
    const args = [
      ...['release', 'model.onnx', 'labels.txt', '--manifest', `models/door/${version}.yaml`, '--from', 'before.yaml'],
      ...['--keyless', '--signing-config', 'signing.json', '--trusted-root', 'root.json', '--insecure-http', '--json'],
      ...more,
    ];
    const options = { cwd: this.#clone, env: { ...this.#environment, ...environment }, timeout: 120_000 };
    return new Promise<CommandResult>((resolve) => {
      execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
        resolve({ code, stdout, stderr });
      });
    });
  }
}

/** What a command that had to succeed printed. */
function printed({ code, stdout, stderr }: CommandResult): Record<string, unknown> {
  expect([code, stderr]).toEqual([0, expect.any(String)]);
  return JSON.parse(stdout);
}

async function manifestOf(version: string) {
  await world.ci.pull();
  const file = `models/door/${version}.yaml`;
  return parseManifest(Buffer.from(await world.ci.read(file)), file);
}

test('two runners release at the same time, one to a bucket and one to the service: neither loses, and devices take what a rollout asks for, stage by stage', {
  timeout: 240_000,
}, async () => {
  const agents = await Promise.all(['a', 'b'].map((id) => world.startAgent(host, { id: `door-${id}` })));
  const versions = () => agents.map(({ agent }) => running(agent, 'door') ?? 'nothing');
  const traffic = setInterval(() => agents.map(({ agent }) => answering(agent, 'door').catch(() => undefined)), 100);
  await using _traffic = { [Symbol.asyncDispose]: async () => clearInterval(traffic) };

  const first = await Runner.start('runner-1', 0);
  const toBucket = ['--to', 's3://ours/prod', '--set', 'doors'];
  printed(await first.release('1.0.0', toBucket, bucket.writerEnvironment));
  const [inBucket] = (await manifestOf('1.0.0')).spec.variants[0]?.files ?? [];
  expect(inBucket?.url).toBe(`s3://ours/prod/${hexOf(inBucket?.digest as never)}`);
  await until(() => versions().every((one) => one === '1.0.0'), versions);
  await until(async () => (await world.outlook('doors'))?.stable === '1.0.0', versions);

  const [second, third] = [await Runner.start('runner-2', 1), await Runner.start('runner-3', 2)];
  const toService = ['--to', 'service', '--server', world.service.url];
  const said = await Promise.all([
    second.release('2.0.0', [...toService, '--set', 'doors']),
    third.release('2.1.0', ['--to', 's3://ours/prod'], bucket.writerEnvironment),
  ]);
  const sequences = said.map((one) => printed(one).sequence);
  expect(sequences.toSorted()).toEqual([2, 3]);
  const [uploaded] = (await manifestOf('2.0.0')).spec.variants[0]?.files ?? [];
  expect(readdirSync(path.join(world.set.home.publication, 'artifacts'))).toContain(hexOf(uploaded?.digest as never));
  expect((await manifestOf('2.1.0')).spec.variants[0]?.files[0]?.url).toMatch(/^s3:/);

  await until(() => versions().every((one) => one === '2.0.0'), versions);
  await until(async () => (await world.outlook('doors'))?.stable === '2.0.0', versions);
  const walked = (await world.steps('doors')).map(({ kind }) => kind);
  expect(walked).toEqual(['start', 'advance', 'complete', 'start', 'advance', 'complete']);
  expect(world.log.join('')).not.toContain(publishToken);
});

test('a runner without the right token publishes nothing and pushes nothing', { timeout: 120_000 }, async () => {
  const head = (await world.ci.git('ls-remote', 'origin', 'main')).trim();
  const before = readdirSync(path.join(world.set.home.publication, 'artifacts')).length;
  const runner = await Runner.start('runner-4', 3);
  const toService = ['--to', 'service', '--server', world.service.url];
  const stranger = await runner.release('3.0.0', toService, { SLIPWAY_TOKEN: 'slipway_nothing' });
  const viewer = await runner.release('3.0.0', toService, { SLIPWAY_TOKEN: world.set.viewerToken });
  expect([stranger.code, viewer.code]).toEqual([2, 2]);
  expect(stranger.stderr + viewer.stderr).not.toContain(world.set.viewerToken);
  expect(readdirSync(path.join(world.set.home.publication, 'artifacts'))).toHaveLength(before);
  expect((await world.ci.git('ls-remote', 'origin', 'main')).trim()).toBe(head);
});
