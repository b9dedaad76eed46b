// Owns identity tokens (OpenID Connect): asking GitHub for one, and what of a token can be known before a service sees it.
import { CodedError } from '../../base/errors.ts';
import { clipped, oneLine } from '../../base/plain-text.ts';
import { exchange, type Network, readJson } from './exchange.ts';

export interface IdentityToken {
  readonly text: string;
  readonly issuer: string;
  /** What a proof of possession signs: the e-mail address where there is one, else the subject. */
  readonly subject: string;
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number;
}

const MOST_CHARACTERS = 16_384;

/** How each kind of CI gets a token. */
export const TOKEN_REMEDY =
  'On GitHub give the job `permissions: { id-token: write }`; on GitLab give it `id_tokens: { SIGSTORE_ID_TOKEN: { aud: sigstore } }`; elsewhere pass --identity-token-file.';

/** Secrets go to this machine, or encrypted. Throws SIGN_INSECURE. */
export function assertPrivate(url: string, what: string): void {
  const { protocol, hostname, host } = new URL(url);
  if (protocol === 'https:' || ['localhost', '127.0.0.1', '[::1]'].includes(hostname)) return;
  throw new CodedError({
    code: 'SIGN_INSECURE',
    message: `${what} would be sent to ${host} in clear text.`,
    remedy: 'Use an address that begins with https://.',
  });
}

/** A token of the job that this program runs in. Throws SIGN_SERVICE_… and SIGN_INSECURE. */
export async function requestGithubToken(
  job: { readonly url: string; readonly bearer: string; readonly audience: string },
  network: Network,
): Promise<string> {
  if (!URL.canParse(job.url))
    throw unreadable('ACTIONS_ID_TOKEN_REQUEST_URL', 'is no address', 'Leave it as the runner set it.');
  assertPrivate(job.url, 'The token of the job');
  const url = new URL(job.url);
  url.searchParams.set('audience', job.audience);
  const question = {
    service: "GitHub's token service",
    url: url.href,
    headers: { accept: 'application/json', authorization: `Bearer ${job.bearer}` },
    hasSecret: true,
    refusedRemedy: TOKEN_REMEDY,
  };
  return readJson(question, await exchange(question, network), (json) => {
    const { value } = json as { readonly value: unknown };
    if (typeof value !== 'string') throw new TypeError('no token');
    return value;
  });
}

function unreadable(source: string, problem: string, remedy: string): CodedError {
  return new CodedError({ code: 'SIGN_TOKEN_UNREADABLE', message: `${source} ${problem}.`, remedy });
}

/**
 * The token in a text; its signature is for Fulcio to check. No message quotes the text: it is a secret while it is valid.
 * Throws SIGN_TOKEN_UNREADABLE, SIGN_TOKEN_EXPIRED or SIGN_TOKEN_AUDIENCE.
 */
export function parseIdentityToken(
  given: string,
  { source, audience, nowMs }: { readonly source: string; readonly audience: string; readonly nowMs: number },
): IdentityToken {
  const text = given.trim();
  const claims = claimsOf(text);
  if (claims === undefined) throw unreadable(source, 'holds no identity token (a JWT)', TOKEN_REMEDY);
  const { iss, sub, email, exp, aud } = claims;
  const subject = typeof email === 'string' && email !== '' ? email : sub;
  if (typeof iss !== 'string' || typeof subject !== 'string' || typeof exp !== 'number')
    throw unreadable(source, 'holds a token without issuer, subject or expiry', TOKEN_REMEDY);
  if (subject === email && claims.email_verified !== true && claims.email_verified !== 'true')
    throw unreadable(source, 'holds a token whose e-mail address its issuer has not verified', 'Verify it there.');
  if (exp * 1000 <= nowMs) {
    throw new CodedError({
      code: 'SIGN_TOKEN_EXPIRED',
      message: `The identity token of ${source} expired ${Math.ceil((nowMs - exp * 1000) / 1000)} s ago.`,
      remedy:
        'Get a new one right before signing: tokens of CI last some minutes. Check the clock of this machine too.',
    });
  }
  const audiences = [aud].flat();
  if (!audiences.includes(audience)) {
    const named = clipped(oneLine(audiences.map(String).join(', ')), 100);
    throw new CodedError({
      code: 'SIGN_TOKEN_AUDIENCE',
      message: `The identity token of ${source} is for the audience ${JSON.stringify(named)}, not for ${JSON.stringify(audience)}.`,
      remedy: `Ask for a token with the audience ${JSON.stringify(audience)}, or pass --audience if your Sigstore expects another.`,
    });
  }
  return { text, issuer: iss, subject, expiresAtMs: exp * 1000 };
}

function claimsOf(text: string): Readonly<Record<string, unknown>> | undefined {
  const parts = text.split('.');
  // Only what can stand in a header and in JSON as it is.
  if (text.length > MOST_CHARACTERS || parts.length !== 3 || !/^[\w.-]+$/.test(text)) return undefined;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString('utf8'));
    return typeof claims === 'object' && claims !== null ? (claims as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
