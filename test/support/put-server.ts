// A host that takes files by PUT, as WebDAV does, and can misbehave on demand.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Answers the request itself and says true, or leaves it to the host. Asked before the body is read, and after. */
export type PutMisbehaviour = (request: IncomingMessage, response: ServerResponse, isRead: boolean) => boolean;

export class PutServer implements AsyncDisposable {
  readonly files = new Map<string, Buffer>();
  readonly asked: string[] = [];
  readonly authorizations = new Set<string | undefined>();
  misbehave: PutMisbehaviour = () => false;
  readonly #server = createServer((request, response) => void this.#receive(request, response));

  static async start(): Promise<PutServer> {
    const server = new PutServer();
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url = '/', headers } = request;
    this.asked.push(`${method} ${url}`);
    this.authorizations.add(headers.authorization);
    request.on('error', () => undefined);
    if (this.misbehave(request, response, false)) return;
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk);
    } catch {
      return; // cut: nothing is stored
    }
    if (this.misbehave(request, response, true)) return;
    if (method === 'PUT') {
      this.files.set(url, Buffer.concat(chunks));
      response.writeHead(201).end();
      return;
    }
    const bytes = this.files.get(url);
    if (bytes === undefined) response.writeHead(404).end();
    else if (headers.range === undefined) response.writeHead(200, { 'content-length': bytes.length }).end(bytes);
    else {
      const range = { 'content-range': `bytes 0-0/${bytes.length}`, 'content-length': 1 };
      response.writeHead(206, range).end(bytes.subarray(0, 1));
    }
  }
}
