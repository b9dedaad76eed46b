// Owns which clones isomorphic-git can work in: what it would misread is refused before it is touched.
import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { CodedError } from '../../base/errors.ts';

const NEWEST_VERSION = 3;
const [HEADER, CHECKSUM, ENTRY_BEFORE_NAME, EXTENDED] = [12, 20, 62, 0x4000];

function refused(code: string, message: string, remedy: string): CodedError {
  return new CodedError({ code, message, remedy: `${remedy}, or pass the URL of the repository with --repo.` });
}

/** Throws REPO_LINKED. */
export async function assertOwnClone(folder: string): Promise<void> {
  if ((await stat(path.join(folder, '.git'))).isDirectory()) return;
  throw refused('REPO_LINKED', `${folder} is a linked work tree.`, 'Use the main clone');
}

/** Throws REPO_INDEX for an index of which isomorphic-git would read only a part. */
export async function assertReadableIndex(folder: string): Promise<void> {
  const index = await readFile(path.join(folder, '.git', 'index')).catch(() => undefined);
  const form = index === undefined ? null : strangeForm(index);
  if (form === null) return;
  const remedy = 'Run `git update-index --no-split-index --index-version 2` in it';
  throw refused('REPO_INDEX', `The index of ${folder} is ${form}, which Slipway does not read.`, remedy);
}

/** What of an index isomorphic-git does not know; null when it knows it all. See gitformat-index(5). */
function strangeForm(index: Buffer): string | null {
  if (index.length < HEADER + CHECKSUM || index.toString('latin1', 0, 4) !== 'DIRC') return 'damaged';
  const version = index.readUInt32BE(4);
  if (version > NEWEST_VERSION) return `of version ${version}`;
  const end = index.length - CHECKSUM;
  let at = HEADER;
  for (let left = index.readUInt32BE(8); left > 0; left--) {
    if (at + ENTRY_BEFORE_NAME > end) return 'damaged';
    const isExtended = (index.readUInt16BE(at + 60) & EXTENDED) !== 0;
    const name = at + ENTRY_BEFORE_NAME + (isExtended ? 2 : 0);
    const nul = index.indexOf(0, name);
    if (nul < 0) return 'damaged';
    at += Math.ceil((nul + 1 - at) / 8) * 8;
  }
  // Extensions whose name begins with a small letter change what the entries mean: `link` (split index), `sdir` (sparse index).
  while (at + 8 <= end) {
    const name = index.toString('latin1', at, at + 4);
    if (/^[a-z]/.test(name)) return name === 'link' ? 'split' : `extended by "${name}"`;
    at += 8 + index.readUInt32BE(at + 4);
  }
  return null;
}
