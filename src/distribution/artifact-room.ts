// Owns how much room uploads may take: a quota for all artifacts, and a part of the disk that they leave to the store beside them.
import type { StatsFs } from 'node:fs';
import { lstat, readdir, statfs } from 'node:fs/promises';
import path from 'node:path';

/** Of the disk, kept free for the store: reports go on when uploads are refused. */
const RESERVED_SHARE = 0.05;
const MOST_RESERVED_BYTES = 5 * 1024 ** 3;

export interface RoomLimits {
  /** All artifacts together, and what has come of those that are not whole. */
  readonly quotaBytes: number;
  /** Bytes of the disk that are free, and those that stay free; of the folder's disk unless given. */
  readonly readDisk?: (folder: string) => Promise<DiskSpace>;
}

export interface DiskSpace {
  readonly freeBytes: number;
  readonly reservedBytes: number;
}

export type Room =
  | { readonly kind: 'enough' }
  | { readonly kind: 'quota'; readonly usedBytes: number; readonly quotaBytes: number }
  | ({ readonly kind: 'disk' } & DiskSpace);

async function readDisk(folder: string): Promise<DiskSpace> {
  return spaceOf(await statfs(folder));
}

/**
 * A disk that takes no more files is full, whatever bytes are free: somebody with a token could use up its inodes by tiny artifacts, and the store
 * could write nothing either. File systems without a number of inodes say 0 of them.
 */
export function spaceOf({
  bavail,
  blocks,
  bsize,
  files,
  ffree,
}: Pick<StatsFs, 'bavail' | 'blocks' | 'bsize' | 'files' | 'ffree'>): DiskSpace {
  const reservedBytes = Math.min(MOST_RESERVED_BYTES, RESERVED_SHARE * blocks * bsize);
  const takesFiles = files === 0 || ffree >= RESERVED_SHARE * files;
  return { freeBytes: takesFiles ? bavail * bsize : 0, reservedBytes };
}

async function usedBytes(folder: string): Promise<number> {
  let used = 0;
  for (const name of await readdir(folder)) {
    const stats = await lstat(path.join(folder, name)).catch(() => undefined);
    if (stats?.isFile()) used += stats.size;
  }
  return used;
}

export class ArtifactRoom {
  readonly #folder: string;
  readonly #limits: RoomLimits;
  /** Bytes that are still to come, by running upload. */
  readonly #expected = new Map<object, number>();

  constructor(folder: string, limits: RoomLimits) {
    this.#folder = folder;
    this.#limits = limits;
  }

  /** Keeps room for the bytes of an upload that are still to come. */
  reserve(upload: object, bytes: number): void {
    this.#expected.set(upload, bytes);
  }

  release(upload: object): void {
    this.#expected.delete(upload);
  }

  /** Is there room for all that is reserved? */
  async read(): Promise<Room> {
    const expected = [...this.#expected.values()].reduce((sum, one) => sum + one, 0);
    const { quotaBytes } = this.#limits;
    const used = await usedBytes(this.#folder);
    if (used + expected > quotaBytes) return { kind: 'quota', usedBytes: used, quotaBytes };
    const disk = await this.readDisk();
    return disk.freeBytes - expected < disk.reservedBytes ? { kind: 'disk', ...disk } : { kind: 'enough' };
  }

  readDisk(): Promise<DiskSpace> {
    return (this.#limits.readDisk ?? readDisk)(this.#folder);
  }
}
