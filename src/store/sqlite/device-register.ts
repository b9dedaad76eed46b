// Owns devices in SQLite: their enrolment, and reports that are each counted once, in the device's row and its windows' sums alike.

import { sha256Hex } from '../../contract/digest.ts';
import type { EnrolmentAnswer, StoredAnswer, VerifiedReport } from '../../contract/fleet-messages.ts';
import { admitReport, outcomesOfNewEpoch, rememberReport } from '../device-memory.ts';
import type { DeviceRecord, DeviceRegister, EnrolmentOrder } from '../device-register.ts';
import { judgeEnrolment, type KnownToken, makeTokens } from '../enrolment.ts';
import { GroupCommit } from '../group-commit.ts';
import { NO_SEQUENCES } from '../report-sequence.ts';
import { integer, raiseCounter, readCounter, textual } from './counters.ts';
import type { SqliteDatabase } from './database.ts';
import {
  changedDeviceRows,
  DeviceDecoder,
  type DeviceRow,
  encodeMap,
  findDeviceRow,
  writeDeviceRow,
} from './device-rows.ts';
import { WindowFolding } from './window-folding.ts';

/** The register, and the intake that has to be emptied before the database closes. */
export function deviceRegisterIn(
  db: SqliteDatabase,
  gather: () => Promise<void>,
): { readonly register: DeviceRegister; readonly flush: () => Promise<void> } {
  const decoder = new DeviceDecoder();
  const devices = new Map<string, DeviceRecord>();
  let pictured = 0;
  const intake = new GroupCommit<VerifiedReport, StoredAnswer>({
    commit: (reports) => db.transact(() => ingestGroup(db, decoder, reports)),
    gather,
  });
  const register: DeviceRegister = {
    createEnrolmentTokens: async (order) => {
      const { tokens, known } = makeTokens(order);
      await db.transact(() => {
        for (const token of tokens) insertToken(db, sha256Hex(token), known);
      });
      return tokens;
    },

    enrol: (request) => db.transact(() => enrol(db, decoder, request)),

    findDevice: (id) =>
      db.once(() => {
        const row = findDeviceRow(db, id);
        return row === undefined ? undefined : decoder.record(row);
      }),

    ingest: (batch) => intake.submit(batch),

    readFleet: () =>
      db.read(() => {
        const version = readCounter(db, 'changes');
        if (version === pictured) return { version, devices };
        for (const row of changedDeviceRows(db, pictured)) devices.set(row.id, decoder.record(row));
        pictured = version;
        return { version, devices };
      }),
  };
  return { register, flush: () => intake.flush() };
}

/** Inside one transaction: counts the reports and answers in their order. */
function ingestGroup(
  db: SqliteDatabase,
  decoder: DeviceDecoder,
  reports: readonly VerifiedReport[],
): readonly StoredAnswer[] {
  const folding = new WindowFolding(db);
  const listenedMs = readCounter(db, 'listened_ms');
  const rows = new Map<string, DeviceRow>();
  const answers = reports.map((one): StoredAnswer => {
    const { report, receivedAtMs } = one;
    const row = rows.get(report.device) ?? findDeviceRow(db, report.device);
    const admitted = admitReport(row, report);
    if (row === undefined || admitted.kind !== 'new') return admitted.kind as Exclude<StoredAnswer, 'accepted'>;
    const heard = { report, receivedAtMs, listenedMs, seen: admitted.seen };
    const before = { ...row, outcomes: decoder.outcomes(row), tookCandidate: decoder.taken(row) };
    const { outcomes, tookCandidate, ...memory } = rememberReport(before, heard);
    // What a report says of *now* counts only when no later one was heard before.
    const isNewest = report.sequence === admitted.seen.newest;
    rows.set(report.device, {
      ...row,
      ...memory,
      ...(isNewest ? presentOf(report) : {}),
      outcomes: outcomes === before.outcomes ? row.outcomes : encodeMap(outcomes),
      taken: tookCandidate === before.tookCandidate ? row.taken : encodeMap(tookCandidate),
    });
    folding.fold(one);
    return 'accepted';
  });
  if (rows.size > 0) {
    const change = raiseCounter(db, 'changes');
    for (const row of rows.values()) writeDeviceRow(db, row, change);
    folding.write(change);
  }
  return answers;
}

function presentOf({ labels, properties, states }: VerifiedReport['report']) {
  return {
    labels: JSON.stringify(labels),
    properties: JSON.stringify(properties),
    models: JSON.stringify(states),
  };
}

function insertToken(db: SqliteDatabase, hash: string, { labels, device, expiresAtMs, usesLeft }: KnownToken): void {
  db.prepare('INSERT INTO enrolment_token (hash, labels, device, expires_at, uses_left) VALUES (?, ?, ?, ?, ?)').run(
    hash,
    JSON.stringify(labels),
    device,
    expiresAtMs,
    usesLeft,
  );
}

function findToken(db: SqliteDatabase, hash: string): KnownToken | undefined {
  const row = db.prepare('SELECT labels, device, expires_at, uses_left FROM enrolment_token WHERE hash = ?').get(hash);
  return (
    row && {
      labels: JSON.parse(textual(row.labels)) as Record<string, string>,
      device: row.device === null ? null : textual(row.device),
      expiresAtMs: integer(row.expires_at),
      usesLeft: integer(row.uses_left),
    }
  );
}

function enrol(db: SqliteDatabase, decoder: DeviceDecoder, request: EnrolmentOrder): EnrolmentAnswer {
  const { device: id, publicKey, nowMs } = request;
  const hash = sha256Hex(request.token);
  const use = db.prepare('SELECT epoch FROM enrolment_use WHERE hash = ? AND device = ?').get(hash, id);
  const known = findDeviceRow(db, id);
  const usedEpoch = use === undefined ? undefined : integer(use.epoch);
  const { answer, isNew } = judgeEnrolment(request, { token: findToken(db, hash), usedEpoch, known });
  if (answer.kind === 'refused' || !isNew) return answer;
  const { epoch, labels } = answer;
  db.prepare('UPDATE enrolment_token SET uses_left = uses_left - 1 WHERE hash = ?').run(hash);
  db.prepare('INSERT INTO enrolment_use (hash, device, epoch) VALUES (?, ?, ?)').run(hash, id, epoch);
  const row: DeviceRow = {
    ...{ properties: '{}', models: '[]', taken: '[]' },
    ...known,
    ...{ id, epoch, publicKey, labels: JSON.stringify(labels) },
    lastSeenAtMs: Math.floor(nowMs),
    lastSeenListenedMs: readCounter(db, 'listened_ms'),
    seen: NO_SEQUENCES,
    outcomes: known === undefined ? '[]' : encodeMap(outcomesOfNewEpoch(decoder.outcomes(known))),
  };
  writeDeviceRow(db, row, raiseCounter(db, 'changes'));
  return answer;
}
