// Owns reading the files that a trust policy names, relative to it and with bounds.
import { open } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../../base/errors.ts';
import { buildTrustPolicy, filesOf, type TrustPolicy, type TrustPolicySource } from './trust-policy.ts';
import { MOST_ROOT_BYTES } from './trusted-root.ts';

/** Bytes of a file of at most `most` bytes. Throws TRUST_FILE_UNREADABLE, or TRUST_FILE_SIZE also for endless files such as devices. */
async function readBounded(file: string, most: number): Promise<Buffer> {
  try {
    await using handle = await open(file, 'r');
    const buffer = Buffer.alloc(most + 1);
    let length = 0;
    while (length < buffer.length) {
      const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
      if (bytesRead === 0) return buffer.subarray(0, length);
      length += bytesRead;
    }
  } catch (error) {
    throw new CodedError({
      code: 'TRUST_FILE_UNREADABLE',
      message: `${file} can't be read.`,
      remedy: 'The trust policy names it, relative to its own folder: put it there, or correct the name.',
      cause: error,
    });
  }
  throw new CodedError({ code: 'TRUST_FILE_SIZE', message: `${file} is longer than ${most} bytes.` });
}

/**
 * The trust policy of a parsed document that lies in `file`. Throws what `buildTrustPolicy` throws, and TRUST_FILE_UNREADABLE
 * or TRUST_FILE_SIZE for a file that it names.
 */
export async function readTrustPolicy(source: TrustPolicySource, file: string): Promise<TrustPolicy> {
  const contents = new Map<string, Uint8Array>();
  for (const name of filesOf(source)) {
    contents.set(name, await readBounded(path.resolve(path.dirname(file), name), MOST_ROOT_BYTES));
  }
  return buildTrustPolicy(source, contents);
}
