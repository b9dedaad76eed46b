// What each link of the chain of trust holds by itself: every floor, every signature, every length.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { Metadata, MetaFile, Snapshot, TargetFile, Targets, Timestamp } from '@tufjs/models';
import { describe, expect, it } from 'vitest';
import { sha256Hex } from '../../../src/contract/digest.ts';
import { encodeDirective } from '../../../src/contract/directive-json.ts';
import { TrustedChain } from '../../../src/contract/tuf/trusted-chain.ts';
import type { Floor } from '../../../src/contract/tuf/trusted-state.ts';
import { makeRoleKey, type OnlineKeys, readRoleKey, roleKeyFile } from '../../../src/distribution/tuf-keys.ts';
import { encodeMetadata, makeRoot, type RootRoles } from '../../../src/distribution/tuf-metadata.ts';
import { newestRoot } from '../../../src/distribution/tuf-roots.ts';
import { answerOf, directiveAt, NOW, PublicationWorld, refresh } from '../../distribution/publication-world.ts';
import { rolesAfter, rotateRoot } from '../../support/rotate-root.ts';
import { StaticServer } from '../../support/static-server.ts';

const expires = '2026-12-20T10:00:00Z';
const specVersion = '1.0.31';
const key = () => makeRoleKey().roleKey;
const newKeys = (): OnlineKeys => ({ targets: key(), snapshot: key(), timestamp: key() });

interface Versions {
  readonly timestamp: number;
  readonly snapshot: number;
  readonly targets: number;
}

interface Lies {
  readonly snapshotLength?: number;
  readonly directiveLength?: number;
  readonly directiveHashes?: Record<string, string>;
  readonly withoutTargets?: boolean;
  readonly more?: Readonly<Record<string, number>>;
}

/** One set of signed files; each role with a version of its own. */
function sign(keys: OnlineKeys, { timestamp, snapshot, targets }: Versions, lies: Lies = {}) {
  const directive = encodeDirective(directiveAt(targets));
  const common = { specVersion, expires };
  const file = new TargetFile({
    path: 'directive.json',
    length: lies.directiveLength ?? directive.length,
    hashes: lies.directiveHashes ?? { sha256: sha256Hex(directive) },
  });
  const metaOf = (bytes: Buffer, version: number, length = bytes.length) =>
    new MetaFile({ version, length, hashes: { sha256: sha256Hex(bytes) } });
  const targetsFile = new Metadata(new Targets({ ...common, version: targets, targets: { [file.path]: file } }));
  targetsFile.sign((data) => keys.targets.sign(data));
  const targetsBytes = encodeMetadata(targetsFile);
  const meta: Record<string, MetaFile> = {
    [lies.withoutTargets ? 'other.json' : 'targets.json']: metaOf(targetsBytes, targets),
  };
  for (const [name, version] of Object.entries(lies.more ?? {})) meta[name] = metaOf(targetsBytes, version);
  const snapshotFile = new Metadata(new Snapshot({ ...common, version: snapshot, meta }));
  snapshotFile.sign((data) => keys.snapshot.sign(data));
  const snapshotBytes = encodeMetadata(snapshotFile);
  const snapshotMeta = metaOf(snapshotBytes, snapshot, lies.snapshotLength);
  const timestampFile = new Metadata(new Timestamp({ ...common, version: timestamp, snapshotMeta }));
  timestampFile.sign((data) => keys.timestamp.sign(data));
  return { directive, targets: targetsBytes, snapshot: snapshotBytes, timestamp: encodeMetadata(timestampFile) };
}

function layInto(folder: string, versions: Versions, files: ReturnType<typeof sign>): void {
  const at = (name: string) => path.join(folder, 'metadata', name);
  writeFileSync(path.join(folder, 'targets', `${sha256Hex(files.directive)}.directive.json`), files.directive);
  writeFileSync(at(`${versions.targets}.targets.json`), files.targets);
  writeFileSync(at(`${versions.snapshot}.snapshot.json`), files.snapshot);
  writeFileSync(at('timestamp.json'), files.timestamp);
}

const rootKey = key();
const keys = newKeys();

function rolesOf(online: OnlineKeys): RootRoles {
  const one = (named: (typeof online)['targets']) => ({ keys: [named], threshold: 1 });
  const { targets, snapshot, timestamp } = online;
  return { root: one(rootKey), targets: one(targets), snapshot: one(snapshot), timestamp: one(timestamp) };
}

const rootAt = (version: number, online = keys) =>
  makeRoot({ version, roles: rolesOf(online), signers: [rootKey], nowMs: NOW, lifetimeMs: 1e10 });

const chainAbove = (floor: Floor, root = rootAt(1)) => new TrustedChain(root, floor, NOW);

