// Owns Git over HTTP(S): credentials, time limits, size limits, and redirects that stay on the same host.
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { withoutSecrets } from '../../base/without-secrets.ts';
import {
  answerTooLarge,
  credentialsRefused,
  hostFailed,
  rateLimited,
  repositoryNotFound,
  unreachable,
} from '../git-errors.ts';
import { withDeadline } from './deadline.ts';
import type { RemoteAddress } from './remote-address.ts';
import type { GitService, SmartSession, SmartTransport, TransportLimits } from './smart-transport.ts';

export type GitCredentials =
  | { readonly kind: 'basic'; readonly username: string; readonly password: string }
  | { readonly kind: 'bearer'; readonly token: string };

/** Asked before every session, so that short-lived app tokens can be renewed; undefined for none. */
export type CredentialSource = () => Promise<GitCredentials | undefined> | GitCredentials | undefined;

export interface HttpTransportOptions {
  readonly address: Extract<RemoteAddress, { kind: 'http' }>;
  readonly clock: Clock;
  readonly limits: TransportLimits;
  readonly credentials: CredentialSource | undefined;
  /** Permits credentials over plain HTTP to other machines. */
  readonly insecureHttp: boolean;
}

const MOST_REDIRECTS = 4;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

function authorization(credentials: GitCredentials): string {
  if (credentials.kind === 'bearer') return `Bearer ${credentials.token}`;
  return `Basic ${Buffer.from(`${credentials.username}:${credentials.password}`).toString('base64')}`;
}

function secretsOf(credentials: GitCredentials): readonly string[] {
  if (credentials.kind === 'bearer') return [credentials.token];
  return [credentials.password, `${credentials.username}:${credentials.password}`];
}

function networkDetail(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  const code = (cause as NodeJS.ErrnoException).code;
  return code ?? (cause instanceof Error ? cause.message : String(cause));
}

/** Where a redirect of `<base>/info/refs?…` leads, as a new base; only the same host, never back to plain HTTP. */
function redirectedBase(from: URL, location: string | null, shown: string): string {
  const to = location !== null && URL.canParse(location, from.href) ? new URL(location, from) : undefined;
  const upgraded = to?.protocol === 'https:' && from.protocol === 'http:' && to.hostname === from.hostname;
  if (to === undefined || !(to.origin === from.origin || upgraded) || !to.pathname.endsWith('/info/refs')) {
    throw new CodedError({
      code: 'GIT_REDIRECT_REFUSED',
      message: `${shown} redirects to ${to === undefined ? 'nowhere' : to.host}, which is another host or not a repository.`,
      remedy: 'Use the current address of the manifests repository.',
    });
  }
  return `${to.origin}${to.pathname.slice(0, -'/info/refs'.length)}`;
}

/** A host can't make us stay away for longer. */
const MOST_WAIT_MS = 60 * 60_000;
/** For a host that says "too often" and not for how long. */
const SOME_WAIT_MS = 60_000;

/** How long the host asks to be left alone; null when it asks nothing. Dates are meant by its own clock. */
function askedWaitMs({ status, headers }: Response): number | null {
  const hostMs = Date.parse(headers.get('date') ?? '');
  const after = headers.get('retry-after')?.trim() ?? '';
  const reset = headers.get('x-ratelimit-remaining') === '0' ? Number(headers.get('x-ratelimit-reset')) : Number.NaN;
  const waits = [
    /^\d{1,9}$/.test(after) ? Number(after) * 1000 : Date.parse(after) - hostMs,
    reset * 1000 - hostMs,
    status === 429 ? SOME_WAIT_MS : Number.NaN,
  ];
  const ms = waits.find((one) => one >= 0);
  return ms === undefined ? null : Math.min(ms, MOST_WAIT_MS);
}

/** Where the repository lies and what its host can do, as protocol 2 said once: later sessions need not ask again. */
interface Greeting {
  readonly base: string;
  readonly advertisement: Buffer;
}

export class HttpTransport implements SmartTransport {
  readonly shown: string;
  readonly #options: HttpTransportOptions;
  #greeting: Greeting | undefined;
  #secrets: readonly string[] = [];
  /** The host asked to be left alone until then, on the monotonic clock. */
  #notBeforeMs = 0;

  constructor(options: HttpTransportOptions) {
    this.shown = options.address.shown;
    this.#options = options;
  }

