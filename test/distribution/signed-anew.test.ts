// What signing anew promises: an unchanged directive costs devices the pointer alone, and nothing it leads to runs out.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { PublicationLedger } from '../../src/distribution/publication.ts';
import { makeRoleKey, type OnlineKeys, readRoleKey, roleKeyFile } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES } from '../../src/distribution/tuf-metadata.ts';
import { newestRoot } from '../../src/distribution/tuf-roots.ts';
import { rolesAfter, rotateRoot } from '../support/rotate-root.ts';
import { StaticServer } from '../support/static-server.ts';
import { answerOf, directiveAt, HOUR, ledgerOf, PublicationWorld, refresh } from './publication-world.ts';

const metadata = (world: PublicationWorld) => readdirSync(path.join(world.publication, 'metadata')).sort();
const fresh = (): OnlineKeys => ({
  targets: makeRoleKey().roleKey,
  snapshot: makeRoleKey().roleKey,
  timestamp: makeRoleKey().roleKey,
});

describe('an unchanged directive', () => {
  it('gets a new pointer and nothing else, and a device asks for nothing else', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    const before = metadata(world);
    world.clock.nowMs += 12 * HOUR;
    expect(await world.publish(directiveAt(1))).toEqual({ kind: 'published', metadataVersion: 2 });
    expect(metadata(world)).toEqual(before);
    await host.takeAsked();
    expect(answerOf(await refresh(device))).toBe('unchanged');
    expect((await host.takeAsked()).map((one) => one.path)).toEqual([
      '/metadata/2.root.json',
      '/metadata/timestamp.json',
    ]);
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
    world.clock.nowMs += 20 * HOUR;
    expect(answerOf(await refresh(device))).toBe('unchanged');
  });

  it('stays valid for months of renewals, in few files, with a version for each', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const publisher = world.publisher();
    await world.publish(directiveAt(1), { publisher });
    const device = await world.device(host.url);
    expect(answerOf(await refresh(device))).toBe(1);
    const signed = new Set<string>();
    for (let halfDay = 2; halfDay <= 300; halfDay++) {
      world.clock.nowMs += 12 * HOUR;
      await world.publish(directiveAt(1), { publisher });
      expect((await publisher.expiresAtMs())! - world.clock.nowMs).toBe(24 * HOUR);
      for (const name of metadata(world)) signed.add(name);
      if (halfDay % 50 === 0) expect([halfDay, answerOf(await refresh(device))]).toEqual([halfDay, 'unchanged']);
    }
    const count = (role: string) => [...signed].filter((name) => name.endsWith(`.${role}.json`)).length;
    expect(count('targets')).toBe(1 + Math.floor(149.5 / 45));
    expect(count('snapshot')).toBeLessThan(50);
    expect(metadata(world).length).toBeLessThan(45);
  });

  it('is signed anew by every key after a rotation', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    const keys = fresh();
    const role = (name: keyof OnlineKeys) => ({ keys: [keys[name]], threshold: 1 });
    const changes = { targets: role('targets'), snapshot: role('snapshot'), timestamp: role('timestamp') };
    const roles = rolesAfter(await newestRoot(world.publication), changes);
    const oldRootKeys = [await readRoleKey(roleKeyFile(world.keysFolder, 'root'))];
    await rotateRoot({ publication: world.publication, nowMs: world.clock.now(), oldRootKeys, roles });
    await world.publish(directiveAt(1), { publisher: world.publisher(keys) });
    expect(metadata(world)).toContain('2.targets.json');
    expect(answerOf(await refresh(device))).toBe('unchanged');
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
  });

  it('is signed anew when someone put signatures of his own into the folder', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await using stranger = await PublicationWorld.open();
    await stranger.publish(directiveAt(1));
    await world.publish(directiveAt(1));
    for (const name of ['timestamp.json', '1.snapshot.json', '1.targets.json']) {
      const from = path.join(stranger.publication, 'metadata', name);
      writeFileSync(path.join(world.publication, 'metadata', name), readFileSync(from));
    }
    await world.publish(directiveAt(1));
    expect(metadata(world)).toEqual(expect.arrayContaining(['2.snapshot.json', '2.targets.json']));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
  });
});

describe('the end of a publication', () => {
  it('is the end of the signature that ends first', async () => {
    await using world = await PublicationWorld.open();
    const lifetimes = { ...DEFAULT_LIFETIMES, targetsMs: HOUR };
    const publisher = world.publisher(world.keys, lifetimes);
    await world.publish(directiveAt(1), { publisher });
    expect(await publisher.expiresAtMs()).toBe(world.clock.nowMs + HOUR);
  });

  it.each(['targets', 'snapshot'])('is now when the %s are others than those signed, though readable', async (role) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const file = path.join(world.publication, 'metadata', `1.${role}.json`);
    writeFileSync(file, `${readFileSync(file, 'utf8')}\n`);
    expect(await world.publisher().expiresAtMs()).toBeNull();
    await world.publish(directiveAt(1));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
  });
});

describe('readers of an older pointer', () => {
  it('find what it names, however many pointers lie between its files and the newest', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const publisher = world.publisher();
    for (let i = 0; i < 40; i++) await world.publish(directiveAt(1), { publisher });
    const pointer = readFileSync(path.join(world.publication, 'metadata', 'timestamp.json'));
    for (let revision = 2; revision < 15; revision++) await world.publish(directiveAt(revision), { publisher });
    host.misbehave = (request, response) => {
      if (!request.url?.endsWith('timestamp.json')) return false;
      response.end(pointer);
      return true;
    };
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
  });

  it('keep them when many publications after it were cut off', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const publisher = world.publisher();
    await world.publish(directiveAt(1), { publisher });
    const ledger = ledgerOf(world.store, await world.store.readPublication());
    const cutOff: PublicationLedger = { ...ledger, commit: () => Promise.reject(new Error('cut off')) };
    for (let revision = 2; revision < 42; revision++) {
      const order = { directive: directiveAt(revision), documents: [], nowMs: world.clock.now() };
      await expect(publisher.publish(order, cutOff)).rejects.toThrow('cut off');
    }
    await world.publish(directiveAt(1), { publisher });
    expect(existsSync(path.join(world.publication, 'metadata', '1.targets.json'))).toBe(true);
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
    expect(metadata(world).length).toBeLessThan(70);
  });
});
