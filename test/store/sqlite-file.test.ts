// What the SQLite file promises: no secret in it, no row that belongs to nothing, and no table that this version does not know.
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { enrolled, folder, NOW, openPublished, openStore, report, spec } from './reports.ts';

const SPEC = spec({ gauges: [{ gauge: 'cpu', limit: 0.85, bad: 'above' }], events: ['complaint'] });

it('keeps no token that a thief of the file could use', async () => {
  using place = folder();
  const store = openStore(place.file);
  const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000 });
  await store.close();
  expect(readFileSync(place.file).includes(token)).toBe(false);
});

it('refuses a file that a newer Slipway wrote', async () => {
  using place = folder();
  await openStore(place.file).close();
  const db = new DatabaseSync(place.file);
  db.exec('PRAGMA user_version = 999');
  db.close();
  expect(() => openStore(place.file)).toThrow(expect.objectContaining({ code: 'STORE_TOO_NEW' }));
});

it('gauges go with their window', async () => {
  using place = folder();
  const store = openStore(place.file);
  const epoch = await enrolled(store, 'd1');
  await openPublished(store, SPEC, NOW);
  const gauges = { cpu: { min: 0.9, mean: 0.9, max: 0.9, samples: 12 } };
  await store.ingest([{ report: report({ epoch, gauges }), receivedAtMs: NOW + 60_000 }]);
  const kept = () => {
    using db = new DatabaseSync(place.file, { readOnly: true });
    return db.prepare('SELECT count(*) AS rows FROM window_gauge').get()?.rows;
  };
  expect(kept()).toBe(1);
  for (let revision = 6; revision < 40; revision++)
    await openPublished(store, { ...SPEC, openedRevision: revision }, NOW);
  expect(await store.readWindow('invoice-ocr-eu', 5)).toBeUndefined();
  expect(kept()).toBe(0);
  await store.close();
});

it('gauges of a window that is gone are refused', async () => {
  using place = folder();
  await openStore(place.file).close();
  using db = new DatabaseSync(place.file);
  expect(() => db.exec("INSERT INTO window_gauge VALUES (99, 0, 'd1', 1, 'd1', '[2,[]]')")).toThrow('FOREIGN KEY');
});
