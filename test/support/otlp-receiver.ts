// Owns a small OpenTelemetry collector for tests: it takes spans by OTLP over HTTP, or fails as collectors do.
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';

export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly name: string;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: readonly { readonly key: string; readonly value: Record<string, unknown> }[];
  readonly status: { readonly code?: number; readonly message?: string };
}

interface Exported {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: ReceivedSpan['attributes'] };
    readonly scopeSpans: readonly { readonly spans: readonly ReceivedSpan[] }[];
  }[];
}

export type Mood = 'takes' | 'fails' | 'hangs' | 'portal' | 'redirects';

export class OtlpReceiver implements AsyncDisposable {
  readonly spans: ReceivedSpan[] = [];
  readonly headers: (string | undefined)[] = [];
  resource: ReceivedSpan['attributes'] = [];
  requests = 0;
  mood: Mood = 'takes';
  readonly #server = createServer(async (request, response) => {
    this.requests += 1;
    this.headers.push(request.headers.authorization);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const raw = Buffer.concat(chunks);
    const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(raw) : raw;
    this.#answer(request.url === '/v1/traces' ? body.toString() : '', response);
  });

  static async open(): Promise<OtlpReceiver> {
    const receiver = new OtlpReceiver();
    receiver.#server.listen(0, '127.0.0.1');
    await once(receiver.#server, 'listening');
    return receiver;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  #answer(body: string, response: ServerResponse): void {
    if (this.mood === 'hangs') return;
    if (this.mood === 'fails') return void response.writeHead(400).end('no');
    if (this.mood === 'redirects') return void response.writeHead(302, { location: `${this.url}/login` }).end();
    if (this.mood === 'portal')
      return void response.writeHead(200, { 'content-type': 'text/html' }).end('<html>Log in to the network</html>');
    const { resourceSpans } = JSON.parse(body) as Exported;
    for (const { resource, scopeSpans } of resourceSpans) {
      this.resource = resource.attributes;
      for (const { spans } of scopeSpans) this.spans.push(...spans);
    }
    response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

export function attributeOf({ attributes }: Pick<ReceivedSpan, 'attributes'>, name: string): unknown {
  return Object.values(attributes.find(({ key }) => key === name)?.value ?? {})[0];
}
