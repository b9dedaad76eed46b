// Owns the messages that make, list and revoke tokens, each with the parser of whoever receives it (schemas/token-messages.schema.json).
import { parseInstant, toIsoSeconds } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { type ApiToken, TOKEN_SCOPES, type TokenScope } from './api-token.ts';
import { parseDurationMs } from './duration.ts';
import { isDeviceId, type Members, parseLabels } from './report-reader.ts';

/** An API token that is asked for. */
export interface ApiTokenRequest {
  readonly name: string;
  readonly scopes: readonly TokenScope[];
  /** null: it never expires. */
  readonly lifetimeMs: number | null;
}

/** Enrolment tokens that are asked for. */
export interface EnrolmentTokenRequest {
  readonly count: number;
  readonly lifetimeMs: number;
  readonly labels: Readonly<Record<string, string>>;
  /** The only device that may use them. */
  readonly device?: string;
}

export const DEFAULT_API_TOKEN_LIFETIME = '90d';
export const DEFAULT_ENROLMENT_TOKEN_LIFETIME = '24h';
export const MOST_ENROLMENT_TOKENS = 10_000;
export const MOST_TOKEN_NAME = 100;
/** A token that expires before anybody can use it helps nobody. */
export const SHORTEST_TOKEN_MS = 1_000;

function refuse(message: string, remedy: string): never {
  throw new CodedError({ code: 'TOKEN_ORDER', message, remedy });
}

/** An unknown member may be a limit with a typo: the token would come without it. */
function membersOf(value: unknown, known: readonly string[]): Members {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return refuse('The request is not an object.', `Send JSON with ${known.join(', ')}.`);
  const stranger = Object.keys(value).find((name) => !known.includes(name));
  if (stranger === undefined) return value as Members;
  return refuse(
    `The request has the unknown member ${JSON.stringify(stranger.slice(0, 60))}.`,
    `Known are ${known.join(', ')}.`,
  );
}

/** Milliseconds of a duration. Throws TOKEN_ORDER. */
export function parseTokenLifetime(value: unknown, name = 'expires'): number {
  try {
    const ms = parseDurationMs(typeof value === 'string' ? value : '');
    if (ms >= SHORTEST_TOKEN_MS) return ms;
  } catch {
    // Refused below, in the words of this message.
  }
  return refuse(`\`${name}\` is not a duration from one second to ten years.`, 'Write it like `24h` or `90d`.');
}

/** May a token have this name? Printable, without white space at its ends. */
export function isTokenName(value: unknown): value is string {
  const isText = typeof value === 'string' && value.length <= MOST_TOKEN_NAME;
  return isText && /^[^\p{C}\p{Z}](?:[^\p{C}\p{Zl}\p{Zp}]*[^\p{C}\p{Z}])?$/u.test(value);
}

/** Throws TOKEN_ORDER. */
export function parseApiTokenRequest(value: unknown): ApiTokenRequest {
  const { name, scopes, expires = DEFAULT_API_TOKEN_LIFETIME } = membersOf(value, ['name', 'scopes', 'expires']);
  if (!isTokenName(name))
    return refuse(
      `\`name\` is not a text of 1 to ${MOST_TOKEN_NAME} printable characters.`,
      'Say what the token is for.',
    );
  const known = TOKEN_SCOPES.filter((scope) => Array.isArray(scopes) && scopes.includes(scope));
  if (!Array.isArray(scopes) || known.length === 0 || known.length !== scopes.length)
    return refuse('`scopes` is not a list of different scopes.', `Choose from ${TOKEN_SCOPES.join(', ')}.`);
  return { name, scopes: known, lifetimeMs: expires === 'never' ? null : parseTokenLifetime(expires) };
}

/** Throws TOKEN_ORDER. */
export function parseEnrolmentTokenRequest(value: unknown): EnrolmentTokenRequest {
  const given = membersOf(value, ['count', 'expires', 'labels', 'device']);
  const { count = 1, expires = DEFAULT_ENROLMENT_TOKEN_LIFETIME, labels = {}, device } = given;
  const isCount = Number.isInteger(count) && Number(count) >= 1 && Number(count) <= MOST_ENROLMENT_TOKENS;
  if (!isCount)
    return refuse(
      `\`count\` is not a whole number from 1 to ${MOST_ENROLMENT_TOKENS}.`,
      'Ask more than once for more.',
    );
  if (device !== undefined && !isDeviceId(device))
    return refuse('`device` is not the id of a device.', 'Use letters, digits and . _ : @ -, at most 128.');
  return {
    count: Number(count),
    lifetimeMs: parseTokenLifetime(expires),
    labels: labelsOf(labels),
    ...(device === undefined ? {} : { device }),
  };
}

function labelsOf(value: unknown): Readonly<Record<string, string>> {
  try {
    return parseLabels(value);
  } catch (cause) {
    const remedy = 'Send names of at most 128 characters with texts of at most 256, and at most 64 of them.';
    throw new CodedError({
      code: 'TOKEN_ORDER',
      message: '`labels` are not labels that a device can have.',
      remedy,
      cause,
    });
  }
}

/** As `GET /v1/tokens` shows it. */
export function apiTokenToJson(token: ApiToken): Readonly<Record<string, unknown>> {
  const instant = (ms: number | null): string | null => (ms === null ? null : toIsoSeconds(ms));
  const { id, name, scopes, createdBy, createdAtMs, expiresAtMs, lastUsedAtMs, revokedAtMs } = token;
  return {
    ...{ id, name, scopes, createdBy, createdAt: instant(createdAtMs), expiresAt: instant(expiresAtMs) },
    ...{ lastUsedAt: instant(lastUsedAtMs), revokedAt: instant(revokedAtMs) },
  };
}

function instantOf(value: unknown): number | null | undefined {
  return value === null ? null : parseInstant(String(value));
}

/** undefined when it is none. Scopes of a newer service are shown as they are. */
export function findTokenFacts(value: unknown): ApiToken | undefined {
  const { id, name, scopes, createdBy, createdAt, expiresAt, lastUsedAt, revokedAt } = Object(value) as Members;
  const texts = [id, name, createdBy, ...(Array.isArray(scopes) ? scopes : [undefined])];
  const [createdAtMs, expiresAtMs] = [instantOf(createdAt), instantOf(expiresAt)];
  const [lastUsedAtMs, revokedAtMs] = [instantOf(lastUsedAt), instantOf(revokedAt)];
  const areTexts = texts.every((one) => typeof one === 'string' && one.length <= 200);
  if (!areTexts || typeof createdAtMs !== 'number') return undefined;
  if (expiresAtMs === undefined || lastUsedAtMs === undefined || revokedAtMs === undefined) return undefined;
  return {
    ...{ id: String(id), name: String(name), scopes: scopes as TokenScope[], createdBy: String(createdBy) },
    ...{ createdAtMs, expiresAtMs, lastUsedAtMs, revokedAtMs },
  };
}
