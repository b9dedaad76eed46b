// Owns where a command makes, lists and revokes tokens: in the home of the service, or at the running service.
import { SystemClock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { ApiToken } from '../contract/api-token.ts';
import {
  findTokenFacts,
  parseApiTokenRequest,
  parseEnrolmentTokenRequest,
  parseTokenLifetime,
} from '../contract/token-messages.ts';
import { openSqliteFleetStore } from '../store/sqlite/open-sqlite-fleet-store.ts';
import { accessTo, askService, type ServiceAccess } from './ask-service.ts';
import { openHome } from './home.ts';
import type { Place } from './home-or-server.ts';

/** A new API token, which is shown this once. */
export interface NewApiToken {
  readonly token: string;
  readonly known: ApiToken;
}

/** Its orders are the bodies of the service's requests (src/contract/token-messages.ts). */
export interface TokenIssuer extends AsyncDisposable {
  createApiToken(order: {
    readonly name: string;
    readonly scopes: readonly string[];
    readonly expires: string;
  }): Promise<NewApiToken>;
  /** All that are kept, the newest first. */
  listApiTokens(): Promise<readonly ApiToken[]>;
  /** Repeating is safe. Throws TOKEN_NOT_FOUND. */
  revokeApiToken(id: string): Promise<ApiToken>;
  /** It lives so long at most (a duration). Throws TOKEN_NOT_FOUND. */
  endApiToken(id: string, after: string): Promise<ApiToken>;
  createEnrolmentTokens(order: EnrolmentTokenOrder): Promise<readonly string[]>;
}

export interface EnrolmentTokenOrder {
  readonly count: number;
  readonly expires: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly device?: string;
}

const ON_PAGE = 500;
/** Far more than a store keeps: a service that never ends its list must not keep a command busy. */
const MOST_PAGES = 20;

export function openIssuer(place: Place): Promise<TokenIssuer> {
  if (place.kind === 'home') return issuerInHome(place.home);
  return Promise.resolve(issuerAtService(accessTo(place.server, place.insecureHttp)));
}

/** Works on the store itself, also while the service runs. Throws HOME_MISSING and STORE_…. */
export async function issuerInHome(folder: string): Promise<TokenIssuer> {
  const clock = new SystemClock();
  const store = openSqliteFleetStore({ file: (await openHome(folder)).store, clock });
  const found = (known: ApiToken | undefined): ApiToken => {
    if (known !== undefined) return known;
    const remedy = '`slipway token list` shows the ids.';
    throw new CodedError({ code: 'TOKEN_NOT_FOUND', message: 'There is no token with this id.', remedy });
  };
  return {
    createApiToken: (order) => {
      const { lifetimeMs, ...wanted } = parseApiTokenRequest(order);
      const nowMs = clock.now();
      const expiresAtMs = lifetimeMs === null ? null : nowMs + lifetimeMs;
      return store.createApiToken({ ...wanted, createdBy: 'home', expiresAtMs, nowMs });
    },
    listApiTokens: async () => (await store.listApiTokens({ most: ON_PAGE * MOST_PAGES })).tokens,
    revokeApiToken: async (id) => found(await store.revokeApiToken(id, clock.now())),
    endApiToken: async (id, after) => found(await store.endApiToken(id, clock.now() + parseTokenLifetime(after))),
    createEnrolmentTokens: (order) => {
      const { lifetimeMs, ...wanted } = parseEnrolmentTokenRequest(order);
      return store.createEnrolmentTokens({ ...wanted, expiresAtMs: clock.now() + lifetimeMs });
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
}

function unusable(access: ServiceAccess): CodedError {
  return new CodedError({
    code: 'SERVER_ANSWER',
    kind: 'retry-later',
    message: `The answer of ${access.server} is none of a Slipway service.`,
    remedy: 'Check the address, and that the service is as new as this command.',
  });
}

/** Throws what `askService` throws, or SERVER_ANSWER. */
export function issuerAtService(access: ServiceAccess): TokenIssuer {
  const clock = new SystemClock();
  const factsIn = (value: unknown): ApiToken => {
    const known = findTokenFacts(value);
    if (known === undefined) throw unusable(access);
    return known;
  };
  const pageOf = async (before: string): Promise<{ tokens: readonly ApiToken[]; next: unknown }> => {
    const page = await askService({ method: 'GET', path: `/v1/tokens?limit=${ON_PAGE}${before}` }, access, clock);
    const { tokens, next } = Object(page) as { tokens?: unknown; next?: unknown };
    if (!Array.isArray(tokens)) throw unusable(access);
    return { tokens: tokens.map(factsIn), next };
  };
  return {
    createApiToken: async (order) => {
      const value = await askService({ method: 'POST', path: '/v1/tokens', body: order }, access, clock);
      const { token } = Object(value) as { token?: unknown };
      if (typeof token !== 'string') throw unusable(access);
      return { token, known: factsIn(value) };
    },
    listApiTokens: async () => {
      const found: ApiToken[] = [];
      let before = '';
      for (let pages = 0; pages < MOST_PAGES; pages++) {
        const { tokens, next } = await pageOf(before);
        found.push(...tokens);
        if (!Number.isSafeInteger(next)) break;
        before = `&before=${String(next)}`;
      }
      return found;
    },
    endApiToken: async (id, after) => {
      const path = `/v1/tokens/${encodeURIComponent(id)}?after=${encodeURIComponent(after)}`;
      return factsIn(await askService({ method: 'DELETE', path }, access, clock));
    },
    revokeApiToken: async (id) =>
      factsIn(await askService({ method: 'DELETE', path: `/v1/tokens/${encodeURIComponent(id)}` }, access, clock)),
    createEnrolmentTokens: async (order) => {
      const value = await askService({ method: 'POST', path: '/v1/enrolment-tokens', body: order }, access, clock);
      const { tokens } = Object(value) as { tokens?: unknown };
      if (!Array.isArray(tokens) || !tokens.every((one) => typeof one === 'string')) throw unusable(access);
      return tokens as string[];
    },
    [Symbol.asyncDispose]: async () => {},
  };
}
