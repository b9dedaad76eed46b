// Owns the routes of tokens: API tokens are made, listed and revoked, and enrolment tokens are made.
import type { Clock } from '../../base/clock.ts';
import { toIsoSeconds } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { ApiToken, TokenScope } from '../../contract/api-token.ts';
import {
  apiTokenToJson,
  parseApiTokenRequest,
  parseEnrolmentTokenRequest,
  parseTokenLifetime,
} from '../../contract/token-messages.ts';
import { RateLimiter } from '../rate-limit.ts';
import { errorAnswer, tryLater } from './answers.ts';
import type { Answer, Asked, Route } from './route.ts';

export interface TokenRouteParts {
  /** The fleet store. */
  readonly store: {
    createApiToken(order: {
      readonly name: string;
      readonly scopes: readonly TokenScope[];
      readonly createdBy: string;
      readonly expiresAtMs: number | null;
      readonly nowMs: number;
    }): Promise<{ readonly token: string; readonly known: ApiToken }>;
    listApiTokens(page: { readonly before?: number; readonly most: number }): Promise<{
      readonly tokens: readonly ApiToken[];
      readonly next: number | null;
    }>;
    revokeApiToken(id: string, nowMs: number): Promise<ApiToken | undefined>;
    endApiToken(id: string, atMs: number): Promise<ApiToken | undefined>;
    createEnrolmentTokens(order: {
      readonly count: number;
      readonly labels: Readonly<Record<string, string>>;
      readonly device?: string;
      readonly expiresAtMs: number;
    }): Promise<readonly string[]>;
  };
  readonly clock: Clock;
  readonly logger: Logger;
}

const MOST_ON_PAGE = 500;
const USUAL_ON_PAGE = 100;
/** Enrolment tokens that one bearer may make: a stolen token must not fill the disk. */
const ENROLMENT_TOKENS = { perSecond: 10, burst: 20_000 };

export function tokenRoutes(parts: TokenRouteParts): Route[] {
  const perBearer = new RateLimiter(ENROLMENT_TOKENS);
  return [
    {
      ...{ name: 'create-token', method: 'POST', path: '/v1/tokens', scope: 'admin', response: 'NewApiToken' },
      summary: 'Makes a token.',
      request: { kind: 'json', schema: 'ApiTokenRequest', mostBytes: 8_192 },
      handle: (asked) => createToken(parts, asked),
    },
    {
      ...{ name: 'tokens', method: 'GET', path: '/v1/tokens', scope: 'admin', request: null, response: 'ApiTokenPage' },
      summary: 'Lists tokens, without themselves.',
      query: { limit: 'How many, at most 500.', before: 'Number from `next` of the page before.' },
      handle: (asked) => listTokens(parts, asked),
    },
    {
      ...{ name: 'revoke-token', method: 'DELETE', path: '/v1/tokens/{id}', scope: 'admin', response: 'ApiToken' },
      summary: 'Revokes a token, at once or after a time.',
      query: { after: 'How long it still lives, such as `24h`; it is revoked at once without this.' },
      request: null,
      handle: (asked) => revokeToken(parts, asked),
    },
    {
      ...{ name: 'create-enrolment-tokens', method: 'POST', path: '/v1/enrolment-tokens', scope: 'enrol' },
      ...{ request: { kind: 'json', schema: 'EnrolmentTokenRequest', mostBytes: 65_536 }, response: 'EnrolmentTokens' },
      summary: 'Makes tokens with which devices enrol.',
      handle: (asked) => createEnrolmentTokens(parts, perBearer, asked),
    },
  ];
}

/** Who did it, for the log. */
function byOf({ bearer, address }: Asked): { readonly by: string; readonly address: string } {
  return { by: bearer?.id ?? 'nobody', address };
}

async function createToken({ store, clock, logger }: TokenRouteParts, asked: Asked): Promise<Answer> {
  const { lifetimeMs, ...wanted } = parseApiTokenRequest(asked.body);
  const by = byOf(asked);
  const nowMs = clock.now();
  const expiresAtMs = lifetimeMs === null ? null : nowMs + lifetimeMs;
  const { token, known } = await store.createApiToken({ ...wanted, createdBy: by.by, expiresAtMs, nowMs });
  const { id, name, scopes } = known;
  const expiresAt = expiresAtMs === null ? null : toIsoSeconds(expiresAtMs);
  logger.info('an API token was created', { id, name, scopes, expiresAt, ...by });
  return { kind: 'json', status: 201, value: { token, ...apiTokenToJson(known) } };
}

/** A whole number of the query; undefined when it is left out, null when it is none or out of its bounds. */
function numberIn(query: URLSearchParams, name: string, most: number): number | null | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  return value >= 1 && value <= most ? value : null;
}

async function listTokens({ store }: TokenRouteParts, { query }: Asked): Promise<Answer> {
  const most = numberIn(query, 'limit', MOST_ON_PAGE);
  const before = numberIn(query, 'before', Number.MAX_SAFE_INTEGER);
  if (most === null || before === null) {
    const message = `\`limit\` is a number from 1 to ${MOST_ON_PAGE}, and \`before\` the \`next\` of the page before.`;
    return errorAnswer(400, { code: 'TOKEN_PAGE', message, remedy: 'Correct the query.' });
  }
  const page = await store.listApiTokens({ most: most ?? USUAL_ON_PAGE, ...(before === undefined ? {} : { before }) });
  return { kind: 'json', value: { tokens: page.tokens.map(apiTokenToJson), next: page.next } };
}

async function revokeToken({ store, clock, logger }: TokenRouteParts, asked: Asked): Promise<Answer> {
  const { id = '' } = asked.params;
  const after = asked.query.get('after');
  const known =
    after === null
      ? await store.revokeApiToken(id, clock.now())
      : await store.endApiToken(id, clock.now() + parseTokenLifetime(after, 'after'));
  if (known === undefined) {
    const remedy = '`slipway token list` shows the ids. A token that ended a month ago is forgotten.';
    return errorAnswer(404, { code: 'TOKEN_NOT_FOUND', message: 'There is no token with this id.', remedy });
  }
  const { name, expiresAtMs } = known;
  if (after === null) logger.info('an API token was revoked', { id, name, ...byOf(asked) });
  else logger.info('an API token got an end', { id, name, expiresAt: toIsoSeconds(expiresAtMs ?? 0), ...byOf(asked) });
  return { kind: 'json', value: apiTokenToJson(known) };
}

async function createEnrolmentTokens(
  { store, clock, logger }: TokenRouteParts,
  perBearer: RateLimiter,
  asked: Asked,
): Promise<Answer> {
  const { lifetimeMs, ...wanted } = parseEnrolmentTokenRequest(asked.body);
  const by = byOf(asked);
  const seconds = perBearer.take(by.by, clock.monotonicMs(), wanted.count);
  if (seconds > 0)
    return tryLater(429, 'ENROLMENT_TOKENS_TOO_MANY', 'This token made too many enrolment tokens.', seconds);
  const expiresAtMs = clock.now() + lifetimeMs;
  const tokens = await store.createEnrolmentTokens({ ...wanted, expiresAtMs });
  const { count, labels, device = null } = wanted;
  const expiresAt = toIsoSeconds(expiresAtMs);
  logger.info('enrolment tokens were created', { count, labels, device, expiresAt, ...by });
  return { kind: 'json', status: 201, value: { tokens, expiresAt } };
}
