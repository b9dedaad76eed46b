// Owns one POST to a configured address: bounded in time, redirects not followed, and an answer whatever happens.
import { open } from 'node:fs/promises';
import type { Clock } from '../base/clock.ts';
import type { Delivery } from './notice-target.ts';

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MOST_SECRET_BYTES = 16 * 1024;
/** A receiver may ask for patience, but not for ever. */
const LONGEST_WISH_MS = 60 * 60_000;
/** The body itself is what these refuse; whatever else is wrong may be put right at the receiver. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 415, 422]);

/** The secret in a file, without white space around it; null when it can't be read, is empty or is no secret at all. */
export async function readSecret(file: string): Promise<string | null> {
  try {
    await using handle = await open(file, 'r');
    const { bytesRead, buffer } = await handle.read(
      Buffer.alloc(MOST_SECRET_BYTES + 1),
      0,
      MOST_SECRET_BYTES + 1,
      null,
    );
    const text = buffer.subarray(0, bytesRead).toString('utf8').trim();
    return bytesRead > MOST_SECRET_BYTES || text === '' ? null : text;
  } catch {
    return null;
  }
}

/** The header that shows a token; null when the token can't stand in a header. */
export function bearer(token: string): Readonly<Record<string, string>> | null {
  return /^[\x21-\x7e]+$/.test(token) ? { authorization: `Bearer ${token}` } : null;
}

function wishedMs(retryAfter: string | null): number | null {
  return retryAfter !== null && /^\d{1,6}$/.test(retryAfter)
    ? Math.min(LONGEST_WISH_MS, Number(retryAfter) * 1000)
    : null;
}

function answerOf(response: Response): Delivery {
  const { status } = response;
  if (status >= 200 && status < 300) return { kind: 'taken' };
  const reason = status >= 300 && status < 400 ? `redirects (HTTP ${status}), which is not followed` : `HTTP ${status}`;
  if (REFUSALS.has(status)) return { kind: 'refused', reason };
  return { kind: 'later', reason, afterMs: wishedMs(response.headers.get('retry-after')) };
}

/** The reason without the address: that is the operator's. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? `can't be reached (${code})` : "can't be reached";
}

/** Never throws. */
export async function post({ url, headers, body, timeoutMs, signal }: Post, clock: Clock): Promise<Delivery> {
  const limit = new AbortController();
  const done = new AbortController();
  let isLate = false;
  void clock.sleep(timeoutMs, done.signal).then(() => {
    isLate = !done.signal.aborted;
    limit.abort();
  });
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: { 'user-agent': 'slipway', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
    });
    await response.body?.cancel();
    return answerOf(response);
  } catch (error) {
    const reason = isLate ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error);
    return { kind: 'later', reason, afterMs: null };
  } finally {
    done.abort();
    limit.abort();
  }
}
