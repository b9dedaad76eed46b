// What the service promises publishers: an artifact comes whole, in parts or again after a cut, and every refusal says what to do.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { type ClientRequest, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import type { TokenScope } from '../../src/contract/api-token.ts';
import { digestOf, hexOf } from '../../src/contract/digest.ts';
import { ArtifactUploads } from '../../src/distribution/artifact-uploads.ts';
import { folder } from '../store/reports.ts';
import { type Service, startService } from './service.ts';

const BYTES = Buffer.alloc(3_000_000, 'weights of a model, ');
const DIGEST = digestOf(BYTES);

class Publisher {
  readonly #url: string;
  readonly #token: string;

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  static async of(service: Service, scopes: readonly TokenScope[] = ['publish']): Promise<Publisher> {
    const order = { name: 'ci', scopes, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() };
    return new Publisher(service.url, (await service.store.createApiToken(order)).token);
  }

  get authorization(): string {
    return `Bearer ${this.#token}`;
  }

  /** Opens a PUT; whoever calls writes the body. */
  open(headers: Record<string, string | number>, digest: string = DIGEST): ClientRequest {
    const { authorization } = this;
    return httpRequest(`${this.#url}/v1/artifacts/${digest}`, {
      method: 'PUT',
      headers: { authorization, ...headers },
    });
  }

  async put(bytes: Buffer, headers: Record<string, string | number> = {}, digest: string = DIGEST) {
    const request = this.open({ 'Content-Length': bytes.length, ...headers }, digest);
    // Who reads the answer first, goes on sending into a closed connection.
    request.on('error', () => {});
    request.end(bytes);
    return answerOf(request);
  }

  /** Says more than it sends, and is gone after that. */
  async cut(bytes: Buffer, from: number, at: number): Promise<void> {
    const request = this.open({ 'Content-Length': bytes.length - from, ...rangeOf(from, bytes.length) });
    request.on('error', () => {});
    await new Promise<void>((resolve) => request.write(bytes.subarray(from, at), () => resolve()));
    await until(async () => (await this.head()).offset === at);
    request.destroy();
    await until(async () => (await this.put(Buffer.from('x'), rangeOf(1, 2))).code === 'ARTIFACT_OFFSET');
  }

  async head(digest: string = DIGEST): Promise<{ status: number; offset: number }> {
    const headers = { authorization: this.authorization };
    const answer = await fetch(`${this.#url}/v1/artifacts/${digest}`, { method: 'HEAD', headers });
    return { status: answer.status, offset: Number(answer.headers.get('upload-offset')) };
  }
}

function rangeOf(from: number, to = BYTES.length, total = BYTES.length): Record<string, string> {
  return { 'Content-Range': `bytes ${from}-${to - 1}/${total}` };
}

async function answerOf(request: ClientRequest) {
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const chunk of response) text += chunk;
  const { error, ...value } = JSON.parse(text) as { error?: { code: string; message: string; remedy: string } };
  const { 'upload-offset': offset, 'retry-after': retryAfter } = response.headers;
  return { status: response.statusCode, offset, retryAfter, ...error, ...value };
}

/** All that came until the connection closed. */
function heardOn(socket: Socket): Promise<string> {
  let heard = '';
  socket.on('error', ({ message }) => {
    heard += `\n${message}`;
  });
  socket.on('data', (chunk) => {
    heard += chunk.toString();
  });
  return new Promise((resolve) => socket.once('close', () => resolve(heard)));
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let i = 0; !(await isSo()); i++) {
    if (i > 500) throw new Error('it never came');
    await sleep(10);
  }
}

function filesOf(publicationFolder: string): string[] {
  const artifacts = path.join(publicationFolder, 'artifacts');
  return existsSync(artifacts) ? readdirSync(artifacts) : [];
}

const stored = (service: Service): Buffer =>
  readFileSync(path.join(service.publicationFolder, 'artifacts', hexOf(DIGEST)));

