// Owns reading windows out of SQLite: what was decoded once is brought up to date with the rows that changed since.
import type { Digest } from '../../contract/digest.ts';
import { decodeGauges } from '../../telemetry/gauge-codec.ts';
import { decodeNumbers, decodeRow, decodeSummary } from '../../telemetry/tally-codec.ts';
import { ARMS, type Arm, type WindowSpec } from '../../telemetry/window.ts';
import { type ArmTallies, emptyWindowTallies, type WindowTallies } from '../../telemetry/window-tallies.ts';
import type { LateReport, WindowReading } from '../window-store.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

/** Windows of a rollout that are kept decoded: the present one, those that serve as baselines, and one more. */
const MOST_DECODED_WINDOWS = 6;

/** What was decoded of a window, up to a change. */
interface DecodedWindow {
  readonly rollout: string;
  readonly tallies: WindowTallies;
  changed: number;
}

export class WindowReadings {
  readonly #db: SqliteDatabase;
  /** By window number, the one read last at the end. */
  readonly #decoded = new Map<number, DecodedWindow>();

  constructor(db: SqliteDatabase) {
    this.#db = db;
  }

  /** Reads a row of `telemetry_window` and all that belongs to it; inside a transaction. */
  read(row: Readonly<Record<string, unknown>>): WindowReading {
    const number = integer(row.number);
    const spec = JSON.parse(textual(row.spec)) as WindowSpec;
    return {
      spec,
      tallies: this.#readTallies(number, integer(row.changed), spec),
      openedAtMs: integer(row.opened_at),
      openedChange: integer(row.opened_change),
      attemptChange: integer(row.attempt_change),
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
    const courses = this.#db
      .prepare('SELECT arm, slot, sums FROM window_course WHERE window = ? AND changed > ?')
      .iterate(number, changed);
    for (const { arm, slot, sums } of courses) {
      tallies[toArm(arm)].course.put(integer(slot), decodeNumbers(sums as Uint8Array));
    }
    const summaries = this.#db
      .prepare('SELECT arm, in_group, summary FROM window_summary WHERE window = ?')
      .all(number);
    for (const { arm, in_group: group, summary } of summaries) {
      partOf(tallies[toArm(arm)], textual(group)).summary = decodeSummary(textual(summary));
    }
  }

  /** The window is gone. */
  forget(number: number): void {
    this.#decoded.delete(number);
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

function toArm(value: unknown): Arm {
  return ARMS[integer(value)] ?? 'stable';
}

/** All of an arm, or one of its groups. */
function partOf(arm: ArmTallies, group: string): ArmTallies {
  return group === '' ? arm : arm.group(group);
}
