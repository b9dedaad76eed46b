// Proves that a device that is handed something bad directly refuses it too, keeps its model, and that everyone can read why.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { hexOf } from '../../src/contract/digest.ts';
import { loadTrustPolicy } from '../../src/contract/trust/read-trust-policy.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import {
  makeRoleKey,
  ONLINE_ROLES,
  type OnlineKeys,
  readOnlineKeys,
  readRoleKey,
  roleKeyFile,
} from '../../src/distribution/tuf-keys.ts';
import { newestRoot, rolesAfter, rotateRoot } from '../../src/distribution/tuf-roots.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import {
  digestOfText,
  Installation,
  openHost,
  rolloutText,
  running,
  type StartedAgent,
  until,
  withOneByteChanged,
} from '../support/installation.ts';
import { StaticServer } from '../support/static-server.ts';
import { addEvilModel, copyPublication, type EvilModel, entryForAll, signDirective } from '../support/thief.ts';
import { makeKey, type TestKey } from '../support/trust.ts';

const host = openHost();
const stranger = makeKey();
const oneRow = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: new Float32Array(4) }] as const;
let home: Installation;
let cdn: StaticServer;
let device: StartedAgent;
/** Bytes that the static host serves in place of what the service published; null = it says there is no such file. */
const swapped = new Map<string, Buffer | null>();

const fileOf = (model: string, version: string): string => `models/${model}/${version}.yaml`;

interface Case {
  readonly title: string;
  readonly model: string;
  readonly signer?: TestKey;
  /** What the static host does to the candidate's files. */
  readonly spoil?: (facts: { manifest: string; artifact: `sha256:${string}`; bundle: string }) => void;
  readonly outcome: 'refused' | 'failed';
  readonly message: RegExp;
}

const manifestPath = (text: string): string => `/manifests/${hexOf(digestOfText(text))}.yaml`;

const CASES: readonly Case[] = [
  {
    title: 'a manifest altered by one byte on the way',
    model: 'manifest-altered',
    spoil: ({ manifest }) => swapped.set(manifestPath(manifest), Buffer.from(withOneByteChanged(manifest, ' paper'))),
    ...{ outcome: 'failed', message: /The manifest's digest is sha256:/ },
  },
  {
    title: 'a manifest without its signature',
    model: 'signature-gone',
    spoil: ({ manifest }) => swapped.set(`${manifestPath(manifest)}.sigstore.json`, null),
    ...{ outcome: 'refused', message: /SIGNATURE_MISSING: It is not signed/ },
  },
  {
    title: 'a manifest beside a signature that is not its own',
    model: 'signature-swapped',
    spoil: ({ manifest }) =>
      swapped.set(
        `${manifestPath(manifest)}.sigstore.json`,
        Buffer.from(JSON.stringify(signBytes(Buffer.from('something else'), stranger.key))),
      ),
    ...{ outcome: 'refused', message: /SIGN(ATURE|ER)_[A-Z]+: / },
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
    ...{ outcome: 'failed', message: /model\.onnx: .*digest is sha256:/ },
  },
];

async function release(model: string, version: string, answers: number, signer?: TestKey) {
  const { text, artifact } = await home.manifest({ model, version, answers });
  const files = await home.signed(fileOf(model, version), text, signer);
  return { manifest: text, artifact, bundle: files[1]?.[1] ?? '', files };
}

/** Until `slipway status` shows all of it, in words. */
async function statusShows(...patterns: readonly RegExp[]): Promise<string> {
  let last = '';
  await until(
    async () => {
      last = (await home.slipway('status')).stdout;
      return patterns.every((pattern) => pattern.test(last));
    },
    () => last,
    60_000,
  );
  return last;
}

const serves = async (model: string): Promise<string> => (await device.agent.infer(model, oneRow)).modelVersion;

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
  const first = await Promise.all(CASES.map(({ model }) => release(model, '1.0.0', 0)));
  await home.push('first versions', [
    ...first.flatMap(({ files }) => files),
    ...CASES.map(({ model }): [string, string] => [`rollouts/${model}.yaml`, rolloutText(model, model, '1.0.0')]),
  ]);
  for (const { model } of CASES)
    await until(
      async () => (await home.steps(model)).at(-1)?.kind === 'complete',
      () => home.outlook(model),
      60_000,
    );
}, 180_000);

