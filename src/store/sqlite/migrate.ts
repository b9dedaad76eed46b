// Owns bringing an older store to the newest tables: a copy of it is kept beside first, and all steps count or none.
import {
  chmodSync,
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { CodedError } from '../../base/errors.ts';
import { shellWord } from '../../base/shell-word.ts';
import { VERSION } from '../../base/version.ts';
import { STEPS } from './schema.ts';
import { toStoreError } from './store-errors.ts';

export interface Migration {
  readonly db: DatabaseSync;
  readonly file: string;
  /** Is a copy of the older store kept beside it? Not where the file is itself a copy. */
  readonly keepsCopy: boolean;
}

function stepOf(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.user_version);
}

/**
 * Carries out the steps that the file lacks, all in one transaction, so that a kill or a failure leaves the old tables. A file that lacks none
 * is not locked. Throws STORE_TOO_NEW, STORE_SPACE, STORE_MIGRATION, or STORE_BUSY while another process is at it.
 */
export function migrate({ db, file, keepsCopy }: Migration): void {
  assertKnown(stepOf(db), file);
  if (stepOf(db) === STEPS.length) return;
  // Nobody writes between the copy and the first step.
  db.exec('BEGIN IMMEDIATE');
  const found = stepOf(db);
  try {
    // Another process may have done it meanwhile, a newer one too.
    assertKnown(found, file);
    const copy = found === 0 || found === STEPS.length || !keepsCopy ? null : keepCopy(file, found);
    for (const sql of STEPS.slice(found)) db.exec(sql);
    db.exec(`PRAGMA user_version = ${STEPS.length}; COMMIT`);
    if (copy !== null) removeOlderCopies(copy, file);
  } catch (error) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error instanceof CodedError || found === 0 ? error : migrationFailed(error, found, file);
  }
}

/** Copies bear the step that they are of, and the version that changed the store after them. */
const COPY = /^\.step-(\d{1,6})-before-[A-Za-z0-9.+-]+$/;

function copiesOf(file: string): readonly { readonly file: string; readonly step: number }[] {
  const [folder, name] = [path.dirname(file), path.basename(file)];
  return readdirSync(folder).flatMap((one) => {
    const step = one.startsWith(name) ? COPY.exec(one.slice(name.length))?.[1] : undefined;
    return step === undefined || one.endsWith('.tmp') ? [] : [{ file: path.join(folder, one), step: Number(step) }];
  });
}

/** Copies the store as the lock holds it. Throws STORE_SPACE, or STORE_MIGRATION where it can't be written. */
function keepCopy(file: string, step: number): string {
  assertRoom(file, step);
  const copy = `${file}.step-${step}-before-${VERSION}`;
  const unfinished = `${copy}.tmp`;
  try {
    rmSync(unfinished, { force: true });
    using reader = new DatabaseSync(file, { readOnly: true });
    reader.prepare('VACUUM INTO ?').run(unfinished);
    chmodSync(unfinished, statSync(file).mode & 0o777);
    flush(unfinished);
    renameSync(unfinished, copy);
    if (process.platform !== 'win32') flush(path.dirname(file));
    return copy;
  } catch (error) {
    rmSync(unfinished, { force: true });
    throw migrationFailed(error, step, file);
  }
}

function flush(place: string): void {
  const opened = openSync(place, 'r');
  try {
    fsyncSync(opened);
  } finally {
    closeSync(opened);
  }
}

/** One way back is kept: that of the last migration. */
function removeOlderCopies(newest: string, file: string): void {
  for (const copy of copiesOf(file)) if (copy.file !== newest) rmSync(copy.file, { force: true });
}

/** For the copy, and as much again for what the steps write. */
function assertRoom(file: string, step: number): void {
  const size = (name: string): number => statSync(name, { throwIfNoEntry: false })?.size ?? 0;
  const neededBytes = 2 * (size(file) + size(`${file}-wal`));
  const { bavail, bsize } = statfsSync(path.dirname(file));
  if (bavail * bsize >= neededBytes) return;
  const mib = (bytes: number): string => `${Math.ceil(bytes / 1024 / 1024)} MiB`;
  throw new CodedError({
    code: 'STORE_SPACE',
    kind: 'retry-later',
    message: `The store has to be copied before it is brought from migration step ${step} to ${STEPS.length}: ${mib(neededBytes)} are needed beside it, ${mib(bavail * bsize)} are free. Nothing was changed.`,
    remedy: 'Free disk space and start again. Until then, the Slipway of before reads the store as it is.',
  });
}

function migrationFailed(thrown: unknown, step: number, file: string): CodedError {
  const { kind, message, code } = toStoreError(thrown);
  return new CodedError({
    code: 'STORE_MIGRATION',
    kind,
    message: `${file} could not be brought from migration step ${step} to ${STEPS.length}, and is as it was. ${code}: ${message}`,
    remedy:
      'Go on with the Slipway of before, which reads the store as it is. If the disk is well, report this as a bug, with the log.',
    cause: thrown,
  });
}

/** Throws STORE_TOO_NEW. */
function assertKnown(found: number, file: string): void {
  if (found <= STEPS.length) return;
  const [copy] = copiesOf(file)
    .filter(({ step }) => step <= STEPS.length)
    .sort((a, b) => b.step - a.step);
  const back =
    copy === undefined
      ? 'or restore a backup from before (`slipway restore`).'
      : `or go back to the copy that it kept: stop the service, and run \`rm -f ${shellWord(`${file}-wal`)} ${shellWord(`${file}-shm`)} && cp -p ${shellWord(copy.file)} ${shellWord(file)}\`. What was stored since then is lost.`;
  throw new CodedError({
    code: 'STORE_TOO_NEW',
    message: `The store has migration step ${found}, this Slipway (${VERSION}) knows ${STEPS.length}.`,
    remedy: `Run the newer Slipway that wrote it, ${back}`,
  });
}
