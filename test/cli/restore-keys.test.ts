// A backup whose keys were rotated since: the home is made all the same, says what its keys are good for, and gets new ones by the key of the root.
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { makeBackup } from '../../src/cli/backup/make-backup.ts';
import { restoreBackup } from '../../src/cli/backup/restore-backup.ts';
import { createHome } from '../../src/cli/create-home.ts';
import { type Home, homeAt } from '../../src/cli/home.ts';
import { keyFolderAt } from '../../src/cli/key-folder.ts';
import { rotateOnline } from '../../src/cli/rotate/online-keys.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../src/distribution/tuf-metadata.ts';
import { assertNamedByRoot, initialiseTuf, readKeysInForce } from '../../src/distribution/tuf-roots.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';

const clock = new SystemClock();
const onProgress = (): void => undefined;
let folder: string;
const at = (...parts: string[]): string => path.join(folder, ...parts);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-stale-keys-'));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('older keys than the root names make a home that says so, and that the key of the root makes whole', async () => {
  const home = homeAt(at('home'));
  await createHome(home, keyFolderAt(at('keys')));
  await initialiseTuf({
    keys: home.tuf,
    rootKeysFolder: at('keys'),
    publication: home.publication,
    nowMs: clock.now(),
  });
  for (const name of ['backups', 'safe', 'later']) mkdirSync(at(name));
  const backup = (to: string, keysTo: string | null) =>
    makeBackup({ home, to, keysTo, withKeys: false, withArtifacts: true, dryRun: false, clock, onProgress });
  const rotate = (of: Home) =>
    rotateOnline({ home: of, keys: [at('keys', 'root.key')], to: undefined, dryRun: false, nowMs: clock.now() });
  await expect(backup(at('backups', 'first.tar'), at('safe'))).rejects.toMatchObject({ code: 'BACKUP_NO_STORE' });
  await openSqliteFleetStore({ file: home.store, clock, gatherMs: 0 })[Symbol.asyncDispose]();
  const { keysFile } = await backup(at('backups', 'first.tar'), at('safe'));
  await rotate(home);
  const { file } = await backup(at('later'), null);

  const order = { file, keysFile, published: null, dryRun: false, clock, onProgress };
  const restored = homeAt(at('restored'));
  expect(await restoreBackup({ ...order, home: restored.folder })).toMatchObject({ areKeysStale: true });
  await expect(assertServes(restored)).rejects.toMatchObject({ code: 'TUF_KEYS_STALE' });
  await rotate(restored);
  await assertServes(restored);
  const { keysFile: newer } = await backup(at('backups', 'second.tar'), at('safe', 'newer.tar'));
  expect(await restoreBackup({ ...order, keysFile: newer, home: at('again') })).toMatchObject({ areKeysStale: false });
});

async function assertServes(home: Home): Promise<void> {
  const order = { version: 1, targets: [], keys: await readKeysInForce(home), nowMs: clock.now() };
  await assertNamedByRoot(home.publication, makeOnline({ ...order, lifetimes: DEFAULT_LIFETIMES }));
}
