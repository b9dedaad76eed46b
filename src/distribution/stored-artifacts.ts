// Owns the artifacts that lie in the publication folder: which there are, and taking one away.
import type { Stats } from 'node:fs';
import { lstat, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { type Digest, hexOf, isDigest } from '../contract/digest.ts';
import { toUnwritable } from './unwritable.ts';

export interface LyingArtifact {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** When it was written, or asked for by an upload that found it there. */
  readonly usedAtMs: number;
}

async function statsOf(file: string): Promise<Stats | undefined> {
  const stats = await lstat(file).catch(() => undefined);
  return stats?.isFile() ? stats : undefined;
}

function usedAt({ mtimeMs, ctimeMs }: Stats): number {
  return Math.max(mtimeMs, ctimeMs);
}

/** None where nothing was brought yet. */
async function namesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw toUnwritable(folder, error);
  }
}

/** Plain files named by a digest; what else lies there is nobody's to judge. Throws DISTRIBUTION_UNWRITABLE for a folder that can't be read. */
export async function listArtifacts(publicationFolder: string): Promise<LyingArtifact[]> {
  const folder = path.join(publicationFolder, 'artifacts');
  const found: LyingArtifact[] = [];
  for (const name of await namesIn(folder)) {
    const digest = `sha256:${name}`;
    const stats = isDigest(digest) ? await statsOf(path.join(folder, name)) : undefined;
    if (isDigest(digest) && stats !== undefined) found.push({ digest, sizeBytes: stats.size, usedAtMs: usedAt(stats) });
  }
  return found.sort((a, b) => (a.digest < b.digest ? -1 : 1));
}

/** False when it was used since it was listed, or is gone. Throws DISTRIBUTION_UNWRITABLE. */
export async function removeArtifact(publicationFolder: string, { digest, usedAtMs }: LyingArtifact): Promise<boolean> {
  const file = path.join(publicationFolder, 'artifacts', hexOf(digest));
  const stats = await statsOf(file);
  if (stats === undefined || usedAt(stats) !== usedAtMs) return false;
  try {
    await rm(file);
    return true;
  } catch (error) {
    throw toUnwritable(publicationFolder, error);
  }
}