describe('an artifact', () => {
  it('that is sent whole is answered 201, and devices can fetch it; sent again, 200 without its bytes', async () => {
    await using service = await startService();
    const publisher = await Publisher.of(service);
    expect(await publisher.head()).toEqual({ status: 404, offset: 0 });
    const whole = { digest: DIGEST, sizeBytes: BYTES.length, receivedBytes: BYTES.length };
    expect(await publisher.put(BYTES)).toMatchObject({ status: 201, ...whole });
    const fetched = await fetch(`${service.url}/distribution/artifacts/${hexOf(DIGEST)}`);
    expect(Buffer.from(await fetched.arrayBuffer())).toEqual(BYTES);
    expect(await publisher.head()).toEqual({ status: 200, offset: BYTES.length });
    const request = publisher.open({ 'Content-Length': BYTES.length, Expect: '100-continue' });
    let isAsked = false;
    request.on('continue', () => {
      isAsked = true;
    });
    request.flushHeaders();
    expect(await answerOf(request)).toMatchObject({ status: 200, ...whole });
    request.destroy();
    expect(isAsked).toBe(false);
    expect(service.errors).toEqual([]);
  });

  it('whose sender waits to be asked for it is asked', async () => {
    await using service = await startService();
    const request = (await Publisher.of(service)).open({ 'Content-Length': BYTES.length, Expect: '100-continue' });
    request.flushHeaders();
    await once(request, 'continue');
    request.end(BYTES);
    expect(await answerOf(request)).toMatchObject({ status: 201 });
  });

  it('cut at any third goes on where it ended', async () => {
    for (const at of [1_000_000, 2_000_000, 2_999_999]) {
      await using service = await startService();
      const publisher = await Publisher.of(service);
      await publisher.cut(BYTES, 0, at);
      expect(await publisher.head()).toEqual({ status: 404, offset: at });
      expect(await publisher.put(BYTES.subarray(at - 1), rangeOf(at - 1))).toMatchObject({
        ...{ status: 409, code: 'ARTIFACT_OFFSET', offset: String(at) },
        remedy: `Go on with \`Content-Range: bytes ${at}-…\`, or send the whole.`,
      });
      expect(await publisher.put(BYTES.subarray(at), rangeOf(at))).toMatchObject({ status: 201 });
      expect(stored(service)).toEqual(BYTES);
    }
  });

  it('may come in parts', async () => {
    await using service = await startService();
    const publisher = await Publisher.of(service);
    for (let from = 0; from < 2_000_000; from += 1_000_000) {
      const part = BYTES.subarray(from, from + 1_000_000);
      const answer = await publisher.put(part, rangeOf(from, from + 1_000_000));
      expect(answer).toMatchObject({ status: 202, offset: String(from + 1_000_000), receivedBytes: from + 1_000_000 });
    }
    expect(await publisher.put(BYTES.subarray(2_000_000), rangeOf(2_000_000))).toMatchObject({ status: 201 });
    expect(stored(service)).toEqual(BYTES);
  });

  it('of which all bytes are there already is completed by none', async () => {
    await using service = await startService();
    const publisher = await Publisher.of(service);
    mkdirSync(path.join(service.publicationFolder, 'artifacts'));
    writeFileSync(path.join(service.publicationFolder, 'artifacts', `.${hexOf(DIGEST)}.upload`), BYTES);
    const answer = await publisher.put(Buffer.alloc(0), rangeOf(BYTES.length));
    expect(answer).toMatchObject({ status: 201, receivedBytes: BYTES.length });
  });

  it('larger than what an address may send of other things comes through at once, and so does the next', async () => {
    await using service = await startService({ bytesPerAddress: { perSecond: 1, burst: 1_000 } });
    const publisher = await Publisher.of(service);
    expect(await publisher.put(BYTES)).toMatchObject({ status: 201 });
    expect(await publisher.put(BYTES.subarray(1), {}, digestOf(BYTES.subarray(1)))).toMatchObject({ status: 201 });
  });

  it('with other bytes than its digest says is discarded, and that is said', async () => {
    await using service = await startService();
    const publisher = await Publisher.of(service);
    const wrong = Buffer.alloc(3_000_000, 'other');
    const answer = await publisher.put(wrong);
    expect(answer).toMatchObject({ status: 422, code: 'ARTIFACT_DIGEST' });
    expect(answer.message).toContain(digestOf(wrong));
    expect(filesOf(service.publicationFolder)).toEqual([]);
  });

  it('is taken by one of several senders at once, and the others are told when to come again', async () => {
    await using service = await startService();
    const publishers = await Promise.all([1, 2, 3].map(() => Publisher.of(service)));
    const [first, ...others] = publishers as [Publisher, ...Publisher[]];
    const request = first.open({ 'Content-Length': BYTES.length });
    request.write(BYTES.subarray(0, 1_000));
    await until(async () => (await first.head()).offset === 1_000);
    for (const other of others)
      expect(await other.put(BYTES)).toMatchObject({ status: 409, code: 'ARTIFACT_BUSY', retryAfter: '10' });
    request.end(BYTES.subarray(1_000));
    expect(await answerOf(request)).toMatchObject({ status: 201 });
    expect(stored(service)).toEqual(BYTES);
  });
});

