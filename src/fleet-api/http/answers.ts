// Owns how answers look on the wire: JSON, text, files, and errors as code, message and remedy.
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { type CodedError, HTTP_STATUSES } from '../../base/errors.ts';
import type { ServiceError } from '../../contract/fleet-messages.ts';
import type { Answer, ErrorAnswer, Headers, StreamAnswer } from './route.ts';

export function errorAnswer(status: number, error: ServiceError, headers: Headers = {}): ErrorAnswer {
  return { kind: 'error', status, error, headers };
}

/** What a bug says stays in the log: it may hold more than a stranger should read. */
export function answerTo({ code, kind, message, remedy }: CodedError): ErrorAnswer {
  const status = HTTP_STATUSES[kind];
  if (kind === 'bug')
    return errorAnswer(status, { code: 'INTERNAL_ERROR', message: 'The service failed. Its log says why.' });
  const headers: Headers = kind === 'retry-later' ? { 'Retry-After': 5 } : {};
  return errorAnswer(status, { code, message, ...(remedy === undefined ? {} : { remedy }) }, headers);
}

/** The caller did nothing wrong but to come too early. */
export function tryLater(status: number, code: string, message: string, seconds: number): ErrorAnswer {
  const remedy = 'Ask again after the time in Retry-After.';
  return errorAnswer(status, { code, message, remedy }, { 'Retry-After': seconds });
}

/** Writes the answer, to a caller that may have gone. `linger` waits for one that is still sending. */
export async function writeAnswer(
  request: IncomingMessage,
  response: ServerResponse,
  answer: Exclude<Answer, StreamAnswer>,
  linger?: () => Promise<void>,
): Promise<void> {
  if (answer.kind === 'file') return writeFile(request, response, answer);
  if (response.destroyed) return;
  if (answer.kind === 'empty') {
    response.writeHead(answer.status, { 'Cache-Control': 'no-store', ...answer.headers }).end();
    return;
  }
  const isText = answer.kind === 'text';
  const body = isText ? answer.text : JSON.stringify(answer.kind === 'json' ? answer.value : { error: answer.error });
  response.writeHead(answer.status ?? 200, {
    'Content-Type': `${isText ? 'text/plain' : 'application/json'}; charset=utf-8`,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
    ...answer.headers,
    // A body that was not read to its end would be taken for the next request.
    ...(request.complete ? {} : { Connection: 'close' }),
  });
  if (linger !== undefined && !request.complete && !request.destroyed) {
    response.write(body);
    await linger();
    response.end();
  } else response.end(body);
}

async function writeFile(
  request: IncomingMessage,
  response: ServerResponse,
  { status, headers, handle, start, end }: Extract<Answer, { readonly kind: 'file' }>,
): Promise<void> {
  try {
    if (response.destroyed) return;
    response.writeHead(status, headers);
    if (request.method === 'HEAD' || end < start) response.end();
    else await pipeline(handle.createReadStream({ start, end, autoClose: false, highWaterMark: 262_144 }), response);
  } finally {
    await handle.close();
  }
}
