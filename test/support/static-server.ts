// A static file host on loopback that counts its requests and can misbehave on demand.
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';

export interface Asked {
  readonly path: string;
  readonly status: number;
  readonly conditional: boolean;
}

/** Answers the request itself and says true, or leaves it to the host. */
export type Misbehaviour = (request: IncomingMessage, response: ServerResponse) => boolean;

export class StaticServer implements AsyncDisposable {
  readonly asked: Asked[] = [];
  /** Where files come from; may be changed while serving. */
  folder: string;
  misbehave: Misbehaviour = () => false;
  withEtags = true;
  readonly #server = createServer((request, response) => {
    response.on('close', () => {
      this.asked.push({
        path: request.url ?? '',
        status: response.statusCode,
        conditional: request.headers['if-none-match'] !== undefined,
      });
    });
    if (!this.misbehave(request, response)) void this.#serve(request, response);
  });

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async start(folder: string): Promise<StaticServer> {
    const server = new StaticServer(folder);
    await new Promise<void>((resolve) => server.#server.listen(0, '127.0.0.1', resolve));
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** What was asked since the last call. */
  async takeAsked(): Promise<Asked[]> {
    await new Promise((resolve) => setTimeout(resolve, 20));
    return this.asked.splice(0);
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      const bytes = await readFile(path.join(this.folder, path.normalize(request.url ?? '/')));
      const etag = `"${createHash('sha256').update(bytes).digest('hex').slice(0, 16)}"`;
      if (this.withEtags) response.setHeader('ETag', etag);
      if (this.withEtags && request.headers['if-none-match'] === etag) response.writeHead(304).end();
      else response.writeHead(200, { 'Content-Length': bytes.length }).end(bytes);
    } catch {
      response.writeHead(404).end('no such file');
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
