// Owns making a home out of a backup: all of it is checked in a folder beside, and then takes its place in one step.
import { randomUUID } from 'node:crypto';
import { chmod, mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { syncFolder, writeFileDurably } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { highestVersion } from '../../distribution/pointer.ts';
import { DEFAULT_LIFETIMES, makeOnline } from '../../distribution/tuf-metadata.ts';
import { assertNamedByRoot, newestRoot, readKeysInForce } from '../../distribution/tuf-roots.ts';
import { readPrivateKey } from '../../signing/keys.ts';
import { readyCopiedStore } from '../../store/sqlite/copied-store.ts';
import { type Home, homeAt } from '../home.ts';
import { BACKUP_LIST, type BackupList, damaged, foreign, MOST_LIST_BYTES, parseBackupList } from './backup-list.ts';
import { assertRoom } from './make-backup.ts';
import { readPublishedElsewhere } from './published-elsewhere.ts';
import { digestedFile, everythingBelow, isKeyFile } from './staged-home.ts';
import { readPacked, unpackInto } from './tar.ts';

/**
 * A service publishes far more seldom. Counted from the time of the backup, so that a second restore of the same backup begins above all
 * that the first one published.
 */
const VERSIONS_PER_SECOND = 100;
const VERSIONS_AT_LEAST = 1_000;

export interface RestoreOrder {
  readonly file: string;
  readonly keysFile: string | null;
  /** Where the home goes: nothing is there yet, or an empty folder. */
  readonly home: string;
  /** Another copy of the publication, as on a static host: URL or folder. */
  readonly published: string | null;
  /** Looks at everything, and keeps nothing. */
  readonly dryRun: boolean;
  readonly clock: Clock;
  readonly onProgress: (what: string) => void;
}

export interface Restored {
  readonly list: BackupList;
  /** What is published next has a higher one. */
  readonly metadataVersion: number;
  readonly sequence: number;
  readonly newRoots: number;
  /** The newest root names other keys than those of the backup: devices refuse what these sign. */
  readonly areKeysStale: boolean;
  /** By this machine's clock the backup lies in the future: its age says nothing. */
  readonly isFromFuture: boolean;
}

/** Throws BACKUP_…, RESTORE_…, STORE_… and TUF_…; the home is then as it was. */
export async function restoreBackup(order: RestoreOrder): Promise<Restored> {
  const { file, home, onProgress } = order;
  await assertFree(home);
  const list = await readList('slipway-backup', file);
  const target = path.resolve(home);
  const beside = path.join(path.dirname(target), `.${path.basename(target)}.${randomUUID().slice(0, 8)}.tmp`);
  await assertRoom(path.dirname(target), (await stat(file)).size);
  await mkdir(beside, { mode: 0o700 });
  try {
    onProgress('unpacking');
    await unpackChecked(beside, file, list, onProgress);
    await takeKeys(order, list, beside);
    const restored = await makeReady(order, list, path.join(beside, 'home'));
    if (!order.dryRun) {
      await settle(path.join(beside, 'home'));
      await rename(path.join(beside, 'home'), target);
      await syncFolder(path.dirname(target));
    }
    return restored;
  } finally {
    await rm(beside, { recursive: true, force: true });
  }
}

/** Throws RESTORE_HOME. */
async function assertFree(home: string): Promise<void> {
  const names = await readdir(home).catch((error: NodeJS.ErrnoException) => (error.code === 'ENOENT' ? null : [home]));
  if (names !== null && names.length > 0) {
    throw new CodedError({
      code: 'RESTORE_HOME',
      message: `${home} is there and not empty. Nothing was changed.`,
      remedy: 'Pass a new folder with --home, or move the old home away first: it may hold what the backup lacks.',
    });
  }
  const parent = path.dirname(path.resolve(home));
  if (await stat(parent).catch(() => undefined)) return;
  throw new CodedError({
    code: 'RESTORE_HOME',
    message: `The folder ${parent} is not there.`,
    remedy: 'Make it first.',
  });
}

async function readList(kind: BackupList['kind'], file: string): Promise<BackupList> {
  const stats = await stat(file).catch(() => undefined);
  if (!stats?.isFile()) throw foreign(file, 'there is no such file');
  const bytes = await readPacked(file, BACKUP_LIST, MOST_LIST_BYTES);
  if (bytes === null) throw foreign(file, `it is no archive with a ${BACKUP_LIST}, or was cut short`);
  return parseBackupList(kind, file, bytes);
}

/**
 * Exactly the files that the list names, each a plain file with its digest. No more is read than the archive is long, or a hole of
 * terabytes in a small one would keep the machine busy for hours.
 */
async function unpackChecked(
  folder: string,
  file: string,
  { files }: BackupList,
  onProgress: RestoreOrder['onProgress'],
): Promise<void> {
  const declaredBytes = files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  if (declaredBytes > (await stat(file)).size) throw damaged(file, `its ${BACKUP_LIST} names more bytes than it holds`);
  const problem = await unpackInto(folder, file);
  if (problem !== null) throw damaged(file, problem.slice(0, 300));
  const wanted = new Map(files.map((one) => [`home/${one.path}`, one]));
  const found = await everythingBelow(folder);
  for (const [i, { path: name, isFile }] of found.entries()) {
    if (name === BACKUP_LIST && isFile) continue;
    if (i % 100 === 0) onProgress(`checking file ${i + 1} of ${found.length}`);
    const one = wanted.get(name);
    if (one === undefined || !isFile)
      throw damaged(file, `${JSON.stringify(name.slice(0, 200))} does not belong in it`);
    if ((await stat(path.join(folder, name))).size !== one.sizeBytes)
      throw damaged(file, `${one.path} has another size`);
    if ((await digestedFile(folder, name)).sha256 !== one.sha256) throw damaged(file, `${one.path} has another digest`);
    wanted.delete(name);
  }
  const [missing] = wanted.values();
  if (missing !== undefined) throw damaged(file, `${missing.path} is missing`);
}

/** Keys of the backup itself, or of the file beside it. Throws BACKUP_KEYS. */
async function takeKeys({ keysFile, onProgress }: RestoreOrder, list: BackupList, beside: string): Promise<void> {
  if (keysFile !== null) {
    const keys = await readList('slipway-keys', keysFile);
    if (keys.storeId !== list.storeId || keys.storeId === null)
      throw foreign(keysFile, 'its keys are those of another home');
    const folder = path.join(beside, 'keys');
    await mkdir(folder, { mode: 0o700 });
    await unpackChecked(folder, keysFile, keys, onProgress);
    for (const { path: name } of keys.files) {
      if (!isKeyFile(name)) throw foreign(keysFile, `${name} is no key`);
      const to = path.join(beside, 'home', name);
      await mkdir(path.dirname(to), { recursive: true, mode: 0o700 });
      await rename(path.join(folder, 'home', name), to);
    }
  } else if (!list.hasKeys) {
    throw new CodedError({
      code: 'BACKUP_KEYS',
      message: 'The backup holds no keys, as it should be. Nothing was changed.',
      remedy: 'Pass the file of the keys with --keys: `slipway backup --keys-to` wrote it.',
    });
  }
}

/** In the copy: what was published elsewhere, versions above it, and a store that goes on from there. */
async function makeReady({ published, clock }: RestoreOrder, list: BackupList, folder: string): Promise<Restored> {
  const home = homeAt(folder);
  const known = await newestRoot(home.publication);
  const elsewhere = published === null ? null : await readPublishedElsewhere(published, known, clock);
  for (const { version, bytes } of elsewhere?.roots ?? [])
    await writeFileDurably(path.join(home.publication, 'metadata', `${version}.root.json`), bytes);
  await readPrivateKey(home.reconcilerKey);
  const areKeysStale = await areOlderThanRoot(home, clock.now());
  const ageMs = clock.now() - Date.parse(list.takenAt);
  const above = VERSIONS_AT_LEAST + Math.ceil((Math.max(0, ageMs) / 1000) * VERSIONS_PER_SECOND);
  const seen = Math.max(await highestVersion(home.publication), list.metadataVersion, elsewhere?.metadataVersion ?? 0);
  const start = { metadataVersion: seen + above, sequence: list.publicationSequence + above };
  // Devices that ask before the first publication must not be shown an older one than they know.
  await rm(path.join(home.publication, 'metadata', 'timestamp.json'), { force: true });
  await readyCopiedStore(home.store, clock, start);
  return { list, ...start, newRoots: elsewhere?.roots.length ?? 0, areKeysStale, isFromFuture: ageMs < 0 };
}

/** As where keys were rotated after they were backed up: whoever holds a key of the root gives the home new ones. */
async function areOlderThanRoot(home: Home, nowMs: number): Promise<boolean> {
  const keys = await readKeysInForce(home);
  try {
    const order = { version: 1, targets: [], keys, nowMs, lifetimes: DEFAULT_LIFETIMES };
    await assertNamedByRoot(home.publication, makeOnline(order));
    return false;
  } catch (error) {
    if (error instanceof CodedError && error.code === 'TUF_KEYS_STALE') return true;
    throw error;
  }
}

/** Modes as `slipway init` gives them, whatever the archive says; and flushed, before the rename says that it is there. */
async function settle(folder: string): Promise<void> {
  for (const one of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const file = path.join(one.parentPath, one.name);
    const isPublic = path.relative(folder, file).split(path.sep)[0] === 'publication';
    const [folderMode, fileMode] = isPublic ? [0o755, 0o644] : [0o700, 0o600];
    await chmod(file, one.isDirectory() ? folderMode : fileMode);
    if (one.isDirectory()) await syncFolder(file);
    else {
      await using handle = await open(file, 'r');
      await handle.sync();
    }
  }
  await chmod(folder, 0o700);
  await syncFolder(folder);
}
