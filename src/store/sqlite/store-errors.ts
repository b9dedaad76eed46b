// Owns database errors in our words: each has a code, and a remedy for whoever keeps the home.
import path from 'node:path';
import { CodedError, toCodedError } from '../../base/errors.ts';

/** Codes of sqlite3.h (the low byte of the extended code). */
const [PERM, BUSY, LOCKED, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB] = [3, 5, 6, 8, 10, 11, 13, 14, 26];

/** The file that says that the home had a store. Its name begins otherwise than the store's, so that `rm slipway.db*` leaves it. */
export function markerOf(file: string): string {
  return path.join(path.dirname(file), 'store-id');
}

/** What starting over means, for every remedy that offers it. */
const EMPTY_MEANS =
  'An empty store knows no device: each needs a new token (`slipway token --device <id>`). Soak and silence begin anew; what is published and what stands in Git stays.';

function errorNumber(thrown: unknown): number | undefined {
  if (!(thrown instanceof Error) || (thrown as NodeJS.ErrnoException).code !== 'ERR_SQLITE_ERROR') return undefined;
  const { errcode } = thrown as Error & { errcode?: number };
  return errcode === undefined ? undefined : errcode & 0xff;
}

/** The file can be opened and is not whole. */
export function storeDamaged(detail: string, cause?: unknown): CodedError {
  return new CodedError({
    code: 'STORE_DAMAGED',
    kind: 'retry-later',
    message: `The store is damaged: ${detail}.`,
    remedy: `Stop the service and restore slipway.db from a backup. To start over, move it away with slipway.db-wal and store-id. ${EMPTY_MEANS}`,
    cause,
  });
}

/** At the start: the home had a store, and this is not it. */
export function storeLost(file: string, found: string): CodedError {
  return new CodedError({
    code: 'STORE_LOST',
    message: `${file} ${found}, but this home had a store before.`,
    remedy: `Restore it from a backup. To start over with an empty store, remove ${markerOf(file)}. ${EMPTY_MEANS}`,
  });
}

/** While it is open: what is written goes into a file that nobody will find. */
export function storeGone(file: string): CodedError {
  return new CodedError({
    code: 'STORE_GONE',
    kind: 'retry-later',
    message: `${file} was removed or replaced while the service runs. Nothing is accepted any more.`,
    remedy: 'Put the file back, or stop the service and restore the store from a backup.',
  });
}

/** A database error as CodedError: what an operator or time can mend is tried again; anything else is a bug. */
export function toStoreError(thrown: unknown): CodedError {
  if (thrown instanceof CodedError) return thrown;
  const detail = thrown instanceof Error ? thrown.message : String(thrown);
  switch (errorNumber(thrown)) {
    case BUSY:
    case LOCKED:
      return new CodedError({
        code: 'STORE_BUSY',
        kind: 'retry-later',
        message: 'Another process kept the store locked for too long.',
        remedy: 'Try again. If it happens again, look for a process that holds a transaction open on the store file.',
        cause: thrown,
      });
    case FULL:
      return new CodedError({
        code: 'STORE_FULL',
        kind: 'retry-later',
        message: 'The disk of the store is full; nothing was written.',
        remedy: 'Free disk space; devices keep their reports and send them again.',
        cause: thrown,
      });
    case CORRUPT:
    case NOTADB:
      return storeDamaged(detail, thrown);
    case PERM:
    case READONLY:
    case CANTOPEN:
    case IOERR:
      return new CodedError({
        code: 'STORE_UNWRITABLE',
        kind: 'retry-later',
        message: `The store can't be read or written: ${detail}.`,
        remedy:
          'Check the disk, and that slipway.db and the home belong to the user of the service and are not read-only.',
        cause: thrown,
      });
    default:
      return toCodedError(thrown, 'STORE_FAILED');
  }
}
