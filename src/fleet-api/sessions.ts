// Owns the sessions of browsers: a cookie with a random secret stands for a token or a person, until it expires, is ended, or its token is.
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.ts';
import type { TokenScope } from '../contract/api-token.ts';
import { sha256Hex } from '../contract/digest.ts';
import type { Bearer, BearerTokens } from './bearer-tokens.ts';
import { type Arrival, isSecure, type OwnSite } from './own-site.ts';

interface KeptSession {
  readonly bearer: string;
  readonly facts: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export interface SessionParts {
  /** The fleet store. */
  readonly store: {
    beginSession(hash: string, session: KeptSession): Promise<void>;
    findSession(hash: string): Promise<KeptSession | undefined>;
    endSession(hash: string): Promise<void>;
  };
  readonly bearers: BearerTokens;
  readonly clock: Clock;
  readonly site: OwnSite;
  /** The identity provider whose people count; null without one. */
  readonly issuer: string | null;
}

/** A person that an identity provider vouches for. */
export interface KnownPerson {
  /** Issuer and subject. */
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly scopes: readonly TokenScope[];
}

const HOUR_MS = 3_600_000;
/** Whoever can change something logs in each day; a screen on the wall once a month. */
const ACTING_MS = 12 * HOUR_MS;
const VIEWING_MS = 30 * 24 * HOUR_MS;

export class Sessions {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  /** Begins a session for the token, ends the one that the browser had, and gives the header that sets the cookie. */
  async beginForToken(presented: string, { id, scopes }: Bearer, arrival: Arrival): Promise<string> {
    const secret = newSecret();
    // Tokens of the environment are chosen by people: their plain hash, in a stolen store, would let them be guessed.
    const proof = id === 'environment' ? sha256Hex(`${secret} ${presented}`) : '';
    const bearer = id === 'environment' ? 'environment' : `token:${sha256Hex(presented)}`;
    const lifetimeMs = scopes.some((scope) => scope !== 'view') ? ACTING_MS : VIEWING_MS;
    return this.#begin(secret, { bearer, facts: JSON.stringify({ proof }) }, { lifetimeMs, arrival });
  }

  async beginForPerson(person: KnownPerson, arrival: Arrival): Promise<string> {
    const kept = { bearer: `person:${sha256Hex(person.id)}`, facts: JSON.stringify(person) };
    // Who left a group hears of it at the next login: nobody tells the service.
    return this.#begin(newSecret(), kept, { lifetimeMs: ACTING_MS, arrival });
  }

  async #begin(
    secret: string,
    kept: Pick<KeptSession, 'bearer' | 'facts'>,
    { lifetimeMs, arrival }: { readonly lifetimeMs: number; readonly arrival: Arrival },
  ): Promise<string> {
    const { store, clock } = this.#parts;
    await this.end(arrival);
    const createdAtMs = clock.now();
    await store.beginSession(sha256Hex(secret), { ...kept, createdAtMs, expiresAtMs: createdAtMs + lifetimeMs });
    return this.#cookie(arrival, secret, lifetimeMs / 1000);
  }

  /** Has the request a session's cookie? */
  isClaimed(arrival: Arrival): boolean {
    return this.#secretIn(arrival) !== undefined;
  }

  /** Whose session it is; undefined when it ended, and when its token did. Throws what the store throws. */
  async identify(arrival: Arrival): Promise<Bearer | undefined> {
    const { store, clock, bearers } = this.#parts;
    const secret = this.#secretIn(arrival);
    const kept = secret === undefined ? undefined : await store.findSession(sha256Hex(secret));
    if (kept === undefined || clock.now() >= kept.expiresAtMs) return undefined;
    const [kind, hash = ''] = kept.bearer.split(':');
    if (kind === 'person') return this.#personIn(kept.facts);
    if (kind === 'token') return bearers.findByHash(hash);
    const { proof } = JSON.parse(kept.facts) as { readonly proof: string };
    return bearers.findInEnvironment((token) => sha256Hex(`${secret} ${token}`) === proof);
  }

  #personIn(facts: string): Bearer | undefined {
    const { issuer } = this.#parts;
    const person = JSON.parse(facts) as KnownPerson;
    return issuer !== null && person.id.startsWith(`${issuer} `) ? person : undefined;
  }

  async end(arrival: Arrival): Promise<void> {
    const secret = this.#secretIn(arrival);
    if (secret !== undefined) await this.#parts.store.endSession(sha256Hex(secret));
  }

  /** The header that makes the browser forget its cookie. */
  forgetful(arrival: Arrival): string {
    return this.#cookie(arrival, '', 0);
  }

  #cookie(arrival: Arrival, value: string, seconds: number): string {
    return cookieHeader(this.#parts.site, arrival, { name: SESSION, value, seconds });
  }

  #secretIn(arrival: Arrival): string | undefined {
    const value = cookieIn(this.#parts.site, arrival, SESSION);
    return value !== undefined && /^[A-Za-z0-9_-]{43}$/.test(value) ? value : undefined;
  }
}

const SESSION = 'slipway-session';

function newSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** With TLS no other host of the domain can set it: that is what the prefix makes browsers promise. */
function nameOf(site: OwnSite, arrival: Arrival, name: string): string {
  return isSecure(site, arrival) ? `__Host-${name}` : name;
}

export function cookieHeader(
  site: OwnSite,
  arrival: Arrival,
  { name, value, seconds }: { readonly name: string; readonly value: string; readonly seconds: number },
): string {
  const secure = isSecure(site, arrival) ? '; Secure' : '';
  return `${nameOf(site, arrival, name)}=${value}; Path=/; HttpOnly; SameSite=Lax; Max-Age=${seconds}${secure}`;
}

/** Its value; undefined when it is not there, and when somebody set a second one. */
export function cookieIn(site: OwnSite, arrival: Arrival, name: string): string | undefined {
  const start = `${nameOf(site, arrival, name)}=`;
  const found = (arrival.headers.cookie ?? '').split('; ').filter((one) => one.startsWith(start));
  return found.length === 1 ? found[0]?.slice(start.length) : undefined;
}
