// Owns a small disk reserve, so that a device can still record a rollback when others have filled its disk.
import { randomBytes } from 'node:crypto';
import { rm, stat, statfs, writeFile } from 'node:fs/promises';
import path from 'node:path';

/** Enough for journals, signed metadata and a directive of a large fleet. */
const RESERVE_BYTES = 512 * 1024;
/** Below this nothing can be relied on to fit. */
const LOW_BYTES = 128 * 1024;

export class DiskReserve {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** Releases the reserve when the disk is full, and takes it again when there is plenty. Never throws. */
  async adjust(): Promise<void> {
    try {
      const free = await freeBytesOf(path.dirname(this.#file));
      if (free < LOW_BYTES) await this.release();
      // Random bytes, because a file system that compresses would keep nothing for zeros.
      else if (free > 4 * RESERVE_BYTES && !(await this.#isThere()))
        await writeFile(this.#file, randomBytes(RESERVE_BYTES), { mode: 0o600 });
    } catch {
      // without a reserve the agent works as before
    }
  }

  async release(): Promise<void> {
    await rm(this.#file, { force: true });
  }

  async #isThere(): Promise<boolean> {
    return stat(this.#file).then(
      ({ size }) => size === RESERVE_BYTES,
      () => false,
    );
  }
}

/** Bytes free for the agent on the disk that holds the folder. */
export async function freeBytesOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}

/** Did it fail because no room is left? */
export function isDiskFull(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
  return code === 'ENOSPC' || code === 'EDQUOT';
}
