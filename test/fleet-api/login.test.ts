// Laws of logging in with a browser: a cookie stands for a token, for no longer than the token, and only our own pages can act by it.
import { request } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TokenScope } from '../../src/contract/api-token.ts';
import type { LoginView } from '../../src/fleet-api/http/login-routes.ts';
import type { Answer, Headers, Route } from '../../src/fleet-api/http/route.ts';
import { isFromOwnPage, safeNext } from '../../src/fleet-api/own-site.ts';
import { type Service, startService } from './service.ts';

const ADMIN = 'admin-token-of-the-environment';

const act: Route = {
  ...{ name: 'act', method: 'POST', path: '/act', scope: 'operate', request: null, response: 'any', bySession: true },
  handle: ({ bearer }) => ({ kind: 'json', value: bearer }),
};

function showPage(view: LoginView, status: number, headers: Headers): Answer {
  return { kind: 'json', value: view, status, headers };
}

interface Said {
  readonly status: number;
  readonly location: string | undefined;
  readonly cookie: string;
  readonly setCookie: string;
  readonly body: { readonly problem?: { code: string } | null; readonly error?: { code: string } } & Record<
    string,
    unknown
  >;
}

/** As a browser does: with headers that a page can't choose. */
function browse(
  service: Service,
  line: string,
  {
    form,
    headers = {},
    cookie = '',
  }: { form?: Record<string, string>; headers?: Record<string, string>; cookie?: string } = {},
): Promise<Said> {
  const [method = '', path = ''] = line.split(' ');
  const body = form === undefined ? '' : new URLSearchParams(form).toString();
  const sent = {
    ...(method === 'POST'
      ? { 'sec-fetch-site': 'same-origin', 'content-type': 'application/x-www-form-urlencoded' }
      : {}),
    ...(cookie === '' ? {} : { cookie }),
    ...headers,
  };
  return new Promise((resolve, reject) => {
    const asked = request(`${service.url}${path}`, { method, headers: sent }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const [setCookie = ''] = answer.headers['set-cookie'] ?? [];
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: answer.statusCode ?? 0,
          location: answer.headers.location,
          setCookie,
          cookie: setCookie.split(';')[0] ?? '',
          body: text.startsWith('{') ? JSON.parse(text) : {},
        });
      });
    });
    asked.on('error', reject);
    asked.end(body);
  });
}

function makeToken({ store }: Service, scopes: readonly TokenScope[], expiresAtMs: number | null = null) {
  return store.createApiToken({ name: 'alice', scopes, createdBy: 'test', expiresAtMs, nowMs: Date.now() });
}

async function logIn(service: Service, token: string, more: Parameters<typeof browse>[2] = {}): Promise<Said> {
  return browse(service, 'POST /login', { form: { token, next: '/rollouts/ocr?view=table' }, ...more });
}

