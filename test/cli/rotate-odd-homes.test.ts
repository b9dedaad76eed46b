// Proves that a rotation in an odd home (another command at work, stray keys, a full disk) leaves keys that the newest root names.
import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHome } from '../../src/cli/create-home.ts';
import { homeChecks } from '../../src/cli/doctor/home-checks.ts';
import { type Home, homeAt } from '../../src/cli/home.ts';
import { keyFolderAt } from '../../src/cli/key-folder.ts';
import { loadTrust } from '../../src/cli/load-trust.ts';
import { readHandedOver } from '../../src/cli/rotate/next-root-file.ts';
import { finishRotation, rotateOnline } from '../../src/cli/rotate/online-keys.ts';
import { beginReconciler, finishReconciler } from '../../src/cli/rotate/reconciler-key.ts';
import { rotateRootKeys } from '../../src/cli/rotate/root-keys.ts';
import { publishPolicy, signPolicy } from '../../src/distribution/trust-policies.ts';
import { nextKeysFolder, readRoleKey, roleKeyFile, writeRoleKey } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../src/distribution/tuf-metadata.ts';
import { assertNamedByRoot, initialiseTuf, newestRoot, readKeysInForce } from '../../src/distribution/tuf-roots.ts';
import { HandClock } from '../distribution/publication-world.ts';

const NOW = Date.parse('2026-12-01T10:00:00Z');
let folder: string;
let home: Home;
const order = () => ({ home, keys: [path.join(folder, 'keys/root.key')], to: undefined, dryRun: false, nowMs: NOW });

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-two-'));
  home = homeAt(path.join(folder, 'home'));
  const rootKeysFolder = path.join(folder, 'keys');
  await initialiseTuf({ keys: home.tuf, rootKeysFolder, publication: home.publication, nowMs: NOW });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

async function assertServing(): Promise<void> {
  const keys = await readKeysInForce(home);
  const online = makeOnline({ version: 1, targets: [], keys, nowMs: NOW, lifetimes: DEFAULT_LIFETIMES });
  await assertNamedByRoot(home.publication, online);
}

/** Runs `act` in the moment before the root is linked into its place. */
async function withinPublishing<T>(act: () => Promise<unknown>, run: () => Promise<T>): Promise<T> {
  const { link } = fs;
  let told: unknown;
  Object.assign(fs, {
    link: async (from: string, to: string) => {
      told = await act().catch((error: unknown) => error);
      return link(from, to);
    },
  });
  syncBuiltinESMExports();
  try {
    const result = await run();
    expect(told).toMatchObject({ code: 'ROTATION_BUSY' });
    return result;
  } finally {
    Object.assign(fs, { link });
    syncBuiltinESMExports();
  }
}

test('a rotation that another one meets is not begun: it would take away the keys that the root is about to name', async () => {
  const [to, other] = [path.join(folder, 'next.json'), path.join(folder, 'other.json')];
  await withinPublishing(
    () => rotateOnline({ ...order(), to: other }),
    () => rotateOnline(order()),
  );
  await assertServing();
  await rotateOnline({ ...order(), to });
  const both = await readHandedOver(to);
  await withinPublishing(
    () => rotateOnline({ ...order(), to: other }),
    () => finishRotation(home, both, order()),
  );
  await assertServing();
  expect((await newestRoot(home.publication)).version).toBe(3);
});

test('keys that wait and that no root names never take the place of those in force, however many lie there', async () => {
  const next = nextKeysFolder(home.tuf);
  mkdirSync(next);
  await writeRoleKey(roleKeyFile(next, 'targets'));
  expect((await rotateOnline(order())).state).toBe('done');
  await assertServing();
  expect((await newestRoot(home.publication)).version).toBe(2);
  // One of a rotation, and strangers beside it.
  mkdirSync(next);
  copyFileSync(roleKeyFile(home.tuf, 'targets'), roleKeyFile(next, 'targets'));
  await writeRoleKey(roleKeyFile(next, 'snapshot'));
  expect((await rotateOnline(order())).state).toBe('finished-earlier');
  await assertServing();
});

