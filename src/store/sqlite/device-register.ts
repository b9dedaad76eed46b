// Owns devices in SQLite: their enrolment, and reports that are each counted once, in the device's row and its windows' sums alike.

import type { Labels } from '../../contract/bound-labels.ts';
import { sha256Hex } from '../../contract/digest.ts';
import type { EnrolmentAnswer, StoredAnswer, VerifiedReport } from '../../contract/fleet-messages.ts';
import type { Readmission } from '../../contract/readmission.ts';
import { admitReport, outcomesOfNewEpoch, rememberReport } from '../device-memory.ts';
import type { DeviceRecord, DeviceRegister, EnrolmentOrder } from '../device-register.ts';
import { judgeEnrolment, type KnownToken, makeTokens, mayReadmit } from '../enrolment.ts';
import { GroupCommit } from '../group-commit.ts';
import { addToRecent, type RecentStep, recentStepOf } from '../recent-reports.ts';
import { NO_SEQUENCES } from '../report-sequence.ts';
import { DEVICE_KEPT_LISTENED_MS, type Forgotten, TOKEN_KEPT_MS } from '../retention.ts';
import { exposureChange } from '../shown-versions.ts';
import { labelsAfter, type Vetted, vetReport } from '../vet-report.ts';
import { integer, raiseCounter, readCounter, textual, writeCounter } from './counters.ts';
import type { SqliteDatabase } from './database.ts';
import {
  changedDeviceRows,
  DeviceDecoder,
  type DeviceRow,
  encodeMap,
  findDeviceRow,
  writeDeviceRow,
} from './device-rows.ts';
import { endExposure, writeExposure } from './exposure.ts';
import { forgetPlainDevice } from './plain-register.ts';
import type { SqliteEntries } from './published-entries.ts';
import { writeStep } from './recent-reports.ts';
import { WindowFolding } from './window-folding.ts';

