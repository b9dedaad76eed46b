// Owns API tokens in SQLite.
import type { ApiToken, TokenScope } from '../../contract/api-token.ts';
import { type ApiTokens, MOST_API_TOKENS, MOST_KEPT_API_TOKENS, makeApiToken, tooManyTokens } from '../api-tokens.ts';
import { TOKEN_KEPT_MS } from '../retention.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

/** When a token ended; of one in force it is later than now, or NULL. */
const END = 'coalesce(min(expires_at, revoked_at), expires_at, revoked_at)';

export function apiTokensIn(db: SqliteDatabase): ApiTokens {
  return {
    createApiToken: (order) => {
      const { token, hash, known } = makeApiToken(order);
      return db.transact(() => {
        makeRoom(db, known.createdAtMs);
        const { id, name, scopes, createdBy, createdAtMs, expiresAtMs } = known;
        db.prepare(
          `INSERT INTO api_token (hash, id, name, scopes, created_by, created_at, expires_at)
           VALUES (?, ?, ?, ?, ?, ?, ?)`,
        ).run(hash, id, name, JSON.stringify(scopes), createdBy, createdAtMs, expiresAtMs);
        return { token, known };
      });
    },

    findApiToken: (hash) =>
      db.once(() => {
        const row = db.prepare('SELECT * FROM api_token WHERE hash = ?').get(hash);
        return row && toToken(row);
      }),

    listApiTokens: ({ before = Number.MAX_SAFE_INTEGER, most }) =>
      db.once(() => {
        const rows = db
          .prepare('SELECT * FROM api_token WHERE number < ? ORDER BY number DESC LIMIT ?')
          .all(before, most + 1);
        const shown = rows.slice(0, most);
        const next = rows.length > most ? integer(shown.at(-1)?.number) : null;
        return { tokens: shown.map(toToken), next };
      }),

    revokeApiToken: (id, nowMs) =>
      db.transact(() => {
        const row = db
          .prepare('UPDATE api_token SET revoked_at = coalesce(revoked_at, ?) WHERE id = ? RETURNING *')
          .get(Math.floor(nowMs), id);
        return row && toToken(row);
      }),

    endApiToken: (id, atMs) =>
      db.transact(() => {
        const row = db
          .prepare('UPDATE api_token SET expires_at = min(coalesce(expires_at, ?1), ?1) WHERE id = ?2 RETURNING *')
          .get(Math.floor(atMs), id);
        return row && toToken(row);
      }),

    noteApiTokenUse: (id, nowMs) =>
      db.once(() => {
        db.prepare('UPDATE api_token SET last_used_at = max(coalesce(last_used_at, 0), ?) WHERE id = ?').run(
          Math.floor(nowMs),
          id,
        );
      }),

    forgetApiTokens: (nowMs) =>
      db.once(() => {
        const { changes } = db.prepare(`DELETE FROM api_token WHERE ${END} < ?`).run(Math.floor(nowMs) - TOKEN_KEPT_MS);
        return Number(changes);
      }),
  };
}

/** Inside a transaction, before a token is added. */
function makeRoom(db: SqliteDatabase, nowMs: number): void {
  const inForce = db.prepare(`SELECT count(*) AS count FROM api_token WHERE ${END} IS NULL OR ${END} > ?`).get(nowMs);
  if (integer(inForce?.count) >= MOST_API_TOKENS) throw tooManyTokens();
  db.prepare(
    `DELETE FROM api_token WHERE number IN (
       SELECT number FROM api_token WHERE ${END} <= ? ORDER BY number
       LIMIT max(0, (SELECT count(*) FROM api_token) - ${MOST_KEPT_API_TOKENS - 1}))`,
  ).run(nowMs);
}

function toToken(row: Readonly<Record<string, unknown>>): ApiToken {
  const instant = (value: unknown): number | null => (value === null ? null : integer(value));
  return {
    id: textual(row.id),
    name: textual(row.name),
    scopes: JSON.parse(textual(row.scopes)) as TokenScope[],
    createdBy: textual(row.created_by),
    createdAtMs: integer(row.created_at),
    expiresAtMs: instant(row.expires_at),
    lastUsedAtMs: instant(row.last_used_at),
    revokedAtMs: instant(row.revoked_at),
  };
}
