// Owns the decision for one rollout: the questions in the order in which their answers count.
import { assertNever } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { decideAtRest } from './decide-at-rest.ts';
import { decideWhileRolling } from './decide-while-rolling.ts';
import { type Decision, mending, wait } from './decision.ts';
import { blankStatus, permittedStatus } from './next-status.ts';
import { inWords, sortRequests } from './requests.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { abort, labelOf, step } from './steps.ts';

/** HEAD went back behind what was seen or published, and not by a commit on top: only a person can say that this is meant. */
function isRewound(facts: RolloutFacts, revision: number): boolean {
  return revision < Math.max(facts.seen?.revision ?? 0, facts.publishedRevision) && !facts.continues;
}

function decideRewound(facts: RolloutFacts, status: RolloutStatus): Decision {
  const { adopt } = sortRequests(facts.spec.requests ?? [], status);
  const known = Math.max(facts.seen?.revision ?? 0, facts.publishedRevision);
  if (adopt === null) {
    const reason = `revision ${status.revision} at HEAD is below ${known}, which was published: the history was rewritten`;
    return mending(facts, status, 'HISTORY_REWOUND', `${reason}; \`slipway adopt ${facts.name}\` accepts it`);
  }
  const reason = `the rewritten history was adopted${inWords(adopt)}; revisions go on above ${known}`;
  return step(facts, status, { kind: 'adopt', to: labelOf(status), next: status, answered: [adopt.index], reason });
}

/** A status that nobody signed, or an older one put back: the last authentic one is the truth. */
function putRight(facts: RolloutFacts, truth: RolloutStatus, reason: string): Decision {
  return step(facts, truth, { kind: 'restore', to: labelOf(truth), next: truth, answered: [], reason });
}

/** An older authentic status on top of the history: someone reverted a commit of the reconciler. */
function decideReverted(facts: RolloutFacts, seen: RolloutStatus): Decision {
  if (seen.candidate !== null) {
    return abort(facts, seen, { reason: 'aborted: its commit was reverted', answered: [] });
  }
  return putRight(
    facts,
    seen,
    'an older status was put back while nothing rolled; a version is changed in spec.version',
  );
}

function decideFromStatus(facts: RolloutFacts, status: RolloutStatus): Decision {
  const requests = sortRequests(facts.spec.requests ?? [], status);
  if (requests.abort !== null && status.candidate !== null) {
    const reason = `aborted${inWords(requests.abort)}`;
    return abort(facts, status, { reason, answered: [requests.abort.index] });
  }
  if (requests.stale.length > 0) {
    const reason = `answered with no: ${requests.stale.map((one) => one.reason).join('; ')}`;
    return step(facts, status, {
      kind: 'answer',
      to: labelOf(status),
      next: status,
      answered: requests.stale.map((one) => one.index),
      reason,
    });
  }
  if (requests.adopt !== null) {
    const reason = 'nothing to adopt: the history was not rewritten';
    return step(facts, status, {
      kind: 'answer',
      to: labelOf(status),
      next: status,
      answered: [requests.adopt.index],
      reason,
    });
  }
  if (requests.retry !== null) {
    const next = permittedStatus(status, requests.retry.request.digest);
    const reason = `may be tried again${inWords(requests.retry)}`;
    return step(facts, status, { kind: 'answer', to: labelOf(status), next, answered: [requests.retry.index], reason });
  }
  switch (status.state) {
    case 'idle':
      return decideAtRest(facts, status);
    case 'rolling':
    case 'paused':
      return decideWhileRolling(facts, status, requests);
    default:
      return assertNever(status.state);
  }
}

/**
 * What one rollout does next, or what it waits on. Total and pure: every combination of facts has an answer, and the same facts have the same.
 */
export function decideRollout(facts: RolloutFacts): Decision {
  const { claim, seen } = facts;
  const blank = blankStatus(facts.spec.target, facts.now);
  const claimed = claim.kind === 'authentic' ? claim.status : blank;
  if (isRewound(facts, claimed.revision)) return decideRewound(facts, claimed);
  switch (claim.kind) {
    case 'forged': {
      const truth = claim.lastAuthentic ?? seen?.status ?? blank;
      return putRight(facts, truth, `the status was not written by the reconciler (${claim.reason})`);
    }
    case 'none':
      if (seen?.status) return decideReverted(facts, seen.status);
      return decideFromStatus(facts, blank);
    case 'authentic': {
      if (seen?.status && claim.status.revision < seen.revision) return decideReverted(facts, seen.status);
      if (
        seen?.status &&
        claim.status.revision === seen.revision &&
        canonicalJson(seen.status) !== canonicalJson(claim.status)
      ) {
        return wait(facts, claim.status, [
          { kind: 'mending', code: 'STATUS_TWICE', reason: `two statuses carry revision ${seen.revision}` },
        ]);
      }
      return decideFromStatus(facts, claim.status);
    }
    default:
      return assertNever(claim);
  }
}
