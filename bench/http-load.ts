// Owns the clients of a load: bare keep-alive connections that send the next request when the answer is there, cheap enough not to be what is measured.
import { connect, type Socket } from 'node:net';

export interface LoadResult {
  readonly seconds: number;
  readonly answers: number;
  /** Answers by status. */
  readonly statuses: Record<string, number>;
  /** Reports that the service said it stored. */
  readonly accepted: number;
  /** Milliseconds from request to answer, sorted. */
  readonly latenciesMs: readonly number[];
}

export interface LoadTarget {
  readonly port: number;
  readonly path: string;
  readonly connections: number;
}

function requestBytes(path: string, body: string): Buffer {
  const head = `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n`;
  return Buffer.from(head + body);
}

interface Answer {
  readonly status: string;
  readonly body: string;
  readonly end: number;
}

/** The first whole answer in the bytes; both servers answer with Content-Length or chunks. */
function answerIn(bytes: Buffer): Answer | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd < 0) return undefined;
  const head = bytes.toString('latin1', 0, headEnd);
  const status = head.slice(9, 12);
  const length = /\r\ncontent-length: (\d+)/i.exec(head)?.[1];
  const from = headEnd + 4;
  if (length !== undefined) {
    const end = from + Number(length);
    return bytes.length < end ? undefined : { status, body: bytes.toString('utf8', from, end), end };
  }
  const last = bytes.indexOf('0\r\n\r\n', from);
  return last < 0 ? undefined : { status, body: bytes.toString('utf8', from, last), end: last + 5 };
}

/** Sends all bodies, over the given number of connections, each with one request under way. */
export async function sendAll(target: LoadTarget, bodies: readonly string[]): Promise<LoadResult> {
  const requests = bodies.map((body) => requestBytes(target.path, body));
  const statuses: Record<string, number> = {};
  const latenciesMs: number[] = [];
  let accepted = 0;
  let next = 0;
  const drive = (socket: Socket): Promise<void> =>
    new Promise((resolve, reject) => {
      let held: Buffer = Buffer.alloc(0);
      let sentAt = 0;
      const send = (): void => {
        const bytes = requests[next++];
        if (bytes === undefined) {
          socket.end();
          resolve();
          return;
        }
        sentAt = performance.now();
        socket.write(bytes);
      };
      socket.on('data', (chunk: Buffer) => {
        held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
        const answer = answerIn(held);
        if (answer === undefined) return;
        latenciesMs.push(performance.now() - sentAt);
        statuses[answer.status] = (statuses[answer.status] ?? 0) + 1;
        accepted += answer.body.split('"accepted"').length - 1;
        held = held.subarray(answer.end);
        send();
      });
      socket.once('error', reject);
      send();
    });
  const sockets = await Promise.all(
    Array.from(
      { length: target.connections },
      () =>
        new Promise<Socket>((resolve, reject) => {
          const socket = connect({ port: target.port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
          socket.once('error', reject);
        }),
    ),
  );
  const start = performance.now();
  await Promise.all(sockets.map(drive));
  const seconds = (performance.now() - start) / 1000;
  return {
    ...{ seconds, answers: latenciesMs.length, statuses, accepted },
    latenciesMs: latenciesMs.toSorted((a, b) => a - b),
  };
}
