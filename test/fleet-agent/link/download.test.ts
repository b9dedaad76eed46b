// Owns the proof that downloads resume where they were cut, spare the server, and never end in the wrong bytes.
import { readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type DownloadRequest, download } from '../../../fleet-agent/src/link/download.ts';
import { Throttle } from '../../../fleet-agent/src/link/throttle.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { digestOf, hexOf } from '../../../src/contract/digest.ts';
import { constantClassifier } from '../../support/onnx-fixture.ts';
import { clock, DeviceWorld, modelStatus, openHost, type PublishedModel, until, untilRuns } from '../device-world.ts';

const host = openHost();
afterAll(() => host.close());

const SIZE = 3_000_000;

interface Tried {
  readonly request: DownloadRequest;
  readonly flushed: number[];
}

async function tryOf(world: DeviceWorld, model: PublishedModel, over: Partial<DownloadRequest> = {}): Promise<Tried> {
  const flushed: number[] = [];
  const { size } = await stat(path.join(world.publication, 'artifacts', hexOf(model.artifact)));
  const request: DownloadRequest = {
    ...{
      url: `${world.mirrorUrl}/artifacts/${hexOf(model.artifact)}`,
      file: path.join(world.folder, 'download'),
      digest: model.artifact,
    },
    ...{
      sizeBytes: size,
      offset: 0,
      etag: null,
      credentials: null,
      throttle: null,
      clock,
      signal: new AbortController().signal,
    },
    onFlushed: async (offset) => {
      flushed.push(offset);
    },
    ...over,
  };
  return { request, flushed };
}

test('a cut download keeps what came, and the next try asks for the rest alone', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  world.mischief = (_, range) => (range === undefined ? { cutAfter: 700_000 } : undefined);
  const first = await tryOf(world, model);
  expect(await download(first.request)).toMatchObject({ kind: 'cut' });
  const offset = first.flushed.at(-1) ?? 0;
  expect(offset).toBeGreaterThan(0);
  const second = await tryOf(world, model, { offset, etag: null });
  expect(await download(second.request)).toEqual({ kind: 'done' });
  expect(world.requests.at(-1)).toBe(`/artifacts/${hexOf(model.artifact)} bytes=${offset}-`);
  expect(digestOf(await readFile(first.request.file))).toBe(model.artifact);
});

test('what was not flushed is not believed: the file is cut back to the persisted offset', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  const { request } = await tryOf(world, model);
  const right = await readFile(path.join(world.publication, 'artifacts', hexOf(model.artifact)));
  await writeFile(request.file, Buffer.concat([right.subarray(0, 1000), Buffer.alloc(5000, 9)]));
  expect(await download({ ...request, offset: 1000 })).toEqual({ kind: 'done' });
});

test('a kept part that does not fit is found by the digest, and nothing of it is kept', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  const { request, flushed } = await tryOf(world, model);
  await writeFile(request.file, Buffer.alloc(1000, 9));
  expect(await download({ ...request, offset: 1000 })).toMatchObject({ kind: 'wrong' });
  expect(flushed.at(-1)).toBe(0);
  expect((await stat(request.file)).size).toBe(0);
});

test('a server whose file changed (ETag) or that knows no ranges starts the file over', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  const { request } = await tryOf(world, model);
  await writeFile(request.file, Buffer.alloc(1000, 9));
  expect(await download({ ...request, offset: 1000, etag: '"another"' })).toEqual({ kind: 'done' });
});

test.each([
  ['another ETag, which is a weak one', { etag: 'W/"new"' }, 'W/"old"'],
  ['another length', { total: 4_000_000 }, null],
])('a rest of %s is not put behind the kept part: the next try begins at 0', async (_, answer, etag) => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  const { request, flushed } = await tryOf(world, model);
  await writeFile(request.file, Buffer.alloc(1000, 9));
  await using server = await serveRest({ etag: '"same"', total: request.sizeBytes, ...answer });
  expect(await download({ ...request, url: server.url, offset: 1000, etag })).toMatchObject({ kind: 'cut' });
  expect(flushed).toEqual([0]);
});

/** A host that gives every range with these headers. */
async function serveRest({ etag, total }: { readonly etag: string; readonly total: number }) {
  const server = createServer((_, response) => {
    response.writeHead(206, { etag, 'content-range': `bytes 1000-${total - 1}/${total}` });
    response.end(Buffer.alloc(total - 1000));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

// A minute passes in a tenth of a second.
const fast: Clock = {
  now: () => clock.now(),
  monotonicMs: () => clock.monotonicMs() * 600,
  sleep: (ms, signal) => clock.sleep(ms / 600, signal),
};

test.each([
  ['', null],
  [', under a cap on bytes a second too', new Throttle(1000, fast)],
])('a host that sends next to nothing is given up, with what came kept%s', async (_, throttle) => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  const { request, flushed } = await tryOf(world, model);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': request.sizeBytes });
    let drops = 0;
    // Whoever is still there after several minutes is cut off, which is no timeout.
    const drip = setInterval(() => (drops++ < 200 ? response.write('x') : response.destroy()), 5);
    response.on('close', () => clearInterval(drip));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
  const result = await download({ ...request, url, clock: fast, throttle });
  expect(result).toMatchObject({ kind: 'cut', isTimeout: true });
  expect(flushed.at(-1)).toBeGreaterThan(0);
  server.closeAllConnections();
  server.close();
});

test('an answer that says how long to stay away is obeyed', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0' });
  world.mischief = () => ({ status: 503, retryAfter: 7 });
  const { request } = await tryOf(world, model);
  expect(await download(request)).toMatchObject({ kind: 'cut', retryAfterMs: 7000 });
});

test('a cap on bytes a second is kept', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, 400_000) });
  const { request } = await tryOf(world, model, { throttle: new Throttle(400_000, clock) });
  const startMs = Date.now();
  expect(await download(request)).toEqual({ kind: 'done' });
  expect(Date.now() - startMs).toBeGreaterThan(800);
});

test('a cap that makes a piece take longer than a silent host may, is no silence of the host', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, 200_000) });
  const { request } = await tryOf(world, model, { clock: fast, throttle: new Throttle(500, fast) });
  expect(await download(request)).toEqual({ kind: 'done' });
});

test('a line that breaks every 400 kB delivers a model in the end, each byte once', { timeout: 300_000 }, async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, 2_000_000) });
  world.mischief = (url) => (url.includes('artifacts') ? { cutAfter: 400_000 } : undefined);
  await world.direct(world.entry({ stable: model }));
  const { agent } = await world.startAgent(host, { random: { next: () => 0.98 } });
  await untilRuns(agent, '1.0.0', 'committed', 100_000);
  const starts = world.requests
    .filter((request) => request.includes('artifacts'))
    .map((request) => Number(/bytes=(\d+)-/.exec(request)?.[1] ?? 0));
  expect(starts).toEqual([...starts].sort((a, b) => a - b));
  expect(new Set(starts).size).toBe(starts.length);
});

test('an artifact that is not there yet is asked for again, and is no fault of the version', {
  timeout: 180_000,
}, async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0' });
  let missing = true;
  world.mischief = (url) => (missing && url.includes('artifacts') ? { status: 404 } : undefined);
  await world.direct(world.entry({ stable: model }));
  const { agent } = await world.startAgent(host, { random: { next: () => 0.98 } });
  await until(() => world.requests.filter((request) => request.includes('artifacts')).length > 1, 'a second try');
  expect(modelStatus(agent)).toMatchObject({ state: 'fetching', failures: [] });
  missing = false;
  await untilRuns(agent, '1.0.0');
});
