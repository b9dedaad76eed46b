// Laws of older files: a store that an earlier Slipway wrote is brought to the newest tables, and all in it is read and goes on.
import {
  chmodSync,
  copyFileSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { expect, it } from 'vitest';
import { CodedError } from '../../src/base/errors.ts';
import { VERSION } from '../../src/base/version.ts';
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

const COPY = `fleet.db.step-1-before-${VERSION}`;

function refusalOf(open: () => unknown): CodedError {
  try {
    open();
  } catch (error) {
    if (error instanceof CodedError) return error;
  }
  throw new Error('It opened, or threw what is no CodedError.');
}

it('an old file is copied beside before it changes, the copy before it goes, and from the copy one goes back', async () => {
  using place = folder();
  layOldFile(place.file);
  chmodSync(place.file, 0o640);
  const before = tablesOf(place.file);
  writeFileSync(path.join(place.path, 'fleet.db.step-0-before-0.0.1'), 'of an earlier migration');
  writeFileSync(path.join(place.path, `${COPY}.tmp`), 'of a migration that was killed');
  await openStore(place.file).close();
  const names = readdirSync(place.path).filter((name) => name.startsWith('fleet.db.'));
  expect(names).toEqual([COPY]);
  const copy = path.join(place.path, COPY);
  expect(statSync(copy).mode & 0o777).toBe(0o640);
  expect(tablesOf(copy)).toEqual(before);

  // As for the Slipway of before: it knows fewer steps than the file has.
  {
    using db = new DatabaseSync(place.file);
    db.exec('PRAGMA user_version = 999');
  }
  const { code, remedy = '' } = refusalOf(() => openStore(place.file));
  expect(code).toBe('STORE_TOO_NEW');
  expect(remedy).toContain(`cp -p ${copy} ${place.file}`);
  for (const end of ['-wal', '-shm']) rmSync(`${place.file}${end}`, { force: true });
  copyFileSync(copy, place.file);
  const store = openStore(place.file);
  expect(await store.findDevice('d1')).toMatchObject({ newestSequence: 4 });
  await store.close();
});

it('a migration that fails, or that has no room, leaves the file as it was and says how to go on', () => {
  using place = folder();
  layOldFile(place.file);
  {
    using db = new DatabaseSync(place.file);
    db.exec('CREATE TABLE browser_session (of_someone_else TEXT)');
  }
  const before = tablesOf(place.file);
  const failed = refusalOf(() => openStore(place.file));
  expect(failed).toMatchObject({ code: 'STORE_MIGRATION', remedy: expect.stringContaining('Slipway of before') });
  expect(failed.message).toMatch(/from migration step 1 to \d+, and is as it was\. .*browser_session/);
  expect(tablesOf(place.file)).toEqual(before);
  rmSync(path.join(place.path, COPY));

  // A file with a hole: eight terabytes to copy.
  truncateSync(place.file, 8 * 2 ** 40);
  expect(refusalOf(() => openStore(place.file))).toMatchObject({ code: 'STORE_SPACE', kind: 'retry-later' });
  expect(readdirSync(place.path).filter((name) => name.includes('.step-'))).toEqual([]);
  expect(tablesOf(place.file)).toEqual(before);
});
