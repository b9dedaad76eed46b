// Owns the routes by which browsers log in and out.

import { toIsoSeconds } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { allowsScope, type TokenScope } from '../../contract/api-token.ts';
import type { ServiceError } from '../../contract/fleet-messages.ts';
import type { Bearer, BearerTokens, Bearing } from '../bearer-tokens.ts';
import { isFromOwnPage, NOT_OWN_PAGE, type OwnSite, plainHttpProblem, safeNext } from '../own-site.ts';
import type { Sessions } from '../sessions.ts';
import type { Answer, Asked, Headers, Route } from './route.ts';

/** What the page of the login shows. */
export interface LoginView {
  /** Where to go on afterwards: a path of this site. */
  readonly next: string;
  readonly problem: ServiceError | null;
  /** Who is logged in already. */
  readonly person: { readonly name: string; readonly scopes: readonly TokenScope[] } | null;
  /** Host of the identity provider; null without one. */
  readonly provider: string | null;
}

export interface LoginRouteParts {
  readonly bearers: BearerTokens;
  readonly sessions: Sessions;
  readonly site: OwnSite;
  readonly logger: Logger;
  /** The page as an answer. */
  readonly showPage: (view: LoginView, status: number, headers: Headers) => Answer | Promise<Answer>;
  /** Host of the identity provider; null without one. */
  readonly provider: string | null;
}

type Form = Readonly<Record<string, string | undefined>>;

export function loginRoutes(parts: LoginRouteParts): Route[] {
  return [
    {
      ...{ name: 'login-page', method: 'GET', path: '/login', scope: 'anyone', request: null, response: 'page' },
      handle: (asked) => showLogin(parts, asked, plainHttpProblem(parts.site, asked)),
    },
    {
      ...{ name: 'login', method: 'POST', path: '/login', scope: 'anyone', response: 'page' },
      request: { kind: 'form', schema: 'LoginForm', mostBytes: 8_192 },
      handle: (asked) => logIn(parts, asked),
    },
    {
      ...{ name: 'logout', method: 'POST', path: '/logout', scope: 'anyone', response: 'page' },
      request: { kind: 'form', schema: 'nothing', mostBytes: 8_192 },
      handle: (asked) => logOut(parts, asked),
    },
  ];
}

/** The page, with what went wrong. */
export async function showLogin(
  { sessions, showPage, provider }: Pick<LoginRouteParts, 'sessions' | 'showPage' | 'provider'>,
  asked: Asked,
  problem: ServiceError | null,
  {
    status = problem === null ? 200 : 400,
    next = asked.query.get('next') ?? undefined,
    headers = {},
  }: {
    readonly status?: number;
    readonly next?: string | undefined;
    readonly headers?: Headers;
  } = {},
): Promise<Answer> {
  const person = (await sessions.identify(asked)) ?? null;
  return showPage({ next: safeNext(next), problem, person, provider }, status, headers);
}

async function logIn(parts: LoginRouteParts, asked: Asked): Promise<Answer> {
  const { bearers, sessions, site, logger } = parts;
  const { token = '', next } = asked.body as Form;
  const refuse = (status: number, problem: ServiceError, headers = {}): Promise<Answer> =>
    showLogin(parts, asked, problem, { status, next, headers });
  // Another site must not log a browser in as somebody else either.
  if (!isFromOwnPage(site, asked)) return refuse(403, NOT_OWN_PAGE);
  const plain = plainHttpProblem(site, asked);
  if (plain !== null) return refuse(403, plain);
  const presented = token.trim();
  const bearing: Bearing = /^[\x21-\x7e]{1,512}$/.test(presented)
    ? await bearers.identify(presented, asked.address)
    : { kind: 'unknown' };
  if (bearing.kind !== 'bearer') {
    const { status, problem, headers } = refusalOf(bearing);
    return refuse(status, problem, headers);
  }
  const { bearer } = bearing;
  if (!allowsScope(bearer.scopes, 'view')) return refuse(403, scopeMissing(bearer));
  const cookie = await sessions.beginForToken(presented, bearer, asked);
  logger.info('a browser logged in', {
    by: bearer.id,
    name: bearer.name,
    scopes: bearer.scopes,
    address: asked.address,
  });
  return goOn(safeNext(next), cookie);
}

export function goOn(to: string, ...cookies: string[]): Answer {
  return { kind: 'empty', status: 303, headers: { Location: to, 'Set-Cookie': cookies } };
}

async function logOut({ sessions, site }: LoginRouteParts, asked: Asked): Promise<Answer> {
  if (!isFromOwnPage(site, asked)) return { kind: 'error', status: 403, error: NOT_OWN_PAGE, headers: {} };
  await sessions.end(asked);
  return goOn('/login', sessions.forgetful(asked));
}

function refusalOf(bearing: Exclude<Bearing, { readonly kind: 'bearer' }>): {
  readonly status: number;
  readonly problem: ServiceError;
  readonly headers?: Readonly<Record<string, number>>;
} {
  const make = 'Ask whoever keeps the service for one: `slipway token create --name <you> --scope view`.';
  switch (bearing.kind) {
    case 'limited': {
      const message = `Too many wrong tokens came from this address. Try again in ${bearing.seconds} s.`;
      const problem = { code: 'TOKEN_WRONG_TOO_OFTEN', message };
      return { status: 429, problem, headers: { 'Retry-After': bearing.seconds } };
    }
    case 'unknown':
      return {
        status: 401,
        problem: {
          code: 'TOKEN_UNKNOWN',
          message: 'The service does not know the token.',
          remedy: `Check that all of it is there. ${make}`,
        },
      };
    case 'ended': {
      const { revokedAtMs, expiresAtMs, name } = bearing.token;
      const [how, endMs] = bearing.how === 'revoked' ? ['was revoked', revokedAtMs] : ['expired', expiresAtMs];
      const message = `The token ${name} ${how} at ${toIsoSeconds(endMs ?? 0)}.`;
      return { status: 401, problem: { code: `TOKEN_${bearing.how.toUpperCase()}`, message, remedy: make } };
    }
  }
}

function scopeMissing({ scopes }: Bearer): ServiceError {
  return {
    code: 'TOKEN_SCOPE',
    message: `The token has the scope ${scopes.join(', ')}; the screen needs view, and its buttons operate.`,
    remedy: 'Make one with `slipway token create --name <you> --scope view,operate`.',
  };
}
