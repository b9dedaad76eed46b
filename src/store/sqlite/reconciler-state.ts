// Owns the reconciler's state in SQLite: statuses seen, emergency rollbacks, the publication record, and small values by name.
import { canonicalJson, type JsonValue } from '../../contract/digest.ts';
import type { Directive } from '../../contract/directive.ts';
import {
  compareSeen,
  encodeValue,
  type Publication,
  type ReconcilerState,
  type SeenStatus,
} from '../reconciler-state.ts';
import { integer, raiseCounter, readCounter, textual, writeCounter } from './counters.ts';
import type { SqliteDatabase } from './database.ts';
import { holdsLease } from './leases.ts';

export function reconcilerStateIn(db: SqliteDatabase): ReconcilerState {
  const seenStatuses = new SeenStatuses(db);
  const publication = new PublicationRecord(db);
  return {
    recordSeen: (rollout, seen) =>
      db.transact(() => {
        const known = db.prepare('SELECT revision, status FROM seen_status WHERE rollout = ?').get(rollout);
        const status = canonicalJson(seen.status);
        const before = known && { revision: integer(known.revision), status: textual(known.status) };
        const answer = compareSeen(before, { revision: seen.revision, status });
        if (answer !== 'recorded') return answer;
        db.prepare(
          `INSERT INTO seen_status (rollout, revision, commit_id, status) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET revision = excluded.revision, commit_id = excluded.commit_id, status = excluded.status`,
        ).run(rollout, seen.revision, seen.commit, status);
        raiseCounter(db, 'seen');
        return answer;
      }),

    readSeen: () => db.read(() => seenStatuses.read()),

    setEmergencyRollback: ({ rollout, revision, reason, waitsSinceMs, inForceSinceMs }) =>
      db.once(() => {
        db.prepare(
          `INSERT INTO emergency_rollback (rollout, revision, reason, waits_since, in_force_since) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET revision = excluded.revision, reason = excluded.reason,
             waits_since = excluded.waits_since, in_force_since = excluded.in_force_since`,
        ).run(
          rollout,
          revision,
          reason,
          Math.floor(waitsSinceMs),
          inForceSinceMs === null ? null : Math.floor(inForceSinceMs),
        );
      }),

    clearEmergencyRollback: (rollout) =>
      db.once(() => {
        db.prepare('DELETE FROM emergency_rollback WHERE rollout = ?').run(rollout);
      }),

    readEmergencyRollbacks: () =>
      db.once(() => {
        const rows = db.prepare('SELECT * FROM emergency_rollback').all();
        const rollbacks = rows.map((row) => ({
          rollout: textual(row.rollout),
          revision: integer(row.revision),
          reason: textual(row.reason),
          waitsSinceMs: integer(row.waits_since),
          inForceSinceMs: row.in_force_since === null ? null : integer(row.in_force_since),
        }));
        return new Map(rollbacks.map((one) => [one.rollout, one]));
      }),

    readPublication: () => db.read(() => publication.read()),

    reserveMetadataVersion: (above = 0) =>
      db.transact(() => {
        const version = Math.max(readCounter(db, 'metadata_version'), above) + 1;
        writeCounter(db, 'metadata_version', version);
        return version;
      }),

    /**
     * A kill between swap and commit leaves a swap without record: the next holder publishes again under a higher version, which the swap
     * allows.
     */
    commitPublication: (order) =>
      db.transactWaiting(async () => {
        const before = publication.read();
        const isNext = before.sequence === order.expectedSequence && order.metadataVersion > before.metadataVersion;
        if (!isNext || !holdsLease(db, order)) return 'lost';
        db.prepare(
          `INSERT INTO publication (only, sequence, directive, metadata_version) VALUES (1, ?, ?, ?)
           ON CONFLICT DO UPDATE SET sequence = excluded.sequence, directive = excluded.directive, metadata_version = excluded.metadata_version`,
        ).run(before.sequence + 1, canonicalJson(order.directive), order.metadataVersion);
        writeCounter(db, 'metadata_version', Math.max(readCounter(db, 'metadata_version'), order.metadataVersion));
        await order.swap();
        return 'published';
      }),

    putValue: async (name, value) => {
      const text = encodeValue(name, value);
      await db.once(() => {
        db.prepare(
          'INSERT INTO named_value (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value',
        ).run(name, text);
      });
    },

    readValue: (name) =>
      db.once(() => {
        const row = db.prepare('SELECT value FROM named_value WHERE name = ?').get(name);
        return row === undefined ? undefined : (JSON.parse(textual(row.value)) as JsonValue);
      }),
  };
}

/** Reads the statuses seen. The loop asks each cycle: what did not change since is neither read nor decoded again. */
class SeenStatuses {
  readonly #db: SqliteDatabase;
  #known: ReadonlyMap<string, SeenStatus> = new Map();
  #change = -1;

  constructor(db: SqliteDatabase) {
    this.#db = db;
  }

  read(): ReadonlyMap<string, SeenStatus> {
    const change = readCounter(this.#db, 'seen');
    if (change === this.#change) return this.#known;
    const rows = this.#db.prepare('SELECT rollout, revision, commit_id FROM seen_status').all();
    this.#known = new Map(rows.map((row) => [textual(row.rollout), this.#one(row)]));
    this.#change = change;
    return this.#known;
  }

  #one(row: Readonly<Record<string, unknown>>): SeenStatus {
    const rollout = textual(row.rollout);
    const known = this.#known.get(rollout);
    if (known !== undefined && known.revision === row.revision && known.commit === row.commit_id) return known;
    const { status } = this.#db.prepare('SELECT status FROM seen_status WHERE rollout = ?').get(rollout) ?? {};
    return {
      revision: integer(row.revision),
      commit: textual(row.commit_id),
      status: JSON.parse(textual(status)) as JsonValue,
    };
  }
}

/** Reads the publication record. The loop asks several times a cycle: a directive is decoded once. */
class PublicationRecord {
  readonly #db: SqliteDatabase;
  #known: Publication = { sequence: 0, directive: null, metadataVersion: 0 };

  constructor(db: SqliteDatabase) {
    this.#db = db;
  }

  read(): Publication {
    const row = this.#db.prepare('SELECT sequence, metadata_version FROM publication').get();
    if (row === undefined) return { sequence: 0, directive: null, metadataVersion: 0 };
    const known = this.#known;
    if (known.sequence === row.sequence && known.metadataVersion === row.metadata_version) return known;
    const { directive } = this.#db.prepare('SELECT directive FROM publication').get() ?? {};
    this.#known = {
      sequence: integer(row.sequence),
      directive: JSON.parse(textual(directive)) as Directive,
      metadataVersion: integer(row.metadata_version),
    };
    return this.#known;
  }
}
