// What a device promises about directives: it follows the newest, and nothing that a host says takes it back.
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { describe, expect, it } from 'vitest';
import { answerOf, directiveAt, HOUR, NOW, PublicationWorld, refresh } from '../../distribution/publication-world.ts';
import { StaticServer } from '../../support/static-server.ts';

const DAY = 24 * HOUR;

describe('following a publication', () => {
  it('gives each published directive once, then says unchanged', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    expect(device.lastAccepted()).toBeUndefined();
    expect(answerOf(await refresh(device))).toBe(1);
    expect(answerOf(await refresh(device))).toBe('unchanged');
    await world.publish(directiveAt(2));
    expect(await refresh(device)).toMatchObject({ kind: 'directive', directive: directiveAt(2), metadataVersion: 2 });
    expect(device.lastAccepted()).toEqual(directiveAt(2));
  });

  it('asks for a newer root, and one conditional request, when idle', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    expect((await host.takeAsked()).map((one) => one.path)).toEqual([
      '/metadata/2.root.json',
      '/metadata/timestamp.json',
      '/metadata/1.snapshot.json',
      '/metadata/1.targets.json',
      expect.stringMatching(/^\/targets\/[0-9a-f]{64}\.directive\.json$/),
    ]);
    // An ETag is trusted once it can't be one of a host that counts in seconds.
    for (let i = 0; i < 3; i++) {
      world.clock.nowMs += 1500;
      expect(answerOf(await refresh(device))).toBe('unchanged');
    }
    await host.takeAsked();
    for (let i = 0; i < 3; i++) expect(answerOf(await refresh(device))).toBe('unchanged');
    expect(await host.takeAsked()).toEqual(
      Array.from({ length: 3 }, () => [
        { path: '/metadata/2.root.json', status: 404, conditional: false },
        { path: '/metadata/timestamp.json', status: 304, conditional: true },
      ]).flat(),
    );
    const restarted = await world.device(host.url, { stateFolder: path.join(world.folder, 'device-1') });
    expect(answerOf(await refresh(restarted))).toBe('unchanged');
    expect(await host.takeAsked()).toHaveLength(2);
  });

  it('asks no more when idle of a host without ETags', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    host.withEtags = false;
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    await host.takeAsked();
    expect(answerOf(await refresh(device))).toBe('unchanged');
    expect(await host.takeAsked()).toHaveLength(2);
  });

  it('keeps what was proven role by role: a pointer that was verified is the floor, whatever fails after it', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const old = world.copy('old');
    const device = await world.device(host.url);
    await refresh(device);
    await world.publish(directiveAt(2));
    host.misbehave = (request, response) => {
      if (!request.url?.includes('snapshot')) return false;
      response.writeHead(404).end();
      return true;
    };
    expect(answerOf(await refresh(device))).toBe('unreachable');
    host.misbehave = () => false;
    host.folder = old;
    expect(answerOf(await refresh(device))).toBe('TUF_ROLLBACK');
    const restarted = await world.device(host.url, { stateFolder: path.join(world.folder, 'device-1') });
    expect(answerOf(await refresh(restarted))).toBe('TUF_ROLLBACK');
    host.folder = world.publication;
    expect(answerOf(await refresh(restarted))).toBe(2);
  });

  it('follows metadata that was only signed anew without fetching the directive again', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    await host.takeAsked();
    world.clock.nowMs += 20 * HOUR;
    await world.publish(directiveAt(1));
    expect(answerOf(await refresh(device))).toBe('unchanged');
    expect((await host.takeAsked()).filter((one) => one.path.startsWith('/targets'))).toEqual([]);
    world.clock.nowMs += 20 * HOUR;
    expect(answerOf(await refresh(device))).toBe('unchanged');
  });

  it('believes the copy of the pointer that it verified, not the ETag of another', async () => {
    // Two caches of one address: one has version 2, the other still version 1.
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    const old = world.copy('old');
    await world.publish(directiveAt(2));
    let asked = 0;
    host.misbehave = (request) => {
      if (request.url === '/metadata/timestamp.json') host.folder = asked++ === 0 ? world.publication : old;
      return false;
    };
    await refresh(device);
    host.misbehave = () => false;
    host.folder = world.publication;
    await refresh(device);
    expect(device.lastAccepted()).toEqual(directiveAt(2));
  });

  it('reads a folder on a carried disk as it reads a host', async () => {
    await using world = await PublicationWorld.open();
    await world.publish(directiveAt(1));
    const disk = world.copy('a disk with spaces');
    const device = await world.device(`${pathToFileURL(disk).href}/`);
    expect(answerOf(await refresh(device))).toBe(1);
    expect(answerOf(await refresh(device))).toBe('unchanged');
    await world.publish(directiveAt(2));
    world.copy('a disk with spaces');
    expect(answerOf(await refresh(device))).toBe(2);
    rmSync(disk, { recursive: true });
    expect(answerOf(await refresh(device))).toBe('unreachable');
    expect(device.lastAccepted()).toEqual(directiveAt(2));
  });
});

