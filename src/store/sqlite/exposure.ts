// Owns exposure in SQLite: one row a device and change, written inside the transaction of the report that shows it.
import type { Digest } from '../../contract/digest.ts';
import {
  EXPOSURE_HOWS,
  type ExposureLog,
  type ExposurePage,
  type ExposureQuestion,
  type ExposureRow,
  MOST_OF_DEVICE,
  patchingPoints,
} from '../exposure.ts';
import type { ExposureChange, ShownVersion } from '../shown-versions.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

type SqlRow = Readonly<Record<string, unknown>>;

const ROW = 'e.number, device, after_at, from_at, until_at, how, model, v.version AS version, digest';

/** Rows that ended and are forgotten in one transaction: other work of the process goes on in between. */
const MOST_FORGOTTEN = 10_000;

export function exposureLogIn(db: SqliteDatabase): ExposureLog {
  return {
    readExposure: (question) =>
      db.read(() => (question.device === undefined ? pageOf(db, question) : ownRows(db, question))),

    readPatching: (question, atMs) =>
      db.read(() => {
        const { tests, values } = versionTests(question);
        const rows = db
          .prepare(
            `SELECT min(from_at) AS from_at, max(until_at) AS until_at, max(until_at IS NULL) AS stays FROM exposure
             WHERE version IN (SELECT v.number FROM exposed_version v WHERE ${tests}) GROUP BY device`,
          )
          .all(...values);
        const devices = rows.map((row) => ({
          fromMs: integer(row.from_at),
          untilMs: row.stays === 1 ? null : integer(row.until_at),
        }));
        return patchingPoints(devices, atMs);
      }),

    forgetExposure: async (beforeMs) => {
      const forget = (): Promise<number> =>
        db.transact(() => {
          const { changes } = db
            .prepare(
              `DELETE FROM exposure WHERE number IN
               (SELECT number FROM exposure WHERE until_at < ? LIMIT ${MOST_FORGOTTEN})`,
            )
            .run(Math.floor(beforeMs));
          return Number(changes);
        });
      let all = 0;
      for (let gone = MOST_FORGOTTEN; gone === MOST_FORGOTTEN; all += gone) gone = await forget();
      if (all > 0) await db.transact(() => forgetVersions(db));
      return all;
    },
  };
}

/** Inside the transaction of what shows the change. */
export function writeExposure(
  db: SqliteDatabase,
  { device, atMs, heardMs, ended, began, passed }: ExposureChange,
): void {
  for (const model of new Set([...ended, ...began.map((one) => one.model)])) {
    db.prepare(
      `UPDATE exposure SET until_at = max(from_at, ?) WHERE device = ? AND until_at IS NULL
       AND (SELECT model FROM exposed_version WHERE number = exposure.version) = ?`,
    ).run(atMs, device, model);
  }
  for (const one of passed) {
    const number = versionNumber(db, one);
    // What was known to have ended a moment ago, or runs again, is the same stay.
    const { changes } = db
      .prepare(
        `UPDATE exposure SET until_at = max(until_at, ?) WHERE device = ? AND version = ?
         AND (until_at IS NULL OR until_at >= ?)`,
      )
      .run(atMs, device, number, heardMs);
    if (changes === 0) insert(db, { device, number, heardMs, fromMs: atMs, untilMs: atMs, how: one.how });
  }
  for (const one of began)
    insert(db, { device, number: versionNumber(db, one), heardMs, fromMs: atMs, untilMs: null, how: one.how });
  forgetOldest(db, device);
}

/** A device may make up versions: those that only forgotten rows named go as well. */
function forgetOldest(db: SqliteDatabase, device: string): void {
  const gone = db
    .prepare(
      `DELETE FROM exposure WHERE number IN
       (SELECT number FROM exposure WHERE device = ? AND until_at IS NOT NULL ORDER BY until_at DESC LIMIT -1 OFFSET ${MOST_OF_DEVICE})
       RETURNING version`,
    )
    .all(device);
  const forget = db.prepare(
    'DELETE FROM exposed_version WHERE number = ? AND NOT EXISTS (SELECT 1 FROM exposure WHERE version = exposed_version.number)',
  );
  for (const version of new Set(gone.map((row) => integer(row.version)))) forget.run(version);
}

