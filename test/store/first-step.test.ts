// Laws of older files: a store that an earlier Slipway wrote is brought to the newest tables, and all in it is read and goes on.
import { readFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { enrolled, folder, NOW, openStore, report } from './reports.ts';

function layOldFile(file: string): void {
  using db = new DatabaseSync(file);
  db.exec(readFileSync(new URL('first-step.sql', import.meta.url), 'utf8'));
}

/** Tables, indexes and columns, in their order. */
function tablesOf(file: string): unknown {
  using db = new DatabaseSync(file, { readOnly: true });
  const made = db.prepare("SELECT type, name FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name").all();
  return made.map(({ type, name }) => ({ type, name, columns: db.prepare(`PRAGMA table_info("${name}")`).all() }));
}

it('an old file gets the tables that a new one has', async () => {
  using old = folder();
  using fresh = folder();
  layOldFile(old.file);
  await openStore(old.file).close();
  await openStore(fresh.file).close();
  expect(tablesOf(old.file)).toEqual(tablesOf(fresh.file));
});

it('devices, windows and what was seen of an old file are read and go on', async () => {
  using place = folder();
  layOldFile(place.file);
  const store = openStore(place.file);
  const d1 = (await store.findDevice('d1'))!;
  expect(d1).toMatchObject({ newestSequence: 4, labels: { region: 'eu-west' }, silences: [] });
  expect(d1.heard.get('invoice-ocr-eu')).toEqual([{ revision: 5, heardListenedMs: 0 }]);
  const closed = (await store.readWindow('invoice-ocr-eu', 5))!;
  const { sums, summary, names, groups, course, gauges } = closed.tallies.candidate;
  expect(closed).toMatchObject({ closedAtMs: NOW + 240_000, late: { count: 1 } });
  expect({ names, groups: [...groups.keys()], slots: [...course.slots.keys()], live: sums.parts[0]?.live }).toEqual({
    ...{ names: ['d1'], groups: ['region:eu-west'], slots: [0, 1], live: 1 },
  });
  expect(summary).toMatchObject({ inferences: 30, errors: { runtime: 3 }, outputs: new Map() });
  expect([...gauges.devices.keys()]).toEqual(['d1']);
  expect((await store.readSeen()).get('invoice-ocr-eu')).toMatchObject({ revision: 6 });

  const sent = report({ epoch: d1.epoch, sequence: 5 });
  const states = sent.states.map((one) => ({ ...one, revision: 6 }));
  const intervals = sent.intervals.map((one) => ({ ...one, revision: 6 }));
  const told = { ...sent, states, intervals };
  expect(await store.ingest([{ report: told, receivedAtMs: NOW + 300_000 }])).toEqual(['accepted']);
  expect((await store.readWindow('invoice-ocr-eu', 6))?.tallies.candidate.summary.inferences).toBe(10);
  expect(await enrolled(store, 'd3')).toBeGreaterThan(0);
  await store.close();
});