describe('without a host', () => {
  it('starts with what it accepted last, long after its signatures expired', async () => {
    await using world = await PublicationWorld.open();
    const host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(3));
    await refresh(await world.device(host.url));
    const { url } = host;
    await host[Symbol.asyncDispose]();
    world.clock.nowMs += 700 * DAY;
    const device = await world.device(url, { stateFolder: path.join(world.folder, 'device-1') });
    expect(device.lastAccepted()).toEqual(directiveAt(3));
    expect(await refresh(device)).toMatchObject({ kind: 'unreachable', reason: expect.stringMatching(/ECONNREFUSED/) });
    expect(device.lastAccepted()).toEqual(directiveAt(3));
  });

  it.each([500, 503, 429, 408])('takes status %i for a host that is away, not for a statement', async (status) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    host.misbehave = (_request, response) => {
      response.writeHead(status).end();
      return true;
    };
    expect(answerOf(await refresh(await world.device(host.url)))).toBe('unreachable');
  });

  it.each([
    ['never answers', () => undefined],
    [
      'drips byte by byte',
      (write: (text: string) => void) => {
        write(' ');
        const timer = setInterval(() => write(' '), 50);
        return timer;
      },
    ],
  ] as const)('gives up on a host that %s', async (_what, act) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const timers: (NodeJS.Timeout | undefined)[] = [];
    host.misbehave = (_request, response) => {
      timers.push(act((text) => response.write(text)));
      return true;
    };
    const device = await world.device(host.url, { timeoutMs: 300 });
    expect(answerOf(await refresh(device))).toBe('unreachable');
    for (const timer of timers) clearInterval(timer);
  });

  it('bounds a whole refresh, however many slow requests it takes', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    // Each step of the root takes just less than the longest request.
    host.misbehave = (request, response) => {
      if (!request.url?.endsWith('root.json')) return false;
      setTimeout(() => response.end(world.factoryRoot), 150);
      return true;
    };
    const device = await world.device(host.url, { timeoutMs: 200 });
    expect(['unreachable', 'TUF_SIGNATURE', 'TUF_ROLLBACK']).toContain(answerOf(await refresh(device)));
  });

  it('stops at once when it is stopped', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    host.misbehave = () => true;
    const stop = new AbortController();
    const asked = (await world.device(host.url, { timeoutMs: 60_000 })).refresh(stop.signal);
    setTimeout(() => stop.abort(), 50);
    expect(answerOf(await asked)).toBe('unreachable');
  });
});

