// What the service promises about making and revoking tokens over HTTP: who may, what is told, and what is written down.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../src/base/logger.ts';
import { MOST_API_TOKENS } from '../../src/store/api-tokens.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';
import { folder, openStore } from '../store/reports.ts';
import { newKey, post, type Service, startService } from './service.ts';

const ADMIN = 'admin-token-of-the-environment';
const ajv = new Ajv2020({ strict: true, allowUnionTypes: true, strictRequired: false, strictTypes: false });
ajv.addSchema(
  JSON.parse(
    readFileSync(path.join(import.meta.dirname, '../../schemas/token-messages.schema.json'), 'utf8'),
  ) as object,
  'messages',
);

interface Said {
  readonly status: number;
  readonly value: Record<string, unknown> & { readonly error?: { readonly code: string; readonly remedy?: string } };
}

async function ask(
  service: Service,
  line: string,
  { token = ADMIN, body }: { token?: string; body?: unknown } = {},
): Promise<Said> {
  const [method = '', where = ''] = line.split(' ');
  const answer = await fetch(service.url + where, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  });
  return { status: answer.status, value: (await answer.json()) as Said['value'] };
}

const STORES = [
  { name: 'SQLite', open: openStore },
  { name: 'memory', open: () => openMemoryFleetStore() },
];

