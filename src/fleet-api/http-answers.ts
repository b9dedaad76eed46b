// Owns how answers and refusals look on the wire: JSON, with errors as code, message and remedy.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { type CodedError, HTTP_STATUSES } from '../base/errors.ts';

export type Headers = Readonly<Record<string, string | number>>;

/** A request is done with: which status, which body. Thrown or returned alike. */
export class HttpRefusal extends Error {
  readonly status: number;
  readonly code: string;
  readonly remedy: string | undefined;
  readonly headers: Headers;

  constructor(facts: { status: number; code: string; message: string; remedy?: string; headers?: Headers }) {
    super(facts.message);
    this.name = 'HttpRefusal';
    this.status = facts.status;
    this.code = facts.code;
    this.remedy = facts.remedy;
    this.headers = facts.headers ?? {};
  }
}

/** A CodedError as refusal. What a bug says stays in the log: it may hold more than a stranger should read. */
export function refusalOf(error: CodedError): HttpRefusal {
  const { code, kind } = error;
  const status = HTTP_STATUSES[kind];
  if (kind === 'bug')
    return new HttpRefusal({ status, code: 'INTERNAL_ERROR', message: 'The service failed; its log says why.' });
  const headers: Headers = kind === 'retry-later' ? { 'Retry-After': 5 } : {};
  const remedy = error.remedy === undefined ? {} : { remedy: error.remedy };
  return new HttpRefusal({ status, code, message: error.message, ...remedy, headers });
}

export function answerJson(response: ServerResponse, status: number, value: unknown, headers: Headers = {}): void {
  answerBytes(response, { status, type: 'application/json; charset=utf-8', body: JSON.stringify(value), headers });
}

export function answerText(response: ServerResponse, status: number, body: string): void {
  answerBytes(response, { status, type: 'text/plain; charset=utf-8', body, headers: {} });
}

export function answerEmpty(response: ServerResponse, status: number, headers: Headers = {}): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, { 'Cache-Control': 'no-store', ...headers });
  response.end();
}

/** Says no. A body that was not read to its end would be taken for the next request, so the connection closes then. */
export function answerRefusal(request: IncomingMessage, response: ServerResponse, refusal: HttpRefusal): void {
  const closing: Headers = request.complete ? {} : { Connection: 'close' };
  const { status, code, message, remedy, headers } = refusal;
  answerJson(response, status, { error: { code, message, remedy } }, { ...headers, ...closing });
}

function answerBytes(
  response: ServerResponse,
  { status, type, body, headers }: { status: number; type: string; body: string; headers: Headers },
): void {
  if (response.headersSent || response.destroyed) return;
  response.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...headers,
  });
  response.end(body);
}
