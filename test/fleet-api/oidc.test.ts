// Laws of logging in by an identity provider, against a real one: who the person is comes from a token that it signed for this login, or nobody is logged in.
import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, SignJWT } from 'jose';
import Provider from 'oidc-provider';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import type { Answer, Route } from '../../src/fleet-api/http/route.ts';
import type { OidcSettings } from '../../src/fleet-api/oidc-login.ts';
import { type Service, startService } from './service.ts';

const PEOPLE: Record<string, Record<string, unknown>> = {
  alice: { name: 'Alice Ångström', email: 'alice@example.org', email_verified: true, groups: ['ops', 'x'] },
  bob: { name: 'Bob', email: 'bob@example.org', email_verified: true, groups: ['shops'] },
  carol: { name: 'Carol', email: 'carol@example.org', email_verified: false, groups: ['ops'] },
  dave: { name: 'Dave', groups: ['ops'] },
  erin: { name: 'Erin', email: 'erin@example.org', email_verified: true, groups: ['none'] },
};

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

let person = 'alice';
let idp: Server;
let issuer = '';
/** Each service takes one: connections to an earlier one are kept open. */
const ports: number[] = [];

beforeAll(async () => {
  const free = Array.from({ length: 30 }, () => createServer());
  for (const one of free) ports.push(await listen(one));
  for (const one of free) await new Promise((resolve) => one.close(resolve));
  idp = createServer();
  issuer = `http://127.0.0.1:${await listen(idp)}`;
  const provider = new Provider(issuer, {
    clients: [
      {
        ...{ client_id: 'slipway', client_secret: 'a secret: with/odd+characters' },
        redirect_uris: ports.map((port) => `http://127.0.0.1:${port}/login/oidc/callback`),
      },
    ],
    claims: { openid: ['sub'], profile: ['name'], email: ['email', 'email_verified'], groups: ['groups'] },
    findAccount: (_ctx, id) => ({ accountId: id, claims: async () => ({ sub: id, ...PEOPLE[id] }) }),
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    cookies: { keys: ['k'] },
    loadExistingGrant: async (ctx) => {
      const grant = new ctx.oidc.provider.Grant({ clientId: 'slipway', accountId: ctx.oidc.session?.accountId ?? '' });
      grant.addOIDCScope('openid profile email groups');
      await grant.save();
      return grant;
    },
  });
  const answer = provider.callback();
  idp.on('request', (request, response) => {
    if (request.url?.startsWith('/interaction/') !== true) return void answer(request, response);
    void provider.interactionFinished(request, response, { login: { accountId: person } });
  });
});
afterAll(async () => {
  idp.closeAllConnections();
  await new Promise((resolve) => idp.close(resolve));
});

const WHO: Route = {
  ...{ name: 'who', method: 'GET', path: '/who', scope: 'view', request: null, response: 'any' },
  handle: ({ bearer }) => ({ kind: 'json', value: bearer }),
};

async function start(over: Partial<OidcSettings> = {}, shiftMs = 0): Promise<Service> {
  const clock = Object.assign(new SystemClock(), { now: () => Date.now() + shiftMs });
  const oidc: OidcSettings = {
    ...{ issuer, clientId: 'slipway', clientSecret: () => 'a secret: with/odd+characters', groupsClaim: 'groups' },
    ...{ viewGroups: ['shops'], operateGroups: ['ops'], insecureHttp: false, ...over },
  };
  const showPage = (value: unknown, status: number, headers: object) =>
    ({ kind: 'json', value, status, headers }) as Answer;
  const port = ports.pop() ?? 0;
  const site = { publicUrl: new URL(`http://127.0.0.1:${port}`), insecureHttp: false };
  return startService({ port, clock, routes: [WHO], login: { site, showPage, oidc } });
}

/** A browser with cookies for each host and port. */
class Browser {
  readonly jar = new Map<string, Map<string, string>>();
  readonly visited: string[] = [];

  cookies(url: string): Map<string, string> {
    const { host } = new URL(url);
    const found = this.jar.get(host) ?? new Map<string, string>();
    this.jar.set(host, found);
    return found;
  }

  async get(url: string) {
    this.visited.push(url);
    const cookies = this.cookies(url);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(url, { redirect: 'manual', headers: { cookie, accept: 'application/json' } });
    for (const one of answer.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(one) ?? [];
      if (value === '') cookies.delete(name);
      else cookies.set(name, value);
    }
    const location = answer.headers.get('location');
    return { status: answer.status, text: await answer.text(), location: location && new URL(location, url).href };
  }

