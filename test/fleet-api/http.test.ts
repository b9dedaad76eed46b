// What the service promises about everything else on its port: bounds, files, long polls, hooks, health.
import { execFileSync } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { get as getSecurely } from 'node:https';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseRange } from '../../src/fleet-api/http/static-files.ts';
import { post, type Service, startService } from './service.ts';

/** Sends raw bytes and gives all that came back until the connection closed. */
function talk(
  service: Service,
  bytes: string,
  more?: (write: (text: string) => void) => NodeJS.Timeout,
): Promise<string> {
  return new Promise((resolve) => {
    let heard = '';
    const socket = connect(service.port, '127.0.0.1', () => socket.write(bytes));
    const timer = more?.((text) => socket.write(text));
    socket.on('data', (chunk) => {
      heard += chunk.toString();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      clearInterval(timer);
      resolve(heard);
    });
  });
}

describe('bounds', () => {
  it('refuse a body that is too large, announced or not', async () => {
    await using service = await startService();
    const announced = await talk(service, 'POST /v1/reports HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999\r\n\r\n[');
    expect(announced).toMatch(/^HTTP\/1\.1 413 [\s\S]*Connection: close[\s\S]*HTTP_BODY_SIZE/);
    const chunk = `10000\r\n${' '.repeat(65_536)}\r\n`;
    const unannounced = await talk(
      service,
      `POST /v1/reports HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n${chunk.repeat(17)}`,
    );
    expect(unannounced).toMatch(/^HTTP\/1\.1 413 /);
    expect((await post(`${service.url}/v1/reports`, '[]', { 'Content-Encoding': 'gzip' })).status).toBe(415);
    expect(await talk(service, `GET / HTTP/1.1\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`)).toMatch(/^HTTP\/1\.1 431 /);
  });

  it('cut a client that drips its headers, while others are served', async () => {
    await using service = await startService();
    const slow = talk(service, 'GET /healthz HTTP/1.1\r\n', (write) => setInterval(() => write('X: y\r\n'), 500));
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    expect(await slow).toMatch(/^HTTP\/1\.1 408 /);
  });

  it('hold for each address, and tell when to come back', async () => {
    await using service = await startService({ perAddress: { perSecond: 0.01, burst: 2 } });
    const statuses = [];
    for (let i = 0; i < 3; i++) statuses.push((await fetch(`${service.url}/healthz`)).status);
    expect(statuses).toEqual([200, 200, 429]);
    expect((await fetch(`${service.url}/healthz`)).headers.get('retry-after')).toBe('60');
  });

  it('answer every address and method with a status below 500', async () => {
    await using service = await startService();
    const paths = fc.oneof(
      fc.webPath(),
      fc.webPath().map((text) => `/distribution${text}`),
      fc.webPath().map((text) => `/v1/outlooks${text}`),
      fc.constantFrom(
        '/distribution/%00',
        '/distribution/..%2f..%2ffleet.db',
        '//',
        '/v1/outlooks/%ff',
        '/v1/changes?wait=1e99',
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        paths,
        fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS'),
        async (where, method) => {
          const headers = { authorization: 'Bearer viewer-token' };
          const { status } = await fetch(service.url + where, { method, headers });
          expect(status).toBeLessThan(500);
        },
      ),
      { numRuns: 300 },
    );
    expect((await fetch(`${service.url}/v1/enrol`)).headers.get('allow')).toBe('POST');
    expect(service.errors).toEqual([]);
  });
});

