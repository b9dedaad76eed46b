// Owns the decision while a candidate is out: back, on, over, or wait.
import { assertNever } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { type Decision, mending, wait } from './decision.ts';
import { advancedStatus, type CandidateStatus, completedStatus, restedStatus } from './next-status.ts';
import type { WaitingOn } from './outlook.ts';
import { inWords, type PlacedRequest, type SortedRequests } from './requests.ts';
import { resolveWish, type Wish } from './resolve-wish.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { stageProgress } from './stage-progress.ts';
import { type Stage, stagesOf } from './stages-of-policy.ts';
import { labelOf, rollBack, step } from './steps.ts';

interface Walk {
  readonly facts: RolloutFacts;
  readonly status: RolloutStatus;
  readonly candidate: CandidateStatus;
  readonly requests: SortedRequests;
  readonly stages: readonly Stage[];
  readonly index: number;
  readonly stage: Stage;
}

/** Trust in the candidate was taken back: its signer is revoked. */
function revocation({ facts, candidate }: Walk): string | null {
  const standing = facts.versions.find((known) => known.digest === candidate.digest)?.standing;
  return standing?.kind === 'refused' && standing.revoked ? standing.reason : null;
}

function currentWish({ facts, status }: Walk): Wish {
  return resolveWish(facts.spec.version, facts.versions, new Set(status.rejected.map((one) => one.digest)));
}

/** Why the walk no longer serves the wish, or null when it does. */
function newWish(walk: Walk): { readonly kind: 'back' | 'other'; readonly what: string } | null {
  const { facts, status, candidate } = walk;
  const wish = currentWish(walk);
  if (wish.kind !== 'resolved') return null;
  const { known } = wish;
  if (known.digest !== candidate.digest) {
    const isBack = known.digest === status.stable?.digest;
    return isBack
      ? { kind: 'back', what: known.version }
      : { kind: 'other', what: `${known.version} is wished instead` };
  }
  if (facts.spec.target !== status.target) return { kind: 'other', what: 'the target changed' };
  const sameParameters = canonicalJson(facts.spec.parameters ?? {}) === canonicalJson(candidate.parameters);
  return sameParameters ? null : { kind: 'other', what: 'the parameters changed' };
}

function fail(walk: Walk, reason: string): Decision {
  const { facts, status, stage, candidate } = walk;
  switch (stage.onFailure) {
    case 'rollback':
      return rollBack(facts, status, { reason, answered: [] });
    case 'pause':
    case 'ask': {
      const words = stage.onFailure === 'ask' ? `${reason}; a person decides` : reason;
      const next: RolloutStatus = { ...status, state: 'paused', paused: { reason: words, since: status.since } };
      const hint = `abort to go back to stable, promote to go on with ${candidate.version}, approve to watch again.`;
      return step(facts, status, {
        kind: 'pause',
        to: labelOf(status),
        next,
        answered: [],
        reason: words,
        outlook: hint,
      });
    }
    default:
      return assertNever(stage.onFailure);
  }
}

function goOn(walk: Walk, reason: string, answered: readonly number[], to: Stage | undefined): Decision {
  const { facts, status, candidate } = walk;
  if (to === undefined) {
    const next = completedStatus(status, candidate, facts.now);
    return step(facts, status, { kind: 'complete', to: 'stable', next, answered, reason });
  }
  const next = advancedStatus(status, to, facts);
  return step(facts, status, { kind: 'advance', to: to.name, next, answered, reason });
}

/** Distinct approvers of the policy's list who said yes. */
function approvalsOf({ stage, requests }: Walk): readonly PlacedRequest[] {
  const named = new Map<string, PlacedRequest>();
  for (const one of requests.approvals) {
    const by = one.request.by;
    if (by !== undefined && stage.approval?.approvers.includes(by)) named.set(by, named.get(by) ?? one);
  }
  return [...named.values()];
}

