// Laws of a running service as a place for artifacts: sent once, continued where a cut left it, and each refusal with its code.
import { randomBytes } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import type { RandomStream } from '../../src/base/random.ts';
import type { TokenScope } from '../../src/contract/api-token.ts';
import { hexOf } from '../../src/contract/digest.ts';
import type { Artifact } from '../../src/distribution/artifact-store.ts';
import { ArtifactUploads } from '../../src/distribution/artifact-uploads.ts';
import { measureArtifact } from '../../src/distribution/artifacts.ts';
import { ServiceArtifactStore } from '../../src/distribution/service-artifact-store.ts';
import { type Service, startService } from '../fleet-api/service.ts';
import { HastyClock, HastyRandom } from '../support/hasty-clock.ts';

let folder: string;
let file: string;
let clock: HastyClock;
let random: HastyRandom;
/** How long a host may be silent. */
let quietMs: number;
let stop: AbortController;
let service: Service;
const open: AsyncDisposable[] = [];

beforeEach(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-service-'));
  file = path.join(folder, 'model.onnx');
  [clock, random, stop, quietMs] = [new HastyClock(), new HastyRandom(), new AbortController(), 5000];
  service = await startService();
  open.push(service);
});
afterEach(async () => {
  for (const one of open.splice(0).reverse()) await one[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true, force: true });
});

const say = (): void => undefined;

async function tokenOf(scopes: readonly TokenScope[] = ['publish']): Promise<string> {
  const order = { name: 'ci', scopes, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() };
  return (await service.store.createApiToken(order)).token;
}

function storeAt(server: string, token: string | null, draws: RandomStream = random): ServiceArtifactStore {
  const terms = { clock, random: draws, signal: stop.signal, quietMs, answerMs: quietMs };
  return new ServiceArtifactStore({ server, token: () => token, terms });
}

async function write(sizeBytes: number): Promise<Artifact> {
  writeFileSync(file, randomBytes(sizeBytes));
  return measureArtifact(file);
}

const artifacts = (): string[] => readdirSync(path.join(service.publicationFolder, 'artifacts'));
const stored = ({ digest }: Artifact): Buffer =>
  readFileSync(path.join(service.publicationFolder, 'artifacts', hexOf(digest)));

