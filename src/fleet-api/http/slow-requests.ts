// Owns ending requests whose body comes too slowly: a caller that drips bytes holds no connection, and a long upload that goes on is let be.
import type { IncomingMessage } from 'node:http';
import type { Clock } from '../../base/clock.ts';

const SWEEP_MS = 1_000;
/** A whole body, or the next piece of a streamed one. */
const BODY_MS = 30_000;
const LEAST_PIECE_BYTES = 32 * 1024;
const STREAM_MS = 6 * 3_600_000;

interface Expected {
  readonly startMs: number;
  /** Bytes of the connection at the last look at a streamed body; null for a body that is read as a whole. */
  pieceFrom: number | null;
  lookAtMs: number;
}

export class SlowRequests {
  readonly #clock: Clock;
  readonly #expected = new Map<IncomingMessage, Expected>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The body is read as a whole, or not at all. */
  expectBody(request: IncomingMessage): void {
    this.#expect(request, null);
  }

  /** The body is read from now on, as it comes. */
  expectStream(request: IncomingMessage): void {
    this.#expect(request, request.socket.bytesRead);
  }

  /** Has come, or will not: forgets the request. */
  forget(request: IncomingMessage): void {
    this.#expected.delete(request);
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#sweep(this.#clock.monotonicMs());
      await this.#clock.sleep(SWEEP_MS, signal);
    }
  }

  #expect(request: IncomingMessage, pieceFrom: number | null): void {
    const startMs = this.#clock.monotonicMs();
    this.#expected.set(request, { startMs, pieceFrom, lookAtMs: startMs + BODY_MS });
  }

  #sweep(nowMs: number): void {
    for (const [request, expected] of this.#expected) {
      if (request.complete || request.destroyed) this.#expected.delete(request);
      else if (nowMs >= expected.lookAtMs && !goesOn(request, expected, nowMs)) {
        this.#expected.delete(request);
        cut(request);
      }
    }
  }
}

/** Bytes that wait to be read are a delay of the service, not of the caller. */
function goesOn(request: IncomingMessage, expected: Expected, nowMs: number): boolean {
  const { pieceFrom, startMs } = expected;
  if (pieceFrom === null || nowMs - startMs > STREAM_MS) return false;
  const { bytesRead } = request.socket;
  expected.pieceFrom = bytesRead;
  expected.lookAtMs = nowMs + BODY_MS;
  return bytesRead - pieceFrom >= LEAST_PIECE_BYTES || request.readableLength > 0;
}

function cut(request: IncomingMessage): void {
  request.socket.write('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
  request.socket.destroySoon();
}
