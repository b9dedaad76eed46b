// Owns downloading one file: resumed where it was cut, digested while it streams, bounded, and durable before it counts.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../../src/base/clock.ts';
import { CodedError, formatInLine } from '../../../src/base/errors.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import { isDiskFull } from '../record/disk-reserve.ts';
import type { CredentialsFor } from './artifact-credentials.ts';
import { fetchArtifact, readRefusal } from './fetch-artifact.ts';
import { describeAnswer, httpError, retryAfterMs } from './http.ts';
import type { Throttle } from './throttle.ts';
import { TimeLimit } from './time-limit.ts';

export interface DownloadRequest {
  /** May be a pre-signed one: nothing but its host and path is ever logged. */
  readonly url: string;
  /** What this device shows to private hosts; null = nothing. */
  readonly credentials: CredentialsFor | null;
  readonly file: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Bytes of an earlier try that are safe on disk, and the name (ETag) that the server gave them. */
  readonly offset: number;
  readonly etag: string | null;
  /** Called when this much is flushed; a later try may start there. */
  readonly onFlushed: (offset: number, etag: string | null) => Promise<void>;
  /** Keeps the device's downloads together below their cap; null = no cap. */
  readonly throttle: Throttle | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type DownloadResult =
  | { readonly kind: 'done' }
  /** A whole answer with the wrong bytes, too few or too many: it says something of the host. Nothing of it is kept. */
  | { readonly kind: 'wrong'; readonly message: string }
  /** `isTimeout`: the server fell silent, or sent next to nothing. */
  | {
      readonly kind: 'cut';
      readonly message: string;
      readonly retryAfterMs: number | null;
      readonly isTimeout: boolean;
    }
  | { readonly kind: 'full'; readonly message: string };

/** Between flushes at least this much, and at most 64 flushes a file. */
const LEAST_FLUSH_BYTES = 512 * 1024;
/** The try ends when fewer than `LEAST_BYTES` arrive in this time; what came is kept, and the next try goes on there. */
const STALL_MS = 60_000;
const LEAST_BYTES = 16 * 1024;

/** One try. Never throws for what networks, servers or full disks do. */
export async function download(request: DownloadRequest): Promise<DownloadResult> {
  const { file } = request;
  try {
    await using handle = await open(file, 'a+', 0o644).then(async (created) => {
      await created.close();
      return open(file, 'r+');
    });
    return await new Transfer(request, handle).run();
  } catch (error) {
    if (isDiskFull(error)) return { kind: 'full', message: 'The disk is full.' };
    if (error instanceof CodedError) return cut(formatInLine(error));
    return cut(httpError(request.url, error).message, null, error instanceof Stalled);
  }
}

function cut(message: string, afterMs: number | null = null, isTimeout = false): DownloadResult {
  return { kind: 'cut', message, retryAfterMs: afterMs, isTimeout };
}

/** Fewer than `LEAST_BYTES` arrived in `STALL_MS`. */
class Stalled extends Error {}

class Transfer {
  readonly #request: DownloadRequest;
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #offset = 0;
  #etag: string | null = null;
  /** Who sent the bytes, and what they were said to be. */
  #source = 'The part kept on this device';

  constructor(request: DownloadRequest, handle: FileHandle) {
    this.#request = request;
    this.#handle = handle;
  }

  async run(): Promise<DownloadResult> {
    const { sizeBytes, digest } = this.#request;
    await this.#resume();
    if (this.#offset < sizeBytes) {
      const answer = await this.#receive();
      if (answer !== undefined) return answer;
    }
    const found = `sha256:${this.#hash.digest('hex')}`;
    return found === digest ? { kind: 'done' } : this.#wrong(`of which the digest is ${found}, not ${digest}`);
  }

  /** The next try begins at 0: nobody knows which of the bytes were wrong. */
  async #wrong(how: string): Promise<DownloadResult> {
    await this.#startOver();
    await this.#request.onFlushed(0, null);
    return { kind: 'wrong', message: `${this.#source} ${how}.` };
  }

