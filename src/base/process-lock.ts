// Owns a lock between processes that the operating system frees when its holder dies, however it dies.
import { DatabaseSync } from 'node:sqlite';

const SQLITE_BUSY = 5;

/**
 * Undefined while another process holds it. A file lock by way of SQLite: a killed holder leaves nothing stale, in a container with recycled
 * process ids neither. The file stays there, empty. Throws what the system says where it can't be made.
 */
export function tryLock(file: string): Disposable | undefined {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    if (Object(error).errcode === SQLITE_BUSY) return undefined;
    throw error;
  }
  return { [Symbol.dispose]: () => database.close() };
}