  /** Follows redirects until there is a page, or an address that begins so. */
  async follow(url: string, until = '#') {
    for (let here = url, hops = 0; hops < 12; hops++) {
      const answer = await this.get(here);
      if (answer.location === null || answer.location.startsWith(until))
        return { ...answer, url: answer.location ?? here };
      here = answer.location;
    }
    throw new Error(`too many redirects: ${this.visited.join(' ')}`);
  }
}

function codeOf(text: string): string | undefined {
  return (JSON.parse(text) as { problem?: { code: string } }).problem?.code;
}

async function logIn(service: Service, who: string) {
  person = who;
  const browser = new Browser();
  return { browser, page: await browser.follow(`${service.url}/login/oidc?next=/who`) };
}

test('a person of a group is logged in with its scopes, under name and verified address, and led to the page', async () => {
  await using service = await start();
  const { page, browser } = await logIn(service, 'alice');
  expect(page.url).toBe(`${service.url}/who`);
  expect(JSON.parse(page.text)).toEqual({
    ...{ id: `${issuer} alice`, name: 'Alice Ångström', email: 'alice@example.org', scopes: ['view', 'operate'] },
  });
  expect([...browser.cookies(service.url).keys()]).toEqual(['slipway-session']);
  const asked = new URL(browser.visited.find((url) => url.includes('code_challenge=')) ?? '').searchParams;
  expect(Object.fromEntries(asked)).toMatchObject({
    code_challenge_method: 'S256',
    scope: 'openid profile email groups',
  });
  expect(JSON.parse((await logIn(service, 'bob')).page.text)).toMatchObject({ name: 'Bob', scopes: ['view'] });
});

test('without a verified address, or a group that counts, nobody is logged in, and each is told why', async () => {
  await using service = await start();
  for (const [who, code] of [
    ['carol', 'LOGIN_EMAIL'],
    ['dave', 'LOGIN_EMAIL'],
    ['erin', 'LOGIN_GROUPS'],
  ] as const) {
    const { page, browser } = await logIn(service, who);
    expect([page.status, codeOf(page.text)], who).toEqual([403, code]);
    expect([...browser.cookies(service.url).keys()], who).toEqual([]);
  }
});

test('an answer counts once, in the browser that began the login, for the login that it began', async () => {
  await using service = await start();
  person = 'alice';
  const back = `${service.url}/login/oidc/callback`;
  const browser = new Browser();
  const { url } = await browser.follow(`${service.url}/login/oidc`, back);
  const stranger = new Browser();
  expect(codeOf((await stranger.get(url)).text)).toBe('LOGIN_STATE');
  const forged = new Browser();
  await forged.follow(`${service.url}/login/oidc`, back);
  expect(codeOf((await forged.get(url)).text)).toBe('LOGIN_STATE');
  const kept = new Map(browser.cookies(service.url));
  expect((await browser.get(url)).status).toBe(303);
  browser.cookies(service.url).delete('slipway-session');
  expect(codeOf((await browser.get(url)).text)).toBe('LOGIN_STATE');
  for (const [name, value] of kept) browser.cookies(service.url).set(name, value);
  expect(codeOf((await browser.get(url)).text)).toBe('LOGIN_CODE');
  const other = new Browser();
  const { url: mixed } = await other.follow(`${service.url}/login/oidc`, back);
  expect(codeOf((await other.get(mixed.replace(/iss=[^&]*/, 'iss=https%3A%2F%2Fevil.example'))).text)).toBe(
    'OIDC_ISSUER',
  );
  const denied = new Browser();
  const { url: left } = await denied.follow(`${service.url}/login/oidc`, back);
  const state = new URL(left).searchParams.get('state') ?? '';
  expect(codeOf((await denied.get(`${back}?error=access_denied&state=${state}`)).text)).toBe('LOGIN_REFUSED');
});

test('a session of a person ends where the service takes another provider, or none', async () => {
  await using service = await start();
  const { browser } = await logIn(service, 'alice');
  const cookie = [...browser.cookies(service.url)].map(([name, value]) => `${name}=${value}`).join('; ');
  await using other = await startService({
    ...{ store: service.store, routes: [WHO] },
    login: { site: { publicUrl: null, insecureHttp: false }, showPage: () => ({ kind: 'text', text: '' }) },
  });
  expect((await fetch(`${service.url}/who`, { headers: { cookie } })).status).toBe(200);
  expect((await fetch(`${other.url}/who`, { headers: { cookie } })).status).toBe(401);
});

