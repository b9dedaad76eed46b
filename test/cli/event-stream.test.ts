// Laws of following a service's events: what was heard last is named when the stream is asked for again; what is no stream is an error at once.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, expect, test } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { seededRandom } from '../../src/base/random.ts';
import { eventLine } from '../../src/cli/commands/events.ts';
import { followEvents, parseFrame, type StreamEvent } from '../../src/cli/event-stream.ts';

let server: Server;
afterEach(() => server?.close());

async function serve(answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  server = createServer(answer).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

const frame = (id: number, event: string, data: unknown): string =>
  `id: ${id}\nevent: ${event}\ndata: ${JSON.stringify(data)}\n\n`;

function follow(address: string, stop: AbortController, take: (event: StreamEvent) => void): Promise<void> {
  const access = { server: address, token: 'secret', insecureHttp: false };
  return followEvents(
    { access, clock: new SystemClock(), random: seededRandom(1, 'again'), signal: stop.signal },
    take,
  );
}

test('a stream that breaks is asked for again from the last event, and each event is told once', async () => {
  const asked: (string | undefined)[] = [];
  const stop = new AbortController();
  const address = await serve((request, response) => {
    asked.push(request.headers['last-event-id'] as string | undefined);
    expect(request.headers.authorization).toBe('Bearer secret');
    response.writeHead(200, { 'Content-Type': 'text/event-stream; charset=utf-8' });
    const n = asked.length;
    response.write(': alive\n\n');
    response.write(frame(n, 'step', { sequence: n }).slice(0, 9));
    response.end(`${frame(n, 'step', { sequence: n }).slice(9)}id: 99\nevent: st`);
  });
  const heard: unknown[] = [];
  await follow(address, stop, ({ data }) => {
    heard.push(data);
    if (heard.length === 3) stop.abort();
  });
  expect(heard).toEqual([{ sequence: 1 }, { sequence: 2 }, { sequence: 3 }]);
  expect(asked.slice(0, 3)).toEqual([undefined, '1', '2']);
});

test('a page, a refusal, and an event without end are no stream', async () => {
  for (const [status, type, body] of [
    [200, 'text/html', '<html>Please log in</html>'],
    [401, 'application/json', '{}'],
    [302, 'text/plain', ''],
    [200, 'text/event-stream', `data: ${'x'.repeat(300_000)}`],
  ] as const) {
    const address = await serve((_, response) => response.writeHead(status, { 'Content-Type': type }).end(body));
    await expect(follow(address, new AbortController(), () => undefined)).rejects.toMatchObject({
      code: 'SERVER_UNREACHABLE',
    });
    server.close();
  }
});

test('frames are read as browsers read them; what is no JSON is nothing', () => {
  expect(parseFrame('event: a\ndata: {"x":\ndata: 1}\nid: 7')).toEqual({ event: 'a', id: '7', data: { x: 1 } });
  expect(parseFrame(': alive')).toBeNull();
  expect(parseFrame('data: nothing')).toBeNull();
});

test('steps and alerts are lines; changes alone are none, and hostile data is text', () => {
  const step = { rollout: 'r', version: '1', from: 'a', to: 'b', kind: 'advance', text: 'why', commit: 'c'.repeat(40) };
  expect(eventLine({ event: 'step', id: '1', data: step }, 0)).toContain('r  1 a → b (advance): why  cccccccccc');
  expect(eventLine({ event: 'changed', id: '1', data: {} }, 0)).toBeNull();
  for (const data of [null, 7, [], { rollout: {} }])
    expect(eventLine({ event: 'alert', id: null, data }, 0)).toContain('alert');
});
