// Laws of silences over HTTP: who may, what is refused with which code, and that each is written down with its person.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import type { TokenScope } from '../../src/contract/api-token.ts';
import { silenceRoutes } from '../../src/dashboard/routes-silences.ts';
import type { AlertRecord } from '../../src/rollout/alert-book.ts';
import { MOST_SILENCES } from '../../src/rollout/silences.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';
import { readSilences, writeSilences } from '../../src/store/silences.ts';
import { type Service, startService } from '../fleet-api/service.ts';

const ID = 'a'.repeat(32);
const alert = { id: ID, kind: 'paused', rollout: 'gone', subject: '' } as unknown as AlertRecord;
const store = openMemoryFleetStore();
const log: [string, Record<string, unknown>][] = [];
let ids = 0;
let service: Service;
let tokens: Record<'operator' | 'viewer', string>;

beforeAll(async () => {
  const routes = silenceRoutes({
    ...{ store, clock: new SystemClock(), newId: () => `silence-${++ids}` },
    logger: { ...silentLogger, info: (message, fields = {}) => void log.push([message, fields]) },
    known: () => ({ alerts: [alert], rollouts: ['eu'] }),
  });
  service = await startService({ routes });
  const make = async (name: string, scopes: TokenScope[]): Promise<string> =>
    (await service.store.createApiToken({ name, scopes, createdBy: 'test', expiresAtMs: null, nowMs: Date.now() }))
      .token;
  tokens = { operator: await make('alice', ['operate', 'view']), viewer: await make('bob', ['view']) };
});
afterAll(() => service[Symbol.asyncDispose]());

async function ask(line: string, body?: unknown, token = tokens.operator) {
  const [method = '', path = ''] = line.split(' ');
  const answer = await fetch(service.url + path, {
    method,
    headers: { authorization: `Bearer ${token}` },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const value = (await answer.json()) as Record<string, unknown> & { error?: { code: string } };
  return { status: answer.status, code: value.error?.code, value };
}

const ORDER = { what: 'eu', for: '2h', reason: 'we move\nthe racks' };

test('a rollout or an alert by the beginning of its id is silenced, listed, written down, and not silenced any more', async () => {
  const made = await ask('POST /v1/silences', ORDER);
  expect(made).toMatchObject({
    status: 201,
    value: { rollout: 'eu', alert: null, by: 'alice', reason: 'we move the racks' },
  });
  expect(await ask('POST /v1/silences', { ...ORDER, what: ID.slice(0, 12) })).toMatchObject({
    value: { alert: ID, rollout: null },
  });
  expect(log[0]).toMatchObject(['alerts are silenced', { rollout: 'eu', by: 'alice', reason: 'we move the racks' }]);
  const listed = await ask('GET /v1/silences', undefined, tokens.viewer);
  expect((listed.value.silences as unknown[]).length).toBe(2);
  for (const id of ['silence-1', 'silence-2']) expect((await ask(`DELETE /v1/silences/${id}`)).status).toBe(200);
  expect(await ask('DELETE /v1/silences/silence-1')).toMatchObject({ status: 404, code: 'SILENCE_NOT_FOUND' });
  expect(log.at(-1)).toMatchObject(['a silence was ended', { by: 'alice' }]);
  expect(await readSilences(store)).toEqual([]);
});

test('who may only look may not silence', async () => {
  expect((await ask('POST /v1/silences', ORDER, tokens.viewer)).status).toBe(403);
  expect((await ask('DELETE /v1/silences/x', undefined, tokens.viewer)).status).toBe(403);
});

test.each([
  ['SILENCE_SUBJECT', { what: 'nowhere' }],
  ['SILENCE_SUBJECT', { what: 'aaaaaaa' }],
  ['SILENCE_ORDER', { what: '../x' }],
  ['SILENCE_ORDER', { for: '59s' }],
  ['SILENCE_ORDER', { for: '31d' }],
  ['SILENCE_ORDER', { for: 7 }],
  ['SILENCE_ORDER', { reason: ' \n' }],
  ['SILENCE_ORDER', { reason: 'x'.repeat(201) }],
])('%s refuses %j', async (code, over) => {
  expect(await ask('POST /v1/silences', { ...ORDER, ...over })).toMatchObject({ code });
});

test('there are only so many, and those that are over make room', async () => {
  const nowMs = Date.now();
  const full = (untilMs: number) =>
    Array.from({ length: MOST_SILENCES }, (_, n) => {
      return { id: `s${n}`, alert: null, rollout: 'eu', reason: 'x'.repeat(200), by: 'y', atMs: nowMs - 9, untilMs };
    });
  await writeSilences(store, full(nowMs + 600_000));
  expect(await ask('POST /v1/silences', ORDER)).toMatchObject({ status: 409, code: 'SILENCES_TOO_MANY' });
  await writeSilences(store, full(nowMs - 1));
  expect((await ask('POST /v1/silences', ORDER)).status).toBe(201);
  expect(await readSilences(store)).toHaveLength(1);
});
