// What rotation promises: devices in the field follow it however far behind they are, and keys of before are worth nothing.
import { rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeFileDurably } from '../../../src/base/durable-file.ts';
import { sha256Hex } from '../../../src/contract/digest.ts';
import { encodeDirective } from '../../../src/contract/directive-json.ts';
import {
  makeRoleKey,
  type OnlineKeys,
  type RoleKey,
  readRoleKey,
  roleKeyFile,
} from '../../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline, makeRoot, type RootRoles } from '../../../src/distribution/tuf-metadata.ts';
import { newestRoot, rootExpiresAtMs } from '../../../src/distribution/tuf-roots.ts';
import { answerOf, directiveAt, PublicationWorld, refresh } from '../../distribution/publication-world.ts';
import { rolesAfter, rotateRoot } from '../../support/rotate-root.ts';
import { StaticServer } from '../../support/static-server.ts';

const YEAR = 366 * 86_400_000;
const one = (key: RoleKey) => ({ keys: [key], threshold: 1 });
const fresh = (): OnlineKeys => ({
  targets: makeRoleKey().roleKey,
  snapshot: makeRoleKey().roleKey,
  timestamp: makeRoleKey().roleKey,
});
const rolesOfKeys = (keys: OnlineKeys) => ({
  targets: one(keys.targets),
  snapshot: one(keys.snapshot),
  timestamp: one(keys.timestamp),
});

/** Rotates what is given and leaves the rest as it stands. */
async function rotate(world: PublicationWorld, changes: Partial<RootRoles>, oldRootKeys: readonly RoleKey[]) {
  const roles = rolesAfter(await newestRoot(world.publication), changes);
  return rotateRoot({ publication: world.publication, nowMs: world.clock.now(), oldRootKeys, roles });
}

/** A publication signed with these keys, as a thief of them makes it, laid over the folder. */
async function forge(folder: string, keys: OnlineKeys, version: number, revision: number, nowMs: number) {
  const bytes = encodeDirective(directiveAt(revision));
  const targets = [{ path: 'directive.json', bytes }];
  const online = makeOnline({ version, targets, keys, nowMs, lifetimes: DEFAULT_LIFETIMES });
  await writeFileDurably(path.join(folder, 'targets', `${sha256Hex(bytes)}.directive.json`), bytes);
  await writeFileDurably(path.join(folder, 'metadata', `${version}.targets.json`), online.targets);
  await writeFileDurably(path.join(folder, 'metadata', `${version}.snapshot.json`), online.snapshot);
  await writeFileDurably(path.join(folder, 'metadata', 'timestamp.json'), online.timestamp);
}

async function rootKey(world: PublicationWorld, name = 'root'): Promise<RoleKey> {
  return readRoleKey(roleKeyFile(world.keysFolder, name));
}

describe('rotating the root', () => {
  it('reaches a device that slept through many rotations, all at once, and years after they expired', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    let present = await rootKey(world);
    for (let i = 0; i < 12; i++) {
      const next = makeRoleKey().roleKey;
      await rotate(world, { root: one(next) }, [present]);
      present = next;
      world.clock.nowMs += YEAR / 2;
    }
    await world.publish(directiveAt(2));
    expect(answerOf(await refresh(device))).toBe(2);
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(2);
  });

  it('goes on where it was cut off, never from the start', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    const key = await rootKey(world);
    for (let i = 0; i < 8; i++) await rotate(world, {}, [key]);
    await world.publish(directiveAt(2));
    // The host dies at the fifth root; what was proven until then is kept.
    let isDead = true;
    host.misbehave = (request, response) => {
      if (!isDead || !request.url?.endsWith('/5.root.json')) return false;
      response.destroy();
      return true;
    };
    expect(answerOf(await refresh(device))).toBe('unreachable');
    isDead = false;
    await host.takeAsked();
    expect(answerOf(await refresh(device))).toBe(2);
    const roots = (await host.takeAsked()).map((asked) => asked.path).filter((name) => name.includes('root'));
    expect(roots[0]).toBe('/metadata/5.root.json');
  });

  it('is seen without a new pointer: the keys that it withdraws are worth nothing from then on', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    await rotate(world, { timestamp: one(makeRoleKey().roleKey) }, [await rootKey(world)]);
    expect(await refresh(device)).toMatchObject({
      code: 'TUF_SIGNATURE',
      reason: expect.stringContaining('the key that root 2 names'),
    });
    expect(device.lastAccepted()).toEqual(directiveAt(1));
  });

  it('needs the threshold of the old root and of the new one', async () => {
    await using world = await PublicationWorld.open({ rootKeys: 3, rootThreshold: 2 });
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const [a, b, c] = await Promise.all(['root-1', 'root-2', 'root-3'].map((name) => rootKey(world, name)));
    const [x, y] = [makeRoleKey().roleKey, makeRoleKey().roleKey];
    const root = { keys: [x, y], threshold: 2 };
    await expect(rotate(world, { root }, [a!])).rejects.toMatchObject({ code: 'TUF_ROTATION' });
    const publicOnly = { keys: [{ key: x.key }, y], threshold: 2 };
    await expect(rotate(world, { root: publicOnly }, [a!, b!])).rejects.toMatchObject({ code: 'TUF_ROTATION' });
    expect((await newestRoot(world.publication)).version).toBe(1);
    await rotate(world, { root }, [a!, c!]);
    await world.publish(directiveAt(2));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(2);
    // What devices check, and not only we: a root signed by one of two, laid straight into the folder.
    const roles = rolesAfter(await newestRoot(world.publication), { root: one(a!) });
    const forged = makeRoot({ version: 3, roles, signers: [a!, x], nowMs: world.clock.now(), lifetimeMs: YEAR });
    await writeFileDurably(path.join(world.publication, 'metadata', '3.root.json'), forged);
    const device = await world.device(host.url);
    expect(await refresh(device)).toMatchObject({
      code: 'TUF_SIGNATURE',
      reason: expect.stringContaining('3.root.json'),
    });
  });

  it('that changes no key renews the root: devices would accept nothing once it expired', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const endsMs = rootExpiresAtMs(await newestRoot(world.publication));
    world.clock.nowMs = endsMs - 1000;
    await rotate(world, {}, [await rootKey(world)]);
    expect(rootExpiresAtMs(await newestRoot(world.publication))).toBeGreaterThan(endsMs + YEAR * 0.9);
    world.clock.nowMs = endsMs + 1000;
    await world.publish(directiveAt(1));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
  });

  it('makes one root of a version, also when two people rotate at once', async () => {
    await using world = await PublicationWorld.open();
    const key = await rootKey(world);
    const outcomes = await Promise.allSettled(Array.from({ length: 4 }, () => rotate(world, {}, [key])));
    expect(outcomes.filter((outcome) => outcome.status === 'fulfilled')).toHaveLength(1);
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'TUF_ROTATION' });
    expect((await newestRoot(world.publication)).version).toBe(2);
  });
});

