// Owns who may ask: the one place where scopes are checked, by secrets compared in time that tells nothing about them.
import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { toIsoSeconds } from '../../base/clock.ts';
import { allowsScope, ENROLMENT_TOKEN_PREFIX, type TokenScope } from '../../contract/api-token.ts';
import type { Bearer, BearerTokens } from '../bearer-tokens.ts';
import { isSecret } from '../is-secret.ts';
import { isFromOwnPage, NOT_OWN_PAGE, type OwnSite } from '../own-site.ts';
import type { Sessions } from '../sessions.ts';
import { errorAnswer, tryLater } from './answers.ts';
import { streamBody } from './body.ts';
import type { Answer, ErrorAnswer, Route } from './route.ts';

export interface ScopeSecrets {
  readonly bearers: BearerTokens;
  /** Without it, or with an empty one, routes of the scope `git-host` are refused. */
  readonly hookSecret?: string;
  /** Without it only tokens open what needs one. */
  readonly browsers?: { readonly sessions: Sessions; readonly site: OwnSite };
}

/** `bearer` is there where the scope needs a token. */
export type Checked =
  | { readonly kind: 'allowed'; readonly bearer?: Bearer }
  | ErrorAnswer
  | Extract<Answer, { readonly kind: 'empty' }>;

/** May the caller ask? Reads the body of a route whose body is its proof. Throws what the store throws. */
export async function checkScope(
  route: Route,
  { request, address }: { readonly request: IncomingMessage; readonly address: string },
  { bearers, hookSecret = '', browsers }: ScopeSecrets,
): Promise<Checked> {
  const { scope, request: body } = route;
  if (scope === 'anyone' || scope === 'device') return { kind: 'allowed' };
  if (scope !== 'git-host') {
    const { authorization } = request.headers;
    const isBrowser = browsers !== undefined && authorization === undefined;
    const bySession = isBrowser ? await checkSession(scope, route, request, browsers) : undefined;
    const checked = bySession ?? (await checkBearer(scope, authorization, { bearers, address }));
    return browsers !== undefined && isUnauthorized(checked) && isRead(request) ? toLogin(request) : checked;
  }
  if (hookSecret === '')
    return errorAnswer(401, {
      code: 'HOOK_SECRET',
      message: 'The service has no secret for webhooks.',
      remedy: 'Set SLIPWAY_HOOK_SECRET.',
    });
  const hmac = createHmac('sha256', hookSecret);
  const unread = await streamBody(request, body?.mostBytes ?? 0, (chunk) => hmac.update(chunk));
  if (unread !== undefined) return unread;
  if (isGenuineHook(request.headers, hookSecret, hmac.digest('hex'))) return { kind: 'allowed' };
  return errorAnswer(401, {
    code: 'HOOK_SIGNATURE',
    message: "The webhook is not signed with this service's secret.",
    remedy: 'Set the same secret at the Git host and in SLIPWAY_HOOK_SECRET.',
  });
}

/** Undefined when the request has no session, or one that does not count here. */
async function checkSession(
  needed: TokenScope,
  { method, bySession = false }: Route,
  request: IncomingMessage,
  { sessions, site }: NonNullable<ScopeSecrets['browsers']>,
): Promise<Checked | undefined> {
  const arrival = { headers: request.headers, connection: request.socket };
  if (!sessions.isClaimed(arrival) || (method !== 'GET' && !bySession)) return undefined;
  if (method !== 'GET' && !isFromOwnPage(site, arrival)) return errorAnswer(403, NOT_OWN_PAGE);
  const bearer = await sessions.identify(arrival);
  if (bearer === undefined) {
    const headers = { 'Set-Cookie': sessions.forgetful(arrival) };
    return errorAnswer(401, { code: 'SESSION_ENDED', message: 'The session ended.', remedy: 'Log in again.' }, headers);
  }
  if (allowsScope(bearer.scopes, needed)) return { kind: 'allowed', bearer };
  const message = `${bearer.name} is logged in with the scope ${bearer.scopes.join(', ')}; this needs ${needed}.`;
  const remedy =
    'Log in with a token that has the scope, or ask whoever keeps the service for the group that gives it.';
  return errorAnswer(403, { code: 'TOKEN_SCOPE', message, remedy });
}

function isUnauthorized(checked: Checked): boolean {
  return checked.kind === 'error' && checked.status === 401;
}

