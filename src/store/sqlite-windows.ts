// Owns windows in SQLite: opening, closing, and reading the sums that reports were folded into.
import type { Digest } from '../contract/digest.ts';
import { decodeGauges } from '../telemetry/gauge-codec.ts';
import { decodeRow, decodeSummary } from '../telemetry/tally-codec.ts';
import { ARMS, type Arm, readWindowSpec, type WindowSpec } from '../telemetry/window.ts';
import { type ArmTallies, emptyWindowTallies, type WindowTallies } from '../telemetry/window-tallies.ts';
import type { AsideName, AsideOrder, LateReport, WindowReading } from './fleet-store.ts';
import { integer, textual } from './sqlite-counters.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { WindowFolding } from './window-folding.ts';

/** Closed windows of a rollout that are kept for late reports and for people; evidence in Git has the rest. */
const MOST_CLOSED_WINDOWS = 32;

/** Windows of a rollout that are kept decoded: the present one, those that serve as baselines, and one more. */
const MOST_DECODED_WINDOWS = 6;

/** What was decoded of a window, up to a change. */
interface DecodedWindow {
  readonly rollout: string;
  readonly tallies: WindowTallies;
  changed: number;
}

export class SqliteWindows {
  readonly #db: SqliteDatabase;
  /** By window number, the one read last at the end. */
  readonly #decoded = new Map<number, DecodedWindow>();

  constructor(db: SqliteDatabase) {
    this.#db = db;
  }

