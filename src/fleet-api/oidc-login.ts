// Owns logging in by an OpenID Connect provider: authorization code with PKCE, state and nonce, and who the person is to this service.
import { createHash, randomBytes } from 'node:crypto';
import type { JWTPayload } from 'jose';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { clipped, oneLine } from '../base/plain-text.ts';
import type { TokenScope } from '../contract/api-token.ts';
import { isSecret } from './is-secret.ts';
import { OidcProvider } from './oidc-provider.ts';
import type { KnownPerson } from './sessions.ts';

export interface OidcSettings {
  readonly issuer: string;
  readonly clientId: string;
  /** Read for each login, so that it can be rotated; null for a public client. */
  readonly clientSecret: () => string | null;
  /** Claim with the names of the person's groups. */
  readonly groupsClaim: string;
  /** Groups that may look; `*` is everybody whom the provider knows. */
  readonly viewGroups: readonly string[];
  /** Groups that may also steer. */
  readonly operateGroups: readonly string[];
  /** Plain HTTP to the provider on another machine. */
  readonly insecureHttp: boolean;
}

/** What the browser keeps between leaving and coming back, in a cookie of ten minutes. */
interface Leaving {
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly next: string;
}

export const LEAVING_SECONDS = 600;

const random = (): string => randomBytes(24).toString('base64url');

export class OidcLogin {
  /** For people. */
  readonly host: string;
  readonly #settings: OidcSettings;
  readonly #provider: OidcProvider;

  constructor(settings: OidcSettings, clock: Clock) {
    this.#settings = settings;
    this.#provider = new OidcProvider(settings, clock);
    this.host = new URL(settings.issuer).host;
  }

  /** Where the browser goes, and what it keeps. Throws OIDC_…. */
  async leave(next: string, redirectUri: string): Promise<{ readonly location: string; readonly kept: string }> {
    const { authorizationEndpoint, scopes } = await this.#provider.metadata();
    const leaving: Leaving = { state: random(), nonce: random(), verifier: random() + random(), next };
    const { state, nonce, verifier } = leaving;
    const url = new URL(authorizationEndpoint);
    const query = {
      ...{
        response_type: 'code',
        client_id: this.#settings.clientId,
        redirect_uri: redirectUri,
        scope: scopes,
        state,
        nonce,
      },
      ...{ code_challenge: createHash('sha256').update(verifier).digest('base64url'), code_challenge_method: 'S256' },
    };
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value);
    return { location: url.href, kept: Buffer.from(JSON.stringify(leaving)).toString('base64url') };
  }

  /** Who came back. Throws LOGIN_…, OIDC_…. */
  async comeBack(
    query: URLSearchParams,
    kept: string | undefined,
    redirectUri: string,
  ): Promise<{ readonly person: KnownPerson; readonly next: string }> {
    const leaving = leavingIn(kept);
    const issuer = query.get('iss');
    // Another provider's answer, or one to a login that this browser never began, must not log it in.
    if (leaving === undefined || !isSecret(query.get('state') ?? '', leaving.state))
      throw loginError(
        'LOGIN_STATE',
        'This login was not begun here, was used already, or took longer than 10 minutes.',
        'Log in again.',
      );
    if (issuer !== null && issuer !== this.#settings.issuer)
      throw loginError(
        'OIDC_ISSUER',
        'The answer is from another identity provider.',
        'Log in again; if it stays, check --oidc-issuer.',
      );
    const refused = query.get('error');
    const code = query.get('code');
    if (refused !== null || code === null)
      throw loginError(
        'LOGIN_REFUSED',
        `${this.host} refused the login: ${clipped(oneLine(refused ?? 'no code came'), 60)}.`,
        'Log in again, or ask whoever keeps the identity provider.',
      );
    const claims = await this.#provider.exchange({
      code,
      redirectUri,
      verifier: leaving.verifier,
      nonce: leaving.nonce,
    });
    return { person: this.#personOf(claims), next: leaving.next };
  }

  #personOf(claims: JWTPayload): KnownPerson {
    const { sub = '', email, email_verified: isVerified, name, preferred_username: username } = claims;
    if (typeof email !== 'string' || !/^[^\s<>@]+@[^\s<>@]+$/.test(email) || email.length > 254)
      throw loginError(
        'LOGIN_EMAIL',
        `${this.host} gives no email address of you.`,
        'Commits need one: let the provider put `email` into the ID token or the userinfo.',
      );
    if (isVerified !== true && isVerified !== 'true')
      throw loginError(
        'LOGIN_EMAIL',
        `${this.host} has not verified your email address ${oneLine(email)}.`,
        'Verify it there: anybody could have typed it, and commits would carry it.',
      );
    const shown = [name, username, email].find((one) => typeof one === 'string' && oneLine(one) !== '');
    const scopes = this.#scopesOf(claims);
    return { id: `${this.#settings.issuer} ${sub}`, name: clipped(oneLine(String(shown)), 100), email, scopes };
  }

  #scopesOf(claims: JWTPayload): readonly TokenScope[] {
    const { groupsClaim, viewGroups, operateGroups } = this.#settings;
    const given = claims[groupsClaim];
    const groups: unknown[] = Array.isArray(given) ? given : [given];
    const isIn = (wanted: readonly string[]): boolean => wanted.some((one) => one === '*' || groups.includes(one));
    if (isIn(operateGroups)) return ['view', 'operate'];
    if (isIn(viewGroups)) return ['view'];
    const remedy =
      given === undefined
        ? `The provider sent no claim ${groupsClaim}: let it, or name the right one with --oidc-groups-claim.`
        : 'Ask whoever keeps the service for a group that --oidc-view or --oidc-operate names.';
    throw loginError('LOGIN_GROUPS', 'None of your groups may look at this service.', remedy);
  }
}

function loginError(code: string, message: string, remedy: string): CodedError {
  return new CodedError({ code, message, remedy });
}

function leavingIn(kept: string | undefined): Leaving | undefined {
  try {
    const leaving = JSON.parse(Buffer.from(kept ?? '', 'base64url').toString('utf8')) as Leaving;
    const texts = [leaving.state, leaving.nonce, leaving.verifier, leaving.next];
    return texts.every((one) => typeof one === 'string' && one !== '') ? leaving : undefined;
  } catch {
    return undefined;
  }
}
