// Owns one request that may carry a large body: streamed, ended when nothing moves, its answer bounded, redirects not followed.
import http, { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http';
import https from 'node:https';
import type { Clock } from '../../base/clock.ts';

export interface StreamedBody {
  readonly sizeBytes: number;
  /** Asked once for each try. What it throws ends the request, and is thrown on. */
  readonly chunks: () => AsyncIterable<Uint8Array>;
}

export interface OutgoingRequest {
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array | StreamedBody | null;
  /** The body of the answer isn't read. */
  readonly headersOnly?: boolean;
}

export interface SendingTerms {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** The body must move within this time, `QUIET_MS` unless given. */
  readonly quietMs?: number | undefined;
  /** From the last byte of the body to the last one of the answer, `ANSWER_MS` unless given. */
  readonly answerMs?: number | undefined;
}

export interface ReceivedAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export type SendOutcome =
  | { readonly kind: 'answered'; readonly answer: ReceivedAnswer }
  /** `isFinal`: another try would end alike. The reason never holds the address. */
  | { readonly kind: 'failed'; readonly reason: string; readonly isFinal: boolean };

const QUIET_MS = 60_000;
/** Stores digest and join what they got before they answer. */
const ANSWER_MS = 5 * 60_000;
const MOST_ANSWER_BYTES = 64 * 1024;
const SLICE_BYTES = 256 * 1024;
/** Of Node's TLS: the host's certificate is at fault. */
const CERTIFICATE = /^(?:CERT_|UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|ERR_TLS_|ERR_SSL_|HOSTNAME_MISMATCH)/;

/** Throws only what the body throws. */
export async function sendRequest(outgoing: OutgoingRequest, terms: SendingTerms): Promise<SendOutcome> {
  return await new Sending(outgoing, terms).run();
}

/** For an answer that is there and can't be used. */
class Unusable extends Error {}

class Sending {
  readonly #outgoing: OutgoingRequest;
  readonly #terms: SendingTerms;
  readonly #over = new AbortController();
  #movedMs: number;
  #isSent = false;
  #late: string | null = null;

  constructor(outgoing: OutgoingRequest, terms: SendingTerms) {
    this.#outgoing = outgoing;
    this.#terms = terms;
    this.#movedMs = terms.clock.monotonicMs();
  }

  async run(): Promise<SendOutcome> {
    const { url, method, headers, body } = this.#outgoing;
    const sizeBytes = body === null ? null : body instanceof Uint8Array ? body.length : body.sizeBytes;
    const length = sizeBytes === null ? {} : { 'content-length': String(sizeBytes) };
    const always = { 'user-agent': 'slipway', 'accept-encoding': 'identity' };
    const request = (url.startsWith('https:') ? https : http).request(url, {
      method,
      headers: { ...always, ...headers, ...length },
      signal: this.#terms.signal,
    });
    const answered = this.#answerOf(request);
    void this.#watch(request);
    try {
      const pumped = this.#pump(request).catch((error) => {
        request.destroy();
        throw error;
      });
      // A host that refuses answers before the body is through, and a body that fails never gets an answer.
      const answer = await Promise.race([answered, pumped.then(() => answered)]);
      return { kind: 'answered', answer };
    } catch (error) {
      if (error instanceof RequestError) return this.#failed(error.cause);
      throw error;
    } finally {
      this.#over.abort();
      if (!request.writableFinished) request.destroy();
      answered.catch(() => undefined);
    }
  }

  #failed(cause: unknown): SendOutcome {
    if (this.#late !== null) return { kind: 'failed', reason: this.#late, isFinal: false };
    if (cause instanceof Unusable) return { kind: 'failed', reason: cause.message, isFinal: true };
    const { code = '' } = Object(cause) as NodeJS.ErrnoException;
    if (CERTIFICATE.test(code))
      return { kind: 'failed', reason: `its certificate can't be verified (${code})`, isFinal: true };
    return { kind: 'failed', reason: `it can't be reached (${code || 'connection lost'})`, isFinal: false };
  }

  #moved(): void {
    this.#movedMs = this.#terms.clock.monotonicMs();
  }

  async #watch(request: ClientRequest): Promise<void> {
    const { clock, quietMs = QUIET_MS, answerMs = ANSWER_MS } = this.#terms;
    while (!this.#over.signal.aborted) {
      const limitMs = this.#isSent ? answerMs : quietMs;
      const leftMs = limitMs - (clock.monotonicMs() - this.#movedMs);
      if (leftMs <= 0) {
        const what = this.#isSent ? 'it did not answer' : 'it took no more bytes';
        this.#late = `${what} for ${limitMs / 1000} s`;
        request.destroy();
        return;
      }
      await clock.sleep(Math.min(leftMs, quietMs, answerMs), this.#over.signal);
    }
  }

  async #pump(request: ClientRequest): Promise<void> {
    const { body } = this.#outgoing;
    const chunks = body === null ? [] : body instanceof Uint8Array ? slicesOf(body) : body.chunks();
    for await (const chunk of chunks) {
      if (this.#isSent || request.destroyed) return;
      if (!request.write(chunk)) await drained(request);
      this.#moved();
    }
    this.#sent();
    request.end();
  }

  /** From now on the answer is due. */
  #sent(): void {
    if (this.#isSent) return;
    this.#isSent = true;
    this.#moved();
  }

  #answerOf(request: ClientRequest): Promise<ReceivedAnswer> {
    return new Promise((resolve, reject) => {
      const fail = (cause: unknown): void => reject(new RequestError('request failed', { cause }));
      request.on('error', fail);
      const closed = (): void => fail(undefined);
      request.on('close', closed);
      request.on('response', (response) => {
        request.off('close', closed); // the response tells from now on
        this.#sent();
        const { statusCode: status = 0, headers } = response;
        // Some hosts (Swift) send a body after HEAD, which would be read as the next answer.
        if (this.#outgoing.headersOnly === true || this.#outgoing.method === 'HEAD') {
          resolve({ status, headers, text: '' });
          request.destroy();
          return;
        }
        textOf(response).then((text) => resolve({ status, headers, text }), fail);
      });
    });
  }
}

/** Tells what the request suffered from what its body threw. */
class RequestError extends Error {}

function* slicesOf(bytes: Uint8Array): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += SLICE_BYTES) yield bytes.subarray(at, at + SLICE_BYTES);
}

function drained(request: ClientRequest): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'close', 'response']) request.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'close', 'response']) request.on(event, done);
  });
}

async function textOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response) {
    length += chunk.length;
    if (length > MOST_ANSWER_BYTES) throw new Unusable('its answer is longer than 64 KiB');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