test.each([
  ['later', 2 * 3_600_000],
  ['earlier', -600_000],
])('a clock that is much %s refuses the ID token, and says so', async (_, shiftMs) => {
  await using service = await start({}, shiftMs);
  expect(codeOf((await logIn(service, 'alice')).page.text)).toBe('OIDC_CLOCK');
});

test('a wrong secret is named, and a difference of half a minute is none', async () => {
  {
    await using service = await start({ clientSecret: () => 'wrong' });
    expect(codeOf((await logIn(service, 'alice')).page.text)).toBe('OIDC_CLIENT');
  }
  await using service = await start({}, -30_000);
  expect((await logIn(service, 'alice')).page.url).toBe(`${service.url}/who`);
});

test('a provider that is away, another one, a captive portal and a forged token each have a code', async () => {
  let answer: RequestListener = () => undefined;
  const fake = createServer((request, response) => answer(request, response));
  const own = `http://127.0.0.1:${await listen(fake)}`;
  const metadata = (issuerOf: string) => ({
    ...{
      issuer: issuerOf,
      authorization_endpoint: `${own}/auth`,
      token_endpoint: `${own}/token`,
      jwks_uri: `${own}/keys`,
    },
  });
  const json =
    (value: unknown): RequestListener =>
    (_, response) =>
      void response.end(JSON.stringify(value));
  const codeAt = async (path = '/login/oidc', cookie = ''): Promise<string | undefined> => {
    await using service = await start({ issuer: own });
    const said = await fetch(service.url + path, { redirect: 'manual', headers: { cookie } });
    return codeOf(await said.text());
  };
  answer = json(metadata('https://other.example'));
  expect(await codeAt()).toBe('OIDC_ISSUER');
  answer = json({ ...metadata(own), token_endpoint: 'http://other.example/token' });
  expect(await codeAt()).toBe('OIDC_METADATA');
  answer = (_, response) => void response.end('<html>Log in to the guest network</html>');
  expect(await codeAt()).toBe('OIDC_UNREACHABLE');
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { iss: own, aud: 'slipway', sub: 'alice', nonce: 'n', exp: now + 60, iat: now, ...PEOPLE.alice };
  const leaving = part({ state: 's', nonce: 'n', verifier: 'v', next: '/' });
  for (const head of [{ alg: 'none' }, { alg: 'HS256' }, { alg: 'RS256', kid: 'x' }]) {
    const token = `${part(head)}.${part(claims)}.${head.alg === 'none' ? '' : 'AAAA'}`;
    answer = (request, response) => {
      const value =
        request.url === '/token' ? { id_token: token } : request.url === '/keys' ? { keys: [] } : metadata(own);
      response.end(JSON.stringify(value));
    };
    expect(await codeAt('/login/oidc/callback?state=s&code=c', `slipway-login=${leaving}`), head.alg).toBe(
      'OIDC_TOKEN',
    );
  }
  const { privateKey, publicKey } = await generateKeyPair('ES256');
  const keys = [{ ...(await exportJWK(publicKey)), kid: 'k', alg: 'ES256' }];
  const codeOfSigned = async (over: Record<string, unknown>): Promise<string | undefined> => {
    const token = await new SignJWT({ ...claims, ...over })
      .setProtectedHeader({ alg: 'ES256', kid: 'k' })
      .sign(privateKey);
    answer = (request, response) => {
      const value = request.url === '/token' ? { id_token: token } : request.url === '/keys' ? { keys } : metadata(own);
      response.end(JSON.stringify(value));
    };
    await using service = await start({ issuer: own });
    const back = `${service.url}/login/oidc/callback?state=s&code=c`;
    const said = await fetch(back, { redirect: 'manual', headers: { cookie: `slipway-login=${leaving}` } });
    return said.status === 303 ? 'logged in' : codeOf(await said.text());
  };
  expect(await codeOfSigned({})).toBe('logged in');
  const forged = [
    { nonce: 'other' },
    { aud: 'other' },
    { iss: 'https://other.example' },
    { aud: ['slipway', 'other'] },
  ];
  for (const over of forged) expect(await codeOfSigned(over), JSON.stringify(over)).toBe('OIDC_TOKEN');
  expect(await codeOfSigned({ exp: now - 3_600, iat: now - 3_700 })).toBe('OIDC_CLOCK');
  fake.closeAllConnections();
  await new Promise((resolve) => fake.close(resolve));
  expect(await codeAt()).toBe('OIDC_UNREACHABLE');
});
