// Owns the door between devices and services in system tests: it passes everything on, and remembers what was acknowledged.
import { once } from 'node:events';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { parseReportAnswers } from '../../src/contract/fleet-messages.ts';
import type { DeviceReport } from '../../src/contract/report.ts';

export interface ToldReport {
  readonly report: DeviceReport;
  /** What the service answered; a lost answer leaves no entry. */
  readonly answer: string;
  readonly reason: string | undefined;
}

export interface GatewayOptions {
  /** Where requests go now. */
  readonly target: () => string;
  /** Called when the service took reports, before the device hears of it; with true it never does. */
  readonly onTaken?: (count: number) => boolean;
}

export class Gateway implements AsyncDisposable {
  readonly #options: GatewayOptions;
  readonly #server: http.Server;
  readonly #agent = new http.Agent({ keepAlive: false });
  readonly #open = new Set<Promise<void>>();
  readonly told: ToldReport[] = [];
  #taken = 0;

  private constructor(options: GatewayOptions) {
    this.#options = options;
    this.#server = http.createServer((request, response) => {
      const passed = this.#pass(request, response).catch(() => void response.socket?.destroy());
      this.#open.add(passed);
      void passed.finally(() => this.#open.delete(passed));
    });
  }

  static async start(options: GatewayOptions): Promise<Gateway> {
    const gateway = new Gateway(options);
    gateway.#server.listen(0, '127.0.0.1');
    await once(gateway.#server, 'listening');
    return gateway;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Resolves when nothing is under way any more, long polls excepted. */
  async settled(): Promise<void> {
    this.#server.closeAllConnections();
    await Promise.race([Promise.allSettled(this.#open), new Promise((resolve) => setTimeout(resolve, 2000))]);
  }

  async #pass(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const isReport = request.url === '/v1/reports';
    const sent = await readAll(request);
    const target = new URL(request.url ?? '/', this.#options.target());
    const passed = http.request(target, {
      method: request.method ?? 'GET',
      headers: { ...request.headers, host: target.host },
      agent: this.#agent,
    });
    response.once('close', () => {
      if (!isReport) passed.destroy();
    });
    passed.end(sent);
    const [answer] = (await once(passed, 'response')) as [IncomingMessage];
    const body = await readAll(answer);
    if (isReport && answer.statusCode === 200 && this.#note(sent, body)) {
      response.socket?.destroy();
      return;
    }
    response.writeHead(answer.statusCode ?? 502, answer.headers).end(body);
  }

  #note(sent: Buffer, answered: Buffer): boolean {
    const envelopes = JSON.parse(sent.toString('utf8')) as { readonly payload: string }[];
    const answers = parseReportAnswers(JSON.parse(answered.toString('utf8')), envelopes.length);
    for (const [i, { payload }] of envelopes.entries()) {
      const report = JSON.parse(Buffer.from(payload, 'base64').toString('utf8')) as DeviceReport;
      const answer = answers[i];
      const reason = answer?.kind === 'rejected' ? answer.reason : undefined;
      this.told.push({ report, answer: answer?.kind ?? 'none', reason });
    }
    this.#taken += envelopes.length;
    return this.#options.onTaken?.(this.#taken) ?? false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    this.#agent.destroy();
  }
}

async function readAll(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  if (!stream.complete) throw new Error('the answer ended early');
  return Buffer.concat(chunks);
}
