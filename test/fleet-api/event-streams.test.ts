// What the service promises about event streams: who reads one, that it lives, and that it ends with its reader, its right or the server.
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { type Clock, SystemClock } from '../../src/base/clock.ts';
import { Metrics } from '../../src/base/metrics.ts';
import type { EventStream, Route } from '../../src/fleet-api/http/route.ts';
import { startService } from './service.ts';

const HEADERS = { authorization: 'Bearer viewer-token' };

/** A route that keeps its streams, and a service that has it. */
async function serviceWithStreams(over: Parameters<typeof startService>[0] = {}) {
  const streams: EventStream[] = [];
  const route: Route = {
    ...{ name: 'events', method: 'GET', path: '/v1/things', scope: 'view', request: null, response: 'events' },
    isLongPoll: true,
    handle: () => ({ kind: 'stream', serve: (stream) => streams.push(stream) }),
  };
  const metrics = new Metrics();
  const service = await startService({ routes: [route], metrics, ...over });
  const count = (): string => /slipway_event_streams (\d+)/.exec(metrics.write())?.[1] ?? '';
  return { service, streams, count };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 500 && !isSo(); i++) await delay(10);
  expect(isSo()).toBe(true);
}

/** A clock on which a heartbeat comes at once, and again and again. */
class HastyClock extends SystemClock implements Clock {
  override sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return super.sleep(ms === 15_000 ? 30 : ms, signal);
  }
}

it('reaches its reader frame by frame, and ends when the reader goes', async () => {
  const { service, streams, count } = await serviceWithStreams();
  await using _ = service;
  const gone = new AbortController();
  const answer = await fetch(`${service.url}/v1/things`, { headers: HEADERS, signal: gone.signal });
  expect(answer.headers.get('content-type')).toContain('text/event-stream');
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  expect((await reader?.read())?.value).toBe('retry: 2000\n\n');
  streams[0]?.send('event: one\ndata: 1\n\n');
  expect((await reader?.read())?.value).toBe('event: one\ndata: 1\n\n');
  expect(count()).toBe('1');
  gone.abort();
  await until(() => streams[0]?.ended.aborted === true);
  expect(count()).toBe('0');
  streams[0]?.send('nobody hears this');
  expect(service.errors).toEqual([]);
});

it('is closed to whoever has no right to it, and asks nothing of HEAD', async () => {
  const { service, streams } = await serviceWithStreams();
  await using _ = service;
  expect((await fetch(`${service.url}/v1/things`)).status).toBe(401);
  expect((await fetch(`${service.url}/v1/things`, { method: 'HEAD', headers: HEADERS })).status).toBe(200);
  expect(streams).toEqual([]);
});

it('is heard to live, and ends soon after its token was revoked', async () => {
  const { service, streams } = await serviceWithStreams({ clock: new HastyClock(), adminToken: 'admin-token' });
  await using _ = service;
  const admin = { authorization: 'Bearer admin-token', 'content-type': 'application/json' };
  const body = JSON.stringify({ name: 'screen', scopes: ['view'] });
  const made = await fetch(`${service.url}/v1/tokens`, { method: 'POST', headers: admin, body });
  const { token, id } = (await made.json()) as { token: string; id: string };
  const answer = await fetch(`${service.url}/v1/things`, { headers: { authorization: `Bearer ${token}` } });
  const reader = answer.body?.pipeThrough(new TextDecoderStream()).getReader();
  let heard = '';
  while (!heard.includes('\n:\n\n')) heard += (await reader?.read())?.value ?? '';
  expect(streams[0]?.ended.aborted).toBe(false);
  expect((await fetch(`${service.url}/v1/tokens/${id}`, { method: 'DELETE', headers: admin })).status).toBe(200);
  while ((await reader?.read())?.done === false);
  await until(() => streams[0]?.ended.aborted === true);
});

it('ends at once when the server stops', async () => {
  const { service, streams } = await serviceWithStreams();
  const answer = await fetch(`${service.url}/v1/things`, { headers: HEADERS });
  const startMs = Date.now();
  await service.api.stop(60_000);
  await answer.text();
  expect(Date.now() - startMs).toBeLessThan(30_000);
  expect(streams[0]?.ended.aborted).toBe(true);
  await service[Symbol.asyncDispose]();
});

it('cuts a reader that takes nothing, and goes on with the others', async () => {
  const { service, streams, count } = await serviceWithStreams();
  await using _ = service;
  const socket = connect(service.port, '127.0.0.1');
  await once(socket, 'connect');
  socket.on('error', () => {});
  socket.write('GET /v1/things HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer viewer-token\r\n\r\n');
  await until(() => streams.length === 1);
  socket.pause();
  const answer = await fetch(`${service.url}/v1/things`, { headers: HEADERS });
  let bytes = 0;
  const read = (async () => {
    for await (const chunk of answer.body ?? []) bytes += chunk.length;
  })().catch(() => {});
  const frame = `data: ${'x'.repeat(32_000)}\n\n`;
  await until(() => streams.length === 2);
  let sent = 0;
  while (streams[0]?.ended.aborted === false && sent < 5_000) {
    for (const stream of streams) stream.send(frame);
    sent += 1;
    await delay(1);
  }
  expect(streams[0]?.ended.aborted).toBe(true);
  expect(streams[1]?.ended.aborted).toBe(false);
  await until(() => bytes >= sent * frame.length);
  expect(count()).toBe('1');
  socket.destroy();
  await service.api.stop(0);
  await read;
});

it('takes all that is said at once, however much it is, from a reader who listens', async () => {
  const { service, streams } = await serviceWithStreams();
  await using _ = service;
  const gone = new AbortController();
  const answer = await fetch(`${service.url}/v1/things`, { headers: HEADERS, signal: gone.signal });
  await until(() => streams.length === 1);
  const frame = `data: ${'x'.repeat(300)}\n\n`;
  for (let i = 0; i < 1_000; i++) streams[0]?.send(frame);
  let bytes = 0;
  for await (const chunk of answer.body ?? []) {
    bytes += chunk.length;
    if (bytes >= 1_000 * frame.length) break;
  }
  expect(bytes).toBeGreaterThanOrEqual(1_000 * frame.length);
  gone.abort();
});

it('turns the next one away when one address has as many as it may', async () => {
  const { service, streams, count } = await serviceWithStreams();
  await using _ = service;
  const gone = new AbortController();
  const open = () => fetch(`${service.url}/v1/things`, { headers: HEADERS, signal: gone.signal });
  const answers = await Promise.all(Array.from({ length: 501 }, open));
  expect(answers.filter(({ status }) => status === 503)).toHaveLength(1);
  expect(streams).toHaveLength(500);
  gone.abort();
  await until(() => count() === '0');
});