describe('the publication folder', () => {
  const hex = 'a'.repeat(64);

  it('is served whole, in part and conditionally, with strong tags', async () => {
    await using service = await startService();
    mkdirSync(path.join(service.publicationFolder, 'artifacts'));
    writeFileSync(path.join(service.publicationFolder, 'artifacts', hex), '0123456789');
    const get = (headers: Record<string, string> = {}) =>
      fetch(`${service.url}/distribution/artifacts/${hex}`, { headers });
    const whole = await get();
    expect([whole.status, await whole.text(), whole.headers.get('etag')]).toEqual([200, '0123456789', `"${hex}"`]);
    expect(whole.headers.get('cache-control')).toContain('immutable');
    const part = await get({ range: 'bytes=4-', 'if-range': `"${hex}"` });
    expect([part.status, await part.text(), part.headers.get('content-range')]).toEqual([
      206,
      '456789',
      'bytes 4-9/10',
    ]);
    expect(await (await get({ range: 'bytes=4-', 'if-range': '"other"' })).text()).toBe('0123456789');
    expect(await (await get({ range: 'bytes=-3' })).text()).toBe('789');
    const beyond = await get({ range: 'bytes=10-' });
    expect([beyond.status, beyond.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    const same = await get({ 'if-none-match': `"other", "${hex}"` });
    expect([same.status, await same.text()]).toEqual([304, '']);
    const head = await fetch(`${service.url}/distribution/artifacts/${hex}`, { method: 'HEAD' });
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['10', '']);
  });

  it('gives a replaced file a new tag, and a bundle no lasting one', async () => {
    await using service = await startService();
    const place = path.join(service.publicationFolder, 'metadata');
    mkdirSync(place);
    const write = (text: string) => {
      writeFileSync(path.join(place, 'next'), text);
      renameSync(path.join(place, 'next'), path.join(place, 'timestamp.json'));
    };
    const url = `${service.url}/distribution/metadata/timestamp.json`;
    write('{"version":1}');
    const first = await fetch(url);
    const tag = first.headers.get('etag') ?? '';
    expect(first.headers.get('cache-control')).toBe('public, no-cache');
    expect((await fetch(url, { headers: { 'if-none-match': tag } })).status).toBe(304);
    write('{"version":2}');
    const second = await fetch(url, { headers: { 'if-none-match': tag } });
    expect([second.status, await second.text()]).toEqual([200, '{"version":2}']);
    mkdirSync(path.join(service.publicationFolder, 'manifests'));
    writeFileSync(path.join(service.publicationFolder, 'manifests', `${hex}.yaml.sigstore.json`), '{}');
    const bundle = await fetch(`${service.url}/distribution/manifests/${hex}.yaml.sigstore.json`);
    expect(bundle.headers.get('cache-control')).toBe('public, no-cache');
  });

  it('gives no byte from outside: no traversal, no hidden file, no link, no folder', async () => {
    await using service = await startService();
    const { publicationFolder } = service;
    writeFileSync(path.join(publicationFolder, '..', 'secret'), 'secret');
    writeFileSync(path.join(publicationFolder, '.hidden'), 'secret');
    mkdirSync(path.join(publicationFolder, 'folder'));
    symlinkSync('../secret', path.join(publicationFolder, 'link'));
    symlinkSync('..', path.join(publicationFolder, 'up'));
    for (const wanted of [
      '../secret',
      '%2e%2e/secret',
      '..%2fsecret',
      '.hidden',
      'folder',
      'folder/',
      'link',
      'up/secret',
      '',
      'a//b',
    ]) {
      const heard = await talk(service, `GET /distribution/${wanted} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`);
      expect(heard).toMatch(/^HTTP\/1\.1 404 /);
      expect(heard).not.toContain('secret');
    }
  });

  it('reads a range as RFC 9110 does: what it gives lies in the file', () => {
    fc.assert(
      fc.property(fc.nat(100), fc.option(fc.nat(120)), fc.option(fc.nat(120)), (size, first, last) => {
        const part = parseRange(`bytes=${first ?? ''}-${last ?? ''}`, size);
        if (part.kind !== 'part') return;
        expect(part.start).toBeGreaterThanOrEqual(0);
        expect(part.end).toBeGreaterThanOrEqual(part.start);
        expect(part.end).toBeLessThan(size);
        if (first !== null) expect(part.start).toBe(first);
      }),
    );
    expect(parseRange('bytes=0-1,3-4', 10)).toEqual({ kind: 'whole' });
  });
});

describe('long polls', () => {
  it('wake with a publication, all of them', async () => {
    await using service = await startService();
    service.api.notifyPublished(7);
    expect(await (await fetch(`${service.url}/v1/changes`)).json()).toEqual({ etag: '7' });
    const polls = Array.from({ length: 200 }, () => fetch(`${service.url}/v1/changes?etag=7&wait=25`));
    await until(service, 200);
    service.api.notifyPublished(8);
    const answers = await Promise.all(polls);
    expect(await Promise.all(answers.map((answer) => answer.json()))).toEqual(answers.map(() => ({ etag: '8' })));
  });

  it('end with 304 when nothing comes, and leave nothing behind when the caller goes', async () => {
    await using service = await startService();
    expect((await fetch(`${service.url}/v1/changes?etag=0`)).status).toBe(304);
    const waiting = fetch(`${service.url}/v1/changes?etag=0&wait=1`);
    await until(service, 1);
    expect((await waiting).status).toBe(304);
    const gone = new AbortController();
    const poll = fetch(`${service.url}/v1/changes?etag=0&wait=20`, { signal: gone.signal }).catch(() => 'gone');
    await until(service, 1);
    gone.abort();
    expect(await poll).toBe('gone');
    await until(service, 0);
  });

  it('of one address leave room for others, and requests sent one behind the other hold one place', async () => {
    await using service = await startService({ waitersPerAddress: 2 });
    const request = 'GET /v1/changes?etag=0&wait=20 HTTP/1.1\r\nHost: x\r\n\r\n';
    const sockets = [1, 2, 3].map(() => connect(service.port, '127.0.0.1'));
    sockets[0]?.write(request.repeat(3));
    await until(service, 1);
    sockets[1]?.write(request);
    await until(service, 2);
    sockets[2]?.write(request);
    const [answer] = (await once(sockets[2]!, 'data')) as [Buffer];
    expect(answer.toString()).toMatch(/^HTTP\/1.1 503 .*HTTP_TOO_MANY_WAITERS/s);
    for (const socket of sockets) socket.destroy();
    await until(service, 0);
    const poll = fetch(`${service.url}/v1/changes?etag=0&wait=20`);
    await until(service, 1);
    service.api.notifyPublished(1);
    expect((await poll).status).toBe(200);
  });

  it('see what another process published', async () => {
    await using service = await startService();
    const poll = fetch(`${service.url}/v1/changes?etag=0&wait=20`);
    await until(service, 1);
    const { store } = service;
    const token = (await store.acquireLease({ name: 'p', holder: 'other', ttlMs: 9_000, nowMs: 0 }))!;
    const order = { lease: 'p', token, expectedSequence: 0, metadataVersion: 1, swap: async () => {} };
    await store.commitPublication({ ...order, directive: { kind: 'Directive', entries: [] } });
    expect(await (await poll).json()).toEqual({ etag: '1' });
  });

  it('are sent home when the service stops', async () => {
    const service = await startService();
    const poll = fetch(`${service.url}/v1/changes?etag=0&wait=25`);
    await until(service, 1);
    // Whoever is not sent home is cut after the grace, and has no answer.
    await service[Symbol.asyncDispose]();
    expect((await poll).status).toBe(304);
  });
});

async function readMetrics({ url }: Service): Promise<string> {
  return (await fetch(`${url}/metrics`, { headers: { authorization: 'Bearer viewer-token' } })).text();
}

async function until(service: Service, waiting: number): Promise<void> {
  for (;;) {
    const text = await readMetrics(service);
    if (text.includes(`slipway_long_polls ${waiting}\n`)) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

describe('hooks', () => {
  it('are heeded only when the holder of the secret sent them', async () => {
    await using service = await startService();
    const body = '{"ref":"refs/heads/main"}';
    const mac = (secret: string) => createHmac('sha256', secret).update(body).digest('hex');
    const status = async (headers: Record<string, string>) =>
      (await post(`${service.url}/v1/hooks/git`, body, headers)).status;
    expect(await status({ 'X-Hub-Signature-256': `sha256=${mac('hook secret')}` })).toBe(202);
    expect(await status({ 'X-Gitea-Signature': mac('hook secret') })).toBe(202);
    expect(await status({ 'X-Gitlab-Token': 'hook secret' })).toBe(202);
    expect(await status({ 'X-Hub-Signature': `sha256=${mac('hook secret')}` })).toBe(202);
    expect(await status({ 'X-Forgejo-Signature': mac('hook secret') })).toBe(202);
    expect(await status({ 'X-Gogs-Signature': mac('hook secret') })).toBe(202);
    const basic = (password: string) => `Basic ${Buffer.from(`azure:${password}`).toString('base64')}`;
    expect(await status({ Authorization: basic('hook secret') })).toBe(202);
    expect(service.hooks.count).toBe(7);
    for (const guess of [{ 'X-Hub-Signature': 'sha1=0' }, { 'X-Gogs-Signature': mac('guess') }])
      expect(await status({ ...guess, Authorization: basic('hook secret') })).toBe(401);
    for (const guess of [basic('guess'), basic(''), 'Basic ', 'Basic aG9vayBzZWNyZXQ=', 'Bearer hook secret'])
      expect(await status({ Authorization: guess })).toBe(401);
    expect(await status({ 'X-Hub-Signature-256': `sha256=${mac('guess')}` })).toBe(401);
    expect(await status({ 'X-Hub-Signature-256': 'sha256=', 'X-Gitlab-Token': 'hook secret' })).toBe(401);
    expect(await status({ 'X-Gitlab-Token': '' })).toBe(401);
    expect(await status({})).toBe(401);
    expect(service.hooks.count).toBe(7);
  });

  it('are refused when no secret is set', async () => {
    await using service = await startService({ hookSecret: '' });
    const mac = createHmac('sha256', '').update('{}').digest('hex');
    expect((await post(`${service.url}/v1/hooks/git`, '{}', { 'X-Hub-Signature-256': `sha256=${mac}` })).status).toBe(
      401,
    );
    expect((await post(`${service.url}/v1/hooks/git`, '{}', { 'X-Gitlab-Token': '' })).status).toBe(401);
  });
});

describe('operators', () => {
  it('see rollouts only with the viewer token', async () => {
    await using service = await startService();
    const status = async (where: string, authorization?: string) =>
      (await fetch(service.url + where, authorization === undefined ? {} : { headers: { authorization } })).status;
    expect(await status('/v1/outlooks', 'Bearer viewer-token')).toBe(200);
    expect(await status('/v1/outlooks/r1', 'bearer viewer-token')).toBe(200);
    expect(await status('/v1/outlooks/r2', 'Bearer viewer-token')).toBe(404);
    expect(await status('/v1/outlooks', 'Bearer viewer-tokenx')).toBe(401);
    expect(await status('/v1/outlooks/r1')).toBe(401);
    await using closed = await startService({ viewerToken: '' });
    expect((await fetch(`${closed.url}/v1/outlooks`, { headers: { authorization: 'Bearer ' } })).status).toBe(401);
  });

  it('see health and readiness, and metrics with the viewer token', async () => {
    await using service = await startService();
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
    expect((await fetch(`${service.url}/readyz`)).status).toBe(200);
    service.state.ready = false;
    expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${service.url}/metrics`)).status).toBe(401);
    const text = await readMetrics(service);
    expect(text).toContain('# TYPE slipway_http_requests_total counter\n');
    expect(text).toContain('slipway_http_requests_total{route="ready",status="503"} 1\n');
    expect(text).toContain('slipway_http_request_seconds_bucket{route="health",le="+Inf"} 1\n');
    expect(
      text
        .trimEnd()
        .split('\n')
        .every((line) => /^(# |[a-z_]+(\{[^}]*\})? [0-9.e+-]+$)/.test(line)),
    ).toBe(true);
  });

  it('see a store that can’t write as not ready', async () => {
    await using service = await startService();
    await service.store.close();
    expect((await fetch(`${service.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${service.url}/healthz`)).status).toBe(200);
  });
});

describe('TLS', () => {
  const place = mkdtempSync(path.join(tmpdir(), 'slipway-tls-'));

  function certificate(name: string): { readonly key: string; readonly cert: string } {
    const [key, cert] = [path.join(place, `${name}.key`), path.join(place, `${name}.crt`)];
    const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '1'];
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=IP:127.0.0.1'];
    execFileSync('openssl', ['req', '-x509', ...curve, ...subject, '-keyout', key, '-out', cert], { stdio: 'ignore' });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  }

  it('serves with new certificates without a restart', async () => {
    const [first, second] = [certificate('first'), certificate('second')];
    await using service = await startService({ tls: first });
    const status = (ca: string) =>
      new Promise<number | string>((resolve) => {
        const asked = getSecurely(
          { port: service.port, host: '127.0.0.1', path: '/healthz', ca, agent: false },
          (answer) => {
            answer.resume();
            resolve(answer.statusCode ?? 0);
          },
        );
        asked.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? 'error'));
      });
    expect(await status(first.cert)).toBe(200);
    expect(await status(second.cert)).not.toBe(200);
    service.api.replaceTls(second);
    expect(await status(second.cert)).toBe(200);
    expect(await status(first.cert)).not.toBe(200);
  });
});
