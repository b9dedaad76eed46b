// Owns a forward proxy for tests: it connects names that only it knows, and notes them; and TLS in front of a plain server.
import { createServer } from 'node:http';
import { type AddressInfo, connect, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { Issued } from './certificates.ts';

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

function join(one: Socket, other: Socket): void {
  for (const socket of [one, other]) socket.on('error', () => socket.destroy());
  one.pipe(other).pipe(one);
  one.on('close', () => other.destroy());
  other.on('close', () => one.destroy());
}

export interface Stoppable {
  readonly port: number;
  stop(): void;
}

function stoppable(server: Server, port: number, sockets: ReadonlySet<Socket>): Stoppable {
  return {
    port,
    stop: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** `name` leads to this machine for whoever shows `user:password`; every other host is refused, as a closed network does. */
export async function startForwardProxy(
  name: string,
  user: string,
): Promise<Stoppable & { readonly asked: readonly string[] }> {
  const asked: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer((_, response) => response.writeHead(403).end());
  server.on('connection', (socket) => sockets.add(socket));
  const basic = `Basic ${Buffer.from(user).toString('base64')}`;
  server.on('connect', ({ url = '', headers }, socket: Socket, head: Buffer) => {
    if (headers['proxy-authorization'] !== basic)
      return socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\r\n');
    asked.push(url);
    const [host, port] = url.split(':');
    if (host !== name) return socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    const onward = connect(Number(port), '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection Established\r\n\r\n');
      onward.write(head);
      join(socket, onward);
    });
    onward.on('error', () => socket.destroy());
    return undefined;
  });
  const port = await listening(server);
  return { ...stoppable(server, port, sockets), asked };
}

/** What a proxy that ends TLS does, without a look at what goes through. */
export async function startTlsFront(targetPort: number, { cert, key }: Issued): Promise<Stoppable> {
  const sockets = new Set<Socket>();
  const server = createTlsServer({ cert, key }, (socket) => {
    sockets.add(socket);
    join(socket, connect(targetPort, '127.0.0.1'));
  });
  server.on('tlsClientError', () => undefined);
  return stoppable(server, await listening(server), sockets);
}
