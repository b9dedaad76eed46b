// Owns files that survive a power cut: each write is complete or absent, never half. And reading them, in bounds.

import { randomUUID } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { type FileHandle, link, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from './errors.ts';

/** Far above any file that is read whole: a large fleet's signed directive takes some 10 MB. */
const MOST_BYTES = 64 * 1024 * 1024;
const CHUNK_BYTES = 1024 * 1024;
const LEAST_CHUNK_BYTES = 4096;

/** Flushes a folder's entries, so that a rename in it survives a power cut. Does nothing where folders can't be opened (Windows). */
export async function syncFolder(folder: string): Promise<void> {
  let handle: FileHandle;
  try {
    handle = await open(folder, 'r');
  } catch (error) {
    if (process.platform === 'win32') return;
    throw error;
  }
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Replaces a file as one step: temporary file beside it, flush, rename, flush the folder. */
export async function writeFileDurably(file: string, bytes: Uint8Array | string, mode = 0o644): Promise<void> {
  await writeByWayOf(file, bytes, mode, (temporary) => rename(temporary, file));
}

/** Makes a file as one step; false when it is there already. On disks without hard links, who writes at the same moment may replace it. */
export async function writeNewFileDurably(file: string, bytes: Uint8Array | string): Promise<boolean> {
  let isNew = true;
  await writeByWayOf(file, bytes, 0o644, async (temporary) => {
    try {
      await link(temporary, file);
    } catch (error) {
      isNew = (error as NodeJS.ErrnoException).code !== 'EEXIST';
      if (isNew) return rename(temporary, file);
    }
    await rm(temporary, { force: true });
  });
  return isNew;
}

async function writeByWayOf(
  file: string,
  bytes: Uint8Array | string,
  mode: number,
  place: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = `${file}.${randomUUID().slice(0, 8)}.tmp`;
  const handle = await open(temporary, 'wx', mode);
  try {
    try {
      await handle.writeFile(bytes);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await place(temporary);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
  await syncFolder(path.dirname(file));
}

export interface ReadingOptions {
  /** Is a pipe waited for as well? Only where a person names the file at a terminal: `--key <(…)`. */
  readonly takesPipes?: boolean;
  /** Must it be its owner's alone, as a file of secrets? See `isPrivateFile`. */
  readonly isPrivate?: boolean;
}

/**
 * The file's bytes, or undefined when there is no such file. Never waits for a pipe, nor reads a device without end: throws FILE_KIND for
 * what is no regular file, FILE_SIZE for a longer one, FILE_MODE for one that others may read, and what the system says.
 */
export async function readFileIfPresent(
  file: string,
  mostBytes = MOST_BYTES,
  { takesPipes = false, isPrivate = false }: ReadingOptions = {},
): Promise<Buffer | undefined> {
  try {
    await using handle = await open(file, constants.O_RDONLY | (takesPipes ? 0 : (constants.O_NONBLOCK ?? 0)));
    const found = await handle.stat();
    if (!found.isFile() && !(takesPipes && found.isFIFO()))
      throw refusal('FILE_KIND', `${file} is not a regular file.`);
    if (isPrivate && !isPrivateFile(found)) throw notPrivate(file);
    const chunks: Buffer[] = [];
    for (let length = 0; ; ) {
      const chunk = Buffer.allocUnsafe(Math.min(Math.max(found.size - length + 1, LEAST_CHUNK_BYTES), CHUNK_BYTES));
      const { bytesRead } = await handle.read(chunk, 0, chunk.length, null);
      if (bytesRead === 0) return Buffer.concat(chunks);
      length += bytesRead;
      if (length > mostBytes) throw refusal('FILE_SIZE', `${file} is longer than ${mostBytes} bytes.`);
      chunks.push(chunk.subarray(0, bytesRead));
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * Is the file this user's or the system's, and closed to everybody else? A group may read what the system hands to a service: mounted secrets
 * of systemd and Kubernetes are such. Windows has no modes.
 */
function isPrivateFile({ uid, mode }: Pick<Stats, 'uid' | 'mode'>): boolean {
  const own = process.geteuid?.();
  if (own === undefined) return true;
  if (uid !== own && uid !== 0) return false;
  return (mode & (uid === 0 && own !== 0 ? 0o037 : 0o077)) === 0;
}

function notPrivate(file: string): CodedError {
  const message = `${file} can be read or changed by others than its owner.`;
  return new CodedError({ code: 'FILE_MODE', message, remedy: `Run \`chmod 600 ${file}\`, as its owner.` });
}

function refusal(code: string, message: string): CodedError {
  return new CodedError({ code, message, remedy: 'Check that it is the right file.' });
}
