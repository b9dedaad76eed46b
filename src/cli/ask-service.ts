// Owns requests to a running service: JSON there and back, with its refusals as errors of the command line.

import { type BoundedAnswer, boundedRequest } from '../base/bounded-request.ts';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { isLoopbackHost } from '../base/loopback.ts';
import { withoutSecrets } from '../base/without-secrets.ts';
import type { ServiceError } from '../contract/fleet-messages.ts';
import { secretOf } from './settings.ts';

const LONGEST_MS = 15_000;

/** How a command reaches a service. */
export interface ServiceAccess {
  readonly server: string;
  readonly token: string | null;
  /** The token may go over plain HTTP to another machine. */
  readonly insecureHttp: boolean;
}

export interface ServiceQuestion {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly body?: unknown;
  /** Of the answer; 1 MiB unless given. */
  readonly mostBytes?: number;
  /** What the command does without a service: a remedy where none answers. */
  readonly otherwise?: string;
}

/** With the token of the environment; a service's own viewer token opens what it did before there were others. */
export function accessTo(server: string, insecureHttp = false): ServiceAccess {
  return { server, token: secretOf('SLIPWAY_TOKEN') ?? secretOf('SLIPWAY_VIEWER_TOKEN'), insecureHttp };
}

/** Throws SERVER_ADDRESS for what is no address of a service, and for plain HTTP to another machine. */
export function serviceUrl({ server, token, insecureHttp }: ServiceAccess, path: string): URL {
  const base = server.replace(/\/+$/, '');
  const url = /^https?:\/\//.test(base) && URL.canParse(base + path) ? new URL(base + path) : undefined;
  if (url === undefined || url.username !== '' || url.password !== '')
    throw new CodedError({
      code: 'SERVER_ADDRESS',
      message:
        url === undefined
          ? `${JSON.stringify(server)} is not the address of a service.`
          : 'The address of the service holds a password.',
      remedy: 'Write it like https://slipway.example.com.',
    });
  if (url.protocol === 'https:' || token === null || insecureHttp || isLoopbackHost(url.hostname)) return url;
  throw new CodedError({
    code: 'SERVER_ADDRESS',
    message: `The token would go to ${url.host} over plain HTTP.`,
    remedy: 'Use https://, or pass --insecure-http if you trust the network.',
  });
}

/** No service answers, or something else does. */
export function unreachable(server: string, reason: string, otherwise = ''): CodedError {
  return new CodedError({
    code: 'SERVER_UNREACHABLE',
    kind: 'retry-later',
    message: `${server} does not answer as a Slipway service does: ${reason}.`,
    remedy: `Check the address, and that \`slipway run\` is running there. ${otherwise}`.trimEnd(),
  });
}

const SET_TOKEN = 'Commands take it from SLIPWAY_TOKEN or SLIPWAY_TOKEN_FILE.';

const MOST_CHARACTERS = 500;

/** The error that the answer holds, without the token: whatever answers there may repeat what it was sent. */
function findError(body: Buffer, secrets: readonly string[]): ServiceError | undefined {
  const text = (value: unknown): string => withoutSecrets(String(value), secrets).slice(0, MOST_CHARACTERS);
  try {
    const { error } = JSON.parse(body.toString('utf8')) as { readonly error: Partial<ServiceError> };
    const { code, message, remedy } = error;
    if (typeof code !== 'string' || !/^[A-Z][A-Z0-9_]{2,59}$/.test(code)) return undefined;
    return { code, message: text(message), ...(remedy === undefined ? {} : { remedy: text(remedy) }) };
  } catch {
    return undefined;
  }
}

/** What the service says in its answer, as the error of a command. */
function refusal(
  origin: string,
  { status, body }: BoundedAnswer,
  { token, otherwise }: { readonly token: string | null; readonly otherwise: string | undefined },
): CodedError {
  const said = findError(body, token === null ? [] : [token]);
  if (said === undefined) return unreachable(origin, `HTTP ${status}`, otherwise);
  if (status === 401 || status === 403)
    return new CodedError({
      code: 'SERVER_CREDENTIALS',
      message: token === null ? `${origin} requires a token.` : `${origin} refuses the token: ${said.message}`,
      remedy: `${said.remedy ?? ''} ${SET_TOKEN}`.trimStart(),
    });
  const kind = status === 429 || status >= 500 ? 'retry-later' : 'fix-input';
  const { code, message, remedy } = said;
  return new CodedError({ code, kind, message, ...(remedy === undefined ? {} : { remedy }) });
}

/** The service's answer to a question that it accepts. Throws SERVER_… or the service's own error. */
export async function askService(
  { method, path, body, mostBytes, otherwise }: ServiceQuestion,
  access: ServiceAccess,
  clock: Clock,
): Promise<unknown> {
  const url = serviceUrl(access, path);
  const { token } = access;
  if (token !== null && !/^[\x21-\x7e]{1,512}$/.test(token))
    throw new CodedError({
      code: 'SERVER_CREDENTIALS',
      message: 'The token has characters that no token has, or is too long.',
      remedy: `Check that nothing but the token is there. ${SET_TOKEN}`,
    });
  const outcome = await boundedRequest(
    {
      ...{ url: url.href, method, timeoutMs: LONGEST_MS, signal: new AbortController().signal },
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === null ? {} : { authorization: `Bearer ${token}` }),
      },
      body: body === undefined ? null : JSON.stringify(body),
    },
    clock,
    mostBytes,
  );
  if (outcome.kind === 'failed') throw unreachable(url.origin, outcome.reason, otherwise);
  const answer = outcome.value;
  if (answer.status < 200 || answer.status >= 300) throw refusal(url.origin, answer, { token, otherwise });
  try {
    return JSON.parse(answer.body.toString('utf8'));
  } catch {
    throw unreachable(url.origin, 'its answer is not JSON', otherwise);
  }
}
