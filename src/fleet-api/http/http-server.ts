// Owns the one port of the service: it starts, bounds and stops the HTTP server, and answers every request by the routes it is given.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { Clock } from '../../base/clock.ts';
import { CodedError, toCodedError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Metrics } from '../../base/metrics.ts';
import { addressLimits, type RateLimit, RateLimiter } from '../rate-limit.ts';
import { answerTo, tryLater, writeAnswer } from './answers.ts';
import { bodyChunks, readForm, readJson } from './body.ts';
import { callerAddress } from './caller-address.ts';
import { EventStreams } from './event-streams.ts';
import type { Answer, ErrorAnswer, Route, StreamAnswer } from './route.ts';
import { type Found, RouteTable } from './route-table.ts';
import { checkScope, type ScopeSecrets } from './scopes.ts';
import { SlowRequests } from './slow-requests.ts';

/** How long, and over how many bytes, a sender that is refused is waited for. */
const LINGER_MS = 2_000;
const MOST_LINGER_BYTES = 8 * 1024 * 1024;

export const LEAST_TLS = 'TLSv1.2';

export interface Tls {
  /** PEM texts. */
  readonly key: string;
  readonly cert: string;
}

export interface HttpServerOptions extends ScopeSecrets {
  readonly routes: readonly Route[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Address to listen on; 127.0.0.1 unless given. */
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls?: Tls;
  /** Those of `addressLimits` unless given. */
  readonly perAddress?: RateLimit;
  readonly bytesPerAddress?: RateLimit;
  readonly streamsPerAddress?: number;
  /** A request of the address was turned away unread, whoever sent it. */
  readonly onTurnedAway?: (address: string) => void;
  /** How a person in a browser reads an error: asked where the caller takes HTML. JSON unless given. */
  readonly errorPage?: (error: ErrorAnswer, url: string) => Answer | Promise<Answer>;
}

export class HttpServer implements AsyncDisposable {
  readonly #options: HttpServerOptions;
  readonly #server: Server | TlsServer;
  readonly #table: RouteTable;
  readonly #perAddress: RateLimiter;
  readonly #bytesPerAddress: RateLimiter;
  readonly #slow: SlowRequests;
  readonly #streams: EventStreams;
  readonly #stopped = new AbortController();
  readonly #requests;
  readonly #seconds;
  #isStopping = false;

  constructor(options: HttpServerOptions) {
    this.#options = options;
    const { metrics, tls, routes } = options;
    this.#requests = metrics.counter('slipway_http_requests_total', 'HTTP requests answered, by route and status.');
    this.#seconds = metrics.histogram(
      'slipway_http_request_seconds',
      'Time to answer, without long polls.',
      [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    );
    const { perAddress, bytesPerAddress, streamsPerAddress } = { ...addressLimits(), ...options };
    this.#perAddress = new RateLimiter(perAddress);
    this.#bytesPerAddress = new RateLimiter(bytesPerAddress);
    this.#table = new RouteTable(routes);
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    this.#slow = new SlowRequests(options.clock);
    const open = metrics.gauge('slipway_event_streams', 'Open event streams.');
    this.#streams = new EventStreams(options.clock, open, streamsPerAddress);
    // A caller has 10 s for its headers; its body is up to `SlowRequests`, since Node knows no limit for a long upload that goes on.
    const limits = {
      maxHeaderSize: 8_192,
      headersTimeout: 10_000,
      requestTimeout: 0,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 30_000,
    };
    const secured = { ...limits, ...tls, minVersion: LEAST_TLS, handshakeTimeout: 10_000 } as const;
    this.#server = tls === undefined ? createServer(limits, listener) : createTlsServer(secured, listener);
    // Whoever waits to be asked for its body learns first whether it may send it.
    this.#server.on('checkContinue', listener);
    this.#server.maxHeadersCount = 64;
    this.#server.maxConnections = 50_000;
    // Idle in either direction: a reader that takes nothing of a download is cut as well.
    this.#server.timeout = 60_000;
  }

