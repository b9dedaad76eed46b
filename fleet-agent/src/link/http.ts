// Owns talking HTTP: bounded answers, time limits, and how long a server asks us to stay away.
import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { printable } from '../../../src/contract/trust/dsse.ts';
import { TimeLimit } from './time-limit.ts';

export interface HttpAnswer {
  /** The address that answered, after redirects. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface HttpQuestion {
  readonly url: string;
  /** Posted as JSON; a GET without it. */
  readonly json?: unknown;
  readonly timeoutMs: number;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

/** `fetch`, and the same for files on a carried disk: whole, or from a byte on. */
export async function fetchFrom(
  url: string,
  init: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly signal: AbortSignal;
    readonly redirect?: 'manual';
  },
): Promise<Response> {
  if (!url.startsWith('file:')) return fetch(url, init);
  const file = fileURLToPath(url);
  const found = await stat(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT' && error.code !== 'ENOTDIR') throw error;
    return undefined;
  });
  // A carried disk is as hostile as a host: no pipe that hangs, no device without end.
  if (found?.isFile() !== true) return new Response(null, { status: 404 });
  const start = Math.min(Number(/^bytes=(\d+)-$/.exec(init.headers?.range ?? '')?.[1] ?? 0), found.size);
  const body = Readable.toWeb(createReadStream(file, { start, signal: init.signal })) as ReadableStream<
    Uint8Array<ArrayBuffer>
  >;
  const headers = { 'content-length': String(found.size - start) };
  const range = { 'content-range': `bytes ${start}-${Math.max(start, found.size - 1)}/${found.size}` };
  return start === 0
    ? new Response(body, { headers })
    : new Response(body, { status: 206, headers: { ...headers, ...range } });
}

/** An answer of any status, with a bounded body. Throws AGENT_HTTP (unreachable), AGENT_HTTP_LENGTH (too long) or AGENT_HTTP_TIMEOUT; all: retry later. */
export async function ask(question: HttpQuestion, clock: Clock): Promise<HttpAnswer> {
  const { url, json, timeoutMs, mostBytes, signal } = question;
  using limit = new TimeLimit({ clock, ms: timeoutMs, stop: signal });
  const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(json) };
  try {
    const { signal: stop } = limit;
    const response = await (json === undefined
      ? fetchFrom(url, { signal: stop })
      : fetch(url, { ...post, signal: stop }));
    const { status, headers } = response;
    const tooLong = (): CodedError =>
      retryLater('AGENT_HTTP_LENGTH', `${describeAnswer(response)} that is longer than ${mostBytes} bytes.`);
    return { url: response.url || url, status, headers, body: await readBounded(response, mostBytes, tooLong) };
  } catch (error) {
    if (error instanceof CodedError) throw error;
    throw limit.isOver ? timeoutError(url, timeoutMs) : httpError(url, error);
  }
}

/** An endless answer is cut off, not collected: throws what `tooLong` makes of it. */
export async function readBounded(response: Response, mostBytes: number, tooLong: () => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > mostBytes) throw tooLong();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function retryLater(code: string, message: string, cause?: unknown): CodedError {
  return new CodedError({ code, kind: 'retry-later', message, remedy: 'The agent tries again by itself.', cause });
}

function timeoutError(url: string, timeoutMs: number): CodedError {
  return retryLater('AGENT_HTTP_TIMEOUT', `${new URL(url).origin} did not answer within ${timeoutMs / 1000} s.`);
}

/** What went wrong with a request; the message leaves out the parts of an address that may hold secrets. */
export function httpError(url: string, cause: unknown): CodedError {
  const { protocol, host, pathname } = URL.canParse(url)
    ? new URL(url)
    : { protocol: '', host: '', pathname: 'An invalid address' };
  const origin = protocol === '' ? '' : `${protocol}//${host}`;
  const inner =
    cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
  return retryLater('AGENT_HTTP', `${origin}${pathname} can't be reached: ${inner}.`, cause);
}

/** For an answer whose status is not a success. */
export function statusError(url: string, status: number): CodedError {
  return retryLater('AGENT_HTTP_STATUS', `${new URL(url).pathname} answered ${status}.`);
}

/** One that asks for a day, as a captive portal does, must neither put off a rollback nor make a device silent. */
const MOST_ASKED_MS = 10 * 60_000;

/** Milliseconds that `Retry-After` asks for (seconds or a date), at most ten minutes; null when it asks nothing. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  // A date is meant by the server's clock, which its answer shows.
  const sentAtMs = Date.parse(headers.get('date') ?? '');
  const ms = /^\d{1,9}$/.test(text)
    ? Number(text) * 1000
    : Date.parse(text) - (Number.isNaN(sentAtMs) ? nowMs : sentAtMs);
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), MOST_ASKED_MS) : null;
}

/** Who answered (after redirects, so that a portal shows), and what it said that it sent. */
export function describeAnswer({ url, headers }: Pick<Response, 'url' | 'headers'>): string {
  const host = (URL.canParse(url) ? new URL(url).host : '') || 'The disk';
  const type = headers.get('content-type')?.split(';')[0]?.trim();
  return `${host} sent ${type ? printable(type).slice(0, 100) : 'a file without a content type'}`;
}

/** `base` and a path below it, whether or not `base` ends in a slash. */
export function joinUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path}`;
}