test('a key in the home that is a pipe, a device or endless is refused at once: nobody waits for it', async () => {
  const pipe = path.join(folder, 'pipe');
  execFileSync('mkfifo', [pipe]);
  for (const file of [pipe, '/dev/zero', folder])
    await expect(readRoleKey(file)).rejects.toMatchObject({ code: 'TUF_KEY_UNREADABLE' });
});

test('a full disk leaves no private keys behind that nobody will use', async () => {
  const { open } = fs;
  const full = (file: string, ...more: [string, number]) =>
    file.includes('timestamp.key') ? Promise.reject(new Error('ENOSPC')) : open(file, ...more);
  Object.assign(fs, { open: full });
  syncBuiltinESMExports();
  try {
    await expect(rotateOnline(order())).rejects.toThrow(/ENOSPC|TUF_KEY_UNREADABLE/);
  } finally {
    Object.assign(fs, { open });
    syncBuiltinESMExports();
  }
  expect(readdirSync(home.tuf).sort()).toEqual(['root.json', 'snapshot.key', 'targets.key', 'timestamp.key']);
  await assertServing();
});

test("the reconciler's key is not replaced while the policy that is published to devices lacks the new one", async () => {
  await createHome(home, keyFolderAt(path.join(folder, 'keys')));
  const { publication, trustPolicy } = home;
  const keys = [await readRoleKey(path.join(folder, 'keys/trust.key'))];
  const publish = async (): Promise<void> => {
    const order = { publication, before: undefined, keys, nowMs: NOW, lifetimeMs: 86_400_000 };
    await publishPolicy(publication, await signPolicy({ ...order, trust: await loadTrust(trustPolicy) }), NOW);
  };
  await publish();
  await beginReconciler(home, false);
  for (const dryRun of [true, false])
    await expect(finishReconciler(home, { endMs: NOW, dryRun })).rejects.toMatchObject({
      code: 'ROTATION_NOT_PUBLISHED',
    });
  await publish();
  const { nextKeyId } = await finishReconciler(home, { endMs: NOW, dryRun: false });
  expect(nextKeyId).toBeNull();
});

test.each(['a: [b', 'spec: 3', 'kind: TrustPolicy'])(
  'no key is made beside a broken trust policy: %s',
  async (text) => {
    await createHome(home, keyFolderAt(path.join(folder, 'keys')));
    writeFileSync(home.trustPolicy, text);
    const before = readdirSync(path.dirname(home.reconcilerKey));
    for (const dryRun of [true, false])
      await expect(beginReconciler(home, dryRun)).rejects.toMatchObject({ name: 'CodedError', kind: 'fix-input' });
    expect(readdirSync(path.dirname(home.reconcilerKey))).toEqual(before);
  },
);

test('the doctor says that a published trust policy has to be signed again once its keys were replaced', async () => {
  await createHome(home, keyFolderAt(path.join(folder, 'keys')));
  const clock = Object.assign(new HandClock(), { nowMs: NOW });
  const [check] = homeChecks(home, clock);
  const [keys, nowMs] = [[await readRoleKey(path.join(folder, 'keys/trust.key'))], NOW];
  const orderOf = async () => ({
    trust: await loadTrust(home.trustPolicy),
    publication: home.publication,
    before: undefined,
  });
  const signed = await signPolicy({ ...(await orderOf()), keys, nowMs, lifetimeMs: 365 * 86_400_000 });
  await publishPolicy(home.publication, signed, nowMs);
  expect(await check?.run(new AbortController().signal)).toMatchObject({ finding: 'ok' });
  // As the service names it to devices.
  const trust = { version: 1, bytes: Buffer.from(signed.metadata) };
  const online = { version: 1, targets: [], keys: await readKeysInForce(home), trust, nowMs };
  const { targets, snapshot, timestamp } = makeOnline({ ...online, lifetimes: DEFAULT_LIFETIMES });
  for (const [name, bytes] of Object.entries({ '1.targets': targets, '1.snapshot': snapshot, timestamp }))
    writeFileSync(path.join(home.publication, 'metadata', `${name}.json`), bytes);
  const newKeys = [path.join(folder, 'keys/trust-2.key')];
  await rotateRootKeys({ ...order(), role: 'trust', newKeys, replace: undefined, threshold: undefined });
  expect(await check?.run(new AbortController().signal)).toMatchObject({
    finding: 'warn',
    text: expect.stringContaining('keys were replaced'),
  });
});
