// Owns reading a trust policy and the files that it names, relative to it and with bounds.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { readBoundedFile } from '../../base/bounded-file.ts';
import { type Digest, digestOf } from '../digest.ts';
import { parseTrustPolicy } from './parse-trust-policy.ts';
import { buildTrustPolicy, filesOf, type TrustPolicy, type TrustPolicySource } from './trust-policy.ts';
import { MOST_ROOT_BYTES } from './trusted-root.ts';

/** A trust policy with the contents of the files that it names, by their names. */
export interface TrustContents {
  readonly policy: TrustPolicy;
  /** Over the policy's bytes and those of every file that it names: another digest may mean another trust. */
  readonly digest: Digest;
  readonly bytes: Uint8Array;
  readonly contents: ReadonlyMap<string, Uint8Array>;
}

/** A trust policy as it lies on disk. */
export interface LoadedTrust extends TrustContents {
  /** The files that the policy names, as absolute paths. */
  readonly files: readonly string[];
}

export type ParseTrustPolicy = (bytes: Uint8Array, file: string) => TrustPolicySource;

/**
 * The trust policy in a file (YAML or JSON, `kind: TrustPolicy`) with the keys and the trusted root that it names. Throws what `parse` and
 * `buildTrustPolicy` throw, and FILE_UNREADABLE, FILE_KIND or FILE_SIZE for it and for each file that it names.
 */
export async function loadTrust(file: string, parse: ParseTrustPolicy = parseTrustPolicy): Promise<LoadedTrust> {
  const bytes = await readBoundedFile(file, MOST_ROOT_BYTES);
  const at = (name: string): string => path.resolve(path.dirname(file), name);
  const trust = await assembleTrust(bytes, parse(bytes, file), (name) => readBoundedFile(at(name), MOST_ROOT_BYTES));
  return { ...trust, files: [...trust.contents.keys()].map(at) };
}

/** `read` yields the files that the policy names. Throws what it and `buildTrustPolicy` throw. */
export async function assembleTrust(
  bytes: Uint8Array,
  source: TrustPolicySource,
  read: (name: string) => Promise<Uint8Array>,
): Promise<TrustContents> {
  const contents = new Map<string, Uint8Array>();
  for (const name of filesOf(source)) contents.set(name, await read(name));
  const hash = createHash('sha256').update(digestOf(bytes));
  for (const [name, content] of contents) hash.update(`${JSON.stringify(name)}${digestOf(content)}`);
  return { policy: buildTrustPolicy(source, contents), digest: `sha256:${hash.digest('hex')}`, bytes, contents };
}
