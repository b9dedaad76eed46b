// Owns serving the publication folder: whole or in part, cacheable, and never a byte from outside it.
import { constants, type Stats } from 'node:fs';
import { type FileHandle, open, realpath } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { answerEmpty, HttpRefusal } from './http-answers.ts';

const SEGMENT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;
const MOST_SEGMENTS = 4;
/** Names that are the digest of their bytes. A bundle is not: it bears the digest of the manifest that it signs. */
const OWN_DIGEST = /^(?:artifacts\/([0-9a-f]{64})|manifests\/([0-9a-f]{64})\.yaml)$/;
/** Names whose bytes never change: digests, and TUF's numbered metadata. */
const IMMUTABLE = /^targets\/[0-9a-f]{64,128}\.|^metadata\/\d+\./;

const TYPES: Readonly<Record<string, string>> = { '.json': 'application/json', '.yaml': 'application/yaml' };

function notFound(): HttpRefusal {
  return new HttpRefusal({ status: 404, code: 'HTTP_NOT_FOUND', message: 'There is no such file.' });
}

/** The file's place below the folder, or undefined: only plain segments, so neither `..`, nor hidden files, nor escapes. */
function segmentsOf(relative: string): readonly string[] | undefined {
  const segments = relative.split('/');
  return segments.length <= MOST_SEGMENTS && segments.every((one) => SEGMENT.test(one)) ? segments : undefined;
}

/** Opens a plain file that is reached without any symbolic link. Throws HttpRefusal 404. */
async function openBelow(folder: string, segments: readonly string[]): Promise<{ handle: FileHandle; stats: Stats }> {
  let handle: FileHandle | undefined;
  try {
    const wanted = path.join(await realpath(folder), ...segments);
    if ((await realpath(wanted)) !== wanted) throw notFound();
    // NONBLOCK: a pipe in the folder must not hang the request.
    handle = await open(wanted, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const stats = await handle.stat();
    if (!stats.isFile()) throw notFound();
    return { handle, stats };
  } catch (error) {
    await handle?.close();
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ELOOP' || code === 'EISDIR') throw notFound();
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

/** Serves `relative` (already decoded) below the folder. Throws HttpRefusal. */
export async function serveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { folder, relative }: { readonly folder: string; readonly relative: string },
): Promise<void> {
  const segments = segmentsOf(relative);
  if (segments === undefined) throw notFound();
  const { handle, stats } = await openBelow(folder, segments);
  try {
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
    const { 'if-none-match': ifNoneMatch, 'if-range': ifRange, range } = request.headers;
    if (ifNoneMatch !== undefined && matchesEtag(ifNoneMatch, etag)) return answerEmpty(response, 304, headers);
    const part =
      ifRange === undefined || ifRange === etag ? parseRange(range, stats.size) : ({ kind: 'whole' } as const);
    if (part.kind === 'none')
      return answerEmpty(response, 416, { ...headers, 'Content-Range': `bytes */${stats.size}` });
    const { start, end } = part.kind === 'part' ? part : { start: 0, end: stats.size - 1 };
    response.writeHead(part.kind === 'part' ? 206 : 200, {
      ...headers,
      'Content-Length': end - start + 1,
      ...(part.kind === 'part' ? { 'Content-Range': `bytes ${start}-${end}/${stats.size}` } : {}),
    });
    if (request.method === 'HEAD' || end < start) {
      response.end();
      return;
    }
    await pipeline(handle.createReadStream({ start, end, autoClose: false, highWaterMark: 262_144 }), response);
  } finally {
    await handle.close();
  }
}
