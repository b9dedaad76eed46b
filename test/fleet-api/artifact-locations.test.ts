// Laws of addresses of private files: a device that signs for a file of a present version gets one, and nobody else, for nothing else.
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { LOCATION_PAYLOAD_TYPE, locationPayload } from '../../src/contract/artifact-location.ts';
import { type Digest, digestOf } from '../../src/contract/digest.ts';
import { type DsseEnvelope, signDsse } from '../../src/contract/trust/dsse.ts';
import { type Device, enrolDevice, newKey, post, type Service, send, startService } from './service.ts';

const MANIFEST = digestOf('a manifest');
const FILE = digestOf('a file');
const OUTSIDE = digestOf('a file elsewhere');
const SIGNED = 'https://bucket.example.com/prod/0a?X-Amz-Signature=5ecret';

const world = { isBroken: false };
const locations = {
  findAddress: async (manifest: Digest, artifact: Digest) => {
    if (manifest !== MANIFEST) return undefined;
    return artifact === FILE ? 's3://ours/prod/0a' : artifact === OUTSIDE ? 's3://theirs/0a' : undefined;
  },
  presign: async (address: string, nowMs: number) => {
    if (world.isBroken) throw new CodedError({ code: 'BROKEN', kind: 'retry-later', message: 'It is broken.' });
    return address.startsWith('s3://ours/') ? { url: SIGNED, expiresAtMs: nowMs + 900_000 } : null;
  },
};

let service: Service;
let device: Device;
let other: Device;
beforeAll(async () => {
  service = await startService({ locations });
  [device, other] = [await enrolDevice(service, 'd1'), await enrolDevice(service, 'd2')];
});
afterAll(() => service[Symbol.asyncDispose]());
beforeEach(() => {
  world.isBroken = false;
  service.denied.clear();
});

interface Wanted {
  readonly device?: string;
  readonly manifest?: Digest;
  readonly artifact?: Digest;
  readonly atMs?: number;
}

function payloadOf(wanted: Wanted = {}): Buffer {
  return locationPayload({ device: 'd1', manifest: MANIFEST, artifact: FILE, atMs: Date.now(), ...wanted });
}

function signedBy({ id, key }: Pick<Device, 'id' | 'key'>, payload = payloadOf(), type = LOCATION_PAYLOAD_TYPE) {
  return signDsse(type, payload, { keyid: id, key });
}

async function ask(envelope: unknown, at = service) {
  const answer = await post(`${at.url}/v1/artifacts/location`, envelope);
  const body = (await answer.json()) as { url?: string; expiresAt?: string; error?: { code: string; remedy: string } };
  return { status: answer.status, headers: answer.headers, body };
}

test('a device gets a signed address of a file of a present version, which no cache keeps', async () => {
  const { status, headers, body } = await ask(signedBy(device));
  expect([status, body.url]).toEqual([200, SIGNED]);
  expect(Date.parse(body.expiresAt ?? '') - Date.now()).toBeLessThanOrEqual(900_000);
  expect(headers.get('cache-control')).toBe('no-store');
});

test('a request that is sent twice is answered twice: it says the same', async () => {
  const envelope = signedBy(device);
  expect([(await ask(envelope)).status, (await ask(envelope)).status]).toEqual([200, 200]);
});

function withChangedPayload(): DsseEnvelope {
  return { ...signedBy(device), payload: payloadOf({ artifact: OUTSIDE }).toString('base64') };
}

