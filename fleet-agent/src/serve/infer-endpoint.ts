// Owns the local Open Inference Protocol endpoint (v2, REST): its paths, and what each answers.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError, HTTP_STATUSES } from '../../../src/base/errors.ts';
import type { Parameters } from '../../../src/contract/directive.ts';
import type { DeviceGauges } from '../measure/device-gauges.ts';
import { parseCounts, parseFeedback, parseReadings } from '../measure/feedback.ts';
import { ModelError } from '../model/model-host.ts';
import { bytesOf, type Tensor } from '../model/tensor.ts';
import { HeldBytes, type Hold } from './held-bytes.ts';
import { methodOf, type Target, targetOf } from './infer-paths.ts';
import type { Instance, ModelServer } from './model-server.ts';
import { readInferRequest } from './read-infer-request.ts';
import { writeAnswer } from './write-answer.ts';

/** A request body may have this many bytes. */
const MOST_BODY_BYTES = 16 * 1024 * 1024;
/** Feedback and readings are parsed whole, in the agent's heap. */
const MOST_FEEDBACK_BYTES = 1024 * 1024;
/** Requests and answers of all callers together. */
const MOST_HELD_BYTES = 128 * 1024 * 1024;

export interface InferEndpointOptions {
  readonly port: number;
  readonly find: (model: string) => ModelServer | undefined;
  readonly list: () => readonly ModelServer[];
  /** What the directive sets for the model here; the manifest's defaults are below it. */
  readonly parametersOf: (model: string) => Parameters;
  readonly gauges: DeviceGauges;
  /** What `/metrics` says. */
  readonly metrics: () => string;
}

interface Reply {
  readonly status: number;
  /** Sent as JSON; a text as it is. */
  readonly body: unknown;
  readonly allow?: string;
}

/** Serves on 127.0.0.1 alone: who may reach it is the device's own matter. */
export class InferEndpoint {
  readonly #options: InferEndpointOptions;
  readonly #server: Server;
  readonly #held = new HeldBytes(MOST_HELD_BYTES);

  constructor(options: InferEndpointOptions) {
    this.#options = options;
    const limits = { maxHeaderSize: 8192, headersTimeout: 10_000, requestTimeout: 60_000, keepAliveTimeout: 60_000 };
    this.#server = createServer(limits, (request, response) => void this.#answer(request, response));
    this.#server.maxConnections = 1024;
  }