describe.each(STORES)('tokens over HTTP, in $name', ({ open }) => {
  async function start(over: Parameters<typeof startService>[0] = {}) {
    const place = folder();
    const store = open(place.file);
    const log: [string, Record<string, unknown>][] = [];
    const logger = { ...silentLogger, info: (message: string, fields = {}) => void log.push([message, fields]) };
    const service = await startService({ store, adminToken: ADMIN, logger, ...over });
    const close = async (): Promise<void> => {
      await service[Symbol.asyncDispose]();
      await store.close();
      place[Symbol.dispose]();
    };
    return { ...service, store, log, [Symbol.asyncDispose]: close };
  }

  it('are made, shown once, listed without themselves, and revoked', async () => {
    await using service = await start();
    const made = await ask(service, 'POST /v1/tokens', { body: { name: 'ci', scopes: ['view'], expires: '1h' } });
    expect(made).toMatchObject({ status: 201, value: { name: 'ci', scopes: ['view'], createdBy: 'environment' } });
    expect(ajv.validate('messages#/$defs/NewApiToken', made.value)).toBe(true);
    const { token, ...known } = made.value as { token: string; id: string };
    expect((await ask(service, 'GET /v1/outlooks', { token })).status).toBe(200);
    const listed = await ask(service, 'GET /v1/tokens');
    expect(ajv.validate('messages#/$defs/ApiTokenPage', listed.value)).toBe(true);
    expect(listed.value).toEqual({ tokens: [{ ...known, lastUsedAt: expect.any(String) }], next: null });
    expect(JSON.stringify(listed.value)).not.toContain(token);
    const revoked = await ask(service, `DELETE /v1/tokens/${known.id}`);
    expect(ajv.validate('messages#/$defs/ApiToken', revoked.value)).toBe(true);
    expect(revoked).toMatchObject({ status: 200, value: { id: known.id, revokedAt: expect.any(String) } });
    expect(await ask(service, `DELETE /v1/tokens/${known.id}`)).toEqual(revoked);
    expect((await ask(service, 'DELETE /v1/tokens/none')).value.error?.code).toBe('TOKEN_NOT_FOUND');
    const by = { by: 'environment', address: '127.0.0.1' };
    expect(service.log).toEqual([
      [
        'an API token was created',
        { id: known.id, name: 'ci', scopes: ['view'], expiresAt: expect.any(String), ...by },
      ],
      ['an API token was revoked', { id: known.id, name: 'ci', ...by }],
      ['an API token was revoked', { id: known.id, name: 'ci', ...by }],
    ]);
  });

  it('are made, listed and revoked by admin alone, so that none has more scopes than its maker', async () => {
    await using service = await start();
    const body = { name: 'child', scopes: ['view'] };
    for (const scopes of [['report'], ['view'], ['publish'], ['enrol'], ['report', 'view', 'publish', 'enrol']]) {
      const { value } = await ask(service, 'POST /v1/tokens', { body: { name: 'narrow', scopes } });
      const token = String(value.token);
      for (const line of ['POST /v1/tokens', 'GET /v1/tokens', `DELETE /v1/tokens/${String(value.id)}`]) {
        const refused = await ask(service, line, { token, ...(line.startsWith('POST') ? { body } : {}) });
        expect([scopes, line, refused.status, refused.value.error?.code]).toEqual([scopes, line, 403, 'TOKEN_SCOPE']);
      }
    }
    const { value } = await ask(service, 'POST /v1/tokens', { body: { name: 'second', scopes: ['admin'] } });
    const child = await ask(service, 'POST /v1/tokens', { token: String(value.token), body });
    expect(child).toMatchObject({ status: 201, value: { createdBy: value.id } });
    expect((await post(`${service.url}/v1/tokens`, body)).status).toBe(401);
  });

  it('are listed page by page', async () => {
    await using service = await start();
    for (const name of ['a', 'b', 'c']) await ask(service, 'POST /v1/tokens', { body: { name, scopes: ['view'] } });
    const names = ({ value }: Said) => (value.tokens as { name: string }[]).map((one) => one.name);
    const first = await ask(service, 'GET /v1/tokens?limit=2');
    expect(names(first)).toEqual(['c', 'b']);
    const second = await ask(service, `GET /v1/tokens?limit=2&before=${String(first.value.next)}`);
    expect([names(second), second.value.next]).toEqual([['a'], null]);
    for (const query of [
      'limit=0',
      'limit=501',
      'limit=x',
      'before=-1',
      'before=1e3',
      'before=',
      `before=${'9'.repeat(17)}`,
    ])
      expect([query, (await ask(service, `GET /v1/tokens?${query}`)).value.error?.code]).toEqual([query, 'TOKEN_PAGE']);
  });

  it('that can not be made leave none behind, and say why', async () => {
    await using service = await start();
    for (const body of [
      '',
      '[]',
      '{"name":"ci"}',
      { name: 'ci', scopes: ['root'] },
      { name: 'ci', scopes: ['view'], expire: '1d' },
    ]) {
      const { status, value } = await ask(service, 'POST /v1/tokens', { body });
      expect(status).toBe(400);
      expect(value.error?.code).toMatch(/^(TOKEN_ORDER|HTTP_BODY_JSON)$/);
    }
    const huge = { name: 'x'.repeat(9_000), scopes: ['view'] };
    expect((await ask(service, 'POST /v1/tokens', { body: huge })).status).toBe(413);
    expect((await service.store.listApiTokens({ most: 1 })).tokens).toEqual([]);
    expect(service.log).toEqual([]);
  });

  it('are bounded in number, and a revoked one makes room', async () => {
    await using service = await start();
    const order = { name: 'n', scopes: ['view'] as const, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() };
    for (let i = 0; i < MOST_API_TOKENS; i++) await service.store.createApiToken(order);
    const body = { name: 'one more', scopes: ['view'] };
    const refused = await ask(service, 'POST /v1/tokens', { body });
    expect(refused).toMatchObject({ status: 400, value: { error: { code: 'TOKEN_COUNT' } } });
    const [first] = (await service.store.listApiTokens({ most: 1 })).tokens;
    await ask(service, `DELETE /v1/tokens/${first?.id}`);
    expect((await ask(service, 'POST /v1/tokens', { body })).status).toBe(201);
  });

  it('get an end by `after`, and only ever a sooner one', async () => {
    await using service = await start();
    const { value } = await ask(service, 'POST /v1/tokens', {
      body: { name: 'ci', scopes: ['view'], expires: 'never' },
    });
    const end = async (after: string) => ask(service, `DELETE /v1/tokens/${String(value.id)}?after=${after}`);
    const first = await end('2h');
    expect(first.value).toMatchObject({ id: value.id, revokedAt: null, expiresAt: expect.any(String) });
    expect((await end('90d')).value).toEqual(first.value);
    for (const wrong of ['', 'soon', '-1h', '99999d']) expect((await end(wrong)).status, wrong).toBe(400);
    expect((await ask(service, 'DELETE /v1/tokens/none?after=1h')).value.error?.code).toBe('TOKEN_NOT_FOUND');
  });

  it('for enrolment are made with the scope enrol, and a device enrols with one', async () => {
    await using service = await start();
    const made = await ask(service, 'POST /v1/tokens', { body: { name: 'factory', scopes: ['enrol'] } });
    const factory = String(made.value.token);
    const body = { count: 2, expires: '1h', labels: { site: 'acme' } };
    const answer = await ask(service, 'POST /v1/enrolment-tokens', { token: factory, body });
    expect(answer.status).toBe(201);
    expect(ajv.validate('messages#/$defs/EnrolmentTokens', answer.value)).toBe(true);
    const [token] = answer.value.tokens as string[];
    const request = { token, device: 'd1', publicKey: newKey().pem, labels: { site: 'other' } };
    const enrolled = await post(`${service.url}/v1/enrol`, request);
    expect(await enrolled.json()).toMatchObject({ device: 'd1', labels: { site: 'acme' } });
    expect(service.log.at(-1)).toEqual([
      'enrolment tokens were created',
      {
        ...{ count: 2, labels: { site: 'acme' }, device: null, expiresAt: expect.any(String) },
        ...{ by: made.value.id, address: '127.0.0.1' },
      },
    ]);
    expect(JSON.stringify(service.log)).not.toMatch(/slipway(api)?_/);
    const one = await ask(service, 'POST /v1/enrolment-tokens', { token: factory, body: { device: 'd7' } });
    const [bound] = one.value.tokens as string[];
    const other = await post(`${service.url}/v1/enrol`, { ...request, token: bound });
    expect(await other.json()).toMatchObject({ error: { code: 'ENROLMENT_OTHER_DEVICE' } });
  });

  it('for enrolment are limited for each bearer, so that a stolen token fills no disk', async () => {
    await using service = await start();
    const statuses = [];
    for (let i = 0; i < 3; i++)
      statuses.push((await ask(service, 'POST /v1/enrolment-tokens', { body: { count: 10_000 } })).status);
    expect(statuses).toEqual([201, 201, 429]);
    const { value } = await ask(service, 'POST /v1/tokens', { body: { name: 'other', scopes: ['enrol'] } });
    const other = await ask(service, 'POST /v1/enrolment-tokens', { token: String(value.token), body: {} });
    expect(other.status).toBe(201);
  });
});
