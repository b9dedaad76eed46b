// Owns one transaction of reports in SQLite: each is counted once, in its device's row and its windows' sums alike.
import type { StoredAnswer, VerifiedReport } from '../contract/fleet-messages.ts';
import type { DeviceReport } from '../contract/report.ts';
import { rememberOutcomes, rememberTaken } from './device-memory.ts';
import { type DeviceDecoder, type DeviceRow, encodeMap, findDeviceRow, writeDeviceRow } from './device-rows.ts';
import { admitSequence, type SequencesSeen } from './report-sequence.ts';
import { raiseCounter, readCounter } from './sqlite-counters.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import type { SqliteWindows } from './sqlite-windows.ts';

export interface IngestParts {
  readonly db: SqliteDatabase;
  readonly decoder: DeviceDecoder;
  readonly windows: SqliteWindows;
}

/** Commits the reports and answers in their order. When it throws, none of them was counted. */
export function ingestGroup(
  { db, decoder, windows }: IngestParts,
  reports: readonly VerifiedReport[],
): readonly StoredAnswer[] {
  return db.transact(() => {
    const folding = windows.beginFolding();
    const listenedMs = readCounter(db, 'listened_ms');
    const rows = new Map<string, DeviceRow>();
    const answers = reports.map(({ report, receivedAtMs }): StoredAnswer => {
      const row = rows.get(report.device) ?? findDeviceRow(db, report.device);
      if (row === undefined) return 'unknown-device';
      if (row.epoch !== report.epoch) return 'other-epoch';
      const admission = admitSequence(row.seen, report.sequence);
      if (admission.kind !== 'new') return admission.kind;
      const heard = { report, receivedAtMs: Math.floor(receivedAtMs), listenedMs, seen: admission.seen };
      rows.set(report.device, rowAfter(decoder, row, heard));
      folding.fold(report, receivedAtMs);
      return 'accepted';
    });
    if (rows.size > 0) {
      const change = raiseCounter(db, 'changes');
      for (const row of rows.values()) writeDeviceRow(db, row, change);
      folding.write(change);
    }
    return answers;
  });
}

interface Heard {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
  readonly listenedMs: number;
  readonly seen: SequencesSeen;
}

/** The device's row after a report. What a report says of *now* counts only when no later one was heard before. */
function rowAfter(
  decoder: DeviceDecoder,
  row: DeviceRow,
  { report, receivedAtMs, listenedMs, seen }: Heard,
): DeviceRow {
  const outcomesBefore = decoder.outcomes(row);
  const outcomes = rememberOutcomes(outcomesBefore, report, receivedAtMs);
  const takenBefore = decoder.taken(row);
  const taken = rememberTaken(takenBefore, report, receivedAtMs);
  const present =
    report.sequence === seen.newest
      ? {
          labels: JSON.stringify(report.labels),
          properties: JSON.stringify(report.properties),
          models: JSON.stringify(report.states),
        }
      : {};
  return {
    ...row,
    ...present,
    seen,
    lastSeenAtMs: Math.max(row.lastSeenAtMs, receivedAtMs),
    lastSeenListenedMs: Math.max(row.lastSeenListenedMs, listenedMs),
    outcomes: outcomes === outcomesBefore ? row.outcomes : encodeMap(outcomes),
    taken: taken === takenBefore ? row.taken : encodeMap(taken),
  };
}
