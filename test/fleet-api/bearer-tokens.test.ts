// What the service promises about bearer tokens: each opens what its scope says, until it ends, and wrong ones are slowed and told why.
import { describe, expect, it } from 'vitest';
import { type Clock, SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { TOKEN_SCOPES, type TokenScope } from '../../src/contract/api-token.ts';
import { BearerTokens } from '../../src/fleet-api/bearer-tokens.ts';
import { HttpServer } from '../../src/fleet-api/http/http-server.ts';
import type { Route } from '../../src/fleet-api/http/route.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';
import { folder, NOW, openStore } from '../store/reports.ts';
import { type Service, startService } from './service.ts';

const ADMIN = 'admin-token-of-the-environment';
const WRONG = `slipwayapi_${'A'.repeat(43)}`;

async function ask(service: Service, where: string, token?: string) {
  const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` };
  const answer = await fetch(service.url + where, { headers });
  const body = (await answer.json()) as { error?: { code: string; message: string; remedy: string } };
  return { status: answer.status, challenge: answer.headers.get('www-authenticate'), ...body.error };
}

function make(service: Service, scopes: readonly TokenScope[], expiresAtMs: number | null = null) {
  return service.store.createApiToken({ name: 'test', scopes, createdBy: 'test', expiresAtMs, nowMs: Date.now() });
}

/** A clock that moves only when it is told to. */
function handClock(): Clock & { ms: number } {
  return {
    ms: 0,
    now() {
      return NOW + this.ms;
    },
    monotonicMs() {
      return this.ms;
    },
    sleep: async () => {},
  };
}

describe('a bearer token', () => {
  it('of each scope opens the addresses of that scope and no other; admin opens all', async () => {
    const store = openMemoryFleetStore();
    const wrongPerAddress = { perSecond: 1, burst: 60 };
    const bearers = new BearerTokens({ store, clock: new SystemClock(), logger: silentLogger, wrongPerAddress });
    const routes = TOKEN_SCOPES.map((scope): Route => {
      const place = {
        name: scope,
        method: 'DELETE',
        path: `/${scope}`,
        scope,
        request: null,
        response: 'any',
      } as const;
      return { ...place, handle: ({ bearer }) => ({ kind: 'json', value: bearer?.scopes }) };
    });
    const parts = { routes, bearers, clock: new SystemClock(), logger: silentLogger, metrics: new Metrics() };
    await using server = new HttpServer({ ...parts, port: 0 });
    const url = `http://127.0.0.1:${await server.start()}`;
    for (const scope of TOKEN_SCOPES) {
      const order = { name: 'n', scopes: [scope], createdBy: 'test', expiresAtMs: null, nowMs: NOW };
      const { token } = await store.createApiToken(order);
      for (const needed of TOKEN_SCOPES) {
        const answer = await fetch(`${url}/${needed}`, {
          method: 'DELETE',
          headers: { authorization: `Bearer ${token}` },
        });
        expect([scope, needed, answer.status]).toEqual([
          scope,
          needed,
          scope === needed || scope === 'admin' ? 200 : 403,
        ]);
        if (answer.status === 200) expect(await answer.json()).toEqual([scope]);
      }
    }
  });

  it('that is missing, wrong, expired, revoked or too narrow is refused with its own code and what to do', async () => {
    await using service = await startService();
    const at = (token?: string) => ask(service, '/v1/outlooks', token);
    expect(await at()).toMatchObject({ status: 401, code: 'TOKEN_MISSING', challenge: 'Bearer realm="slipway"' });
    const challenge = 'Bearer realm="slipway", error="invalid_token"';
    for (const wrong of [WRONG, 'guess', 'x'.repeat(512)])
      expect(await at(wrong)).toMatchObject({ status: 401, code: 'TOKEN_UNKNOWN', challenge });
    expect(await at('x'.repeat(513))).toMatchObject({ status: 401, code: 'TOKEN_MISSING' });
    const [enrolment = ''] = await service.store.createEnrolmentTokens({ expiresAtMs: Date.now() + 60_000 });
    expect((await at(enrolment)).message).toContain('an enrolment token');
    const expired = await make(service, ['view'], Date.now() - 1);
    expect(await at(expired.token)).toMatchObject({ status: 401, code: 'TOKEN_EXPIRED', challenge });
    const revoked = await make(service, ['view']);
    await service.store.revokeApiToken(revoked.known.id, Date.now());
    const told = await at(revoked.token);
    expect(told).toMatchObject({ status: 401, code: 'TOKEN_REVOKED', challenge });
    expect(told.message).toContain(`${revoked.known.id} (test) was revoked at 2`);
    const narrow = await make(service, ['publish', 'enrol']);
    expect(await at(narrow.token)).toEqual({
      ...{
        status: 403,
        code: 'TOKEN_SCOPE',
        challenge: 'Bearer realm="slipway", error="insufficient_scope", scope="view"',
      },
      message: 'The token has the scope publish, enrol; this address needs view.',
      remedy: 'Make one with `slipway token create --name <name> --scope view`.',
    });
  });

  it('counts at once when it is made, and no longer than two seconds after another process revoked it', async () => {
    await using service = await startService();
    const { token, known } = await make(service, ['view']);
    expect(await ask(service, '/v1/outlooks', token)).toMatchObject({ status: 200 });
    await service.store.revokeApiToken(known.id, Date.now());
    const endMs = Date.now() + 2_000;
    let status = 200;
    while (status === 200 && Date.now() < endMs) {
      ({ status } = await ask(service, '/v1/outlooks', token));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(status).toBe(401);
  });

  it('that one process revokes is refused by every other one of the store within two seconds', async () => {
    using place = folder();
    await using stores = new AsyncDisposableStack();
    const [here, there] = [stores.use(openStore(place.file)), stores.use(openStore(place.file))];
    await using one = await startService({ store: here, adminToken: ADMIN });
    await using other = await startService({ store: there });
    const headers = { authorization: `Bearer ${ADMIN}` };
    const body = JSON.stringify({ name: 'ci', scopes: ['view'] });
    const made = await fetch(`${one.url}/v1/tokens`, { method: 'POST', headers, body });
    const { token, id } = (await made.json()) as { token: string; id: string };
    for (const service of [one, other])
      expect(await ask(service, '/v1/outlooks', token)).toMatchObject({ status: 200 });
    await fetch(`${one.url}/v1/tokens/${id}`, { method: 'DELETE', headers });
    await new Promise((resolve) => setTimeout(resolve, 1_500));
    for (const service of [one, other])
      expect(await ask(service, '/v1/outlooks', token)).toMatchObject({ status: 401, code: 'TOKEN_REVOKED' });
  });

  it('of the environment opens what it is for', async () => {
    await using service = await startService({ adminToken: ADMIN, viewerToken: 'look' });
    for (const token of [ADMIN, 'look'])
      expect(await ask(service, '/v1/outlooks', token)).toMatchObject({ status: 200 });
    await using odd = await startService({ viewerToken: 'slipway_look' });
    expect(await ask(odd, '/v1/outlooks', 'slipway_look')).toMatchObject({ status: 200 });
    await using closed = await startService({ adminToken: '', viewerToken: '' });
    for (const token of ['', 'look', ADMIN]) expect((await ask(closed, '/v1/outlooks', token)).status).toBe(401);
  });

  it('is never written to the log, in whatever way it is refused', async () => {
    const lines: string[] = [];
    const write = (...parts: unknown[]): void => void lines.push(JSON.stringify(parts));
    const logger = { debug: write, info: write, warn: write, error: write };
    await using service = await startService({ logger });
    await ask(service, '/v1/outlooks', WRONG);
    const { token } = await make(service, ['publish']);
    await ask(service, '/v1/outlooks', token);
    expect(lines.join('\n')).not.toMatch(/slipwayapi_/);
  });
});

