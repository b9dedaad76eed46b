// Proves that whoever steals the keys that sign directives runs no model of his own, and that a rotation ends what he can do.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  makeRoleKey,
  ONLINE_ROLES,
  type OnlineKeys,
  readOnlineKeys,
  readRoleKey,
  roleKeyFile,
} from '../../src/distribution/tuf-keys.ts';
import { newestRoot } from '../../src/distribution/tuf-roots.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import { digestOfText, rolloutText, withOneByteChanged } from '../support/document-texts.ts';
import { answering, Installation, openHost, running, type StartedAgent } from '../support/installation.ts';
import { rolesAfter, rotateRoot } from '../support/rotate-root.ts';
import { StaticServer } from '../support/static-server.ts';
import { addEvilModel, copyPublication, type EvilModel, entryForAll, signDirective } from '../support/thief.ts';
import { makeKey } from '../support/trust.ts';
import { until } from '../support/until.ts';

const host = openHost();
const stranger = makeKey();
const model = 'sorter';
let home: Installation;
let cdn: StaticServer;
let device: StartedAgent;
/** Signed by CI before what devices run. */
let older: Awaited<ReturnType<Installation['release']>>;
let stolen: OnlineKeys;
/** Metadata version and revision that the thief has come to. */
let version = 1_000_000;

beforeAll(async () => {
  home = await Installation.open();
  stolen = await readOnlineKeys(home.set.home.tuf);
  cdn = await StaticServer.start(home.set.home.publication);
  await home.pushStart();
  await home.startService();
  device = await home.startAgent(host, { id: 'device-1', distributionUrl: cdn.url });
  older = await home.release(model, '0.9.0', 1);
  const first = await home.release(model, '1.0.0', 0);
  await home.push('a first version', [...first.files, [`rollouts/${model}.yaml`, rolloutText(model, model, '1.0.0')]]);
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

describe('with the keys of the directive stolen,', { timeout: 300_000 }, () => {
  const evil = (): string => path.join(home.set.folder, 'evil');

  /** The thief's publication, served to the device in place of the real one. */
  async function attack(
    make: (text: string, bundle: string) => Omit<EvilModel, 'model' | 'version'>,
  ): Promise<EvilModel> {
    version++;
    const real = await home.release(model, `6.6.${version}`, 2);
    const bad = { model, version: `6.6.${version}`, ...make(real.manifest, real.bundle) };
    copyPublication(home.set.home.publication, evil());
    const digest = addEvilModel(evil(), bad);
    signDirective(evil(), version, stolen, [entryForAll(model, version, bad, digest)]);
    cdn.folder = evil();
    return bad;
  }

  async function untilFailed(digest: string, code: string): Promise<void> {
    const failures = () => device.agent.status().models.flatMap((one) => one.failures);
    await until(() => failures().some((one) => one.digest === digest && one.message.startsWith(code)), failures);
  }

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
      await untilFailed(digest, code);
      expect(await answering(device.agent, model)).toBe('1.0.0');
      await home.untilStatusShows(
        new RegExp(`device-1  reports for the candidate at ${model} ${version}; no such revision`),
      );
    },
  );

  test('a validly signed directive that goes back to a version that CI did sign changes nothing either', async () => {
    const bad = { model, version: '0.9.0', manifest: older.manifest, bundle: older.bundle };
    copyPublication(home.set.home.publication, evil());
    const digest = addEvilModel(evil(), bad);
    signDirective(evil(), ++version, stolen, [entryForAll(model, version, bad, digest)]);
    cdn.folder = evil();
    await untilFailed(digest, 'STEP_UNSIGNED');
    expect(await answering(device.agent, model)).toBe('1.0.0');
  });

  test('rotating the keys ends it: devices follow the service again, and the old keys are worth nothing', async () => {
    const { tuf, publication } = home.set.home;
    const driven = await attack((manifest) => ({ manifest, bundle: null }));
    await untilFailed(digestOfText(driven.manifest), 'SIGNATURE_MISSING');
    await home.stopService();
    const fresh = ONLINE_ROLES.map((role) => ({ role, ...makeRoleKey() }));
    for (const { role, pem } of fresh) writeFileSync(roleKeyFile(tuf, role), pem, { mode: 0o600 });
    const changes = Object.fromEntries(fresh.map(({ role, roleKey }) => [role, { keys: [roleKey], threshold: 1 }]));
    const oldRootKeys = [await readRoleKey(home.set.keys.rootKey)];
    const roles = rolesAfter(await newestRoot(publication), changes);
    await rotateRoot({ publication, nowMs: Date.now(), oldRootKeys, roles });
    await home.startService();
    cdn.folder = publication;
    const pointer = path.join(publication, 'metadata', 'timestamp.json');
    const newKey = roles.timestamp.keys[0]?.key.keyID ?? '';
    await until(() => readFileSync(pointer, 'utf8').includes(newKey), 'the new keys to vouch for what is published');
    // The service's own word counts again, whatever numbers the thief used.
    const next = await home.release(model, '3.0.0', 3);
    await home.push('a next version', [...next.files, home.asking(model, '3.0.0')]);
    await until(
      () => running(device.agent, model) === '3.0.0',
      async () => [
        home.log.slice(-30),
        await home.outlook(model),
        device.agent.status().models.find((one) => one.model === model),
      ],
    );
    // Now the thief tries again, with a good model even: an old one that CI did sign.
    const real = await home.release(model, '6.6.7', 2);
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
    expect(await answering(device.agent, model)).toBe('3.0.0');
    const own = await home.agentStatus(device.folder);
    expect(own.stdout).toMatch(/^directive refused since .*: TUF_SIGNATURE: .*not signed by/m);
    await home.untilStatusShows(
      /1 device refuses the directive and keeps what it runs/,
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
