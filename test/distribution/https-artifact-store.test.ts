// Laws of any host that takes PUT as a place for artifacts: whole and right, sent once, read back, and each failure with its code.
import { randomBytes } from 'node:crypto';
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hexOf } from '../../src/contract/digest.ts';
import type { Artifact } from '../../src/distribution/artifact-store.ts';
import { measureArtifact } from '../../src/distribution/artifacts.ts';
import { HttpsArtifactStore, type HttpsArtifactStoreOptions } from '../../src/distribution/https-artifact-store.ts';
import { HastyClock, HastyRandom } from '../support/hasty-clock.ts';
import { type PutMisbehaviour, PutServer } from '../support/put-server.ts';

let folder: string;
let file: string;
let clock: HastyClock;
let random: HastyRandom;
/** How long a host may be silent. */
let quietMs: number;
let stop: AbortController;
let server: PutServer;
let said: string[];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-put-'));
  file = path.join(folder, 'model.onnx');
  [clock, random, stop, said] = [new HastyClock(), new HastyRandom(), new AbortController(), []];
  quietMs = 5000;
  server = await PutServer.start();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const say = (progress: string): void => void said.push(progress);

function storeAt(more: Partial<HttpsArtifactStoreOptions> = {}): HttpsArtifactStore {
  const terms = { clock, random, signal: stop.signal, quietMs, answerMs: quietMs };
  const credentials = (): string => 'user:pass-word-1';
  return new HttpsArtifactStore({ prefix: `${server.url}/models/`, publicUrl: null, credentials, terms, ...more });
}

async function write(sizeBytes: number): Promise<Artifact> {
  writeFileSync(file, randomBytes(sizeBytes));
  return measureArtifact(file);
}

const stored = ({ digest }: Artifact): Buffer | undefined => server.files.get(`/models/${hexOf(digest)}`);

test.each([1, 1_000_000, 5_000_001])('a file of %i bytes comes whole, once, under its digest', async (sizeBytes) => {
  const artifact = await write(sizeBytes);
  const url = `${server.url}/models/${hexOf(artifact.digest)}`;
  expect(await storeAt().holds(artifact)).toBe(false);
  expect(await storeAt().put(file, artifact, say)).toEqual({ url, isNew: true });
  expect(stored(artifact)?.equals(readFileSync(file))).toBe(true);
  expect(await storeAt().put(file, artifact, say)).toEqual({ url, isNew: false });
  expect(server.asked.filter((one) => one.startsWith('PUT'))).toHaveLength(1);
  server.files.set(`/models/${hexOf(artifact.digest)}`, Buffer.alloc(sizeBytes + 1));
  expect(await storeAt().put(file, artifact, say)).toEqual({ url, isNew: true });
  expect(said).toEqual([]);
});

test('credentials go as Basic or as a bearer token, and without them nothing goes', async () => {
  const artifact = await write(10);
  for (const [credentials, header] of [
    ['me:hush', `Basic ${Buffer.from('me:hush').toString('base64')}`],
    ['token', 'Bearer token'],
    [null, undefined],
  ] as const) {
    server.authorizations.clear();
    await storeAt({ credentials: () => credentials }).put(file, artifact, say);
    expect([...server.authorizations]).toEqual([header]);
  }
});

