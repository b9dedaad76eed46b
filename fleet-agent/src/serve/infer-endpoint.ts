// Owns the local Open Inference Protocol endpoint (v2, REST): JSON tensors in, answers of the serving version out.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError, HTTP_STATUSES } from '../../../src/base/errors.ts';
import type { DeviceGauges } from '../measure/device-gauges.ts';
import { parseFeedback, parseReadings } from '../measure/feedback.ts';
import type { FeedbackKind } from '../measure/recent-answers.ts';
import { ModelError } from '../model/model-host.ts';
import { isDatatype, packTensor, type Tensor, unpackTensor } from '../model/tensor.ts';
import type { InferenceAnswer, ModelServer } from './model-server.ts';

/** A request body may have this many bytes. */
const MOST_BODY_BYTES = 16 * 1024 * 1024;

export interface InferEndpointOptions {
  readonly port: number;
  readonly find: (model: string) => ModelServer | undefined;
  readonly list: () => readonly ModelServer[];
  readonly gauges: DeviceGauges;
}

const FEEDBACK: readonly FeedbackKind[] = ['labels', 'complaints', 'anomalies'];

interface Reply {
  readonly status: number;
  readonly body: unknown;
}

/** Serves on 127.0.0.1 alone: who may reach it is the device's own matter. */
export class InferEndpoint {
  readonly #options: InferEndpointOptions;
  readonly #server: Server;

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
    const reply = refusalOf(request) ?? (await this.#route(request).catch(replyOfError));
    const text = JSON.stringify(reply.body);
    if (reply.status === 413) response.setHeader('connection', 'close');
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) };
    response.writeHead(reply.status, headers).end(text);
  }

  async #route(request: IncomingMessage): Promise<Reply> {
    const path = (request.url ?? '/').split('?', 1)[0] ?? '/';
    const parts = path.split('/').slice(1).map(decode);
    if (parts[0] !== 'v2') return notFound('Nothing is served at this path.');
    if (request.method === 'POST') return this.#post(request, parts);
    if (request.method !== 'GET') return { status: 405, body: { error: 'Only GET and POST are supported.' } };
    if (parts.length === 1) return ok({ name: 'slipway-agent', version: '2', extensions: [] });
    if (parts[1] === 'health' && parts[2] === 'live') return ok({ live: true });
    if (parts[1] === 'health' && parts[2] === 'ready') {
      const ready = this.#options.list().every(({ instance }) => instance !== null);
      return { status: ready ? 200 : 503, body: { ready } };
    }
    return parts[1] === 'models' ? this.#describe(parts) : notFound('Nothing is served at this path.');
  }

  #describe(parts: readonly string[]): Reply {
    const instance = this.#serving(parts);
    const name = parts[2] ?? '';
    if (parts.at(-1) === 'ready')
      return { status: instance === undefined ? 503 : 200, body: { name, ready: instance !== undefined } };
    if (instance === undefined) return notFound(`No version of "${name}" serves here.`);
    const { inputs, outputs } = instance.signature;
    return ok({ name, versions: [instance.version], platform: 'onnx', inputs, outputs });
  }

  /** The serving instance that a path means; a version in it must be the one that serves. */
  #serving(parts: readonly string[]) {
    const instance = this.#options.find(parts[2] ?? '')?.instance ?? undefined;
    const wanted = parts[3] === 'versions' ? parts[4] : undefined;
    return wanted === undefined || wanted === instance?.version ? instance : undefined;
  }

  async #post(request: IncomingMessage, parts: readonly string[]): Promise<Reply> {
    if (parts[1] === 'gauges' && parts.length === 2) {
      const readings = parseReadings(await readBody(request), this.#options.gauges);
      const taken = readings.filter(([name, reading]) => this.#options.gauges.add(name, reading)).length;
      return ok({ taken, left_out: readings.length - taken });
    }
    const feedback = FEEDBACK.find((one) => one === parts[3]);
    const server = this.#options.find(parts[2] ?? '');
    if (parts[1] !== 'models' || parts.length !== 4 || feedback === undefined || server === undefined)
      return this.#infer(request, parts);
    return ok(server.takeFeedback(parseFeedback(await readBody(request), feedback), feedback));
  }

  async #infer(request: IncomingMessage, parts: readonly string[]): Promise<Reply> {
    const server = this.#options.find(parts[2] ?? '');
    if (
      parts[1] !== 'models' ||
      parts.at(-1) !== 'infer' ||
      server === undefined ||
      this.#serving(parts) === undefined
    ) {
      request.resume();
      return notFound(`No version of "${parts[2] ?? ''}" serves here.`);
    }
    const asked = parseInferRequest(await readBody(request));
    const answer = await server.infer(asked.inputs, asked.id);
    return ok(formatAnswer(answer, asked));
  }
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