  quoted(text: string): string {
    return withoutSecrets(text, this.#secrets);
  }

  async open(service: GitService, signal: AbortSignal): Promise<SmartSession> {
    const { address, limits, clock } = this.#options;
    const leftMs = this.#notBeforeMs - clock.monotonicMs();
    if (leftMs > 0) throw rateLimited(this.shown, leftMs);
    const headers = await this.#headers(signal);
    if (service === 'git-upload-pack') {
      headers['git-protocol'] = 'version=2';
      if (this.#greeting !== undefined) return this.#session(this.#greeting, service, headers);
    }
    let base = address.base;
    for (let hops = 0; ; hops++) {
      const url = new URL(`${base}/info/refs?service=${service}`);
      const response = await this.#send(url, { method: 'GET', headers }, signal);
      if (REDIRECTS.has(response.status) && hops < MOST_REDIRECTS) {
        await response.body?.cancel();
        base = redirectedBase(url, response.headers.get('location'), this.shown);
        continue;
      }
      await this.#check(response, `application/x-${service}-advertisement`);
      const greeting = { base, advertisement: await this.#body(response, limits.advertisementBytes, signal) };
      const version2 = greeting.advertisement.subarray(0, 100).includes('version 2\n');
      if (service === 'git-upload-pack' && version2) this.#greeting = greeting;
      return this.#session(greeting, service, headers);
    }
  }

  #session(greeting: Greeting, service: GitService, headers: Record<string, string>): SmartSession {
    const types = { 'content-type': `application/x-${service}-request`, accept: `application/x-${service}-result` };
    const exchange = async (request: Buffer, signal: AbortSignal): Promise<Buffer> => {
      const post = { method: 'POST', headers: { ...headers, ...types }, body: new Uint8Array(request) };
      const response = await this.#send(new URL(`${greeting.base}/${service}`), post, signal);
      await this.#check(response, types.accept);
      return this.#body(response, this.#options.limits.answerBytes, signal);
    };
    return {
      advertisement: greeting.advertisement,
      exchange: async (request, signal) => {
        try {
          return await exchange(request, signal);
        } catch (error) {
          this.#greeting = undefined; // the repository may have moved: ask again
          throw error;
        }
      },
      [Symbol.asyncDispose]: async () => {},
    };
  }

  async #headers(signal: AbortSignal): Promise<Record<string, string>> {
    const { address, clock, credentials, insecureHttp, limits } = this.#options;
    const headers: Record<string, string> = { 'user-agent': 'git/2.0 (slipway)', 'cache-control': 'no-cache' };
    const what = `Credentials for ${this.shown}`;
    const given = await withDeadline({ clock, limitMs: limits.quietMs, signal, what }, async () => credentials?.());
    if (given === undefined) return headers;
    if (!address.secure && !address.loopback && !insecureHttp) {
      throw new CodedError({
        code: 'GIT_CREDENTIALS_INSECURE',
        message: `Credentials for ${this.shown} would be sent in clear text.`,
        remedy: 'Use https://, or allow plain HTTP in the settings if you trust the network.',
      });
    }
    headers.authorization = authorization(given);
    this.#secrets = secretsOf(given);
    return headers;
  }

  async #send(url: URL, request: RequestInit, signal: AbortSignal): Promise<Response> {
    const { clock, limits } = this.#options;
    try {
      return await withDeadline({ clock, limitMs: limits.quietMs, signal, what: this.shown }, (bounded) =>
        fetch(url, { ...request, redirect: 'manual', signal: bounded }),
      );
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw unreachable(this.shown, this.quoted(networkDetail(error)), error);
    }
  }

  async #check(response: Response, contentType: string): Promise<void> {
    const { status } = response;
    const right = response.headers.get('content-type')?.split(';')[0]?.trim() === contentType;
    if (status === 200 && right) return;
    await response.body?.cancel();
    const waitMs = status === 403 || status === 429 || status === 503 ? askedWaitMs(response) : null;
    if (waitMs !== null) {
      this.#notBeforeMs = this.#options.clock.monotonicMs() + waitMs;
      throw rateLimited(this.shown, waitMs);
    }
    // Azure DevOps answers 203 with a sign-in page where others say 401.
    if (status === 401 || status === 403 || status === 203) throw credentialsRefused(this.shown, status);
    if (REDIRECTS.has(status)) throw hostFailed(this.shown, 'it has moved meanwhile');
    if (status >= 500) throw hostFailed(this.shown, `HTTP status ${status}`);
    if (status === 200) throw repositoryNotFound(this.shown, 'the answer is not of the smart protocol');
    throw repositoryNotFound(this.shown, `HTTP status ${status}`);
  }

  async #body(response: Response, limitBytes: number, signal: AbortSignal): Promise<Buffer> {
    const { clock, limits } = this.#options;
    if (response.body === null) return Buffer.alloc(0);
    const reader = response.body.getReader();
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    try {
      for (;;) {
        const deadline = { clock, limitMs: limits.quietMs, signal, what: this.shown };
        const read = await withDeadline(deadline, () => reader.read());
        if (read.done) return Buffer.concat(chunks, bytes);
        bytes += read.value.length;
        if (bytes > limitBytes) throw answerTooLarge(this.shown, limitBytes);
        chunks.push(read.value);
      }
    } catch (error) {
      await reader.cancel().catch(() => {});
      if (error instanceof CodedError) throw error;
      throw unreachable(this.shown, `the answer broke off (${networkDetail(error)})`, error);
    }
  }
}