describe('a session', () => {
  let service: Service;
  beforeAll(async () => {
    const login = { site: { publicUrl: null, insecureHttp: false }, showPage };
    service = await startService({ login, adminToken: ADMIN, routes: [act] });
  });
  afterAll(() => service[Symbol.asyncDispose]());

  it('begins with a token and leads back to the page that was asked for', async () => {
    const asked = await browse(service, 'GET /v1/outlooks?x=1', { headers: { accept: 'text/html,*/*' } });
    expect(asked).toMatchObject({ status: 303, location: '/login?next=%2Fv1%2Foutlooks%3Fx%3D1' });
    expect(await browse(service, 'GET /v1/outlooks')).toMatchObject({
      status: 401,
      body: { error: { code: 'TOKEN_MISSING' } },
    });
    const { token } = await makeToken(service, ['view']);
    const said = await logIn(service, token);
    expect(said).toMatchObject({ status: 303, location: '/rollouts/ocr?view=table' });
    expect(said.setCookie).toMatch(/^slipway-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=2592000$/);
    expect(said.setCookie).not.toContain(token);
    expect(await browse(service, 'GET /v1/outlooks', { cookie: said.cookie })).toMatchObject({ status: 200 });
    expect((await browse(service, 'GET /login', { cookie: said.cookie })).body).toMatchObject({
      person: { name: 'alice', scopes: ['view'] },
    });
  });

  it('ends with its token, at once in the store and within two seconds everywhere', async () => {
    const { token, known } = await makeToken(service, ['view']);
    const { cookie } = await logIn(service, token);
    await service.store.revokeApiToken(known.id, Date.now());
    await expect
      .poll(async () => (await browse(service, 'GET /v1/outlooks', { cookie })).status, { timeout: 2_500 })
      .toBe(401);
    const ended = await browse(service, 'GET /v1/outlooks', { cookie });
    expect(ended.body.error?.code).toBe('SESSION_ENDED');
    expect(ended.setCookie).toContain('Max-Age=0');
  });

  it('of a token that expires is no way around its end', async () => {
    const { token } = await makeToken(service, ['view'], Date.now() + 5_000);
    const { cookie } = await logIn(service, token);
    expect((await browse(service, 'GET /v1/outlooks', { cookie })).status).toBe(200);
    await expect.poll(async () => (await browse(service, 'GET /v1/outlooks', { cookie })).status).toBe(401);
  });

  it('is ended by logging out, also for whoever copied the cookie', async () => {
    const { token } = await makeToken(service, ['view']);
    const { cookie } = await logIn(service, token);
    expect(await browse(service, 'POST /logout', { form: {}, cookie })).toMatchObject({
      status: 303,
      location: '/login',
    });
    expect((await browse(service, 'GET /v1/outlooks', { cookie })).status).toBe(401);
  });

  it('never goes on under a cookie that somebody else set: each login makes a new one and ends the old one', async () => {
    const { token } = await makeToken(service, ['view']);
    const fixed = `slipway-session=${'A'.repeat(43)}`;
    const first = await logIn(service, token, { cookie: fixed });
    expect(first.cookie).not.toBe(fixed);
    expect((await browse(service, 'GET /v1/outlooks', { cookie: fixed })).status).toBe(401);
    const second = await logIn(service, token, { cookie: first.cookie });
    expect((await browse(service, 'GET /v1/outlooks', { cookie: first.cookie })).status).toBe(401);
    expect((await browse(service, 'GET /v1/outlooks', { cookie: second.cookie })).status).toBe(200);
    const twice = `${second.cookie}; slipway-session=${'B'.repeat(43)}`;
    expect((await browse(service, 'GET /v1/outlooks', { cookie: twice })).status).toBe(401);
  });

  it('of a token of the environment ends when that is set to another', async () => {
    const place = service.store;
    const login = { site: { publicUrl: null, insecureHttp: false }, showPage };
    const { cookie } = await logIn(service, ADMIN);
    await using same = await startService({ login, adminToken: ADMIN, store: place });
    await using other = await startService({ login, adminToken: `${ADMIN}2`, store: place });
    expect((await browse(same, 'GET /v1/tokens', { cookie })).status).toBe(200);
    expect((await browse(other, 'GET /v1/tokens', { cookie })).status).toBe(401);
  });

  it('acts only where a route takes it, and only from our own pages', async () => {
    const { token } = await makeToken(service, ['view', 'operate']);
    const { cookie, setCookie } = await logIn(service, token);
    expect(setCookie).toContain('Max-Age=43200');
    expect(await browse(service, 'POST /act', { cookie })).toMatchObject({ status: 200, body: { name: 'alice' } });
    const host = { 'sec-fetch-site': 'cross-site', origin: service.url };
    expect(await browse(service, 'POST /act', { cookie, headers: host })).toMatchObject({
      status: 403,
      body: { error: { code: 'SESSION_ORIGIN' } },
    });
    expect((await browse(service, 'POST /act', { cookie, headers: { 'sec-fetch-site': 'same-site' } })).status).toBe(
      403,
    );
    const admin = await logIn(service, ADMIN);
    expect((await browse(service, 'POST /v1/tokens', { cookie: admin.cookie })).status).toBe(401);
    const viewer = await logIn(service, 'viewer-token');
    expect(await browse(service, 'POST /act', { cookie: viewer.cookie })).toMatchObject({
      status: 403,
      body: { error: { code: 'TOKEN_SCOPE' } },
    });
  });

  it('is not begun from another site, with a wrong token, with an ended one, or with one that opens no page', async () => {
    const { token, known } = await makeToken(service, ['view']);
    const foreign = await logIn(service, token, { headers: { 'sec-fetch-site': 'cross-site' } });
    expect(foreign).toMatchObject({ status: 403, setCookie: '', body: { problem: { code: 'SESSION_ORIGIN' } } });
    for (const wrong of ['', 'no', `slipwayapi_${'A'.repeat(43)}`, 'é\n'])
      expect(await logIn(service, wrong)).toMatchObject({
        status: 401,
        setCookie: '',
        body: { problem: { code: 'TOKEN_UNKNOWN' } },
      });
    await service.store.revokeApiToken(known.id, Date.now());
    expect(await logIn(service, token)).toMatchObject({ status: 401, body: { problem: { code: 'TOKEN_REVOKED' } } });
    const { token: publisher } = await makeToken(service, ['publish']);
    expect(await logIn(service, publisher)).toMatchObject({ status: 403, body: { problem: { code: 'TOKEN_SCOPE' } } });
  });
});

