// Owns asking a provider over HTTP: one POST, bounded in time and size, to the configured address and nowhere else.
import type { Clock } from '../base/clock.ts';

export interface BoundedRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export type BoundedAnswer =
  | { readonly kind: 'answered'; readonly status: number; readonly body: string }
  | { readonly kind: 'none'; readonly reason: string };

const MOST_BYTES = 1024 * 1024;

class TooLong extends Error {}

/** The body as text of at most 1 MiB, after any decompression. */
async function readBody(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MOST_BYTES) throw new TooLong();
    chunks.push(chunk);
  }
  return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks, length));
}

/** The reason without the address: that is the operator's, and status pages show reasons. */
function reasonOf(error: unknown): string {
  if (error instanceof TooLong) return 'its answer is longer than 1 MiB';
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as { readonly code?: unknown }).code;
  if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA') return 'its answer is not UTF-8';
  return typeof code === 'string' ? `it can't be reached (${code})` : "it can't be reached";
}

/** Redirects are not followed: they would carry credentials and questions to a host that nobody configured. Never throws. */
export async function request(
  { url, headers, body, timeoutMs, signal }: BoundedRequest,
  clock: Clock,
): Promise<BoundedAnswer> {
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
      headers: { 'accept-encoding': 'identity', 'user-agent': 'slipway', ...headers },
      body,
      redirect: 'manual',
      signal: AbortSignal.any([signal, limit.signal]),
    });
    if (response.status >= 300 && response.status < 400) {
      await response.body?.cancel();
      return { kind: 'none', reason: `it redirects (HTTP ${response.status}), which is not followed` };
    }
    return { kind: 'answered', status: response.status, body: await readBody(response) };
  } catch (error) {
    return { kind: 'none', reason: isLate ? `no answer within ${timeoutMs / 1000} s` : reasonOf(error) };
  } finally {
    done.abort();
    limit.abort();
  }
}