describe('an upload', () => {
  it('is refused to tokens without the scope, before a byte of it is read', async () => {
    await using service = await startService();
    for (const scopes of [['view'], ['report', 'enrol']] as const) {
      const publisher = await Publisher.of(service, scopes);
      expect(await publisher.put(BYTES)).toMatchObject({ status: 403, code: 'TOKEN_SCOPE' });
      expect((await publisher.head()).status).toBe(403);
    }
    expect(await new Publisher(service.url, 'guess').put(BYTES)).toMatchObject({ status: 401, code: 'TOKEN_UNKNOWN' });
    expect(filesOf(service.publicationFolder)).toEqual([]);
    expect(await (await Publisher.of(service, ['admin'])).put(BYTES)).toMatchObject({ status: 201 });
  });

  it('that says nothing sound of its length, its range, its coding or its digest is refused', async () => {
    await using service = await startService();
    const publisher = await Publisher.of(service);
    const refused = async (headers: Record<string, string>, digest?: string) =>
      (await publisher.put(BYTES, headers, digest)).code;
    for (const range of [
      'bytes 0-10/3000000',
      'bytes 0-2999999/*',
      'bytes 0-2999999/2999999',
      'bytes -5',
      'items 0-1/2',
    ])
      expect([range, await refused({ 'Content-Range': range })]).toEqual([range, 'ARTIFACT_RANGE']);
    expect(await refused({ 'Content-Encoding': 'gzip' })).toBe('HTTP_BODY_ENCODING');
    for (const digest of ['sha256:1', hexOf(DIGEST), DIGEST.toUpperCase(), `${DIGEST}0`, '..%2f..%2fslipway.db'])
      expect([digest, await refused({}, digest)]).toEqual([digest, 'ARTIFACT_DIGEST_FORM']);
    const endless = publisher.open({ 'Transfer-Encoding': 'chunked' });
    endless.on('error', () => {});
    endless.write('x');
    expect(await answerOf(endless)).toMatchObject({ status: 411, code: 'ARTIFACT_LENGTH' });
    const huge = publisher.open({ 'Content-Length': 60 * 1024 ** 3 });
    huge.on('error', () => {});
    huge.write('x');
    expect(await answerOf(huge)).toMatchObject({ status: 413, code: 'ARTIFACT_TOO_LARGE' });
    expect(filesOf(service.publicationFolder)).toEqual([]);
    expect(service.errors).toEqual([]);
  });

  it('for which there is no room is refused, and reports are not', async () => {
    await using place = folderOf();
    for (const [limits, code] of [
      [{ quotaBytes: 2_999_999 }, 'ARTIFACT_QUOTA'],
      [{ quotaBytes: 1e12, readDisk: async () => ({ freeBytes: 1e9, reservedBytes: 1e9 }) }, 'ARTIFACT_DISK_FULL'],
    ] as const) {
      await using service = await startService({ artifacts: new ArtifactUploads(place.path, limits) });
      const answer = await (await Publisher.of(service)).put(BYTES);
      expect(answer).toMatchObject({ status: 507, code });
      expect(answer.remedy).toContain('slipway prune');
      expect(filesOf(place.path)).toEqual([]);
      expect((await fetch(`${service.url}/v1/reports`, { method: 'POST', body: '[]' })).status).toBe(200);
    }
  });

  it('that is refused hears why, and is not cut off while it still sends', async () => {
    await using service = await startService();
    const large = Buffer.alloc(7_000_000);
    const refused = await Publisher.of(service, ['view']);
    for (let i = 0; i < 5; i++) {
      const socket = connect(service.port, '127.0.0.1');
      const heard = heardOn(socket);
      socket.write(`PUT /v1/artifacts/${DIGEST} HTTP/1.1\r\nHost: x\r\nAuthorization: ${refused.authorization}\r\n`);
      socket.write(`Content-Length: ${large.length}\r\n\r\n`);
      socket.write(large);
      expect(await heard).toMatch(/^HTTP\/1\.1 403 [\s\S]*TOKEN_SCOPE[^\n]*$/);
    }
  });

  it('is counted by answer, and its bytes', async () => {
    const metrics = new Metrics();
    await using service = await startService({ metrics });
    const publisher = await Publisher.of(service);
    await publisher.put(BYTES);
    await publisher.put(BYTES);
    const text = await (
      await fetch(`${service.url}/metrics`, { headers: { authorization: 'Bearer viewer-token' } })
    ).text();
    expect(text).toContain('slipway_uploads_total{answer="stored"} 1');
    expect(text).toContain('slipway_uploads_total{answer="known"} 1');
    expect(text).toContain('slipway_upload_bytes_total 3000000');
  });

  it('is written to the log with its digest and whose token it was', async () => {
    const lines: unknown[] = [];
    const info = (message: string, fields?: object): number => lines.push({ message, ...fields });
    await using service = await startService({ logger: { ...silentLogger, info } });
    const publisher = await Publisher.of(service);
    await publisher.put(BYTES);
    const { tokens } = await service.store.listApiTokens({ most: 1 });
    expect(lines).toMatchObject([{ message: 'an artifact was stored', digest: DIGEST, publisher: tokens[0]?.id }]);
  });
});

