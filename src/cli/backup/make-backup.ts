// Owns taking a backup of a home while its service runs: publication before store, so that the store knows of all that was published.
import { randomUUID } from 'node:crypto';
import { link, mkdir, realpath, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { toIsoSeconds } from '../../base/clock.ts';
import { syncFolder } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { copyStore } from '../../store/sqlite/copied-store.ts';
import type { Home } from '../home.ts';
import { isThere } from '../key-folder.ts';
import { BACKUP_LIST, type BackupFile, type BackupList, listOf } from './backup-list.ts';
import { digestedFile, filesOfHome, type HomeFile, stageFile } from './staged-home.ts';
import { packFolder } from './tar.ts';

const STORE = 'slipway.db';
/** An archive pads each file, and its end. */
const PER_FILE_BYTES = 2_048;

export interface BackupOrder {
  readonly home: Home;
  /** A folder that gets a file, or a new file, which ends in `.tar`. */
  readonly to: string;
  /** The same for keys; null leaves them out. */
  readonly keysTo: string | null;
  /** Keys go into the backup itself. */
  readonly withKeys: boolean;
  readonly withArtifacts: boolean;
  readonly dryRun: boolean;
  readonly clock: Clock;
  readonly onProgress: (what: string) => void;
}

export interface Backup {
  readonly file: string;
  readonly keysFile: string | null;
  readonly files: number;
  readonly sizeBytes: number;
  /** Null when nothing was written. */
  readonly list: BackupList | null;
}

/** Throws BACKUP_NO_STORE, BACKUP_PLACE, BACKUP_EXISTS, BACKUP_SPACE, BACKUP_TAR, STORE_… and what the system says; nothing is left behind then. */
export async function makeBackup(order: BackupOrder): Promise<Backup> {
  const { home, keysTo, withKeys, withArtifacts, dryRun, clock } = order;
  await assertHasRun(home);
  const takenAt = toIsoSeconds(clock.now());
  const file = await placeOf(order.to, 'slipway', takenAt);
  const keysFile = keysTo === null ? null : await placeOf(keysTo, 'slipway-keys', takenAt);
  await assertApart(home, file, keysFile);
  const found = await filesOfHome(home, withArtifacts);
  const wanted = found.filter(({ isKey }) => !isKey || withKeys);
  const storeBytes = (await sizeOf(home.store)) + (await sizeOf(`${home.store}-wal`));
  const sizeBytes = storeBytes + wanted.reduce((sum, one) => sum + one.sizeBytes + PER_FILE_BYTES, 0);
  await assertRoom(path.dirname(file), await roomFor(home, file, sizeBytes, storeBytes));
  const planned = { file, keysFile, files: wanted.length + 1, sizeBytes };
  if (dryRun) return { ...planned, list: null };
  const staging = path.join(path.dirname(file), `.${path.basename(file)}.${randomUUID().slice(0, 8)}.tmp`);
  await mkdir(staging, { mode: 0o700 });
  try {
    const list = await writeArchive(order, { staging, file, wanted, takenAt });
    const keys = found.filter(({ isKey }) => isKey);
    if (keysFile !== null) await writeKeys(home, { list, keys, keysFile });
    return { ...planned, files: list.files.length, sizeBytes: await sizeOf(file), list };
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

interface Stage {
  readonly staging: string;
  readonly file: string;
  readonly wanted: readonly HomeFile[];
  readonly takenAt: string;
}

/** Throws BACKUP_NO_STORE. */
async function assertHasRun({ folder, store }: Home): Promise<void> {
  if (await isThere(store)) return;
  throw new CodedError({
    code: 'BACKUP_NO_STORE',
    message: `${folder} has no store yet: its service never ran.`,
    remedy: 'Start the service once (`slipway run`), and back up then; until then a copy of the folder holds all.',
  });
}

async function writeArchive({ home, withKeys, onProgress }: BackupOrder, stage: Stage): Promise<BackupList> {
  const { staging, file, wanted, takenAt } = stage;
  const staged = await stageAll(home, wanted, path.join(staging, 'home'), onProgress);
  onProgress('copying the store');
  const store = copyStore(home.store, path.join(staging, 'home', STORE));
  const files = [...staged, await digestedFile(path.join(staging, 'home'), STORE)];
  const list = listOf('slipway-backup', { ...store, takenAt, hasKeys: withKeys, files });
  onProgress('writing the backup');
  await packStaged(staging, list, file);
  return list;
}

async function stageAll(
  home: Home,
  wanted: readonly HomeFile[],
  into: string,
  onProgress: BackupOrder['onProgress'],
): Promise<BackupFile[]> {
  await mkdir(into, { mode: 0o700 });
  const files: BackupFile[] = [];
  for (const [i, one] of wanted.entries()) {
    if (i % 100 === 0) onProgress(`copying file ${i + 1} of ${wanted.length}`);
    // What was removed meanwhile, as old metadata is, belongs in no backup.
    if (await stageFile(home, one.path, into)) files.push(await digestedFile(into, one.path));
  }
  return files;
}

/** They lie beside their archive for a moment, and nowhere else. */
async function writeKeys(
  home: Home,
  {
    list,
    keys,
    keysFile,
  }: { readonly list: BackupList; readonly keys: readonly HomeFile[]; readonly keysFile: string },
): Promise<void> {
  const staging = path.join(path.dirname(keysFile), `.${path.basename(keysFile)}.${randomUUID().slice(0, 8)}.tmp`);
  await mkdir(staging, { mode: 0o700 });
  try {
    const files = await stageAll(home, keys, path.join(staging, 'home'), () => undefined);
    await packStaged(staging, listOf('slipway-keys', { ...list, hasKeys: true, files }), keysFile);
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
}

async function packStaged(staging: string, list: BackupList, file: string): Promise<void> {
  await writeFile(path.join(staging, BACKUP_LIST), `${JSON.stringify(list, null, 1)}\n`, { mode: 0o600 });
  const packed = `${staging}.tar.tmp`;
  try {
    await packFolder(staging, [BACKUP_LIST, 'home'], packed);
    const listedBytes = list.files.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if ((await sizeOf(packed)) < listedBytes) throw leftOut();
    // Unlike a rename, it replaces nothing; some disks can't.
    await link(packed, file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code === 'EEXIST') throw exists(file);
      return rename(packed, file);
    });
    await syncFolder(path.dirname(file));
  } finally {
    await rm(packed, { force: true });
  }
}

/** Throws BACKUP_EXISTS, or BACKUP_PLACE without a folder to write into. */
async function placeOf(to: string, name: string, takenAt: string): Promise<string> {
  const given = path.resolve(to);
  const isFolder = (await stat(given).catch(() => undefined))?.isDirectory() === true;
  const file = isFolder ? path.join(given, `${name}-${takenAt.replaceAll(/[-:]/g, '')}.tar`) : given;
  if (await isThere(file)) throw exists(file);
  // Without the ending it names a folder, of a disk that is not mounted: a file in its place would fill the wrong disk.
  const folder = file.endsWith('.tar') ? path.dirname(file) : given;
  if (await isThere(folder)) return path.join(await realpath(path.dirname(file)), path.basename(file));
  throw new CodedError({
    code: 'BACKUP_PLACE',
    message: `The folder ${folder} is not there.`,
    remedy:
      'Make it, or pass another place: a backup beside a disk that is not mounted helps nobody. A new file ends in .tar.',
  });
}

/** bsdtar does, where a file has holes. A restore believes no archive that is shorter than what it is said to hold. */
function leftOut(): CodedError {
  return new CodedError({
    code: 'BACKUP_TAR',
    message: 'This `tar` leaves out the holes of files, and such a backup could not be restored.',
    remedy: 'Put GNU tar on the PATH as `tar`, and take the backup again.',
  });
}

function exists(file: string): CodedError {
  return new CodedError({
    code: 'BACKUP_EXISTS',
    message: `${file} is there already.`,
    remedy: 'Pass a new file, or a folder: each backup in it gets a name by its time.',
  });
}

function isWithin(folder: string, file: string): boolean {
  const way = path.relative(folder, file);
  return way !== '..' && !way.startsWith(`..${path.sep}`) && !path.isAbsolute(way);
}

/** Whoever finds the one must not find the other beside it. */
async function assertApart(home: Home, file: string, keysFile: string | null): Promise<void> {
  const own = await realpath(home.folder);
  const inside = [file, keysFile].find((one) => one !== null && isWithin(own, one));
  if (inside) {
    throw new CodedError({
      code: 'BACKUP_PLACE',
      message: `${inside} lies in the home that it is a backup of.`,
      remedy: 'Pass a place on another disk or machine.',
    });
  }
  if (keysFile === null || path.dirname(keysFile) !== path.dirname(file)) return;
  throw new CodedError({
    code: 'BACKUP_PLACE',
    message: `The keys would lie beside the backup in ${path.dirname(file)}: who finds the one finds the other.`,
    remedy: 'Pass another place for the keys with --keys-to, or agree to that with --with-keys.',
  });
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

/** The archive, the copy of the store, and copies of files where another disk lies between. */
async function roomFor(home: Home, file: string, sizeBytes: number, storeBytes: number): Promise<number> {
  const [here, there] = [await stat(home.folder), await stat(path.dirname(file))];
  return here.dev === there.dev ? sizeBytes + storeBytes : 2 * sizeBytes;
}

/** Throws BACKUP_SPACE. */
export async function assertRoom(folder: string, neededBytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(folder);
  if (bavail * bsize >= neededBytes) return;
  const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  throw new CodedError({
    code: 'BACKUP_SPACE',
    message: `${folder} has ${mib(bavail * bsize)} free, and ${mib(neededBytes)} are needed.`,
    remedy:
      'Make room there. `--without-artifacts` leaves out the model files, which a copy of the publication may hold.',
  });
}