  /** Keeps of the file what an earlier try flushed, and digests it. */
  async #resume(): Promise<void> {
    const { file, offset, etag, sizeBytes } = this.#request;
    const { size } = await this.#handle.stat();
    const kept = offset <= size && offset <= sizeBytes ? offset : 0;
    await this.#handle.truncate(kept);
    if (kept === 0) return;
    for await (const chunk of createReadStream(file, { end: kept - 1 })) this.#hash.update(chunk as Buffer);
    this.#offset = kept;
    this.#etag = etag;
  }

  async #startOver(): Promise<void> {
    await this.#handle.truncate(0);
    this.#hash = createHash('sha256');
    this.#offset = 0;
  }

  async #receive(): Promise<DownloadResult | undefined> {
    const { url, credentials, clock, signal } = this.#request;
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (this.#offset > 0) {
      headers.range = `bytes=${this.#offset}-`;
      if (this.#etag !== null && !this.#etag.startsWith('W/')) headers['if-range'] = this.#etag;
    }
    using limit = new TimeLimit({ clock, ms: STALL_MS, stop: signal });
    try {
      const response = await fetchArtifact(url, { headers, credentials, signal: limit.signal });
      const refusal = await this.#judge(response);
      if (refusal !== undefined) return refusal;
      this.#etag = response.headers.get('etag');
      this.#source = describeAnswer(response);
      return await this.#store(response, limit);
    } catch (error) {
      await this.#flush();
      const slow = `fewer than ${LEAST_BYTES} bytes arrived in ${STALL_MS / 1000} s`;
      throw limit.isOver ? new Stalled(slow) : error;
    }
  }

  /** Keeps the bytes before a cut: on a bad line each try may bring only a few. */
  async #flush(): Promise<void> {
    await this.#handle.datasync();
    await this.#request.onFlushed(this.#offset, this.#etag);
  }

  /** Undefined when the body continues at `#offset` (set back to 0 where the server starts over). */
  async #judge(response: Response): Promise<DownloadResult | undefined> {
    if (response.status === 200) {
      await this.#startOver();
      return undefined;
    }
    if (response.status === 206 && this.#goesOn(response)) return undefined;
    const refusal = await readRefusal(response);
    const after = retryAfterMs(response.headers, this.#request.clock.now());
    if (response.status === 206 || response.status === 416) {
      await this.#startOver();
      await this.#request.onFlushed(0, null);
    }
    return cut(`The server answered ${refusal} for ${new URL(this.#request.url).pathname}.`, after);
  }

  /** Is it the rest of the representation that the kept part is of? A host without strong ETags can't say so itself. */
  #goesOn({ headers }: Response): boolean {
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(headers.get('content-range') ?? '');
    if (range === null || Number(range[1]) !== this.#offset) return false;
    const isWhole = range[2] === '*' || Number(range[2]) === this.#request.sizeBytes;
    const etag = headers.get('etag');
    return isWhole && (this.#etag === null || etag === null || etag === this.#etag);
  }

  async #store(response: Response, limit: TimeLimit): Promise<DownloadResult | undefined> {
    const { sizeBytes, throttle, signal } = this.#request;
    const flushEvery = Math.max(LEAST_FLUSH_BYTES, sizeBytes / 64);
    let flushed = this.#offset;
    let heard = this.#offset;
    for await (const chunk of response.body ?? []) {
      if (this.#offset + chunk.length > sizeBytes)
        return this.#wrong(`that is longer than the ${sizeBytes} bytes of the manifest`);
      await this.#handle.write(chunk, 0, chunk.length, this.#offset);
      this.#hash.update(chunk);
      this.#offset += chunk.length;
      if (this.#offset - flushed >= flushEvery && this.#offset < sizeBytes) {
        await this.#flush();
        flushed = this.#offset;
      }
      if (this.#offset - heard >= LEAST_BYTES) {
        limit.restart();
        heard = this.#offset;
      }
      // The agent's own pause is no silence of the server.
      limit.pause();
      await throttle?.take(chunk.length, signal);
      limit.resume();
    }
    if (this.#offset < sizeBytes) return this.#endedEarly(response);
    await this.#handle.datasync();
    return undefined;
  }

  /** A body with a length or in chunks breaks with an error when it is cut; one that ends as it should was never the file. */
  async #endedEarly({ headers }: Response): Promise<DownloadResult> {
    const how = `that ends at ${this.#offset} of ${this.#request.sizeBytes} bytes`;
    if (headers.has('content-length') || headers.has('transfer-encoding')) return this.#wrong(how);
    await this.#flush();
    return cut(`${this.#source} ${how}.`);
  }
}
