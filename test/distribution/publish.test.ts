// What publishing promises: bytes before the pointer, damage heals, and a folder that can't be written stays as it was.
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import type { PublicationLedger } from '../../src/distribution/publication.ts';
import { initialiseTuf } from '../../src/distribution/tuf-roots.ts';
import { StaticServer } from '../support/static-server.ts';
import {
  answerOf,
  directiveAt,
  document,
  HOUR,
  ledgerOf,
  NOW,
  PublicationWorld,
  refresh,
} from './publication-world.ts';

describe('publishing', () => {
  it('lays manifests and bundles under the digest of the manifest, before anything points to them', async () => {
    await using world = await PublicationWorld.open();
    const manifest = document('name: invoice-ocr');
    const publisher = world.publisher();
    expect(await publisher.holds(manifest.digest)).toBe(false);
    const ledger = ledgerOf(world.store, await world.store.readPublication());
    const watched: PublicationLedger = {
      ...ledger,
      commit: async (order) => {
        expect(await publisher.holds(manifest.digest)).toBe(true);
        expect(existsSync(path.join(world.publication, 'metadata', 'timestamp.json'))).toBe(false);
        return ledger.commit(order);
      },
    };
    const order = { directive: directiveAt(1), documents: [manifest], nowMs: NOW };
    expect(await publisher.publish(order, watched)).toEqual({ kind: 'published', metadataVersion: 1 });
    const file = path.join(world.publication, 'manifests', `${hexOf(manifest.digest)}.yaml`);
    expect(readFileSync(file)).toEqual(manifest.manifest);
    expect(readFileSync(`${file}.sigstore.json`)).toEqual(manifest.bundle);
    expect(await publisher.findPublished()).toEqual(directiveAt(1));
    expect(await publisher.expiresAtMs()).toBe(NOW + 24 * HOUR);
  });

  it('refuses a manifest under a digest that is not its own', async () => {
    await using world = await PublicationWorld.open();
    const wrong = { ...document('one'), digest: digestOf('two') };
    await expect(world.publish(directiveAt(1), { documents: [wrong] })).rejects.toMatchObject({
      code: 'DISTRIBUTION_DIGEST',
    });
    expect(await world.publisher().findPublished()).toBeUndefined();
  });

  it('never lowers a revision, and takes an emergency rollback at the same one', async () => {
    await using world = await PublicationWorld.open();
    await world.publish(directiveAt(7));
    await expect(world.publish(directiveAt(6))).rejects.toMatchObject({
      code: 'DISTRIBUTION_STEP_BACK',
      kind: 'retry-later',
    });
    const [rolledBack] = directiveAt(7).entries;
    const directive = { kind: 'Directive', entries: [{ ...rolledBack!, emergency: true }] } as const;
    expect((await world.publish(directive)).kind).toBe('published');
  });

  it('refuses what devices would refuse to read', async () => {
    await using world = await PublicationWorld.open();
    const [entry] = directiveAt(1).entries;
    const directive = { kind: 'Directive', entries: [{ ...entry!, target: 'region:(' }] } as const;
    await expect(world.publish(directive)).rejects.toMatchObject({ code: 'DIRECTIVE_UNREADABLE' });
  });

  it('keeps a bounded number of files, and all of the roots, over hundreds of publications', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const publisher = world.publisher();
    for (let revision = 1; revision <= 120; revision++) await world.publish(directiveAt(revision), { publisher });
    expect(readdirSync(path.join(world.publication, 'metadata')).length).toBeLessThan(50);
    expect(readdirSync(path.join(world.publication, 'targets')).length).toBeLessThan(25);
    expect(existsSync(path.join(world.publication, 'metadata', '1.root.json'))).toBe(true);
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(120);
    // Back to a directive whose file was forgotten long ago: there again.
    await world.publish({ kind: 'Directive', entries: [] }, { publisher });
    for (let i = 0; i < 30; i++) await world.publish({ kind: 'Directive', entries: [] }, { publisher });
    expect(answerOf(await refresh(await world.device(host.url)))).toBe(0);
  }, 60_000);
});

describe('damage in the folder', () => {
  const files = (world: PublicationWorld) => {
    const at = (...parts: string[]) => path.join(world.publication, ...parts);
    const [target = ''] = readdirSync(at('targets'));
    return [
      at('metadata', 'timestamp.json'),
      at('metadata', '1.targets.json'),
      at('metadata', '1.snapshot.json'),
      at('targets', target),
    ];
  };

  it.each([
    ['cut off', (bytes: Buffer) => bytes.subarray(0, bytes.length / 2)],
    ['empty', () => Buffer.alloc(0)],
    ['null', () => Buffer.from('null')],
    ['gone', () => undefined],
  ])('is found and healed by the next publication: %s', async (_what, spoil) => {
    for (let i = 0; i < 4; i++) {
      await using world = await PublicationWorld.open();
      await using host = await StaticServer.start(world.publication);
      const documents = [document('manifest')];
      await world.publish(directiveAt(1), { documents });
      const device = await world.device(host.url);
      await refresh(device);
      const file = files(world)[i]!;
      const bytes = spoil(readFileSync(file));
      if (bytes === undefined) rmSync(file);
      else writeFileSync(file, bytes);
      const manifest = path.join(world.publication, 'manifests', `${hexOf(documents[0]!.digest)}.yaml`);
      writeFileSync(manifest, 'half');
      const publisher = world.publisher();
      // "Sign anew": the reconciler publishes again although the directive did not change.
      expect([file, await publisher.expiresAtMs()]).toEqual([file, null]);
      expect(await publisher.holds(documents[0]!.digest)).toBe(false);
      await world.publish(directiveAt(1), { publisher, documents });
      expect(readFileSync(manifest, 'utf8')).toBe('manifest');
      expect(answerOf(await refresh(device))).toBe('unchanged');
      expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
    }
  });

  it('a folder that was lost is published anew, and devices go on', async () => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    const publisher = world.publisher();
    const documents = [document('manifest')];
    await world.publish(directiveAt(1), { publisher, documents });
    const device = await world.device(host.url);
    await refresh(device);
    expect(await publisher.holds(documents[0]!.digest)).toBe(true);
    rmSync(world.publication, { recursive: true });
    expect(await publisher.expiresAtMs()).toBeNull();
    expect(await publisher.holds(documents[0]!.digest)).toBe(false);
    await world.publish(directiveAt(2), { publisher, documents });
    expect(answerOf(await refresh(device))).toBe(2);
    expect(await publisher.holds(documents[0]!.digest)).toBe(true);
  });
});

