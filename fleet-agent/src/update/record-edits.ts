// Owns the small changes that a model's record is changed by: a phase, a slot's content, an outcome, a failure.
import { toIsoSeconds } from '../../../src/base/clock.ts';
import type { Outcome } from '../../../src/contract/report.ts';
import {
  type Failure,
  type FailureFacts,
  type Goal,
  MOST_FAILURES,
  MOST_OUTBOX,
  type ModelRecord,
  type Phase,
  type SlotContent,
  type SlotName,
} from '../record/model-record.ts';
import { findBlockingFailure } from './blocking-failure.ts';
import type { Circumstances } from './update-step.ts';

export function moved(record: ModelRecord, phase: Phase): ModelRecord {
  return { ...record, phase };
}

export function withContent(record: ModelRecord, slot: SlotName, content: SlotContent | null): ModelRecord {
  return { ...record, slots: { ...record.slots, [slot]: content } };
}

/** `reason` is null where nothing failed. */
export function withOutcome(
  record: ModelRecord,
  { rollout, revision, digest, attempt }: Pick<Goal, 'rollout' | 'revision' | 'digest' | 'attempt'>,
  kind: Outcome['kind'],
  { reason = null, message }: { readonly reason?: Outcome['reason']; readonly message: string },
  atMs: number,
): ModelRecord {
  const outcome: Outcome = {
    ...{ model: record.model, rollout, revision, digest, attempt, kind, reason },
    ...{ message: message.slice(0, 500), at: toIsoSeconds(atMs) },
  };
  return { ...record, outbox: [...record.outbox, outcome].slice(-MOST_OUTBOX) };
}

export function blocked(record: ModelRecord, { digest, attempt }: Failure): ModelRecord {
  const { phase } = record;
  if (phase.kind === 'failed' && phase.digest === digest && phase.attempt === attempt) return record;
  return moved(record, { kind: 'failed', digest, attempt });
}

export function remember(record: ModelRecord, failure: Failure): ModelRecord {
  // What failed as stable lapses; what failed as a candidate stays.
  const isOther = (known: Failure): boolean =>
    known.digest !== failure.digest || (known.attempt === 0) !== (failure.attempt === 0);
  const others = record.failures.filter(isOther);
  return { ...record, failures: [...others, failure].slice(-MOST_FAILURES) };
}

/** A goal that is not even tried. Told once. */
export function refused(
  record: ModelRecord,
  goal: Goal,
  facts: FailureFacts,
  now: Circumstances,
  atMs: number,
): ModelRecord {
  const known = findBlockingFailure(record, goal, now);
  if (known !== undefined) return blocked(record, known);
  const { reason, message, expiry } = facts;
  const failure: Failure = { digest: goal.digest, attempt: goal.attempt, reason, message, expiry, atMs };
  return withOutcome(blocked(remember(record, failure), failure), goal, 'refused', failure, atMs);
}