test('a file that changes while it is sent never comes whole', async () => {
  const artifact = await write(3_000_000);
  appendFileSync(file, 'more');
  await expect(storeAt().put(file, artifact, say)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
  writeFileSync(file, randomBytes(3_000_000));
  await expect(storeAt().put(file, artifact, say)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
  expect(server.files.size).toBe(0);
});

test('a host that knows no HEAD is asked for the first byte; one that says nothing is taken at its word, aloud', async () => {
  server.misbehave = ({ method }, response) => {
    if (method === 'HEAD') response.writeHead(405).end();
    return method === 'HEAD';
  };
  const artifact = await write(100);
  expect(await storeAt().put(file, artifact, say)).toMatchObject({ isNew: true });
  expect(await storeAt().holds(artifact)).toBe(true);
  expect(said).toEqual([]);
  server.misbehave = ({ method }, response) => {
    if (method !== 'PUT') response.writeHead(403).end();
    return method !== 'PUT';
  };
  expect(await storeAt().put(file, artifact, say)).toMatchObject({ isNew: true });
  expect(said).toEqual([expect.stringContaining('does not say what it has')]);
});

describe('a host that fails', () => {
  const status =
    (code: number, headers: Record<string, string> = {}) =>
    (response: ServerResponse): void =>
      void response.writeHead(code, headers).end();
  const page = (response: ServerResponse): void =>
    void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Please sign in</html>');
  const cut = (response: ServerResponse): void => void response.socket?.destroy();
  /** Before the body is read, or after. */
  const onPut =
    (answer: (response: ServerResponse) => void, { early = false, times = 99 } = {}): (() => PutMisbehaviour) =>
    () => {
      let count = 0;
      return ({ method }, response, isRead) => {
        if (method !== 'PUT' || isRead === early || count++ >= times) return false;
        answer(response);
        return true;
      };
    };

  test.each<[string, () => PutMisbehaviour, string, RegExp]>([
    ['401', onPut(status(401)), 'UPLOAD_REFUSED', /credentials/],
    ['403 before the body is read', onPut(status(403), { early: true }), 'UPLOAD_REFUSED', /credentials/],
    ['404', onPut(status(404)), 'UPLOAD_NO_PLACE', /is not there/],
    ['409, for no folder', onPut(status(409)), 'UPLOAD_NO_PLACE', /is not there/],
    ['405', onPut(status(405)), 'UPLOAD_NOT_TAKEN', /HTTP 405/],
    ['413 before the body is read', onPut(status(413), { early: true }), 'UPLOAD_TOO_LARGE', /this size/],
    ['507', onPut(status(507)), 'UPLOAD_FULL', /no room/],
    ['503 for ever', onPut(status(503)), 'UPLOAD_UNAVAILABLE', /HTTP 503/],
    ['a redirect', onPut(status(302, { location: 'https://elsewhere.example/' })), 'UPLOAD_ANSWER', /redirects/],
    ['a sign-in page', onPut(page), 'UPLOAD_ANSWER', /web page/],
    ['cut connections', onPut(cut), 'UPLOAD_UNREACHABLE', /can't be reached/],
    ['connections cut before the body is read', onPut(cut, { early: true }), 'UPLOAD_UNREACHABLE', /can't be reached/],
    ['silence', onPut(() => undefined), 'UPLOAD_UNREACHABLE', /did not answer/],
    ['a host that reads nothing', onPut(() => undefined, { early: true }), 'UPLOAD_UNREACHABLE', /took no more bytes/],
    ['a file that is not kept', onPut(status(201)), 'UPLOAD_INCOMPLETE', /another size/],
  ])('%s: a code and a remedy, and no secret in them', async (what, misbehave, code, message) => {
    if (/silence|reads nothing/.test(what)) quietMs = 300;
    server.misbehave = misbehave();
    const artifact = await write(20_000_000);
    const failure = await storeAt()
      .put(file, artifact, say)
      .catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code, message: expect.stringMatching(message), remedy: expect.any(String) });
    expect((failure as Error).message).not.toContain('pass-word');
    expect(server.files.size).toBe(0);
    server.misbehave = () => false;
    quietMs = 5000;
    await storeAt().put(file, artifact, say);
    expect(stored(artifact)?.equals(readFileSync(file))).toBe(true);
  });

  test('what passes is tried again, as late as the host asks, and a redirect is never followed', async () => {
    server.misbehave = onPut(status(503, { 'retry-after': '7' }), { times: 2 })();
    await storeAt().put(file, await write(10), say);
    expect(clock.cutMs).toEqual([7000, 7000]);
    server.misbehave = onPut(cut, { times: 3 })();
    expect(await storeAt().put(file, await write(20), say)).toMatchObject({ isNew: true });
    server.misbehave = onPut(status(307, { location: `${server.url}/elsewhere` }))();
    await expect(storeAt().put(file, await write(30), say)).rejects.toMatchObject({ code: 'UPLOAD_ANSWER' });
    expect(server.asked.join()).not.toContain('elsewhere');
  });

  test('an upload that is stopped ends, and is not tried again', async () => {
    server.misbehave = onPut(() => stop.abort(), { early: true })();
    await expect(storeAt().put(file, await write(5_000_000), say)).rejects.toMatchObject({ code: 'UPLOAD_STOPPED' });
    expect(server.asked.filter((one) => one.startsWith('PUT'))).toHaveLength(1);
  });
});
