// Owns how one model's record changes: pure transitions, persisted before each step, that any restart continues.
import { assertInvariant, assertNever } from '../../../src/base/errors.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import {
  activeContent,
  BAR_MS,
  type Failure,
  type FailureFacts,
  failedForGood,
  findSlot,
  type Goal,
  higher,
  isUnbackedStepDown,
  type ModelRecord,
  otherSlot,
  type Phase,
  type SlotName,
  stepDownRefusal,
  type TrialProgress,
} from '../record/model-record.ts';
import { findBlockingFailure } from './blocking-failure.ts';
import { blocked, moved, refused, remember, withContent, withOutcome } from './record-edits.ts';
import type { Circumstances, UpdateEvent } from './update-step.ts';

/** A trial that saw this many process starts is over for a while: the version may be what ends the process, or power cuts and kills are. */
export const MOST_TRIAL_STARTS = 4;

/** The record after an event. `atMs` is the wall clock. The same record, unchanged, when nothing follows. */
export function transition(record: ModelRecord, event: UpdateEvent, atMs: number): ModelRecord {
  const { phase } = record;
  switch (event.kind) {
    case 'assigned':
      return assign(record, event, atMs);
    case 'unassigned':
      return unassign(record, event.rollout, atMs);
    case 'progressed':
      return phase.kind === 'fetching' ? { ...record, phase: { ...phase, part: event.part } } : record;
    case 'fetched':
      return phase.kind === 'fetching'
        ? moved(record, { kind: 'verified', goal: phase.goal, slot: phase.slot })
        : record;
    case 'staged':
      return phase.kind === 'verified' ? stage(record, phase.goal, phase.slot, event.sequence) : record;
    case 'selfTested':
      return phase.kind === 'staged' ? moved(record, { ...phase, kind: 'selfTested' }) : record;
    case 'admitted':
      return phase.kind === 'selfTested' ? admit(record, phase.goal, phase.slot, atMs) : record;
    case 'served':
      return phase.kind === 'rollingBack' ? finishRollback(record, phase.goal, phase.failure, atMs) : record;
    case 'failed':
      return fail(record, event, atMs);
    case 'trialProgressed':
      return phase.kind === 'trial' ? moved(record, { ...phase, progress: event.progress }) : record;
    case 'trialPassed':
      return phase.kind === 'trial' ? commit(record, phase.goal, phase.slot, event.message, atMs) : record;
    case 'parametersRefused': {
      const { goal, message } = event;
      return withOutcome(record, goal, 'refused', { reason: 'incompatible', message }, atMs);
    }
    case 'restarted':
      return restart(leaveRevoked(record, event.revoked ?? [], atMs), atMs);
    case 'slotLost':
      return loseSlot(record, event.slot, atMs);
    case 'reported':
      return { ...record, outbox: record.outbox.filter((outcome) => !event.outcomes.includes(outcome)) };
    default:
      return assertNever(event);
  }
}

function steadyPhase(record: ModelRecord): Phase {
  return activeContent(record) === null ? { kind: 'idle' } : { kind: 'committed' };
}

/** The goal in work, with what newer directives say of the same version; the attempt that began it stays in force. */
function refreshed(old: Goal, newer: Goal): Goal {
  return { ...newer, attempt: Math.max(old.attempt, newer.attempt) };
}

function assign(record: ModelRecord, event: Extract<UpdateEvent, { kind: 'assigned' }>, atMs: number): ModelRecord {
  const { goal: wanted, stableFirst, now } = event;
  const { phase } = record;
  const hasProven = record.slots.A?.isProven === true || record.slots.B?.isProven === true;
  const goal =
    hasProven || stableFirst === null || findBlockingFailure(record, stableFirst, now) !== undefined
      ? wanted
      : stableFirst;
  switch (phase.kind) {
    case 'rollingBack':
      return record;
    case 'fetching':
    case 'verified':
    case 'staged':
    case 'selfTested':
      if (phase.goal.digest === goal.digest) return moved(record, { ...phase, goal: refreshed(phase.goal, goal) });
      return begin(moved(record, steadyPhase(record)), goal, now, atMs);
    case 'trial':
      if (phase.goal.digest === goal.digest) return moved(record, { ...phase, goal: refreshed(phase.goal, goal) });
      return begin(leaveTrial(record, phase, atMs), goal, now, atMs);
    case 'idle':
    case 'committed':
    case 'failed':
      return begin(record, goal, now, atMs);
  }
}

/** The directive wants another version in mid-trial: back to the version before, which is a local copy. */
function leaveTrial(record: ModelRecord, phase: Extract<Phase, { kind: 'trial' }>, atMs: number): ModelRecord {
  const back = { ...record, active: phase.fallback ?? record.active };
  const message = 'The directive changed while it was in its trial.';
  return withOutcome(moved(back, steadyPhase(back)), phase.goal, 'rolled-back', { message }, atMs);
}

