// Owns the decision for one rollout: the questions in the order in which their answers count.
import { assertNever } from '../base/errors.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { decideBack } from './decide-back.ts';
import { decideForward } from './decide-forward.ts';
import { decideRejoin } from './decide-groups.ts';
import { decideSteadyState } from './decide-steady-state.ts';
import { type Decision, needsFix } from './decision.ts';
import { noted } from './decision-inputs.ts';
import { adoptedStatus, blankStatus, permittedStatus } from './next-status.ts';
import type { Outlook } from './outlook.ts';
import type { Fix, StepReason } from './reasons.ts';
import { askedBy, type SortedRequests, sortRequests } from './requests.ts';
import { isOtherOfSameRevision, type RolloutFacts } from './rollout-facts.ts';
import { answer, isRolling, labelOf, rollBack, step } from './steps.ts';
import type { Transition } from './transition.ts';
import { presentStage } from './walk.ts';

/** What was measured belongs to another status than the one that is decided on. */
function unmeasured(facts: RolloutFacts): RolloutFacts {
  return { ...facts, cohort: null, verdict: null, window: null };
}

/** HEAD went back behind what was seen or published, and not by a commit on top: only a person can say that this is meant. */
function isRewound({ seen, publishedRevision, continues }: RolloutFacts, revision: number): boolean {
  const seenRevision = seen?.revision ?? 0;
  // What was published above all that was seen here is not known to be below HEAD.
  return (
    (revision < seenRevision && !continues) ||
    (revision < publishedRevision && !(continues && seenRevision >= publishedRevision))
  );
}

type Rewinding = Extract<Fix, { kind: 'history-rewound' | 'status-twice' }>;

function rewindingOf(facts: RolloutFacts, status: RolloutStatus): Rewinding | null {
  const known = Math.max(facts.seen?.revision ?? 0, facts.publishedRevision);
  if (isRewound(facts, status.revision))
    return { kind: 'history-rewound', code: 'HISTORY_REWOUND', revision: status.revision, known };
  if (!isOtherOfSameRevision(status, facts.seen)) return null;
  return { kind: 'status-twice', code: 'STATUS_TWICE', revision: known };
}

function decideRewound(facts: RolloutFacts, status: RolloutStatus, rewinding: Rewinding): Decision {
  const { adopt } = sortRequests(facts.spec.requests ?? [], status, null);
  if (adopt === null) return needsFix(facts, status, rewinding);
  const above = Math.max(facts.seen?.revision ?? 0, facts.publishedRevision);
  return step(unmeasured(facts), status, {
    kind: 'adopt',
    to: labelOf(status),
    next: adoptedStatus(status, facts.seen?.status ?? null),
    answered: [adopt.index],
    reason: { kind: 'history-adopted', above, ...askedBy(adopt) },
  });
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

/** The highest authentic status that anyone knows: evidence may be deleted together with what it backs. */
function newestKnown(facts: RolloutFacts, inTree: RolloutStatus | null): RolloutStatus | null {
  const remembered = facts.seen?.status ?? null;
  if (remembered === null || inTree === null) return remembered ?? inTree;
  return remembered.revision >= inTree.revision ? remembered : inTree;
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

/** Back first, answers next, forward last: nothing that people ask may stand between a failed candidate and its rollback. */
function decideFromStatus(facts: RolloutFacts, status: RolloutStatus): Decision {
  const requests = sortRequests(facts.spec.requests ?? [], status, presentStage(facts, status));
  if (!isRolling(status)) return decideAnswers(facts, status, requests) ?? decideSteadyState(facts, status);
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
  return { step: decided && { ...decided, inputs: inputs() }, outlook };
}

function decideClaim(facts: RolloutFacts): Decision {
  const { claim, seen } = facts;
  const blank = blankStatus(facts.spec.target, facts.now);
  switch (claim.kind) {
    case 'forged': {
      const inTree = claim.lastAuthentic ?? blank;
      const rewinding = isRewound(facts, inTree.revision) ? rewindingOf(facts, inTree) : null;
      if (rewinding !== null) return decideRewound(facts, inTree, rewinding);
      const truth = newestKnown(facts, claim.lastAuthentic);
      if (truth === null && claim.isSignedByOther === true)
        return needsFix(facts, blank, { kind: 'status-of-other', code: 'STATUS_OF_OTHER' });
      return putRight(facts, truth ?? blank, { kind: 'status-forged', problem: claim.problem });
    }
    case 'none': {
      const rewinding = rewindingOf(facts, blank);
      if (rewinding !== null) return decideRewound(facts, blank, rewinding);
      return seen?.status ? decideReverted(facts, seen.status, null) : decideFromStatus(facts, blank);
    }
    case 'authentic': {
      const { status } = claim;
      const rewinding = rewindingOf(facts, status);
      if (rewinding !== null) return decideRewound(facts, status, rewinding);
      const isOlder = seen?.status && status.revision < seen.revision;
      return isOlder ? decideReverted(facts, seen.status, status.revision) : decideFromStatus(facts, status);
    }
    default:
      return assertNever(claim);
  }
}
