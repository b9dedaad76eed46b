// Owns a small smart-HTTP server for the demo and tests: the bare repositories of a folder, by `git http-backend`, on loopback.
import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, timingSafeEqual } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CodedError } from '../../base/errors.ts';
import { type Environment, gitEnvironment } from '../../git/wire/process-transport.ts';
import type { GitService } from '../../git/wire/smart-transport.ts';

export interface GitHttpRequest {
  readonly method: string;
  readonly path: string;
  readonly service: GitService | undefined;
  /** Listing refs, or the exchange that fetches or pushes. */
  readonly step: 'advertise' | 'exchange';
  /** The caller's `User-Agent`. */
  readonly agent: string;
}

/** What goes wrong with one request, for tests. */
export type GitHttpFault =
  | { readonly kind: 'status'; readonly status: number; readonly headers?: Readonly<Record<string, string>> }
  /** Takes the request and never answers. */
  | { readonly kind: 'hang' }
  /** Git does its work, then the connection breaks instead of answering. */
  | { readonly kind: 'drop-answer' }
  /** The answer ends, as if complete, after so many bytes. */
  | { readonly kind: 'truncate'; readonly afterBytes: number };

export interface GitHttpServerOptions {
  readonly root: string;
  readonly credentials?: { readonly username: string; readonly password: string } | undefined;
  /** For git: PATH. */
  readonly environment?: Environment | undefined;
  readonly port?: number | undefined;
  /** Called (and awaited) for each request before git sees it. */
  readonly onRequest?:
    | ((request: GitHttpRequest) => GitHttpFault | undefined | Promise<GitHttpFault | undefined>)
    | undefined;
  /** Called after each answer of git's, with the bytes of its body. */
  readonly onAnswer?: ((request: GitHttpRequest, bytes: number) => void) | undefined;
  /** 0 makes it a host that does not speak protocol 2. */
  readonly protocol?: 0 | 2 | undefined;
}

export interface GitHttpServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`; a repository is `<url>/<folder>`. */
  readonly url: string;
  close(): Promise<void>;
}

const HEAD_BYTES = 64 * 1024;

function sameText(left: string, right: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(left), digest(right));
}

function describe(request: IncomingMessage, url: URL): GitHttpRequest {
  const last = url.pathname.split('/').at(-1);
  const advertise = url.pathname.endsWith('/info/refs');
  const named = advertise ? url.searchParams.get('service') : last;
  const service = named === 'git-upload-pack' || named === 'git-receive-pack' ? named : undefined;
  const agent = request.headers['user-agent'] ?? '';
  return {
    method: request.method ?? '',
    path: url.pathname,
    service,
    step: advertise ? 'advertise' : 'exchange',
    agent,
  };
}

function startBackend(options: GitHttpServerOptions, request: IncomingMessage, url: URL): ChildProcess {
  const header = (name: string): string => String(request.headers[name] ?? '');
  const given: Record<string, string | undefined> = {
    ...gitEnvironment(options.environment ?? {}, { 'http.receivepack': 'true', 'safe.directory': '*' }),
    GIT_PROJECT_ROOT: options.root,
    GIT_HTTP_EXPORT_ALL: '1',
    PATH_INFO: decodeURIComponent(url.pathname),
    QUERY_STRING: url.search.slice(1),
    REQUEST_METHOD: request.method,
    CONTENT_TYPE: header('content-type'),
    REMOTE_USER: options.credentials?.username ?? 'anonymous',
    REMOTE_ADDR: '127.0.0.1',
  };
  if (request.headers['content-length'] !== undefined) given.CONTENT_LENGTH = header('content-length');
  if (request.headers['content-encoding'] !== undefined) given.HTTP_CONTENT_ENCODING = header('content-encoding');
  if (request.headers['git-protocol'] !== undefined && options.protocol !== 0)
    given.GIT_PROTOCOL = header('git-protocol');
  return spawn('git', ['http-backend'], { env: given, stdio: ['pipe', 'pipe', 'ignore'] });
}

interface BackendAnswer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: Buffer;
}

function parseCgi(output: Buffer): BackendAnswer {
  const split = output.subarray(0, HEAD_BYTES).indexOf('\r\n\r\n');
  if (split < 0) return { status: 502, headers: {}, body: Buffer.alloc(0) };
  let status = 200;
  const headers: Record<string, string> = {};
  for (const line of output.toString('latin1', 0, split).split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'status') status = Number.parseInt(value, 10);
    else headers[name] = value;
  }
  return { status, headers, body: output.subarray(split + 4) };
}

async function runBackend(
  options: GitHttpServerOptions,
  request: IncomingMessage,
  url: URL,
  children: Set<ChildProcess>,
): Promise<BackendAnswer> {
  const child = startBackend(options, request, url);
  children.add(child);
  const chunks: Buffer[] = [];
  child.stdin?.on('error', () => {});
  child.stdout?.on('data', (chunk: Buffer) => chunks.push(chunk));
  if (child.stdin !== null) request.pipe(child.stdin);
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', () => {
      children.delete(child);
      resolve(parseCgi(Buffer.concat(chunks)));
    });
  });
}

async function answer(
  options: GitHttpServerOptions,
  request: IncomingMessage,
  response: ServerResponse,
  children: Set<ChildProcess>,
): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://loopback');
  const described = describe(request, url);
  const fault = await options.onRequest?.(described);
  if (fault?.kind === 'hang') return;
  if (fault?.kind === 'status') {
    request.resume();
    response.writeHead(fault.status, fault.headers ?? {}).end();
    return;
  }
  if (options.credentials !== undefined) {
    const wanted = `Basic ${Buffer.from(`${options.credentials.username}:${options.credentials.password}`).toString('base64')}`;
    if (!sameText(request.headers.authorization ?? '', wanted)) {
      request.resume();
      response.writeHead(401, { 'www-authenticate': 'Basic realm="git"' }).end();
      return;
    }
  }
  const { status, headers, body } = await runBackend(options, request, url, children);
  options.onAnswer?.(described, body.length);
  if (fault?.kind === 'drop-answer') {
    response.socket?.destroy();
    return;
  }
  const sent = fault?.kind === 'truncate' ? body.subarray(0, fault.afterBytes) : body;
  response.writeHead(status, { ...headers, 'content-length': String(sent.length) }).end(sent);
}

/** Starts the server on 127.0.0.1. Throws GIT_SERVER_START when the port is taken. */
export async function startGitHttpServer(options: GitHttpServerOptions): Promise<GitHttpServer> {
  const children = new Set<ChildProcess>();
  const server = http.createServer((request, response) => {
    answer(options, request, response, children).catch(() => response.socket?.destroy());
  });
  // A kept connection that ends while the next request is on its way would look like a fault.
  server.keepAliveTimeout = 120_000;
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause) => {
      const message = `The Git server can't listen on port ${options.port ?? 0}: ${cause.message}.`;
      reject(new CodedError({ code: 'GIT_SERVER_START', message, remedy: 'Choose another port.', cause }));
    });
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const close = async (): Promise<void> => {
    for (const child of children) child.kill('SIGKILL');
    server.closeAllConnections();
    if (server.listening) await new Promise((resolve) => server.close(resolve));
  };
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
}
