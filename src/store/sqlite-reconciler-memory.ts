// Owns the reconciler's memory in SQLite: statuses seen, emergency rollbacks, leases, and the publication record.
import { CodedError } from '../base/errors.ts';
import { canonicalJson, type JsonValue } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import type { EmergencyRollback, LeaseRequest, Publication, PublicationOrder, SeenStatus } from './fleet-store.ts';
import { integer, raiseCounter, readCounter, textual, writeCounter } from './sqlite-counters.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const MOST_HOLDING_BYTES = 65_536;

export function recordSeen(db: SqliteDatabase, rollout: string, seen: SeenStatus): 'recorded' | 'stale' | 'conflict' {
  return db.transact(() => {
    const known = db.prepare('SELECT revision, status FROM seen_status WHERE rollout = ?').get(rollout);
    const status = canonicalJson(seen.status);
    if (known !== undefined && integer(known.revision) > seen.revision) return 'stale';
    if (known !== undefined && known.revision === seen.revision && known.status !== status) return 'conflict';
    db.prepare(
      `INSERT INTO seen_status (rollout, revision, commit_id, status) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET revision = excluded.revision, commit_id = excluded.commit_id, status = excluded.status`,
    ).run(rollout, seen.revision, seen.commit, status);
    raiseCounter(db, 'seen');
    return 'recorded';
  });
}

/** Reads the statuses seen. The loop asks each cycle: what did not change since is neither read nor decoded again. */
export class SeenStatuses {
  #known: ReadonlyMap<string, SeenStatus> = new Map();
  #change = -1;

  read(db: SqliteDatabase): ReadonlyMap<string, SeenStatus> {
    return db.read(() => {
      const change = readCounter(db, 'seen');
      if (change === this.#change) return this.#known;
      const rows = db.prepare('SELECT rollout, revision, commit_id FROM seen_status').all();
      this.#known = new Map(rows.map((row) => [textual(row.rollout), this.#one(db, row)]));
      this.#change = change;
      return this.#known;
    });
  }

  #one(db: SqliteDatabase, row: Readonly<Record<string, unknown>>): SeenStatus {
    const rollout = textual(row.rollout);
    const known = this.#known.get(rollout);
    if (known !== undefined && known.revision === row.revision && known.commit === row.commit_id) return known;
    const { status } = db.prepare('SELECT status FROM seen_status WHERE rollout = ?').get(rollout) ?? {};
    return {
      revision: integer(row.revision),
      commit: textual(row.commit_id),
      status: JSON.parse(textual(status)) as JsonValue,
    };
  }
}

export function putEmergencyRollback(db: SqliteDatabase, one: EmergencyRollback): void {
  const inForceSince = one.inForceSinceMs === null ? null : Math.floor(one.inForceSinceMs);
  db.prepare(
    `INSERT INTO emergency_rollback (rollout, revision, reason, waits_since, in_force_since) VALUES (?, ?, ?, ?, ?)
     ON CONFLICT DO UPDATE SET revision = excluded.revision, reason = excluded.reason, waits_since = excluded.waits_since,
       in_force_since = excluded.in_force_since`,
  ).run(one.rollout, one.revision, one.reason, Math.floor(one.waitsSinceMs), inForceSince);
}

export function dropEmergencyRollback(db: SqliteDatabase, rollout: string): void {
  db.prepare('DELETE FROM emergency_rollback WHERE rollout = ?').run(rollout);
}

export function readEmergencyRollbacks(db: SqliteDatabase): ReadonlyMap<string, EmergencyRollback> {
  const rows = db
    .prepare('SELECT rollout, revision, reason, waits_since, in_force_since FROM emergency_rollback')
    .all();
  return new Map(
    rows.map((row) => {
      const rollout = textual(row.rollout);
      const one = {
        rollout,
        revision: integer(row.revision),
        reason: textual(row.reason),
        waitsSinceMs: integer(row.waits_since),
        inForceSinceMs: row.in_force_since === null ? null : integer(row.in_force_since),
      };
      return [rollout, one];
    }),
  );
}

const MOST_LEASE_MS = 10 * 60_000;

