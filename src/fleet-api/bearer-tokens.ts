// Owns whom a bearer token stands for: tokens of the environment and of the store, with a limit on wrong ones.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import { type ApiToken, isApiTokenText, type TokenScope } from '../contract/api-token.ts';
import { sha256Hex } from '../contract/digest.ts';
import { isSecret } from './is-secret.ts';
import { type RateLimit, RateLimiter } from './rate-limit.ts';

/** Who asks. */
export interface Bearer {
  /** Id of the token, `environment`, or issuer and subject of a person. */
  readonly id: string;
  /** What people call it: the token's name, or the person's. */
  readonly name: string;
  /** For commits. A token has no mailbox: its address names its id, and nobody gets mail there. */
  readonly email: string;
  readonly scopes: readonly TokenScope[];
}

export type Bearing =
  | { readonly kind: 'bearer'; readonly bearer: Bearer }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'ended'; readonly how: 'expired' | 'revoked'; readonly token: ApiToken }
  /** Too many wrong tokens came from the address. */
  | { readonly kind: 'limited'; readonly seconds: number };

export interface BearerTokenParts {
  /** The fleet store. */
  readonly store: {
    findApiToken(hash: string): Promise<ApiToken | undefined>;
    noteApiTokenUse(id: string, nowMs: number): Promise<void>;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly wrongPerAddress: RateLimit;
  /** Tokens of the environment; those that are missing or empty open nothing. */
  readonly viewerToken?: string | undefined;
  readonly adminToken?: string | undefined;
}

/** So long an answer of the store is taken again: a revocation in any process counts after that at the latest. */
const KNOWN_MS = 1_000;
const MOST_KNOWN = 2_000;
/** A use is written down at most so often. */
const NOTE_EVERY_MS = 5 * 60_000;

interface Known {
  readonly found: Promise<ApiToken | undefined>;
  readonly untilMs: number;
}

export class BearerTokens {
  readonly #parts: BearerTokenParts;
  readonly #wrong: RateLimiter;
  /** By hash, the one read last at the end. */
  readonly #known = new Map<string, Known>();
  /** By id: when a use was last written down, in monotonic time. */
  readonly #noted = new Map<string, number>();

  constructor(parts: BearerTokenParts) {
    this.#parts = parts;
    this.#wrong = new RateLimiter(parts.wrongPerAddress);
  }

  /** Throws what the store throws. */
  async identify(presented: string, address: string): Promise<Bearing> {
    const nowMs = this.#parts.clock.monotonicMs();
    if (!isApiTokenText(presented)) {
      // People choose these, so they may be guessed: beyond the limit a right one is refused like a wrong one.
      const seconds = this.#wrong.wait(address, nowMs);
      if (seconds > 0) return { kind: 'limited', seconds };
      const scope = this.#scopeOfEnvironment(presented);
      return scope === undefined ? this.#wrongFrom(address, nowMs) : { kind: 'bearer', bearer: ofEnvironment(scope) };
    }
    // 256 random bits, found by their hash: neither guesses nor the time of the search bring anybody nearer.
    const token = await this.#find(sha256Hex(presented), nowMs);
    return token === undefined ? this.#wrongFrom(address, nowMs) : this.#judge(token, nowMs);
  }

  /** The token of this hash, while it is in force. Throws what the store throws. */
  async findByHash(hash: string): Promise<Bearer | undefined> {
    const nowMs = this.#parts.clock.monotonicMs();
    const token = await this.#find(hash, nowMs);
    const bearing = token && this.#judge(token, nowMs);
    return bearing?.kind === 'bearer' ? bearing.bearer : undefined;
  }

  /** The token of the environment that is the one, as long as it is set. */
  findInEnvironment(isIt: (token: string) => boolean): Bearer | undefined {
    const { adminToken = '', viewerToken = '' } = this.#parts;
    if (adminToken !== '' && isIt(adminToken)) return ofEnvironment('admin');
    return viewerToken !== '' && isIt(viewerToken) ? ofEnvironment('view') : undefined;
  }

  #judge(token: ApiToken, nowMs: number): Bearing {
    const { id, name, scopes, expiresAtMs, revokedAtMs } = token;
    if (revokedAtMs !== null) return { kind: 'ended', how: 'revoked', token };
    if (expiresAtMs !== null && this.#parts.clock.now() >= expiresAtMs) return { kind: 'ended', how: 'expired', token };
    this.#noteUse(token, nowMs);
    return { kind: 'bearer', bearer: { id, name, email: `${id}@token.invalid`, scopes } };
  }

  #wrongFrom(address: string, nowMs: number): Bearing {
    const seconds = this.#wrong.take(address, nowMs);
    return seconds === 0 ? { kind: 'unknown' } : { kind: 'limited', seconds };
  }

  #scopeOfEnvironment(presented: string): 'admin' | 'view' | undefined {
    const { adminToken = '', viewerToken = '' } = this.#parts;
    const [isAdmin, isViewer] = [isSecret(presented, adminToken), isSecret(presented, viewerToken)];
    if (isAdmin) return 'admin';
    return isViewer ? 'view' : undefined;
  }

  #find(hash: string, nowMs: number): Promise<ApiToken | undefined> {
    const known = this.#known.get(hash);
    if (known !== undefined && nowMs < known.untilMs) return known.found;
    const found = this.#parts.store.findApiToken(hash);
    const entry = { found, untilMs: nowMs + KNOWN_MS };
    this.#known.delete(hash);
    this.#known.set(hash, entry);
    const forget = (): void => {
      if (this.#known.get(hash) === entry) this.#known.delete(hash);
    };
    // A token that is made a moment later must count at once.
    found.then((token) => token ?? forget(), forget);
    const [oldest] = this.#known.keys();
    if (this.#known.size > MOST_KNOWN && oldest !== undefined) this.#known.delete(oldest);
    return found;
  }

  /** A store that can't write takes no request with it. */
  #noteUse({ id, lastUsedAtMs }: ApiToken, nowMs: number): void {
    const { store, clock, logger } = this.#parts;
    const atMs = clock.now();
    if (lastUsedAtMs !== null && Math.abs(atMs - lastUsedAtMs) < NOTE_EVERY_MS) return;
    if (nowMs - (this.#noted.get(id) ?? Number.NEGATIVE_INFINITY) < NOTE_EVERY_MS) return;
    if (this.#noted.size >= MOST_KNOWN) this.#noted.clear();
    this.#noted.set(id, nowMs);
    store.noteApiTokenUse(id, atMs).catch((error: unknown) => {
      logger.warn('the use of an API token could not be noted', { id, error });
    });
  }
}

function ofEnvironment(scope: 'admin' | 'view'): Bearer {
  const name = scope === 'admin' ? 'SLIPWAY_ADMIN_TOKEN' : 'SLIPWAY_VIEWER_TOKEN';
  return { id: 'environment', name, email: 'environment@token.invalid', scopes: [scope] };
}
