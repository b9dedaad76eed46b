// Owns the requests of a TUF client: bounded in size and time, over HTTP(S) or out of a folder.
import { fileURLToPath } from 'node:url';
import { readFileIfPresent } from '../../../src/base/durable-file.ts';
import { TufRefusal } from '../../../src/contract/tuf/tuf-refusal.ts';
import { readBounded, retryAfterMs } from './http.ts';

/** What `fetch` of the platform does; given from outside so that devices choose TLS and proxies in one place. */
export type Fetch = (
  url: string,
  init: { readonly signal: AbortSignal; readonly headers?: Record<string, string> },
) => Promise<Response>;

export interface FetcherOptions {
  readonly fetch: Fetch;
  /** Longest time of one request, with its body. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** Wall clock; for hosts that ask by date. */
  readonly nowMs: number;
}

export type Answer =
  | { readonly kind: 'bytes'; readonly bytes: Buffer; readonly etag: string | null }
  | { readonly kind: 'unchanged' }
  /** The host says that there is no such file. */
  | { readonly kind: 'absent'; readonly reason: string };

/** The host can't be asked now, or has lost a file: no word about what is true. */
export class Unreachable extends Error {
  readonly retryAfterMs: number | null;

  constructor(reason: string, cause?: unknown, askedMs: number | null = null) {
    super(reason, cause === undefined ? undefined : { cause });
    this.name = 'Unreachable';
    this.retryAfterMs = askedMs;
  }
}

/** Hosts answer 403 instead of 404 where listing is forbidden. */
const ABSENT = new Set([403, 404, 410]);

export class DirectiveFetcher {
  readonly #options: FetcherOptions;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** One GET of at most `most` bytes; `etag` makes it conditional. Throws Unreachable, or TufRefusal for an answer without end. */
  async get(url: string, most: number, etag: string | null = null): Promise<Answer> {
    try {
      return await (url.startsWith('file:') ? readOut(url, most) : this.#ask(url, most, etag));
    } catch (error) {
      if (error instanceof TufRefusal || error instanceof Unreachable) throw error;
      throw new Unreachable(`${url}: ${tellCause(error)}`, error);
    }
  }

  /** As `get`, for a file that must be there. */
  async getPresent(url: string, most: number): Promise<Buffer> {
    const answer = await this.get(url, most);
    if (answer.kind === 'bytes') return answer.bytes;
    throw new Unreachable(answer.kind === 'absent' ? answer.reason : `${url}: the host sent no bytes`);
  }

  async #ask(url: string, most: number, etag: string | null): Promise<Answer> {
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(this.#options.timeoutMs)]);
    const headers: Record<string, string> = etag === null ? {} : { 'if-none-match': etag };
    const response = await this.#options.fetch(url, { signal, headers });
    if (response.status === 200) {
      const bytes = await readBounded(response, most, () => tooLong(url, most));
      return { kind: 'bytes', bytes, etag: response.headers.get('etag') };
    }
    await response.body?.cancel();
    if (response.status === 304 && etag !== null) return { kind: 'unchanged' };
    const reason = `${url}: the host answered ${response.status}`;
    if (ABSENT.has(response.status)) return { kind: 'absent', reason };
    throw new Unreachable(reason, undefined, retryAfterMs(response.headers, this.#options.nowMs));
  }
}

function tooLong(url: string, most: number): TufRefusal {
  return new TufRefusal('TUF_LENGTH', `${url} has more than the ${most} bytes allowed.`);
}

/** A carried disk is as hostile as a host: no pipes that hang, no devices without end. */
async function readOut(url: string, most: number): Promise<Answer> {
  try {
    const bytes = await readFileIfPresent(fileURLToPath(url), most);
    if (bytes === undefined) return { kind: 'absent', reason: `${url}: there is no such file` };
    return { kind: 'bytes', bytes, etag: null };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'FILE_SIZE') throw tooLong(url, most);
    if (code === 'FILE_KIND') return { kind: 'absent', reason: `${url} is not a file` };
    throw error;
  }
}

/** `fetch failed` says nothing; its cause does. */
function tellCause(error: unknown): string {
  const { cause } = error as Error;
  return cause instanceof Error && cause.message !== '' ? cause.message : ((error as Error)?.message ?? String(error));
}