  /** Inside one transaction: collects what its reports add, then writes it. */
  beginFolding(): WindowFolding {
    return new WindowFolding(this.#db);
  }

  open(spec: WindowSpec, nowMs: number): void {
    const { rollout, openedRevision } = spec;
    this.#db.transact(() => {
      const newest = this.#db
        .prepare('SELECT max(opened_revision) AS revision FROM telemetry_window WHERE rollout = ?')
        .get(rollout)?.revision;
      if (newest === openedRevision) this.#reopen(rollout, openedRevision);
      // Known already, or the wish of a leader that was overtaken.
      if (typeof newest === 'number' && newest >= openedRevision) return;
      this.#db
        .prepare('UPDATE telemetry_window SET closed_at = ? WHERE rollout = ? AND closed_at IS NULL')
        .run(Math.floor(nowMs), rollout);
      this.#insert(spec);
      this.#forgetOldest(rollout);
    });
  }

  #insert(spec: WindowSpec): void {
    this.#db
      .prepare('INSERT INTO telemetry_window (rollout, opened_revision, spec, opened_at) VALUES (?, ?, ?, ?)')
      .run(spec.rollout, spec.openedRevision, JSON.stringify(spec), Math.floor(spec.openedAtMs));
  }

  /** The rows stay where they are; the window goes on under a name that no rollout has, and that no report is folded by. */
  setAside({ spec, as, nowMs }: AsideOrder): void {
    const { rollout, openedRevision } = spec;
    this.#db.transact(() => {
      const open = this.#db
        .prepare(
          'SELECT number, opened_at FROM telemetry_window WHERE rollout = ? AND opened_revision = ? AND closed_at IS NULL',
        )
        .get(rollout, openedRevision);
      if (open === undefined || integer(open.opened_at) >= Math.floor(spec.openedAtMs)) return;
      const aside = asideName(rollout, as);
      const replaced = this.#db.prepare('SELECT number FROM telemetry_window WHERE rollout = ?').all(aside);
      for (const { number } of replaced) this.#drop(integer(number));
      this.#db
        .prepare('UPDATE telemetry_window SET rollout = ?, closed_at = ? WHERE number = ?')
        .run(aside, Math.floor(nowMs), integer(open.number));
      this.#insert(spec);
    });
  }

  /** The rollout was gone for a while and came back as it was: its measurements go on. */
  #reopen(rollout: string, openedRevision: number): void {
    this.#db
      .prepare('UPDATE telemetry_window SET closed_at = NULL WHERE rollout = ? AND opened_revision = ?')
      .run(rollout, openedRevision);
  }

  #forgetOldest(rollout: string): void {
    const old = this.#db
      .prepare(
        `SELECT number FROM telemetry_window WHERE rollout = ? AND closed_at IS NOT NULL
         ORDER BY opened_revision DESC LIMIT -1 OFFSET ${MOST_CLOSED_WINDOWS}`,
      )
      .all(rollout);
    for (const { number } of old) this.#drop(integer(number));
  }

  #drop(number: number): void {
    for (const table of ['window_row', 'window_summary', 'window_gauge', 'late_report']) {
      this.#db.prepare(`DELETE FROM ${table} WHERE window = ?`).run(number);
    }
    this.#db.prepare('DELETE FROM telemetry_window WHERE number = ?').run(number);
    this.#decoded.delete(number);
  }

  close(rollout: string, nowMs: number): void {
    this.#db.transact(() =>
      this.#db
        .prepare('UPDATE telemetry_window SET closed_at = ? WHERE rollout = ? AND closed_at IS NULL')
        .run(Math.floor(nowMs), rollout),
    );
  }

  markReady(rollout: string, ready: boolean): void {
    this.#db.transact(() =>
      this.#db
        .prepare('UPDATE telemetry_window SET ready = ? WHERE rollout = ? AND closed_at IS NULL AND ready <> ?')
        .run(Number(ready), rollout, Number(ready)),
    );
  }

  read(rollout: string, openedRevision: number): WindowReading | undefined {
    return this.#db.read(() => {
      const row = this.#db
        .prepare('SELECT * FROM telemetry_window WHERE rollout = ? AND opened_revision = ?')
        .get(rollout, openedRevision);
      return row === undefined ? undefined : this.#readRow(row);
    });
  }

  readAside(rollout: string, as: AsideName): WindowReading | undefined {
    return this.#db.read(() => {
      const row = this.#db.prepare('SELECT * FROM telemetry_window WHERE rollout = ?').get(asideName(rollout, as));
      return row === undefined ? undefined : this.#readRow(row);
    });
  }

  #readRow(row: Readonly<Record<string, unknown>>): WindowReading {
    const number = integer(row.number);
    const spec = readWindowSpec(textual(row.spec));
    return {
      spec,
      tallies: this.#readTallies(number, integer(row.changed), spec),
      openedAtMs: integer(row.opened_at),
      closedAtMs: row.closed_at === null ? null : integer(row.closed_at),
      listenedMs: integer(row.listened_ms),
      readyMs: integer(row.ready_ms),
      late: { count: integer(row.late_count), last: this.#readLate(number) },
    };
  }

  /** Decodes what has changed since the last time: a cycle costs what happened, not what there is. */
  #readTallies(number: number, changed: number, spec: WindowSpec): WindowTallies {
    const { rollout } = spec;
    const decoded = this.#decoded.get(number) ?? { rollout, tallies: emptyWindowTallies(spec), changed: -1 };
    this.#decoded.delete(number);
    this.#decoded.set(number, decoded);
    this.#forgetDecoded(rollout);
    if (decoded.changed !== changed) this.#readChanges(number, decoded);
    decoded.changed = changed;
    return decoded.tallies;
  }

  #readChanges(number: number, { changed, tallies }: DecodedWindow): void {
    const rows = this.#db
      .prepare('SELECT arm, in_group, name, tally FROM window_row WHERE window = ? AND changed > ?')
      .iterate(number, changed);
    for (const { arm, in_group: group, name, tally } of rows) {
      const into = partOf(tallies[toArm(arm)], textual(group));
      into.put(textual(name), decodeRow(tally as Uint8Array, into));
    }
    const followed = this.#db
      .prepare('SELECT arm, device, gauges FROM window_gauge WHERE window = ? AND changed > ? ORDER BY changed')
      .iterate(number, changed);
    for (const { arm, device, gauges } of followed) {
      tallies[toArm(arm)].gauges.put(textual(device), decodeGauges(textual(gauges)));
    }
    const summaries = this.#db
      .prepare('SELECT arm, in_group, summary FROM window_summary WHERE window = ?')
      .all(number);
    for (const { arm, in_group: group, summary } of summaries) {
      partOf(tallies[toArm(arm)], textual(group)).summary = decodeSummary(textual(summary));
    }
  }

  #forgetDecoded(rollout: string): void {
    const own = [...this.#decoded].filter(([, one]) => one.rollout === rollout);
    for (const [number] of own.slice(0, -MOST_DECODED_WINDOWS)) this.#decoded.delete(number);
  }

  #readLate(number: number): LateReport[] {
    const rows = this.#db.prepare('SELECT * FROM late_report WHERE window = ? ORDER BY number DESC').all(number);
    return rows.map((row) => ({
      device: textual(row.device),
      epoch: integer(row.epoch),
      sequence: integer(row.sequence),
      digest: textual(row.digest) as Digest,
      inferences: integer(row.inferences),
      receivedAtMs: integer(row.received_at),
    }));
  }
}

/** Names of rollouts have no line break. */
function asideName(rollout: string, as: AsideName): string {
  return `${rollout}\n${as}`;
}

function toArm(value: unknown): Arm {
  return ARMS[integer(value)] ?? 'stable';
}

/** All of an arm, or one of its groups. */
function partOf(arm: ArmTallies, group: string): ArmTallies {
  return group === '' ? arm : arm.group(group);
}
