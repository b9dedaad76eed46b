// Laws of private files on a device: real agents get them through a real service from a closed bucket, over cuts and expiries, and keep no credential.
import { readdir, readFile } from 'node:fs/promises';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import { ArtifactLocator } from '../../fleet-agent/src/link/artifact-locator.ts';
import { HttpServiceLink } from '../../fleet-agent/src/link/http-service-link.ts';
import type { LocationResult, ServiceLink } from '../../fleet-agent/src/link/service-link.ts';
import { createLogger } from '../../src/base/logger.ts';
import { hexOf } from '../../src/contract/digest.ts';
import { PresignedPlace } from '../../src/distribution/presigned-place.ts';
import { PublishedArtifacts } from '../../src/distribution/published-artifacts.ts';
import { parseS3Address } from '../../src/distribution/s3-access.ts';
import { newKey } from '../fleet-api/service.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { PrivateBucket } from '../support/private-bucket.ts';
import { clock, DeviceWorld, linkTo, openHost, type PublishedModel, until, untilRuns } from './device-world.ts';

const host = openHost();
afterAll(() => host.close());
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
});

const ORIGIN = 's3://ours/prod';
const SIZE = 3_000_000;

interface Setting extends AsyncDisposable {
  readonly world: DeviceWorld;
  readonly bucket: PrivateBucket;
  /** What the agent logged. */
  readonly log: string[];
  /** Added to the time at which addresses are signed. */
  readonly shift: { ms: number };
  readonly logger: ReturnType<typeof createLogger>;
}

async function open(): Promise<Setting> {
  const shift = { ms: 0 };
  const log: string[] = [];
  const parts: { bucket?: PrivateBucket } = {};
  const world = await DeviceWorld.open(({ publication }) => {
    const published = new PublishedArtifacts(publication);
    const place = new PresignedPlace(parseS3Address(ORIGIN), () => {
      if (parts.bucket === undefined) throw new Error('the bucket is not open');
      return parts.bucket.access;
    });
    return {
      locations: {
        findAddress: published.findAddress.bind(published),
        presign: (address, nowMs) => place.presign(address, nowMs + shift.ms),
      },
    };
  });
  const bucket = await PrivateBucket.open(path.join(world.folder, 'bucket'));
  parts.bucket = bucket;
  const logger = createLogger({ least: 'debug', pretty: false, now: Date.now, write: (line) => void log.push(line) });
  return {
    ...{ world, bucket, log, shift, logger },
    [Symbol.asyncDispose]: async () => {
      await world[Symbol.asyncDispose]();
      await bucket[Symbol.asyncDispose]();
    },
  };
}

/** A version whose file is in the bucket alone, and that the directive asks for. */
async function releasePrivately({ world, bucket }: Setting): Promise<PublishedModel> {
  const onnx = constantClassifier(0, SIZE);
  const model = await world.publishModel({ version: '1.0.0', onnx, origin: ORIGIN, isElsewhere: true });
  await bucket.put(`prod/artifacts/${hexOf(model.artifact)}`, onnx);
  await world.direct(world.entry({ stable: model }));
  return model;
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
}

/** Neither what the agent logged nor what it wrote holds a part of a signed address. */
async function expectNoCredential({ world, log }: Setting): Promise<void> {
  expect(log.join('')).not.toMatch(/X-Amz-/i);
  for (const file of await filesBelow(path.join(world.folder, 'devices'))) {
    // The running agent may just have replaced it.
    const text = await readFile(file, 'latin1').catch(() => '');
    expect(text.slice(0, 1_000_000), file).not.toMatch(/X-Amz-/i);
  }
}

test('a version whose file is in a closed bucket alone is fetched, verified and run, and no credential stays', async () => {
  await using setting = await open();
  const { world, bucket, logger } = setting;
  const model = await releasePrivately(setting);
  const address = `${bucket.access.endpoint}/ours/prod/artifacts/${hexOf(model.artifact)}`;
  expect((await fetch(address)).status).toBe(403);
  const { agent } = await world.startAgent(host, { logger });
  await untilRuns(agent, '1.0.0');
  expect(bucket.reads.filter(({ status }) => status === 200)).toHaveLength(1);
  await expectNoCredential(setting);
});

