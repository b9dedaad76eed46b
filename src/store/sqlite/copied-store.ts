// Owns copies of the SQLite store: taken while others write to it, and made ready to serve in another home.
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../base/clock.ts';
import { integer, readCounter, writeCounter } from './counters.ts';
import { SqliteDatabase } from './database.ts';
import { storeDamaged, toStoreError } from './store-errors.ts';
import { readId } from './store-identity.ts';

/** What a copy says of itself. */
export interface CopiedStore {
  readonly storeId: string | null;
  /** The step of the schema that wrote it. */
  readonly step: number;
  readonly publicationSequence: number;
  /** The highest version of metadata that was ever reserved. */
  readonly metadataVersion: number;
}

/** Copies one state of the store as a new file, in one read: who writes meanwhile is not held up. Throws STORE_…. */
export function copyStore(from: string, to: string): CopiedStore {
  try {
    using source = new DatabaseSync(from, { readOnly: true, timeout: 5_000 });
    source.prepare('VACUUM INTO ?').run(to);
    using copy = new DatabaseSync(to, { readOnly: true });
    assertWhole(copy);
    const number = (sql: string): number => integer(copy.prepare(sql).get()?.value ?? 0);
    return {
      storeId: readId(copy) ?? null,
      step: number('SELECT user_version AS value FROM pragma_user_version'),
      publicationSequence: number('SELECT sequence AS value FROM publication'),
      metadataVersion: number("SELECT value FROM counter WHERE name = 'metadata_version'"),
    };
  } catch (error) {
    throw toStoreError(error);
  }
}

/** Both at once: no version of before is given out again. */
export interface PublicationStart {
  readonly metadataVersion: number;
  readonly sequence: number;
}

/**
 * Makes a copy ready to go on from: everything is published above `start`, and only what Git says now. Sessions of browsers end, and leases of
 * the processes that had them. Throws STORE_…, as for a store that a newer version wrote.
 */
export async function readyCopiedStore(file: string, clock: Clock, start: PublicationStart): Promise<void> {
  const db = new SqliteDatabase({ file, clock, keepsCopy: false });
  try {
    await db.transact(() => {
      writeCounter(db, 'metadata_version', Math.max(readCounter(db, 'metadata_version'), start.metadataVersion));
      // The directive of then must not be published again, not even while Git is away.
      db.prepare("UPDATE publication SET directive = 'null', sequence = max(sequence, ?)").run(start.sequence);
      db.prepare('DELETE FROM browser_session').run();
      db.prepare('UPDATE lease SET holder = NULL, expires_at = 0').run();
    });
    await db.shrink();
  } finally {
    await db.close();
  }
}

function assertWhole(db: DatabaseSync): void {
  const found = db.prepare('PRAGMA quick_check(1)').get()?.quick_check;
  if (found !== 'ok') throw storeDamaged(`its check says ${String(found)}`);
}
