// A store that an earlier version wrote is read as it was.
import { DatabaseSync } from 'node:sqlite';
import { expect, test } from 'vitest';
import { plainRow } from '../telemetry/plain-tallies.ts';
import { CANDIDATE, enrolled, folder, interval, NOW, openStore, report, spec } from './reports.ts';

/** Takes a store back to its first step: what later ones made is gone, what they changed is as it was. */
function takeBack(file: string): void {
  const db = new DatabaseSync(file);
  db.exec(`
    DELETE FROM migration WHERE step > 1;
    DROP TABLE window_row; DROP TABLE window_summary; DROP TABLE alert; DROP TABLE notice; DROP TABLE told_revision; DROP TABLE window_gauge;
    CREATE TABLE window_row (
      window INTEGER NOT NULL REFERENCES telemetry_window (number), arm INTEGER NOT NULL, name TEXT NOT NULL, tally BLOB NOT NULL,
      PRIMARY KEY (window, arm, name)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE window_summary (
      window INTEGER NOT NULL REFERENCES telemetry_window (number), arm INTEGER NOT NULL, summary TEXT NOT NULL, PRIMARY KEY (window, arm)
    ) STRICT, WITHOUT ROWID;
  `);
  const { groups: _, ...before } = spec();
  db.prepare('UPDATE telemetry_window SET spec = ?').run(JSON.stringify(before));
  // Format 2: three measures, 30 inferences in 3 reports, all in tumbling window 0, no histograms.
  const sums = [3, 30, 3, 3, 30, 300, 6, 30, 3, 12, 60, 300, 15, 27, 3, 75, 135, 243];
  const row = new Float64Array([2, 3, 30, 3, 0, ...sums, ...sums, -1, 0]);
  const { number = 0 } = db.prepare('SELECT number FROM telemetry_window').get() ?? {};
  db.prepare('INSERT INTO window_row VALUES (?, 0, ?, ?)').run(number, 'd1', new Uint8Array(row.buffer));
  const summary = {
    format: 1,
    inferences: 30,
    errors: { runtime: 3 },
    latencyMs: { zero: 0, buckets: [] },
    confidence: [],
    classes: [],
  };
  db.prepare('INSERT INTO window_summary VALUES (?, 0, ?)').run(number, JSON.stringify(summary));
  db.close();
}

test('sums that were stored before groups were counted are all there, and go on', async () => {
  using place = folder();
  const first = openStore(place.file);
  const epoch = await enrolled(first, 'd1');
  await first.openWindow(spec(), NOW);
  await first.close();
  takeBack(place.file);

  await using store = openStore(place.file);
  const read = async () => (await store.readWindow('invoice-ocr-eu', 5))?.tallies.candidate;
  expect((await read())?.summary.inferences).toBe(30);
  expect(plainRow(await read(), 'd1')?.whole[0]).toMatchObject({ bad: 3, trials: 30, reports: 3, trialsSquared: 300 });
  await store.ingest([{ report: report({ epoch, intervals: [interval({ digest: CANDIDATE })] }), receivedAtMs: NOW }]);
  expect(plainRow(await read(), 'd1')?.whole[0]).toMatchObject({ bad: 4, trials: 40, reports: 4, trialsSquared: 400 });
});
