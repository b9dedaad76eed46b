// Owns talking HTTP: bounded answers, time limits, and how long a server asks us to stay away.
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError } from '../../../src/base/errors.ts';

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Buffer;
}

export interface HttpQuestion {
  readonly url: string;
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs: number;
  readonly mostBytes: number;
  readonly signal: AbortSignal;
}

/** An answer of any status, with a bounded body. Throws AGENT_HTTP (unreachable, too long) or AGENT_HTTP_TIMEOUT; both: retry later. */
export async function ask(question: HttpQuestion, clock: Clock): Promise<HttpAnswer> {
  const { url, method = 'GET', headers = {}, body, timeoutMs, mostBytes, signal } = question;
  const limit = new AbortController();
  let isTooSlow = false;
  const stop = (): void => limit.abort();
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  const done = new AbortController();
  void clock.sleep(timeoutMs, done.signal).then(() => {
    isTooSlow = !done.signal.aborted;
    limit.abort();
  });
  try {
    const response = await fetch(url, {
      method,
      headers,
      signal: limit.signal,
      ...(body === undefined ? {} : { body }),
    });
    return { status: response.status, headers: response.headers, body: await readBounded(response, mostBytes) };
  } catch (error) {
    throw isTooSlow ? timeoutError(url, timeoutMs) : httpError(url, error);
  } finally {
    done.abort();
    signal.removeEventListener('abort', stop);
  }
}

async function readBounded(response: Response, mostBytes: number): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > mostBytes) throw new Error(`the answer is longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function timeoutError(url: string, timeoutMs: number): CodedError {
  return new CodedError({
    code: 'AGENT_HTTP_TIMEOUT',
    kind: 'retry-later',
    message: `${new URL(url).origin} did not answer within ${timeoutMs / 1000} s.`,
    remedy: 'The agent tries again by itself.',
  });
}

/** What went wrong with a request, without what the address may hold of secrets. */
export function httpError(url: string, cause: unknown): CodedError {
  const { origin, pathname } = URL.canParse(url) ? new URL(url) : { origin: '', pathname: 'an address that is none' };
  const inner =
    cause instanceof Error ? (cause.cause instanceof Error ? cause.cause.message : cause.message) : String(cause);
  return new CodedError({
    code: 'AGENT_HTTP',
    kind: 'retry-later',
    message: `${origin}${pathname} could not be reached: ${inner}.`,
    remedy: 'The agent tries again by itself.',
    cause,
  });
}

/** Milliseconds that `Retry-After` asks for (seconds or a date), at most a day; null when it asks nothing. */
export function retryAfterMs(headers: Headers, nowMs: number): number | null {
  const text = headers.get('retry-after');
  if (text === null) return null;
  const ms = /^\d{1,9}$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isFinite(ms) ? Math.min(Math.max(0, ms), 86_400_000) : null;
}

/** `base` and a path below it, whether or not `base` ends in a slash. */
export function joinUrl(base: string, path: string): string {
  return `${base.replace(/\/+$/, '')}/${path}`;
}
