// Owns the file system that isomorphic-git writes through: it writes in place, which a kill leaves half done; here each file appears whole.
import * as files from 'node:fs/promises';
import { writeFileDurably } from '../../base/durable-file.ts';

async function writeFile(file: string, data: Uint8Array | string, options?: unknown): Promise<void> {
  const mode =
    typeof options === 'object' && options !== null && 'mode' in options && typeof options.mode === 'number'
      ? options.mode
      : 0o644;
  await writeFileDurably(file, data, mode);
}

/**
 * isomorphic-git wraps its file system anew for each object that it reads, and calls `readFile` without a file to see whether this one is
 * made of promises: an answer without an error object (and its stack) makes reading many objects several times faster.
 */
async function readFile(file: string | undefined, options?: Parameters<typeof files.readFile>[1]): Promise<unknown> {
  return file === undefined ? undefined : files.readFile(file, options ?? null);
}

export const durableFs = { promises: { ...files, readFile, writeFile } };
