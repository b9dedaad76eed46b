// Laws of S3 as a place for artifacts: whole and right or not there, sent once, nothing left behind, and each failure with its code.
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import S3rver from 's3rver';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hexOf } from '../../src/contract/digest.ts';
import type { Artifact } from '../../src/distribution/artifact-store.ts';
import { measureArtifact } from '../../src/distribution/artifacts.ts';
import { presignedGet, type S3Access } from '../../src/distribution/s3-access.ts';
import { S3ArtifactStore, type S3ArtifactStoreOptions } from '../../src/distribution/s3-artifact-store.ts';
import { HastyClock, HastyRandom } from '../support/hasty-clock.ts';
import { ACCESS_KEY, type S3Misbehaviour, S3Server, SECRET_KEY, sendError, sendXml } from '../support/s3-server.ts';

const PART = 64 * 1024;
let folder: string;
let file: string;
let clock: HastyClock;
let random: HastyRandom;
/** How long a host may be silent. */
let quietMs: number;
let stop: AbortController;
let server: S3Server;

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-s3-'));
  file = path.join(folder, 'model.onnx');
  [clock, random, stop, quietMs] = [new HastyClock(), new HastyRandom(), new AbortController(), 5000];
  server = await S3Server.start();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const said: string[] = [];
const say = (progress: string): void => void said.push(progress);

function storeAt(access: S3Access, more: Partial<S3ArtifactStoreOptions> = {}): S3ArtifactStore {
  const terms = { clock, random, signal: stop.signal, quietMs, answerMs: quietMs };
  const prefix = { bucket: 'ours', key: 'models' };
  return new S3ArtifactStore({ access: () => access, prefix, publicUrl: null, terms, partBytes: PART, ...more });
}

async function write(sizeBytes: number): Promise<Artifact> {
  writeFileSync(file, randomBytes(sizeBytes));
  return measureArtifact(file);
}

const stored = ({ digest }: Artifact): Buffer | undefined => server.objects.get(`models/${hexOf(digest)}`)?.bytes;

/** Another store for a second opinion, such as a Swift with s3api: its endpoint, and the keys of a test user. */
const { S3_TEST_ENDPOINT, S3_TEST_ACCESS_KEY = '', S3_TEST_SECRET_KEY = '' } = process.env;
const MiB = 1024 * 1024;

async function bringsAndFetches(access: S3Access, sizeBytes: number, partBytes: number): Promise<void> {
  const store = storeAt(access, { partBytes });
  const artifact = await write(sizeBytes);
  expect(await store.holds(artifact)).toBe(false);
  const url = `s3://ours/models/${hexOf(artifact.digest)}`;
  expect(await store.put(file, artifact, say)).toEqual({ url, isNew: true });
  expect(await store.put(file, artifact, say)).toEqual({ url, isNew: false });
  const key = `models/${hexOf(artifact.digest)}`;
  const signed = await presignedGet(access, { bucket: 'ours', key }, { expiresSeconds: 60, atMs: Date.now() });
  const answer = await fetch(signed);
  expect(Buffer.from(await answer.arrayBuffer()).equals(readFileSync(file))).toBe(true);
}

test.each([1, PART - 1, PART, PART + 1, 3 * PART, 10 * PART + 17])(
  'a file of %i bytes comes whole to a bucket of s3rver, once, and is fetched from there by a pre-signed address',
  async (sizeBytes) => {
    const s3rver = new S3rver({
      ...{ address: '127.0.0.1', port: 0, directory: path.join(folder, 's3'), silent: true },
      configureBuckets: [{ name: 'ours' }],
    });
    const { port } = await s3rver.run();
    try {
      const endpoint = `http://127.0.0.1:${port}`;
      const access = { endpoint, region: 'us-east-1', accessKeyId: 'S3RVER', secretAccessKey: 'S3RVER' };
      await bringsAndFetches(access, sizeBytes, PART);
    } finally {
      await s3rver.close();
    }
  },
);

test.skipIf(S3_TEST_ENDPOINT === undefined).each([1, 5 * MiB, 5 * MiB + 1, 23 * MiB])(
  'a file of %i bytes comes whole to the bucket `ours` at S3_TEST_ENDPOINT',
  async (sizeBytes) => {
    const keys = { accessKeyId: S3_TEST_ACCESS_KEY, secretAccessKey: S3_TEST_SECRET_KEY };
    await bringsAndFetches({ endpoint: S3_TEST_ENDPOINT ?? '', region: 'us-east-1', ...keys }, sizeBytes, 5 * MiB);
  },
);

