// Owns the lock of a mirror folder: one process at a time, freed by the operating system when that process dies.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readFileIfPresent } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';

/**
 * Takes the lock or throws GIT_MIRROR_BUSY. It is a file lock held through SQLite, so a killed holder leaves nothing stale,
 * in a container with recycled process ids neither; the owner file only serves the message.
 */
export async function lockMirror(folder: string): Promise<Disposable> {
  await mkdir(folder, { recursive: true });
  const owner = path.join(folder, 'owner');
  const database = new DatabaseSync(path.join(folder, 'lock'), { timeout: 0 });
  try {
    database.exec('BEGIN EXCLUSIVE');
  } catch (cause) {
    database.close();
    const holder = (await readFileIfPresent(owner))?.toString('utf8').trim().slice(0, 40) ?? 'unknown';
    throw new CodedError({
      code: 'GIT_MIRROR_BUSY',
      message: `The mirror folder ${folder} is in use by another process (id ${holder}).`,
      remedy: 'Stop the other Slipway process, or use another home for this one.',
      cause,
    });
  }
  await writeFile(owner, `${process.pid}\n`);
  return { [Symbol.dispose]: () => database.close() };
}
