// Owns the check of a received pack before anything is stored: complete, undamaged, and within bounds once unpacked.
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inflateSync, type Zlib } from 'node:zlib';

export interface PackLimits {
  readonly objects: number;
  /** Largest single object, unpacked. */
  readonly objectBytes: number;
  /** All objects, unpacked (deltas count as their result). */
  readonly totalBytes: number;
  /** Longest chain of deltas; git itself makes at most 4095. */
  readonly chain: number;
}

export const DEFAULT_PACK_LIMITS: PackLimits = {
  objects: 4_000_000,
  objectBytes: 32 * 2 ** 20,
  totalBytes: 8 * 2 ** 30,
  chain: 4_095,
};

export class PackError extends Error {}

const OFS_DELTA = 6;
const REF_DELTA = 7;
const TURN_EVERY = 500;

interface EntryHead {
  readonly type: number;
  readonly size: number;
  /** Where the compressed bytes start. */
  readonly start: number;
  /** Distance back to the base, of an offset delta. */
  readonly back: number;
}

function readHead(pack: Buffer, at: number): EntryHead {
  let offset = at;
  let byte = pack[offset++] ?? 0;
  const type = (byte >> 4) & 7;
  let size = byte & 15;
  for (let scale = 16; (byte & 128) !== 0; scale *= 128) {
    byte = pack[offset++] ?? 0;
    size += (byte & 127) * scale;
    if (scale > 2 ** 46) throw new PackError('an object states an impossible size');
  }
  let back = 0;
  if (type === OFS_DELTA) {
    byte = pack[offset++] ?? 0;
    back = byte & 127;
    while ((byte & 128) !== 0) {
      byte = pack[offset++] ?? 0;
      back = (back + 1) * 128 + (byte & 127);
      if (back > at) throw new PackError('a delta points before the pack');
    }
    if (back === 0 || back > at) throw new PackError('a delta points nowhere');
  } else if (type === REF_DELTA) {
    offset += 20;
  } else if (type < 1 || type > 4) {
    throw new PackError(`object type ${type} is unknown`);
  }
  return { type, size, start: offset, back };
}

/** The size of a delta's result: the second number of its head. */
function deltaResultBytes(delta: Buffer): number {
  let offset = 0;
  const number = (): number => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = delta[offset++];
      if (byte === undefined || scale > 2 ** 46) throw new PackError('a delta is malformed');
      value += (byte & 127) * scale;
      if ((byte & 128) === 0) return value;
    }
  };
  number();
  return number();
}

function inflateEntry(pack: Buffer, head: EntryHead, end: number): { readonly data: Buffer; readonly used: number } {
  try {
    // `info` gives the engine too, whose bytesWritten is how much input the stream took.
    const result = inflateSync(pack.subarray(head.start, end), {
      info: true,
      maxOutputLength: head.size + 1,
    }) as unknown as {
      buffer: Buffer;
      engine: Zlib;
    };
    return { data: result.buffer, used: result.engine.bytesWritten };
  } catch (cause) {
    throw new PackError('an object does not unpack', { cause });
  }
}

/** Walks a whole pack (version 2, self-contained); returns the number of its objects. Throws PackError. */
export async function scanPack(pack: Buffer, limits: PackLimits): Promise<number> {
  if (pack.length < 32 || pack.toString('latin1', 0, 4) !== 'PACK') throw new PackError('there is no pack');
  if (pack.readUInt32BE(4) !== 2) throw new PackError('the pack has an unknown version');
  const count = pack.readUInt32BE(8);
  if (count > limits.objects) throw new PackError(`${count} objects are more than ${limits.objects}`);
  const end = pack.length - 20;
  const digest = createHash('sha1').update(pack.subarray(0, end)).digest();
  if (!digest.equals(pack.subarray(end))) throw new PackError('the checksum at its end is wrong');
  const chains = new Map<number, number>();
  let offset = 12;
  let total = 0;
  for (let index = 0; index < count; index++) {
    if (index % TURN_EVERY === TURN_EVERY - 1) await nextTurn();
    const head = readHead(pack, offset);
    if (head.start >= end) throw new PackError('it ends too early');
    if (head.size > limits.objectBytes)
      throw new PackError(`an object has ${head.size} bytes, more than ${limits.objectBytes}`);
    const { data, used } = inflateEntry(pack, head, end);
    if (data.length !== head.size) throw new PackError('an object has not the size that it states');
    const delta = head.type === OFS_DELTA || head.type === REF_DELTA;
    const bytes = delta ? deltaResultBytes(data) : data.length;
    if (bytes > limits.objectBytes)
      throw new PackError(`an object has ${bytes} bytes, more than ${limits.objectBytes}`);
    total += bytes;
    if (total > limits.totalBytes) throw new PackError(`its objects have more than ${limits.totalBytes} bytes`);
    const chain = head.type === OFS_DELTA ? (chains.get(offset - head.back) ?? 0) + 1 : 0;
    if (chain > limits.chain) throw new PackError('a chain of deltas is too long');
    if (chain > 0) chains.set(offset, chain);
    offset = head.start + used;
  }
  if (offset !== end) throw new PackError('it has bytes that belong to no object');
  return count;
}
