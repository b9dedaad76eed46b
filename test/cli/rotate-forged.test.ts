// Proves that a next root which somebody made up, or left lying about, names nobody whom the holders of root keys did not agree to.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Home, homeAt } from '../../src/cli/home.ts';
import { readHandedOver, signNextRoot } from '../../src/cli/rotate/next-root-file.ts';
import { finishRotation, rotateOnline } from '../../src/cli/rotate/online-keys.ts';
import { rotateRootKeys } from '../../src/cli/rotate/root-keys.ts';
import { addSignature, encodeNextRoot, makeNextRoot } from '../../src/distribution/next-root.ts';
import { makeRoleKey, readOnlineKeys, readRoleKey } from '../../src/distribution/tuf-keys.ts';
import { makeRoot } from '../../src/distribution/tuf-metadata.ts';
import { initialiseTuf, newestRoot } from '../../src/distribution/tuf-roots.ts';

const NOW = Date.parse('2026-12-01T10:00:00Z');
const YEAR_MS = 365 * 86_400_000;
let folder: string;
let home: Home;
let to: string;
const at = (name: string): string => path.join(folder, name);
const order = () => ({ home, keys: [], to, dryRun: false, nowMs: NOW });

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-forged-'));
  home = homeAt(at('home'));
  to = at('next-root.json');
  await initialiseTuf({ keys: home.tuf, rootKeysFolder: at('keys'), publication: home.publication, nowMs: NOW });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const rootKey = (): string => at('keys/root.key');
const signing = () => ({ file: to, keys: [rootKey()], mayChangeSigners: false, dryRun: false });

/** The file as a thief on its way leaves it. */
function forge(change: (next: { keys: Record<string, unknown>; [field: string]: unknown }) => void): void {
  const file = JSON.parse(readFileSync(to, 'utf8'));
  change(file.next.signed);
  file.next.signatures = [];
  writeFileSync(to, JSON.stringify(file));
}

describe('who holds a key of the root signs nothing unseen:', () => {
  test('no stranger under the id of a key that is known', async () => {
    await rotateOnline(order());
    const thief = makeRoleKey().roleKey.key;
    forge((next) => {
      const [id = ''] = (next['x-slipway-trust'] as { keyids: string[] }).keyids;
      next.keys[id] = thief.toJSON();
    });
    await expect(signNextRoot(signing())).rejects.toMatchObject({ code: 'ROTATION_FILE' });
  });

  test('no stranger under an id that looks like another', async () => {
    await rotateOnline(order());
    const thief = makeRoleKey().roleKey.key;
    forge((next) => {
      const role = next['x-slipway-trust'] as { keyids: string[] };
      const id = `${role.keyids[0]?.slice(0, 60)}0000`;
      next['x-slipway-trust'] = { ...role, keyids: [id] };
      next.keys[id] = thief.toJSON();
    });
    const agreeing = { ...signing(), mayChangeSigners: true };
    await expect(signNextRoot(agreeing)).rejects.toMatchObject({ code: 'ROTATION_FILE' });
  });

  test('not the successor of a root that none of their keys signed', async () => {
    const [thief, own] = [makeRoleKey().roleKey, await readRoleKey(rootKey())];
    const online = await readOnlineKeys(home.tuf);
    const one = (...keys: (typeof thief)[]) => ({ keys, threshold: 1 });
    const { targets, snapshot, timestamp } = online;
    const roles = { root: one(own, thief), trust: one(thief), targets: one(targets) };
    const made = makeRoot({
      ...{ version: 1, signers: [thief], nowMs: NOW, lifetimeMs: YEAR_MS },
      roles: { ...roles, snapshot: one(snapshot), timestamp: one(timestamp) },
    });
    const both = makeNextRoot(made, {}, NOW);
    addSignature(both, thief);
    writeFileSync(to, encodeNextRoot(both));
    await expect(signNextRoot(signing())).rejects.toMatchObject({
      code: 'ROTATION_CHANGES_SIGNERS',
      message: expect.stringContaining(thief.key.keyID.slice(0, 10)),
    });
    expect((await signNextRoot({ ...signing(), mayChangeSigners: true })).state).toBe('ready');
  });

  test('nor what came back changed, when the same command is repeated with the key', async () => {
    const withKey = () => ({ ...order(), keys: [rootKey()] });
    const thief = makeRoleKey().roleKey.key;
    const nameThief = (next: { keys: Record<string, unknown>; [field: string]: unknown }) => {
      next['x-slipway-trust'] = { keyids: [thief.keyID], threshold: 1 };
      next.keys[thief.keyID] = thief.toJSON();
    };
    await rotateOnline(order());
    forge(nameThief);
    await expect(rotateOnline(withKey())).rejects.toMatchObject({ code: 'ROTATION_FILE_EXISTS' });
    rmSync(to);
    const newKeys = [at('keys/new.key')];
    const ofRoot = { role: 'root', newKeys, replace: undefined, threshold: undefined } as const;
    await rotateRootKeys({ ...order(), ...ofRoot });
    forge((next) => {
      for (const id of (next['x-slipway-trust'] as { keyids: string[] }).keyids) next.keys[id] = thief.toJSON();
    });
    await expect(rotateRootKeys({ ...withKey(), ...ofRoot })).rejects.toMatchObject({ code: 'ROTATION_FILE_EXISTS' });
  });
});

test('a next root that ended while it waited is not put into force: devices would take nothing by it', async () => {
  await rotateOnline(order());
  await signNextRoot(signing());
  const late = { dryRun: false, nowMs: NOW + YEAR_MS + 1000 };
  await expect(finishRotation(home, await readHandedOver(to), late)).rejects.toMatchObject({ code: 'TUF_ROTATION' });
  expect((await newestRoot(home.publication)).version).toBe(1);
});
