// Owns what is asked of an OpenID Connect provider: its metadata and keys, a code against an ID token, and what that says, once it is verified.
import { createLocalJWKSet, errors, type JSONWebKeySet, type JWTPayload, jwtVerify } from 'jose';
import { boundedRequest } from '../base/bounded-request.ts';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { isLoopbackHost } from '../base/loopback.ts';
import { clipped, oneLine } from '../base/plain-text.ts';

export interface ProviderSettings {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: () => string | null;
  readonly groupsClaim: string;
  readonly insecureHttp: boolean;
}

export interface ProviderMetadata {
  readonly authorizationEndpoint: string;
  readonly tokenEndpoint: string;
  readonly userinfoEndpoint: string | null;
  readonly jwksUri: string;
  /** What is asked for, as the request has it. */
  readonly scopes: string;
  readonly takesBasic: boolean;
}

export interface CodeExchange {
  readonly code: string;
  readonly redirectUri: string;
  readonly verifier: string;
  readonly nonce: string;
}

const TIMEOUT_MS = 5_000;
/** So long metadata and keys are taken again. */
const KNOWN_MS = 10 * 60_000;
/** Clocks may differ by so much. */
const SKEW_SECONDS = 60;
/** Signatures that need no secret of both sides; `none` is none of them. */
const ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
];

interface Known<T> {
  readonly value: T;
  readonly untilMs: number;
}

export class OidcProvider {
  readonly #settings: ProviderSettings;
  readonly #clock: Clock;
  #metadata: Known<ProviderMetadata> | undefined;
  #keys: Known<JSONWebKeySet> | undefined;

  constructor(settings: ProviderSettings, clock: Clock) {
    this.#settings = settings;
    this.#clock = clock;
  }

