// What a device promises in hard places: clocks that go back, hosts with coarse ETags, damaged storage, hostile disks.
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../src/contract/digest.ts';
import { encodeDirective } from '../../../src/contract/directive-json.ts';
import { makeRoleKey, type OnlineKeys, readRoleKey, roleKeyFile } from '../../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../../src/distribution/tuf-metadata.ts';
import { newestRoot } from '../../../src/distribution/tuf-roots.ts';
import { answerOf, directiveAt, HOUR, PublicationWorld, refresh } from '../../distribution/publication-world.ts';
import { rolesAfter, rotateRoot } from '../../support/rotate-root.ts';
import { StaticServer } from '../../support/static-server.ts';

const DAY = 24 * HOUR;

/** Lays a publication signed with these keys over the folder. */
function forge(world: PublicationWorld, folder: string, keys: OnlineKeys, version: number, revision: number): void {
  lay(world, folder, keys, version, encodeDirective(directiveAt(revision)));
}

function lay(world: PublicationWorld, folder: string, keys: OnlineKeys, version: number, bytes: Buffer): void {
  const targets = [{ path: 'directive.json', bytes }];
  const online = makeOnline({ version, targets, keys, nowMs: world.clock.now(), lifetimes: DEFAULT_LIFETIMES });
  writeFileSync(path.join(folder, 'targets', `${digestOf(bytes).slice(7)}.directive.json`), bytes);
  writeFileSync(path.join(folder, 'metadata', `${version}.targets.json`), online.targets);
  writeFileSync(path.join(folder, 'metadata', `${version}.snapshot.json`), online.snapshot);
  writeFileSync(path.join(folder, 'metadata', 'timestamp.json'), online.timestamp);
}

async function withdrawOnlineKeys(world: PublicationWorld): Promise<OnlineKeys> {
  const one = () => makeRoleKey().roleKey;
  const keys: OnlineKeys = { targets: one(), snapshot: one(), timestamp: one() };
  const role = (key: keyof OnlineKeys) => ({ keys: [keys[key]], threshold: 1 });
  const changes = { targets: role('targets'), snapshot: role('snapshot'), timestamp: role('timestamp') };
  const roles = rolesAfter(await newestRoot(world.publication), changes);
  const root = await readRoleKey(roleKeyFile(world.keysFolder, 'root'));
  await rotateRoot({ publication: world.publication, nowMs: world.clock.now(), oldRootKeys: [root], roles });
  return keys;
}

describe('a directive of another protocol', () => {
  it('is refused by what to upgrade, and the one before holds until one can be read', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    expect(answerOf(await refresh(device))).toBe(1);
    const stating = (protocol: number) =>
      Buffer.from(JSON.stringify({ ...JSON.parse(encodeDirective(directiveAt(2)).toString()), protocol }));
    lay(world, world.publication, world.keys, 11, stating(2));
    const upgradeAgent = expect.stringMatching(/version 2, this agent reads 1 to 1: upgrade the agent/);
    const tooNew = { kind: 'refused', code: 'DIRECTIVE_TOO_NEW', reason: upgradeAgent };
    expect(await refresh(device)).toEqual(tooNew);
    expect(device.lastAccepted()?.entries[0]?.revision).toBe(1);
    lay(world, world.publication, world.keys, 12, stating(0));
    expect(await refresh(device)).toMatchObject({ code: 'DIRECTIVE_TOO_OLD' });
    forge(world, world.publication, world.keys, 13, 3);
    expect(answerOf(await refresh(device))).toBe(3);
  });
});

