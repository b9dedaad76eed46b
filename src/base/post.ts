// Owns one POST to a configured address: bounded in time, redirects not followed, and an outcome whatever happens.
import type { Clock } from './clock.ts';

export interface Post {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type PostOutcome<T> =
  | { readonly kind: 'answered'; readonly value: T }
  /** The reason is without the address: that is the operator's, and status pages show reasons. */
  | { readonly kind: 'failed'; readonly reason: string };

/** What a reader of answers throws when it can't use one; its message is the reason. */
export class UnusableAnswer extends Error {}

function reasonOf(error: unknown): string {
  if (error instanceof UnusableAnswer) return error.message;
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const { code } = cause as { readonly code?: unknown };
  return typeof code === 'string' ? `it can't be reached (${code})` : "it can't be reached";
}

/**
 * Posts, and reads the answer in the same time. A redirect would carry credentials to a host that nobody configured: it comes back as the
 * answer that it is. Never throws.
 */
export async function post<T>(
  { url, headers, body, timeoutMs, signal }: Post,
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
      method: 'POST',
      headers: { 'user-agent': 'slipway', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
    });
    return { kind: 'answered', value: await read(response) };
  } catch (error) {
    return { kind: 'failed', reason: isLate ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error) };
  } finally {
    done.abort();
    limit.abort();
  }
}

/** Does the receiver send us elsewhere? */
export function redirectReason({ status }: { readonly status: number }): string | null {
  return status >= 300 && status < 400 ? `it redirects (HTTP ${status}), which is not followed` : null;
}
