// Owns the decision for one rollout: the questions in the order in which their answers count.
import { assertNever } from '../base/errors.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { decideBack } from './decide-back.ts';
import { decideForward } from './decide-forward.ts';
import { decideRejoin } from './decide-groups.ts';
import { decideNoStart, startableOf } from './decide-no-start.ts';
import { decideSteadyState } from './decide-steady-state.ts';
import { type Decision, needsFix } from './decision.ts';
import { noted } from './decision-inputs.ts';
import { adoptedStatus, blankStatus, permittedStatus } from './next-status.ts';
import type { Outlook } from './outlook.ts';
import type { ClaimProblem, Fix, StepReason } from './reasons.ts';
import { askedBy, type SortedRequests, sortRequests } from './requests.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { runsRevoked } from './runs-revoked.ts';
import { isRewound, newestKnown, type Rewinding, rewindingOf, specOf } from './status-in-force.ts';
import { answer, isRolling, labelOf, restoredSpec, rollBack, step } from './steps.ts';
import { type Transition, takesBack } from './transition.ts';
import { presentStage } from './walk.ts';

/** What was measured belongs to another status than the one that is decided on. */
function unmeasured(facts: RolloutFacts): RolloutFacts {
  return { ...facts, cohort: null, verdict: null, window: null };
}

/** What rolls is judged by the last status that is authentic, whatever stands in HEAD: forward waits, back does not. */
function decideRewound(facts: RolloutFacts, status: RolloutStatus, rewinding: Rewinding): Decision {
  const asked = facts.spec.requests ?? [];
  const known = facts.seen?.status ?? null;
  if (known !== null && isRolling(known)) {
    const context = { stage: presentStage(facts, known), startable: new Set<string>() };
    const requests = { ...sortRequests(asked, known, context), skip: null, abortOfGroup: null };
    const back = decideBack({ ...facts, spec: specOf(known, facts.spec.model) }, known, requests);
    if (back?.step) {
      const { answered } = back.step.spec;
      return { ...back, step: { ...back.step, spec: { ...restoredSpec(facts, known, known.candidate), answered } } };
    }
  }
  const { adopt } = sortRequests(asked, status, { stage: null, startable: new Set() });
  if (adopt === null) return needsFix(facts, known !== null && isRolling(known) ? known : status, rewinding);
  const above = Math.max(facts.seen?.revision ?? 0, facts.publishedRevision);
  return step(unmeasured(facts), status, {
    kind: 'adopt',
    to: labelOf(status),
    next: adoptedStatus(status, facts.seen?.status ?? null),
    answered: [adopt.index],
    reason: { kind: 'history-adopted', above, ...askedBy(adopt) },
  });
}

/** HEAD has no document that says what to do: the status alone suffices to go back. */
function decideLost(facts: RolloutFacts, status: RolloutStatus, lost: Fix): Decision {
  if (!isRolling(status)) return needsFix(facts, status, lost);
  const requests = sortRequests([], status, { stage: presentStage(facts, status), startable: new Set() });
  const isDeleted = lost.kind === 'rollout-deleted';
  const back = isDeleted
    ? rollBack(facts, status, { reason: { kind: 'status-reverted', revision: null }, answered: [] })
    : decideBack(facts, status, requests);
  const { outlook } = needsFix(facts, status, lost);
  // There is no spec to edit, and the step may have to wait until there is a document again.
  return { step: back?.step ? { ...back.step, spec: { answered: [] } } : null, outlook };
}

/** What takes a candidate back does not wait for the putting right, which may never land; all else does. */
function decideForged(facts: RolloutFacts, truth: RolloutStatus, problem: ClaimProblem): Decision {
  const back = isRolling(truth) ? decideBack(facts, truth, requestsOn(facts, truth)) : null;
  return back?.step && takesBack(back.step) ? back : putRight(facts, truth, { kind: 'status-forged', problem });
}

/** A status that nobody signed, or an older one put back: the last authentic one is the truth. */
function putRight(facts: RolloutFacts, truth: RolloutStatus, reason: StepReason): Decision {
  return step(unmeasured(facts), truth, { kind: 'restore', to: labelOf(truth), next: truth, answered: [], reason });
}

/**
 * An older authentic status of this revision, or none, on top of the history: someone reverted a commit of the reconciler.
 */
function decideReverted(facts: RolloutFacts, seen: RolloutStatus, revision: number | null): Decision {
  return isRolling(seen)
    ? rollBack(unmeasured(facts), seen, { reason: { kind: 'status-reverted', revision }, answered: [] })
    : putRight(facts, seen, { kind: 'status-restored', revision });
}