describe('the floor', () => {
  const floor = { root: 1, timestamp: 5, snapshot: 5, targets: 5 };
  const walk = (versions: Versions) => {
    const files = sign(keys, versions);
    const chain = chainAbove(floor);
    chain.takeTimestamp(files.timestamp);
    chain.takeSnapshot(files.snapshot);
    chain.takeTargets(files.targets);
    return chain.reached();
  };

  it('lets through what stands on it or above it', () => {
    expect(walk({ timestamp: 5, snapshot: 5, targets: 5 })).toEqual(floor);
    expect(walk({ timestamp: 7, snapshot: 5, targets: 6 })).toEqual({ root: 1, timestamp: 7, snapshot: 5, targets: 6 });
  });

  it.each([
    ['timestamp.json has version 4', { timestamp: 4, snapshot: 5, targets: 5 }],
    ['The snapshot that timestamp.json names has version 4', { timestamp: 6, snapshot: 4, targets: 5 }],
    ['The targets.json that snapshot.json names has version 4', { timestamp: 6, snapshot: 6, targets: 4 }],
  ])('holds each role by itself: %s', (reason, versions) => {
    expect(() => walk(versions)).toThrow(
      expect.objectContaining({ code: 'TUF_ROLLBACK', message: expect.stringContaining(reason) }),
    );
  });

  it('holds what the snapshot named: a role that vanishes from it, or goes back, is refused', () => {
    const versions = { timestamp: 6, snapshot: 6, targets: 6 };
    const before = sign(keys, { timestamp: 5, snapshot: 5, targets: 5 }, { more: { 'fleet.json': 3 } });
    const take = (more?: Readonly<Record<string, number>>) => {
      const files = sign(keys, versions, more === undefined ? {} : { more });
      const chain = new TrustedChain(rootAt(1), floor, NOW, before.snapshot.toString());
      chain.takeTimestamp(files.timestamp);
      chain.takeSnapshot(files.snapshot);
      return chain.proven();
    };
    for (const more of [undefined, { 'fleet.json': 2 }])
      expect(() => take(more)).toThrow(expect.objectContaining({ code: 'TUF_ROLLBACK' }));
    expect(take({ 'fleet.json': 3 })).toEqual({ root: 1, timestamp: 6, snapshot: 6, targets: 5 });
  });

  it('is lowered by a root that withdraws the timestamp key or the snapshot key, and by no other', () => {
    const floorAfter = (online: OnlineKeys) => {
      const chain = chainAbove(floor);
      chain.takeRoot(rootAt(2, online));
      return chain.floor;
    };
    const lowered = { root: 2, timestamp: 0, snapshot: 0, targets: 0 };
    expect(floorAfter({ ...keys, timestamp: key() })).toEqual(lowered);
    expect(floorAfter({ ...keys, snapshot: key() })).toEqual(lowered);
    expect(floorAfter({ ...keys, targets: key() })).toEqual({ ...floor, root: 2 });
    expect(floorAfter(keys)).toEqual({ ...floor, root: 2 });
  });

  it('is not lowered again by a root that was walked before', () => {
    const chain = chainAbove({ ...floor, root: 2 });
    chain.takeRoot(rootAt(2, newKeys()));
    expect(chain.floor).toEqual({ ...floor, root: 2 });
  });
});

describe('a statement', () => {
  const none = { root: 0, timestamp: 0, snapshot: 0, targets: 0 };

  it.each(['timestamp', 'snapshot', 'targets'] as const)('of the %s role by another key is refused', (role) => {
    const files = sign({ ...keys, [role]: key() }, { timestamp: 1, snapshot: 1, targets: 1 });
    const chain = chainAbove(none);
    const walk = () => {
      chain.takeTimestamp(files.timestamp);
      chain.takeSnapshot(files.snapshot);
      chain.takeTargets(files.targets);
    };
    expect(walk).toThrow(
      expect.objectContaining({ code: 'TUF_SIGNATURE', message: expect.stringMatching(`^${role}`) }),
    );
  });

  it('of one role is none of another, whoever signed it', () => {
    const same = key();
    const files = sign({ targets: same, snapshot: same, timestamp: same }, { timestamp: 1, snapshot: 1, targets: 1 });
    const roles = rolesOf({ targets: same, snapshot: same, timestamp: same });
    const root = makeRoot({ version: 1, roles, signers: [rootKey], nowMs: NOW, lifetimeMs: 1e10 });
    for (const bytes of [files.snapshot, files.targets, root]) {
      const refusal = expect.objectContaining({ name: 'TufRefusal' });
      expect(() => chainAbove(none, root).takeTimestamp(bytes)).toThrow(refusal);
    }
  });

  it('without targets is refused in words', () => {
    const files = sign(keys, { timestamp: 1, snapshot: 1, targets: 1 }, { withoutTargets: true });
    const chain = chainAbove(none);
    chain.takeTimestamp(files.timestamp);
    expect(() => chain.takeSnapshot(files.snapshot)).toThrow('snapshot.json names no targets.json.');
  });

  it('with a signature cut off, doubled or of nobody is refused', () => {
    const { timestamp } = sign(keys, { timestamp: 1, snapshot: 1, targets: 1 });
    const parsed = JSON.parse(timestamp.toString('utf8'));
    const [signature] = parsed.signatures;
    for (const signatures of [
      [],
      [signature, signature],
      [{ ...signature, sig: '' }],
      [{ ...signature, keyid: 'x' }],
    ]) {
      const bytes = Buffer.from(JSON.stringify({ ...parsed, signatures }));
      const refusal = expect.objectContaining({ name: 'TufRefusal' });
      expect(() => chainAbove(none).takeTimestamp(bytes)).toThrow(refusal);
    }
  });
});