afterAll(async () => {
  await home[Symbol.asyncDispose]();
  await cdn[Symbol.asyncDispose]();
  await host.close();
});

describe('handed directly to a device,', { timeout: 120_000 }, () => {
  beforeAll(async () => {
    const files: (readonly [string, string])[] = [];
    for (const { model, signer, spoil } of CASES) {
      const candidate = await release(model, '2.0.0', 1, signer);
      spoil?.(candidate);
      files.push(...candidate.files);
      await home.ci.pull();
      const text = await home.ci.read(`rollouts/${model}.yaml`);
      files.push([`rollouts/${model}.yaml`, text.replace('version: "1.0.0"', 'version: "2.0.0"')]);
    }
    await home.push('second versions', files);
  });

  test.each(CASES)('$title never runs, and its device says why', async ({ model, outcome, message }) => {
    const failed = await until(
      () => {
        const status = device.agent.status().models.find((one) => one.model === model);
        return status?.state === 'failed' && status;
      },
      () => device.agent.status(),
    );
    expect(failed.failures[0]?.message).toMatch(message);
    expect(await serves(model)).toBe('1.0.0');
    const outlook = await until(
      async () => {
        const found = await home.outlook(model);
        return found?.cohort?.[outcome] === 1 && found;
      },
      () => home.outlook(model),
    );
    expect(outlook.candidate).toBe('2.0.0');
    expect(outlook.cohort?.troubled).toEqual([{ device: 'device-1', what: expect.stringMatching(message) }]);
  });

  test('each is told by `slipway status` and by `slipway-agent status`', async () => {
    const text = await statusShows(/devices in trouble/, /1 device refuses what is published/);
    const json = JSON.parse((await home.slipway('status', '--json')).stdout);
    const own = await home.agentStatus(device.folder);
    for (const { model, message } of CASES) {
      expect(text).toMatch(new RegExp(`^${model}: devices in trouble\n  device-1  ${message.source}`, 'm'));
      expect(own.stdout).toMatch(new RegExp(`^${model}: sha256:.* ${message.source}`, 'm'));
    }
    expect(json.service.refusing.count).toBe(1);
    expect(json.service.refusing.first).toHaveLength(CASES.length);
  });
});

