// Owns what a route is: rooms hand them in, and the server knows none of them.
import type { FileHandle } from 'node:fs/promises';
import type { IncomingHttpHeaders } from 'node:http';
import type { TokenScope } from '../../contract/api-token.ts';
import type { ServiceError } from '../../contract/fleet-messages.ts';
import type { Bearer } from '../bearer-tokens.ts';

/**
 * Who may ask. `device`: whoever has a token or a device's key; the handler checks them in the message itself.
 * `git-host`: whoever signs webhooks with the hook secret. All others: the bearer of a token with this scope, or with `admin`.
 */
export type Scope = 'anyone' | 'device' | 'git-host' | TokenScope;

export interface RequestBody {
  /** `form`: what an HTML form sends, as an object of texts. `hashed` bodies are checked as they stream past, and never kept. The handler itself reads `streamed` ones, and bounds and charges them. */
  readonly kind: 'json' | 'form' | 'hashed' | 'streamed';
  readonly schema: string;
  readonly mostBytes: number;
}

export interface Route {
  /** Its name in metrics. */
  readonly name: string;
  /** HEAD is answered wherever GET is. */
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `{name}` stands for one segment; `{rest}`, at the end, for all that follows, as it was sent. */
  readonly path: string;
  readonly scope: Scope;
  readonly request: RequestBody | null;
  /** Name of the schema of a good answer; `text`, `page`, `file`, `bytes` and `events` are no JSON, and `nothing` is no body. */
  readonly response: string;
  /** What it does, in a sentence of the API's reference. */
  readonly summary?: string;
  /** Parameters of the query, each with its meaning. */
  readonly query?: Readonly<Record<string, string>>;
  /** A browser's session opens it too, from our own pages. It opens all that is GET anyway. */
  readonly bySession?: boolean;
  /** It answers when the caller's time is up: its times say nothing about the service. */
  readonly isLongPoll?: boolean;
  readonly handle: (asked: Asked) => Promise<Answer> | Answer;
}

export interface Asked {
  /** Parsed JSON; undefined without a body that is kept. */
  readonly body: unknown;
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** A streamed body as it comes, asked for once; it ends early when the sender is gone or too slow. */
  readonly openBody: () => AsyncIterable<Uint8Array>;
  /** Whose token or session it is; undefined where the scope needs none. */
  readonly bearer: Bearer | undefined;
  /** What limits count as one address. */
  readonly address: string;
  readonly connection: object;
  /** Aborted when the caller has gone, or has its answer. */
  readonly gone: AbortSignal;
}

export type Headers = Readonly<Record<string, string | number | string[]>>;

export interface ErrorAnswer {
  readonly kind: 'error';
  readonly status: number;
  readonly error: ServiceError;
  readonly headers: Headers;
}

/** Server-sent events to one reader. */
export interface EventStream {
  /** Writes a frame, which ends with an empty line. A reader that is far behind is cut instead. */
  readonly send: (frame: string) => void;
  /** Aborted when the stream is over. */
  readonly ended: AbortSignal;
}

/** A stream that lasts for as long as both sides stay; `serve` gets it once the caller has the head of the answer. */
export interface StreamAnswer {
  readonly kind: 'stream';
  readonly serve: (stream: EventStream) => void;
}

export type Answer =
  | { readonly kind: 'json'; readonly value: unknown; readonly status?: number; readonly headers?: Headers }
  /** Plain text unless `headers` have another Content-Type. */
  | { readonly kind: 'text'; readonly text: string | Uint8Array; readonly status?: number; readonly headers?: Headers }
  | { readonly kind: 'empty'; readonly status: number; readonly headers?: Headers }
  /** The bytes from `start` to `end`; the server closes the handle. */
  | {
      readonly kind: 'file';
      readonly status: 200 | 206;
      readonly headers: Headers;
      readonly handle: FileHandle;
      readonly start: number;
      readonly end: number;
    }
  | StreamAnswer
  | ErrorAnswer;