describe('a host that lies', () => {
  it('cannot freeze: what expired is refused, also when the host says "unchanged" for ever', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    world.clock.nowMs = NOW + DAY + 1000;
    expect(await refresh(device)).toMatchObject({
      kind: 'refused',
      code: 'TUF_EXPIRED',
      reason: expect.stringContaining('out of date'),
    });
    host.misbehave = (_request, response) => {
      response.writeHead(304).end();
      return true;
    };
    expect(answerOf(await refresh(device))).not.toBe('unchanged');
    expect(device.lastAccepted()).toEqual(directiveAt(1));
    host.misbehave = () => false;
    await world.publish(directiveAt(2));
    expect(answerOf(await refresh(device))).toBe(2);
  });

  it('goes by the clock that it was given, not by the time of the machine', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    world.clock.nowMs = Date.parse('2027-03-01T00:00:00Z');
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    expect(answerOf(await refresh(device))).toBe(1);
    world.clock.nowMs = Date.parse('2001-01-01T00:00:00Z');
    await world.publish(directiveAt(2));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(2);
  });

  it('gains nothing from a clock that goes back: what had expired before stays expired', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    world.clock.nowMs += 20 * HOUR;
    await world.publish(directiveAt(1));
    await refresh(device);
    world.clock.nowMs += 5 * DAY;
    await world.publish(directiveAt(2));
    const stale = world.copy('stale');
    world.clock.nowMs += 3 * DAY;
    await world.publish(directiveAt(3));
    await refresh(device);
    host.folder = stale;
    world.clock.nowMs = NOW;
    expect(['TUF_EXPIRED', 'TUF_ROLLBACK']).toContain(answerOf(await refresh(device)));
  });

  it('cannot go back: older metadata is refused, also after the local copy of the metadata was wiped', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    host.folder = world.copy('old');
    const device = await world.device(host.url);
    expect(answerOf(await refresh(device))).toBe(1);
    const old = host.folder;
    host.folder = world.publication;
    await world.publish(directiveAt(2));
    expect(answerOf(await refresh(device))).toBe(2);
    host.folder = old;
    expect(await refresh(device)).toMatchObject({
      code: 'TUF_ROLLBACK',
      reason: expect.stringContaining('an old version'),
    });
    rmSync(path.join(world.folder, 'device-1', 'anchor.json'));
    const restarted = await world.device(host.url, { stateFolder: path.join(world.folder, 'device-1') });
    expect(answerOf(await refresh(restarted))).toBe('TUF_ROLLBACK');
    expect(restarted.lastAccepted()).toEqual(directiveAt(2));
    host.folder = world.publication;
    expect(answerOf(await refresh(restarted))).toBe('unchanged');
  });

  it('cannot mix: files of two publications never make a third', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    await world.publish(directiveAt(2));
    const mixed = world.copy('mixed');
    host.folder = mixed;
    const at = (name: string) => path.join(mixed, 'metadata', name);
    const read = (name: string) => readFileSync(path.join(world.publication, 'metadata', name));
    writeFileSync(at('2.snapshot.json'), read('1.snapshot.json'));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe('TUF_SIGNATURE');
    writeFileSync(at('2.snapshot.json'), read('2.snapshot.json'));
    writeFileSync(at('2.targets.json'), read('1.targets.json'));
    expect(answerOf(await refresh(await world.device(host.url)))).toBe('TUF_SIGNATURE');
    writeFileSync(at('2.targets.json'), read('2.targets.json'));
    const [first = '', second = ''] = readdirSync(path.join(mixed, 'targets'));
    const [one, two] = [first, second].map((name) => readFileSync(path.join(mixed, 'targets', name)));
    writeFileSync(path.join(mixed, 'targets', first), two!);
    writeFileSync(path.join(mixed, 'targets', second), one!);
    const device = await world.device(host.url);
    expect(answerOf(await refresh(device))).toBe('TUF_SIGNATURE');
    expect(device.lastAccepted()).toBeUndefined();
    host.folder = world.publication;
    expect(answerOf(await refresh(device))).toBe(2);
  });

  it.each([
    '/metadata/timestamp.json',
    '/metadata/2.root.json',
    '/metadata/1.snapshot.json',
    '/metadata/1.targets.json',
    '/targets/',
  ])('cannot fill the memory by sending %s for ever', async (victim) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    let sentBytes = 0;
    host.misbehave = (request, response) => {
      if (!request.url?.startsWith(victim)) return false;
      const pour = (): void => {
        while (!response.destroyed && sentBytes < 64e6) {
          sentBytes += 65_536;
          if (!response.write(Buffer.alloc(65_536, 32))) return;
        }
      };
      response.on('drain', pour);
      pour();
      return true;
    };
    const device = await world.device(host.url);
    expect(answerOf(await refresh(device))).toBe('TUF_LENGTH');
    expect(sentBytes).toBeLessThan(16e6);
    expect(device.lastAccepted()).toBeUndefined();
  });

  it.each([
    ['cut in half', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['a page of a portal', () => Buffer.from('<html>version is expired. Please sign in</html>')],
    ['null', () => Buffer.from('null')],
    ['a number', () => Buffer.from('17')],
    ['without roles', () => Buffer.from('{"signed":{"_type":"timestamp"},"signatures":[]}')],
    ['damaged by a bit', (bytes: Buffer) => Buffer.from(bytes.map((byte, i) => (i === 300 ? byte ^ 1 : byte)))],
  ])('changes nothing by a pointer, snapshot, targets or directive that is %s, and recovers', async (_what, spoil) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const device = await world.device(host.url);
    await refresh(device);
    await world.publish(directiveAt(2));
    for (const victim of ['timestamp.json', '2.snapshot.json', '2.targets.json', 'directive.json']) {
      host.misbehave = (request, response) => {
        if (!request.url?.endsWith(victim)) return false;
        response.end(spoil(readFileSync(path.join(world.publication, request.url))));
        return true;
      };
      const answer = await refresh(device);
      expect([victim, answer.kind, device.lastAccepted()]).toEqual([victim, 'refused', directiveAt(1)]);
      expect((answer as { reason: string }).reason.length).toBeLessThan(500);
    }
    host.misbehave = () => false;
    expect(answerOf(await refresh(device))).toBe(2);
  });
});

