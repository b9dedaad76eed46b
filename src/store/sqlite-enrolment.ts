// Owns enrolment in SQLite: tokens kept as hashes, each turning a device's key into an epoch.
import { randomBytes } from 'node:crypto';
import { CodedError } from '../base/errors.ts';
import { sha256Hex } from '../contract/digest.ts';
import type { EnrolmentAnswer, EnrolmentRefusal } from '../contract/fleet-messages.ts';
import { findDeviceRow, writeDeviceRow } from './device-rows.ts';
import type { EnrolmentOrder, EnrolmentTokenOrder } from './fleet-store.ts';
import { NO_SEQUENCES } from './report-sequence.ts';
import { integer, raiseCounter, readCounter, textual } from './sqlite-counters.ts';
import type { SqliteDatabase } from './sqlite-database.ts';

const MOST_TOKENS = 10_000;
const MOST_USES = 10_000_000;

export function createEnrolmentTokens(db: SqliteDatabase, order: EnrolmentTokenOrder): readonly string[] {
  const { count = 1, uses = 1, labels = {}, device = null, expiresAtMs } = order;
  if (!(count >= 1 && count <= MOST_TOKENS && uses >= 1 && uses <= MOST_USES)) {
    throw new CodedError({
      code: 'ENROLMENT_ORDER',
      message: `${count} tokens of ${uses} uses can't be made.`,
      remedy: `Ask for 1 to ${MOST_TOKENS} tokens of 1 to ${MOST_USES} uses.`,
    });
  }
  const tokens = Array.from({ length: count }, () => `slipway_${randomBytes(32).toString('base64url')}`);
  db.transact(() => {
    const insert = db.prepare(
      'INSERT INTO enrolment_token (hash, labels, device, expires_at, uses_left) VALUES (?, ?, ?, ?, ?)',
    );
    for (const token of tokens)
      insert.run(sha256Hex(token), JSON.stringify(labels), device, Math.floor(expiresAtMs), uses);
  });
  return tokens;
}

function refused(reason: EnrolmentRefusal): EnrolmentAnswer {
  return { kind: 'refused', reason };
}

export function enrol(db: SqliteDatabase, request: EnrolmentOrder): EnrolmentAnswer {
  return db.transact(() => {
    const hash = sha256Hex(request.token);
    const token = db
      .prepare('SELECT labels, device, expires_at, uses_left FROM enrolment_token WHERE hash = ?')
      .get(hash);
    if (token === undefined) return refused('unknown-token');
    if (token.device !== null && token.device !== request.device) return refused('other-device');
    const labels = { ...request.labels, ...(JSON.parse(textual(token.labels)) as Record<string, string>) };
    const known = findDeviceRow(db, request.device);

    const use = db.prepare('SELECT epoch FROM enrolment_use WHERE hash = ? AND device = ?').get(hash, request.device);
    if (use !== undefined) {
      // The answer was lost on its way: the same again, but never an epoch that a later token has ended.
      const isRepeat = known?.publicKey === request.publicKey && known.epoch === use.epoch;
      return isRepeat ? { kind: 'enrolled', epoch: known.epoch, labels } : refused('used-token');
    }
    if (request.nowMs >= integer(token.expires_at)) return refused('expired-token');
    if (integer(token.uses_left) === 0) return refused('used-token');
    // Whoever holds just any token must not take over a device that is already there.
    if (known !== undefined && known.publicKey !== request.publicKey && token.device === null)
      return refused('key-taken');
    return { kind: 'enrolled', epoch: startEpoch(db, hash, { ...request, labels }), labels };
  });
}

/**
 * Epochs follow the clock, so that a device enrolled into an emptied store doesn't get an epoch that it had before:
 * old reports of that epoch could pass for new ones.
 */
function startEpoch(db: SqliteDatabase, tokenHash: string, request: EnrolmentOrder): number {
  const { device: id, publicKey, labels, nowMs } = request;
  const known = findDeviceRow(db, id);
  const epoch = Math.max((known?.epoch ?? 0) + 1, Math.floor(nowMs / 1000));
  db.prepare('UPDATE enrolment_token SET uses_left = uses_left - 1 WHERE hash = ?').run(tokenHash);
  db.prepare('INSERT INTO enrolment_use (hash, device, epoch) VALUES (?, ?, ?)').run(tokenHash, id, epoch);
  const row = {
    properties: '{}',
    models: '[]',
    taken: '[]',
    ...known,
    id,
    epoch,
    publicKey,
    labels: JSON.stringify(labels),
    lastSeenAtMs: Math.floor(nowMs),
    lastSeenListenedMs: readCounter(db, 'listened_ms'),
    seen: NO_SEQUENCES,
    outcomes: withoutSequences(known?.outcomes ?? '[]'),
  };
  writeDeviceRow(db, row, raiseCounter(db, 'changes'));
  return epoch;
}

/** Outcomes of the old epoch stay known, but any report of the new one is later than they are. */
function withoutSequences(outcomes: string): string {
  const entries = JSON.parse(outcomes) as readonly (readonly [string, object])[];
  return JSON.stringify(entries.map(([key, outcome]) => [key, { ...outcome, sequence: 0 }]));
}
