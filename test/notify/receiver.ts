// Owns a real receiver of notices on this machine that takes, fails, hangs or resets as the test says.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly url: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

export type Behaviour = 'take' | 'fail' | 'refuse' | 'hang' | 'reset' | 'redirect';

export interface Receiver extends AsyncDisposable {
  readonly url: string;
  /** Everything that arrived whole, taken or not. */
  readonly received: Received[];
  /** What was answered with success. */
  readonly taken: Received[];
  /** How the n-th request, from 0, is treated. */
  behave: (nth: number) => Behaviour;
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const STATUSES = { take: 202, fail: 500, refuse: 422, redirect: 307 } as const;

export async function openReceiver(status: number = STATUSES.take): Promise<Receiver> {
  const received: Received[] = [];
  const taken: Received[] = [];
  let requests = 0;
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const behaviour = receiver.behave(requests++);
    if (behaviour === 'reset') {
      request.socket.resetAndDestroy();
      return;
    }
    const one = { url: request.url ?? '', headers: request.headers, body: await bodyOf(request) };
    received.push(one);
    if (behaviour === 'hang') return;
    if (behaviour === 'take') taken.push(one);
    const headers = behaviour === 'redirect' ? { location: receiver.url } : {};
    response.writeHead(behaviour === 'take' ? status : STATUSES[behaviour], headers).end();
  };
  const server = createServer((request, response) => void answer(request, response).catch(() => undefined));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const receiver: Receiver = {
    url: `http://127.0.0.1:${port}`,
    received,
    taken,
    behave: () => 'take',
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  return receiver;
}