/** What people asked for that is not about the whole walk: it is answered at once. */
function decideAnswers(facts: RolloutFacts, status: RolloutStatus, requests: SortedRequests): Decision | null {
  const { stale, adopt, retry } = requests;
  if (stale.length > 0) {
    const requests = stale.map(({ act, problem }) => ({ act, problem }));
    const answered = stale.map((one) => one.index);
    return answer(facts, status, { reason: { kind: 'requests-refused', requests }, answered });
  }
  if (adopt !== null) {
    const requests = [{ act: 'adopt', problem: { kind: 'history-not-rewritten' } }] as const;
    return answer(facts, status, { reason: { kind: 'requests-refused', requests }, answered: [adopt.index] });
  }
  const rejoined = decideRejoin(facts, status, requests);
  if (rejoined !== null) return rejoined;
  if (retry === null) return null;
  const { digest } = retry.request;
  const version = status.rejected.find((one) => one.digest === digest)?.version ?? digest;
  const draft = { reason: { kind: 'retried', version, ...askedBy(retry) }, answered: [retry.index] } as const;
  return answer(facts, status, draft, permittedStatus(status, digest));
}

function requestsOn(facts: RolloutFacts, status: RolloutStatus): SortedRequests {
  const context = { stage: presentStage(facts, status), startable: startableOf(facts, status) };
  return sortRequests(facts.spec.requests ?? [], status, context);
}

/** Back first, answers next, forward last: nothing that people ask may stand between a failed candidate and its rollback. */
function decideFromStatus(facts: RolloutFacts, status: RolloutStatus): Decision {
  const requests = requestsOn(facts, status);
  if (!isRolling(status))
    return (
      decideNoStart(facts, status, requests) ??
      decideAnswers(facts, status, requests) ??
      decideSteadyState(facts, status)
    );
  return (
    decideBack(facts, status, requests) ??
    decideAnswers(facts, status, requests) ??
    decideForward(facts, status, requests)
  );
}

export interface RolloutDecision {
  readonly step: Transition | null;
  readonly outlook: Outlook;
}

/**
 * What one rollout does next, or what it waits on. Total and pure: every combination of facts has an answer, and the same facts have the same.
 */
export function decideRollout(facts: RolloutFacts): RolloutDecision {
  const { facts: asked, inputs } = noted(facts);
  const { step: decided, outlook } = decideClaim(asked);
  return { step: decided && { ...decided, inputs: inputs() }, outlook: withRevoked(facts, outlook) };
}

/** What runs on after a revocation decides no step, so evidence keeps nothing of it. */
function withRevoked(facts: RolloutFacts, outlook: Outlook): Outlook {
  const fixes = facts.claim.kind === 'authentic' ? runsRevoked(facts, facts.claim.status) : [];
  if (fixes.length === 0) return outlook;
  // One cause is said once: that its stable version is refused is why the rollout stalls.
  const others = outlook.conditions.filter(
    (one) => one.type !== 'Stalled' || one.fix.kind !== 'version-refused' || one.fix.version !== outlook.stable,
  );
  const stalls = fixes.map((fix) => ({ type: 'Stalled', status: true, reason: fix.code, fix }) as const);
  return { ...outlook, conditions: [...others, ...stalls] };
}

function decideClaim(facts: RolloutFacts): Decision {
  const { claim, seen } = facts;
  const blank = blankStatus(facts.spec.target, facts.now);
  switch (claim.kind) {
    case 'forged': {
      const inTree = claim.lastAuthentic ?? blank;
      const rewinding = isRewound(facts, inTree.revision) ? rewindingOf(facts, inTree) : null;
      if (rewinding !== null) return decideRewound(facts, inTree, rewinding);
      const truth = newestKnown(seen?.status ?? null, claim.lastAuthentic);
      if (truth === null && claim.isSignedByOther === true)
        return needsFix(facts, blank, { kind: 'status-of-other', code: 'STATUS_OF_OTHER' });
      return decideForged(facts, truth ?? blank, claim.problem);
    }
    case 'none': {
      const rewinding = rewindingOf(facts, blank);
      if (rewinding !== null) return decideRewound(facts, blank, rewinding);
      return seen?.status ? decideReverted(facts, seen.status, null) : decideFromStatus(facts, blank);
    }
    case 'authentic': {
      const { status } = claim;
      if (facts.lost) return decideLost(facts, status, facts.lost);
      const rewinding = rewindingOf(facts, status);
      if (rewinding !== null) return decideRewound(facts, status, rewinding);
      const isOlder = seen?.status && status.revision < seen.revision;
      return isOlder ? decideReverted(facts, seen.status, status.revision) : decideFromStatus(facts, status);
    }
    default:
      return assertNever(claim);
  }
}
