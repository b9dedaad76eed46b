// Owns the lock of a mirror folder: one process at a time.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readFileIfPresent } from '../../base/durable-file.ts';
import { CodedError } from '../../base/errors.ts';
import { tryLock } from '../../base/process-lock.ts';

/** Takes the lock or throws GIT_MIRROR_BUSY; the owner file only serves the message. */
export async function lockMirror(folder: string): Promise<Disposable> {
  await mkdir(folder, { recursive: true });
  const owner = path.join(folder, 'owner');
  const lock = tryLock(path.join(folder, 'lock'));
  if (lock === undefined) {
    const holder = (await readFileIfPresent(owner))?.toString('utf8').trim().slice(0, 40) ?? 'unknown';
    throw new CodedError({
      code: 'GIT_MIRROR_BUSY',
      message: `The mirror folder ${folder} is in use by another process (id ${holder}).`,
      remedy: 'Stop the other Slipway process, or use another home for this one.',
    });
  }
  await writeFile(owner, `${process.pid}\n`);
  return lock;
}