  /** The port that it listens on. Throws AGENT_ENDPOINT_PORT. */
  async start(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.#server.once('error', (cause) => {
        const message = `The inference endpoint can't listen on port ${this.#options.port}: ${cause.message}.`;
        reject(
          new CodedError({ code: 'AGENT_ENDPOINT_PORT', message, remedy: 'Choose another `endpointPort`.', cause }),
        );
      });
      this.#server.listen(this.#options.port, '127.0.0.1', resolve);
    });
    return (this.#server.address() as AddressInfo).port;
  }

  async stop(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeIdleConnections();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    using hold = this.#held.open();
    const reply = refusalOf(request) ?? (await this.#route(request, response, hold).catch(replyOfError));
    if (reply === 'written') return;
    if (response.headersSent) return void response.destroy();
    const isText = typeof reply.body === 'string';
    const text = isText ? String(reply.body) : JSON.stringify(reply.body);
    if (reply.status === 413) response.setHeader('connection', 'close');
    if (reply.allow !== undefined) response.setHeader('allow', reply.allow);
    const type = isText ? 'text/plain; version=0.0.4; charset=utf-8' : 'application/json';
    const headers = { 'content-type': type, 'content-length': Buffer.byteLength(text) };
    response.writeHead(reply.status, headers).end(text);
    request.resume();
  }

  async #route(request: IncomingMessage, response: ServerResponse, hold: Hold): Promise<Reply | 'written'> {
    const target = targetOf(request.url ?? '/');
    if (target === undefined) return notFound('Nothing is served at this path.');
    const allow = methodOf(target);
    if (!allow.split(', ').includes(request.method ?? ''))
      return { status: 405, allow, body: { error: `Only ${allow} is supported here.` } };
    switch (target.kind) {
      case 'server':
        return ok({ name: 'slipway-agent', version: '2', extensions: [] });
      case 'live':
        return ok({ live: true });
      case 'ready':
        return readiness({}, this.#isReady());
      case 'metrics':
        return ok(this.#options.metrics());
      case 'gauges':
        return this.#takeReadings(await readBody(request, MOST_FEEDBACK_BYTES, hold));
      default:
        return this.#ofModel(request, response, { target, hold });
    }
  }

  #isReady(): boolean {
    const servers = this.#options.list();
    return servers.length > 0 && servers.every(({ instance }) => instance !== null);
  }

  #takeReadings(body: Buffer): Reply {
    const { gauges } = this.#options;
    const readings = parseReadings(body, gauges);
    const taken = readings.filter(([name, reading]) => gauges.add(name, reading)).length;
    return ok({ taken, left_out: readings.length - taken });
  }

  async #ofModel(
    request: IncomingMessage,
    response: ServerResponse,
    { target, hold }: { readonly target: Extract<Target, { model: string }>; readonly hold: Hold },
  ): Promise<Reply | 'written'> {
    const { model: name } = target;
    const server = this.#options.find(name);
    if (server === undefined) return notFound(`There is no model "${name}" here.`);
    if (target.kind === 'feedback') {
      const items = parseFeedback(await readBody(request, MOST_FEEDBACK_BYTES, hold), target.feedback);
      return ok(server.takeFeedback(items, target.feedback));
    }
    if (target.kind === 'counts') {
      const counts = parseCounts(await readBody(request, MOST_FEEDBACK_BYTES, hold), target.of);
      return ok(server.takeCounts(target.of, counts));
    }
    const { kind } = target;
    const { instance } = server;
    if (target.version !== null && target.version !== instance?.version)
      return notFound(`Version "${target.version}" of "${name}" does not serve here.`);
    if (kind === 'modelReady') return readiness({ name }, instance !== null);
    if (instance === null) return notFound(`No version of "${name}" serves here.`);
    if (kind === 'model') return ok(this.#describe(name, instance));
    return this.#infer(request, response, { server, hold });
  }

  #describe(name: string, { version, signature, defaults }: Instance): unknown {
    const { inputs, outputs } = signature;
    const parameters = { ...defaults, ...this.#options.parametersOf(name) };
    return { name, versions: [version], platform: 'onnx', inputs, outputs, parameters };
  }

  async #infer(
    request: IncomingMessage,
    response: ServerResponse,
    { server, hold }: { readonly server: ModelServer; readonly hold: Hold },
  ): Promise<Reply | 'written'> {
    const asked = await readBody(request, MOST_BODY_BYTES, hold)
      .then(readInferRequest)
      .catch((error: unknown) => {
        if (isRefusal(error)) server.noteRejected();
        throw error;
      });
    const { id, inputs, outputs } = asked;
    // Once more while they are on their way to the model's thread.
    hold.set(2 * bytesOf(inputs));
    const room = (answered: readonly Tensor[]): void => hold.set(bytesOf(answered));
    const answer = await server.infer(inputs, { id: id === undefined ? undefined : String(id), outputs, hold: room });
    await writeAnswer(response, answer, id);
    return 'written';
  }
}

/** The caller's fault, not the model's, nor a lack of room. */
function isRefusal(error: unknown): boolean {
  return error instanceof BodyTooLong || (error instanceof CodedError && error.kind === 'fix-input');
}

const OWN_NAMES: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** Refuses web pages that run on the device: requests with an origin, or to a foreign name that resolves here (DNS rebinding). */
function refusalOf({ headers }: IncomingMessage): Reply | undefined {
  const name = headers.host?.replace(/:\d+$/, '').toLowerCase();
  if (headers.origin === undefined && (name === undefined || OWN_NAMES.has(name))) return undefined;
  return {
    status: 403,
    body: {
      error: 'Web pages get no answers here. Send the request to 127.0.0.1 or localhost, without an Origin header.',
    },
  };
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}

function readiness(facts: object, ready: boolean): Reply {
  return { status: ready ? 200 : 503, body: { ...facts, ready } };
}

function notFound(error: string): Reply {
  return { status: 404, body: { error } };
}

function replyOfError(error: unknown): Reply {
  if (error instanceof BodyTooLong)
    return { status: 413, body: { error: `The body is longer than ${error.most} bytes.` } };
  if (error instanceof ModelError) {
    return { status: error.reason === 'timeout' ? 504 : 500, body: { error: error.message, reason: error.reason } };
  }
  if (error instanceof CodedError)
    return { status: HTTP_STATUSES[error.kind], body: { error: error.message, code: error.code } };
  return { status: 500, body: { error: 'The request failed.' } };
}

class BodyTooLong extends Error {
  readonly most: number;

  constructor(most: number) {
    super();
    this.most = most;
  }
}

async function readBody(request: IncomingMessage, most: number, hold: Hold): Promise<Buffer> {
  if (Number(request.headers['content-length'] ?? 0) > most) throw new BodyTooLong(most);
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > most) throw new BodyTooLong(most);
    hold.set(length);
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, length);
}