const MINUTE = 60_000;
test.each<[string, () => unknown, number, string]>([
  ['another key', () => signedBy({ id: 'd1', key: newKey().key }), 401, 'LOCATION_SIGNATURE'],
  ['the key of another device', () => signedBy({ id: 'd1', key: other.key }), 401, 'LOCATION_SIGNATURE'],
  ['another device in its payload', () => signedBy(other), 401, 'LOCATION_SIGNATURE'],
  ['a payload that was changed', withChangedPayload, 401, 'LOCATION_SIGNATURE'],
  ['a signed report in its place', () => device.sign(), 401, 'LOCATION_SIGNATURE'],
  ['a device that nobody enrolled', () => signedBy({ id: 'd9', key: device.key }), 401, 'LOCATION_UNKNOWN_DEVICE'],
  ['no envelope', () => ({}), 400, 'LOCATION_SHAPE'],
  ['a list', () => [signedBy(device)], 400, 'LOCATION_SHAPE'],
  ['a payload that is no JSON', () => signedBy(device, Buffer.from('<html>')), 400, 'LOCATION_SHAPE'],
  ['a payload of null', () => signedBy(device, Buffer.from('null')), 400, 'LOCATION_SHAPE'],
  ['no digest', () => signedBy(device, payloadOf({ artifact: 'latest' as Digest })), 400, 'LOCATION_SHAPE'],
  ['a time long ago', () => signedBy(device, payloadOf({ atMs: Date.now() - 6 * MINUTE })), 400, 'LOCATION_TIME'],
  ['a time to come', () => signedBy(device, payloadOf({ atMs: Date.now() + 6 * MINUTE })), 400, 'LOCATION_TIME'],
  [
    'a version that is not present',
    () => signedBy(device, payloadOf({ manifest: FILE })),
    404,
    'LOCATION_UNKNOWN_FILE',
  ],
  ['a file of no version', () => signedBy(device, payloadOf({ artifact: MANIFEST })), 404, 'LOCATION_UNKNOWN_FILE'],
  ['a file in another bucket', () => signedBy(device, payloadOf({ artifact: OUTSIDE })), 403, 'LOCATION_OUTSIDE'],
])('a request with %s is refused', async (_, envelope, status, code) => {
  const answer = await ask(envelope());
  expect([answer.status, answer.body.error?.code]).toEqual([status, code]);
  expect(answer.body.error?.remedy).toBeTruthy();
  expect(answer.body.url).toBeUndefined();
});

test('the answer to a request of another time has the time of the service', async () => {
  const { headers } = await ask(signedBy(device, payloadOf({ atMs: 0 })));
  expect(Math.abs(Date.parse(headers.get('date') ?? '') - Date.now())).toBeLessThan(5_000);
});

test('a device that the fleet documents turn away gets none', async () => {
  service.denied.add('d1');
  expect(await ask(signedBy(device))).toMatchObject({ status: 403, body: { error: { code: 'LOCATION_DENIED' } } });
});

test('a service that can not sign now says so, and lets the device try again', async () => {
  world.isBroken = true;
  const { status, headers } = await ask(signedBy(device));
  expect([status, headers.get('retry-after')]).toEqual([503, '5']);
});

test('a large body is refused unread', async () => {
  expect((await ask({ filler: 'x'.repeat(9_000) })).status).toBe(413);
});

describe('what one may ask for', () => {
  test('is bounded for each device, and another goes on', async () => {
    await using busy = await startService({ locations });
    const [one, two] = [await enrolDevice(busy, 'd1'), await enrolDevice(busy, 'd2')];
    const statuses: number[] = [];
    for (let i = 0; i < 140; i++) statuses.push((await ask(signedBy(one), busy)).status);
    expect(statuses.slice(0, 128)).toEqual(Array(128).fill(200));
    expect(statuses).toContain(429);
    expect((await ask(signedBy(two, payloadOf({ device: 'd2' })), busy)).status).toBe(200);
  });

  test('is bounded for an address that sends wrong signatures, together with its reports', async () => {
    const forgedPerAddress = { perSecond: 0.001, burst: 3 };
    await using busy = await startService({ locations, forgedPerAddress });
    const one = await enrolDevice(busy, 'd1');
    const forged = { id: 'd1', key: newKey().key };
    for (let i = 0; i < 3; i++) expect((await ask(signedBy(forged), busy)).status).toBe(401);
    expect((await ask(signedBy(one), busy)).status).toBe(429);
    expect((await send(busy, [one.sign()])).status).toBe(429);
  });
});

test('a service without a place says how to give it one', async () => {
  await using plain = await startService();
  const one = await enrolDevice(plain, 'd1');
  const { status, body } = await ask(signedBy(one), plain);
  expect([status, body.error?.code]).toEqual([404, 'LOCATION_NO_PLACE']);
  expect(body.error?.remedy).toContain('--artifacts');
});
