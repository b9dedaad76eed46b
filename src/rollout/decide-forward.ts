// Owns what takes a candidate on, once nothing speaks against it: the next stage, the end, or what the walk waits for.

import { groupsApart } from '../contract/group-exception.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { listed } from '../wording/amounts.ts';
import { rulesInWords, stageInWords } from '../wording/stage-in-words.ts';
import { type Decision, mending, wait } from './decision.ts';
import { apartIn } from './exceptions.ts';
import { advancedStatus, completedStatus } from './next-status.ts';
import type { WaitingOn } from './outlook.ts';
import { inWords, type PlacedRequest, type SortedRequests } from './requests.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { stageProgress } from './stage-progress.ts';
import { labelOf, type RollingStatus, step } from './steps.ts';
import { type Walk, walkOf } from './walk.ts';
import { wishOf } from './wish-of.ts';

function goOn({ facts, status, requests, stage, following }: Walk, reason: string): Decision {
  const answered = requests.ofStage;
  if (following === null) {
    const next = completedStatus(status, status.candidate, facts.now);
    return step(facts, status, { kind: 'complete', to: 'stable', next, answered, reason });
  }
  const next = advancedStatus(status, following, facts);
  const apart = groupsApart(status.exceptions);
  const outlook = stageInWords(following, facts.matching(status.target, apart).length);
  const sameRules = following.rules === stage.rules;
  const mustHold = sameRules ? {} : { mustHold: rulesInWords(following, next.limits) };
  return step(facts, status, { kind: 'advance', to: following.name, next, answered, reason, outlook, ...mustHold });
}

/** The first approval of each approver. */
function approvalsOf({ requests }: Walk): readonly PlacedRequest[] {
  const byName = new Map<string | undefined, PlacedRequest>();
  for (const one of requests.approvals) if (!byName.has(one.request.by)) byName.set(one.request.by, one);
  return [...byName.values()];
}

/** A wish that can't be followed is shown; the walk goes on with what it has. */
function wishProblems({ facts, status }: Walk): WaitingOn[] {
  const wish = wishOf(facts, status);
  switch (wish.kind) {
    case 'resolved':
      return [];
    case 'refused':
      return [{ kind: 'mending', code: wish.code, reason: `${wish.known.version}: ${wish.reason}` }];
    case 'missing':
      return [{ kind: 'mending', code: wish.code, reason: wish.reason }];
    case 'rejected': {
      const why = status.rejected.find((one) => one.digest === wish.known.digest)?.reason ?? '';
      return [{ kind: 'rejected', version: wish.known.version, reason: why }];
    }
  }
}

/** Paused by a failed rule: only people go on from here. */
function decidePaused(walk: Walk): Decision {
  const { facts, status, requests } = walk;
  const [approval] = requests.approvals;
  if (approval === undefined) return wait(facts, status, [{ kind: 'paused', reason: status.paused?.reason ?? '' }]);
  const next: RolloutStatus = { ...status, state: 'rolling', paused: null };
  const reason = `watched again, approved${inWords(approval)}`;
  return step(facts, status, { kind: 'reopen', to: labelOf(status), next, answered: requests.ofStage, reason });
}

function decideStage(walk: Walk): Decision {
  const { facts, status, stage, following } = walk;
  const progress = stageProgress(stage, following === null, facts);
  if (progress.kind === 'waiting') return wait(facts, status, [...progress.on, ...wishProblems(walk)]);
  const held = apartIn(status).filter(({ kind }) => kind === 'held');
  if (following === null && held.length > 0) {
    const groups = held.map(({ group }) => group);
    return wait(facts, status, [{ kind: 'groups-held', groups }, ...wishProblems(walk)]);
  }
  const approvals = approvalsOf(walk);
  if (stage.approval !== null && approvals.length < stage.approval.count) {
    const { approvers, count } = stage.approval;
    const approval: WaitingOn = { kind: 'approval', approvers, have: approvals.length, need: count };
    return wait(facts, status, [approval, ...wishProblems(walk)]);
  }
  const by = approvals.map((one) => one.request.by ?? 'someone');
  return goOn(walk, by.length === 0 ? progress.reason : `${progress.reason}; approved by ${listed(by, 'and')}`);
}

/** On by what was measured or by what people ask; otherwise what it waits for. What takes the candidate back was decided before. */
export function decideForward(facts: RolloutFacts, status: RollingStatus, requests: SortedRequests): Decision {
  const walk = walkOf(facts, status, requests);
  if (walk === null) return lost(facts, status);
  if (facts.spec.suspend === true) return wait(facts, status, [{ kind: 'suspended' }, ...wishProblems(walk)]);
  if (requests.skip !== null) return goOn(walk, `${status.stage} was skipped${inWords(requests.skip)}`);
  if (requests.promote !== null) return goOn(walk, `promoted${inWords(requests.promote)}`);
  return status.state === 'paused' ? decidePaused(walk) : decideStage(walk);
}

function lost(facts: RolloutFacts, status: RollingStatus): Decision {
  if (facts.policyInForce !== null) {
    return mending(facts, status, 'STAGE_UNKNOWN', `the policy in force has no stage ${status.stage}`);
  }
  const reason = `the policy in force (${status.policy}) is not beside the evidence any more`;
  return mending(facts, status, 'POLICY_COPY_MISSING', reason);
}
