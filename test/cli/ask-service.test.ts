// What commands promise when they ask a service: whatever answers, they say what is wrong, and the token stays where it belongs.
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, it } from 'vitest';
import { SystemClock } from '../../src/base/clock.ts';
import { askService, type ServiceAccess } from '../../src/cli/ask-service.ts';

const TOKEN = 'a-token-that-nobody-else-may-see';

async function answering(listener: RequestListener) {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function ask(server: string, over: Partial<ServiceAccess> = {}): Promise<unknown> {
  const access = { server, token: TOKEN, insecureHttp: false, ...over };
  return askService({ method: 'POST', path: '/v1/tokens', body: { name: 'ci' } }, access, new SystemClock());
}

it('what the service accepts comes back as JSON, and it got the token and the body', async () => {
  await using service = await answering(async (request, response) => {
    let body = '';
    for await (const chunk of request) body += String(chunk);
    const { method, url, headers } = request;
    response.end(JSON.stringify({ method, url, body, authorization: headers.authorization }));
  });
  const heard = { method: 'POST', url: '/base/v1/tokens', body: '{"name":"ci"}', authorization: `Bearer ${TOKEN}` };
  expect(await ask(`${service.url}/base/`)).toEqual(heard);
});

it.each<[what: string, code: string, kind: string, listener: RequestListener]>([
  ['a captive portal', 'SERVER_UNREACHABLE', 'retry-later', (_, response) => void response.end('<html>Log in!</html>')],
  [
    'a redirect',
    'SERVER_UNREACHABLE',
    'retry-later',
    (_, response) => void response.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
  ],
  [
    'a cut answer',
    'SERVER_UNREACHABLE',
    'retry-later',
    (_, response) => void response.writeHead(200, { 'content-length': 99 }).end('{'),
  ],
  ['a hang-up', 'SERVER_UNREACHABLE', 'retry-later', (request) => void request.socket.destroy()],
  [
    'a proxy without a service',
    'SERVER_UNREACHABLE',
    'retry-later',
    (_, response) => void response.writeHead(502).end('Bad Gateway'),
  ],
  [
    'an endless answer',
    'SERVER_UNREACHABLE',
    'retry-later',
    (_, response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536))) {}
        response.once('drain', more);
      };
      more();
    },
  ],
  [
    'a service that has too much to do',
    'STORE_BUSY',
    'retry-later',
    (_, response) => void response.writeHead(503).end('{"error":{"code":"STORE_BUSY","message":"Busy."}}'),
  ],
  [
    'a refused body',
    'TOKEN_ORDER',
    'fix-input',
    (_, response) =>
      void response.writeHead(400).end('{"error":{"code":"TOKEN_ORDER","message":"No.","remedy":"Mend it."}}'),
  ],
  [
    'a refused token',
    'SERVER_CREDENTIALS',
    'fix-input',
    (_, response) => void response.writeHead(401).end('{"error":{"code":"TOKEN_EXPIRED","message":"It expired."}}'),
  ],
  [
    'a scope that is missing',
    'SERVER_CREDENTIALS',
    'fix-input',
    (_, response) => void response.writeHead(403).end('{"error":{"code":"TOKEN_SCOPE","message":"It needs admin."}}'),
  ],
  [
    'an error that is none',
    'SERVER_UNREACHABLE',
    'retry-later',
    (_, response) => void response.writeHead(400).end('{"error":{"code":"\\u001b[2J","message":{}}}'),
  ],
])('%s is %s', async (_what, code, kind, listener) => {
  await using service = await answering(listener);
  await expect(ask(service.url)).rejects.toMatchObject({ code, kind });
});

it('an answer that repeats the token is told without it', async () => {
  await using service = await answering((request, response) => {
    const message = `You sent ${request.headers.authorization}`;
    response.writeHead(400).end(JSON.stringify({ error: { code: 'ECHO', message, remedy: message } }));
  });
  const error = await ask(service.url).catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'ECHO', message: 'You sent Bearer [secret removed]' });
  expect(JSON.stringify(error)).not.toContain(TOKEN);
});

it.each([
  ['http://example.com', {}, 'over plain HTTP'],
  ['http://user:secret@127.0.0.1:1', {}, 'holds a password'],
  ['ftp://example.com', {}, 'not the address'],
  ['', {}, 'not the address'],
  ['http://127.0.0.1:1', { token: 'two\nlines' }, 'characters that no token has'],
  ['http://127.0.0.1:1', { token: null }, "can't be reached"],
])('%s %o is refused before anything is sent, or can not be reached', async (server, over, message) => {
  const error = await ask(server, over).catch((thrown: unknown) => thrown);
  expect((error as Error).message).toContain(message);
  expect(JSON.stringify(error)).not.toMatch(/secret|two\W/);
});
