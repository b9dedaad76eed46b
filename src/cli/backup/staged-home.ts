// Owns the copy of a home that a backup is made of: everything but the mirror, with keys apart, each file with its digest.
import { createHash } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { copyFile, link, lstat, mkdir, readdir, stat } from 'node:fs/promises';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Home } from '../home.ts';
import type { BackupFile } from './backup-list.ts';

/** A file of the home, by its path in it, in the form of every system. */
export interface HomeFile {
  readonly path: string;
  readonly sizeBytes: number;
  readonly isKey: boolean;
}

const POINTER = 'publication/metadata/timestamp.json';
/** Work in progress, as the publication has it, and what is copied or made in other ways. */
const isLeftOut = (name: string): boolean => name.startsWith('.') || name.endsWith('.tmp');
const isNotCopied = (name: string): boolean => /^(mirror|slipway\.db)/.test(name);

/** By its path in the home. */
export function isKeyFile(inHome: string): boolean {
  return inHome.endsWith('.key') && !inHome.startsWith('publication/');
}

/** In the order in which they are copied: the pointer of the publication is the last, so that what it names is there. */
export async function filesOfHome(home: Home, withArtifacts: boolean): Promise<readonly HomeFile[]> {
  const found: HomeFile[] = [];
  const visit = async (folder: string): Promise<void> => {
    for (const name of (await readdir(path.join(home.folder, folder))).sort()) {
      const inHome = folder === '' ? name : `${folder}/${name}`;
      if (isLeftOut(name) || (folder === '' && isNotCopied(name)) || inHome === POINTER) continue;
      const own = await lstat(path.join(home.folder, inHome)).catch(() => undefined);
      if (own?.isDirectory()) {
        if (withArtifacts || inHome !== 'publication/artifacts') await visit(inHome);
      } else await take(inHome);
    }
  };
  const take = async (inHome: string): Promise<void> => {
    // A mounted file may be a link. Pipes, sockets and what went meanwhile are no files.
    const stats = await stat(path.join(home.folder, inHome)).catch(() => undefined);
    if (stats?.isFile()) found.push({ path: inHome, sizeBytes: stats.size, isKey: isKeyFile(inHome) });
  };
  await visit('');
  await take(POINTER);
  return found;
}

/** Copies the file below another folder; what the publication holds is never written in place, so that a second name for it is a copy. */
export async function stageFile(home: Home, inHome: string, into: string): Promise<boolean> {
  const [from, to] = [path.join(home.folder, inHome), path.join(into, inHome)];
  await mkdir(path.dirname(to), { recursive: true, mode: 0o700 });
  try {
    if (inHome.startsWith('publication/') && (await isLinked(from, to))) return true;
    await copyFile(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

/** Not on another disk, nor through a link that points elsewhere. */
async function isLinked(from: string, to: string): Promise<boolean> {
  if (!(await lstat(from)).isFile()) return false;
  return link(from, to).then(
    () => true,
    () => false,
  );
}

export async function digestedFile(folder: string, inFolder: string): Promise<BackupFile> {
  const file = path.join(folder, inFolder);
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return { path: inFolder, sizeBytes: (await stat(file)).size, sha256: hash.digest('hex') };
}

/** All that lies below, by path; what is no plain file or folder as well. */
export async function everythingBelow(
  folder: string,
): Promise<readonly { readonly path: string; readonly isFile: boolean }[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => !one.isDirectory())
    .map((one) => ({
      path: path.relative(folder, path.join(one.parentPath, one.name)).split(path.sep).join('/'),
      isFile: one.isFile(),
    }));
}
