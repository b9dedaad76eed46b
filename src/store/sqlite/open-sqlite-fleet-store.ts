// Owns the fleet store on one SQLite file: the default, with nothing to install beside it.
import type { CodedError } from '../../base/errors.ts';
import { DEFAULT_REPORT_MS } from '../device-memory.ts';
import type { FleetStore } from '../fleet-store.ts';
import { apiTokensIn } from './api-tokens.ts';
import { browserSessionsIn } from './browser-sessions.ts';
import { raiseCounter } from './counters.ts';
import { SqliteDatabase, type SqliteDatabaseOptions } from './database.ts';
import { deviceRegisterIn } from './device-register.ts';
import { exposureLogIn } from './exposure.ts';
import { leasesIn } from './leases.ts';
import { noticeQueueIn } from './notice-queue.ts';
import { plainRegisterIn } from './plain-register.ts';
import { SqliteEntries } from './published-entries.ts';
import { reconcilerStateIn } from './reconciler-state.ts';
import { toStoreError } from './store-errors.ts';
import { timeSeriesIn } from './time-series.ts';
import { windowStoreIn } from './window-store.ts';

export interface SqliteFleetStoreOptions extends SqliteDatabaseOptions {
  /** How often `recordListening` is called; 2 s unless given. */
  readonly heartbeatMs?: number;
  /** How often devices report; a minute unless given. */
  readonly reportMs?: number;
  /** How long the first report of a group waits for others; 4 ms unless given. */
  readonly gatherMs?: number;
}

/** These pass by themselves, and say nothing against the store. */
const PASSING: ReadonlySet<string> = new Set(['STORE_BUSY', 'STORE_OVERLOADED']);
/** After reports could not be stored, the store counts as not ready for so long. */
const BROKEN_MS = 30_000;
/** Nor does it count as listening, for so many heartbeats where what turned reports away passes. */
const DEAF_HEARTBEATS = 6;

/**
 * Opens or makes the file. Several processes of one machine may share it; never over a network file system. Throws STORE_LOST,
 * STORE_DAMAGED, STORE_UNWRITABLE, STORE_TOO_NEW, STORE_SPACE, STORE_MIGRATION, STORE_BUSY or STORE_FAILED.
 */
export function openSqliteFleetStore(options: SqliteFleetStoreOptions): FleetStore {
  const { clock, heartbeatMs = 2_000, reportMs = DEFAULT_REPORT_MS, gatherMs = 4 } = options;
  const db = new SqliteDatabase(options);
  const entries = new SqliteEntries(db);
  const { register, flush } = deviceRegisterIn(db, entries, { reportMs, gather: () => clock.sleep(gatherMs) });
  const close = async (): Promise<void> => {
    await flush();
    await db.close();
  };
  const windows = windowStoreIn(db, heartbeatMs);
  let broken: { readonly error: CodedError; readonly untilMs: number } | undefined;
  let deafUntilMs = Number.NEGATIVE_INFINITY;
  const whyBroken = (): CodedError | undefined =>
    broken !== undefined && clock.monotonicMs() < broken.untilMs ? broken.error : undefined;
  return {
    ...register,
    keepEntries: (published) => entries.keep(published),
    ingest: async (batch) => {
      try {
        const answers = await register.ingest(batch);
        broken = undefined;
        return answers;
      } catch (thrown) {
        const error = toStoreError(thrown);
        const isPassing = PASSING.has(error.code);
        deafUntilMs = clock.monotonicMs() + (isPassing ? DEAF_HEARTBEATS * heartbeatMs : BROKEN_MS);
        if (!isPassing) broken = { error, untilMs: deafUntilMs };
        throw error;
      }
    },
    ...windows,
    // Reports that came in vain must not make their devices silent.
    recordListening: (nowMs) =>
      clock.monotonicMs() < deafUntilMs ? windows.readListening() : windows.recordListening(nowMs),
    ...leasesIn(db),
    ...noticeQueueIn(db),
    ...reconcilerStateIn(db),
    ...apiTokensIn(db),
    ...browserSessionsIn(db),
    ...exposureLogIn(db),
    ...plainRegisterIn(db),
    ...timeSeriesIn(db),
    probe: async () => {
      const error = whyBroken();
      if (error !== undefined) throw error;
      await db.transact(() => {
        raiseCounter(db, 'probes');
      });
    },
    shrink: () => db.shrink(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
