// Owns leases in SQLite.
import { grantLease, type KnownLease, type Leases } from '../leases.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

export function leasesIn(db: SqliteDatabase): Leases {
  return {
    acquireLease: (request) =>
      db.transact(() => {
        const granted = grantLease(leaseIn(db, request.name), request);
        if (granted === null) return null;
        db.prepare(
          `INSERT INTO lease (name, holder, token, expires_at) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at`,
        ).run(request.name, granted.holder, granted.token, granted.expiresAtMs);
        return granted.token;
      }),

    releaseLease: (name, token) =>
      db.once(() => {
        db.prepare('UPDATE lease SET holder = NULL WHERE name = ? AND token = ?').run(name, token);
      }),

    findLease: (name) => db.once(() => leaseIn(db, name)),
  };
}

function leaseIn(db: SqliteDatabase, name: string): KnownLease | undefined {
  const row = db.prepare('SELECT holder, token, expires_at FROM lease WHERE name = ?').get(name);
  return (
    row && {
      holder: row.holder === null ? null : textual(row.holder),
      token: integer(row.token),
      expiresAtMs: integer(row.expires_at),
    }
  );
}

/** Is the fencing token the one of the present holder? Inside the transaction that depends on it. */
export function holdsLease(db: SqliteDatabase, { lease, token }: { readonly lease: string; readonly token: number }) {
  return db.prepare('SELECT token FROM lease WHERE name = ? AND holder IS NOT NULL').get(lease)?.token === token;
}