/** From a steady state towards a goal: nothing if it runs or is blocked, at once if a proven copy is here, else through all steps. */
function begin(record: ModelRecord, goal: Goal, now: Circumstances, atMs: number): ModelRecord {
  const running = activeContent(record);
  if (record.active !== null && running?.digest === goal.digest) {
    const owned = withRollout(record, record.active, goal);
    return owned.phase.kind === 'failed' ? moved(owned, { kind: 'committed' }) : owned;
  }
  const slot = findSlot(record, goal.digest);
  const isDown = slot !== undefined && isUnbackedStepDown(record, goal, record.slots[slot]?.sequence ?? 0);
  if (isDown) return refused(record, goal, stepDownRefusal(goal, now.fingerprint), now, atMs);
  if (slot !== undefined && isRevoked(now, goal.digest) && running !== null && !isRevoked(now, running.digest))
    return refused(record, goal, revokedRefusal(goal, now), now, atMs);
  if (slot !== undefined && goal.arm === 'stable' && record.slots[slot]?.isProven === true) {
    return switchBack(record, slot, goal, atMs);
  }
  const failure = findBlockingFailure(record, goal, now);
  if (failure !== undefined) return blocked(record, failure);
  if (slot !== undefined) return moved(record, { kind: 'staged', goal, slot });
  const free = spareSlot(record);
  return moved(withContent(record, free, null), { kind: 'fetching', goal, slot: free, part: null });
}

/** Whatever rollout brought the version, it follows the goal's from now on. */
function withRollout(record: ModelRecord, slot: SlotName, { rollout, arm }: Goal): ModelRecord {
  const content = record.slots[slot];
  if (content === null || (content.rollout === rollout && content.arm === arm)) return record;
  return withContent(record, slot, { ...content, rollout, arm });
}

/** The slot to fill next: never the one that serves, nor, where nothing serves, the one with the proven version. */
function spareSlot(record: ModelRecord): SlotName {
  if (record.active !== null) return otherSlot(record.active);
  return record.slots.A?.isProven === true ? 'B' : 'A';
}

/** An instant, local return to a version that has proven itself here. */
function switchBack(record: ModelRecord, slot: SlotName, goal: Goal, atMs: number): ModelRecord {
  const left = activeContent(record);
  const back: ModelRecord = { ...withRollout(record, slot, goal), active: slot, phase: { kind: 'committed' } };
  if (left === null) return withOutcome(back, goal, 'committed', { message: 'A proven copy was kept here.' }, atMs);
  const leaving: Goal = { ...goal, digest: left.digest, version: left.version };
  return withOutcome(back, leaving, 'rolled-back', { message: `Back to ${goal.version}, which was kept here.` }, atMs);
}

/** Stops what this rollout brought, a version to fall back to as well; never another rollout's. */
function unassign(record: ModelRecord, rollout: string, atMs: number): ModelRecord {
  const { phase } = record;
  if (phase.kind === 'rollingBack') return record;
  const left = 'goal' in phase && phase.goal.rollout === rollout ? leaveWork(record, phase, atMs) : record;
  if (activeContent(left)?.rollout !== rollout) return left;
  return { ...left, active: null, phase: { kind: 'idle' } };
}

function leaveWork(record: ModelRecord, phase: Phase, atMs: number): ModelRecord {
  return phase.kind === 'trial' ? leaveTrial(record, phase, atMs) : moved(record, steadyPhase(record));
}

function stage(record: ModelRecord, goal: Goal, slot: SlotName, sequence: number): ModelRecord {
  assertInvariant(slot !== record.active, 'a version is only ever staged in the slot that does not serve');
  const { digest, version, rollout, arm } = goal;
  const content = { digest, version, rollout, arm, isProven: false, sequence };
  return moved(withContent(record, slot, content), { kind: 'staged', goal, slot });
}

const TRIAL_START: TrialProgress = {
  elapsedMs: 0,
  inferences: 0,
  errors: 0,
  unknown: 0,
  latencyP95BeforeMs: null,
  starts: 1,
};

/** Takes over. Stable where nothing serves is committed at once: there is no version to go back to, and the fleet has proven it. */
function admit(record: ModelRecord, goal: Goal, slot: SlotName, atMs: number): ModelRecord {
  const fallback = record.active;
  const serving = { ...record, active: slot };
  if (goal.arm === 'stable' && fallback === null) return commit(serving, goal, slot, 'Its self-test passed.', atMs);
  return moved(serving, { kind: 'trial', goal, slot, fallback, progress: TRIAL_START });
}

function commit(record: ModelRecord, goal: Goal, slot: SlotName, message: string, atMs: number): ModelRecord {
  const content = record.slots[slot];
  assertInvariant(content !== null, 'only a staged version is committed');
  const proven = withContent(record, slot, { ...content, isProven: true, rollout: goal.rollout, arm: goal.arm });
  const failures = record.failures.filter((failure) => failure.digest !== goal.digest);
  const height = higher(record.height, content);
  return withOutcome(
    { ...proven, failures, height, phase: { kind: 'committed' } },
    goal,
    'committed',
    { message },
    atMs,
  );
}