test('signatures, digests of parts and the checksum of the whole are what S3 checks', async () => {
  const store = storeAt(server.access);
  const small = await write(PART);
  await store.put(file, small, say);
  expect(stored(small)).toEqual(readFileSync(file));
  expect(await store.holds(small)).toBe(true);
  const large = await write(7 * PART + 1);
  await store.put(file, large, say);
  expect(stored(large)).toEqual(readFileSync(file));
  expect(server.asked.filter((one) => one.startsWith('PUT partNumber'))).toHaveLength(8);
  expect([...server.uploads]).toEqual([]);
});

test('what is there in another size, or with another checksum, is sent again', async () => {
  const store = storeAt(server.access);
  const artifact = await write(100);
  const key = `models/${hexOf(artifact.digest)}`;
  for (const damaged of [
    { bytes: Buffer.alloc(99), sha256: undefined },
    { bytes: Buffer.alloc(100), sha256: 'c29tZXRoaW5nIGVsc2U=' },
  ]) {
    server.objects.set(key, damaged);
    expect(await store.holds(artifact)).toBe(false);
    expect(await store.put(file, artifact, say)).toMatchObject({ isNew: true });
    expect(stored(artifact)).toEqual(readFileSync(file));
  }
});

test('with a public address, that is what the manifest gets', async () => {
  const store = storeAt(server.access, { publicUrl: 'https://cdn.example/models/' });
  const artifact = await write(10);
  const { url } = await store.put(file, artifact, say);
  expect(url).toBe(`https://cdn.example/models/${hexOf(artifact.digest)}`);
});