function decideStage(walk: Walk): Decision {
  const { facts, status, stage, stages, index } = walk;
  const isLast = index === stages.length - 1;
  const progress = stageProgress(stage, isLast, facts);
  if (progress.kind === 'failed') return fail(walk, progress.reason);
  const wish = newWish(walk);
  if (wish?.kind === 'back') {
    const reason = `aborted: spec.version went back to ${wish.what}`;
    return rollBack(facts, status, { reason, answered: [] });
  }
  if (wish?.kind === 'other') {
    const to = status.stable === null ? 'none' : 'stable';
    return step(facts, status, {
      kind: 'supersede',
      to,
      next: restedStatus(status),
      answered: [],
      reason: `superseded: ${wish.what}`,
    });
  }
  if (facts.spec.suspend === true) return wait(facts, status, [{ kind: 'suspended' }]);
  const asked = walk.requests.promote ?? walk.requests.skip;
  if (asked !== null) {
    const to = asked.request.act === 'skip' && !isLast ? stages.at(-1) : stages[index + 1];
    return goOn(walk, `${asked.request.act === 'skip' ? 'skipped' : 'promoted'}${inWords(asked)}`, [asked.index], to);
  }
  if (progress.kind === 'waiting') return wait(facts, status, [...progress.on, ...wishProblems(walk)]);
  const approvals = approvalsOf(walk);
  if (stage.approval !== null && approvals.length < stage.approval.count) {
    const { approvers, count } = stage.approval;
    return wait(facts, status, [{ kind: 'approval', approvers, have: approvals.length, need: count }]);
  }
  const by = approvals.length === 0 ? '' : `; approved by ${approvals.map((one) => one.request.by).join(', ')}`;
  const answered = walk.requests.approvals.map((one) => one.index);
  return goOn(walk, `${progress.reason}${by}`, answered, stages[index + 1]);
}

/** A wish that can't be followed is shown; the walk goes on with what it has. */
function wishProblems(walk: Walk): WaitingOn[] {
  const wish = currentWish(walk);
  if (wish.kind === 'refused' && wish.known.digest !== walk.candidate.digest) {
    return [{ kind: 'mending', code: wish.code, reason: `${wish.known.version}: ${wish.reason}` }];
  }
  return wish.kind === 'missing' ? [{ kind: 'mending', code: 'MODEL_VERSION_MISSING', reason: wish.reason }] : [];
}

/** Paused by a failed rule: only people go on from here. */
function decidePaused(walk: Walk): Decision {
  const { facts, status, stages, index, requests } = walk;
  const wish = newWish(walk);
  if (wish !== null) return decideStage({ ...walk, facts: { ...facts, verdict: null } });
  if (requests.promote !== null)
    return goOn(walk, `promoted${inWords(requests.promote)}`, [requests.promote.index], stages[index + 1]);
  const approval = requests.approvals[0];
  if (approval !== undefined) {
    const next: RolloutStatus = { ...status, state: 'rolling', paused: null };
    const reason = `watched again${inWords(approval)}`;
    return step(facts, status, { kind: 'reopen', to: labelOf(status), next, answered: [approval.index], reason });
  }
  return wait(facts, status, [{ kind: 'paused', reason: status.paused?.reason ?? '' }]);
}

/** A candidate is out; an abort was answered before. */
export function decideWhileRolling(facts: RolloutFacts, status: RolloutStatus, requests: SortedRequests): Decision {
  const { candidate } = status;
  if (candidate === null)
    return mending(facts, status, 'STATUS_INCOMPLETE', 'the status says rolling and names no candidate');
  if (facts.policyInForce === null) {
    return mending(
      facts,
      status,
      'POLICY_COPY_MISSING',
      `the policy in force (${status.policy}) is not beside the evidence any more`,
    );
  }
  const stages = stagesOf(facts.policyInForce);
  const index = stages.findIndex((one) => one.name === status.stage);
  const stage = stages[index];
  if (stage === undefined)
    return mending(facts, status, 'STAGE_UNKNOWN', `the policy in force has no stage ${status.stage}`);
  const walk: Walk = { facts, status, candidate, requests, stages, index, stage };
  const revoked = revocation(walk);
  if (revoked !== null) return rollBack(facts, status, { reason: `trust was taken back: ${revoked}`, answered: [] });
  return status.state === 'paused' ? decidePaused(walk) : decideStage(walk);
}