describe('the state folder', () => {
  it('survives every file of it being cut off, emptied or filled with zeros', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const stateFolder = path.join(world.folder, 'device');
    let revision = 1;
    await refresh(await world.device(host.url, { stateFolder }));
    for (const name of ['accepted.json', 'anchor.json']) {
      for (const spoil of [
        (b: Buffer) => b.subarray(0, b.length / 2),
        () => Buffer.alloc(0),
        (b: Buffer) => Buffer.alloc(b.length),
        (b: Buffer) => Buffer.from(b.map((byte, i) => (i === b.length - 20 ? byte ^ 1 : byte))),
      ]) {
        const file = path.join(stateFolder, name);
        writeFileSync(file, spoil(readFileSync(file)));
        const device = await world.device(host.url, { stateFolder });
        expect(device.lastAccepted()).toEqual(name === 'accepted.json' ? undefined : directiveAt(revision));
        await refresh(device);
        expect([name, device.lastAccepted()]).toEqual([name, directiveAt(revision)]);
        await world.publish(directiveAt(++revision));
        expect([name, answerOf(await refresh(device))]).toEqual([name, revision]);
      }
    }
  });

  it('holds the floor twice: with one file lost, older statements are still refused', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const old = world.copy('old');
    await world.publish(directiveAt(2));
    for (const name of ['accepted.json', 'anchor.json']) {
      const stateFolder = path.join(world.folder, `lost-${name}`);
      host.folder = world.publication;
      await refresh(await world.device(host.url, { stateFolder }));
      rmSync(path.join(stateFolder, name));
      host.folder = old;
      expect([name, answerOf(await refresh(await world.device(host.url, { stateFolder })))]).toEqual([
        name,
        'TUF_ROLLBACK',
      ]);
    }
  });

  it.each(['accepted.json', 'anchor.json'])('goes on when a crash left %s as it was before', async (name) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const stateFolder = path.join(world.folder, 'device');
    const device = await world.device(host.url, { stateFolder });
    await world.publish(directiveAt(1));
    await refresh(device);
    const before = readFileSync(path.join(stateFolder, name));
    await world.publish(directiveAt(2));
    await refresh(device);
    writeFileSync(path.join(stateFolder, name), before);
    const restarted = await world.device(host.url, { stateFolder });
    await refresh(restarted);
    expect(restarted.lastAccepted()).toEqual(directiveAt(2));
    await world.publish(directiveAt(3));
    expect(answerOf(await refresh(restarted))).toBe(3);
  });

  it('keeps what was accepted in force when it can no longer be written', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const stateFolder = path.join(world.folder, 'device');
    const device = await world.device(host.url, { stateFolder });
    await refresh(device);
    await world.publish(directiveAt(2));
    // Also the superuser can't write below a file.
    rmSync(stateFolder, { recursive: true });
    writeFileSync(stateFolder, 'a file where the folder was');
    await expect(refresh(device)).rejects.toThrow(/ENOTDIR|can't be written/);
    expect(device.lastAccepted()).toEqual(directiveAt(1));
    rmSync(stateFolder);
    mkdirSync(stateFolder);
    expect(answerOf(await refresh(device))).toBe(2);
  });

  it('begins anew from another factory root, and not from the one before', async () => {
    await using world = await PublicationWorld.open();
    await using other = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(5));
    await other.publish(directiveAt(1));
    const stateFolder = path.join(world.folder, 'device');
    await refresh(await world.device(host.url, { stateFolder }));
    host.folder = other.publication;
    expect(answerOf(await refresh(await world.device(host.url, { stateFolder })))).toBe('TUF_SIGNATURE');
    const moved = await world.device(host.url, { stateFolder, factoryRoot: other.factoryRoot });
    expect(answerOf(await refresh(moved))).toBe(1);
  });
});