test('a file that changes while it is sent is refused, and no part of it stays', async () => {
  for (const sizeBytes of [PART, 5 * PART]) {
    const artifact = await write(sizeBytes);
    appendFileSync(file, 'more');
    await expect(storeAt(server.access).put(file, artifact, say)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
    writeFileSync(file, randomBytes(sizeBytes));
    await expect(storeAt(server.access).put(file, artifact, say)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
    expect([server.objects.size, server.uploads.size]).toEqual([0, 0]);
  }
});

test('credentials that may write and not read store all the same', async () => {
  server.misbehave = ({ method }, response) => {
    if (method === 'HEAD') response.writeHead(403).end();
    return method === 'HEAD';
  };
  const artifact = await write(2 * PART);
  expect(await storeAt(server.access).put(file, artifact, say)).toMatchObject({ isNew: true });
  expect(stored(artifact)).toEqual(readFileSync(file));
});

test('a store that calls its empty answers HTML, and sends a body after HEAD, as Swift does, is one like others', async () => {
  server.misbehave = ({ method }, response, isRead) => {
    if (method !== 'HEAD' || isRead) {
      response.setHeader('content-type', 'text/html');
      return false;
    }
    response.socket?.write('HTTP/1.1 404 Not Found\r\nContent-Type: text/html\r\nContent-Length: 9\r\n\r\nnot found');
    return true;
  };
  for (const sizeBytes of [10, 3 * PART]) {
    const artifact = await write(sizeBytes);
    await expect(storeAt(server.access).put(file, artifact, say)).rejects.toMatchObject({ code: 'UPLOAD_INCOMPLETE' });
    expect(stored(artifact)).toEqual(readFileSync(file));
  }
});

test('a store that takes no checksums gets the file without one', async () => {
  server.misbehave = ({ method, request }, response, isRead) => {
    if (!isRead || method !== 'PUT' || request.headers['x-amz-checksum-sha256'] === undefined) return false;
    sendError(response, 400, 'InvalidArgument', 'Unsupported header x-amz-checksum-sha256 received for this API call.');
    return true;
  };
  const artifact = await write(10);
  await storeAt(server.access).put(file, artifact, say);
  expect(stored(artifact)).toEqual(readFileSync(file));
});

test('parts that a killed upload of the same file left a day ago are removed, and those of a running one stay', async () => {
  const artifact = await write(2 * PART);
  const key = `models/${hexOf(artifact.digest)}`;
  const upload = (ageHours: number, ofKey = key) => ({
    ...{ key: ofKey, parts: new Map() },
    initiated: new Date(Date.now() - ageHours * 3_600_000).toISOString(),
  });
  server.uploads
    .set('old', upload(25))
    .set('young', upload(23))
    .set('other', upload(99, `${key}0`));
  await storeAt(server.access).put(file, artifact, say);
  expect([...server.uploads.keys()]).toEqual(['young', 'other']);
});

describe('a store that fails', () => {
  const on =
    (wanted: RegExp, answer: (response: ServerResponse, count: number) => void, times = Number.POSITIVE_INFINITY) =>
    (): S3Misbehaviour => {
      let count = 0;
      return ({ method, query }, response, isRead) => {
        const asked = `${method} ${[...query.keys()].join('&')}`;
        if (!isRead || !wanted.test(asked) || count >= times) return false;
        answer(response, ++count);
        return true;
      };
    };
  const PART_PUT = /^PUT partNumber/;
  const JOIN = /^POST uploadId/;
  const error = (status: number, code: string) => (response: ServerResponse) => sendError(response, status, code);
  const cut = (response: ServerResponse): void => void response.socket?.destroy();
  const page = (response: ServerResponse): void => {
    response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please sign in</html>');
  };
  const endless = (response: ServerResponse): void => {
    response.writeHead(200, { etag: '"x"' });
    const more = (): boolean | undefined =>
      response.destroyed ? undefined : response.write('x'.repeat(65_536), () => more());
    more();
  };

  test.each<[string, () => S3Misbehaviour, string, RegExp]>([
    ['no permission', on(/^PUT/, error(403, 'AccessDenied')), 'UPLOAD_REFUSED', /AccessDenied/],
    ['an expired token', on(/^P/, error(400, 'ExpiredToken')), 'UPLOAD_REFUSED', /ExpiredToken/],
    ['no bucket', on(/^P/, error(404, 'NoSuchBucket')), 'UPLOAD_NO_PLACE', /NoSuchBucket/],
    ['503 for ever', on(/^PUT/, error(503, 'SlowDown')), 'UPLOAD_UNAVAILABLE', /SlowDown/],
    ['cut connections', on(/^PUT/, cut), 'UPLOAD_UNREACHABLE', /can't be reached/],
    ['a sign-in page', on(/^PUT/, page), 'UPLOAD_ANSWER', /web page/],
    ['a sign-in page for everything', on(/./, page), 'UPLOAD_ANSWER', /web page/],
    ['an answer without end', on(/^PUT/, endless), 'UPLOAD_UNREACHABLE', /longer than 64 KiB/],
    ['silence', on(/^PUT/, () => undefined), 'UPLOAD_UNREACHABLE', /did not answer/],
    [
      'a redirect',
      on(/^PUT/, (response) => response.writeHead(307, { location: 'http://x/' }).end()),
      'UPLOAD_ANSWER',
      /redirects/,
    ],
    ['no part named', on(/^PUT/, (response) => response.writeHead(200).end()), 'UPLOAD_ANSWER', /not that of S3/],
    [
      'another region',
      on(/^P/, (response) => response.writeHead(301, { 'x-amz-bucket-region': 'eu-1' }).end()),
      'UPLOAD_REGION',
      /eu-1/,
    ],
    [
      'a region that is none',
      on(/^P/, (response) => {
        const text = '<Error><Code>Moved</Code><Region>x\n::add-mask::y</Region></Error>';
        response.writeHead(301, { 'content-type': 'application/xml' }).end(text);
      }),
      'UPLOAD_ANSWER',
      /redirects \(HTTP 301\)\.$/,
    ],
    ['too large', on(/^P/, error(400, 'EntityTooLarge')), 'UPLOAD_TOO_LARGE', /EntityTooLarge/],
    [
      'a wrong name of a part',
      on(PART_PUT, (response) => response.writeHead(200, { etag: '"no"' }).end()),
      'UPLOAD_NOT_TAKEN',
      /InvalidPart/,
    ],
    [
      'a failure to join',
      on(JOIN, (response) => sendXml(response, '<Error><Code>InternalError</Code></Error>')),
      'UPLOAD_UNAVAILABLE',
      /InternalError/,
    ],
    [
      'an upload without a name',
      on(/^POST uploads/, (response) => sendXml(response, '<x/>')),
      'UPLOAD_ANSWER',
      /not that of S3/,
    ],
    [
      'joining that forgets',
      on(JOIN, (response) => sendXml(response, '<r><ETag>"x"</ETag></r>')),
      'UPLOAD_INCOMPLETE',
      /another size/,
    ],
  ])('%s: a code and a remedy, and nothing half done', async (what, misbehave, code, message) => {
    if (what === 'silence') quietMs = 300;
    const store = storeAt(server.access);
    for (const sizeBytes of [100, 6 * PART]) {
      const artifact = await write(sizeBytes);
      if (sizeBytes === 100 && /part|join|without a name/.test(what) && what !== 'no part named') continue;
      server.misbehave = misbehave();
      const failure = await store.put(file, artifact, say).catch((thrown: unknown) => thrown);
      expect(failure).toMatchObject({ code, message: expect.stringMatching(message), remedy: expect.any(String) });
      expect(JSON.stringify([(failure as Error).message, said])).not.toContain(SECRET_KEY);
      server.misbehave = () => false;
      expect([server.objects.size, what === 'joining that forgets' ? 0 : server.uploads.size]).toEqual([0, 0]);
      await store.put(file, artifact, say);
      expect(stored(artifact)).toEqual(readFileSync(file));
      server.objects.clear();
      server.uploads.clear();
    }
  });

  test.each<[string, () => S3Misbehaviour]>([
    ['503 twice', on(/^P/, error(503, 'SlowDown'), 2)],
    ['500 at the end', on(JOIN, error(500, 'InternalError'), 2)],
    ['a body damaged on its way', on(/^PUT/, error(400, 'XAmzContentSHA256Mismatch'), 2)],
    ['connections cut', on(/^P/, cut, 3)],
    ['silence twice', on(/^PUT/, () => undefined, 2)],
  ])('%s: it is tried again, later each time, and is there in the end', async (what, misbehave) => {
    if (what === 'silence twice') quietMs = 300;
    server.misbehave = misbehave();
    const artifact = await write(6 * PART);
    expect(await storeAt(server.access).put(file, artifact, say)).toMatchObject({ isNew: true });
    expect(stored(artifact)).toEqual(readFileSync(file));
    expect(random.draws).toBeGreaterThan(0);
    expect([...server.uploads]).toEqual([]);
  });

  test('a refusal is not tried again', async () => {
    server.misbehave = on(/^PUT/, error(403, 'AccessDenied'))();
    await expect(storeAt(server.access).put(file, await write(10), say)).rejects.toMatchObject({
      code: 'UPLOAD_REFUSED',
    });
    expect(server.asked.filter((one) => one.startsWith('PUT'))).toHaveLength(1);
    expect(random.draws).toBe(0);
  });

  test('the answer to the last request is lost: what is there counts', async () => {
    const artifact = await write(6 * PART);
    const key = `models/${hexOf(artifact.digest)}`;
    server.misbehave = ({ method, query }, response, isRead) => {
      if (!isRead || method !== 'POST' || !query.has('uploadId')) return false;
      server.uploads.delete(query.get('uploadId') ?? '');
      server.objects.set(key, { bytes: readFileSync(file), sha256: undefined });
      cut(response);
      return true;
    };
    expect(await storeAt(server.access).put(file, artifact, say)).toMatchObject({ isNew: true });
  });

  test('a wrong clock is named, with what to do', async () => {
    server.nowMs = () => Date.now() + 3_600_000;
    const failure = storeAt(server.access).put(file, await write(10), say);
    await expect(failure).rejects.toMatchObject({
      code: 'UPLOAD_CLOCK',
      remedy: expect.stringMatching(/Set the clock.*RequestTimeTooSkewed/),
    });
  });

  test('a wrong key is refused, and never quoted', async () => {
    const wrong = { ...server.access, secretAccessKey: 'another-secret' };
    server.misbehave = on(/^PUT/, (response) =>
      sendError(response, 403, 'SignatureDoesNotMatch', 'you sent another-secret'),
    )();
    const failure = await storeAt(wrong)
      .put(file, await write(10), say)
      .catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'UPLOAD_REFUSED', message: expect.stringContaining('[secret removed]') });
    server.misbehave = () => false;
    await expect(storeAt(wrong).put(file, await write(10), say)).rejects.toMatchObject({
      message: expect.stringContaining('SignatureDoesNotMatch'),
    });
    expect(ACCESS_KEY).toBe(server.access.accessKeyId);
  });

  test('an upload that is stopped leaves no parts', async () => {
    const artifact = await write(12 * PART);
    server.misbehave = ({ query }, _response, isRead) => {
      if (isRead && query.get('partNumber') === '6') stop.abort();
      return false;
    };
    await expect(storeAt(server.access).put(file, artifact, say)).rejects.toMatchObject({ code: 'UPLOAD_STOPPED' });
    expect([server.objects.size, server.uploads.size]).toEqual([0, 0]);
  });

  test('no host: said after a bounded number of tries', async () => {
    const access = { ...server.access, endpoint: 'http://127.0.0.1:9' };
    await expect(storeAt(access).put(file, await write(10), say)).rejects.toMatchObject({
      code: 'UPLOAD_UNREACHABLE',
      remedy: expect.stringContaining('AWS_ENDPOINT_URL'),
      kind: 'retry-later',
      message: expect.stringMatching(/ECONNREFUSED/),
    });
  });
});
