// Owns who may ask: the one place where scopes are checked, by secrets compared in time that tells nothing about them.
import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { assertNever } from '../../base/errors.ts';
import { errorAnswer } from './answers.ts';
import { streamBody } from './body.ts';
import type { ErrorAnswer, Route } from './route.ts';

export interface ScopeSecrets {
  /** Without it, or with an empty one, routes of the scope `viewer` are refused. */
  readonly viewerToken?: string;
  /** Without it, or with an empty one, routes of the scope `git-host` are refused. */
  readonly hookSecret?: string;
}

/** Gives an answer when the caller may not ask. Reads the body of a route whose body is its proof. */
export async function checkScope(
  { scope, request: body }: Route,
  request: IncomingMessage,
  { viewerToken = '', hookSecret = '' }: ScopeSecrets,
): Promise<ErrorAnswer | undefined> {
  switch (scope) {
    case 'anyone':
    case 'device':
      return undefined;
    case 'viewer':
      return isBearer(request.headers.authorization, viewerToken)
        ? undefined
        : refused('VIEWER_TOKEN', 'The viewer token is missing or wrong.', 'Send `Authorization: Bearer <token>`.');
    case 'git-host': {
      if (hookSecret === '')
        return refused('HOOK_SECRET', 'The service has no secret for webhooks.', 'Set SLIPWAY_HOOK_SECRET.');
      const hmac = createHmac('sha256', hookSecret);
      const unread = await streamBody(request, body?.mostBytes ?? 0, (chunk) => hmac.update(chunk));
      if (unread !== undefined) return unread;
      if (isGenuineHook(request.headers, hookSecret, hmac.digest('hex'))) return undefined;
      const remedy = 'Set the same secret at the Git host and in SLIPWAY_HOOK_SECRET.';
      return refused('HOOK_SIGNATURE', "The webhook is not signed with this service's secret.", remedy);
    }
    default:
      return assertNever(scope);
  }
}

function refused(code: string, message: string, remedy: string): ErrorAnswer {
  const headers = code === 'VIEWER_TOKEN' ? { 'WWW-Authenticate': 'Bearer' } : {};
  return errorAnswer(401, { code, message, remedy }, headers);
}

/** Are the texts equal? Both are hashed first, so that not even the length shows. */
function isSecret(presented: string, secret: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return secret !== '' && timingSafeEqual(digest(presented), digest(secret));
}

/** Is it `Bearer <secret>`? */
function isBearer(authorization: string | undefined, secret: string): boolean {
  const presented = /^Bearer ([\x21-\x7e]{1,512})$/i.exec(authorization ?? '')?.[1];
  return presented !== undefined && isSecret(presented, secret);
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
