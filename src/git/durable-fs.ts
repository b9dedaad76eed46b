// Owns the file system that isomorphic-git writes through: it writes in place, which a kill leaves half done; here each file appears whole.
import * as files from 'node:fs/promises';
import { writeFileDurably } from '../base/durable-file.ts';

async function writeFile(file: string, data: Uint8Array | string, options?: unknown): Promise<void> {
  const mode =
    typeof options === 'object' && options !== null && 'mode' in options && typeof options.mode === 'number'
      ? options.mode
      : 0o644;
  await writeFileDurably(file, data, mode);
}

export const durableFs = { promises: { ...files, writeFile } };
