// Owns temporary files beside their places: made, and removed when a kill left them behind.
import { randomUUID } from 'node:crypto';
import { open, readdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';

const STRAY_AFTER_MS = 3_600_000;

/** A name in the folder that nobody else uses, and that `removeStrays` knows. */
export function temporaryName(folder: string): string {
  return path.join(folder, `.${randomUUID()}.tmp`);
}

/** Removes temporary files that nobody wrote to for an hour, by the file system's own clock: it may be another machine's. */
export async function removeStrays(folder: string): Promise<void> {
  const probe = temporaryName(folder);
  const handle = await open(probe, 'wx');
  try {
    const { mtimeMs: nowMs } = await handle.stat();
    for (const name of await readdir(folder)) {
      if (!name.endsWith('.tmp')) continue;
      const file = path.join(folder, name);
      const writtenMs = (await stat(file).catch(() => undefined))?.mtimeMs ?? nowMs;
      if (nowMs - writtenMs > STRAY_AFTER_MS) await rm(file, { force: true });
    }
  } finally {
    await handle.close();
    await rm(probe, { force: true });
  }
}