/** Does a person read the answer in a browser? */
function isRead({ method, headers }: IncomingMessage): boolean {
  return method === 'GET' && headers.accept?.includes('text/html') === true && headers.authorization === undefined;
}

/** Whoever wanted to see a page logs in, and comes back to it. */
function toLogin({ url = '/' }: IncomingMessage): Extract<Answer, { readonly kind: 'empty' }> {
  const next = url === '/' ? '' : `?next=${encodeURIComponent(url)}`;
  return { kind: 'empty', status: 303, headers: { Location: `/login${next}` } };
}

async function checkBearer(
  needed: TokenScope,
  authorization: string | undefined,
  { bearers, address }: { readonly bearers: BearerTokens; readonly address: string },
): Promise<Checked> {
  const make = `Make one with \`slipway token create --name <name> --scope ${needed}\``;
  const presented = /^Bearer +([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  if (presented === undefined)
    return refused(
      'TOKEN_MISSING',
      'A token is required.',
      `${make}, and send it as \`Authorization: Bearer <token>\`.`,
    );
  const found = await bearers.identify(presented, address);
  switch (found.kind) {
    case 'limited':
      return tryLater(429, 'TOKEN_WRONG_TOO_OFTEN', 'This address sends too many wrong tokens.', found.seconds);
    case 'unknown':
      return presented.startsWith(ENROLMENT_TOKEN_PREFIX)
        ? refused(
            'TOKEN_UNKNOWN',
            'This is an enrolment token: devices enrol with it, and it opens nothing else.',
            `${make}.`,
          )
        : refused('TOKEN_UNKNOWN', 'The service does not know the token.', `Check what is sent. ${make}.`);
    case 'ended': {
      const { name, id, expiresAtMs, revokedAtMs } = found.token;
      const endMs = (found.how === 'revoked' ? revokedAtMs : expiresAtMs) ?? 0;
      const message = `The token ${id} (${name}) ${found.how === 'revoked' ? 'was revoked' : 'expired'} at ${toIsoSeconds(endMs)}.`;
      return refused(`TOKEN_${found.how.toUpperCase()}`, message, `${make}.`);
    }
    case 'bearer': {
      const { bearer } = found;
      if (allowsScope(bearer.scopes, needed)) return { kind: 'allowed', bearer };
      const message = `The token has the scope ${bearer.scopes.join(', ')}; this address needs ${needed}.`;
      const challenge = `Bearer realm="slipway", error="insufficient_scope", scope="${needed}"`;
      return errorAnswer(403, { code: 'TOKEN_SCOPE', message, remedy: `${make}.` }, { 'WWW-Authenticate': challenge });
    }
  }
}

/** As RFC 6750 has it: a request without a token hears only how to send one. */
function refused(code: string, message: string, remedy: string): ErrorAnswer {
  const why = code === 'TOKEN_MISSING' ? '' : ', error="invalid_token"';
  return errorAnswer(401, { code, message, remedy }, { 'WWW-Authenticate': `Bearer realm="slipway"${why}` });
}

/** Hosts that sign the body (HMAC-SHA256), by the header in which they do; the first that is there counts. */
const SIGNING_HEADERS: readonly (readonly [header: string, prefix: string])[] = [
  ['x-hub-signature-256', 'sha256='], // GitHub
  ['x-forgejo-signature', ''],
  ['x-gitea-signature', ''],
  ['x-gogs-signature', ''],
  // Bitbucket. Others send SHA-1 under this name, beside one of those above.
  ['x-hub-signature', 'sha256='],
];

/** Most hosts sign the body; GitLab shows the secret itself, Azure DevOps as the password of basic authentication. */
function isGenuineHook(headers: IncomingHttpHeaders, secret: string, hmac: string): boolean {
  const single = (name: string): string | undefined => {
    const value = headers[name];
    return typeof value === 'string' && value.length <= 512 ? value : undefined;
  };
  for (const [header, prefix] of SIGNING_HEADERS) {
    const signature = single(header);
    if (signature !== undefined) return isSecret(signature, prefix + hmac);
  }
  const gitlab = single('x-gitlab-token');
  if (gitlab !== undefined) return isSecret(gitlab, secret);
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(single('authorization') ?? '')?.[1];
  const password = basic && /^[^:]*:([\s\S]*)$/.exec(Buffer.from(basic, 'base64').toString('utf8'))?.[1];
  return typeof password === 'string' && isSecret(password, secret);
}