interface InferRequest {
  readonly id: string | undefined;
  readonly inputs: readonly Tensor[];
  /** Names of the outputs that are asked for; undefined = all. */
  readonly outputs: readonly string[] | undefined;
}

function requestError(problem: string): CodedError {
  return new CodedError({
    code: 'INFER_REQUEST',
    message: `The request is not an Open Inference Protocol request: ${problem}.`,
    remedy: 'Send { inputs: [{ name, datatype, shape, data }] } as JSON.',
  });
}

/** Throws INFER_REQUEST or INFER_SHAPE. */
export function parseInferRequest(body: Buffer): InferRequest {
  let value: unknown;
  try {
    value = JSON.parse(body.toString('utf8'));
  } catch {
    throw requestError('it is not JSON');
  }
  const { id, inputs, outputs } = Object(value) as Record<string, unknown>;
  if (!Array.isArray(inputs) || inputs.length === 0 || inputs.length > 64)
    throw requestError('`inputs` is not a list of 1 to 64 tensors');
  if (outputs !== undefined && !Array.isArray(outputs)) throw requestError('`outputs` is not a list');
  return {
    id: typeof id === 'string' ? id.slice(0, 256) : undefined,
    inputs: inputs.map(parseTensor),
    outputs: outputs?.map((output: unknown) => String((Object(output) as { name?: unknown }).name)),
  };
}

function parseTensor(value: unknown): Tensor {
  const { name, datatype, shape, data } = Object(value) as Record<string, unknown>;
  if (typeof name !== 'string' || name.length > 256) throw requestError('a tensor has no name');
  if (!isDatatype(datatype)) throw requestError(`the datatype of "${name}" is not one that is served`);
  if (!Array.isArray(shape) || shape.length > 8 || !shape.every((length) => typeof length === 'number')) {
    throw requestError(`"${name}" has no shape of at most 8 numbers`);
  }
  if (!Array.isArray(data)) throw requestError(`"${name}" has no data`);
  return packTensor(name, datatype, shape as number[], data);
}

function formatAnswer(answer: InferenceAnswer, { outputs: wanted }: InferRequest): unknown {
  const outputs = answer.outputs.filter((output) => wanted === undefined || wanted.includes(output.name));
  return {
    model_name: answer.modelName,
    model_version: answer.modelVersion,
    id: answer.id,
    parameters: { digest: answer.digest },
    outputs: outputs.map((output) => {
      const { name, datatype, shape } = output;
      return { name, datatype, shape, data: unpackTensor(output) };
    }),
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

function ok(body: unknown): Reply {
  return { status: 200, body };
}

function notFound(error: string): Reply {
  return { status: 404, body: { error } };
}

function replyOfError(error: unknown): Reply {
  if (error instanceof BodyTooLong)
    return { status: 413, body: { error: `The body is longer than ${MOST_BODY_BYTES} bytes.` } };
  if (error instanceof ModelError) {
    const status = error.reason === 'bad-shape' ? 400 : error.reason === 'timeout' ? 504 : 500;
    return { status, body: { error: error.message, reason: error.reason } };
  }
  if (error instanceof CodedError)
    return { status: HTTP_STATUSES[error.kind], body: { error: error.message, code: error.code } };
  return { status: 500, body: { error: 'The request failed.' } };
}

class BodyTooLong extends Error {}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    length += (chunk as Buffer).length;
    if (length > MOST_BODY_BYTES) throw new BodyTooLong();
    chunks.push(chunk as Buffer);
  }
  return Buffer.concat(chunks, length);
}