  /** Throws OIDC_UNREACHABLE, OIDC_METADATA, OIDC_ISSUER. */
  async metadata(): Promise<ProviderMetadata> {
    const nowMs = this.#clock.monotonicMs();
    if (this.#metadata !== undefined && nowMs < this.#metadata.untilMs) return this.#metadata.value;
    const { issuer } = this.#settings;
    const found = await this.#json(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`, 'its metadata');
    if (found.issuer !== issuer)
      throw fault(
        'OIDC_ISSUER',
        `The identity provider calls itself ${shown(found.issuer)}, not ${issuer}.`,
        'Set --oidc-issuer to exactly what the provider calls itself, to the last slash.',
      );
    const supported = Array.isArray(found.scopes_supported) ? found.scopes_supported : [];
    const { groupsClaim } = this.#settings;
    const methods = found.token_endpoint_auth_methods_supported;
    const value: ProviderMetadata = {
      authorizationEndpoint: this.#endpoint(found.authorization_endpoint),
      tokenEndpoint: this.#endpoint(found.token_endpoint),
      userinfoEndpoint: found.userinfo_endpoint === undefined ? null : this.#endpoint(found.userinfo_endpoint),
      jwksUri: this.#endpoint(found.jwks_uri),
      scopes: ['openid', 'profile', 'email', ...(supported.includes(groupsClaim) ? [groupsClaim] : [])].join(' '),
      takesBasic: !Array.isArray(methods) || methods.includes('client_secret_basic'),
    };
    this.#metadata = { value, untilMs: nowMs + KNOWN_MS };
    return value;
  }

  /** What the ID token says of the person, with the userinfo where the token alone does not say enough. Throws OIDC_…, LOGIN_CODE. */
  async exchange({ code, redirectUri, verifier, nonce }: CodeExchange): Promise<JWTPayload> {
    const { tokenEndpoint, userinfoEndpoint } = await this.metadata();
    const answer = await this.#askForTokens(tokenEndpoint, {
      ...{ grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier },
    });
    const claims = await this.#verified(String(answer.id_token));
    if (claims.nonce !== nonce) throw fault('OIDC_TOKEN', 'The ID token is not of this login.', 'Log in again.');
    if (Array.isArray(claims.aud) && claims.aud.length > 1 && claims.azp !== this.#settings.clientId)
      throw fault('OIDC_TOKEN', 'The ID token was made for another client.', 'Check the client at the provider.');
    const isEnough = claims.email !== undefined && claims[this.#settings.groupsClaim] !== undefined;
    if (isEnough || userinfoEndpoint === null || typeof answer.access_token !== 'string') return claims;
    const more = await this.#json(userinfoEndpoint, 'the userinfo', { authorization: `Bearer ${answer.access_token}` });
    if (more.sub !== claims.sub) throw fault('OIDC_TOKEN', 'The userinfo is about somebody else.', 'Log in again.');
    return { ...more, ...claims };
  }

  async #askForTokens(url: string, form: Readonly<Record<string, string>>): Promise<Readonly<Record<string, unknown>>> {
    const { clientId } = this.#settings;
    const secret = this.#settings.clientSecret();
    const { takesBasic } = await this.metadata();
    const encoded = (text: string): string => new URLSearchParams({ t: text }).toString().slice(2);
    const basic = Buffer.from(`${encoded(clientId)}:${encoded(secret ?? '')}`).toString('base64');
    const isBasic = secret !== null && takesBasic;
    const body = {
      ...form,
      ...(isBasic ? {} : { client_id: clientId, ...(secret === null ? {} : { client_secret: secret }) }),
    };
    const { status, value } = await this.#ask(url, 'an ID token', {
      headers: {
        'content-type': 'application/x-www-form-urlencoded',
        ...(isBasic ? { authorization: `Basic ${basic}` } : {}),
      },
      body: new URLSearchParams(body).toString(),
    });
    if (status === 200) return value;
    if (value.error === 'invalid_grant')
      throw fault(
        'LOGIN_CODE',
        'The identity provider does not take the code of this login: it was used already, or is too old.',
        'Log in again.',
      );
    if (value.error === 'invalid_client' || value.error === 'unauthorized_client')
      throw fault(
        'OIDC_CLIENT',
        'The identity provider refuses this service as a client.',
        'Check --oidc-client, SLIPWAY_OIDC_CLIENT_SECRET, and the redirect address at the provider.',
      );
    throw unreachable(`it answers ${status} (${shown(value.error)}) where an ID token is asked for`);
  }

  /** Throws OIDC_TOKEN, OIDC_CLOCK. */
  async #verified(token: string): Promise<JWTPayload> {
    const verify = async (keys: JSONWebKeySet): Promise<JWTPayload> => {
      const { payload } = await jwtVerify(token, createLocalJWKSet(keys), {
        ...{ issuer: this.#settings.issuer, audience: this.#settings.clientId, algorithms: ALGORITHMS },
        ...{ clockTolerance: SKEW_SECONDS, maxTokenAge: '10m', currentDate: new Date(this.#clock.now()) },
        requiredClaims: ['sub', 'exp', 'iat'],
      });
      return payload;
    };
    try {
      return await verify(await this.#readKeys(false)).catch(async (thrown: unknown) => {
        if (!(thrown instanceof errors.JWKSNoMatchingKey)) throw thrown;
        return verify(await this.#readKeys(true));
      });
    } catch (cause) {
      if (cause instanceof CodedError) throw cause;
      const { claim } = cause as { readonly claim?: string };
      const isTime = cause instanceof errors.JWTExpired || ['exp', 'iat', 'nbf'].includes(claim ?? '');
      if (isTime)
        throw fault(
          'OIDC_CLOCK',
          'The ID token is expired, or not valid yet, by the clock of this service.',
          'Check the clocks of both machines: a minute of difference is taken.',
          cause,
        );
      const why = cause instanceof Error ? clipped(oneLine(cause.message), 200) : 'it is none';
      throw fault(
        'OIDC_TOKEN',
        `The ID token is not to be believed: ${why}.`,
        'Check --oidc-issuer and --oidc-client.',
        cause,
      );
    }
  }

  async #readKeys(isFresh: boolean): Promise<JSONWebKeySet> {
    const nowMs = this.#clock.monotonicMs();
    if (!isFresh && this.#keys !== undefined && nowMs < this.#keys.untilMs) return this.#keys.value;
    const { jwksUri } = await this.metadata();
    const found = await this.#json(jwksUri, 'its keys');
    if (!Array.isArray(found.keys)) throw unreachable('its keys are none');
    const value = found as unknown as JSONWebKeySet;
    this.#keys = { value, untilMs: nowMs + KNOWN_MS };
    return value;
  }

  #endpoint(value: unknown): string {
    const url = typeof value === 'string' && URL.canParse(value) ? new URL(value) : undefined;
    const isSafe =
      url?.protocol === 'https:' ||
      (url?.protocol === 'http:' && (this.#settings.insecureHttp || isLoopbackHost(url.hostname)));
    if (url !== undefined && isSafe) return url.href;
    throw fault(
      'OIDC_METADATA',
      `The identity provider names no address that is safe to use: ${shown(value)}.`,
      'It has to name all its endpoints, with HTTPS.',
    );
  }

  async #json(url: string, what: string, headers: Readonly<Record<string, string>> = {}) {
    const { status, value } = await this.#ask(url, what, { headers, body: null });
    if (status === 200) return value;
    throw unreachable(`it answers ${status} where ${what} should be`);
  }

  async #ask(
    url: string,
    what: string,
    { headers, body }: { readonly headers: Readonly<Record<string, string>>; readonly body: string | null },
  ): Promise<{ readonly status: number; readonly value: Readonly<Record<string, unknown>> }> {
    const { signal } = new AbortController();
    const asked = { url, headers: { accept: 'application/json', ...headers }, body, timeoutMs: TIMEOUT_MS, signal };
    const outcome = await boundedRequest(asked, this.#clock);
    if (outcome.kind === 'failed') throw unreachable(outcome.reason);
    try {
      const value: unknown = JSON.parse(outcome.value.body.toString('utf8'));
      if (typeof value === 'object' && value !== null)
        return { status: outcome.value.status, value: value as Readonly<Record<string, unknown>> };
    } catch {
      // Said below: no JSON.
    }
    throw unreachable(`its answer (HTTP ${outcome.value.status}) is no JSON where ${what} should be`);
  }
}

function shown(value: unknown): string {
  return clipped(oneLine(JSON.stringify(value ?? null)), 100);
}

function fault(code: string, message: string, remedy: string, cause?: unknown): CodedError {
  return new CodedError({ code, message, remedy, cause });
}

function unreachable(reason: string): CodedError {
  return new CodedError({
    code: 'OIDC_UNREACHABLE',
    kind: 'retry-later',
    message: `The identity provider can't be used now: ${reason}.`,
    remedy: 'Try again, or log in with a token.',
  });
}