/** The register, and the intake that has to be emptied before the database closes. */
export function deviceRegisterIn(
  db: SqliteDatabase,
  entries: SqliteEntries,
  { reportMs, gather }: { readonly reportMs: number; readonly gather: () => Promise<void> },
): { readonly register: DeviceRegister; readonly flush: () => Promise<void> } {
  const decoder = new DeviceDecoder();
  const devices = new Map<string, DeviceRecord>();
  let pictured = 0;
  let forgotten = 0;
  const intake = new GroupCommit<VerifiedReport, StoredAnswer>({
    commit: (reports) => db.transact(() => ingestGroup({ db, decoder, entries, reportMs }, reports)),
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

    enrol: (request) => db.transact(() => enrol({ db, decoder, entries, reportMs }, request)),

    readmit: (order) => db.transact(() => readmit({ db, decoder, entries, reportMs }, order)),

    bindLabels: (labels) => db.transact(() => bindLabels({ db, decoder, entries, reportMs }, labels)),

    findDevice: (id) =>
      db.once(() => {
        const row = findDeviceRow(db, id);
        return row === undefined ? undefined : decoder.record(row);
      }),

    ingest: (batch) => intake.submit(batch),

    noteTurnedAway: (ids) =>
      db.transact(() => {
        const change = raiseCounter(db, 'changes');
        const listenedMs = readCounter(db, 'listened_ms');
        const touch = db.prepare('UPDATE device SET last_seen_listened = ?, changed = ? WHERE id = ?');
        for (const id of ids) touch.run(listenedMs, change, id);
      }),

    forgetOld: (nowMs) => db.transact(() => forgetOld(db, nowMs)),

    readFleet: () =>
      db.read(() => {
        const version = readCounter(db, 'changes');
        if (version === pictured) return { version, devices };
        const now = readCounter(db, 'forgotten');
        if (now !== forgotten) {
          devices.clear();
          [forgotten, pictured] = [now, 0];
        }
        for (const row of changedDeviceRows(db, pictured)) devices.set(row.id, decoder.record(row));
        pictured = version;
        return { version, devices };
      }),
  };
  return { register, flush: () => intake.flush() };
}

interface IngestParts {
  readonly db: SqliteDatabase;
  readonly decoder: DeviceDecoder;
  readonly entries: SqliteEntries;
  readonly reportMs: number;
}

/** Inside one transaction: counts the reports and answers in their order. */
function ingestGroup(
  { db, decoder, entries, reportMs }: IngestParts,
  reports: readonly VerifiedReport[],
): readonly StoredAnswer[] {
  const folding = new WindowFolding(db);
  const published = entries.read();
  const change = readCounter(db, 'changes') + 1;
  const listenedMs = readCounter(db, 'listened_ms');
  const rows = new Map<string, DeviceRow>();
  const answers = reports.map((one): StoredAnswer => {
    const { report, receivedAtMs } = one;
    const row = rows.get(report.device) ?? findDeviceRow(db, report.device);
    const admitted = admitReport(row, report);
    if (row === undefined || admitted.kind !== 'new') return admitted.kind as Exclude<StoredAnswer, 'accepted'>;
    const before = { ...decoder.record(row), seen: row.seen, outcomes: decoder.outcomes(row) };
    // What a report says of *now* counts only when no later one was heard before.
    const isNewest = report.sequence === admitted.seen.newest;
    const vetted = vetReport(before, { report, isNewest, change }, published);
    const heard = { report: vetted.report, receivedAtMs, listenedMs, reportMs, seen: admitted.seen };
    const recent = addToRecent(JSON.parse(row.recent) as RecentStep, recentStepOf(one.report, receivedAtMs));
    if (recent.ended !== null) writeStep(db, row.id, recent.ended);
    const shown = exposureChange(before, { ...one, isNewest }, published);
    if (shown !== null) writeExposure(db, shown);
    const { outcomes, tookCandidate, heard: followed, silences, answers, ...memory } = rememberReport(before, heard);
    rows.set(report.device, {
      ...row,
      ...memory,
      ...(isNewest ? presentOf(vetted) : {}),
      outcomes: outcomes === before.outcomes ? row.outcomes : encodeMap(outcomes),
      taken: tookCandidate === before.tookCandidate ? row.taken : encodeMap(tookCandidate),
      heard: followed === before.heard ? row.heard : encodeMap(followed),
      silences: silences === before.silences ? row.silences : JSON.stringify(silences),
      answers: answers === before.answers ? row.answers : encodeMap(answers),
      recent: JSON.stringify(recent.step),
    });
    folding.fold({ report: vetted.report, receivedAtMs, device: { ...before, ...vetted.labelFacts } });
    return 'accepted';
  });
  if (rows.size > 0) {
    writeCounter(db, 'changes', change);
    for (const row of rows.values()) writeDeviceRow(db, row, change);
    folding.write(change);
  }
  return answers;
}

function presentOf({ report: { labels, properties, states }, claim, labelFacts: { stated, relabelled } }: Vetted) {
  return {
    labels: JSON.stringify(labels),
    stated: JSON.stringify(stated),
    relabelled,
    properties: JSON.stringify(properties),
    models: JSON.stringify(states),
    claim: claim === null ? null : JSON.stringify(claim),
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

function enrol(parts: IngestParts, request: EnrolmentOrder): EnrolmentAnswer {
  const { db } = parts;
  const { device: id, nowMs } = request;
  const hash = sha256Hex(request.token);
  const use = db.prepare('SELECT epoch FROM enrolment_use WHERE hash = ? AND device = ?').get(hash, id);
  const known = findDeviceRow(db, id);
  const usedEpoch = use === undefined ? undefined : integer(use.epoch);
  const token = findToken(db, hash);
  const asKnown = known && { ...known, tokenLabels: JSON.parse(known.tokenLabels) as Labels };
  const { answer, isNew } = judgeEnrolment(request, { token, usedEpoch, known: asKnown });
  if (answer.kind === 'refused' || !isNew) return answer;
  db.prepare('UPDATE enrolment_token SET uses_left = uses_left - 1 WHERE hash = ?').run(hash);
  db.prepare('INSERT INTO enrolment_use (hash, device, epoch) VALUES (?, ?, ?)').run(hash, id, answer.epoch);
  takeIn(parts, { ...request, epoch: answer.epoch }, known, answer.labels);
  if (known === undefined) forgetPlainDevice(db, id, Math.floor(nowMs));
  return answer;
}

function readmit(parts: IngestParts, order: Readmission): void {
  const known = findDeviceRow(parts.db, order.device);
  if (!mayReadmit(known, order)) return;
  takeIn(parts, order, known, known === undefined ? {} : JSON.parse(known.tokenLabels));
  if (known === undefined) forgetPlainDevice(parts.db, order.device, Math.floor(order.nowMs));
}

/** The device under its new epoch. */
function takeIn(
  { db, decoder, entries }: IngestParts,
  { device: id, publicKey, epoch, labels: stated, nowMs }: Readmission,
  known: DeviceRow | undefined,
  tokenLabels: Labels,
): void {
  const bound = { ...tokenLabels, ...documentedLabels(db, id) };
  const change = raiseCounter(db, 'changes');
  const labels = { ...stated, ...bound };
  const labelFacts =
    known === undefined
      ? { labels, stated: labels, relabelled: 0 }
      : labelsAfter({ ...decoder.record(known), bound }, labels, entries.read(), change);
  const row: DeviceRow = {
    ...{ properties: '{}', models: '[]', taken: '[]', heard: '[]', silences: '[]', answers: '[]', claim: null },
    recent: '[]',
    ...known,
    ...{ id, epoch, publicKey, bound: JSON.stringify(bound), tokenLabels: JSON.stringify(tokenLabels) },
    ...{ labels: JSON.stringify(labelFacts.labels), stated: JSON.stringify(labelFacts.stated) },
    ...{ joined: known?.joined ?? change, relabelled: labelFacts.relabelled },
    lastSeenAtMs: Math.floor(nowMs),
    lastSeenListenedMs: readCounter(db, 'listened_ms'),
    seen: NO_SEQUENCES,
    outcomes: known === undefined ? '[]' : encodeMap(outcomesOfNewEpoch(decoder.outcomes(known))),
  };
  writeDeviceRow(db, row, change);
}

function documentedLabels(db: SqliteDatabase, device: string): Labels {
  const row = db.prepare('SELECT labels FROM documented_label WHERE device = ?').get(device);
  return row === undefined ? {} : JSON.parse(textual(row.labels));
}

/** Writes only what differs: most documents never change. */
function bindLabels({ db, decoder, entries }: IngestParts, labels: ReadonlyMap<string, Labels>): void {
  const rows = db.prepare('SELECT device, labels FROM documented_label').all();
  const known = new Map(rows.map((row) => [textual(row.device), textual(row.labels)]));
  const wanted = new Map([...labels].map(([device, own]) => [device, JSON.stringify(own)]));
  const changed = [...new Set([...known.keys(), ...wanted.keys()])].filter((one) => known.get(one) !== wanted.get(one));
  if (changed.length === 0) return;
  const change = raiseCounter(db, 'changes');
  for (const device of changed) {
    const text = wanted.get(device);
    db.prepare('DELETE FROM documented_label WHERE device = ?').run(device);
    if (text !== undefined) db.prepare('INSERT INTO documented_label (device, labels) VALUES (?, ?)').run(device, text);
    const row = findDeviceRow(db, device);
    if (row === undefined) continue;
    const bound = { ...JSON.parse(row.tokenLabels), ...labels.get(device) };
    const before = { ...decoder.record(row), bound };
    const { labels: own, relabelled } = labelsAfter(before, before.stated, entries.read(), change);
    writeDeviceRow(db, { ...row, bound: JSON.stringify(bound), labels: JSON.stringify(own), relabelled }, change);
  }
}

function forgetOld(db: SqliteDatabase, nowMs: number): Forgotten {
  const heardMs = readCounter(db, 'listened_ms') - DEVICE_KEPT_LISTENED_MS;
  const gone = db.prepare('SELECT id, last_seen_at FROM device WHERE last_seen_listened < ?').all(heardMs);
  for (const { id, last_seen_at } of gone) {
    db.prepare('DELETE FROM device WHERE id = ?').run(textual(id));
    db.prepare('DELETE FROM recent_report WHERE device = ?').run(textual(id));
    endExposure(db, textual(id), integer(last_seen_at));
  }
  if (gone.length > 0) {
    raiseCounter(db, 'changes');
    raiseCounter(db, 'forgotten');
  }
  const plain = db.prepare('SELECT id, last_seen_at FROM plain_device WHERE last_seen_listened < ?').all(heardMs);
  for (const { id, last_seen_at } of plain) {
    forgetPlainDevice(db, textual(id), integer(last_seen_at));
    db.prepare('DELETE FROM recent_report WHERE device = ?').run(textual(id));
  }
  const tokens = db.prepare('DELETE FROM enrolment_token WHERE expires_at < ?').run(Math.floor(nowMs) - TOKEN_KEPT_MS);
  db.prepare('DELETE FROM enrolment_use WHERE hash NOT IN (SELECT hash FROM enrolment_token)').run();
  return { devices: gone.length + plain.length, tokens: Number(tokens.changes) };
}
