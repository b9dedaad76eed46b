// Rotations that die at any change of the disk: the home can serve after each of them, and the same command finishes the work.
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import fs from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { judgeCommit } from '../../src/cli/commit-judge.ts';
import { createHome } from '../../src/cli/create-home.ts';
import { type Home, homeAt } from '../../src/cli/home.ts';
import { keyFolderAt } from '../../src/cli/key-folder.ts';
import { loadTrustPolicy } from '../../src/cli/load-trust.ts';
import { readHandedOver, signNextRoot } from '../../src/cli/rotate/next-root-file.ts';
import { finishRotation, rotateOnline } from '../../src/cli/rotate/online-keys.ts';
import { beginReconciler, finishReconciler } from '../../src/cli/rotate/reconciler-key.ts';
import { rotateRootKeys } from '../../src/cli/rotate/root-keys.ts';
import { backingOf, labelsBackingOf } from '../../src/contract/step-signature.ts';
import { countsAt, keyIdOf, reconcilerKeysOf } from '../../src/contract/trust/keys.ts';
import { EVIDENCE_PREDICATE_TYPE, type InTotoStatement } from '../../src/contract/trust/statement.ts';
import { verifyEvidence } from '../../src/contract/trust/verifier.ts';
import { trustRoleOf } from '../../src/contract/tuf/trust-role.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../src/distribution/tuf-metadata.ts';
import {
  assertNamedByRoot,
  initialiseTuf,
  newestRoot,
  parseRoot,
  readKeysInForce,
} from '../../src/distribution/tuf-roots.ts';
import { createReconcilerSigner } from '../../src/signing/evidence-signer.ts';
import { readPrivateKey } from '../../src/signing/keys.ts';
import { directiveAt } from '../distribution/publication-world.ts';

const NOW = Date.parse('2026-12-01T10:00:00Z');
const CHANGES = ['open', 'rename', 'link', 'rm', 'mkdir'] as const;
const real = Object.fromEntries(CHANGES.map((name) => [name, fs[name]]));
let folder: string;

function heal(): void {
  Object.assign(fs, real);
  syncBuiltinESMExports();
}

afterEach(() => {
  heal();
  rmSync(folder, { recursive: true, force: true });
});

/** From the nth change on, nothing reaches the disk: as for a process that was killed there. Says whether it came to that. */
async function dyingAt(nth: number, run: () => Promise<unknown>): Promise<boolean> {
  let count = 0;
  for (const name of CHANGES) {
    const change = (...args: unknown[]): unknown => {
      const isChange = name !== 'open' || /[wa+]/.test(String(args[1] ?? 'r'));
      if (isChange && ++count >= nth) return Promise.reject(new Error('killed'));
      return (real[name] as (...args: unknown[]) => unknown)(...args);
    };
    Object.assign(fs, { [name]: change });
  }
  syncBuiltinESMExports();
  try {
    await run();
  } catch (error) {
    if (count < nth) throw error;
  } finally {
    heal();
  }
  return count >= nth;
}

async function newHome(): Promise<{ readonly home: Home; readonly rootKey: string }> {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-rotate-'));
  const home = homeAt(path.join(folder, 'home'));
  const rootKeysFolder = path.join(folder, 'keys');
  await initialiseTuf({ keys: home.tuf, rootKeysFolder, publication: home.publication, nowMs: NOW });
  return { home, rootKey: path.join(rootKeysFolder, 'root.key') };
}

/** Can a service that starts now publish? Returns the ids of its keys. */
async function servingKeys(home: Home): Promise<string> {
  const keys = await readKeysInForce(home);
  const online = makeOnline({ version: 1, targets: [], keys, nowMs: NOW, lifetimes: DEFAULT_LIFETIMES });
  await assertNamedByRoot(home.publication, online);
  return [keys.targets, keys.snapshot, keys.timestamp].map(({ key }) => key.keyID).join();
}

it('new online keys count from one instant on, wherever the command dies, and the same command ends it', async () => {
  let [deaths, before, after] = [0, 0, 0];
  for (let nth = 1, isDead = true; isDead; nth++) {
    const { home, rootKey } = await newHome();
    const order = { home, keys: [rootKey], to: undefined, dryRun: false, nowMs: NOW };
    const old = await servingKeys(home);
    isDead = await dyingAt(nth, () => rotateOnline(order));
    if (!isDead) break;
    deaths++;
    const { version } = await newestRoot(home.publication);
    const now = await servingKeys(home);
    expect(now === old).toBe(version === 1);
    if (version === 1) before++;
    else after++;
    await rotateOnline(order);
    const end = await servingKeys(home);
    // What a root names already is finished; what waited for one may be known to others, and is made anew.
    if (version === 2) expect(end).toBe(now);
    expect((await newestRoot(home.publication)).version).toBe(2);
    const there = ['root.json', 'snapshot.key', 'targets.key', 'timestamp.key'];
    expect(readdirSync(home.tuf).sort()).toEqual(there);
    rmSync(folder, { recursive: true, force: true });
  }
  expect(deaths).toBeGreaterThan(15);
  expect([before > 5, after > 3]).toEqual([true, true]);
});