/** The token grows whenever the lease was free or another's, so that who held it before is recognised as late. */
export function acquireLease(db: SqliteDatabase, { name, holder, ttlMs, nowMs }: LeaseRequest): number | null {
  return db.transact(() => {
    const known = db.prepare('SELECT holder, token, expires_at FROM lease WHERE name = ?').get(name);
    // An end further off than any lease lasts was written by a clock that ran ahead.
    const expiresAt = known === undefined ? 0 : integer(known.expires_at);
    const isHeld =
      known !== undefined && known.holder !== null && expiresAt > nowMs && expiresAt <= nowMs + MOST_LEASE_MS;
    if (isHeld && known.holder !== holder) return null;
    const token = isHeld ? integer(known.token) : (known === undefined ? 0 : integer(known.token)) + 1;
    db.prepare(
      `INSERT INTO lease (name, holder, token, expires_at) VALUES (?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at`,
    ).run(name, holder, token, Math.floor(nowMs + ttlMs));
    return token;
  });
}

/** Does nothing when the token is no longer the lease's. */
export function releaseLease(db: SqliteDatabase, name: string, token: number): void {
  db.prepare('UPDATE lease SET holder = NULL WHERE name = ? AND token = ?').run(name, token);
}

function readPublication(db: SqliteDatabase): Publication {
  const row = db.prepare('SELECT sequence, directive, metadata_version FROM publication').get();
  if (row === undefined) return { sequence: 0, directive: null, metadataVersion: 0 };
  return {
    sequence: integer(row.sequence),
    directive: JSON.parse(textual(row.directive)) as Directive,
    metadataVersion: integer(row.metadata_version),
  };
}

/** Reads the publication record. The loop asks several times a cycle: a directive is decoded once. */
export class PublicationRecord {
  #known: Publication | undefined;

  read(db: SqliteDatabase): Publication {
    const row = db.prepare('SELECT sequence, metadata_version FROM publication').get();
    const known = this.#known;
    if (known !== undefined && known.sequence === row?.sequence && known.metadataVersion === row.metadata_version)
      return known;
    this.#known = readPublication(db);
    return this.#known;
  }
}

export function reserveMetadataVersion(db: SqliteDatabase, above: number): number {
  return db.transact(() => {
    const version = Math.max(readCounter(db, 'metadata_version'), above) + 1;
    writeCounter(db, 'metadata_version', version);
    return version;
  });
}

/**
 * Checks lease and sequence, swaps, commits. A kill between swap and commit leaves a swap without record: the next holder
 * publishes again under a higher version, which the swap allows.
 */
export function commitPublication(db: SqliteDatabase, order: PublicationOrder): 'published' | 'lost' {
  return db.transact(() => {
    const lease = db.prepare('SELECT token FROM lease WHERE name = ? AND holder IS NOT NULL').get(order.lease);
    if (lease?.token !== order.token) return 'lost';
    const before = readPublication(db);
    if (before.sequence !== order.expectedSequence || order.metadataVersion <= before.metadataVersion) return 'lost';
    db.prepare(
      `INSERT INTO publication (only, sequence, directive, metadata_version) VALUES (1, ?, ?, ?)
       ON CONFLICT DO UPDATE SET sequence = excluded.sequence, directive = excluded.directive, metadata_version = excluded.metadata_version`,
    ).run(before.sequence + 1, canonicalJson(order.directive), order.metadataVersion);
    if (readCounter(db, 'metadata_version') < order.metadataVersion)
      writeCounter(db, 'metadata_version', order.metadataVersion);
    order.swap();
    return 'published';
  });
}

export function putHolding(db: SqliteDatabase, name: string, value: JsonValue): void {
  const text = canonicalJson(value);
  if (Buffer.byteLength(text) > MOST_HOLDING_BYTES) {
    throw new CodedError({
      code: 'STORE_HOLDING_SIZE',
      kind: 'bug',
      message: `The holding "${name}" exceeds ${MOST_HOLDING_BYTES} bytes.`,
    });
  }
  db.prepare('INSERT INTO holding (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(
    name,
    text,
  );
}

export function readHolding(db: SqliteDatabase, name: string): JsonValue | undefined {
  const row = db.prepare('SELECT value FROM holding WHERE name = ?').get(name);
  return row === undefined ? undefined : (JSON.parse(textual(row.value)) as JsonValue);
}
