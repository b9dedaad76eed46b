// Owns the proof that a device refuses what was tampered with, what is not signed and what does not fit it, and says why.
import { readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { AgentOptions } from '../../fleet-agent/src/agent-options.ts';
import type { ModelRecord } from '../../fleet-agent/src/record/model-record.ts';
import { createLogger } from '../../src/base/logger.ts';
import { hexOf } from '../../src/contract/digest.ts';
import { MOST_MODELS, outcomeKey } from '../../src/contract/report.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { makeKey } from '../support/trust.ts';
import {
  DeviceWorld,
  MODEL,
  type ModelOrder,
  modelStatus,
  oneRow,
  openHost,
  outcomesOf,
  type PublishedModel,
  until,
  untilRuns,
} from './device-world.ts';

const host = openHost();
afterAll(() => host.close());

interface Case {
  readonly title: string;
  readonly order?: Partial<ModelOrder>;
  readonly options?: Partial<AgentOptions>;
  readonly tamper?: (world: DeviceWorld, bad: PublishedModel) => Promise<void>;
  readonly reason: string;
  readonly message: RegExp;
  readonly outcome: 'refused' | 'failed' | 'undelivered';
}

const manifestFile = (world: DeviceWorld, { digest }: PublishedModel) =>
  path.join(world.publication, 'manifests', `${hexOf(digest)}.yaml`);

const CASES: readonly Case[] = [
  {
    title: 'an artifact with one bit changed',
    tamper: async (world, { artifact }) => {
      const file = path.join(world.publication, 'artifacts', hexOf(artifact));
      const bytes = await readFile(file);
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      await writeFile(file, bytes);
    },
    ...{ reason: 'corrupt', message: /digest is sha256/, outcome: 'undelivered' },
  },
  {
    title: 'an artifact that is longer than its manifest says',
    tamper: async (world, { artifact }) => {
      const file = path.join(world.publication, 'artifacts', hexOf(artifact));
      await writeFile(file, Buffer.concat([await readFile(file), Buffer.alloc(100_000)]));
    },
    ...{ reason: 'corrupt', message: /longer than the/, outcome: 'undelivered' },
  },
  {
    title: 'a manifest with another content',
    tamper: async (world, bad) => {
      const file = manifestFile(world, bad);
      await writeFile(file, (await readFile(file, 'utf8')).replace('zeros', 'zeroes'));
    },
    ...{ reason: 'corrupt', message: /manifest's digest is/, outcome: 'undelivered' },
  },
  {
    title: 'a manifest without a signature',
    tamper: (world, bad) => rm(`${manifestFile(world, bad)}.sigstore.json`),
    ...{ reason: 'signature', message: /SIGNATURE_MISSING/, outcome: 'undelivered' },
  },
  {
    title: 'a signature of another manifest',
    tamper: async (world, bad) => {
      const other = await world.publishModel({ version: '9.9.9' });
      const bundle = await readFile(`${manifestFile(world, other)}.sigstore.json`);
      await writeFile(`${manifestFile(world, bad)}.sigstore.json`, bundle);
    },
    ...{ reason: 'signature', message: /SIGNATURE_WRONG/, outcome: 'undelivered' },
  },
  {
    title: 'a signer who is not trusted',
    order: { signer: makeKey() },
    reason: 'signature',
    message: /SIGNER_UNKNOWN|not in the trust policy/,
    outcome: 'refused',
  },
  {
    title: 'a model for other hardware',
    order: {
      spec: {
        variants: [
          {
            platform: 'linux/riscv64',
            files: [{ role: 'model', name: 'm', digest: `sha256:${'0'.repeat(64)}`, sizeBytes: 1, url: 'artifacts/0' }],
          },
        ],
      },
    },
    ...{
      reason: 'incompatible',
      message: /variants: the model has variants for linux\/riscv64; this device is/,
      outcome: 'refused',
    },
  },
  {
    title: 'a model for newer firmware',
    order: { spec: { compatibility: { firmware: '>=3' } } },
    options: { properties: () => ({ firmware: '2.4' }) },
    ...{
      reason: 'incompatible',
      message: /compatibility.firmware: .*this device has firmware 2.4/,
      outcome: 'refused',
    },
  },
  {
    title: 'a model for another group',
    order: { spec: { compatibility: { groups: ['kiosks'] } } },
    ...{ reason: 'incompatible', message: /compatibility.groups/, outcome: 'refused' },
  },
  {
    title: 'a model that needs a camera',
    order: { spec: { compatibility: { features: ['camera'] } } },
    ...{ reason: 'incompatible', message: /compatibility.features: .*"camera"/, outcome: 'refused' },
  },
  {
    title: 'a file that is no model',
    order: { onnx: Buffer.alloc(500, 7) },
    reason: 'load',
    message: /can't be loaded/,
    outcome: 'failed',
  },
];

test.each(CASES)(
  '$title never runs; the device says why and keeps what it had',
  async ({ order = {}, options = {}, tamper, reason, message, outcome }) => {
    await using world = await DeviceWorld.open();
    const stable = await world.publishModel({ version: '1.0.0' });
    const bad = await world.publishModel({
      version: '2.0.0',
      onnx: constantClassifier(1, 5000),
      expects: 'receipt',
      ...order,
    });
    await tamper?.(world, bad);
    await world.direct(world.entry({ stable }));
    const { agent } = await world.startAgent(host, { random: { next: () => 0.98 }, ...options });
    await untilRuns(agent, '1.0.0');
    await world.direct(world.entry({ stable, candidate: bad }));
    const failed = await until(() => modelStatus(agent)?.state === 'failed' && modelStatus(agent), 'the refusal');
    expect(failed.failures[0]).toMatchObject({ reason, digest: bad.digest, message: expect.stringMatching(message) });
    expect((await agent.infer(MODEL, oneRow)).modelVersion).toBe('1.0.0');
    await until(
      async () => outcomesOf(await world.store.findDevice('device-1'), bad.digest).includes(outcome),
      'the service to hear of it',
    );
  },
);

test('a failed digest is not tried again, also after a restart, until its attempt rises', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const bad = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(2), expects: 'receipt' });
  await world.direct(world.entry({ stable }));
  let tries = 0;
  const onPersisted = ({ phase }: ModelRecord): void => {
    if (phase.kind === 'staged' && phase.goal.digest === bad.digest) tries += 1;
  };
  const first = await world.startAgent(host, { onPersisted });
  await untilRuns(first.agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate: bad }));
  await until(() => modelStatus(first.agent)?.state === 'failed', 'the failure');
  expect(tries).toBe(1);
  await world.direct(world.entry({ stable, candidate: bad }));
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(tries).toBe(1);
  await first.stop();
  const second = await world.startAgent(host, { onPersisted });
  await untilRuns(second.agent, '1.0.0', 'failed');
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(tries).toBe(1);
  await world.direct(world.entry({ stable, candidate: bad, attempt: 2 }));
  await until(() => modelStatus(second.agent)?.failures[0]?.attempt === 2, 'the second attempt');
  expect(tries).toBe(2);
  expect((await second.agent.infer(MODEL, oneRow)).modelVersion).toBe('1.0.0');
});