describe('wrong tokens', () => {
  it('of an address are answered 429 after a while; a right one that the service made is not held up', async () => {
    await using service = await startService({ wrongTokensPerAddress: { perSecond: 0.001, burst: 3 } });
    const status = async (token: string) => (await ask(service, '/v1/outlooks', token)).status;
    const { token } = await make(service, ['view']);
    expect([await status(WRONG), await status('guess'), await status(WRONG)]).toEqual([401, 401, 401]);
    const limited = await ask(service, '/v1/outlooks', WRONG);
    expect(limited).toMatchObject({ status: 429, code: 'TOKEN_WRONG_TOO_OFTEN' });
    expect(await status(token)).toBe(200);
    // Guesses at a token that people chose get no answer that tells right from wrong.
    expect([await status('guess'), await status('viewer-token')]).toEqual([429, 429]);
  });

  it('cost no query of the store unless they look like one of its own', async () => {
    let queries = 0;
    const findApiToken = async () => {
      queries += 1;
      return undefined;
    };
    const store = { findApiToken, noteApiTokenUse: async () => {} };
    const wrongPerAddress = { perSecond: 1, burst: 60 };
    const bearers = new BearerTokens({ store, clock: new SystemClock(), logger: silentLogger, wrongPerAddress });
    for (const text of ['guess', 'slipwayapi_short', `${WRONG}x`]) await bearers.identify(text, 'a');
    expect(queries).toBe(0);
    await bearers.identify(WRONG, 'a');
    expect(queries).toBe(1);
  });
});

