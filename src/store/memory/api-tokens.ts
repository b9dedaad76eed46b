// Owns API tokens in memory.
import type { ApiToken } from '../../contract/api-token.ts';
import {
  type ApiTokens,
  endOf,
  isForgotten,
  MOST_API_TOKENS,
  MOST_KEPT_API_TOKENS,
  makeApiToken,
  tooManyTokens,
} from '../api-tokens.ts';

interface NumberedToken {
  readonly number: number;
  readonly token: ApiToken;
}

export function apiTokensInMemory(): ApiTokens {
  /** By hash, the oldest first. */
  const tokens = new Map<string, NumberedToken>();
  let newest = 0;
  const change = (id: string, over: (before: ApiToken) => Partial<ApiToken>): ApiToken | undefined => {
    for (const [hash, { number, token }] of tokens) {
      if (token.id !== id) continue;
      const after = { ...token, ...over(token) };
      tokens.set(hash, { number, token: after });
      return after;
    }
    return undefined;
  };
  const makeRoom = (nowMs: number): void => {
    const ended = [...tokens].filter(([, { token }]) => (endOf(token) ?? Number.POSITIVE_INFINITY) <= nowMs);
    if (tokens.size - ended.length >= MOST_API_TOKENS) throw tooManyTokens();
    const surplus = Math.max(0, tokens.size - (MOST_KEPT_API_TOKENS - 1));
    for (const [hash] of ended.slice(0, surplus)) tokens.delete(hash);
  };
  return {
    createApiToken: async (order) => {
      const { token, hash, known } = makeApiToken(order);
      makeRoom(known.createdAtMs);
      newest += 1;
      tokens.set(hash, { number: newest, token: known });
      return { token, known };
    },

    findApiToken: async (hash) => tokens.get(hash)?.token,

    listApiTokens: async ({ before = Number.POSITIVE_INFINITY, most }) => {
      const older = [...tokens.values()].filter(({ number }) => number < before).reverse();
      const shown = older.slice(0, most);
      return {
        tokens: shown.map(({ token }) => token),
        next: older.length > most ? (shown.at(-1)?.number ?? null) : null,
      };
    },

    revokeApiToken: async (id, nowMs) =>
      change(id, ({ revokedAtMs }) => ({ revokedAtMs: revokedAtMs ?? Math.floor(nowMs) })),

    endApiToken: async (id, atMs) =>
      change(id, ({ expiresAtMs }) => ({
        expiresAtMs: Math.min(expiresAtMs ?? Number.POSITIVE_INFINITY, Math.floor(atMs)),
      })),

    noteApiTokenUse: async (id, nowMs) => {
      change(id, ({ lastUsedAtMs }) => ({ lastUsedAtMs: Math.max(lastUsedAtMs ?? 0, Math.floor(nowMs)) }));
    },

    forgetApiTokens: async (nowMs) => {
      const before = tokens.size;
      for (const [hash, { token }] of tokens) if (isForgotten(token, nowMs)) tokens.delete(hash);
      return before - tokens.size;
    },
  };
}
