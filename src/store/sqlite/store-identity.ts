// Owns telling a home's own store from a lost or replaced one: a random id lies in the store and in a file beside it.
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import type { DatabaseSync } from 'node:sqlite';
import { markerOf, storeGone, storeLost } from './store-errors.ts';

const ID = 'store-id';

export function readId(db: DatabaseSync): string | undefined {
  const { user_version: step } = db.prepare('PRAGMA user_version').get() ?? {};
  if (step === 0) return undefined;
  const value = db.prepare('SELECT value FROM named_value WHERE name = ?').get(ID)?.value;
  return typeof value === 'string' ? (JSON.parse(value) as string) : undefined;
}

/** The store's file on disk, as it was when it was opened. */
export class StoreIdentity {
  readonly #file: string;
  readonly #marker: string | undefined;
  #inode = 0n;

  /** Before the file is opened, which would make an empty one. Throws STORE_LOST. */
  constructor(file: string) {
    this.#file = file;
    const marker = existsSync(markerOf(file)) ? readFileSync(markerOf(file), 'utf8').trim() : '';
    // Empty after a power cut while it was written: that names no store.
    this.#marker = marker === '' ? undefined : marker;
    if (this.#marker !== undefined && !existsSync(file)) throw storeLost(file, 'is missing');
  }

  /** Before anything is written to the opened file. Throws STORE_LOST. */
  check(db: DatabaseSync): void {
    if (this.#marker === undefined) return;
    const id = readId(db);
    if (id === undefined) throw storeLost(this.#file, 'is empty');
    if (id !== this.#marker) throw storeLost(this.#file, 'is the store of another home');
  }

  /** Gives a new store its id, and the home the note of it. Processes that start together agree: the first id stays. */
  settle(db: DatabaseSync): void {
    const insert = 'INSERT INTO named_value (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING';
    if (readId(db) === undefined) db.prepare(insert).run(ID, JSON.stringify(randomUUID()));
    if (this.#marker === undefined) writeFileSync(markerOf(this.#file), `${readId(db)}\n`, { flush: true });
    this.#inode = statSync(this.#file, { bigint: true }).ino;
  }

  /** Throws STORE_GONE when the name no longer leads to the file that is open. */
  assertThere(): void {
    const found = statSync(this.#file, { bigint: true, throwIfNoEntry: false });
    if (found?.ino !== this.#inode) throw storeGone(this.#file);
  }
}
