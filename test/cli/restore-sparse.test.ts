// Proves that a small archive keeps nobody busy: what it declares is no larger than it is, also where tar would make holes of it.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { BACKUP_LIST, listOf } from '../../src/cli/backup/backup-list.ts';
import { makeBackup } from '../../src/cli/backup/make-backup.ts';
import { restoreBackup } from '../../src/cli/backup/restore-backup.ts';
import { createHome } from '../../src/cli/create-home.ts';
import { homeAt } from '../../src/cli/home.ts';
import { keyFolderAt } from '../../src/cli/key-folder.ts';
import { initialiseTuf } from '../../src/distribution/tuf-roots.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';

const HUGE_BYTES = 4 * 1024 ** 3;
const clock = new SystemClock();
const onProgress = (): void => undefined;
let folder: string;
const at = (...parts: string[]): string => path.join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-sparse-'));
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function makeHole(file: string, bytes: number): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, '');
  truncateSync(file, bytes);
}

test.each([
  ['its list says so', HUGE_BYTES, /names more bytes than it holds/],
  ['its list says another size', 1, /has another size/],
])(
  'a hole of 4 GiB in an archive of 20 KiB is refused before it is read: %s',
  async (_, sizeBytes, why) => {
    const facts = { storeId: 'x', step: 0, publicationSequence: 0, metadataVersion: 0 };
    const files = [{ path: 'hole', sizeBytes, sha256: 'a'.repeat(64) }];
    const list = listOf('slipway-backup', { ...facts, takenAt: '2026-12-01T10:00:00Z', hasKeys: true, files });
    makeHole(at('evil/home/hole'), HUGE_BYTES);
    writeFileSync(at('evil', BACKUP_LIST), JSON.stringify(list));
    const file = at('evil.tar');
    execFileSync('tar', ['-cf', file, '--sparse', '-C', at('evil'), BACKUP_LIST, 'home']);
    expect(statSync(file).size).toBeLessThan(20 * 1024 + 1);
    const order = { file, keysFile: null, home: at('home'), published: null, dryRun: false, clock, onProgress };
    await expect(restoreBackup(order)).rejects.toMatchObject({
      code: 'BACKUP_DAMAGED',
      message: expect.stringMatching(why),
    });
    expect(readdirSync(folder).sort()).toEqual(['evil', 'evil.tar']);
  },
  120_000,
);

test('a tar that leaves holes out makes no backup: it could not be restored', async () => {
  const home = homeAt(at('home'));
  await createHome(home, keyFolderAt(at('keys')));
  await initialiseTuf({
    ...{ keys: home.tuf, rootKeysFolder: at('keys') },
    ...{ publication: home.publication, nowMs: clock.now() },
  });
  await openSqliteFleetStore({ file: home.store, clock, gatherMs: 0 })[Symbol.asyncDispose]();
  makeHole(path.join(home.publication, 'artifacts', 'hole'), 1024 ** 2);
  mkdirSync(at('backups'));
  const order = { home, to: at('backups'), keysTo: null, withKeys: true, withArtifacts: true, dryRun: false };
  const tar = execFileSync('sh', ['-c', 'command -v tar'], { encoding: 'utf8' }).trim();
  mkdirSync(at('bin'));
  writeFileSync(at('bin/tar'), `#!/bin/sh\nexec ${tar} --sparse "$@"\n`);
  chmodSync(at('bin/tar'), 0o755);
  vi.stubEnv('PATH', `${at('bin')}:${process.env.PATH}`);
  await expect(makeBackup({ ...order, clock, onProgress })).rejects.toMatchObject({ code: 'BACKUP_TAR' });
  expect(readdirSync(at('backups'))).toEqual([]);
  vi.unstubAllEnvs();
  const { file } = await makeBackup({ ...order, clock, onProgress });
  const restoring = { file, keysFile: null, home: at('restored'), published: null, dryRun: false };
  await restoreBackup({ ...restoring, clock, onProgress });
});