describe('time', () => {
  it('that goes back brings nothing expired back to life', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const stateFolder = path.join(world.folder, 'device');
    const first = world.copy('first');
    await world.publish(directiveAt(2));
    world.clock.nowMs += 30 * HOUR;
    await world.publish(directiveAt(3));
    expect(answerOf(await refresh(await world.device(host.url, { stateFolder })))).toBe(3);
    // The battery of the clock is empty; a thief of the timestamp key who lost the rest replays what expired.
    world.clock.nowMs -= 29 * HOUR;
    rmSync(path.join(stateFolder, 'anchor.json'));
    host.folder = first;
    forge(world, first, world.keys, 9, 2);
    expect(await refresh(await world.device(host.url, { stateFolder }))).toMatchObject({ code: 'TUF_EXPIRED' });
  });

  it('of the root that expired is reported as expiry', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    world.clock.nowMs += 366 * DAY;
    await world.publish(directiveAt(1));
    const answer = await refresh(await world.device(host.url));
    expect(answer).toMatchObject({ code: 'TUF_EXPIRED', reason: expect.stringContaining('root.json is expired') });
  });
});

describe('an ETag', () => {
  it('that two versions of one second share hides neither of them', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    // As web servers do that make it of the size and the whole second of the change.
    host.misbehave = (request, response) => {
      if (!request.url?.endsWith('timestamp.json')) return false;
      const { size } = statSync(path.join(host.folder, 'metadata', 'timestamp.json'));
      const etag = `"${Math.floor(world.clock.nowMs / 10_000)}-${size}"`;
      response.setHeader('ETag', etag);
      if (request.headers['if-none-match'] !== etag) return false;
      response.writeHead(304).end();
      return true;
    };
    host.withEtags = false;
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    expect(answerOf(await refresh(device))).toBe(1);
    await world.publish(directiveAt(2));
    world.clock.nowMs += 3000;
    expect(answerOf(await refresh(device))).toBe(2);
  });
});

describe('one version', () => {
  it('with a second content is refused: a stolen key, or a service set back to a backup', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    forge(world, world.publication, world.keys, 4, 1);
    expect(answerOf(await refresh(device))).toBe(1);
    forge(world, world.publication, world.keys, 4, 2);
    const reason = expect.stringContaining('says something else');
    expect(await refresh(device)).toMatchObject({ code: 'TUF_ROLLBACK', reason });
    forge(world, world.publication, world.keys, 5, 2);
    expect(answerOf(await refresh(device))).toBe(2);
  });
});

describe('lost storage', () => {
  it('does not bring withdrawn keys back, even if the host hides the root that withdrew them', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const stolen = world.keys;
    const keys = await withdrawOnlineKeys(world);
    await world.publish(directiveAt(2), { publisher: world.publisher(keys) });
    const stateFolder = path.join(world.folder, 'device');
    expect(answerOf(await refresh(await world.device(host.url, { stateFolder })))).toBe(2);
    rmSync(path.join(stateFolder, 'anchor.json'));
    host.folder = world.copy('forged');
    rmSync(path.join(host.folder, 'metadata', '2.root.json'));
    forge(world, host.folder, stolen, 99, 666);
    const device = await world.device(host.url, { stateFolder });
    expect(await refresh(device)).toMatchObject({
      code: 'TUF_ROLLBACK',
      reason: expect.stringContaining('newest root'),
    });
    expect(device.lastAccepted()).toEqual(directiveAt(2));
    host.folder = world.publication;
    expect(answerOf(await refresh(device))).toBe('unchanged');
  });

  it('does not hold the floor of an old chain against a new factory root', async () => {
    await using world = await PublicationWorld.open();
    await using other = await PublicationWorld.open();
    await using host = await StaticServer.start(other.publication);
    for (const revision of [1, 2, 3]) await world.publish(directiveAt(revision));
    await other.publish(directiveAt(1));
    const stateFolder = path.join(world.folder, 'device');
    host.folder = world.publication;
    expect(answerOf(await refresh(await world.device(host.url, { stateFolder })))).toBe(3);
    rmSync(path.join(stateFolder, 'anchor.json'));
    host.folder = other.publication;
    const moved = await world.device(host.url, { stateFolder, factoryRoot: other.factoryRoot });
    expect(moved.lastAccepted()).toEqual(directiveAt(3));
    expect(answerOf(await refresh(moved))).toBe(1);
  });
});

