// Owns reading request bodies: bounded in size, and refused unread when their header announces too much.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { isDeeperThan } from '../../base/json-depth.ts';
import { errorAnswer } from './answers.ts';
import type { ErrorAnswer } from './route.ts';

/** Far above what any message needs; a parser takes seconds of a core for megabytes of brackets. */
const DEEPEST = 16;

export function bodyEncodingProblem({ 'content-encoding': encoding }: IncomingHttpHeaders): ErrorAnswer | undefined {
  if (encoding === undefined || encoding === 'identity') return undefined;
  return errorAnswer(415, { code: 'HTTP_BODY_ENCODING', message: 'The service reads no compressed bodies.' });
}

/** The body's chunks as they come; they end early when the sender is gone. */
export async function* bodyChunks(request: IncomingMessage): AsyncIterable<Buffer> {
  try {
    // Left early, it must not destroy the socket before the answer is sent.
    yield* request.iterator({ destroyOnReturn: false });
  } catch (error) {
    if (!request.destroyed) throw error;
  }
}

/** Hands the body's chunks on as they come. Gives an answer when it can't be read. */
export async function streamBody(
  request: IncomingMessage,
  mostBytes: number,
  take: (chunk: Buffer) => void,
): Promise<ErrorAnswer | undefined> {
  const message = `The body exceeds ${mostBytes} bytes.`;
  const tooLarge = errorAnswer(413, { code: 'HTTP_BODY_SIZE', message, remedy: 'Send less at once.' });
  const encoded = bodyEncodingProblem(request.headers);
  if (encoded !== undefined) return encoded;
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) return tooLarge;
  let length = 0;
  // Not `for await`: leaving that loop early destroys the socket before the answer could be sent.
  return new Promise((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= mostBytes) return take(chunk);
      request.pause();
      resolve(tooLarge);
    });
    request.once('end', () => resolve(undefined));
    request.once('close', () => {
      if (!request.complete) resolve(errorAnswer(400, { code: 'HTTP_BODY_CUT', message: 'The body ended early.' }));
    });
    request.once('error', reject);
  });
}

type ReadBody = { readonly kind: 'read'; readonly value: unknown } | ErrorAnswer;

async function readBytes(request: IncomingMessage, mostBytes: number): Promise<Buffer | ErrorAnswer> {
  const chunks: Buffer[] = [];
  const problem = await streamBody(request, mostBytes, (chunk) => chunks.push(chunk));
  return problem ?? Buffer.concat(chunks);
}

const MOST_FIELDS = 100;

/** The fields of an HTML form; of a name that comes twice the first. */
export async function readForm(request: IncomingMessage, mostBytes: number): Promise<ReadBody> {
  const bytes = await readBytes(request, mostBytes);
  if (!Buffer.isBuffer(bytes)) return bytes;
  const isForm = /^application\/x-www-form-urlencoded\s*(;|$)/i.test(request.headers['content-type'] ?? '');
  if (!isForm) return errorAnswer(415, { code: 'HTTP_BODY_FORM', message: 'The body is not that of an HTML form.' });
  const fields = [...new URLSearchParams(bytes.toString('utf8'))].slice(0, MOST_FIELDS).reverse();
  return { kind: 'read', value: Object.assign(Object.create(null), Object.fromEntries(fields)) };
}

/** The body as parsed JSON. */
export async function readJson(request: IncomingMessage, mostBytes: number): Promise<ReadBody> {
  const bytes = await readBytes(request, mostBytes);
  if (!Buffer.isBuffer(bytes)) return bytes;
  if (isDeeperThan(DEEPEST, bytes))
    return errorAnswer(400, { code: 'HTTP_BODY_DEPTH', message: `The body is nested deeper than ${DEEPEST} levels.` });
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return { kind: 'read', value: JSON.parse(text) };
  } catch {
    return errorAnswer(400, { code: 'HTTP_BODY_JSON', message: 'The body is not JSON in UTF-8.' });
  }
}
