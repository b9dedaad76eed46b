// Proves what one stolen thing can do alone: a copy of the service's whole home, or the identity of CI. Neither brings a new model to a device.
import { createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { GitClone } from '../../src/cli/demo/git-clone.ts';
import { type Home, homeAt } from '../../src/cli/home.ts';
import { type Digest, hexOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { makeRoleKey, type OnlineKeys, readOnlineKeys, roleKeyOf } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeRoot } from '../../src/distribution/tuf-metadata.ts';
import { newestRoot } from '../../src/distribution/tuf-roots.ts';
import { createReconcilerSigner, type ReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { readPrivateKey } from '../../src/signing/keys.ts';
import { keyBundle, signBytes } from '../../src/signing/sign-document.ts';
import { digestOfText, rolloutText, withOneByteChanged } from '../support/document-texts.ts';
import { answering, clock, Installation, openHost, type StartedAgent } from '../support/installation.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { rolesAfter } from '../support/rotate-root.ts';
import { StaticServer } from '../support/static-server.ts';
import { addEvilModel, copyPublication, type EvilModel, entryForAll, signDirective } from '../support/thief.ts';
import { until } from '../support/until.ts';

const host = openHost();
const model = 'sorter';
let home: Installation;
let cdn: StaticServer;
let device: StartedAgent;
/** Signed by CI before what the device runs. */
let older: EvilModel;
/** Metadata version and revision that the thief has come to. */
let version = 1_000_000;

beforeAll(async () => {
  home = await Installation.open();
  cdn = await StaticServer.start(home.set.home.publication);
  await home.pushStart();
  await home.startService();
  device = await home.startAgent(host, { id: 'device-1', distributionUrl: cdn.url });
  const { manifest, bundle } = await home.release(model, '0.9.0', 1);
  older = { model, version: '0.9.0', manifest, bundle };
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

const evil = (): string => path.join(home.set.folder, 'evil');
const failures = () => device.agent.status().models.flatMap((one) => one.failures);

/** A model that CI never built, with its file in the publication. */
async function ownModel(): Promise<{ readonly version: string; readonly text: string; readonly artifact: Digest }> {
  const named = { model, version: `6.6.${++version}` };
  return { version: named.version, ...(await home.manifest({ ...named, answers: 2 })) };
}

async function untilRefused(digest: Digest, message: RegExp): Promise<void> {
  await until(() => failures().some((one) => one.digest === digest && message.test(one.message)), failures);
  expect(await answering(device.agent, model)).toBe('1.0.0');
}

async function untilDirectiveRefused(): Promise<void> {
  await until(
    () => device.agent.status().directiveRefusal?.code === 'TUF_SIGNATURE',
    () => device.agent.status(),
  );
  expect(await answering(device.agent, model)).toBe('1.0.0');
}

describe('the identity of CI alone', { timeout: 240_000 }, () => {
  async function signedByCi() {
    const { text, ...named } = await ownModel();
    const bundle = JSON.stringify(signBytes(Buffer.from(text), await home.ciKey()));
    return { model, manifest: text, bundle, ...named };
  }

  test('can push nothing', async () => {
    const bad = await signedByCi();
    const { repositoryUrl: url, folder } = home.set;
    const intruder = new GitClone({
      ...{ url, folder: path.join(folder, 'intruder'), person: { name: 'ci', email: 'ci@example.com' } },
      ...{ environment: { path: process.env.PATH ?? '', home: folder }, clock, random: { next: () => 0.5 } },
    });
    await intruder.clone();
    await intruder.git('fetch', '--quiet', home.set.repository, 'main');
    await intruder.git('checkout', '--quiet', '-B', 'main', 'FETCH_HEAD');
    writeFileSync(path.join(intruder.folder, `rollouts/${model}.yaml`), rolloutText(model, model, bad.version));
    await intruder.git('commit', '--quiet', '--all', '--message', 'mine');
    await expect(intruder.git('push', '--quiet', 'origin', 'HEAD:main')).rejects.toMatchObject({
      code: 'GIT_COMMAND',
    });
  });

  test('moves no device by a version that somebody merges: no rollout asks for it', async () => {
    const before = await home.steps();
    const { manifest, bundle, version: added } = await signedByCi();
    const file = `models/${model}/${added}.yaml`;
    const commit = await home.push('a version', [
      [file, manifest],
      [`${file}.sigstore.json`, bundle],
    ]);
    await until(() => home.service.composed.reconciler.view().commit === commit, 'the service to read it');
    const { cycledAtMs } = home.service.composed.reconciler.view();
    await until(() => home.service.composed.reconciler.view().cycledAtMs !== cycledAtMs, 'another cycle');
    expect(await home.steps()).toEqual(before);
    expect(await answering(device.agent, model)).toBe('1.0.0');
  });

  test('is not asked for what a mirror holds that no directive names', async () => {
    const bad = await signedByCi();
    copyPublication(home.set.home.publication, evil());
    addEvilModel(evil(), bad);
    cdn.folder = evil();
    const from = cdn.asked.length;
    const asked = () => cdn.asked.slice(from).map((one) => one.path);
    await until(() => asked().filter((file) => file.includes('timestamp')).length >= 2, 'the device to look twice');
    expect(asked().filter((file) => /manifests|artifacts/.test(file))).toEqual([]);
    expect(await answering(device.agent, model)).toBe('1.0.0');
  });

  test('names no version in a directive of its own: devices know the keys of the publication', async () => {
    const bad = await signedByCi();
    const [targets, snapshot, timestamp] = [makeRoleKey(), makeRoleKey(), makeRoleKey()].map((one) => one.roleKey);
    if (!targets || !snapshot || !timestamp) throw new Error('there are three online roles');
    copyPublication(home.set.home.publication, evil());
    const entry = entryForAll(model, version, bad, addEvilModel(evil(), bad));
    signDirective(evil(), version, { targets, snapshot, timestamp }, [entry]);
    cdn.folder = evil();
    await untilDirectiveRefused();
    cdn.folder = home.set.home.publication;
    await until(() => device.agent.status().directiveRefusal === null, 'the device to follow the service again');
  });
});

describe('a copy of the whole home', { timeout: 300_000 }, () => {
  let stolen: Home;
  let online: OnlineKeys;
  let reconciler: ReconcilerSigner;

  beforeAll(async () => {
    const copy = path.join(home.set.folder, 'stolen');
    // The service goes on writing there: what it has not renamed yet is gone the next moment.
    cpSync(home.set.home.folder, copy, { recursive: true, filter: (file) => !file.endsWith('.tmp') });
    stolen = homeAt(copy);
    online = await readOnlineKeys(stolen.tuf);
    reconciler = createReconcilerSigner(await readPrivateKey(stolen.reconcilerKey));
  });

  /** A directive with all that the thief can sign: by the publication's keys, and each entry by the reconciler's. */
  function publish(entries: readonly DirectiveEntry[]): void {
    const signed = entries.map((entry) => reconciler.signEntry(entry));
    signDirective(evil(), ++version, online, signed);
    cdn.folder = evil();
  }

  function direct(bad: EvilModel): Digest {
    copyPublication(home.set.home.publication, evil());
    const digest = addEvilModel(evil(), bad);
    publish([entryForAll(model, version, bad, digest)]);
    return digest;
  }

  /** Every private key in any file of the home, whatever it is for. */
  function keysOfHome(): KeyObject[] {
    const files = readdirSync(stolen.folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
    const texts = files.map((one) => readFileSync(path.join(one.parentPath, one.name), 'latin1'));
    const pems = texts.flatMap(
      (text) => text.match(/-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]+-----END [A-Z ]+-----/g) ?? [],
    );
    return pems.map((pem) => createPrivateKey(pem));
  }

  test('signs no model that a device runs, with any key that is in it', async () => {
    const keys = keysOfHome();
    expect(keys).toHaveLength(4);
    for (const key of keys) {
      const { text, version: named } = await ownModel();
      const signature = sign(key.asymmetricKeyType === 'ec' ? 'sha256' : null, Buffer.from(text), key);
      const bundle = JSON.stringify(keyBundle(Buffer.from(text), createPublicKey(key), signature));
      await untilRefused(direct({ model, version: named, manifest: text, bundle }), /^SIGN/);
    }
  });

  test('passes no changed or unsigned manifest off as signed by CI', async () => {
    const signed = older.manifest.replace('0.9.0', `6.6.${++version}`);
    const changed = withOneByteChanged(signed, ' paper');
    await untilRefused(direct({ ...older, manifest: changed }), /^SIGNATURE_WRONG/);
    const { text, version: named } = await ownModel();
    await untilRefused(direct({ model, version: named, manifest: text, bundle: null }), /^SIGNATURE_MISSING/);
  });

  test('puts no other file in the place of the one that a signed manifest names', async () => {
    const real = await home.release(model, `6.6.${++version}`, 2);
    const bad = { model, version: `6.6.${version}`, manifest: real.manifest, bundle: real.bundle };
    copyPublication(home.set.home.publication, evil());
    const file = path.join(evil(), 'artifacts', hexOf(real.artifact));
    const other = constantClassifier(3, model.length);
    expect(other).toHaveLength(readFileSync(file).length);
    writeFileSync(file, other);
    publish([entryForAll(model, version, bad, addEvilModel(evil(), bad))]);
    await untilRefused(digestOfText(real.manifest), /./);
  });

  test('names no keys of its own: that takes the root key', async () => {
    const { roleKey } = makeRoleKey();
    const { publication } = home.set.home;
    const found = await newestRoot(publication);
    const mine = { keys: [roleKey], threshold: 1 };
    const roles = rolesAfter(found, { root: mine, targets: mine, snapshot: mine, timestamp: mine });
    const everyKey = keysOfHome().filter((key) => key.asymmetricKeyType === 'ed25519');
    const root = makeRoot({
      ...{ version: found.version + 1, roles, signers: [roleKey, ...everyKey.map(roleKeyOf)], nowMs: Date.now() },
      lifetimeMs: DEFAULT_LIFETIMES.rootMs,
    });
    copyPublication(publication, evil());
    writeFileSync(path.join(evil(), 'metadata', `${found.version + 1}.root.json`), root);
    const own = { targets: roleKey, snapshot: roleKey, timestamp: roleKey };
    signDirective(evil(), ++version, own, [entryForAll(model, version, older, addEvilModel(evil(), older))]);
    cdn.folder = evil();
    await untilDirectiveRefused();
  });

  // The honest limit, told in SECURITY.md: the thief is the service, and chooses among what CI signed.
  test('does take a device back to a version that CI signed once', async () => {
    direct(older);
    await until(
      async () => (await answering(device.agent, model)) === '0.9.0',
      () => device.agent.status(),
    );
  });
});
