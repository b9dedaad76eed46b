// Owns one request to a configured address: bounded in time, redirects not followed, and an outcome whatever happens.
import type { Clock } from './clock.ts';

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  /** GET without a body and POST with one unless given. */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly body: string | Uint8Array<ArrayBuffer> | null;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type PostOutcome<T> =
  | { readonly kind: 'answered'; readonly value: T }
  /**
   * The reason never holds the address: status pages show reasons, and an address may hold a secret. `isFinal`: an answer came that can't be
   * used, and another try would bring the same one.
   */
  | { readonly kind: 'failed'; readonly reason: string; readonly isFinal: boolean };

/** A reader throws it for an answer that it can't use; its message is the reason. */
export class UnusableAnswer extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof UnusableAnswer) return error.message;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? `it can't be reached (${code})` : "it can't be reached";
}

/**
 * Posts, and reads the answer within the same time limit. Redirects are answers like others: following one would carry credentials to a
 * host that nobody configured. Never throws.
 */
export async function post<T>(
  { url, method, headers, body, timeoutMs, signal }: Post,
  clock: Clock,
  read: (response: Response) => Promise<T>,
): Promise<PostOutcome<T>> {
  const limit = new AbortController();
  const done = new AbortController();
  let isLate = false;
  void clock.sleep(timeoutMs, done.signal).then(() => {
    isLate = !done.signal.aborted;
    limit.abort();
  });
  try {
    const response = await fetch(url, {
      method: method ?? (body === null ? 'GET' : 'POST'),
      headers: { 'user-agent': 'slipway', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
    });
    return { kind: 'answered', value: await read(response) };
  } catch (error) {
    const reason = isLate ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error);
    return { kind: 'failed', reason, isFinal: !isLate && error instanceof UnusableAnswer };
  } finally {
    done.abort();
    limit.abort();
  }
}

/** Why a redirect is no answer; null when it is none. */
export function redirectReason({ status }: { readonly status: number }): string | null {
  return status >= 300 && status < 400 ? `it redirects (HTTP ${status}), which is not followed` : null;
}
