// Owns reading a trust policy and the files that it names, relative to it and with bounds.
import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import path from 'node:path';
import { assertInvariant, CodedError } from '../../base/errors.ts';
import { parseDocument } from '../../documents/parse-document.ts';
import { type Digest, digestOf } from '../digest.ts';
import { buildTrustPolicy, combineErrors, filesOf, type TrustPolicy, type TrustPolicySource } from './trust-policy.ts';
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
      remedy: 'Put it there, or correct the name; a trust policy names files relative to its own folder.',
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

/** Throws what `loadTrustPolicy` throws. */
export async function loadTrust(file: string): Promise<LoadedTrust> {
  const bytes = await readBounded(file, MOST_ROOT_BYTES);
  const source = parseSource(bytes, file);
  const files = await readNamed(source, file);
  const hash = createHash('sha256').update(digestOf(bytes));
  for (const [name, content] of files) hash.update(`${JSON.stringify(name)}${digestOf(content)}`);
  return {
    policy: buildTrustPolicy(source, files),
    digest: `sha256:${hash.digest('hex')}`,
    files: [...files.keys()].map((name) => path.resolve(path.dirname(file), name)),
  };
}

/**
 * The trust policy in a file (YAML or JSON, `kind: TrustPolicy`) with the keys and the trusted root that it names.
 * Throws every problem of it at once: those of the parser with their places, and what `readTrustPolicy` throws.
 */
export async function loadTrustPolicy(file: string): Promise<TrustPolicy> {
  return (await loadTrust(file)).policy;
}

function parseSource(bytes: Buffer, file: string): TrustPolicySource {
  const parsed = parseDocument(file, bytes, { isCopy: true });
  if (parsed.kind === 'parsed') {
    if (parsed.document.kind === 'TrustPolicy') return parsed.document;
    throw new CodedError({
      code: 'TRUST_POLICY_KIND',
      message: `${file} is a ${parsed.document.kind}, not a TrustPolicy.`,
      remedy: 'Give the file that says who may sign.',
    });
  }
  const [first, ...others] = parsed.errors;
  assertInvariant(first !== undefined, 'a broken document has a problem');
  throw combineErrors([first, ...others]);
}

/**
 * The trust policy of a parsed document that lies in `file`. Throws what `buildTrustPolicy` throws, and TRUST_FILE_UNREADABLE
 * or TRUST_FILE_SIZE for a file that it names.
 */
export async function readTrustPolicy(source: TrustPolicySource, file: string): Promise<TrustPolicy> {
  return buildTrustPolicy(source, await readNamed(source, file));
}

async function readNamed(source: TrustPolicySource, file: string): Promise<ReadonlyMap<string, Uint8Array>> {
  const contents = new Map<string, Uint8Array>();
  for (const name of filesOf(source)) {
    contents.set(name, await readBounded(path.resolve(path.dirname(file), name), MOST_ROOT_BYTES));
  }
  return contents;
}