test('what was refused for its signer is looked at again when the trust policy changes', async () => {
  await using world = await DeviceWorld.open();
  const newSigner = makeKey();
  const stable = await world.publishModel({ version: '1.0.0' });
  const candidate = await world.publishModel({
    version: '2.0.0',
    onnx: constantClassifier(1),
    expects: 'receipt',
    signer: newSigner,
  });
  await world.direct(world.entry({ stable }));
  const { verifierFor } = await import('../support/trust.ts');
  const ci = { name: 'ci', publicKey: world.ci.publicPem };
  let trust = verifierFor([ci]);
  let fingerprint = 'first';
  const { agent } = await world.startAgent(host, {
    verifier: { verifyModel: (...question) => trust.verifyModel(...question) },
    trustFingerprint: () => fingerprint,
    intervals: { pollMs: 200, reportMs: 200, wakeSpreadMs: 0 },
  });
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable, candidate }));
  await until(() => modelStatus(agent)?.state === 'failed', 'the refusal');
  trust = verifierFor([ci, { name: 'new', publicKey: newSigner.publicPem }]);
  fingerprint = 'second';
  await untilRuns(agent, '2.0.0');
});

test('an entry below the revision that was accepted is ignored', async () => {
  await using world = await DeviceWorld.open();
  const old = await world.publishModel({ version: '1.0.0' });
  const now = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  let directive = { kind: 'Directive' as const, entries: [world.entry({ stable: now, revision: 7 })] };
  const openDirectives = async () => ({
    refresh: async () => ({ kind: 'directive' as const, directive }),
    lastAccepted: () => undefined,
  });
  const { agent } = await world.startAgent(host, {
    openDirectives,
    intervals: { pollMs: 50, reportMs: 200, wakeSpreadMs: 0 },
  });
  await untilRuns(agent, '2.0.0');
  directive = { kind: 'Directive', entries: [world.entry({ stable: old, revision: 6 })] };
  await new Promise((resolve) => setTimeout(resolve, 400));
  expect(modelStatus(agent)?.running?.version).toBe('2.0.0');
});

test('of two rollouts for one model the device goes on with its own, and the service hears of the other', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const other = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  await world.direct(world.entry({ stable }));
  const { agent } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable }), world.entry({ stable: other, rollout: 'sorter-other' }));
  await until(
    async () => outcomesOf(await world.store.findDevice('device-1'), other.digest).includes('conflict'),
    'the conflict to be reported',
  );
  expect(modelStatus(agent)?.running?.version).toBe('1.0.0');
});

test('a device takes over no more models than it can report, warns before, and says which it left out', async () => {
  await using world = await DeviceWorld.open();
  const stable = await world.publishModel({ version: '1.0.0' });
  const names = Array.from({ length: MOST_MODELS + 1 }, (_, i) => `model-${String(i).padStart(3, '0')}`);
  await world.direct(...names.map((model) => world.entry({ stable, rollout: model, model, revision: 1 })));
  const log: string[] = [];
  const logger = createLogger({ least: 'warn', pretty: false, now: () => 0, write: (line) => void log.push(line) });
  const { agent } = await world.startAgent(host, { logger });
  const last = `model-${MOST_MODELS}`;
  const told = async () => (await world.store.findDevice(agent.id))?.outcomes.get(outcomeKey(last, stable.digest));
  const outcome = await until(told, 'the service to hear of the one too many', 30_000);
  expect(outcome).toMatchObject({ kind: 'refused', message: expect.stringContaining(`${MOST_MODELS} models`) });
  expect(agent.status().models).toHaveLength(MOST_MODELS);
  expect(log.join('\n')).toMatch(/many models[\s\S]*no room for another model/);
  await until(
    async () => (await world.store.findDevice(agent.id))?.models.size === MOST_MODELS,
    'all of them to be reported',
    30_000,
  );
});
