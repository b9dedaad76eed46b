// What the SQLite file promises: no secret in it, no row that belongs to nothing, and no table that this version does not know.
import {
  copyFileSync,
  existsSync,
  mkdirSync,
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
import { WINDOW_KEPT_MS } from '../../src/store/retention.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { enrolled, folder, NOW, openPublished, openStore, report, spec } from './reports.ts';

const SPEC = spec({ gauges: [{ gauge: 'cpu', limit: 0.85, bad: 'above' }], events: ['complaint'] });

it('keeps no token that a thief of the file could use', async () => {
  using place = folder();
  const store = openStore(place.file);
  const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: NOW + 1000 });
  const order = { name: 'ci', scopes: ['view'] as const, createdBy: 'test', expiresAtMs: null, nowMs: NOW };
  const api = await store.createApiToken(order);
  await store.close();
  const bytes = readFileSync(place.file);
  expect([bytes.includes(api.known.id), bytes.includes(api.token), bytes.includes(token)]).toEqual([
    true,
    false,
    false,
  ]);
});

it('refuses a file that a newer Slipway wrote', async () => {
  using place = folder();
  await openStore(place.file).close();
  const db = new DatabaseSync(place.file);
  db.exec('PRAGMA user_version = 999');
  db.close();
  expect(() => openStore(place.file)).toThrow(expect.objectContaining({ code: 'STORE_TOO_NEW' }));
});

function codeOf(open: () => unknown): { code: string; remedy: string | undefined } {
  try {
    open();
  } catch (error) {
    if (error instanceof CodedError && error.kind !== 'bug') return { code: error.code, remedy: error.remedy };
    throw error;
  }
  throw new Error('It opened.');
}

/** As `rm slipway.db*` does. */
function removeAll(file: string): void {
  for (const name of readdirSync(path.dirname(file)))
    if (name.startsWith(path.basename(file))) rmSync(path.join(path.dirname(file), name));
}

it.each<[string, (file: string) => Promise<void> | void]>([
  ['is missing', (file) => rmSync(file)],
  ['is missing, with all beside it that has its name', (file) => removeAll(file)],
  ['is empty', (file) => truncateSync(file)],
  [
    'is the store of another home',
    async (file) => {
      using other = folder();
      await openStore(other.file).close();
      copyFileSync(other.file, file);
    },
  ],
])('a home never takes an empty store for the one that it had: the file %s', async (_, lose) => {
  using place = folder();
  await openStore(place.file).close();
  await lose(place.file);
  const before = existsSync(place.file);
  const lost = codeOf(() => openStore(place.file));
  expect(lost.code).toBe('STORE_LOST');
  expect(lost.remedy).toContain('slipway token');
  expect(existsSync(place.file)).toBe(before);
  rmSync(place.file, { force: true });
  rmSync(path.join(place.path, 'store-id'));
  await openStore(place.file).close();
});

it('a store that is damaged, or that no file can be, is refused with what to do', async () => {
  using place = folder();
  await openStore(place.file).close();
  const whole = readFileSync(place.file);
  writeFileSync(place.file, Buffer.alloc(whole.length, 'x'));
  expect(codeOf(() => openStore(place.file)).code).toBe('STORE_DAMAGED');
  writeFileSync(place.file, whole.subarray(0, whole.length / 2));
  expect(codeOf(() => openStore(place.file)).code).toBe('STORE_DAMAGED');
  rmSync(place.file);
  mkdirSync(place.file);
  expect(codeOf(() => openStore(place.file))).toMatchObject({
    code: 'STORE_UNWRITABLE',
    remedy: expect.stringContaining('read-only'),
  });
});

it('a store whose file is gone takes nothing, is not ready, and does not count as listening', async () => {
  using place = folder();
  const store = openStore(place.file);
  const epoch = await enrolled(store, 'd1');
  await store.recordListening(NOW);
  rmSync(place.file);
  const gone = expect.objectContaining({ code: 'STORE_GONE', kind: 'retry-later' });
  await expect(store.ingest([{ report: report({ epoch }), receivedAtMs: NOW }])).rejects.toEqual(gone);
  await expect(store.probe()).rejects.toEqual(gone);
  expect((await store.recordListening(NOW + 1000)).listenedMs).toBe(0);
  await store.close();
});

it('time in which reports are turned away for their number is no time of listening: nobody falls silent by it', async () => {
  using place = folder();
  let nowMs = 0;
  const clock = { now: () => NOW, monotonicMs: () => nowMs, sleep: async () => undefined };
  await using store = openSqliteFleetStore({ file: place.file, clock, heartbeatMs: 1_000 });
  const epoch = await enrolled(store, 'd1');
  await store.recordListening(NOW);
  const many = Array.from({ length: 17_000 }, () => ({ report: report({ epoch }), receivedAtMs: NOW }));
  await expect(store.ingest(many)).rejects.toMatchObject({ code: 'STORE_OVERLOADED' });
  expect((await store.recordListening(NOW + 1_000)).listenedMs).toBe(0);
  await store.probe();
  nowMs = 6_000;
  await store.recordListening(NOW + 6_000);
  expect((await store.recordListening(NOW + 7_000)).listenedMs).toBe(1_000);
});

it('its log does not outgrow it', async () => {
  using place = folder();
  const store = openStore(place.file);
  const value = 'x'.repeat(60_000);
  for (let i = 0; i < 250; i++) await store.putValue('one', `${i} ${value}`);
  expect(statSync(`${place.file}-wal`).size).toBeLessThan(10 * 1024 * 1024);
  await store.shrink();
  expect(statSync(`${place.file}-wal`).size).toBe(0);
  await store.close();
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

it('the published entries of a rollout go with its last window', async () => {
  using place = folder();
  const store = openStore(place.file);
  for (const rollout of ['gone', 'here']) await openPublished(store, { ...SPEC, rollout }, NOW);
  await store.closeWindow('gone', NOW);
  const kept = () => {
    using db = new DatabaseSync(place.file, { readOnly: true });
    return db.prepare('SELECT DISTINCT rollout FROM published_entry').all();
  };
  expect(await store.forgetWindows(new Set(['here']), NOW)).toBe(0);
  expect(kept()).toHaveLength(2);
  await store.forgetWindows(new Set(['here']), NOW + WINDOW_KEPT_MS + 1);
  expect(kept()).toEqual([{ rollout: 'here' }]);
  await store.close();
});
