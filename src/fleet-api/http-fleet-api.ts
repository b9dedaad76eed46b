// Owns the one port of the service: it starts, bounds and stops the HTTP server, and answers every request, whatever comes.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { HttpFleetApiOptions, Tls } from './fleet-api-options.ts';
import { answerRefusal, HttpRefusal, refusalOf } from './http-answers.ts';
import { RateLimiter } from './rate-limit.ts';
import { Routes } from './routes.ts';

/** A publication by another process is seen at the latest after this. */
const LOOK_AT_STORE_MS = 1_000;

export class HttpFleetApi implements AsyncDisposable {
  readonly #options: HttpFleetApiOptions;
  readonly #server: Server | TlsServer;
  readonly #routes: Routes;
  readonly #perAddress: RateLimiter;
  readonly #requests;
  readonly #seconds;
  readonly #stopped = new AbortController();
  #looking: Promise<void> = Promise.resolve();

  constructor(options: HttpFleetApiOptions) {
    this.#options = options;
    const { metrics, tls } = options;
    this.#requests = metrics.counter('slipway_http_requests_total', 'HTTP requests answered, by route and status.');
    this.#seconds = metrics.histogram(
      'slipway_http_request_seconds',
      'Time to answer, long polls left out.',
      [0.001, 0.005, 0.02, 0.1, 0.5, 2],
    );
    this.#perAddress = new RateLimiter(options.perAddress ?? { perSecond: 500, burst: 2_000 });
    this.#routes = new Routes(options);
    const listener = (request: IncomingMessage, response: ServerResponse): void => void this.#answer(request, response);
    // A caller has 10 s for its headers and 30 s for its whole request: one that drips bytes can't hold a connection.
    const limits = {
      maxHeaderSize: 8_192,
      headersTimeout: 10_000,
      requestTimeout: 30_000,
      connectionsCheckingInterval: 1_000,
      keepAliveTimeout: 30_000,
    };
    this.#server =
      tls === undefined ? createServer(limits, listener) : createTlsServer({ ...limits, ...tls }, listener);
    this.#server.maxHeadersCount = 64;
    this.#server.maxConnections = 50_000;
    // Idle in either direction: a reader that takes nothing of a download is cut as well.
    this.#server.timeout = 60_000;
  }

  /** Listens, and gives the port. */
  async start(): Promise<number> {
    const { register, port, host = '127.0.0.1' } = this.#options;
    this.#routes.waiters.publish((await register.readPublication()).sequence);
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => reject(this.#listenError(cause)));
      this.#server.listen(port, host, resolve);
    });
    this.#looking = this.#lookAtStore();
    return (this.#server.address() as AddressInfo).port;
  }

  #listenError(cause: Error): CodedError {
    const { port, host = '127.0.0.1' } = this.#options;
    return new CodedError({
      code: 'HTTP_LISTEN',
      message: `Can't listen on ${host}:${port}: ${cause.message}.`,
      remedy: 'Choose another port, or stop what uses it.',
      cause,
    });
  }

  /** A directive was published under this sequence: wakes all who wait for it. */
  notifyPublished(sequence: number): void {
    this.#routes.waiters.publish(sequence);
  }

  /** Takes new certificates for connections to come. */
  replaceTls(tls: Tls): void {
    if ('setSecureContext' in this.#server) this.#server.setSecureContext({ ...tls });
  }

  /** Takes no new connections, sends long polls home, lets running requests end for `graceMs`, then cuts. */
  async stop(graceMs = 5_000): Promise<void> {
    this.#stopped.abort();
    this.#routes.waiters.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    const done = new AbortController();
    await Promise.race([closed.then(() => done.abort()), this.#options.clock.sleep(graceMs, done.signal)]);
    this.#server.closeAllConnections();
    await closed;
    await this.#looking;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop(0);
  }

  /** Another process of the service may publish: what it recorded is as good as a notice. */
  async #lookAtStore(): Promise<void> {
    const { clock, register, logger } = this.#options;
    const { signal } = this.#stopped;
    for (;;) {
      await clock.sleep(LOOK_AT_STORE_MS, signal);
      if (signal.aborted) return;
      try {
        this.#routes.waiters.publish((await register.readPublication()).sequence);
      } catch (error) {
        logger.warn('the publication record could not be read', { error });
      }
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const startMs = this.#options.clock.monotonicMs();
    const route = this.#routes.find(request);
    response.once('close', () => {
      this.#requests.add({ route: route.name, status: response.headersSent ? String(response.statusCode) : 'gone' });
      if (route.name !== 'changes') {
        this.#seconds.observe((this.#options.clock.monotonicMs() - startMs) / 1000, { route: route.name });
      }
    });
    if (this.#stopped.signal.aborted) response.setHeader('Connection', 'close');
    try {
      this.#limit(request);
      await route.run(request, response);
    } catch (thrown) {
      this.#refuse(request, response, thrown);
    }
  }

  #limit(request: IncomingMessage): void {
    const seconds = this.#perAddress.take(addressOf(request), this.#options.clock.monotonicMs());
    if (seconds === 0) return;
    throw new HttpRefusal({
      status: 429,
      code: 'HTTP_TOO_MANY_REQUESTS',
      message: 'This address asks too often.',
      remedy: 'Ask again after the time in Retry-After.',
      headers: { 'Retry-After': seconds },
    });
  }

  #refuse(request: IncomingMessage, response: ServerResponse, thrown: unknown): void {
    if (response.destroyed) return;
    if (response.headersSent) {
      // Half an answer must not pass for a whole one.
      response.destroy();
      return;
    }
    if (thrown instanceof HttpRefusal) {
      answerRefusal(request, response, thrown);
      return;
    }
    const error = toCodedError(thrown);
    if (error.kind === 'bug')
      this.#options.logger.error('a request failed', { url: request.url?.slice(0, 200), error });
    answerRefusal(request, response, refusalOf(error));
  }
}

/** An IPv6 caller owns its /64, so that is what counts as one address. */
function addressOf(request: IncomingMessage): string {
  const address = request.socket.remoteAddress ?? '';
  if (!address.includes(':') || address.startsWith('::ffff:')) return address;
  return address.split(':').slice(0, 4).join(':');
}
