// Owns one request to the API of a Git host: JSON both ways, and what the host's answer means for a job that waits for it.
import { type BoundedAnswer, boundedRequest } from '../../base/bounded-request.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { isLoopbackHost } from '../../base/loopback.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import { withoutSecrets } from '../../base/without-secrets.ts';
import type { HostAnswer, PullRequest } from './pull-request-host.ts';

export interface HostAccess {
  /** `GitHub`, for errors. */
  readonly name: string;
  readonly apiUrl: string;
  readonly headers: Readonly<Record<string, string>>;
  /** Kept out of every error. */
  readonly token: string;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** What the token must be allowed, in a sentence. */
  readonly tokenRemedy: string;
}

const TIMEOUT_MS = 20_000;
const MOST_QUOTED = 200;

/** Throws HOST_ADDRESS for an API that is no address, or would get the token over plain HTTP. */
export function checkApiUrl(variable: string, text: string, insecureHttp: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isPlain = url?.protocol === 'http:';
  if (url !== undefined && (url.protocol === 'https:' || isPlain) && url.username === '' && url.password === '') {
    if (!isPlain || insecureHttp || isLoopbackHost(url.hostname)) return text.replace(/\/+$/, '');
    throw new CodedError({
      code: 'HOST_ADDRESS',
      message: `The token would go to ${url.host} over plain HTTP.`,
      remedy: `Set ${variable} to an https:// address, or pass --insecure-http if you trust the network.`,
    });
  }
  throw new CodedError({
    code: 'HOST_ADDRESS',
    message: `${variable} is not the address of an API.`,
    remedy: 'Write it like https://api.github.com or https://gitlab.example.org/api/v4.',
  });
}

/** `body: null` asks by GET. `read` gives null for JSON that is not as expected. */
export async function askHost<T>(
  access: HostAccess,
  { path, body }: { readonly path: string; readonly body: object | null },
  read: (json: unknown) => { readonly value: T } | null,
): Promise<HostAnswer<T>> {
  const { clock, signal, apiUrl, headers } = access;
  const json = body === null ? {} : { 'content-type': 'application/json' };
  const text = body === null ? null : JSON.stringify(body);
  const asked = { url: apiUrl + path, headers: { ...headers, ...json }, body: text, timeoutMs: TIMEOUT_MS, signal };
  const outcome = await boundedRequest(asked, clock);
  if (outcome.kind === 'failed') {
    const error = hostError(access, 'HOST_UNREACHABLE', outcome.reason, 'Run the same command again later.', true);
    return outcome.isFinal ? notTheHost(access, outcome.reason) : { kind: 'later', error, afterMs: null };
  }
  return judge(access, outcome.value, read);
}

function judge<T>(
  access: HostAccess,
  answer: BoundedAnswer,
  read: (json: unknown) => { readonly value: T } | null,
): HostAnswer<T> {
  const { status } = answer;
  const json = jsonOf(answer.body);
  if (status === 200 || status === 201) {
    const value = read(json);
    return value === null
      ? notTheHost(access, 'its answer is not what its API promises')
      : { kind: 'answer', ...value };
  }
  const said = quoted(access, json);
  const waitMs = askedWaitMs(answer, access.clock.now());
  if (status === 429 || (status === 403 && waitMs !== null)) {
    const wait = 'Run the same command again later; the pull request is the only step that is left.';
    const error = hostError(access, 'HOST_RATE_LIMITED', `it limits how often it may be asked${said}`, wait, true);
    return { kind: 'later', error, afterMs: waitMs };
  }
  if (status >= 500) {
    const again = 'Run the same command again later.';
    const error = hostError(access, 'HOST_FAILED', `it failed (HTTP ${status})${said}`, again, true);
    return { kind: 'later', error, afterMs: waitMs };
  }
  const problem = `it answers HTTP ${status}${said}`;
  if (status === 409 || (status === 422 && /already exists/i.test(JSON.stringify(json)))) {
    const look = 'Look for a pull request of this branch that is hidden from the token.';
    return { kind: 'exists', error: hostError(access, 'HOST_REFUSED', problem, look, true) };
  }
  const isToken = status === 401 || status === 403 || status === 404;
  const code = isToken ? 'HOST_CREDENTIALS' : 'HOST_REFUSED';
  const remedy = isToken ? access.tokenRemedy : 'Open the pull request by hand; the branch is pushed.';
  return { kind: 'refused', error: hostError(access, code, problem, remedy, false) };
}

/** A captive portal or a proxy: another try would bring the same page. */
function notTheHost<T>(access: HostAccess, reason: string): HostAnswer<T> {
  const remedy = 'Check its address, and whether a proxy or a login page answers in its place.';
  return { kind: 'refused', error: hostError(access, 'HOST_ANSWER', reason, remedy, false) };
}

function hostError(
  { name, apiUrl }: HostAccess,
  code: string,
  problem: string,
  remedy: string,
  mayPass: boolean,
): CodedError {
  const message = `The pull request could not be opened: ${name} at ${new URL(apiUrl).host}: ${problem}.`;
  return new CodedError({ code, message, remedy, kind: mayPass ? 'retry-later' : 'fix-input' });
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}

/** The host's own words: `message`, as both hosts have it, with details where there are some. */
function quoted({ token }: HostAccess, json: unknown): string {
  const { message, errors } = Object(json) as { readonly message?: unknown; readonly errors?: unknown };
  const parts = [message, ...(Array.isArray(errors) ? errors.map((one) => Object(one).message) : [])].flat();
  const words = parts.filter((one) => typeof one === 'string').join('; ');
  return words === '' ? '' : `: "${clipped(oneLine(withoutSecrets(words, [token])), MOST_QUOTED)}"`;
}

/** Null where the host asks nothing. */
function askedWaitMs({ headers }: BoundedAnswer, nowMs: number): number | null {
  const after = headers.get('retry-after')?.trim() ?? '';
  if (/^\d{1,9}$/.test(after)) return Number(after) * 1000;
  const isSpent = headers.get('x-ratelimit-remaining') === '0';
  const reset = Number(isSpent ? headers.get('x-ratelimit-reset') : Number.NaN) * 1000;
  return Number.isFinite(reset) ? Math.max(0, reset - nowMs) : null;
}

/** A number and a page, by the names that the host gives them. */
export function pullRequestOf(
  json: unknown,
  names: { readonly number: string; readonly url: string },
): PullRequest | null {
  const fields = Object(json) as Readonly<Record<string, unknown>>;
  const [number, url] = [fields[names.number], fields[names.url]];
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || typeof url !== 'string') return null;
  return url.length <= 2000 && /^https?:\/\/\S+$/.test(url) && URL.canParse(url) ? { number, url } : null;
}
