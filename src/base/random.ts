// Owns randomness: seeded streams forked per purpose, and the system's own.
import { createHash, randomBytes } from 'node:crypto';

export interface RandomStream {
  /** A number in [0, 1). */
  next(): number;
}

export class SystemRandom implements RandomStream {
  next(): number {
    return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
  }
}

/** A stream that depends on seed and purpose only (sfc32 over their sha256), so that one purpose never shifts another. */
export function seededRandom(seed: string | number, purpose: string): RandomStream {
  const hash = createHash('sha256').update(`${seed}\0${purpose}`).digest();
  let a = hash.readUInt32LE(0);
  let b = hash.readUInt32LE(4);
  let c = hash.readUInt32LE(8);
  let counter = 1;
  const next = (): number => {
    const t = (a + b + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = ((c << 21) | (c >>> 11)) + t;
    return (t >>> 0) / 2 ** 32;
  };
  for (let i = 0; i < 12; i++) next();
  return { next };
}

/** A whole number in [0, below). */
export function randomBelow(random: RandomStream, below: number): number {
  return Math.floor(random.next() * below);
}

/** 128 random bits in hexadecimal digits. */
export function drawNonce(random: RandomStream): string {
  return Buffer.from(Array.from({ length: 16 }, () => randomBelow(random, 256))).toString('hex');
}
