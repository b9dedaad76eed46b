// Owns the fleet store on one SQLite file: the default, with nothing to install beside it.
import type { FleetStore } from '../fleet-store.ts';
import { raiseCounter } from './counters.ts';
import { SqliteDatabase, type SqliteDatabaseOptions } from './database.ts';
import { deviceRegisterIn } from './device-register.ts';
import { leasesIn } from './leases.ts';
import { noticeQueueIn } from './notice-queue.ts';
import { SqliteEntries } from './published-entries.ts';
import { reconcilerStateIn } from './reconciler-state.ts';
import { windowStoreIn } from './window-store.ts';

export interface SqliteFleetStoreOptions extends SqliteDatabaseOptions {
  /** How often `recordListening` is called; 2 s unless given. */
  readonly heartbeatMs?: number;
  /** How long the first report of a group waits for others; 4 ms unless given. */
  readonly gatherMs?: number;
}

/**
 * Opens or makes the file. Several processes of one machine may share it; never over a network file system. Throws STORE_TOO_NEW, STORE_BUSY
 * or STORE_FAILED.
 */
export function openSqliteFleetStore(options: SqliteFleetStoreOptions): FleetStore {
  const { clock, heartbeatMs = 2_000, gatherMs = 4 } = options;
  const db = new SqliteDatabase(options);
  const entries = new SqliteEntries(db);
  const { register, flush } = deviceRegisterIn(db, entries, () => clock.sleep(gatherMs));
  const close = async (): Promise<void> => {
    await flush();
    await db.close();
  };
  return {
    ...register,
    keepEntries: (published) => entries.keep(published),
    ...windowStoreIn(db, heartbeatMs),
    ...leasesIn(db),
    ...noticeQueueIn(db),
    ...reconcilerStateIn(db),
    probe: () =>
      db.transact(() => {
        raiseCounter(db, 'probes');
      }),
    close,
    [Symbol.asyncDispose]: close,
  };
}