describe('a folder that can not be written', () => {
  it('is said to be full, keeps its pointer, and goes on when there is room again', async (context) => {
    await using world = await PublicationWorld.open();
    await using host = await StaticServer.start(world.publication);
    await world.publish(directiveAt(1));
    const small = path.join(world.folder, 'small');
    mkdirSync(small);
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=192k', 'tmpfs', small], { stdio: 'ignore' });
    } catch {
      return context.skip('SKIPPED: a tiny file system can be mounted by the superuser only');
    }
    try {
      execFileSync('cp', ['-r', `${world.publication}/.`, small]);
      host.folder = small;
      const device = await world.device(host.url);
      await refresh(device);
      const pointer = readFileSync(path.join(small, 'metadata', 'timestamp.json'));
      writeFileSync(path.join(small, 'filler'), Buffer.alloc(4096));
      const fill = (): never => {
        for (;;) writeFileSync(path.join(small, 'filler'), Buffer.alloc(4096), { flag: 'a' });
      };
      expect(fill).toThrow('ENOSPC');
      const { FolderPublication } = await import('../../src/distribution/folder-publication.ts');
      const { DEFAULT_LIFETIMES } = await import('../../src/distribution/tuf-metadata.ts');
      const publisher = new FolderPublication({ folder: small, keys: world.keys, lifetimes: DEFAULT_LIFETIMES });
      const documents = [document('x'.repeat(10_000))];
      await expect(world.publish(directiveAt(2), { publisher, documents })).rejects.toMatchObject({
        code: 'DISTRIBUTION_DISK_FULL',
        kind: 'retry-later',
        remedy: expect.stringContaining('Free space'),
      });
      expect(readFileSync(path.join(small, 'metadata', 'timestamp.json'))).toEqual(pointer);
      expect(answerOf(await refresh(device))).toBe('unchanged');
      expect(answerOf(await refresh(await world.device(host.url)))).toBe(1);
      const { addArtifact } = await import('../../src/distribution/artifacts.ts');
      const model = path.join(world.folder, 'model.onnx');
      writeFileSync(model, Buffer.alloc(100_000, 7));
      await expect(addArtifact(small, model)).rejects.toMatchObject({ code: 'DISTRIBUTION_DISK_FULL' });
      expect(readdirSync(path.join(small, 'artifacts'))).toEqual([]);
      rmSync(path.join(small, 'filler'));
      expect((await world.publish(directiveAt(2), { publisher, documents })).kind).toBe('published');
      expect(answerOf(await refresh(device))).toBe(2);
    } finally {
      execFileSync('umount', [small]);
    }
  });

  it('is said to be unwritable, in words', async () => {
    await using world = await PublicationWorld.open();
    await world.publish(directiveAt(1));
    rmSync(path.join(world.publication, 'targets'), { recursive: true });
    writeFileSync(path.join(world.publication, 'targets'), 'a file where a folder should be');
    await expect(world.publish(directiveAt(2))).rejects.toMatchObject({
      code: 'DISTRIBUTION_UNWRITABLE',
      kind: 'retry-later',
    });
  });

  it('is said to be unwritable when its permissions forbid it', async (context) => {
    if (process.getuid?.() === 0) return context.skip('SKIPPED: the superuser may write everywhere');
    await using world = await PublicationWorld.open();
    await world.publish(directiveAt(1));
    chmodSync(path.join(world.publication, 'targets'), 0o555);
    await expect(world.publish(directiveAt(2))).rejects.toMatchObject({ code: 'DISTRIBUTION_UNWRITABLE' });
  });
});

describe('the first root', () => {
  it('is made once: neither a publication nor keys that a fleet may trust are replaced', async () => {
    await using world = await PublicationWorld.open();
    const { keysFolder: keys, publication } = world;
    const again = { keys, rootKeysFolder: keys, publication, nowMs: NOW };
    await expect(initialiseTuf(again)).rejects.toMatchObject({ code: 'TUF_EXISTS' });
    const key = readFileSync(path.join(world.keysFolder, 'root.key'));
    const elsewhere = { ...again, publication: path.join(world.folder, 'elsewhere') };
    await expect(initialiseTuf({ ...elsewhere, rootKeys: 2 })).rejects.toMatchObject({ code: 'TUF_EXISTS' });
    // Cut off before the publication got its copy: repeating finishes it, with the same keys.
    expect(await initialiseTuf(elsewhere)).toEqual(world.factoryRoot);
    expect(readFileSync(path.join(world.keysFolder, 'root.key'))).toEqual(key);
  });

  it('leaves keys that their owner alone can read', async () => {
    await using world = await PublicationWorld.open();
    for (const name of ['root', 'targets', 'snapshot', 'timestamp']) {
      const { mode } = (await import('node:fs')).statSync(path.join(world.keysFolder, `${name}.key`));
      expect(mode & 0o777).toBe(0o600);
    }
  });
});
