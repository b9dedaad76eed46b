// A process that publishes once and dies by SIGKILL just before its nth step on the file system; the test looks at what it left.
import fs from 'node:fs';
import { flushCompileCache, syncBuiltinESMExports } from 'node:module';
import path from 'node:path';

/** By now every lease of before has run out. */
const MINUTE = 61_000;
const [folder = '', dieAtText = '0', revisionText = '1', holder = 'child'] = process.argv.slice(2);
const dieAt = Number(dieAtText);
let steps = 0;

function step(half?: () => void): void {
  if (++steps !== dieAt) return;
  half?.();
  process.kill(process.pid, 'SIGKILL');
}

/** Steps that change the publication folder; the store's own files have tests of their own. */
const isOurs = (file: unknown): boolean => String(file).includes(`${path.sep}publication${path.sep}`);

const promises = fs.promises;
const { open, rename, rm, mkdir } = promises;
Object.assign(promises, {
  open: async (...given: Parameters<typeof open>) => {
    if (isOurs(given[0]) && given[1] !== 'r') step();
    const handle = await open(...given);
    if (!isOurs(given[0])) return handle;
    const { writeFile, sync } = handle;
    return Object.assign(handle, {
      writeFile: (data: Buffer | string) => {
        step(() => fs.writeSync(handle.fd, Buffer.from(data as string).subarray(0, data.length / 2)));
        return writeFile.call(handle, data);
      },
      sync: () => {
        step();
        return sync.call(handle);
      },
    });
  },
  rename: async (from: string, to: string) => {
    step();
    await rename(from, to);
    // After the swap and before the store's commit: the worst moment.
    if (to.endsWith('timestamp.json')) step();
  },
  rm: (...given: Parameters<typeof rm>) => {
    step();
    return rm(...given);
  },
  mkdir: (...given: Parameters<typeof mkdir>) => {
    step();
    return mkdir(...given);
  },
});
syncBuiltinESMExports();

const { SystemClock } = await import('../../src/base/clock.ts');
const { FolderPublication } = await import('../../src/distribution/folder-publication.ts');
const { readOnlineKeys } = await import('../../src/distribution/tuf-keys.ts');
const { DEFAULT_LIFETIMES } = await import('../../src/distribution/tuf-metadata.ts');
const { openSqliteFleetStore } = await import('../../src/store/sqlite/open-sqlite-fleet-store.ts');
const { directiveAt, document, ledgerOf, NOW } = await import('./publication-world.ts');
// Killed processes don't write it by themselves, and dozens of them start.
flushCompileCache();

const store = openSqliteFleetStore({ file: path.join(folder, 'fleet.db'), clock: new SystemClock() });
const publisher = new FolderPublication({
  folder: path.join(folder, 'publication'),
  keys: await readOnlineKeys(path.join(folder, 'keys')),
  lifetimes: DEFAULT_LIFETIMES,
});
const revision = Number(revisionText);
const order = {
  directive: directiveAt(revision),
  documents: [document(`manifest ${revision}`)],
  nowMs: NOW + revision * MINUTE,
};
const outcome = await publisher.publish(order, ledgerOf(store, await store.readPublication(), holder, 1));
await store.close();
process.stdout.write(`${JSON.stringify({ ...outcome, steps })}\n`);
