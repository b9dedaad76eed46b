// Owns what the service and its clients agree on about API tokens: their scopes, and what is known of one.

/**
 * What a token opens. `report`: plain reports of devices without an agent. `view`: state, verdicts and metrics. `operate`: requests that steer
 * rollouts, which the service commits. `publish`: uploads of artifacts. `enrol`: making enrolment tokens. `admin`: everything, and API tokens themselves.
 */
export const TOKEN_SCOPES = ['report', 'view', 'operate', 'publish', 'enrol', 'admin'] as const;
export type TokenScope = (typeof TOKEN_SCOPES)[number];

/** Do the scopes of a token open what needs this one? */
export function allowsScope(scopes: readonly TokenScope[], needed: TokenScope): boolean {
  return scopes.includes(needed) || scopes.includes('admin');
}

/** Tells an API token from an enrolment token, and lets scanners find one that leaked. */
export const API_TOKEN_PREFIX = 'slipwayapi_';
export const ENROLMENT_TOKEN_PREFIX = 'slipway_';

/** Could it be a token that a store made? */
export function isApiTokenText(text: string): boolean {
  return /^slipwayapi_[A-Za-z0-9_-]{43}$/.test(text);
}

/** What is known of a token; never the token itself. */
export interface ApiToken {
  readonly id: string;
  /** What it is for, in its maker's words. */
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  /** Id of the token that made it, or where it was made. */
  readonly createdBy: string;
  readonly createdAtMs: number;
  /** null: it never expires. */
  readonly expiresAtMs: number | null;
  /** To a few minutes; null before the first use. */
  readonly lastUsedAtMs: number | null;
  readonly revokedAtMs: number | null;
}