/** A device that follows, and the keys after one role's was replaced and used. */
async function afterRotation(world: PublicationWorld, host: StaticServer, role: 'targets' | 'snapshot' | 'timestamp') {
  await world.publish(directiveAt(1));
  const device = await world.device(host.url);
  await refresh(device);
  const next = makeRoleKey().roleKey;
  await rotate(world, { [role]: one(next) }, [await rootKey(world)]);
  const keys = { ...world.keys, [role]: next };
  await world.publish(directiveAt(2), { publisher: world.publisher(keys) });
  return { device, keys };
}

describe('rotating the online keys', () => {
  it.each(['targets', 'snapshot', 'timestamp'] as const)('devices follow a new %s key', async (role) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const { device } = await afterRotation(world, host, role);
    expect(answerOf(await refresh(device))).toBe(2);
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(2);
  });

  it.each(['targets', 'snapshot', 'timestamp'] as const)(
    'a directive that a thief of the old %s key signs is refused, with the reason in words',
    async (role) => {
      await using world = await PublicationWorld.open();
      await using host = await StaticServer.start(world.publication);
      const { device, keys } = await afterRotation(world, host, role);
      await refresh(device);
      host.folder = world.copy('forged');
      await forge(host.folder, { ...keys, [role]: world.keys[role] }, 9, 666, world.clock.now());
      const file = new RegExp(`^${role}\\.json is not signed by the key that root 2 names`);
      expect(await refresh(device)).toMatchObject({ code: 'TUF_SIGNATURE', reason: expect.stringMatching(file) });
      // Hiding the new root from a device that saw it helps the thief nothing.
      rmSync(path.join(host.folder, 'metadata', '2.root.json'));
      expect(answerOf(await refresh(device))).toBe('TUF_SIGNATURE');
      expect(device.lastAccepted()).toEqual(directiveAt(2));
      host.folder = world.publication;
      // What keys that still count did sign stays the floor, role by role: only their rotation ends that.
      expect(answerOf(await refresh(device))).toBe(role === 'timestamp' ? 'unchanged' : 'TUF_ROLLBACK');
    },
  );

  it('ends what a thief did with version numbers: the lower ones after the rotation are heard', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    host.folder = world.copy('forged');
    await forge(host.folder, world.keys, 2_000_000_000, 2, world.clock.now());
    expect(answerOf(await refresh(device))).toBe(2);
    host.folder = world.publication;
    expect(answerOf(await refresh(device))).toBe('TUF_ROLLBACK');
    const keys = fresh();
    await rotate(world, rolesOfKeys(keys), [await rootKey(world)]);
    await world.publish(directiveAt(3), { publisher: world.publisher(keys) });
    expect(answerOf(await refresh(device))).toBe(3);
  });

  it('a service that still holds the old keys says so, and publishes nothing that devices would refuse', async () => {
    await using world = await PublicationWorld.open();
    await world.publish(directiveAt(1));
    await rotate(world, { timestamp: one(makeRoleKey().roleKey) }, [await rootKey(world)]);
    await expect(world.publish(directiveAt(2))).rejects.toMatchObject({
      code: 'TUF_KEYS_STALE',
      remedy: expect.stringContaining('keys that the root was rotated to'),
    });
    expect(await world.publisher().findPublished()).toEqual(directiveAt(1));
  });
});