test('a cut download goes on where it was, by another address', async () => {
  await using setting = await open();
  const { world, bucket, logger } = setting;
  bucket.mischief = ({ range }) => (range === undefined ? { cutAfterBytes: 1_200_000 } : undefined);
  await releasePrivately(setting);
  const { agent } = await world.startAgent(host, { logger });
  await untilRuns(agent, '1.0.0');
  const [first, second] = bucket.reads;
  expect(bucket.reads).toHaveLength(2);
  expect([first?.status, second?.status]).toEqual([200, 206]);
  expect(Number(/^bytes=(\d+)-$/.exec(second?.range ?? '')?.[1])).toBeGreaterThan(500_000);
  expect(second?.signature).not.toBe(first?.signature);
  await expectNoCredential(setting);
});

test('an address that expired in the middle is asked for again, and what came is kept', async () => {
  await using setting = await open();
  const { world, bucket, shift, logger, log } = setting;
  bucket.mischief = ({ range }) => {
    if (range !== undefined) return undefined;
    // Addresses signed from now on are 20 minutes old, until the bucket has refused one.
    shift.ms = -20 * 60_000;
    return { cutAfterBytes: 1_200_000 };
  };
  await releasePrivately(setting);
  const { agent } = await world.startAgent(host, { logger });
  await until(() => bucket.reads.some(({ status }) => status === 403), 'an address to be refused');
  shift.ms = 0;
  await untilRuns(agent, '1.0.0');
  expect(bucket.reads.filter(({ range }) => range === undefined)).toHaveLength(1);
  expect(bucket.reads.at(-1)?.status).toBe(206);
  expect(log.join('')).toContain('403 (AccessDenied)');
  await expectNoCredential(setting);
});

test('a part outlives the agent, whatever address it came from', async () => {
  await using setting = await open();
  const { world, bucket, logger } = setting;
  let isOpen = false;
  bucket.mischief = ({ range }) =>
    range === undefined ? { cutAfterBytes: 1_200_000 } : isOpen ? undefined : { status: 503 };
  await releasePrivately(setting);
  const before = await world.startAgent(host, { logger });
  await until(() => bucket.reads.some(({ status }) => status === 503), 'the bucket to be busy');
  await before.stop();
  await expectNoCredential(setting);
  isOpen = true;
  const { agent } = await world.startAgent(host, { logger });
  await untilRuns(agent, '1.0.0');
  expect(bucket.reads.filter(({ range }) => range === undefined)).toHaveLength(1);
});

test('without a service that signs, the file comes from the publication, and the log says what to do', async () => {
  await using world = await DeviceWorld.open();
  const log: string[] = [];
  const logger = createLogger({ least: 'warn', pretty: false, now: Date.now, write: (line) => void log.push(line) });
  const model = await world.publishModel({ version: '1.0.0', origin: ORIGIN });
  await world.direct(world.entry({ stable: model }));
  const { agent } = await world.startAgent(host, { logger });
  await untilRuns(agent, '1.0.0');
  expect(log.join('')).toMatch(/AGENT_LOCATION.*LOCATION_NO_PLACE.*--artifacts/);
});

test('a device that follows directives without a service takes the file from the publication, too', async () => {
  await using world = await DeviceWorld.open();
  const model = await world.publishModel({ version: '1.0.0', origin: ORIGIN });
  await world.direct(world.entry({ stable: model }));
  const { agent } = await world.startAgent(host, { link: null });
  await untilRuns(agent, '1.0.0');
});

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const json =
  (value: unknown): RequestListener =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
  };
const expiresAt = '2100-01-01T00:00:00Z';

test.each<[string, RequestListener, RegExp]>([
  [
    'a page of a captive portal',
    (_, response) => void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in</html>'),
    /no https address/,
  ],
  ['plain http of another machine', json({ url: 'http://192.0.2.1/a?X-Amz-Signature=5ecret', expiresAt }), /no https/],
  ['a file of the device', json({ url: 'file:///etc/passwd', expiresAt }), /no https/],
  ['an address with a password', json({ url: 'https://user:5ecret@127.0.0.1:9/', expiresAt }), /no https/],
  ['no time', json({ url: 'https://127.0.0.1:9/' }), /when the address expires/],
  ['a number', json(7), /no https/],
  ['an error of its own', (_, response) => void response.writeHead(500).end('{"error":{"code":1}}'), /\(500\)/],
  ['bytes without end', (_, response) => void endless(response), /longer than 65536 bytes/],
])(
  'a service that answers with %s is told apart, and no address of it is asked or quoted',
  async (_, answer, message) => {
    const link = new HttpServiceLink({ serverUrl: await serve(answer), clock });
    const result = await locate(link);
    expect(result).toMatchObject({ kind: 'failed', error: { kind: 'retry-later' } });
    if (result.kind === 'failed') expect(result.error.message).toMatch(message);
    expect(JSON.stringify(result)).not.toContain('5ecret');
  },
);

