// Owns serving the publication folder: whole or in part, cacheable, and never a byte from outside it.
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import path from 'node:path';
import { errorAnswer } from './answers.ts';
import type { Answer, Headers } from './route.ts';

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const MOST_SEGMENTS = 4;
/** Names that are the digest of their bytes. A bundle is not: it bears the digest of the manifest that it signs. */
const OWN_DIGEST = /^(?:artifacts\/([0-9a-f]{64})|manifests\/([0-9a-f]{64})\.yaml)$/;
/** Names whose bytes never change: digests, and TUF's numbered metadata. */
const IMMUTABLE = /^targets\/[0-9a-f]{64,128}\.|^metadata\/\d+\./;

const TYPES: Readonly<Record<string, string>> = { '.json': 'application/json', '.yaml': 'application/yaml' };

const NOT_FOUND = errorAnswer(404, { code: 'HTTP_NOT_FOUND', message: 'There is no such file.' });

/** The file's place below the folder, or undefined: only plain segments, so neither `..`, nor hidden files, nor escapes. */
function segmentsOf(relative: string): readonly string[] | undefined {
  const segments = relative.split('/');
  return segments.length <= MOST_SEGMENTS && segments.every((one) => SEGMENT.test(one)) ? segments : undefined;
}

/** Opens a plain file that is reached without any symbolic link; undefined when there is none. */
async function openBelow(
  folder: string,
  segments: readonly string[],
): Promise<{ handle: FileHandle; stats: Stats } | undefined> {
  let handle: FileHandle | undefined;
  try {
    const file = path.join(await realpath(folder), ...segments);
    if ((await realpath(file)) !== file) return undefined;
    // NONBLOCK: a pipe in the folder must not hang the request.
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (stats.isFile()) return { handle, stats };
    await handle.close();
    return undefined;
  } catch (error) {
    await handle?.close();
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}

/** Strong: a digest where the name is one; other files are only ever replaced by rename, which changes the inode and the time. */
function etagOf(digest: string | undefined, { ino, size, mtimeMs }: Stats): string {
  return `"${digest ?? `${ino.toString(36)}-${size.toString(36)}-${mtimeMs.toString(36)}`}"`;
}

function matchesEtag(header: string, etag: string): boolean {
  return header === '*' || header.split(',').some((one) => one.trim().replace(/^W\//, '') === etag);
}

type Part =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'none' };

/** One range of bytes; several, or another unit, may be ignored (RFC 9110 14.2). */
export function parseRange(header: string | undefined, size: number): Part {
  const [, first, last] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return { kind: 'whole' };
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first);
  const end = first === '' || last === '' ? size - 1 : Math.min(size - 1, Number(last));
  if (first !== '' && last !== '' && Number(last) < Number(first)) return { kind: 'whole' };
  return start >= size || (first === '' && Number(last) === 0) ? { kind: 'none' } : { kind: 'part', start, end };
}

/** The file at `relative` below the folder: conditional, and in part when asked so. */
export async function findFile(folder: string, relative: string, asked: IncomingHttpHeaders): Promise<Answer> {
  const segments = segmentsOf(relative);
  const found = segments && (await openBelow(folder, segments));
  if (found === undefined) return NOT_FOUND;
  const { handle, stats } = found;
  const [, artifact, manifest] = OWN_DIGEST.exec(relative) ?? [];
  const digest = artifact ?? manifest;
  const isImmutable = digest !== undefined || IMMUTABLE.test(relative);
  const etag = etagOf(digest, stats);
  const headers = {
    ETag: etag,
    'Cache-Control': isImmutable ? 'public, max-age=31536000, immutable' : 'public, no-cache',
    'Accept-Ranges': 'bytes',
    'Content-Type': TYPES[path.extname(relative)] ?? 'application/octet-stream',
    'X-Content-Type-Options': 'nosniff',
  };
  const { 'if-none-match': ifNoneMatch, 'if-range': ifRange, range } = asked;
  const withoutBytes = async (status: number, more: Headers = {}): Promise<Answer> => {
    await handle.close();
    return { kind: 'empty', status, headers: { ...headers, ...more } };
  };
  if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, etag)) return withoutBytes(304);
  const part = parseRange(ifRange === undefined || ifRange === etag ? range : undefined, stats.size);
  if (part.kind === 'none') return withoutBytes(416, { 'Content-Range': `bytes */${stats.size}` });
  const { start, end } = part.kind === 'part' ? part : { start: 0, end: stats.size - 1 };
  const length = { ...headers, 'Content-Length': end - start + 1 };
  if (part.kind === 'whole') return { kind: 'file', status: 200, headers: length, handle, start, end };
  const partial = { ...length, 'Content-Range': `bytes ${start}-${end}/${stats.size}` };
  return { kind: 'file', status: 206, headers: partial, handle, start, end };
}