/** Between client and service: cuts each connection once so many bytes went to the service. */
async function cutter(afterBytes: number): Promise<{ readonly url: string }> {
  const sockets = new Set<Socket>();
  const server = createTcpServer((near) => {
    const far = connect(service.port, '127.0.0.1');
    let bytes = 0;
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      far.write(chunk);
      if (bytes < afterBytes) return;
      // What went to the service arrives, however slow it is: only then is it known how far an upload gets.
      near.pause();
      far.end(() => near.destroy());
    });
    far.pipe(near);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  open.push({
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

test.each([1, 65_537, 5_000_001])('a file of %i bytes comes whole, once, for devices to fetch', async (sizeBytes) => {
  const artifact = await write(sizeBytes);
  const store = storeAt(service.url, await tokenOf());
  expect(await store.holds(artifact)).toBe(false);
  const url = `artifacts/${hexOf(artifact.digest)}`;
  expect(await store.put(file, artifact, say)).toEqual({ url, isNew: true });
  expect(await store.holds(artifact)).toBe(true);
  expect(await store.put(file, artifact, say)).toEqual({ url, isNew: false });
  expect(stored(artifact).equals(readFileSync(file))).toBe(true);
  const fetched = await fetch(`${service.url}/distribution/${url}`);
  expect(Buffer.from(await fetched.arrayBuffer()).equals(readFileSync(file))).toBe(true);
});

test('an upload that is cut goes on where it was, however often, as long as it gets on', async () => {
  const artifact = await write(30_000_000);
  const line = await cutter(3_000_000);
  // Real waits: a service on a busy machine is still at what it got before the cut when a hasty runner has spent all its tries.
  const store = storeAt(line.url, await tokenOf(), { next: () => 0.5 });
  expect(await store.put(file, artifact, say)).toMatchObject({ isNew: true });
  expect(stored(artifact).equals(readFileSync(file))).toBe(true);
});

test('a line that never gets on ends the upload, after a bounded number of tries; a later run goes on', async () => {
  const artifact = await write(5_000_000);
  const line = await cutter(1);
  const token = await tokenOf();
  await expect(storeAt(line.url, token).put(file, artifact, say)).rejects.toMatchObject({ code: 'UPLOAD_UNREACHABLE' });
  expect(random.draws).toBeLessThan(8);
  expect(await storeAt(service.url, token).put(file, artifact, say)).toMatchObject({ isNew: true });
});

test('wrong bytes of an earlier upload are discarded, and the whole is sent', async () => {
  const artifact = await write(4_000_000);
  const token = await tokenOf();
  const wrong = await fetch(`${service.url}/v1/artifacts/${artifact.digest}`, {
    method: 'PUT',
    headers: { authorization: `Bearer ${token}`, 'content-range': 'bytes 0-999/4000000' },
    body: new Uint8Array(1000),
  });
  expect(wrong.status).toBe(202);
  expect(await storeAt(service.url, token).put(file, artifact, say)).toMatchObject({ isNew: true });
  expect(stored(artifact).equals(readFileSync(file))).toBe(true);
});

test('a file that changes while it is sent never comes whole', async () => {
  const artifact = await write(3_000_000);
  writeFileSync(file, randomBytes(3_000_000));
  const store = storeAt(service.url, await tokenOf());
  await expect(store.put(file, artifact, say)).rejects.toMatchObject({ code: 'ARTIFACT_CHANGED' });
  expect(await store.holds(artifact)).toBe(false);
  expect(artifacts().filter((name) => !name.startsWith('.'))).toEqual([]);
});

test('two runners bring the same file at once, and both end well', async () => {
  const artifact = await write(20_000_000);
  const token = await tokenOf();
  const patient = new ServiceArtifactStore({
    ...{ server: service.url, token: () => token },
    terms: { clock: new SystemClock(), random, signal: stop.signal },
  });
  const both = await Promise.all([1, 2].map(() => patient.put(file, artifact, say)));
  expect(both.map(({ url }) => url)).toEqual(Array(2).fill(`artifacts/${hexOf(artifact.digest)}`));
  expect(stored(artifact).equals(readFileSync(file))).toBe(true);
});

test('no token, a wrong one, and one of another scope are refused at once, and never quoted', async () => {
  const artifact = await write(10);
  const viewer = await tokenOf(['view']);
  for (const token of [null, 'a-wrong-token-of-somebody', viewer]) {
    const failure = await storeAt(service.url, token)
      .put(file, artifact, say)
      .catch((thrown: unknown) => thrown);
    expect(failure).toMatchObject({ code: 'UPLOAD_REFUSED', message: expect.stringMatching(/It says: [A-Z_]+/) });
    if (token !== null) expect((failure as Error).message).not.toContain(token);
  }
  expect(random.draws).toBe(0);
});

test('a service without room says so', async () => {
  const full = await startService({
    artifacts: new ArtifactUploads(service.publicationFolder, { quotaBytes: 1000 }),
  });
  open.push(full);
  const order = { name: 'ci', scopes: ['publish'] as const, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() };
  const { token } = await full.store.createApiToken(order);
  await expect(storeAt(full.url, token).put(file, await write(2000), say)).rejects.toMatchObject({
    code: 'UPLOAD_FULL',
    message: expect.stringMatching(/ARTIFACT_QUOTA|room/),
  });
});

test('what is no service, or shows a sign-in page, is told apart from one', async () => {
  const answers: [number, string, string][] = [
    [200, 'text/html', '<html>Please sign in</html>'],
    [404, 'text/plain', 'not found'],
    [200, 'application/json', '{}'],
  ];
  for (const [status, type, text] of answers) {
    const server: Server = createServer((_request, response) =>
      response.writeHead(status, { 'content-type': type }).end(text),
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const put = storeAt(url, 'token').put(file, await write(10), say);
      await expect(put).rejects.toMatchObject({ code: 'UPLOAD_ANSWER', message: expect.stringMatching(/service/) });
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    }
  }
});