it('wrong tokens at the login are limited like those in a header', async () => {
  const login = { site: { publicUrl: null, insecureHttp: false }, showPage };
  await using service = await startService({ login, wrongTokensPerAddress: { perSecond: 0.01, burst: 3 } });
  for (let i = 0; i < 3; i++) expect((await logIn(service, `guess ${i}`.replace(' ', ''))).status).toBe(401);
  expect(await logIn(service, 'viewer-token')).toMatchObject({
    status: 429,
    body: { problem: { code: 'TOKEN_WRONG_TOO_OFTEN' } },
  });
});

it('behind a proxy that ends TLS the cookie is bound to the host, and goes over TLS alone', async () => {
  const login = { site: { publicUrl: new URL('https://slipway.example.com'), insecureHttp: false }, showPage };
  await using service = await startService({ login });
  const headers = { 'sec-fetch-site': 'same-origin', host: 'slipway.example.com' };
  const said = await logIn(service, 'viewer-token', { headers });
  expect(said.setCookie).toMatch(
    /^__Host-slipway-session=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=\d+; Secure$/,
  );
  const tossed = said.cookie.replace('__Host-', '');
  expect((await browse(service, 'GET /v1/outlooks', { cookie: said.cookie })).status).toBe(200);
  expect((await browse(service, 'GET /v1/outlooks', { cookie: tossed })).status).toBe(401);
});

it('a token is not asked for where it would cross the network in plain text', async () => {
  const headers = { host: 'slipway.example.com' };
  const showProblem = { site: { publicUrl: null, insecureHttp: false }, showPage };
  await using service = await startService({ login: showProblem });
  for (const line of ['GET /login', 'POST /login'])
    expect(
      (
        await browse(service, line, {
          headers,
          ...(line.startsWith('POST') ? { form: { token: 'viewer-token' } } : {}),
        })
      ).body,
    ).toMatchObject({ problem: { code: 'LOGIN_PLAIN_HTTP' } });
  await using trial = await startService({ login: { ...showProblem, site: { publicUrl: null, insecureHttp: true } } });
  expect((await browse(trial, 'GET /login', { headers })).body.problem).toBeNull();
});

it('where the login leads to is a page of this service', () => {
  for (const next of ['/', '/rollouts/a?at=1&x=%2F', '/devices']) expect(safeNext(next)).toBe(next);
  const bad = [
    undefined,
    null,
    '',
    'x',
    '//evil.example',
    '/\\evil.example',
    '/\t/evil.example',
    'https://evil.example/',
    'javascript:alert(1)',
    '/login',
    '/logout',
    '/login/oidc',
    `/${'a'.repeat(2000)}`,
    '/a\nb',
  ];
  for (const next of bad) expect(safeNext(next)).toBe('/');
  expect(safeNext('/a/..//evil.example')).toMatch(/^\/(?!\/)/);
});

it('what a browser says of where a request comes from counts as it can be trusted', () => {
  const own = (headers: Record<string, string>, publicUrl: URL | null = null): boolean =>
    isFromOwnPage({ publicUrl, insecureHttp: false }, { headers: { host: 's.example', ...headers }, connection: {} });
  expect(own({})).toBe(false);
  expect(own({ origin: 'null' })).toBe(false);
  expect(own({ origin: 'http://s.example' })).toBe(true);
  expect(own({ origin: 'https://evil.example' })).toBe(false);
  expect(own({ origin: 'https://s.example.evil.example' })).toBe(false);
  expect(own({ 'sec-fetch-site': 'none' })).toBe(false);
  expect(own({ 'sec-fetch-site': 'cross-site', origin: 'http://s.example' })).toBe(false);
  expect(own({ origin: 'http://s.example' }, new URL('https://s.example'))).toBe(false);
  expect(own({ origin: 'https://s.example' }, new URL('https://s.example'))).toBe(true);
});