describe('a client', () => {
  it.each([
    ['a snapshot of a gigabyte', { snapshotLength: 1e9 }, 'TUF_LENGTH'],
    ['a directive of a gigabyte', { directiveLength: 1e9 }, 'TUF_LENGTH'],
    ['a directive without SHA-256', { directiveHashes: { sha512: 'ab' } }, 'TUF_OTHER'],
    ['a directive elsewhere', { directiveHashes: { sha256: '../../../x' } }, 'TUF_OTHER'],
  ])('does not even ask for %s', async (_what, lies, code) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const versions = { timestamp: 2, snapshot: 2, targets: 2 };
    layInto(world.publication, versions, sign(world.keys, versions, lies));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(code);
    const asked = (await host.takeAsked()).map((one) => one.path);
    expect(asked.filter((one) => one.startsWith('/targets'))).toEqual([]);
    if ('snapshotLength' in lies) expect(asked).not.toContain('/metadata/2.snapshot.json');
  });

  it('misses a role that the snapshot named before, over a restart too', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const lay = (version: number, more: Readonly<Record<string, number>>): void => {
      const versions = { timestamp: version, snapshot: version, targets: version };
      layInto(world.publication, versions, sign(world.keys, versions, { more }));
    };
    lay(2, { 'fleet.json': 1 });
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(2);
    lay(3, {});
    const restarted = await world.device(host.url, { stateFolder: path.join(world.folder, 'device-1') });
    expect(answerOf(await refresh(restarted))).toBe('TUF_ROLLBACK');
    expect(restarted.lastAccepted()).toEqual(directiveAt(2));
  });

  it('asks for no file again that the new pointer still names', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    for (const timestamp of [2, 3]) {
      const versions = { timestamp, snapshot: 2, targets: 2 };
      layInto(world.publication, versions, sign(world.keys, versions));
      await host.takeAsked();
      expect(answerOf(await refresh(device))).toBe(timestamp === 2 ? 2 : 'unchanged');
    }
    const asked = (await host.takeAsked()).map((one) => one.path);
    expect(asked).toEqual(['/metadata/2.root.json', '/metadata/timestamp.json']);
  });

  it('reads the pointer anew when the root changed while it asked', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const before = world.copy('before');
    const changed = newKeys();
    const one = (named: OnlineKeys['targets']) => ({ keys: [named], threshold: 1 });
    const roles = rolesAfter(await newestRoot(world.publication), {
      ...{ targets: one(changed.targets), snapshot: one(changed.snapshot), timestamp: one(changed.timestamp) },
    });
    const oldRootKeys = [await readRoleKey(roleKeyFile(world.keysFolder, 'root'))];
    await rotateRoot({ publication: world.publication, nowMs: NOW, oldRootKeys, roles });
    await world.publish(directiveAt(2), { publisher: world.publisher(changed) });
    const device = await world.device(host.url);
    host.folder = before;
    host.misbehave = (request) => {
      if (request.url?.endsWith('root.json')) host.folder = world.publication;
      return false;
    };
    expect(answerOf(await refresh(device))).toBe(2);
  });

  it('walks a bounded number of roots for a bounded time, and goes on from there', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const oldRootKeys = [await readRoleKey(roleKeyFile(world.keysFolder, 'root'))];
    const roles = rolesAfter(await newestRoot(world.publication), {});
    for (let version = 2; version <= 262; version++) {
      const root = makeRoot({ version, roles, signers: oldRootKeys, nowMs: NOW, lifetimeMs: 1e10 });
      writeFileSync(path.join(world.publication, 'metadata', `${version}.root.json`), root);
    }
    await world.publish(directiveAt(1));
    host.misbehave = (request, response) => {
      if (!request.url?.endsWith('root.json')) return false;
      setTimeout(() => response.end(readFileSync(path.join(world.publication, request.url ?? ''))), 150);
      return true;
    };
    const slow = await world.device(host.url, { timeoutMs: 500 });
    expect(answerOf(await refresh(slow))).toBe('unreachable');
    const roots = async () => (await host.takeAsked()).filter((asked) => asked.path.includes('root')).length;
    expect(await roots()).toBeLessThan(16);
    host.misbehave = () => false;
    const device = await world.device(host.url, { timeoutMs: 20_000 });
    expect(answerOf(await refresh(device))).toBe(1);
    expect(await roots()).toBe(256);
    await world.publish(directiveAt(2));
    expect(answerOf(await refresh(device))).toBe(2);
    expect(await roots()).toBe(262 - 257 + 1);
  });

  it('waits for one request no longer than it may, and not as long as for all', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    host.misbehave = () => true;
    const device = await world.device(host.url, { timeoutMs: 700 });
    expect(answerOf(await refresh(device))).toBe('unreachable');
  });
});
