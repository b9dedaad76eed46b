// Owns the open event streams of the server: how many there are, that each is heard to live, and that none outlives its reader, its right or the server.
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import type { Gauge } from '../../base/metrics.ts';
import { tryLater } from './answers.ts';
import type { ErrorAnswer, EventStream } from './route.ts';

const MOST_STREAMS = 1_000;
/** Proxies and browsers give up on a connection that says nothing. */
const HEARTBEAT_MS = 15_000;
const HEARTBEAT = ':\n\n';
/** How soon a reader comes back. */
const HELLO = 'retry: 2000\n\n';
/** A reader that is so far behind takes nothing: it is cut, comes back and reads anew. */
const MOST_BEHIND_BYTES = 65_536;

export interface StreamCaller {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly address: string;
  /** May it still read? A token that is revoked ends its streams. */
  readonly isAllowed: () => Promise<boolean>;
}

interface Open {
  readonly caller: StreamCaller;
  readonly ended: AbortController;
  /** What this turn of the event loop said so far. */
  unsent: string;
}

export class EventStreams {
  readonly #clock: Clock;
  readonly #gauge: Gauge;
  readonly #open = new Set<Open>();
  readonly #byAddress = new Map<string, number>();
  readonly #mostPerAddress: number;
  #isStopped = false;

  constructor(clock: Clock, gauge: Gauge, mostPerAddress: number) {
    this.#mostPerAddress = mostPerAddress;
    this.#clock = clock;
    this.#gauge = gauge;
    gauge.set(0);
  }

  /** Answers the caller with a stream, which lasts after this returns; or says why not. */
  open(caller: StreamCaller, serve: (stream: EventStream) => void): ErrorAnswer | undefined {
    const { request, response, address } = caller;
    const ofAddress = this.#byAddress.get(address) ?? 0;
    if (this.#isStopped || this.#open.size >= MOST_STREAMS || ofAddress >= this.#mostPerAddress)
      return tryLater(503, 'HTTP_TOO_MANY_STREAMS', 'Too many event streams are open.', 30);
    if (response.destroyed) return undefined;
    response.writeHead(200, {
      'Content-Type': 'text/event-stream; charset=utf-8',
      'Cache-Control': 'no-store',
      'X-Content-Type-Options': 'nosniff',
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return undefined;
    }
    const one: Open = { caller, ended: new AbortController(), unsent: '' };
    this.#open.add(one);
    this.#byAddress.set(address, ofAddress + 1);
    this.#gauge.set(this.#open.size);
    response.once('close', () => this.#close(one));
    send(one, HELLO);
    serve({ send: (frame) => send(one, frame), ended: one.ended.signal });
    return undefined;
  }

  /** Says to every reader, now and then, that the stream lives. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#clock.sleep(HEARTBEAT_MS, signal);
      for (const one of [...this.#open]) await this.#beat(one);
    }
  }

  /** Ends all of them; later ones are turned away. */
  stop(): void {
    this.#isStopped = true;
    for (const { caller } of this.#open) caller.response.end();
  }

  async #beat(one: Open): Promise<void> {
    // What can't be looked up now ends nothing.
    const isAllowed = await one.caller.isAllowed().catch(() => true);
    if (isAllowed) send(one, HEARTBEAT);
    else one.caller.response.end();
  }

  #close(one: Open): void {
    if (!this.#open.delete(one)) return;
    const { address } = one.caller;
    const left = (this.#byAddress.get(address) ?? 1) - 1;
    if (left > 0) this.#byAddress.set(address, left);
    else this.#byAddress.delete(address);
    this.#gauge.set(this.#open.size);
    one.ended.abort();
  }
}

/** What one turn says goes out in one piece: only what is left of earlier turns tells that the reader is behind. */
function send(one: Open, frame: string): void {
  if (one.unsent === '') queueMicrotask(() => flush(one));
  one.unsent += frame;
}

function flush(one: Open): void {
  const { caller, ended, unsent } = one;
  const { response } = caller;
  one.unsent = '';
  if (ended.signal.aborted || response.writableEnded) return;
  if (response.writableLength > MOST_BEHIND_BYTES) response.destroy();
  else response.write(unsent);
}