function fail(record: ModelRecord, facts: FailureFacts, atMs: number): ModelRecord {
  const { phase } = record;
  if (!('goal' in phase)) return record; // a committed version stays: the updater tries to serve it again
  const { digest, attempt } = phase.goal;
  const { reason, message, expiry } = facts;
  const failure: Failure = { digest, attempt, reason, message, expiry, atMs };
  if (phase.kind === 'trial') {
    const back = { ...remember(record, failure), active: phase.fallback };
    return moved(back, { kind: 'rollingBack', goal: phase.goal, failure });
  }
  if (phase.kind === 'rollingBack') return finishRollback(record, phase.goal, phase.failure, atMs);
  const isUntried = reason === 'signature' || reason === 'incompatible';
  const kind = expiry.kind === 'time' ? 'undelivered' : isUntried ? 'refused' : 'failed';
  const kept = phase.kind === 'fetching' || phase.kind === 'verified' ? withContent(record, phase.slot, null) : record;
  const failed = moved(remember(kept, failure), { kind: 'failed', digest, attempt });
  return withOutcome(failed, phase.goal, kind, facts, atMs);
}

/** The serving version's files are lost: the other slot's proven version serves, or nothing until the directive brings one. */
function dropActive(record: ModelRecord): ModelRecord {
  const { active } = record;
  if (active === null) return record;
  const other = otherSlot(active);
  const next = record.slots[other]?.isProven === true ? other : null;
  const dropped = { ...withContent(record, active, null), active: next };
  const { phase } = record;
  // A version that was proven here and is being tested again serves at once: there is nothing better.
  const isTaken = 'slot' in phase && phase.slot === next;
  return phase.kind === 'committed' || isTaken ? moved(dropped, steadyPhase(dropped)) : dropped;
}

function finishRollback(record: ModelRecord, goal: Goal, failure: Failure, atMs: number): ModelRecord {
  const failed = moved(record, { kind: 'failed', digest: goal.digest, attempt: goal.attempt });
  return withOutcome(failed, goal, 'failed', failure, atMs);
}

function restart(record: ModelRecord, atMs: number): ModelRecord {
  const { phase } = record;
  if (phase.kind !== 'trial') return record;
  const starts = phase.progress.starts + 1;
  if (starts <= MOST_TRIAL_STARTS) return moved(record, { ...phase, progress: { ...phase.progress, starts } });
  const message = `The agent started ${starts} times during its trial.`;
  return fail(record, { reason: 'trial', message, expiry: { kind: 'time', untilMs: atMs + BAR_MS } }, atMs);
}

/** A start into a revoked signer's version is none where another proven one is here; where there is none it serves on. */
function leaveRevoked(record: ModelRecord, revoked: readonly Digest[], atMs: number): ModelRecord {
  const { active, phase, slots } = record;
  const left = activeContent(record);
  if (active === null || left === null || !revoked.includes(left.digest)) return record;
  const other = otherSlot(active);
  const next = slots[other];
  if (next?.isProven !== true || revoked.includes(next.digest)) return record;
  const message = `The signer of ${left.version} is revoked; ${next.version} was kept here.`;
  const goal: Omit<Goal, 'backing' | 'arm'> = { ...left, revision: 0, attempt: 0 };
  const back: ModelRecord = { ...record, active: other, phase: { kind: 'committed' } };
  return withOutcome(
    back,
    'goal' in phase && phase.goal.digest === left.digest ? phase.goal : goal,
    'rolled-back',
    { message },
    atMs,
  );
}

function isRevoked({ revoked = [] }: Circumstances, digest: Digest): boolean {
  return revoked.includes(digest);
}

function revokedRefusal({ version }: Goal, { fingerprint }: Circumstances): FailureFacts {
  const message = `SIGNER_REVOKED: The signer of ${version} is revoked, and another version that was proven here runs.`;
  return { reason: 'signature', message, expiry: { kind: 'circumstances', were: fingerprint } };
}

function loseSlot(record: ModelRecord, slot: SlotName, atMs: number): ModelRecord {
  const { phase } = record;
  if (phase.kind === 'trial' && phase.slot === slot) {
    const corrupt = failedForGood('corrupt', 'Its files changed on disk.');
    return withContent(fail(record, corrupt, atMs), slot, null);
  }
  if (phase.kind === 'trial' && phase.fallback === slot) {
    return withContent(moved(record, { ...phase, fallback: null }), slot, null);
  }
  if ('slot' in phase && phase.slot === slot) return moved(withContent(record, slot, null), steadyPhase(record));
  return record.active === slot ? dropActive(record) : withContent(record, slot, null);
}
