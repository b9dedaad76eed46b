// Owns what a store promises about API tokens: it keeps their hashes alone, and each can be listed and revoked.
import { randomBytes } from 'node:crypto';
import { CodedError } from '../base/errors.ts';
import { API_TOKEN_PREFIX, type ApiToken, type TokenScope } from '../contract/api-token.ts';
import { sha256Hex } from '../contract/digest.ts';
import { TOKEN_KEPT_MS } from './retention.ts';

/** Tokens in force at once. */
export const MOST_API_TOKENS = 1_000;
/** Tokens that are kept in all; the oldest of those that ended go first. */
export const MOST_KEPT_API_TOKENS = 2_000;

export interface ApiTokenOrder {
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  readonly createdBy: string;
  /** null: it never expires. */
  readonly expiresAtMs: number | null;
  readonly nowMs: number;
}

export interface ApiTokenPage {
  /** The newest first. */
  readonly tokens: readonly ApiToken[];
  /** Give it as `before` for older ones; null when there are none. */
  readonly next: number | null;
}

export interface ApiTokens {
  /** Makes a token; the store keeps its hash only. Throws TOKEN_COUNT when too many are in force. */
  createApiToken(order: ApiTokenOrder): Promise<{ readonly token: string; readonly known: ApiToken }>;
  /** The token with this SHA-256 (hexadecimal), in force or not. */
  findApiToken(hash: string): Promise<ApiToken | undefined>;
  /** A page of at most `most`. */
  listApiTokens(page: { readonly before?: number; readonly most: number }): Promise<ApiTokenPage>;
  /** The token as revoked; repeating keeps the first time. undefined when there is none of this id. */
  revokeApiToken(id: string, nowMs: number): Promise<ApiToken | undefined>;
  /** The token as ending then, unless it ends sooner. undefined when there is none of this id. */
  endApiToken(id: string, atMs: number): Promise<ApiToken | undefined>;
  /** It was used. */
  noteApiTokenUse(id: string, nowMs: number): Promise<void>;
  /** Forgets tokens by the rule of `retention.ts`, and gives their number. */
  forgetApiTokens(nowMs: number): Promise<number>;
}

/** A new token, its hash, and what is kept of it. */
export function makeApiToken({ name, scopes, createdBy, expiresAtMs, nowMs }: ApiTokenOrder): {
  readonly token: string;
  readonly hash: string;
  readonly known: ApiToken;
} {
  const token = API_TOKEN_PREFIX + randomBytes(32).toString('base64url');
  const known: ApiToken = {
    ...{ id: randomBytes(6).toString('hex'), name, scopes, createdBy, createdAtMs: Math.floor(nowMs) },
    expiresAtMs: expiresAtMs === null ? null : Math.floor(expiresAtMs),
    ...{ lastUsedAtMs: null, revokedAtMs: null },
  };
  return { token, hash: sha256Hex(token), known };
}

/** When the token ended or ends; null when it never does. */
export function endOf({ expiresAtMs, revokedAtMs }: Pick<ApiToken, 'expiresAtMs' | 'revokedAtMs'>): number | null {
  if (expiresAtMs === null || revokedAtMs === null) return expiresAtMs ?? revokedAtMs;
  return Math.min(expiresAtMs, revokedAtMs);
}

/** Ended so long ago that nobody asks any more why it is refused. */
export function isForgotten(token: ApiToken, nowMs: number): boolean {
  const endMs = endOf(token);
  return endMs !== null && endMs < nowMs - TOKEN_KEPT_MS;
}

export function tooManyTokens(): CodedError {
  return new CodedError({
    code: 'TOKEN_COUNT',
    message: `${MOST_API_TOKENS} API tokens are in force already.`,
    remedy: 'Revoke those that nobody uses: `slipway token list` shows when each was last used.',
  });
}
