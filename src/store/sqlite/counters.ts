// Owns the store's named whole numbers: changes, listening time, metadata version.
import type { SqliteDatabase } from './database.ts';
import { storeDamaged } from './store-errors.ts';

export type Counter =
  | 'changes'
  | 'forgotten'
  | 'seen'
  | 'listened_ms'
  | 'heartbeat_at'
  | 'metadata_version'
  | 'probes'
  | 'plain_changes'
  | 'plain_forgotten';

/** The counter's value; 0 before it was first written. */
export function readCounter(db: SqliteDatabase, name: Counter): number {
  const row = db.prepare('SELECT value FROM counter WHERE name = ?').get(name);
  return row === undefined ? 0 : integer(row.value);
}

/** Writes the counter; call it inside a transaction that read it. */
export function writeCounter(db: SqliteDatabase, name: Counter, value: number): void {
  db.prepare('INSERT INTO counter (name, value) VALUES (?, ?) ON CONFLICT DO UPDATE SET value = excluded.value').run(
    name,
    value,
  );
}

/** The next value of the counter; inside a transaction only. */
export function raiseCounter(db: SqliteDatabase, name: Counter): number {
  const next = readCounter(db, name) + 1;
  writeCounter(db, name, next);
  return next;
}

/** A column that holds whole numbers, as number. */
export function integer(value: unknown): number {
  if (typeof value === 'number') return value;
  throw storeDamaged(`a whole number was expected, not ${typeof value}`);
}

/** A column that holds text. */
export function textual(value: unknown): string {
  if (typeof value === 'string') return value;
  throw storeDamaged(`a text was expected, not ${typeof value}`);
}