it.each<[string, string, unknown]>([
  ['a page', '<html>There is no such page</html>', 1],
  ['other JSON', '{"error":"not found"}', 1],
  ['a root without signatures', '{"signed":{"_type":"root"},"signatures":[]}', 'TUF_OTHER'],
])(
  'a host that answers with %s for a missing root lets its directives through, unless it looks like a root',
  async (_what, text, given) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    host.misbehave = (request, response) => {
      if (!request.url?.endsWith('/2.root.json')) return false;
      response.end(text);
      return true;
    };
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(given);
  },
);

describe('a carried disk', () => {
  it.each([
    ['a pipe', (file: string) => void execFileSync('mkfifo', [file])],
    ['a device without end', (file: string) => symlinkSync('/dev/zero', file)],
    ['a folder', (file: string) => mkdirSync(file)],
    ['a large file', (file: string) => writeFileSync(file, Buffer.alloc(20_000, 32))],
  ])('with %s for a pointer neither hangs nor fills the device', async (_what, put) => {
    await using world = await PublicationWorld.open();
    await world.publish(directiveAt(1));
    const disk = world.copy('disk');
    const pointer = path.join(disk, 'metadata', 'timestamp.json');
    rmSync(pointer);
    put(pointer);
    const device = await world.device(pathToFileURL(disk).href);
    expect(['unreachable', 'TUF_LENGTH']).toContain(answerOf(await refresh(device)));
  });
});

describe('hostile JSON', () => {
  it.each([
    ['deeply nested', `{"signed":{"_type":"timestamp","a":${'['.repeat(8000)}${']'.repeat(8000)}},"signatures":[]}`],
    ['with names of prototypes', '{"__proto__":{"signed":1},"signed":{"__proto__":{"version":9}},"signatures":[]}'],
    [
      'with a version that is no number',
      '{"signed":{"_type":"timestamp","version":"9","expires":"x"},"signatures":[]}',
    ],
  ])('%s is a refusal', async (_what, text) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    host.misbehave = (request, response) => {
      if (!request.url?.endsWith('timestamp.json')) return false;
      response.end(text);
      return true;
    };
    expect(await refresh(await world.device(host.url))).toMatchObject({ kind: 'refused' });
  });
});

describe('the client in one CommonJS file', () => {
  it('starts, follows and refuses as from its sources', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(7));
    const bundle = path.join(world.folder, 'client.cjs');
    const contents = `
      const { DirectiveClient } = require('./directive-client.ts');
      const { SystemClock } = require('../../../src/base/clock.ts');
      const [publicationUrl, stateFolder, root] = process.argv.slice(2);
      const clock = Object.assign(new SystemClock(), { now: () => ${world.clock.now()} });
      const factoryRoot = require('node:fs').readFileSync(root);
      DirectiveClient.open({ publicationUrl, stateFolder, factoryRoot, clock })
        .then((client) => client.refresh(new AbortController().signal))
        .then((answer) => console.log(JSON.stringify(answer)));`;
    const resolveDir = path.join(import.meta.dirname, '../../../fleet-agent/src/link');
    await build({
      ...{ stdin: { contents, resolveDir, loader: 'ts' }, outfile: bundle, logLevel: 'silent' },
      ...{ bundle: true, platform: 'node', format: 'cjs', target: 'node20' },
    });
    const root = path.join(world.keysFolder, 'root.json');
    const run = async (state: string): Promise<unknown> => {
      const args = [bundle, host.url, path.join(world.folder, state), root];
      return JSON.parse((await promisify(execFile)(process.execPath, args)).stdout);
    };
    expect(await run('bundled')).toMatchObject({ kind: 'directive', directive: directiveAt(7) });
    host.folder = world.copy('cut');
    writeFileSync(path.join(host.folder, 'metadata', 'timestamp.json'), '{"signed":{}}');
    expect(await run('other')).toMatchObject({ kind: 'refused', code: 'TUF_OTHER' });
  });
});
