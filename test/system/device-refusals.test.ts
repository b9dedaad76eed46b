// Proves that a device that is handed something bad directly refuses it too, keeps its model, and that everyone can read why.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadTrustPolicy } from '../../src/cli/load-trust.ts';
import { hexOf } from '../../src/contract/digest.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import { digestOfText, rolloutText, withOneByteChanged } from '../support/document-texts.ts';
import { answering, type FileChange, Installation, openHost, type StartedAgent } from '../support/installation.ts';
import { StaticServer } from '../support/static-server.ts';
import { makeKey, type TestKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

const host = openHost();
const stranger = makeKey();
let home: Installation;
let cdn: StaticServer;
let device: StartedAgent;
/** Bytes that the static host serves in place of what the service published; null = it says there is no such file. */
const swapped = new Map<string, Buffer | null>();

interface Case {
  readonly title: string;
  readonly model: string;
  readonly signer?: TestKey;
  /** What the static host does to the candidate's files. */
  readonly spoil?: (facts: { manifest: string; artifact: `sha256:${string}`; bundle: string }) => void;
  /** Wrong bytes say something of the host: `undelivered`. */
  readonly outcome: 'refused' | 'undelivered';
  readonly message: RegExp;
}

const manifestPath = (text: string): string => `/manifests/${hexOf(digestOfText(text))}.yaml`;

const CASES: readonly Case[] = [
  {
    title: 'a manifest altered by one byte on the way',
    model: 'manifest-altered',
    spoil: ({ manifest }) => swapped.set(manifestPath(manifest), Buffer.from(withOneByteChanged(manifest, ' paper'))),
    ...{ outcome: 'undelivered', message: /The manifest's digest is sha256:/ },
  },
  {
    title: 'a manifest without its signature',
    model: 'signature-gone',
    spoil: ({ manifest }) => swapped.set(`${manifestPath(manifest)}.sigstore.json`, null),
    ...{ outcome: 'undelivered', message: /SIGNATURE_MISSING: It is not signed/ },
  },
  {
    title: 'a manifest beside a signature that is not its own',
    model: 'signature-swapped',
    spoil: ({ manifest }) =>
      swapped.set(
        `${manifestPath(manifest)}.sigstore.json`,
        Buffer.from(JSON.stringify(signBytes(Buffer.from('something else'), stranger.key))),
      ),
    ...{ outcome: 'undelivered', message: /SIGN(ATURE|ER)_[A-Z]+: / },
  },
  {
    title: 'a manifest that only a deceived service takes for rightly signed',
    model: 'service-deceived',
    signer: stranger,
    ...{ outcome: 'refused', message: /SIGNER_UNKNOWN: .*not in the trust policy/ },
  },
  {
    title: 'a model file that differs by one byte',
    model: 'file-altered',
    spoil: ({ artifact }) => {
      const bytes = readFileSync(path.join(home.set.home.publication, 'artifacts', hexOf(artifact)));
      bytes[40] = (bytes[40] ?? 0) ^ 1;
      swapped.set(`/artifacts/${hexOf(artifact)}`, bytes);
    },
    ...{ outcome: 'undelivered', message: /model\.onnx: .*digest is sha256:/ },
  },
];

beforeAll(async () => {
  home = await Installation.open();
  await home.writeTrust(`    - { name: ci, key: keys/ci.pub, models: ["*"], policies: ["*"] }
    - { name: slipped-in, publicKey: ${JSON.stringify(stranger.publicPem)}, models: ["*"] }`);
  const deviceTrust = path.join(home.set.home.folder, 'device-trust.yaml');
  await home.writeTrust('    - { name: ci, key: keys/ci.pub, models: ["*"] }', deviceTrust);
  cdn = await StaticServer.start(home.set.home.publication);
  cdn.misbehave = (request, response) => {
    const bytes = swapped.get(request.url ?? '');
    if (bytes === undefined) return false;
    if (bytes === null) response.writeHead(404).end();
    else response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    return true;
  };
  await home.pushStart();
  await home.startService();
  device = await home.startAgent(host, {
    id: 'device-1',
    distributionUrl: cdn.url,
    verifier: new DocumentVerifier(await loadTrustPolicy(deviceTrust)),
  });
  const first = await Promise.all(CASES.map(({ model }) => home.release(model, '1.0.0', 0)));
  await home.push('first versions', [
    ...first.flatMap(({ files }) => files),
    ...CASES.map(({ model }): [string, string] => [`rollouts/${model}.yaml`, rolloutText(model, model, '1.0.0')]),
  ]);
  for (const { model } of CASES)
    await until(
      async () => (await home.steps(model)).at(-1)?.kind === 'complete',
      () => home.outlook(model),
    );
}, 180_000);

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await cdn[Symbol.asyncDispose]();
  await host.close();
});

describe('handed directly to a device,', { timeout: 300_000 }, () => {
  beforeAll(async () => {
    const files: FileChange[] = [];
    for (const { model, signer, spoil } of CASES) {
      const candidate = await home.release(model, '2.0.0', 1, signer);
      spoil?.(candidate);
      files.push(...candidate.files);
      files.push(home.asking(model, '2.0.0'));
    }
    await home.push('second versions', files);
  });

  test.each(CASES.map((one) => [one.title, one] as const))('%s never runs, and its device says why', async (_, one) => {
    const { model, outcome, message } = one;
    const failed = await until(
      () => {
        const status = device.agent.status().models.find((one) => one.model === model);
        return status?.state === 'failed' && status;
      },
      () => device.agent.status(),
    );
    expect(failed.failures[0]?.message).toMatch(message);
    expect(await answering(device.agent, model)).toBe('1.0.0');
    const outlook = await until(
      async () => {
        const found = await home.outlook(model);
        return found?.cohort?.[outcome] === 1 && found;
      },
      () => home.outlook(model),
    );
    expect(outlook.candidate).toBe('2.0.0');
    expect(outlook.cohort?.troubled).toEqual([
      expect.objectContaining({ device: 'device-1', detail: expect.stringMatching(message) }),
    ]);
  });

  test('each is shown by `slipway status` and by `slipway-agent status`', async () => {
    const text = await home.untilStatusShows(
      /devices with problems/,
      /1 device refuses the directive and keeps what it runs/,
    );
    const json = JSON.parse((await home.slipway('status', '--json')).stdout);
    const own = await home.agentStatus(device.folder);
    for (const { model, message } of CASES) {
      expect(text).toMatch(new RegExp(`^${model}: devices with problems\n  device-1  ${message.source}`, 'm'));
      expect(own.stdout).toMatch(new RegExp(`^${model}: attempt \\d of sha256:.* ${message.source}`, 'm'));
    }
    expect(json.service.refusing.count).toBe(1);
    expect(json.service.refusing.first).toHaveLength(CASES.length);
  });
});
