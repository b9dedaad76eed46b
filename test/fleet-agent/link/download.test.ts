// Owns the proof that downloads resume where they were cut, spare the server, and never end in the wrong bytes.
import { readFile, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type DownloadRequest, download } from '../../../fleet-agent/src/link/download.ts';
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
      bytesPerSecondMost: null,
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

test('a kept part that does not fit is found by the digest, and blamed', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  const { request } = await tryOf(world, model);
  await writeFile(request.file, Buffer.alloc(1000, 9));
  expect(await download({ ...request, offset: 1000 })).toMatchObject({ kind: 'corrupt', wasResumed: true });
});

test('a server whose file changed (ETag) or that knows no ranges starts the file over', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', onnx: constantClassifier(0, SIZE) });
  const { request } = await tryOf(world, model);
  await writeFile(request.file, Buffer.alloc(1000, 9));
  expect(await download({ ...request, offset: 1000, etag: '"another"' })).toEqual({ kind: 'done' });
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
  const { request } = await tryOf(world, model, { bytesPerSecondMost: 400_000 });
  const startMs = Date.now();
  expect(await download(request)).toEqual({ kind: 'done' });
  expect(Date.now() - startMs).toBeGreaterThan(800);
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
