// Owns reading model files and bringing them into the publication folder, under their digests.
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { syncFolder } from '../base/durable-file.ts';
import { CodedError } from '../base/errors.ts';
import { type Digest, hexOf } from '../contract/digest.ts';
import type { Artifact } from './artifact-store.ts';
import { removeStrays, temporaryName } from './temporary-files.ts';
import { toUnwritable } from './unwritable.ts';

const CHUNK_BYTES = 1024 * 1024;

/**
 * Copies a file into the folder's artifacts under its digest, hashing while copying, in constant memory; returns digest and size.
 * Killed at any moment, it leaves no half file under a digest. Repeating is safe, and mends a file that was damaged in its place.
 * Throws ARTIFACT_UNREADABLE, DISTRIBUTION_DISK_FULL or DISTRIBUTION_UNWRITABLE, and ARTIFACT_CHANGED where it is not as `expected`.
 */
export async function addArtifact(folder: string, file: string, expected?: Digest): Promise<Artifact> {
  const artifacts = path.join(folder, 'artifacts');
  await using source = await openSource(file);
  const temporary = temporaryName(artifacts);
  try {
    await mkdir(artifacts, { recursive: true });
    await removeStrays(artifacts);
    const { hex, sizeBytes } = await copyHashing(source, temporary);
    if (expected !== undefined && hex !== hexOf(expected)) throw artifactChanged(file);
    await rename(temporary, path.join(artifacts, hex));
    await syncFolder(artifacts);
    return { digest: `sha256:${hex}`, sizeBytes };
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw toUnwritable(folder, error);
  }
}

type OpenFile = Awaited<ReturnType<typeof open>>;

async function openSource(file: string): Promise<OpenFile> {
  let source: OpenFile | undefined;
  try {
    source = await open(file, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0)); // a pipe would be waited for
    if ((await source.stat()).isFile()) return source;
    throw new Error('not a plain file');
  } catch (cause) {
    await source?.close();
    throw new CodedError({
      code: 'ARTIFACT_UNREADABLE',
      message: `The model file ${file} can't be read.`,
      remedy: 'Name a file that exists and that you may read.',
      cause,
    });
  }
}

/** For a file that was written to after it was measured. */
export function artifactChanged(file: string): CodedError {
  return new CodedError({
    code: 'ARTIFACT_CHANGED',
    message: `${file} changed while it was packaged.`,
    remedy: 'Wait until it is written, then package it again.',
  });
}

/** Digest and size of a file, in constant memory. Throws ARTIFACT_UNREADABLE. */
export async function measureArtifact(file: string): Promise<Artifact> {
  await using source = await openSource(file);
  const { hex, sizeBytes } = await hashChunks(source, async () => {});
  return { digest: `sha256:${hex}`, sizeBytes };
}

/**
 * The bytes from `from` on, for sending. The last of them come only once the whole is known to be as it was measured: whoever takes bytes up
 * to the stated size has then got no other file. Throws ARTIFACT_UNREADABLE or ARTIFACT_CHANGED.
 */
export async function* readMeasured(
  file: string,
  { digest, sizeBytes }: Artifact,
  from = 0,
): AsyncGenerator<Uint8Array> {
  await using source = await openSource(file);
  const hash = createHash('sha256');
  for (let at = 0; at < sizeBytes; ) {
    const chunk = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, sizeBytes - at));
    const { bytesRead } = await source.read(chunk, 0, chunk.length, at);
    if (bytesRead === 0) throw artifactChanged(file);
    const bytes = chunk.subarray(0, bytesRead);
    hash.update(bytes);
    at += bytesRead;
    if (at === sizeBytes && (hash.digest('hex') !== hexOf(digest) || (await source.stat()).size !== sizeBytes))
      throw artifactChanged(file);
    if (at > from) yield bytes.subarray(Math.max(0, bytes.length - (at - from)));
  }
}

interface Hashed {
  readonly hex: string;
  readonly sizeBytes: number;
}

async function copyHashing(source: OpenFile, temporary: string): Promise<Hashed> {
  await using copy = await open(temporary, 'wx', 0o644);
  const hashed = await hashChunks(source, (chunk) => copy.writeFile(chunk));
  await copy.sync();
  return hashed;
}

async function hashChunks(source: OpenFile, take: (chunk: Buffer) => Promise<void>): Promise<Hashed> {
  const hash = createHash('sha256');
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  let sizeBytes = 0;
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, buffer.length, null);
    if (bytesRead === 0) break;
    const chunk = buffer.subarray(0, bytesRead);
    hash.update(chunk);
    await take(chunk);
    sizeBytes += bytesRead;
  }
  return { hex: hash.digest('hex'), sizeBytes };
}
