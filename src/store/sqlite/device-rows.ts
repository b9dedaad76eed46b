// Owns the form of a device in the database, and its decoding into records that share equal parts to stay small.
import type { Labels } from '../../contract/bound-labels.ts';
import type { ModelState } from '../../contract/report.ts';
import type { FalseClaim } from '../../telemetry/attribution.ts';
import type { Answers, HeardRevisions, Outcomes, Taken } from '../device-memory.ts';
import type { DeviceRecord, Silence } from '../device-register.ts';
import type { SequencesSeen } from '../report-sequence.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

export interface DeviceRow {
  readonly id: string;
  readonly epoch: number;
  readonly publicKey: string;
  readonly labels: string;
  readonly bound: string;
  /** The part of `bound` that came by its token. */
  readonly tokenLabels: string;
  readonly stated: string;
  readonly joined: number;
  readonly relabelled: number;
  readonly properties: string;
  readonly lastSeenAtMs: number;
  readonly lastSeenListenedMs: number;
  readonly seen: SequencesSeen;
  readonly models: string;
  readonly outcomes: string;
  readonly taken: string;
  readonly heard: string;
  readonly silences: string;
  readonly answers: string;
  readonly claim: string | null;
  /** The step of its recent past that is under way. */
  readonly recent: string;
}

const COLUMNS = `id, epoch, public_key, labels, bound, token_labels, stated, joined, relabelled, properties, last_seen_at, last_seen_listened,
  newest_sequence, seen_low, seen_high, models, outcomes, taken, heard, silences, answers, claim, recent`;

type SqlRow = Readonly<Record<string, unknown>>;

function toRow(row: SqlRow): DeviceRow {
  return {
    id: textual(row.id),
    epoch: integer(row.epoch),
    publicKey: textual(row.public_key),
    labels: textual(row.labels),
    bound: textual(row.bound),
    tokenLabels: textual(row.token_labels),
    stated: textual(row.stated),
    joined: integer(row.joined),
    relabelled: integer(row.relabelled),
    properties: textual(row.properties),
    lastSeenAtMs: integer(row.last_seen_at),
    lastSeenListenedMs: integer(row.last_seen_listened),
    seen: { newest: integer(row.newest_sequence), low: integer(row.seen_low), high: integer(row.seen_high) },
    models: textual(row.models),
    outcomes: textual(row.outcomes),
    taken: textual(row.taken),
    heard: textual(row.heard),
    silences: textual(row.silences),
    answers: textual(row.answers),
    claim: row.claim === null ? null : textual(row.claim),
    recent: textual(row.recent),
  };
}

export function findDeviceRow(db: SqliteDatabase, id: string): DeviceRow | undefined {
  const row = db.prepare(`SELECT ${COLUMNS} FROM device WHERE id = ?`).get(id);
  return row === undefined ? undefined : toRow(row);
}

/** Rows that were written in transactions after the given change, in no order. */
export function* changedDeviceRows(db: SqliteDatabase, afterChange: number): Generator<DeviceRow> {
  const rows = db.prepare(`SELECT ${COLUMNS} FROM device WHERE changed > ?`).iterate(afterChange);
  for (const row of rows) yield toRow(row as SqlRow);
}

/** Writes a row under the transaction's change number. */
export function writeDeviceRow(db: SqliteDatabase, row: DeviceRow, change: number): void {
  db.prepare(
    `INSERT INTO device (${COLUMNS}, changed) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     ON CONFLICT (id) DO UPDATE SET epoch = excluded.epoch, public_key = excluded.public_key, labels = excluded.labels,
       bound = excluded.bound, token_labels = excluded.token_labels, stated = excluded.stated, joined = excluded.joined,
       relabelled = excluded.relabelled,
       properties = excluded.properties, last_seen_at = excluded.last_seen_at, last_seen_listened = excluded.last_seen_listened,
       newest_sequence = excluded.newest_sequence, seen_low = excluded.seen_low, seen_high = excluded.seen_high,
       models = excluded.models, outcomes = excluded.outcomes, taken = excluded.taken, heard = excluded.heard, silences = excluded.silences,
       answers = excluded.answers,
       claim = excluded.claim, recent = excluded.recent,
       changed = excluded.changed`,
  ).run(
    row.id,
    row.epoch,
    row.publicKey,
    row.labels,
    row.bound,
    row.tokenLabels,
    row.stated,
    row.joined,
    row.relabelled,
    row.properties,
    row.lastSeenAtMs,
    row.lastSeenListenedMs,
    row.seen.newest,
    row.seen.low,
    row.seen.high,
    row.models,
    row.outcomes,
    row.taken,
    row.heard,
    row.silences,
    row.answers,
    row.claim,
    row.recent,
    change,
  );
}

const MOST_SHARED = 20_000;

/** Decodes texts once: devices of one kind have equal labels and model states, and share one object for them. */
class SharedText<T> {
  readonly #decode: (text: string) => T;
  readonly #known = new Map<string, T>();

  constructor(decode: (text: string) => T) {
    this.#decode = decode;
  }

  get(text: string): T {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    if (this.#known.size >= MOST_SHARED) this.#known.clear();
    const decoded = this.#decode(text);
    this.#known.set(text, decoded);
    return decoded;
  }
}

/** Decodes rows; one a store, since what it has decoded is shared between devices. */
export class DeviceDecoder {
  readonly #labels = new SharedText((text) => JSON.parse(text) as Labels);
  readonly #properties = new SharedText((text) => JSON.parse(text) as Readonly<Record<string, string | number>>);
  readonly #models = new SharedText((text) => {
    const states = JSON.parse(text) as readonly ModelState[];
    return new Map(states.map((state) => [state.model, state])) as ReadonlyMap<string, ModelState>;
  });
  readonly #outcomes = new SharedText((text) => new Map(JSON.parse(text)) as Outcomes);
  readonly #claims = new SharedText((text) => JSON.parse(text) as FalseClaim);
  readonly #taken = new SharedText((text) => new Map(JSON.parse(text)) as Taken);
  readonly #heard = new SharedText((text) => new Map(JSON.parse(text)) as HeardRevisions);
  readonly #silences = new SharedText((text) => JSON.parse(text) as readonly Silence[]);

  outcomes(row: DeviceRow): Outcomes {
    return this.#outcomes.get(row.outcomes);
  }

  labels(text: string): Labels {
    return this.#labels.get(text);
  }

  taken(row: DeviceRow): Taken {
    return this.#taken.get(row.taken);
  }

  record(row: DeviceRow): DeviceRecord {
    return {
      id: row.id,
      epoch: row.epoch,
      publicKey: row.publicKey,
      newestSequence: row.seen.newest,
      labels: this.labels(row.labels),
      bound: this.labels(row.bound),
      stated: this.labels(row.stated),
      joined: row.joined,
      relabelled: row.relabelled,
      properties: this.#properties.get(row.properties),
      lastSeenAtMs: row.lastSeenAtMs,
      lastSeenListenedMs: row.lastSeenListenedMs,
      models: this.#models.get(row.models),
      outcomes: this.outcomes(row),
      tookCandidate: this.taken(row),
      heard: this.#heard.get(row.heard),
      silences: this.#silences.get(row.silences),
      // No two devices answer alike.
      answers: new Map(JSON.parse(row.answers)) as Answers,
      claim: row.claim === null ? null : this.#claims.get(row.claim),
    };
  }
}

export function encodeMap(map: Outcomes | Taken | HeardRevisions | Answers): string {
  return JSON.stringify([...map]);
}