  /** Listens, and gives the port. Throws HTTP_LISTEN. */
  async start(): Promise<number> {
    const { port, host = '127.0.0.1' } = this.#options;
    const remedy = 'Choose another port, or stop the program that uses this one.';
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = `Can't listen on ${host}:${port}: ${cause.message}.`;
        reject(new CodedError({ code: 'HTTP_LISTEN', message, remedy, cause }));
      });
      this.#server.listen(port, host, resolve);
    });
    void this.#slow.run(this.#stopped.signal);
    void this.#streams.run(this.#stopped.signal);
    return (this.#server.address() as AddressInfo).port;
  }

  /** Takes new certificates for connections to come; those that are open go on. */
  replaceTls({ key, cert }: Tls): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext({ key, cert, minVersion: LEAST_TLS });
  }

  /** Takes no new connections, lets running requests end for `graceMs`, then cuts. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#isStopping = true;
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#streams.stop();
    this.#server.closeIdleConnections();
    const done = new AbortController();
    await Promise.race([closed.then(() => done.abort()), this.#options.clock.sleep(graceMs, done.signal)]);
    this.#server.closeAllConnections();
    this.#stopped.abort();
    await closed;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const found = this.#table.find(request.method ?? '', request.url ?? '/');
    this.#measure(found, response);
    const isStreamed = found.kind === 'route' && found.route.request?.kind === 'streamed';
    if (hasBody(request) && !isStreamed) this.#slow.expectBody(request);
    let answer: Answer;
    try {
      answer = this.#limit(request) ?? (await this.#ask(found, request, response));
    } catch (thrown) {
      const error = toCodedError(thrown);
      if (error.kind === 'bug')
        this.#options.logger.error('a request failed', { url: request.url?.slice(0, 200), error });
      answer = answerTo(error);
    }
    if (answer.kind === 'error') answer = await this.#forReader(request, answer);
    try {
      if (this.#isStopping && !response.headersSent) response.setHeader('Connection', 'close');
      const written = answer.kind === 'stream' ? this.#openStream(found, { request, response }, answer) : answer;
      if (written === undefined) return;
      await writeAnswer(request, response, written, isStreamed ? () => this.#linger(request) : undefined);
    } catch {
      // Half an answer must not pass for a whole one.
      response.destroy();
    }
    if (request.complete) this.#slow.forget(request);
  }

  #openStream(
    found: Found,
    { request, response }: { readonly request: IncomingMessage; readonly response: ServerResponse },
    { serve }: StreamAnswer,
  ): ErrorAnswer | undefined {
    const address = addressOf(request);
    const isAllowed = async (): Promise<boolean> =>
      found.kind === 'route' && (await checkScope(found.route, { request, address }, this.#options)).kind === 'allowed';
    return this.#streams.open({ request, response, address, isAllowed }, serve);
  }

  async #forReader({ headers, url = '/' }: IncomingMessage, error: ErrorAnswer): Promise<Answer> {
    const { errorPage, logger } = this.#options;
    if (errorPage === undefined || headers.accept?.includes('text/html') !== true) return error;
    try {
      return await errorPage(error, url);
    } catch (thrown) {
      logger.error('an error could not be shown as a page', { error: toCodedError(thrown) });
      return error;
    }
  }

  /** A sender reads the answer while it still sends: closing over bytes that nobody read would throw the answer away. */
  async #linger(request: IncomingMessage): Promise<void> {
    const done = new AbortController();
    let bytes = 0;
    request.once('close', () => done.abort());
    request.once('end', () => done.abort());
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > MOST_LINGER_BYTES) done.abort();
    });
    request.resume();
    await this.#options.clock.sleep(LINGER_MS, done.signal);
    request.pause();
  }

  async #ask(found: Found, request: IncomingMessage, response: ServerResponse): Promise<Answer> {
    if (found.kind === 'none') return found.answer;
    const { route, params, query } = found;
    const tooMuch = this.#chargeBody(route, request);
    if (tooMuch !== undefined) return tooMuch;
    const askForBody = (): void => {
      if (request.headers.expect !== undefined) response.writeContinue();
    };
    if (route.request !== null && route.request.kind !== 'streamed') askForBody();
    const address = addressOf(request);
    const checked = await checkScope(route, { request, address }, this.#options);
    if (checked.kind !== 'allowed') return checked;
    // Instead of the server's time for idle connections, which counts the time in which the service is busy as well.
    if (route.request?.kind === 'streamed') request.setTimeout(0);
    let body: unknown;
    if (route.request?.kind === 'json' || route.request?.kind === 'form') {
      const read = await (route.request.kind === 'json' ? readJson : readForm)(request, route.request.mostBytes);
      if (read.kind === 'error') return read;
      body = read.value;
    }
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    return route.handle({
      body,
      params,
      query,
      headers: request.headers,
      openBody: () => {
        this.#slow.expectStream(request);
        askForBody();
        return bodyChunks(request);
      },
      bearer: checked.bearer,
      address,
      connection: request.socket,
      gone: gone.signal,
    });
  }

  /** Before a byte of it is read. A body of unknown length costs as much as it may have. */
  #chargeBody({ request: body }: Route, request: IncomingMessage): Answer | undefined {
    if (body === null || body.kind === 'streamed') return undefined;
    const announced = Number(request.headers['content-length'] ?? Number.NaN);
    const bytes = announced >= 0 ? Math.min(announced, body.mostBytes) : body.mostBytes;
    const nowMs = this.#options.clock.monotonicMs();
    const address = addressOf(request);
    const seconds = this.#bytesPerAddress.take(address, nowMs, bytes);
    if (seconds === 0) return undefined;
    this.#options.onTurnedAway?.(address);
    return tryLater(429, 'HTTP_TOO_MANY_BYTES', 'This address sends too much.', seconds);
  }

  #measure(found: Found, response: ServerResponse): void {
    const { clock } = this.#options;
    const startMs = clock.monotonicMs();
    const route = found.kind === 'route' ? found.route.name : found.name;
    response.once('close', () => {
      this.#requests.add({ route, status: response.headersSent ? String(response.statusCode) : 'gone' });
      const isLongPoll = found.kind === 'route' && found.route.isLongPoll === true;
      if (!isLongPoll) this.#seconds.observe((clock.monotonicMs() - startMs) / 1000, { route });
    });
  }

  #limit(request: IncomingMessage): Answer | undefined {
    const address = addressOf(request);
    const seconds = this.#perAddress.take(address, this.#options.clock.monotonicMs());
    if (seconds === 0) return undefined;
    this.#options.onTurnedAway?.(address);
    return tryLater(429, 'HTTP_TOO_MANY_REQUESTS', 'This address asks too often.', seconds);
  }
}

function hasBody({ headers }: IncomingMessage): boolean {
  return (headers['content-length'] ?? '0') !== '0' || headers['transfer-encoding'] !== undefined;
}

function addressOf(request: IncomingMessage): string {
  return callerAddress(request.socket.remoteAddress ?? '');
}
