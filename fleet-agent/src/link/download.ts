// Owns downloading one file: resumed where it was cut, digested while it streams, bounded, and durable before it counts.
import { createHash, type Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import type { Clock } from '../../../src/base/clock.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import { isDiskFull } from '../record/disk-reserve.ts';
import { httpError, retryAfterMs } from './http.ts';
import { TimeLimit } from './time-limit.ts';

export interface DownloadRequest {
  readonly url: string;
  readonly file: string;
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Bytes of an earlier try that are safe on disk, and the name (ETag) that the server gave them. */
  readonly offset: number;
  readonly etag: string | null;
  /** Called when this much is flushed; a later try may start there. */
  readonly onFlushed: (offset: number, etag: string | null) => Promise<void>;
  /** Bytes a second at most; null = no cap. */
  readonly bytesPerSecondMost: number | null;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export type DownloadResult =
  | { readonly kind: 'done' }
  /** All bytes arrived, and they are the wrong ones (or too many). `wasResumed`: the part kept from before may be at fault. */
  | { readonly kind: 'corrupt'; readonly wasResumed: boolean; readonly message: string }
  /** `isTimeout`: the server fell silent. */
  | {
      readonly kind: 'cut';
      readonly message: string;
      readonly retryAfterMs: number | null;
      readonly isTimeout: boolean;
    }
  | { readonly kind: 'full'; readonly message: string };

/** Between flushes at least this much, and at most 64 flushes a file. */
const LEAST_FLUSH_BYTES = 512 * 1024;
/** The try ends when the server sends nothing for this long. */
const STALL_MS = 60_000;

/** One try. Never throws for what networks, servers or full disks do. */
export async function download(request: DownloadRequest): Promise<DownloadResult> {
  const { file } = request;
  try {
    await using handle = await open(file, 'a+').then(async (created) => {
      await created.close();
      return open(file, 'r+');
    });
    return await new Transfer(request, handle).run();
  } catch (error) {
    if (isDiskFull(error)) return { kind: 'full', message: 'The disk is full.' };
    return cut(httpError(request.url, error).message, null, error instanceof Stalled);
  }
}

function cut(message: string, afterMs: number | null = null, isTimeout = false): DownloadResult {
  return { kind: 'cut', message, retryAfterMs: afterMs, isTimeout };
}

/** The server sent nothing for `STALL_MS`. */
class Stalled extends Error {}

class Transfer {
  readonly #request: DownloadRequest;
  readonly #handle: FileHandle;
  #hash: Hash = createHash('sha256');
  #offset = 0;
  #etag: string | null = null;

  constructor(request: DownloadRequest, handle: FileHandle) {
    this.#request = request;
    this.#handle = handle;
  }

  async run(): Promise<DownloadResult> {
    const { sizeBytes } = this.#request;
    await this.#resume();
    const wasResumed = this.#offset > 0;
    if (this.#offset < sizeBytes) {
      const answer = await this.#receive();
      if (answer !== undefined) return answer;
    }
    if (this.#offset < sizeBytes) return cut(`The download stopped at ${this.#offset} of ${sizeBytes} bytes.`);
    const found = `sha256:${this.#hash.digest('hex')}`;
    if (found === this.#request.digest) return { kind: 'done' };
    return { kind: 'corrupt', wasResumed, message: `Its digest is ${found}, not ${this.#request.digest}.` };
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
    const { url, clock, signal } = this.#request;
    const headers: Record<string, string> = { 'accept-encoding': 'identity' };
    if (this.#offset > 0) {
      headers.range = `bytes=${this.#offset}-`;
      if (this.#etag !== null && !this.#etag.startsWith('W/')) headers['if-range'] = this.#etag;
    }
    using limit = new TimeLimit({ clock, ms: STALL_MS, stop: signal });
    try {
      const response = await fetch(url, { headers, signal: limit.signal });
      const refusal = await this.#judge(response);
      if (refusal !== undefined) return refusal;
      this.#etag = response.headers.get('etag');
      return await this.#store(response, limit);
    } catch (error) {
      await this.#flush();
      throw limit.isOver ? new Stalled(`nothing arrived for ${STALL_MS / 1000} s`) : error;
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
    const range = /^bytes (\d+)-\d+\/(\d+|\*)$/.exec(response.headers.get('content-range') ?? '');
    if (response.status === 206 && range !== null && Number(range[1]) === this.#offset) return undefined;
    await response.body?.cancel();
    const after = retryAfterMs(response.headers, this.#request.clock.now());
    if (response.status === 206 || response.status === 416) {
      await this.#startOver();
      await this.#request.onFlushed(0, null);
    }
    return cut(`The server answered ${response.status} for ${new URL(this.#request.url).pathname}.`, after);
  }

  async #store(response: Response, limit: TimeLimit): Promise<DownloadResult | undefined> {
    const { sizeBytes, bytesPerSecondMost, clock, signal } = this.#request;
    const flushEvery = Math.max(LEAST_FLUSH_BYTES, sizeBytes / 64);
    const [startMs, startOffset] = [clock.monotonicMs(), this.#offset];
    let flushed = this.#offset;
    for await (const chunk of response.body ?? []) {
      limit.restart();
      if (this.#offset + chunk.length > sizeBytes) {
        const message = `It is longer than the ${sizeBytes} bytes that its manifest states.`;
        return { kind: 'corrupt', wasResumed: false, message };
      }
      await this.#handle.write(chunk, 0, chunk.length, this.#offset);
      this.#hash.update(chunk);
      this.#offset += chunk.length;
      if (this.#offset - flushed >= flushEvery && this.#offset < sizeBytes) {
        await this.#flush();
        flushed = this.#offset;
      }
      if (bytesPerSecondMost !== null) {
        const dueMs = ((this.#offset - startOffset) / bytesPerSecondMost) * 1000;
        await clock.sleep(dueMs - (clock.monotonicMs() - startMs), signal);
        // The agent's own pause is no silence of the server.
        limit.restart();
      }
    }
    if (this.#offset < sizeBytes) await this.#flush();
    else await this.#handle.datasync();
    return undefined;
  }
}