it('new root keys are made once, wherever the command dies', async () => {
  for (let nth = 1, isDead = true; isDead; nth += 4) {
    const { home, rootKey } = await newHome();
    const newKeys = ['root-1', 'root-2', 'root-3'].map((name) => path.join(folder, 'keys', `${name}.key`));
    const order = {
      ...{ home, keys: [rootKey], to: undefined, dryRun: false, nowMs: NOW },
      ...({ role: 'root', newKeys, replace: undefined, threshold: 2 } as const),
    };
    isDead = await dyingAt(nth, () => rotateRootKeys(order));
    await servingKeys(home);
    await rotateRootKeys(order);
    expect((await newestRoot(home.publication)).version).toBe(2);
    // Two of the three suffice from now on, and the old one does not.
    const online = { home, to: undefined, dryRun: false, nowMs: NOW };
    await expect(rotateOnline({ ...online, keys: [rootKey, ...newKeys.slice(0, 1)] })).rejects.toMatchObject({
      code: 'ROTATION_ROOT_KEY',
    });
    await rotateOnline({ ...online, keys: newKeys.slice(1) });
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a next root that is signed elsewhere is finished in the home that holds its keys, and in no other state', async () => {
  const { home, rootKey } = await newHome();
  const to = path.join(folder, 'next-root.json');
  const order = { home, keys: [], to, dryRun: false, nowMs: NOW };
  await rotateOnline(order);
  const bytes = readFileSync(to, 'utf8');
  expect((await rotateOnline(order)).state).toBe('waits-for-signatures');
  expect(readFileSync(to, 'utf8')).toBe(bytes);
  await expect(finishRotation(home, await readHandedOver(to), order)).rejects.toMatchObject({
    code: 'ROTATION_ROOT_KEY',
  });
  const sign = { file: to, keys: [rootKey], mayChangeSigners: false, dryRun: false };
  expect((await signNextRoot(sign)).state).toBe('ready');
  expect((await signNextRoot(sign)).state).toBe('ready');
  for (const [from, into, code] of [
    ['"version": 2', '"version": 3', 'ROTATION_FILE'],
    ['slipway-next-root', 'other', 'ROTATION_FILE'],
    ['"expires": "2027', '"expires": "2099', 'ROTATION_FILE'],
  ] as const) {
    await fs.writeFile(to, bytes.replaceAll(from, into));
    await expect(signNextRoot(sign), into).rejects.toMatchObject({ code });
  }
  // Begun anew since: the home no longer holds what the first file names.
  await fs.writeFile(to, bytes);
  await signNextRoot(sign);
  const both = await readHandedOver(to);
  await rotateOnline({ ...order, to: path.join(folder, 'second.json') });
  await expect(finishRotation(home, both, order)).rejects.toMatchObject({ code: 'ROTATION_KEYS_GONE' });
  expect((await newestRoot(home.publication)).version).toBe(1);
  const second = { ...sign, file: path.join(folder, 'second.json') };
  await signNextRoot(second);
  const old = await servingKeys(home);
  expect((await finishRotation(home, await readHandedOver(second.file), order)).state).toBe('done');
  expect((await finishRotation(home, await readHandedOver(second.file), order)).state).toBe('finished-earlier');
  expect(await servingKeys(home)).not.toBe(old);
});

it('a holder of a root key signs no other root keys without agreeing to that, and nobody else signs at all', async () => {
  const { home, rootKey } = await newHome();
  const to = path.join(folder, 'next-root.json');
  const order = {
    home,
    keys: [],
    to,
    dryRun: false,
    nowMs: NOW,
    role: 'root',
    replace: undefined,
    threshold: undefined,
  } as const;
  const own = path.join(folder, 'mine.key');
  await rotateRootKeys({ ...order, newKeys: [own] });
  const sign = { file: to, keys: [rootKey], mayChangeSigners: false, dryRun: false };
  await expect(signNextRoot(sign)).rejects.toMatchObject({ code: 'ROTATION_CHANGES_SIGNERS' });
  const stranger = path.join(folder, 'home', 'tuf', 'targets.key');
  await expect(signNextRoot({ ...sign, keys: [stranger] })).rejects.toMatchObject({ code: 'ROTATION_KEY_FOREIGN' });
  expect((await signNextRoot({ ...sign, mayChangeSigners: true })).state).toBe('ready');
  await finishRotation(home, await readHandedOver(to), order);
  await servingKeys(home);
  // Keys of trust policies are kept by every rotation but their own, which is guarded alike.
  const trust = async () => trustRoleOf(parseRoot((await newestRoot(home.publication)).bytes).signed)?.keyIDs;
  const before = await trust();
  expect(before).toHaveLength(1);
  const ofTrust = { ...order, role: 'trust', keys: [own], to: undefined } as const;
  expect(await rotateRootKeys({ ...ofTrust, newKeys: [`${own}.trust`] })).toMatchObject({ state: 'done', version: 3 });
  expect(await trust()).not.toEqual(before);
  const trustFile = path.join(folder, 'next-trust.json');
  await rotateRootKeys({ ...ofTrust, keys: [], to: trustFile, newKeys: [`${own}.other`] });
  await expect(signNextRoot({ ...sign, keys: [own], file: trustFile })).rejects.toMatchObject({
    code: 'ROTATION_CHANGES_SIGNERS',
  });
  for (const wrong of [{ newKeys: [`${own}2`, `${own}3`] }, { newKeys: [`${own}2`], replace: ['zz'] }])
    await expect(rotateRootKeys({ ...order, to: undefined, keys: [own], ...wrong })).rejects.toMatchObject({
      code: 'ROTATION_REPLACE',
    });
});

it('the reconciler has a key that its trust policy lists, wherever either step dies, and the old one ends', async () => {
  const trustOf = async (home: Home) => (await loadTrustPolicy(home.trustPolicy)).reconciler;
  const ownId = async (home: Home) => keyIdOf(createPublicKey(await readPrivateKey(home.reconcilerKey)));
  for (let nth = 1, areDead = true; areDead; nth++) {
    folder = mkdtempSync(path.join(tmpdir(), 'slipway-rotate-'));
    const home = homeAt(path.join(folder, 'home'));
    await createHome(home, keyFolderAt(path.join(folder, 'keys')));
    const finish = { endMs: NOW, dryRun: false };
    const old = await ownId(home);
    await expect(finishReconciler(home, finish)).rejects.toMatchObject({ code: 'ROTATION_NOT_BEGUN' });
    const hasBegun = !(await dyingAt(nth, () => beginReconciler(home, false)));
    expect((await trustOf(home)).has(await ownId(home))).toBe(true);
    const { nextKeyId } = await beginReconciler(home, false);
    expect([...(await trustOf(home)).keys()].sort()).toEqual([old, nextKeyId].sort());
    const hasFinished = !(await dyingAt(nth, () => finishReconciler(home, finish)));
    expect((await trustOf(home)).has(await ownId(home))).toBe(true);
    if (hasFinished) await expect(finishReconciler(home, finish)).rejects.toMatchObject({ code: 'ROTATION_NOT_BEGUN' });
    else await finishReconciler(home, finish);
    expect(await ownId(home)).toBe(nextKeyId);
    const keys = await trustOf(home);
    const counts = (id: string | null, atMs: number) => countsAt(keys.get(id ?? '') ?? expect.fail('not listed'), atMs);
    expect([counts(old, NOW), counts(old, NOW + 1), counts(nextKeyId, NOW + 1)]).toEqual([true, false, true]);
    areDead = !hasBegun || !hasFinished;
    rmSync(folder, { recursive: true, force: true });
  }
});

it('a key of the reconciler that ended counts for what states an earlier time, and for no step of now', async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-rotate-'));
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = createReconcilerSigner(privateKey);
  const keys = reconcilerKeysOf([{ key: publicKey, notAfter: new Date(NOW).toISOString() }]);
  const entry = signer.signEntry(directiveAt(1).entries[0] ?? expect.fail('no entry'));
  expect([backingOf(entry, keys, NOW), backingOf(entry, keys, NOW + 1)]).toEqual(['signed', 'unsigned']);
  const labels = signer.signLabels(directiveAt(1));
  expect([labelsBackingOf(labels, keys, NOW), labelsBackingOf(labels, keys, NOW + 1)]).toEqual(['signed', 'unsigned']);
  const evidence = (decidedAt: unknown) =>
    signer.signEvidence({
      ...{ _type: 'https://in-toto.io/Statement/v1', subject: [{ name: 'x', digest: { sha256: 'a'.repeat(64) } }] },
      ...{ predicateType: EVIDENCE_PREDICATE_TYPE, predicate: { decidedAt } },
    } as InTotoStatement);
  const kinds = [NOW, NOW + 1_000].map((atMs) => verifyEvidence(evidence(new Date(atMs).toISOString()), keys).kind);
  expect(kinds).toEqual(['verified', 'refused']);
  expect(verifyEvidence(evidence(undefined), keys)).toMatchObject({ code: 'EVIDENCE_KEY_UNKNOWN' });
  const payload = Buffer.from('a commit');
  const commit = (atMs: number) => ({ atMs, signature: { payload, armored: signer.signCommit('a commit') } });
  expect([judgeCommit(commit(NOW), keys).kind, judgeCommit(commit(NOW + 1), keys).kind]).toEqual([
    'verified',
    'not-verified',
  ]);
});