describe('the store', () => {
  it('is asked once a second for a token, however often it comes, and its use is noted every few minutes', async () => {
    using place = folder();
    await using store = openStore(place.file);
    const { token, known } = await store.createApiToken({
      ...{ name: 'n', scopes: ['view'], createdBy: 'test', expiresAtMs: NOW + 3_600_000, nowMs: NOW },
    });
    const [asked, noted] = [[] as number[], [] as number[]];
    const clock = handClock();
    const counted = {
      findApiToken: (hash: string) => {
        asked.push(clock.ms);
        return store.findApiToken(hash);
      },
      noteApiTokenUse: (id: string, nowMs: number) => {
        noted.push(clock.ms);
        return store.noteApiTokenUse(id, nowMs);
      },
    };
    const wrongPerAddress = { perSecond: 1, burst: 60 };
    const bearers = new BearerTokens({ store: counted, clock, logger: silentLogger, wrongPerAddress });
    for (const ms of [0, 10, 999, 1_000, 1_500, 299_000, 301_000]) {
      clock.ms = ms;
      const together = await Promise.all(Array.from({ length: 20 }, () => bearers.identify(token, 'a')));
      expect(together.every(({ kind }) => kind === 'bearer')).toBe(true);
    }
    expect(asked).toEqual([0, 1_000, 299_000, 301_000]);
    expect(noted).toEqual([0, 301_000]);
    clock.ms = 3_600_000;
    expect(await bearers.identify(token, 'a')).toMatchObject({
      kind: 'ended',
      how: 'expired',
      token: { id: known.id },
    });
  });

  it('that can not be read refuses its tokens for now, and lets those of the environment in', async () => {
    await using service = await startService({ adminToken: ADMIN });
    const { token } = await make(service, ['view']);
    await service.store.close();
    expect((await ask(service, '/v1/outlooks', token)).status).toBeGreaterThanOrEqual(500);
    expect(await ask(service, '/v1/outlooks', ADMIN)).toMatchObject({ status: 200 });
  });

  it('that can not be written takes no request with it', async () => {
    const store = openMemoryFleetStore();
    const noteApiTokenUse = () => Promise.reject(new Error('disk full'));
    const warnings: unknown[] = [];
    await using service = await startService({
      store: { ...store, noteApiTokenUse },
      logger: { ...silentLogger, warn: (message) => warnings.push(message) },
    });
    const order = { name: 'n', scopes: ['view'] as const, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() };
    const { token } = await store.createApiToken(order);
    expect(await ask(service, '/v1/outlooks', token)).toMatchObject({ status: 200 });
    expect(warnings).toEqual(['the use of an API token could not be noted']);
  });
});

it('a streamed body reaches its handler as it comes', async () => {
  const wrongPerAddress = { perSecond: 1, burst: 60 };
  const clock = new SystemClock();
  const bearers = new BearerTokens({
    ...{ store: openMemoryFleetStore(), clock, logger: silentLogger, wrongPerAddress, adminToken: ADMIN },
  });
  const route: Route = {
    ...{ name: 'put', method: 'PUT', path: '/thing', scope: 'publish', response: 'any' },
    request: { kind: 'streamed', schema: 'any', mostBytes: 10 },
    handle: async ({ openBody }) => {
      let bytes = 0;
      for await (const chunk of openBody()) bytes += chunk.length;
      return { kind: 'json', value: { bytes } };
    },
  };
  await using server = new HttpServer({
    ...{ routes: [route], bearers, clock, logger: silentLogger, metrics: new Metrics(), port: 0 },
  });
  const url = `http://127.0.0.1:${await server.start()}/thing`;
  const headers = { authorization: `Bearer ${ADMIN}` };
  const answer = await fetch(url, { method: 'PUT', headers, body: 'x'.repeat(300_000) });
  expect(await answer.json()).toEqual({ bytes: 300_000 });
  expect((await fetch(url, { method: 'PUT', body: 'x' })).status).toBe(401);
});
