// Owns the routes by which a browser leaves for the identity provider and comes back.
import type { Clock } from '../../base/clock.ts';
import { toCodedError } from '../../base/errors.ts';
import { LEAVING_SECONDS, type OidcLogin } from '../oidc-login.ts';
import { type OwnSite, safeNext } from '../own-site.ts';
import { RateLimiter } from '../rate-limit.ts';
import { cookieHeader, cookieIn } from '../sessions.ts';
import { tryLater } from './answers.ts';
import { goOn, type LoginRouteParts, showLogin } from './login-routes.ts';
import type { Answer, Asked, Route } from './route.ts';

/** Each asks something of the provider: nobody can have it hammered through us. */
const PER_ADDRESS = { perSecond: 1, burst: 30 };
const COOKIE = 'slipway-login';

export function oidcRoutes(parts: LoginRouteParts, oidc: OidcLogin, clock: Clock): Route[] {
  const perAddress = new RateLimiter(PER_ADDRESS);
  const page = { method: 'GET', scope: 'anyone', request: null, response: 'page' } as const;
  const guarded =
    (act: (asked: Asked) => Promise<Answer>) =>
    async (asked: Asked): Promise<Answer> => {
      const seconds = perAddress.take(asked.address, clock.monotonicMs());
      if (seconds > 0) return tryLater(429, 'LOGIN_TOO_OFTEN', 'This address logs in too often.', seconds);
      try {
        return await act(asked);
      } catch (thrown) {
        const error = toCodedError(thrown);
        if (error.kind === 'bug') throw thrown;
        const { code, message, remedy, kind } = error;
        parts.logger.warn('a login by the identity provider failed', { code, message, address: asked.address });
        const problem = { code, message, ...(remedy === undefined ? {} : { remedy }) };
        const headers = { 'Set-Cookie': [forgetful(parts.site, asked)] };
        return showLogin(parts, asked, problem, { status: kind === 'retry-later' ? 503 : 403, headers });
      }
    };
  return [
    { ...page, name: 'oidc', path: '/login/oidc', handle: guarded((asked) => leave(parts, oidc, asked)) },
    {
      ...page,
      name: 'oidc-back',
      path: '/login/oidc/callback',
      handle: guarded((asked) => comeBack(parts, oidc, asked)),
    },
  ];
}

function forgetful(site: OwnSite, asked: Asked): string {
  return cookieHeader(site, asked, { name: COOKIE, value: '', seconds: 0 });
}

/** The same at both times: the provider compares it. */
function redirectUri({ publicUrl }: OwnSite): string {
  return `${publicUrl?.origin ?? ''}/login/oidc/callback`;
}

async function leave({ site }: LoginRouteParts, oidc: OidcLogin, asked: Asked): Promise<Answer> {
  const { location, kept } = await oidc.leave(safeNext(asked.query.get('next')), redirectUri(site));
  return goOn(location, cookieHeader(site, asked, { name: COOKIE, value: kept, seconds: LEAVING_SECONDS }));
}

async function comeBack({ site, sessions, logger }: LoginRouteParts, oidc: OidcLogin, asked: Asked): Promise<Answer> {
  const { person, next } = await oidc.comeBack(asked.query, cookieIn(site, asked, COOKIE), redirectUri(site));
  const cookie = await sessions.beginForPerson(person, asked);
  const { id, name, scopes } = person;
  logger.info('a browser logged in', { by: id, name, scopes, address: asked.address });
  return goOn(safeNext(next), cookie, forgetful(site, asked));
}
