// Owns the laws of the files for proxies: behind nginx and Caddy, everything that devices, publishers and viewers do works as without them.
import { createHash, randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { request } from 'node:https';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { TestAuthority } from '../support/certificates.ts';
import { Installation } from '../support/installation.ts';
import { freePort, requireService } from '../support/prometheus.ts';
import { findProxy, type ProxyName, WebProxy } from '../support/web-proxy.ts';

const authority = new TestAuthority();
const files = authority.write('proxy', authority.issue());
const adminToken = 'an-admin-token-of-this-test';
let home: Installation;
let port = 0;

interface Call {
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | number>>;
  readonly body?: string | Buffer;
}

interface Heard {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly body: Buffer;
}

beforeAll(async () => {
  home = await Installation.open();
  await home.pushStart();
  port = await freePort();
  await home.startService({ publicUrl: new URL(`https://localhost:${port}`), addressFactor: 100, adminToken });
}, 60_000);

afterAll(async () => {
  await home[Symbol.asyncDispose]();
});

describe.each<[ProxyName, string]>([
  ['nginx', 'NGINX_BIN'],
  ['caddy', 'CADDY_BIN'],
])('behind %s', (name, variable) => {
  const binary = findProxy(name);
  requireService(binary, name, variable);
  let proxy: WebProxy;

  beforeAll(async () => {
    if (binary === undefined) return;
    const upstreamPort = Number(new URL(home.service.url).port);
    proxy = await WebProxy.start(name, binary, { port, upstreamPort, ...files });
  }, 60_000);

  afterAll(async () => {
    await proxy?.[Symbol.asyncDispose]();
  });

  function open(path: string, { method = 'GET', headers = {}, body }: Call = {}): Promise<IncomingMessage> {
    return new Promise((resolve, reject) => {
      const asked = request(
        { host: 'localhost', port, path, method, headers: { ...headers }, ca: authority.ca.cert, agent: false },
        resolve,
      );
      asked.on('error', reject);
      asked.end(body);
    });
  }

  async function hear(path: string, call: Call = {}): Promise<Heard> {
    const answer = await open(path, call);
    const chunks: Buffer[] = [];
    for await (const chunk of answer) chunks.push(chunk as Buffer);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) };
  }

  test.skipIf(binary === undefined)('long polls, event streams, uploads, downloads and logins work', async () => {
    const bearer = { Authorization: `Bearer ${adminToken}` };
    expect(await hear('/healthz')).toMatchObject({ status: 200 });

    // An event is there while its stream stays open: nothing holds it back.
    const stream = await open('/v1/events', { headers: { ...bearer, 'Accept-Encoding': 'gzip' } });
    expect(stream.headers['content-type']).toMatch(/text\/event-stream/);
    let heard = '';
    stream.setEncoding('utf8').on('data', (text: string) => {
      heard += text;
    });
    await expect.poll(() => heard, { timeout: 10_000 }).toMatch(/retry: 2000/);

    // A long poll that nothing ends takes its time and is answered by the service, not by the proxy.
    const known = JSON.parse((await hear('/v1/changes')).body.toString()) as { etag: string };
    const begun = performance.now();
    const poll = hear(`/v1/changes?etag=${known.etag}&wait=4`);

    // Larger than the megabyte that nginx takes unless told.
    const model = randomBytes(3 * 1024 * 1024);
    const digest = createHash('sha256').update(model).digest('hex');
    const sent = await hear(`/v1/artifacts/sha256:${digest}`, {
      method: 'PUT',
      headers: { ...bearer, 'Content-Length': model.length, Expect: '100-continue' },
      body: model,
    });
    expect(sent.status).toBe(201);
    const part = await hear(`/distribution/artifacts/${digest}`, { headers: { Range: 'bytes=1000-1999' } });
    expect(part).toMatchObject({ status: 206, headers: { 'cache-control': 'public, max-age=31536000, immutable' } });
    expect(part.body.equals(model.subarray(1000, 2000))).toBe(true);

    const { status } = await poll;
    if (status === 304) expect(performance.now() - begun).toBeGreaterThan(3500);
    else expect(status).toBe(200);

    // Cookies and forms of the screen rest on the host that the browser names.
    const login = await hear('/login', {
      method: 'POST',
      headers: { Origin: `https://localhost:${port}`, 'Content-Type': 'application/x-www-form-urlencoded' },
      body: `token=${home.set.viewerToken}`,
    });
    expect(login.status, login.body.toString()).toBe(303);
    expect(String(login.headers['set-cookie'])).toMatch(/^__Host-.*Secure/);
    stream.destroy();
  });
});
