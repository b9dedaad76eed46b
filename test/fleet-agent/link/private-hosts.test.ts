// Laws of downloads from private hosts: credentials stay with their host over redirects, https stays https, and no secret shows.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, expect, test } from 'vitest';
import type { CredentialsFor } from '../../../fleet-agent/src/link/artifact-credentials.ts';
import { type DownloadResult, download } from '../../../fleet-agent/src/link/download.ts';
import { digestOf } from '../../../src/contract/digest.ts';
import { clock } from '../device-world.ts';

const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-private-hosts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const BYTES = Buffer.alloc(200_000, 'model');
const stops: (() => void)[] = [];
afterEach(() => {
  for (const stop of stops.splice(0)) stop();
  delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
});

interface Host {
  readonly url: string;
  readonly asked: IncomingMessage[];
}

async function start(answer: RequestListener, tls?: { readonly key: string; readonly cert: string }): Promise<Host> {
  const asked: IncomingMessage[] = [];
  const listener: RequestListener = (request, response) => {
    asked.push(request);
    answer(request, response);
  };
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  stops.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`, asked };
}

const whole: RequestListener = (_, response) =>
  void response.writeHead(200, { 'content-length': BYTES.length }).end(BYTES);

function redirectTo(location: () => string, status = 302): RequestListener {
  return (_, response) => void response.writeHead(status, { location: location() }).end();
}

function fetchOnce(url: string, credentials: CredentialsFor | null): Promise<DownloadResult> {
  const file = path.join(folder, 'download');
  rmSync(file, { force: true });
  writeFileSync(file, '');
  return download({
    ...{ url, credentials, file, digest: digestOf(BYTES), sizeBytes: BYTES.length, offset: 0, etag: null },
    ...{ throttle: null, clock, signal: new AbortController().signal, onFlushed: async () => undefined },
  });
}

/** As a file with one entry for this host. */
function onlyFor(host: string): CredentialsFor {
  return async (url) =>
    new URL(url).origin === host ? { authorization: 'Bearer s3cret', 'private-token': 's3cret' } : {};
}

function secretsIn({ asked }: Host): readonly unknown[] {
  return asked
    .flatMap(({ headers }) => [headers.authorization, headers['private-token']])
    .filter((one) => one !== undefined);
}

test.each([301, 302, 303, 307, 308])(
  'a redirect (%i) to another origin is followed without the credentials',
  async (status) => {
    const other = await start(whole);
    const host = await start(redirectTo(() => `${other.url}/elsewhere?X-Amz-Signature=0a`, status));
    expect(await fetchOnce(`${host.url}/m.onnx`, onlyFor(host.url))).toEqual({ kind: 'done' });
    expect(secretsIn(host)).toHaveLength(2);
    expect(other.asked).toHaveLength(1);
    expect(secretsIn(other)).toEqual([]);
  },
);

test('a host that redirects to one with credentials of its own does not see them, and that one does', async () => {
  const home = await start((request, response) =>
    request.headers.authorization === 'Bearer s3cret' ? whole(request, response) : void response.writeHead(401).end(),
  );
  const front = await start(redirectTo(() => home.url));
  expect(await fetchOnce(`${front.url}/m.onnx`, onlyFor(home.url))).toEqual({ kind: 'done' });
  expect(secretsIn(front)).toEqual([]);
});

test('redirects in a circle end', async () => {
  const host = await start(redirectTo(() => '/again'));
  expect(await fetchOnce(`${host.url}/m.onnx`, null)).toMatchObject({ kind: 'cut' });
  expect(host.asked).toHaveLength(6);
});

test.each([
  ['a file of the device', () => 'file:///etc/hostname'],
  ['no address', () => 'http://'],
  ['an address with a password, which errors would quote', () => 'http://user:s3cret@127.0.0.1:9/'],
])('a redirect to %s is not followed', async (_, location) => {
  const host = await start(redirectTo(location));
  const result = await fetchOnce(`${host.url}/m.onnx`, null);
  expect(result).toMatchObject({ kind: 'cut', message: expect.stringContaining('redirects') });
  expect(JSON.stringify(result)).not.toContain('s3cret');
});

test('what began over https is not handed on to plain http, not even without credentials', async () => {
  const [key, cert] = [path.join(folder, 'tls.key'), path.join(folder, 'tls.crt')];
  const made = [
    'req',
    '-x509',
    '-newkey',
    'ec',
    '-pkeyopt',
    'ec_paramgen_curve:P-256',
    '-nodes',
    '-subj',
    '/CN=127.0.0.1',
  ];
  execFileSync('openssl', [...made, '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const tls = { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
  const plain = await start(whole);
  const secret = await start(
    (request, response) =>
      request.url === '/direct' ? whole(request, response) : redirectTo(() => plain.url)(request, response),
    tls,
  );
  expect(await fetchOnce(`${secret.url}/direct`, null)).toEqual({ kind: 'done' });
  expect(await fetchOnce(`${secret.url}/m.onnx`, null)).toMatchObject({
    kind: 'cut',
    message: expect.stringContaining('https'),
  });
  expect(plain.asked).toEqual([]);
});

test('a host that asks for credentials is named with the setting that gives them', async () => {
  const host = await start((_, response) => void response.writeHead(401).end());
  expect(await fetchOnce(`${host.url}/m.onnx`, null)).toMatchObject({
    kind: 'cut',
    message: expect.stringContaining('artifactCredentials'),
  });
});

test('what S3 says is told, and of a pre-signed address nothing but its path', async () => {
  const host = await start((_, response) => {
    response.writeHead(403, { 'content-type': 'application/xml' });
    response.write('<?xml version="1.0"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message>');
    // Endless: only its beginning is read.
    const more = setInterval(() => response.write('x'.repeat(1000)), 1);
    response.on('close', () => clearInterval(more));
  });
  const result = await fetchOnce(`${host.url}/models/0a?X-Amz-Credential=AKIA&X-Amz-Signature=5ecret`, null);
  expect(result).toMatchObject({ kind: 'cut', message: 'The server answered 403 (AccessDenied) for /models/0a.' });
});

test.each([
  'http://127.0.0.1:1/models/0a?X-Amz-Signature=5ecret',
  'http://no-such-host.invalid/models/0a?X-Amz-Signature=5ecret',
])('a pre-signed address that fails is told without its signature: %s', async (url) => {
  const result = await fetchOnce(url, null);
  expect(result).toMatchObject({ kind: 'cut', message: expect.stringContaining('/models/0a') });
  expect(JSON.stringify(result)).not.toContain('5ecret');
});

test('credentials that can not be read fail the try with their file and remedy, before the host is asked', async () => {
  const { CodedError } = await import('../../../src/base/errors.ts');
  const host = await start(whole);
  const broken: CredentialsFor = async () => {
    throw new CodedError({
      code: 'FILE_MODE',
      message: '/etc/c.yaml can be read by others.',
      remedy: 'Run `chmod 600`.',
    });
  };
  const message = 'FILE_MODE /etc/c.yaml can be read by others. Run `chmod 600`.';
  expect(await fetchOnce(`${host.url}/m.onnx`, broken)).toMatchObject({ kind: 'cut', message });
  expect(host.asked).toEqual([]);
});
