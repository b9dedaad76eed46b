// Owns what takes a candidate back, or stops it: abort, revocation, a failed rule, a deadline, another wish. Nothing holds these up.
import { assertNever } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import { decideGroupBack, decideGroupFailure } from './decide-groups.ts';
import type { Decision } from './decision.ts';
import { pausedStatus, restedStatus } from './next-status.ts';
import { inWords, type SortedRequests } from './requests.ts';
import type { RolloutFacts, Standing } from './rollout-facts.ts';
import { stageProgress } from './stage-progress.ts';
import { backOf, labelOf, type RollingStatus, rollBack, step } from './steps.ts';
import { type Walk, walkOf } from './walk.ts';
import { wishOf } from './wish-of.ts';

function revocationOf(standing: Standing | undefined): string | null {
  return standing?.kind === 'refused' && standing.revoked ? standing.reason : null;
}

interface OtherWish {
  /** Back to what is stable is an abort; anything else is wished instead. */
  readonly kind: 'back' | 'other';
  readonly what: string;
}

/** Why the walk no longer serves the wish, or null when it does. A wish that can't be followed changes nothing. */
function otherWish(facts: RolloutFacts, status: RollingStatus): OtherWish | null {
  const { candidate, stable, target } = status;
  const wish = wishOf(facts, status);
  if (wish.kind !== 'resolved') return null;
  const { known } = wish;
  if (known.digest !== candidate.digest) {
    return known.digest === stable?.digest
      ? { kind: 'back', what: known.version }
      : { kind: 'other', what: `${known.version} is wished instead` };
  }
  if (facts.spec.target !== target) return { kind: 'other', what: 'the target changed' };
  const sameParameters = canonicalJson(facts.spec.parameters ?? {}) === canonicalJson(candidate.parameters);
  return sameParameters ? null : { kind: 'other', what: 'the parameters changed' };
}

/** The cohort returns to stable; the candidate is not to blame. */
function supersede(facts: RolloutFacts, status: RollingStatus, reason: string, answered: readonly number[]): Decision {
  return step(facts, status, { kind: 'supersede', to: backOf(status), next: restedStatus(status), answered, reason });
}

function pause({ facts, status, requests }: Walk, reason: string): Decision {
  return step(facts, status, {
    kind: 'pause',
    to: labelOf(status),
    next: pausedStatus(status, reason, facts.now),
    // What was agreed to before the failure does not count after it.
    answered: requests.ofStage,
    reason,
    outlook: `a person decides: abort to go back, approve to watch again, promote to go on with ${status.candidate.version}`,
  });
}

/** A failed rule or an expired deadline; a stage that people asked to skip is left whatever its rules say. */
function decideFailure(walk: Walk): Decision | null {
  const { facts, status, stage, following, requests } = walk;
  if (status.state === 'paused') return null;
  const progress = stageProgress(stage, following === null, facts);
  const isSkipped = requests.skip !== null && facts.spec.suspend !== true;
  if (isSkipped || (progress.kind !== 'failed' && progress.kind !== 'expired')) return null;
  const back = { reason: progress.reason, answered: requests.ofStage };
  if (progress.kind === 'expired') return rollBack(facts, status, back);
  const ofGroups = decideGroupFailure(walk, progress.reason);
  if (ofGroups !== null) return ofGroups;
  switch (stage.onFailure) {
    case 'rollback':
      return rollBack(facts, status, back);
    case 'pause':
    case 'ask':
      return pause(walk, progress.reason);
    default:
      return assertNever(stage.onFailure);
  }
}

/** Back to stable, or a stop; null when nothing speaks against the candidate. */
export function decideBack(facts: RolloutFacts, status: RollingStatus, requests: SortedRequests): Decision | null {
  const answered = requests.ofStage;
  if (requests.abort !== null) {
    return rollBack(facts, status, { reason: `aborted${inWords(requests.abort)}`, answered });
  }
  const candidate = facts.versions.find((known) => known.digest === status.candidate.digest);
  const revoked = revocationOf(candidate?.standing);
  if (revoked !== null) return rollBack(facts, status, { reason: `trust was taken back: ${revoked}`, answered });
  const ofGroup = decideGroupBack(facts, status, requests);
  if (ofGroup !== null) return ofGroup;
  const walk = walkOf(facts, status, requests);
  const failure = walk === null ? null : decideFailure(walk);
  if (failure !== null) return failure;
  const wish = otherWish(facts, status);
  if (wish?.kind === 'back') {
    return rollBack(facts, status, { reason: `aborted, as spec.version went back to ${wish.what}`, answered });
  }
  if (wish?.kind === 'other') return supersede(facts, status, `superseded, as ${wish.what}`, answered);
  const isInForce = facts.policy !== null && facts.policy.digest === status.policy;
  const unpinned = isInForce ? revocationOf(facts.policy?.standing) : null;
  return unpinned === null
    ? null
    : supersede(facts, status, `stopped, as trust in its policy was taken back: ${unpinned}`, answered);
}
