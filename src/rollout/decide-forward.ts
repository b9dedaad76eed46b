// Owns what takes a candidate on, once nothing speaks against it: the next stage, the end, or what the walk waits for.

import { parseInstant } from '../base/clock.ts';
import { assertInvariant, assertNever } from '../base/errors.ts';
import { groupsApart } from '../contract/group-exception.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { rejection } from './decide-steady-state.ts';
import { type Decision, needsFix, wait } from './decision.ts';
import { desiredVersion } from './desired-version.ts';
import { apartIn } from './exceptions.ts';
import { knownFor } from './known-target.ts';
import { advancedStatus, completedStatus, resumedStatus } from './next-status.ts';
import type { WaitingOn } from './outlook.ts';
import type { Fix, StepReason } from './reasons.ts';
import { askedBy, type PlacedRequest, type SortedRequests } from './requests.ts';
import { fixOf } from './resolve-desired.ts';
import { type RolloutFacts, refusalOf } from './rollout-facts.ts';
import { haveRecovered, resumableMs } from './rule-failure.ts';
import { stageProgress } from './stage-progress.ts';
import { labelOf, type RollingStatus, step } from './steps.ts';
import { type Walk, walkOf } from './walk.ts';

function goOn({ facts, status, requests, stage, following }: Walk, reason: StepReason): Decision {
  const answered = requests.ofStage;
  if (following === null) {
    const next = completedStatus(status, status.candidate, facts.now);
    return step(facts, status, { kind: 'complete', to: 'stable', next, answered, reason });
  }
  const next = advancedStatus(status, status.candidate, following, facts);
  const apart = groupsApart(status.exceptions);
  const opensStage = {
    stage: following,
    ...knownFor(facts, status.target, apart, status.candidate.digest),
    keepsRules: following.rules === stage.rules,
  };
  return step(facts, status, { kind: 'advance', to: following.name, next, answered, reason, opensStage });
}

/** The first approval of each approver. */
function approvalsOf({ requests }: Walk): readonly PlacedRequest[] {
  const byName = new Map<string | undefined, PlacedRequest>();
  for (const one of requests.approvals) if (!byName.has(one.request.by)) byName.set(one.request.by, one);
  return [...byName.values()];
}

/** Nothing goes forward while HEAD does not ask for the candidate, or while nobody can tell that it is trusted. */
function holds({ facts, status }: Walk): WaitingOn[] {
  const untrusted = untrustedInForce(facts, status);
  if (untrusted !== null) return [{ kind: 'needs-fix', fix: untrusted }];
  const desired = desiredVersion(facts, status);
  switch (desired.kind) {
    case 'resolved':
      return [];
    case 'unusable':
      return [{ kind: 'needs-fix', fix: desired.fix }];
    case 'rejected':
      return [rejection(facts, status, desired.known)];
    default:
      return assertNever(desired);
  }
}

function untrustedInForce({ inForce, policyInForce }: RolloutFacts, { candidate }: RollingStatus): Fix | null {
  if (inForce === undefined) return null;
  if (inForce.candidate.kind !== 'admitted') return fixOf(candidate.version, inForce.candidate);
  const { policy } = inForce;
  if (policy.kind === 'admitted') return null;
  const name = policyInForce?.metadata.name ?? '';
  return policy.kind === 'broken'
    ? { ...policy, kind: 'document' }
    : { kind: 'policy-refused', policy: name, ...refusalOf(policy) };
}

/** Paused by a failed rule: a person goes on from here, or the rule recovers in time. */
function decidePaused(walk: Walk): Decision {
  const { facts, status, requests } = walk;
  const [approval] = requests.approvals;
  const reopen = (next: RolloutStatus, reason: StepReason): Decision =>
    step(facts, status, { kind: 'reopen', to: labelOf(status), next, answered: requests.ofStage, reason });
  if (approval !== undefined) return reopen(resumedStatus(status, 0), { kind: 'approved', ...askedBy(approval) });
  const recovered = recoveryOf(walk);
  return recovered === null
    ? wait(facts, status, [pausedFor(walk)])
    : reopen(resumedStatus(status, (status.resumes ?? 0) + 1), recovered);
}

/** Why the pause ends by itself now; null while it does not. */
function recoveryOf({ facts, status, stage }: Walk): StepReason | null {
  const { paused } = status;
  if (paused?.reason.kind !== 'rule-failed' || resumableMs(status, stage, facts.now) === null) return null;
  if (!haveRecovered(facts, paused.reason)) return null;
  const { rule, others } = paused.reason;
  const pausedMs = facts.now - (parseInstant(paused.since) ?? facts.now);
  return { kind: 'recovered', stage: stage.name, rule, others, pausedMs };
}

function pausedFor({ facts, status, stage }: Walk): WaitingOn {
  const remainingMs = resumableMs(status, stage, facts.now);
  const resumes = remainingMs === null ? {} : { resumesWithinMs: remainingMs };
  return { kind: 'paused', reason: status.paused?.reason ?? null, ...resumes };
}

function decideStage(walk: Walk): Decision {
  const { facts, status, stage, following, isLast } = walk;
  const progress = stageProgress(stage, isLast, facts);
  if (progress.kind === 'waiting') return wait(facts, status, progress.on);
  assertInvariant(progress.kind === 'passed', 'what takes a candidate back was decided before');
  const held = apartIn(status).filter(({ kind }) => kind === 'held');
  if (following === null && held.length > 0) {
    const groups = held.map(({ group }) => group);
    return wait(facts, status, [{ kind: 'groups-held', groups }]);
  }
  const approvals = approvalsOf(walk);
  if (stage.approval !== null && approvals.length < stage.approval.count) {
    const { approvers, count } = stage.approval;
    const approval: WaitingOn = { kind: 'approval', approvers, have: approvals.length, need: count };
    return wait(facts, status, [approval]);
  }
  const by = approvals.map((one) => one.request.by ?? 'someone');
  return goOn(walk, { ...progress.reason, approvedBy: by });
}

/** On by what was measured or by what people ask; otherwise what it waits for. What takes the candidate back was decided before. */
export function decideForward(facts: RolloutFacts, status: RollingStatus, requests: SortedRequests): Decision {
  const walk = walkOf(facts, status, requests);
  if (walk === null) return lost(facts, status);
  const held = holds(walk);
  if (facts.spec.suspend === true) return wait(facts, status, [{ kind: 'suspended' }, ...held]);
  if (held.length > 0) return wait(facts, status, [...held, ...measuredWaits(walk)]);
  if (requests.skip !== null) return goOn(walk, { kind: 'skipped', stage: walk.stage.name, ...askedBy(requests.skip) });
  if (requests.promote !== null) return goOn(walk, { kind: 'promoted', ...askedBy(requests.promote) });
  return status.state === 'paused' ? decidePaused(walk) : decideStage(walk);
}

/** What the stage waits for besides, where it is still being measured. */
function measuredWaits(walk: Walk): readonly WaitingOn[] {
  const { facts, status, stage, isLast } = walk;
  if (status.state === 'paused') return [pausedFor(walk)];
  const progress = stageProgress(stage, isLast, facts);
  return progress.kind === 'waiting' ? progress.on : [];
}

function lost(facts: RolloutFacts, status: RollingStatus): Decision {
  const { stage, policy } = status;
  return needsFix(
    facts,
    status,
    facts.policyInForce === null
      ? { kind: 'policy-copy-missing', code: 'POLICY_COPY_MISSING', digest: policy }
      : { kind: 'stage-unknown', code: 'STAGE_UNKNOWN', stage },
  );
}
