// Owns the decision for one rollout: the questions in the order in which their answers count.
import { assertNever } from '../base/errors.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { decideAtRest } from './decide-at-rest.ts';
import { decideBack } from './decide-back.ts';
import { decideForward } from './decide-forward.ts';
import { decideGroupAlong } from './decide-groups.ts';
import { type Decision, mending } from './decision.ts';
import { adoptedStatus, blankStatus, permittedStatus } from './next-status.ts';
import { inWords, type SortedRequests, sortRequests, staleInWords } from './requests.ts';
import { isOtherOfSameRevision, type RolloutFacts } from './rollout-facts.ts';
import { answer, isRolling, labelOf, rollBack, step } from './steps.ts';
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

interface Rewinding {
  readonly code: 'HISTORY_REWOUND' | 'STATUS_TWICE';
  readonly reason: string;
}

function rewindingOf(facts: RolloutFacts, status: RolloutStatus): Rewinding | null {
  const known = Math.max(facts.seen?.revision ?? 0, facts.publishedRevision);
  if (isRewound(facts, status.revision)) {
    const reason = `revision ${status.revision} at HEAD is below ${known}, which was there before: the history was rewritten`;
    return { code: 'HISTORY_REWOUND', reason };
  }
  if (!isOtherOfSameRevision(status, facts.seen)) return null;
  const reason = `HEAD has another revision ${known} than the one that was there before: the history was rewritten`;
  return { code: 'STATUS_TWICE', reason };
}

function decideRewound(facts: RolloutFacts, status: RolloutStatus, { code, reason }: Rewinding): Decision {
  const { adopt } = sortRequests(facts.spec.requests ?? [], status, null);
  const known = Math.max(facts.seen?.revision ?? 0, facts.publishedRevision);
  if (adopt === null) return mending(facts, status, code, `${reason}; \`slipway adopt ${facts.name}\` accepts it`);
  const words = `the rewritten history was adopted${inWords(adopt)}; revisions go on above ${known}`;
  return step(unmeasured(facts), status, {
    kind: 'adopt',
    to: labelOf(status),
    next: adoptedStatus(status, facts.seen?.status ?? null),
    answered: [adopt.index],
    reason: words,
  });
}

/** A status that nobody signed, or an older one put back: the last authentic one is the truth. */
function putRight(facts: RolloutFacts, truth: RolloutStatus, reason: string): Decision {
  return step(unmeasured(facts), truth, { kind: 'restore', to: labelOf(truth), next: truth, answered: [], reason });
}

/** What a rollout waits on while another reconciler's status is left alone. */
export const STATUS_OF_OTHER = 'STATUS_OF_OTHER';
/** Somebody started a new home on a repository that has a history: to begin anew there would take all devices' models away. */
const OTHER_SERVICE =
  'its status was signed by another reconciler, of whom this one knows nothing; run it with the home that it had, or name that key under `reconciler` in the trust policy';

/** An older authentic status, or none, on top of the history: someone reverted a commit of the reconciler. */
function decideReverted(facts: RolloutFacts, seen: RolloutStatus, what: string): Decision {
  if (isRolling(seen)) return rollBack(unmeasured(facts), seen, { reason: `aborted, as ${what}`, answered: [] });
  return putRight(facts, seen, `${what} while nothing rolled; to change what runs, change spec.version`);
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
    return answer(facts, status, { reason: staleInWords(stale), answered: stale.map((one) => one.index) });
  }
  if (adopt !== null) {
    const reason = 'answered with no: adopt: the history was not rewritten';
    return answer(facts, status, { reason, answered: [adopt.index] });
  }
  const along = decideGroupAlong(facts, status, requests);
  if (along !== null) return along;
  if (retry === null) return null;
  const { digest } = retry.request;
  const version = status.rejected.find((one) => one.digest === digest)?.version ?? digest;
  const asked = retry.request.by === undefined ? '' : ', asked';
  const draft = { reason: `retry of ${version}${asked}${inWords(retry)}`, answered: [retry.index] };
  return answer(facts, status, draft, permittedStatus(status, digest));
}

/** Back first, answers next, forward last: nothing that people ask may stand between a failed candidate and its rollback. */
function decideFromStatus(facts: RolloutFacts, status: RolloutStatus): Decision {
  const requests = sortRequests(facts.spec.requests ?? [], status, presentStage(facts, status));
  if (!isRolling(status)) return decideAnswers(facts, status, requests) ?? decideAtRest(facts, status);
  return (
    decideBack(facts, status, requests) ??
    decideAnswers(facts, status, requests) ??
    decideForward(facts, status, requests)
  );
}

/**
 * What one rollout does next, or what it waits on. Total and pure: every combination of facts has an answer, and the same facts have the same.
 */
export function decideRollout(facts: RolloutFacts): Decision {
  const { claim, seen } = facts;
  const blank = blankStatus(facts.spec.target, facts.now);
  switch (claim.kind) {
    case 'forged': {
      const inTree = claim.lastAuthentic ?? blank;
      const rewinding = isRewound(facts, inTree.revision) ? rewindingOf(facts, inTree) : null;
      if (rewinding !== null) return decideRewound(facts, inTree, rewinding);
      const truth = newestKnown(facts, claim.lastAuthentic);
      if (truth === null && claim.isSignedByOther === true)
        return mending(facts, blank, STATUS_OF_OTHER, OTHER_SERVICE);
      return putRight(facts, truth ?? blank, `the status was not written by the reconciler (${claim.reason})`);
    }
    case 'none': {
      const rewinding = rewindingOf(facts, blank);
      if (rewinding !== null) return decideRewound(facts, blank, rewinding);
      return seen?.status
        ? decideReverted(facts, seen.status, 'the status was taken away')
        : decideFromStatus(facts, blank);
    }
    case 'authentic': {
      const { status } = claim;
      const rewinding = rewindingOf(facts, status);
      if (rewinding !== null) return decideRewound(facts, status, rewinding);
      const isOlder = seen?.status && status.revision < seen.revision;
      return isOlder
        ? decideReverted(facts, seen.status, `the status of revision ${status.revision} was put back`)
        : decideFromStatus(facts, status);
    }
    default:
      return assertNever(claim);
  }
}
