// Owns what the reports of one transaction add to windows: read once, added up in memory, written once.

import type { FoldedInterval } from '../../telemetry/fold-report.ts';
import { decodeGauges, encodeGauges } from '../../telemetry/gauge-codec.ts';
import {
  decodeNumbers,
  decodeRow,
  decodeSummary,
  encodeNumbers,
  encodeRow,
  encodeSummary,
} from '../../telemetry/tally-codec.ts';
import { ARMS, type Arm, type WindowSpec } from '../../telemetry/window.ts';
import { type ArmTallies, emptyArmTallies } from '../../telemetry/window-tallies.ts';
import { MOST_LATE_REPORTS, type PlacedWindow, placeReport, type Received } from '../place-report.ts';
import type { LateReport } from '../window-store.ts';
import { integer, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';

interface Window extends PlacedWindow {
  readonly number: number;
}

/** The rows of an arm, or of one of its groups, that this transaction adds to, and nothing else of it. */
interface TouchedPart {
  readonly window: number;
  readonly arm: Arm;
  /** Empty for all of the arm. */
  readonly group: string;
  readonly tallies: ArmTallies;
}

export class WindowFolding {
  readonly #db: SqliteDatabase;
  /** By rollout, newest first. */
  readonly #windows = new Map<string, readonly Window[]>();
  readonly #parts = new Map<string, TouchedPart>();

  constructor(db: SqliteDatabase) {
    this.#db = db;
  }

  /** Adds a report to the open windows of its rollouts; what belongs to a closed one is kept beside it. */
  fold(received: Received): void {
    const { counted, late } = placeReport(received, (rollout) => this.#windowsOf(rollout));
    for (const { window, folded } of counted) this.#add(window, folded);
    for (const { window, report } of late) this.#keepLate(window, report);
  }

  #windowsOf(rollout: string): readonly Window[] {
    const known = this.#windows.get(rollout);
    if (known !== undefined) return known;
    const rows = this.#db
      .prepare(
        `SELECT number, spec, closed_at, opened_change, attempt_change FROM telemetry_window WHERE rollout = ?
         ORDER BY opened_revision DESC`,
      )
      .all(rollout);
    const windows = rows.map((row) => ({
      number: integer(row.number),
      spec: JSON.parse(textual(row.spec)) as WindowSpec,
      isOpen: row.closed_at === null,
      openedChange: integer(row.opened_change),
      attemptChange: integer(row.attempt_change),
    }));
    this.#windows.set(rollout, windows);
    return windows;
  }

  #add(window: Window, folded: FoldedInterval): void {
    for (const { name, row } of [{ name: '', row: folded.row }, ...folded.groups]) {
      const part = this.#touch(window, folded.arm, name);
      if (part.tallies.rowOf(row) === undefined) this.#readRow(part, row);
      const { gauges } = part.tallies;
      this.#readCourse(part, folded);
      if (gauges.specs.length > 0 && !gauges.devices.has(folded.device)) this.#readGauges(part, folded.device);
      part.tallies.fold({ ...folded, row });
    }
  }

  /** Reads what is followed in the device's row, which may be another device. */
  #readGauges({ window, arm, tallies: { gauges } }: TouchedPart, device: string): void {
    const row = this.#db
      .prepare('SELECT device, gauges FROM window_gauge WHERE window = ? AND arm = ? AND name = ?')
      .get(window, ARMS.indexOf(arm), gauges.rowOf(device));
    // What this transaction added already is newer.
    if (row === undefined || gauges.devices.has(textual(row.device))) return;
    gauges.put(textual(row.device), decodeGauges(textual(row.gauges)));
  }

  #readCourse({ window, arm, tallies: { course } }: TouchedPart, { course: point }: FoldedInterval): void {
    if (course.spec === null || point === null || course.slots.has(point.slot)) return;
    const row = this.#db
      .prepare('SELECT sums FROM window_course WHERE window = ? AND arm = ? AND slot = ?')
      .get(window, ARMS.indexOf(arm), point.slot);
    if (row !== undefined) course.put(point.slot, decodeNumbers(row.sums as Uint8Array));
  }

  #touch({ number: window, spec }: Window, arm: Arm, group: string): TouchedPart {
    const key = `${window}\n${arm}\n${group}`;
    const known = this.#parts.get(key);
    if (known !== undefined) return known;
    const all = emptyArmTallies(spec, arm);
    const tallies = group === '' ? all : all.group(group);
    const row = this.#db
      .prepare('SELECT summary FROM window_summary WHERE window = ? AND arm = ? AND in_group = ?')
      .get(window, ARMS.indexOf(arm), group);
    if (row !== undefined) tallies.summary = decodeSummary(textual(row.summary));
    const touched = { window, arm, group, tallies };
    this.#parts.set(key, touched);
    return touched;
  }

  #readRow({ window, arm, group, tallies }: TouchedPart, name: string): void {
    const row = this.#db
      .prepare('SELECT tally FROM window_row WHERE window = ? AND arm = ? AND in_group = ? AND name = ?')
      .get(window, ARMS.indexOf(arm), group, name);
    if (row !== undefined) tallies.put(name, decodeRow(row.tally as Uint8Array, tallies));
  }

  #keepLate({ number }: Window, { device, epoch, sequence, digest, inferences, receivedAtMs }: LateReport): void {
    this.#db.prepare('UPDATE telemetry_window SET late_count = late_count + 1 WHERE number = ?').run(number);
    this.#db
      .prepare(
        'INSERT INTO late_report (window, device, epoch, sequence, digest, inferences, received_at) VALUES (?, ?, ?, ?, ?, ?, ?)',
      )
      .run(number, device, epoch, sequence, digest, inferences, receivedAtMs);
    this.#db
      .prepare(
        `DELETE FROM late_report WHERE window = ? AND number <=
         (SELECT number FROM late_report WHERE window = ? ORDER BY number DESC LIMIT 1 OFFSET ${MOST_LATE_REPORTS})`,
      )
      .run(number, number);
  }

  /** Writes the sums under the transaction's change number. */
  write(change: number): void {
    for (const part of this.#parts.values()) {
      const { window, arm, group, tallies } = part;
      this.#writeRows(part, change);
      this.#writeGauges(part, change);
      this.#writeCourse(part, change);
      this.#db
        .prepare(
          `INSERT INTO window_summary (window, arm, in_group, summary) VALUES (?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET summary = excluded.summary`,
        )
        .run(window, ARMS.indexOf(arm), group, encodeSummary(tallies.summary));
      this.#db.prepare('UPDATE telemetry_window SET changed = ? WHERE number = ?').run(change, window);
    }
  }

  #writeGauges({ window, arm, tallies }: TouchedPart, change: number): void {
    for (const [device, states] of tallies.gauges.devices) {
      this.#db
        .prepare(
          `INSERT INTO window_gauge (window, arm, name, device, gauges, changed) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET device = excluded.device, gauges = excluded.gauges, changed = excluded.changed`,
        )
        .run(window, ARMS.indexOf(arm), tallies.gauges.rowOf(device), device, encodeGauges(states), change);
    }
  }

  #writeCourse({ window, arm, tallies }: TouchedPart, change: number): void {
    for (const [slot, sums] of tallies.course.slots) {
      this.#db
        .prepare(
          `INSERT INTO window_course (window, arm, slot, sums, changed) VALUES (?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET sums = excluded.sums, changed = excluded.changed`,
        )
        .run(window, ARMS.indexOf(arm), slot, encodeNumbers(sums), change);
    }
  }

  #writeRows({ window, arm, group, tallies }: TouchedPart, change: number): void {
    for (const name of tallies.names) {
      const sums = tallies.read(name);
      if (sums === undefined) continue;
      this.#db
        .prepare(
          `INSERT INTO window_row (window, arm, in_group, name, tally, changed) VALUES (?, ?, ?, ?, ?, ?)
           ON CONFLICT DO UPDATE SET tally = excluded.tally, changed = excluded.changed`,
        )
        .run(window, ARMS.indexOf(arm), group, name, encodeRow(sums), change);
    }
  }
}
