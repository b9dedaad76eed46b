// Owns what has come of an artifact that is not whole yet: a hidden file beside the artifacts that one upload at a time writes to.
import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { copyFile, type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '../base/durable-file.ts';

const KEPT_MS = 24 * 3_600_000;
const MOST_LOOKS = 10;
/** `.<hex>.upload` lies there to be continued; `.<hex>.<random>.upload` belongs to a running upload. */
const NAME = /^\.([0-9a-f]{64})(\.[0-9a-f-]{36})?\.upload$/;

interface Found {
  readonly file: string;
  readonly hex: string;
  readonly isRunning: boolean;
  readonly stats: Stats;
}

/** The file of one upload, open for reading and writing. */
export interface ClaimedPartial {
  readonly file: string;
  readonly handle: FileHandle;
  readonly sizeBytes: number;
}

/** Uploads rename these files when they begin and end: one that went since the folder was listed is looked for again by its new name. */
async function findPartials(folder: string, hex?: string): Promise<Found[]> {
  for (let looks = 1; ; looks++) {
    const found: Found[] = [];
    let hasLostOne = false;
    for (const name of await namesIn(folder)) {
      const [, its, running] = NAME.exec(name) ?? [];
      if (its === undefined || (hex !== undefined && its !== hex)) continue;
      const file = path.join(folder, name);
      const stats = await lstat(file).catch(() => undefined);
      if (stats === undefined) hasLostOne = true;
      else found.push({ file, hex: its, isRunning: running !== undefined, stats });
    }
    if (!hasLostOne || looks === MOST_LOOKS) return found;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** The one to continue: that with the most bytes. A link or a pipe in its place is none. */
function longestOf(found: readonly Found[]): Found | undefined {
  return found.filter(({ stats }) => stats.isFile()).sort((a, b) => b.stats.size - a.stats.size)[0];
}

/** How many bytes have come of each artifact that is not whole, and its file. */
export async function receivedBytes(folder: string, hex: string): Promise<number> {
  return longestOf(await findPartials(folder, hex))?.stats.size ?? 0;
}

/**
 * Takes the bytes that have come, or none of them, for one upload; null while another upload of the artifact runs. Times are compared by the
 * file system's own clock. A killed upload is copied, not renamed: were it only asleep, it could still write to its file.
 */
export async function claimPartial(
  folder: string,
  hex: string,
  { continues, abandonedAfterMs }: { readonly continues: boolean; readonly abandonedAfterMs: number },
): Promise<ClaimedPartial | null> {
  const file = path.join(folder, `.${hex}.${randomUUID()}.upload`);
  const fresh = await open(file, 'wx+', 0o600);
  let handle: FileHandle | null = fresh;
  try {
    const { ctimeMs: nowMs } = await fresh.stat();
    const others = (await findPartials(folder, hex)).filter((one) => one.file !== file);
    // Of two processes that begin at once both may give up here; each asks its client to come again.
    if (others.some(({ isRunning, stats }) => isRunning && nowMs - stats.ctimeMs < abandonedAfterMs))
      return await giveUp();
    const known = continues ? longestOf(others) : undefined;
    if (known !== undefined) {
      await fresh.close();
      handle = null;
      if (known.isRunning) await copyFile(known.file, file);
      else await rename(known.file, file);
      handle = await open(file, constants.O_RDWR | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    }
    for (const one of others) if (one !== known || one.isRunning) await rm(one.file, { recursive: true, force: true });
    return { file, handle, sizeBytes: (await handle.stat()).size };
  } catch (error) {
    await giveUp();
    // Another process took it in this moment.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }

  async function giveUp(): Promise<null> {
    await handle?.close();
    await rm(file, { force: true });
    return null;
  }
}

/** Leaves what has come to whoever continues. Closes the file, and gives how many bytes are left. */
export async function leavePartial(folder: string, hex: string, partial: ClaimedPartial): Promise<number> {
  const { size } = await partial.handle.stat();
  if (size > 0) return (await moveTo(path.join(folder, `.${hex}.upload`), partial)) ? size : 0;
  await discardPartial(partial);
  return 0;
}

/** Puts the whole file in its place, where devices find it. Closes the file. False when another upload took it: this one seemed dead. */
export async function completePartial(folder: string, hex: string, partial: ClaimedPartial): Promise<boolean> {
  const isThere = await moveTo(path.join(folder, hex), partial, 0o644);
  await syncFolder(folder);
  return isThere;
}

async function moveTo(place: string, { file, handle }: ClaimedPartial, mode = 0o600): Promise<boolean> {
  try {
    await handle.chmod(mode);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await rename(file, place);
    return true;
  } catch (error) {
    await rm(file, { force: true });
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

export async function discardPartial({ file, handle }: ClaimedPartial): Promise<void> {
  await handle.close();
  await rm(file, { force: true });
}

/** Removes what nobody continued for a day. Gives how many files. */
export async function removeOldPartials(folder: string): Promise<number> {
  const found = await findPartials(folder);
  if (found.length === 0) return 0;
  const probe = path.join(folder, `.${randomUUID()}.tmp`);
  const handle = await open(probe, 'wx');
  try {
    const { ctimeMs: nowMs } = await handle.stat();
    const old = found.filter(({ stats }) => nowMs - stats.mtimeMs > KEPT_MS);
    for (const { file } of old) await rm(file, { recursive: true, force: true });
    return old.length;
  } finally {
    await handle.close();
    await rm(probe, { force: true });
  }
}