function endless(response: import('node:http').ServerResponse): void {
  const more = setInterval(() => response.write(' '.repeat(10_000)), 1);
  response.on('close', () => clearInterval(more));
}

function locate(link: ServiceLink | null, nowMs = Date.now()): Promise<LocationResult> {
  const identity = { device: 'device-1', key: newKey().key };
  const wanted = { manifest: `sha256:${'0'.repeat(64)}`, artifact: `sha256:${'1'.repeat(64)}` } as const;
  return new ArtifactLocator({ link, identity: () => identity, nowMs: () => nowMs }).locate(
    wanted,
    AbortSignal.timeout(20_000),
  );
}

test('a service that sends devices to a host with other bytes brings none of them to run: the digest decides', async () => {
  await using setting = await open();
  const { world, logger } = setting;
  const wrong = await serve((_, response) => void response.end(constantClassifier(1, SIZE)));
  const lying: ServiceLink = Object.assign(linkTo(world.serverUrl), {
    locate: async () =>
      ({ kind: 'located', url: `${wrong}/a?X-Amz-Signature=5ecret`, expiresAtMs: Date.now() + 1000 }) as const,
  });
  const onnx = constantClassifier(0, SIZE);
  const model = await world.publishModel({ version: '1.0.0', onnx, origin: ORIGIN });
  await world.direct(world.entry({ stable: model }));
  const { agent } = await world.startAgent(host, { link: lying, logger });
  await untilRuns(agent, '1.0.0');
  expect(setting.log.join('')).toMatch(/model.onnx: .*of which the digest is/);
  expect(setting.log.join('')).not.toContain('5ecret');
});

test('a device whose clock is wrong asks again with the time of the service, and once only', async () => {
  await using setting = await open();
  const { world } = setting;
  const model = await releasePrivately(setting);
  const key = newKey();
  const token = await world.token();
  const link = linkTo(world.serverUrl);
  const { signal } = new AbortController();
  await link.enrol({ token, device: 'late', publicKey: key.pem, labels: {} }, signal);
  const identity = { device: 'late', key: key.key };
  const wanted = { manifest: model.digest, artifact: model.artifact };
  const locator = new ArtifactLocator({ link, identity: () => identity, nowMs: () => 0 });
  const result = await locator.locate(wanted, signal);
  expect(result.kind).toBe('located');
  if (result.kind === 'located') expect((await fetch(result.url)).status).toBe(200);

  let asked = 0;
  const confused = await serve((_, response) => {
    asked += 1;
    response
      .writeHead(400, { date: 'Thu, 01 Jan 2026 00:00:00 GMT' })
      .end('{"error":{"code":"LOCATION_TIME","message":"No."}}');
  });
  expect((await locate(new HttpServiceLink({ serverUrl: confused, clock }))).kind).toBe('failed');
  expect(asked).toBe(2);
});

test('a private host of the manifest gets the credentials of the device, also when a cut download goes on', async () => {
  await using world = await DeviceWorld.open();
  const onnx = constantClassifier(0, SIZE);
  const shown: (string | undefined)[] = [];
  const origin = await serve((request, response) => {
    shown.push(request.headers.authorization);
    if (request.headers.authorization !== 'Bearer s3cret') return void response.writeHead(401).end();
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = { 'content-range': `bytes ${start}-${onnx.length - 1}/${onnx.length}` };
    response.writeHead(start === 0 ? 200 : 206, {
      'content-length': onnx.length - start,
      ...(start === 0 ? {} : range),
    });
    if (start > 0) return void response.end(onnx.subarray(start));
    response.write(onnx.subarray(0, 1_000_000), () => setTimeout(() => response.destroy(), 20));
  });
  const model = await world.publishModel({ version: '1.0.0', onnx, origin, isElsewhere: true });
  await world.direct(world.entry({ stable: model }));
  const artifactCredentials = {
    check: async () => undefined,
    headersFor: async (url: string): Promise<Record<string, string>> =>
      url.startsWith(`${origin}/`) ? { authorization: 'Bearer s3cret' } : {},
  };
  const { agent } = await world.startAgent(host, { artifactCredentials });
  await untilRuns(agent, '1.0.0');
  expect(shown).toEqual(['Bearer s3cret', 'Bearer s3cret']);
});
