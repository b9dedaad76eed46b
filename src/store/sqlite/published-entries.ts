// Owns published entries in SQLite: one row a revision, read again only when one came.
import type { DirectiveEntry } from '../../contract/directive.ts';
import { EntryBook, MOST_REVISIONS_KEPT } from '../published-entries.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

export class SqliteEntries {
  readonly #db: SqliteDatabase;
  readonly #book = new EntryBook();
  #readUpTo = 0;

  constructor(db: SqliteDatabase) {
    this.#db = db;
  }

  keep(entries: readonly DirectiveEntry[]): Promise<void> {
    return this.#db.transact(() => {
      for (const entry of entries) {
        const { rollout, revision, emergency } = entry;
        const text = JSON.stringify(entry);
        const key = [rollout, revision, Number(emergency)] as const;
        const known = this.#db
          .prepare('SELECT entry FROM published_entry WHERE rollout = ? AND revision = ? AND emergency = ?')
          .get(...key);
        if (known?.entry === text) continue;
        this.#db
          .prepare('INSERT OR REPLACE INTO published_entry (rollout, revision, emergency, entry) VALUES (?, ?, ?, ?)')
          .run(...key, text);
        this.#db
          .prepare('DELETE FROM published_entry WHERE rollout = ? AND revision <= ?')
          .run(rollout, revision - MOST_REVISIONS_KEPT);
      }
    });
  }

  /** All that any process kept; inside a transaction. */
  read(): EntryBook {
    const rows = this.#db
      .prepare('SELECT number, entry FROM published_entry WHERE number > ? ORDER BY number')
      .iterate(this.#readUpTo);
    for (const { number, entry } of rows) {
      this.#book.put(JSON.parse(textual(entry)) as DirectiveEntry);
      this.#readUpTo = integer(number);
    }
    return this.#book;
  }
}
