// Owns taking artifacts as they come over the network: in constant memory, checked while they come, and in their place only when whole.
import { createHash, type Hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { chmod, type FileHandle, lstat, mkdir, open } from 'node:fs/promises';
import path from 'node:path';
import { assertNever } from '../base/errors.ts';
import { type Digest, hexOf } from '../contract/digest.ts';
import { ArtifactRoom, type Room, type RoomLimits } from './artifact-room.ts';
import {
  type ClaimedPartial,
  claimPartial,
  completePartial,
  discardPartial,
  leavePartial,
  receivedBytes,
  removeOldPartials,
} from './partial-uploads.ts';
import { isDiskFull, toUnwritable } from './unwritable.ts';

const CHUNK_BYTES = 1024 * 1024;
/** So that the last flush of a large artifact takes no minute. */
const FLUSH_EVERY_BYTES = 64 * 1024 * 1024;
/** A running upload writes more often than this, or is ended: what nobody wrote to for longer was left by a killed process. */
const ABANDONED_AFTER_MS = 60_000;
const MOST_RUNNING = 8;
const MOST_REMEMBERED = 10_000;

export interface UploadLimits extends RoomLimits {
  /** For tests, which can't wait for a minute. */
  readonly abandonedAfterMs?: number;
}

export interface UploadOrder {
  readonly digest: Digest;
  /** Of the whole artifact. */
  readonly totalBytes: number;
  /** Where in it the body begins. */
  readonly startByte: number;
  readonly lengthBytes: number;
  /** Called once, when there is a place for the bytes. It ends early when the sender is gone. */
  readonly openBody: () => AsyncIterable<Uint8Array>;
}

export type UploadOutcome =
  | { readonly kind: 'stored'; readonly isNew: boolean; readonly sizeBytes: number }
  /** All of the body has come, and the artifact is not whole yet. */
  | { readonly kind: 'partial'; readonly receivedBytes: number }
  /** The sender went early; what has come is kept. */
  | { readonly kind: 'cut'; readonly receivedBytes: number }
  /** The body begins elsewhere than where the bytes end that have come. */
  | { readonly kind: 'offset'; readonly receivedBytes: number }
  /** Another upload of the artifact runs. */
  | { readonly kind: 'busy' }
  /** As many uploads run as may. */
  | { readonly kind: 'too-many' }
  /** Whole, and not what the digest says: nothing is kept. */
  | { readonly kind: 'digest'; readonly actual: Digest }
  | Exclude<Room, { readonly kind: 'enough' }>;

export type ArtifactState =
  | { readonly kind: 'whole'; readonly sizeBytes: number }
  | { readonly kind: 'partial'; readonly receivedBytes: number };

export class ArtifactUploads {
  readonly #folder: string;
  readonly #room: ArtifactRoom;
  readonly #abandonedAfterMs: number;
  readonly #running = new Set<Digest>();
  /** What was compared with its digest, by what changes when a file is replaced. */
  readonly #sound = new Map<string, Promise<boolean>>();

  constructor(publicationFolder: string, limits: UploadLimits) {
    this.#folder = path.join(publicationFolder, 'artifacts');
    this.#abandonedAfterMs = limits.abandonedAfterMs ?? ABANDONED_AFTER_MS;
    this.#room = new ArtifactRoom(this.#folder, limits);
  }

  /** What is there of the artifact. Bytes are compared with the digest once a process: a damaged file is not there. */
  async find(digest: Digest): Promise<ArtifactState> {
    const sizeBytes = await this.#findWhole(digest);
    if (sizeBytes !== undefined) return { kind: 'whole', sizeBytes };
    return { kind: 'partial', receivedBytes: await receivedBytes(this.#folder, hexOf(digest)) };
  }

  /** Throws DISTRIBUTION_UNWRITABLE. */
  async receive(order: UploadOrder): Promise<UploadOutcome> {
    const { digest } = order;
    if (this.#running.has(digest)) return { kind: 'busy' };
    if (this.#running.size >= MOST_RUNNING) return { kind: 'too-many' };
    this.#running.add(digest);
    try {
      await mkdir(this.#folder, { recursive: true });
      const sizeBytes = await this.#findWhole(digest);
      if (sizeBytes !== undefined) return { kind: 'stored', isNew: false, sizeBytes };
      this.#room.reserve(order, order.totalBytes - order.startByte);
      const room = await this.#room.read();
      if (room.kind !== 'enough') return room;
      return await this.#take(order);
    } catch (error) {
      if (isDiskFull(error)) return { kind: 'disk', ...(await this.#room.readDisk()) };
      throw toUnwritable(this.#folder, error);
    } finally {
      this.#running.delete(digest);
      this.#room.release(order);
    }
  }

  /** Removes what of cut uploads nobody continued for a day. Gives how many. */
  removeOld(): Promise<number> {
    return removeOldPartials(this.#folder);
  }

  async #findWhole(digest: Digest): Promise<number | undefined> {
    const file = path.join(this.#folder, hexOf(digest));
    const stats = await lstat(file).catch(() => undefined);
    if (stats?.isFile() !== true) return undefined;
    const key = keyOf(digest, stats);
    const known = this.#sound.get(key) ?? hasDigest(file, digest);
    this.#remember(key, known);
    try {
      if (!(await known)) return undefined;
      // Whoever counts on it uses it: that moves its time, by the file system's clock, and `slipway prune` keeps it.
      await chmod(file, 0o644).catch(() => undefined);
      return stats.size;
    } catch (error) {
      this.#sound.delete(key);
      throw error;
    }
  }

  #remember(key: string, known: Promise<boolean>): void {
    if (this.#sound.size > MOST_REMEMBERED) this.#sound.clear();
    this.#sound.set(key, known);
  }

  async #take(order: UploadOrder): Promise<UploadOutcome> {
    const hex = hexOf(order.digest);
    const how = { continues: order.startByte > 0, abandonedAfterMs: this.#abandonedAfterMs };
    const partial = await claimPartial(this.#folder, hex, how);
    if (partial === null) return { kind: 'busy' };
    let filled: Filled;
    try {
      filled = await this.#fill(order, partial);
    } catch (error) {
      await discardPartial(partial);
      throw error;
    }
    switch (filled.kind) {
      case 'stored':
        // Renaming changes none of what it is known by: the next who asks need not wait until it is read again.
        this.#remember(keyOf(order.digest, await partial.handle.stat()), Promise.resolve(true));
        return (await completePartial(this.#folder, hex, partial)) ? filled : { kind: 'busy' };
      case 'offset':
      case 'cut':
      case 'partial':
        return { kind: filled.kind, receivedBytes: await leavePartial(this.#folder, hex, partial) };
      case 'disk':
      case 'digest':
        await discardPartial(partial);
        return filled;
      default:
        return assertNever(filled);
    }
  }

  async #fill(order: UploadOrder, { handle, sizeBytes }: ClaimedPartial): Promise<Filled> {
    const { digest, startByte, lengthBytes, totalBytes } = order;
    if (sizeBytes !== startByte) return { kind: 'offset' };
    const hash = createHash('sha256');
    await hashFile(handle, hash);
    let endByte = startByte;
    let flushedByte = startByte;
    for await (const chunk of order.openBody()) {
      const bytes = chunk.subarray(0, startByte + lengthBytes - endByte);
      hash.update(bytes);
      await writeAll(handle, bytes, endByte);
      endByte += bytes.length;
      this.#room.reserve(order, totalBytes - endByte);
      if (endByte - flushedByte < FLUSH_EVERY_BYTES) continue;
      flushedByte = endByte;
      await handle.datasync();
      // Others fill the disk too.
      const disk = await this.#room.readDisk();
      if (disk.freeBytes < disk.reservedBytes) return { kind: 'disk', ...disk };
    }
    if (endByte < startByte + lengthBytes) return { kind: 'cut' };
    if (endByte < totalBytes) return { kind: 'partial' };
    const actual: Digest = `sha256:${hash.digest('hex')}`;
    return actual === digest ? { kind: 'stored', isNew: true, sizeBytes: totalBytes } : { kind: 'digest', actual };
  }
}

type Kept = 'offset' | 'cut' | 'partial';
type Filled = { readonly kind: Kept } | Extract<UploadOutcome, { readonly kind: 'stored' | 'disk' | 'digest' }>;

function keyOf(digest: Digest, { ino, size, mtimeMs }: Stats): string {
  return `${digest} ${ino} ${size} ${mtimeMs}`;
}

async function writeAll(handle: FileHandle, bytes: Uint8Array, position: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position + done);
    done += bytesWritten;
  }
}

async function hashFile(handle: FileHandle, hash: Hash): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  for (let position = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.length, position);
    if (bytesRead === 0) return;
    hash.update(buffer.subarray(0, bytesRead));
    position += bytesRead;
  }
}

async function hasDigest(file: string, digest: Digest): Promise<boolean> {
  await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const hash = createHash('sha256');
  await hashFile(handle, hash);
  return hash.digest('hex') === hexOf(digest);
}