describe('with the keys of the directive stolen,', { timeout: 120_000 }, () => {
  let stolen: OnlineKeys;
  let version = 1_000_000;
  const evil = (): string => path.join(home.set.folder, 'evil');
  const model = 'manifest-altered';

  /** The thief's publication, served to the device in place of the real one. */
  async function attack(
    make: (text: string, bundle: string) => Omit<EvilModel, 'model' | 'version'>,
  ): Promise<EvilModel> {
    version++;
    const real = await release(model, `6.6.${version}`, 2);
    const bad = { model, version: `6.6.${version}`, ...make(real.manifest, real.bundle) };
    copyPublication(home.set.home.publication, evil());
    const digest = addEvilModel(evil(), bad);
    signDirective(evil(), version, stolen, [entryForAll(model, version, bad, digest)]);
    cdn.folder = evil();
    return bad;
  }

  beforeAll(async () => {
    stolen = await readOnlineKeys(home.set.home.tuf);
    swapped.clear();
  });

  test.each([
    [
      'altered by one byte',
      'SIGNATURE_WRONG',
      (manifest: string, bundle: string) => ({ manifest: withOneByteChanged(manifest, ' paper'), bundle }),
    ],
    ['unsigned', 'SIGNATURE_MISSING', (manifest: string) => ({ manifest, bundle: null })],
    [
      'signed by the wrong one',
      'SIGNER_UNKNOWN',
      (manifest: string) => ({ manifest, bundle: JSON.stringify(signBytes(Buffer.from(manifest), stranger.key)) }),
    ],
  ])(
    'a validly signed directive that names a manifest %s changes nothing, and the service hears of it',
    async (_, code, make) => {
      const { manifest } = await attack(make);
      const digest = digestOfText(manifest);
      await until(
        () =>
          device.agent
            .status()
            .models.some((one) =>
              one.failures.some((failure) => failure.digest === digest && failure.message.startsWith(code)),
            ),
        () => device.agent.status(),
      );
      expect(await serves(model)).toBe('1.0.0');
      await statusShows(new RegExp(`device-1  ${model} ${digest.slice(0, 19)}….*${code}`));
    },
  );

  test('rotating the keys ends it: devices follow the service again, and the old keys are worth nothing', async () => {
    const { tuf, publication } = home.set.home;
    await home.stopService();
    const fresh = ONLINE_ROLES.map((role) => ({ role, ...makeRoleKey() }));
    for (const { role, pem } of fresh) writeFileSync(roleKeyFile(tuf, role), pem, { mode: 0o600 });
    const changes = Object.fromEntries(fresh.map(({ role, roleKey }) => [role, { keys: [roleKey], threshold: 1 }]));
    const oldRootKeys = [await readRoleKey(roleKeyFile(tuf, 'root'))];
    const roles = rolesAfter(await newestRoot(publication), changes);
    await rotateRoot({ publication, nowMs: Date.now(), oldRootKeys, roles });
    await home.startService();
    cdn.folder = publication;
    const pointer = path.join(publication, 'metadata', 'timestamp.json');
    const newKey = roles.timestamp.keys[0]?.key.keyID ?? '';
    await until(() => readFileSync(pointer, 'utf8').includes(newKey), 'the new keys to vouch for what is published');
    // The service's own word counts again, whatever numbers the thief used.
    const next = await release(model, '3.0.0', 3);
    await home.ci.pull();
    const text = await home.ci.read(`rollouts/${model}.yaml`);
    await home.push('a third version', [
      ...next.files,
      [`rollouts/${model}.yaml`, text.replace('version: "2.0.0"', 'version: "3.0.0"')],
    ]);
    await until(
      () => running(device.agent, model) === '3.0.0',
      async () => [
        home.log.slice(-30),
        await home.outlook(model),
        device.agent.status().models.find((one) => one.model === model),
      ],
      60_000,
    );
    // Now the thief tries again, with a good model even: an old one that CI did sign.
    const real = await release(model, '6.6.7', 2);
    const bad = { model, version: '6.6.7', manifest: real.manifest, bundle: real.bundle };
    copyPublication(publication, evil());
    const digest = addEvilModel(evil(), bad);
    signDirective(evil(), ++version, stolen, [entryForAll(model, version, bad, digest)]);
    cdn.folder = evil();
    const refusal = await until(
      () => device.agent.status().directiveRefusal ?? undefined,
      () => device.agent.status(),
    );
    expect(refusal).toMatchObject({ code: 'TUF_SIGNATURE', reason: expect.stringMatching(/not signed by/) });
    expect(await serves(model)).toBe('3.0.0');
    const own = await home.agentStatus(device.folder);
    expect(own.stdout).toMatch(/^directive refused since .*: TUF_SIGNATURE: .*not signed by/m);
    await statusShows(
      /1 device refuses what is published/,
      /device-1 {2}the directive: TUF_SIGNATURE: .*not signed by/,
    );
    cdn.folder = publication;
    await until(() => device.agent.status().directiveRefusal === null, 'the refusal to end with its cause');
    await until(
      async () => !(await home.slipway('status')).stdout.includes('TUF_SIGNATURE'),
      'the status to forget it',
    );
    expect((await home.agentStatus(device.folder, '--json')).stdout).toContain('"directiveRefusal": null');
  });
});
