// Owns the requests of a TUF client: bounded in size and time, over HTTP(S) or out of a folder.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Fetcher } from 'tuf-js';
import { DownloadHTTPError, DownloadLengthMismatchError } from 'tuf-js/dist/error.js';

/** What `fetch` of the platform does; given from outside so that devices choose TLS and proxies in one place. */
export type Fetch = (
  url: string,
  init: { readonly signal: AbortSignal; readonly headers?: Record<string, string> },
) => Promise<Response>;

export interface FetcherOptions {
  readonly fetch: Fetch;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly etag: string | null;
  readonly bytes: Buffer;
}

/** Bytes of an answer, never more than `most`: an endless stream is cut off, not collected. */
export async function readBounded(response: Response, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > most) throw new DownloadLengthMismatchError(`more than ${most} bytes`);
    chunks.push(Buffer.from(chunk));
  }
  return Buffer.concat(chunks);
}

/** The fetcher that tuf-js asks. Remembers whether the last failure was one of reaching the host. */
export class DirectiveFetcher implements Fetcher {
  readonly #options: FetcherOptions;
  /** Why the host could not be reached; null while it answers. */
  unreachable: Error | null = null;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** One GET. `etag` makes it conditional; 304 has no bytes. Throws when the host does not answer in time. */
  async get(url: string, most: number, etag?: string): Promise<Answer> {
    if (url.startsWith('file:')) return this.#readFile(url, most);
    const signal = AbortSignal.any([this.#options.signal, AbortSignal.timeout(this.#options.timeoutMs)]);
    try {
      const response = await this.#options.fetch(url, {
        signal,
        ...(etag === undefined ? {} : { headers: { 'if-none-match': etag } }),
      });
      if (response.status >= 500) throw new Error(`the host answered ${response.status}`);
      const bytes = response.ok ? await readBounded(response, most) : Buffer.alloc(0);
      if (!response.ok) await response.body?.cancel();
      return { status: response.status, etag: response.headers.get('etag'), bytes };
    } catch (error) {
      if (!(error instanceof DownloadLengthMismatchError)) this.unreachable = error as Error;
      throw error;
    }
  }

  async #readFile(url: string, most: number): Promise<Answer> {
    try {
      const bytes = await readFile(fileURLToPath(url));
      if (bytes.length > most) throw new DownloadLengthMismatchError(`more than ${most} bytes`);
      return { status: 200, etag: null, bytes };
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT')
        return { status: 404, etag: null, bytes: Buffer.alloc(0) };
      throw error;
    }
  }

  async downloadBytes(url: string, maxLength: number): Promise<Buffer> {
    const answer = await this.get(url, maxLength);
    if (answer.status !== 200)
      throw new DownloadHTTPError(`the host answered ${answer.status} for ${url}`, answer.status);
    return answer.bytes;
  }

  downloadFile<T>(): Promise<T> {
    return Promise.reject(new Error('target files are read as bytes'));
  }
}
