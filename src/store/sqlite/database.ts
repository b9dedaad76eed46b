// Owns the SQLite file: how it is opened, transactions, prepared statements.
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { Clock } from '../../base/clock.ts';
import { migrate } from './migrate.ts';
import { toStoreError } from './store-errors.ts';
import { StoreIdentity } from './store-identity.ts';

export interface SqliteDatabaseOptions {
  /** The file; it and its folder's permissions are the only protection of what is in it. */
  readonly file: string;
  readonly clock: Clock;
  /** How long to wait for another process's transaction; 5 s unless given. */
  readonly busyTimeoutMs?: number;
  /** Is a copy kept beside the file before its tables change? Yes, unless the file is itself a copy. */
  readonly keepsCopy?: boolean;
}

/** So long a statement stops this process when another one writes; after that it lets the process go on and tries again. */
const STATEMENT_TIMEOUT_MS = 10;
const RETRY_MS = 5;

/** The log is copied into the file at so many pages, and cut to so many bytes when it begins anew. */
const LOG_PAGES = 2_000;
const LOG_BYTES = 8 * 1024 * 1024;

export class SqliteDatabase {
  readonly #db: DatabaseSync;
  readonly #clock: Clock;
  readonly #busyTimeoutMs: number;
  readonly #identity: StoreIdentity;
  readonly #statements = new Map<string, StatementSync>();
  /** Ends with the transaction that waits for something outside of the database; until then the connection is its own. */
  #held: Promise<void> | undefined;

  /** Opens or makes the file and brings its tables up to date. Throws STORE_…. */
  constructor({ file, clock, busyTimeoutMs = 5_000, keepsCopy = true }: SqliteDatabaseOptions) {
    this.#clock = clock;
    this.#busyTimeoutMs = busyTimeoutMs;
    try {
      this.#identity = new StoreIdentity(file);
      this.#db = new DatabaseSync(file, { timeout: busyTimeoutMs });
    } catch (error) {
      throw toStoreError(error);
    }
    try {
      this.#identity.check(this.#db);
      // FULL flushes the log at each commit: without it an acknowledged report could vanish in a power cut.
      this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;');
      this.#db.exec(`PRAGMA wal_autocheckpoint = ${LOG_PAGES}; PRAGMA journal_size_limit = ${LOG_BYTES};`);
      this.#db.exec('PRAGMA cache_size = -65536;');
      migrate({ db: this.#db, file, keepsCopy });
      this.#identity.settle(this.#db);
      this.#db.exec(`PRAGMA busy_timeout = ${STATEMENT_TIMEOUT_MS}`);
    } catch (error) {
      this.#db.close();
      throw toStoreError(error);
    }
  }

  /** The statement for this text, prepared once. */
  prepare(sql: string): StatementSync {
    const known = this.#statements.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    this.#statements.set(sql, statement);
    return statement;
  }

  /** Copies the log into the file and cuts it, as far as other processes let it. */
  shrink(): Promise<void> {
    return this.once(() => this.#db.exec('PRAGMA optimize; PRAGMA wal_checkpoint(TRUNCATE);'));
  }

  /** Runs the work in one transaction that holds the write lock from its start; it counts fully or, when it throws, not at all. */
  transact<T>(work: () => T): Promise<T> {
    return this.once(() => {
      this.#identity.assertThere();
      this.#db.exec('BEGIN IMMEDIATE');
      try {
        const result = work();
        this.#db.exec('COMMIT');
        return result;
      } catch (error) {
        this.#rollBack();
        throw error;
      }
    });
  }

  /** The same for work that waits for something outside: until it has ended, this connection serves nobody else and no process writes. */
  async transactWaiting<T>(work: () => Promise<T>): Promise<T> {
    const held = Promise.withResolvers<void>();
    await this.once(() => {
      this.#identity.assertThere();
      this.#db.exec('BEGIN IMMEDIATE');
      this.#held = held.promise;
    });
    try {
      const result = await work();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#rollBack();
      throw toStoreError(error);
    } finally {
      this.#held = undefined;
      held.resolve();
    }
  }

  /** Runs reads that see one state of the store. */
  read<T>(work: () => T): Promise<T> {
    return this.once(() => {
      this.#db.exec('BEGIN');
      try {
        return work();
      } finally {
        this.#rollBack();
      }
    });
  }

  /** Runs work of one statement, which is a transaction by itself; while another process writes, it waits without stopping this one. */
  async once<T>(work: () => T): Promise<T> {
    const endMs = this.#clock.monotonicMs() + this.#busyTimeoutMs;
    for (;;) {
      while (this.#held !== undefined) await this.#held;
      try {
        return work();
      } catch (thrown) {
        const error = toStoreError(thrown);
        if (error.code !== 'STORE_BUSY' || this.#clock.monotonicMs() >= endMs) throw error;
      }
      await this.#clock.sleep(RETRY_MS);
    }
  }

  async close(): Promise<void> {
    await this.#held;
    if (this.#db.isOpen) this.#db.close();
  }

  #rollBack(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
  }
}
