// Owns reading a trust policy and the files that it names, relative to it and with bounds.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../../base/errors.ts';
import { type Digest, digestOf } from '../digest.ts';
import { parseTrustPolicy } from './parse-trust-policy.ts';
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
      remedy: 'Add the file or correct its name; names are relative to the folder of the trust policy.',
      cause: error,
    });
  }
  throw new CodedError({ code: 'TRUST_FILE_SIZE', message: `${file} is longer than ${most} bytes.` });
}

/** A trust policy as it lies on disk. */
export interface LoadedTrust {
  readonly policy: TrustPolicy;
  /** Over the policy's bytes and those of every file that it names: another digest may mean another trust. */
  readonly digest: Digest;
  /** The files that the policy names, as absolute paths. */
  readonly files: readonly string[];
}

export type ParseTrustPolicy = (bytes: Uint8Array, file: string) => TrustPolicySource;

/**
 * The trust policy in a file (YAML or JSON, `kind: TrustPolicy`) with the keys and the trusted root that it names. Throws what `parse` and
 * `buildTrustPolicy` throw, and TRUST_FILE_UNREADABLE or TRUST_FILE_SIZE for it and for each file that it names.
 */
export async function loadTrust(file: string, parse: ParseTrustPolicy = parseTrustPolicy): Promise<LoadedTrust> {
  const bytes = await readBounded(file, MOST_ROOT_BYTES);
  const source = parse(bytes, file);
  const files = await readNamed(source, file);
  const hash = createHash('sha256').update(digestOf(bytes));
  for (const [name, content] of files) hash.update(`${JSON.stringify(name)}${digestOf(content)}`);
  return {
    policy: buildTrustPolicy(source, files),
    digest: `sha256:${hash.digest('hex')}`,
    files: [...files.keys()].map((name) => path.resolve(path.dirname(file), name)),
  };
}

async function readNamed(source: TrustPolicySource, file: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const name of filesOf(source)) {
    contents.set(name, await readBounded(path.resolve(path.dirname(file), name), MOST_ROOT_BYTES));
  }
  return contents;
}
