// Owns the files of a folder on disk, as they lie there.
import type { Dirent } from 'node:fs';
import { open, readdir } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../base/errors.ts';
import { type RepositoryFiles, tooLarge } from './repository-files.ts';

const MOST_FILES = 200_000;
/** As deep as the service looks in a commit. */
const MOST_DEPTH = 24;

async function readBounded(folder: string, file: string, limitBytes: number): Promise<Buffer> {
  await using handle = await open(path.join(folder, ...file.split('/')), 'r');
  const buffer = Buffer.alloc(limitBytes + 1);
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length, null);
    if (bytesRead === 0) return buffer.subarray(0, length);
    length += bytesRead;
  }
  throw tooLarge(file, limitBytes);
}

/** The files of a folder as they lie, uncommitted ones too; names that start with a dot are left out. Throws REPO_TOO_MANY_FILES. */
export async function filesOfFolder(folder: string): Promise<RepositoryFiles> {
  const paths: string[] = [];
  const skipped: { path: string; why: string }[] = [];
  const visit = async (prefix: string, depth: number): Promise<void> => {
    const entries = await readdir(path.join(folder, ...prefix.split('/')), { withFileTypes: true });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      if (entry.name.startsWith('.') || entry.name === 'node_modules') continue;
      await take(entry, `${prefix}${entry.name}`, depth);
    }
  };
  const take = async (entry: Dirent, file: string, depth: number): Promise<void> => {
    if (entry.isSymbolicLink()) skipped.push({ path: file, why: 'it is a symbolic link' });
    else if (entry.isFile()) paths.push(file);
    else if (entry.isDirectory() && depth < MOST_DEPTH) await visit(`${file}/`, depth + 1);
    else if (entry.isDirectory()) skipped.push({ path: file, why: 'its folder is nested too deep' });
    if (paths.length <= MOST_FILES) return;
    throw new CodedError({
      code: 'REPO_TOO_MANY_FILES',
      message: `${folder} has more than ${MOST_FILES} files.`,
      remedy: 'Pass the manifests repository itself, not a folder around it.',
    });
  };
  await visit('', 0);
  return { paths, skipped, read: (file, limitBytes) => readBounded(folder, file, limitBytes) };
}