describe('time', () => {
  /** Its monotonic time goes so many times faster. */
  class FastClock extends SystemClock {
    readonly #times: number;

    constructor(times = 100) {
      super();
      this.#times = times;
    }

    override monotonicMs(): number {
      return this.#times * super.monotonicMs();
    }

    override sleep(ms: number, signal?: AbortSignal): Promise<void> {
      return super.sleep(ms / this.#times, signal);
    }
  }

  it('ends an upload that drips; what came is kept', async () => {
    await using service = await startService({ clock: new FastClock() });
    const publisher = await Publisher.of(service);
    const request = publisher.open({ 'Content-Length': BYTES.length });
    request.on('error', () => {});
    let sent = 0;
    const timer = setInterval(() => {
      request.write(BYTES.subarray(sent, sent + 10));
      sent += 10;
    }, 20);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    clearInterval(timer);
    expect(response.statusCode).toBe(408);
    request.destroy();
    await until(
      async () => (await publisher.put(Buffer.from('x'), rangeOf(BYTES.length - 1))).code === 'ARTIFACT_OFFSET',
    );
    const { offset } = await publisher.head();
    expect(offset).toBeGreaterThan(0);
    expect(await publisher.put(BYTES.subarray(offset), rangeOf(offset))).toMatchObject({ status: 201 });
  });

  it('lets an upload go on that moves, longer than any other request may take', async () => {
    // Slower than the others: a busy machine stands still for a moment, and that is no silence of the caller.
    await using service = await startService({ clock: new FastClock(20) });
    const request = (await Publisher.of(service)).open({ 'Content-Length': BYTES.length });
    const answer = answerOf(request);
    for (let from = 0; from < BYTES.length; from += 60_000) {
      request.write(BYTES.subarray(from, from + 60_000));
      await sleep(60);
    }
    request.end();
    expect(await answer).toMatchObject({ status: 201 });
  });

  it('ends any other body that drips', async () => {
    await using service = await startService({ clock: new FastClock() });
    const request = httpRequest(`${service.url}/v1/reports`, { method: 'POST', headers: { 'Content-Length': 10_000 } });
    request.on('error', () => {});
    const timer = setInterval(() => request.write(' '.repeat(1_000)), 100);
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    clearInterval(timer);
    expect(response.statusCode).toBe(408);
    request.destroy();
  });
});

describe('a service that is killed in the middle of an upload', () => {
  it('leaves nothing under the digest, and the next one takes the rest', async () => {
    await using place = folderOf();
    const child = spawn(process.execPath, [fileURLToPath(new URL('service-child.ts', import.meta.url)), place.path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const { url, token } = JSON.parse(await firstLine(child)) as { url: string; token: string };
    const publisher = new Publisher(url, token);
    const request = publisher.open({ 'Content-Length': BYTES.length });
    request.on('error', () => {});
    request.write(BYTES.subarray(0, 2_000_000));
    await until(async () => (await publisher.head()).offset === 2_000_000);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(filesOf(place.path)).toEqual([expect.stringMatching(/^\..*\.upload$/)]);
    const artifacts = new ArtifactUploads(place.path, { quotaBytes: 1e12, abandonedAfterMs: 0 });
    await using service = await startService({ artifacts });
    const next = await Publisher.of(service);
    expect(await next.head()).toEqual({ status: 404, offset: 2_000_000 });
    expect(await next.put(BYTES.subarray(2_000_000), rangeOf(2_000_000))).toMatchObject({ status: 201 });
    expect(readFileSync(path.join(place.path, 'artifacts', hexOf(DIGEST)))).toEqual(BYTES);
  }, 60_000);
});

function folderOf(): AsyncDisposable & { readonly path: string } {
  const place = folder();
  const publication = path.join(place.path, 'publication');
  mkdirSync(publication);
  return { path: publication, [Symbol.asyncDispose]: async () => place[Symbol.dispose]() };
}

async function firstLine(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout ?? []) {
    text += chunk;
    if (text.includes('\n')) break;
  }
  return text;
}