/** The device is forgotten: what it ran nobody knows from when it was heard last. */
export function endExposure(db: SqliteDatabase, device: string, atMs: number): void {
  db.prepare('UPDATE exposure SET until_at = max(from_at, ?) WHERE device = ? AND until_at IS NULL').run(atMs, device);
}

interface NewRow extends Pick<ExposureRow, 'device' | 'fromMs' | 'untilMs' | 'how'> {
  readonly number: number;
  readonly heardMs: number;
}

function insert(db: SqliteDatabase, { device, number, heardMs, fromMs, untilMs, how }: NewRow): void {
  db.prepare('INSERT INTO exposure (device, version, after_at, from_at, until_at, how) VALUES (?, ?, ?, ?, ?, ?)').run(
    ...([device, number, heardMs, fromMs, untilMs, EXPOSURE_HOWS.indexOf(how)] as const),
  );
}

/** A version is named once: its rows hold a number. */
function versionNumber(db: SqliteDatabase, { model, version, digest }: ShownVersion): number {
  const key = [digest ?? '', model, version] as const;
  const known = db
    .prepare('SELECT number FROM exposed_version WHERE digest = ? AND model = ? AND version = ?')
    .get(...key);
  if (known !== undefined) return integer(known.number);
  const made = db.prepare('INSERT INTO exposed_version (digest, model, version) VALUES (?, ?, ?)').run(...key);
  return Number(made.lastInsertRowid);
}

/** The condition for a version of the question. */
function versionTests({ digest, model, version }: Pick<ExposureQuestion, 'digest' | 'model' | 'version'>): {
  readonly tests: string;
  readonly values: readonly string[];
} {
  const asked = Object.entries({ digest, model, version }).flatMap(([column, value]) =>
    value === undefined ? [] : [{ test: `v.${column} = ?`, value }],
  );
  return { tests: ['1', ...asked.map(({ test }) => test)].join(' AND '), values: asked.map(({ value }) => value) };
}

/** By version, and within one in the order in which the rows were written: as the tables give them, so that no page sorts those to come. */
function pageOf(db: SqliteDatabase, question: ExposureQuestion): ExposurePage {
  const { fromMs, untilMs, cursor = '0.0', most } = question;
  const [atVersion = 0, after = 0] = cursor.split('.').map(Number);
  const { tests, values } = versionTests(question);
  const found = db
    .prepare(
      `SELECT ${ROW}, e.version AS of_version FROM exposed_version v NOT INDEXED CROSS JOIN exposure e ON e.version = v.number
       WHERE v.number >= ? AND (v.number > ? OR e.number > ?) AND ${tests}
       AND after_at < ? AND (until_at IS NULL OR until_at >= ?) ORDER BY v.number, e.number LIMIT ?`,
    )
    .all(atVersion, atVersion, after, ...values, untilMs, fromMs, most + 1);
  const last = found.length > most ? found[most - 1] : undefined;
  const next = last === undefined ? null : `${integer(last.of_version)}.${integer(last.number)}`;
  return { rows: found.slice(0, most).map(toRow), next };
}

function ownRows(db: SqliteDatabase, { device = '', fromMs, untilMs, most }: ExposureQuestion): ExposurePage {
  const rows = db
    .prepare(
      `SELECT ${ROW} FROM exposure e JOIN exposed_version v ON v.number = e.version
       WHERE device = ? AND after_at < ? AND (until_at IS NULL OR until_at >= ?) ORDER BY from_at DESC, e.number DESC LIMIT ?`,
    )
    .all(device, untilMs, fromMs, most);
  return { rows: rows.map(toRow), next: null };
}

function toRow(row: SqlRow): ExposureRow {
  const digest = textual(row.digest);
  return {
    device: textual(row.device),
    model: textual(row.model),
    version: textual(row.version),
    digest: digest === '' ? null : (digest as Digest),
    afterMs: integer(row.after_at),
    fromMs: integer(row.from_at),
    untilMs: row.until_at === null ? null : integer(row.until_at),
    how: EXPOSURE_HOWS[integer(row.how)] ?? 'claimed',
  };
}

function forgetVersions(db: SqliteDatabase): void {
  db.prepare(
    'DELETE FROM exposed_version WHERE NOT EXISTS (SELECT 1 FROM exposure WHERE version = exposed_version.number)',
  ).run();
}
