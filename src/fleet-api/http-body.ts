// Owns reading request bodies: bounded in size, refused before they are read where they say themselves that they are too long.
import type { IncomingMessage } from 'node:http';
import { HttpRefusal } from './http-answers.ts';

function tooLarge(mostBytes: number): HttpRefusal {
  return new HttpRefusal({
    status: 413,
    code: 'HTTP_BODY_SIZE',
    message: `The body exceeds ${mostBytes} bytes.`,
    remedy: 'Send less at once.',
  });
}

/** Hands the body's chunks on as they come. Throws HttpRefusal 413 or 415. */
export async function streamBody(
  request: IncomingMessage,
  mostBytes: number,
  take: (chunk: Buffer) => void,
): Promise<void> {
  const encoding = request.headers['content-encoding'];
  if (encoding !== undefined && encoding !== 'identity') {
    throw new HttpRefusal({ status: 415, code: 'HTTP_BODY_ENCODING', message: 'Compressed bodies are not read.' });
  }
  if (Number(request.headers['content-length'] ?? 0) > mostBytes) throw tooLarge(mostBytes);
  let length = 0;
  // Not `for await`: leaving that loop early destroys the socket before the refusal could be sent.
  await new Promise<void>((resolve, reject) => {
    request.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= mostBytes) return take(chunk);
      request.pause();
      reject(tooLarge(mostBytes));
    });
    request.once('end', resolve);
    request.once('close', () => {
      if (!request.complete)
        reject(new HttpRefusal({ status: 400, code: 'HTTP_BODY_CUT', message: 'The body ended early.' }));
    });
    request.once('error', reject);
  });
}

/** The body as parsed JSON. Throws HttpRefusal 400, 413 or 415. */
export async function readJson(request: IncomingMessage, mostBytes: number): Promise<unknown> {
  const chunks: Buffer[] = [];
  await streamBody(request, mostBytes, (chunk) => chunks.push(chunk));
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw new HttpRefusal({ status: 400, code: 'HTTP_BODY_JSON', message: 'The body is not JSON in UTF-8.' });
  }
}
