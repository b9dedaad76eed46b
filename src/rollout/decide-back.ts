// Owns what takes a candidate back, or stops it: abort, revocation, a failed rule, a deadline, another desired version. Nothing holds these up.
import { decideGroupBack, decideGroupFailure } from './decide-groups.ts';
import { decideNoStart } from './decide-no-start.ts';
import type { Decision } from './decision.ts';
import { desiredVersion } from './desired-version.ts';
import { pausedStatus, restedStatus } from './next-status.ts';
import type { Refusal, RuleFailedReason, StepReason } from './reasons.ts';
import { isSameVersion, sameParameters } from './rejections.ts';
import { askedBy, type SortedRequests } from './requests.ts';
import type { RolloutFacts, VersionStanding } from './rollout-facts.ts';
import { goesBeyond } from './rule-failure.ts';
import { stageProgress } from './stage-progress.ts';
import { backOf, labelOf, type RollingStatus, rollBack, step } from './steps.ts';
import { type Walk, walkOf } from './walk.ts';

function revocationOf(standing: VersionStanding | undefined): Pick<Refusal, 'code' | 'signer'> | null {
  if (standing?.kind !== 'refused' || !standing.revoked) return null;
  return { code: standing.code, signer: standing.signer };
}

type Superseded = Extract<StepReason, { kind: 'other-version' | 'target-changed' | 'parameters-changed' }>;

/** A pin of what is stable asks to go back, whatever became of its manifest since. */
function isBackAsked({ spec }: RolloutFacts, { candidate, stable, model }: RollingStatus): boolean {
  const isOwnModel = model === undefined || model === spec.model;
  return isOwnModel && spec.version === stable?.version && spec.version !== candidate.version;
}

/** Why the walk no longer serves what is desired, or null when it does. What can't be followed takes nothing back: it holds. */
function otherDesired(
  facts: RolloutFacts,
  status: RollingStatus,
): Superseded | Extract<StepReason, { kind: 'spec-reverted' }> | null {
  const { candidate, stable, target } = status;
  if (isBackAsked(facts, status)) return { kind: 'spec-reverted', version: facts.spec.version };
  const desired = desiredVersion(facts, status);
  if (desired.kind !== 'resolved') return null;
  const { digest, version } = desired.known;
  // Back to what is stable is an abort; anything else supersedes the candidate.
  if (digest !== candidate.digest)
    return { kind: digest === stable?.digest ? 'spec-reverted' : 'other-version', version };
  if (facts.spec.target !== target) return { kind: 'target-changed' };
  const { parameters = {} } = facts.spec;
  if (sameParameters(parameters, candidate.parameters)) return null;
  const isStable = stable !== null && isSameVersion(stable, { digest, parameters });
  return isStable ? { kind: 'spec-reverted', version } : { kind: 'parameters-changed' };
}

/** The cohort returns to stable; the candidate is not to blame. */
function supersede(
  facts: RolloutFacts,
  status: RollingStatus,
  reason: StepReason,
  answered: readonly number[],
): Decision {
  return step(facts, status, { kind: 'supersede', to: backOf(status), next: restedStatus(status), answered, reason });
}

function pause({ facts, status, requests }: Walk, reason: RuleFailedReason): Decision {
  return step(facts, status, {
    kind: 'pause',
    to: labelOf(status),
    next: pausedStatus(status, reason, facts.now),
    // What was agreed to before the failure does not count after it.
    answered: requests.ofStage,
    reason,
  });
}

/** A failed rule or an expired deadline; a stage that people asked to skip is left whatever its rules say. */
function decideFailure(walk: Walk): Decision | null {
  const { facts, status, stage, isLast, requests } = walk;
  const isPaused = status.state === 'paused';
  const progress = stageProgress(stage, isLast, facts);
  const isSkipped = requests.skip !== null && facts.spec.suspend !== true;
  if (isSkipped || (progress.kind !== 'failed' && progress.kind !== 'expired')) return null;
  const answered = requests.ofStage;
  if (progress.kind === 'expired')
    return isPaused ? null : rollBack(facts, status, { reason: progress.reason, answered });
  const ofGroups = decideGroupFailure(walk);
  if (ofGroups !== null) return ofGroups;
  // What paused the stage goes on to fail while it is paused.
  if (isPaused && !goesBeyond(progress.reason, status)) return null;
  return progress.reason.action === undefined
    ? rollBack(facts, status, { reason: progress.reason, answered })
    : pause(walk, progress.reason);
}

/** Back to stable, or a stop; null when nothing speaks against the candidate. */
export function decideBack(facts: RolloutFacts, status: RollingStatus, requests: SortedRequests): Decision | null {
  const answered = requests.ofStage;
  if (requests.abort !== null)
    return rollBack(facts, status, { reason: { kind: 'aborted', ...askedBy(requests.abort) }, answered });
  const candidate = facts.versions.find((known) => known.digest === status.candidate.digest);
  const revoked = revocationOf(candidate?.standing) ?? revocationOf(facts.inForce?.candidate);
  if (revoked !== null) return rollBack(facts, status, { reason: { kind: 'trust-revoked', ...revoked }, answered });
  const ofGroup = decideGroupBack(facts, status, requests);
  if (ofGroup !== null) return ofGroup;
  const walk = walkOf(facts, status, requests);
  const failure = walk === null ? null : decideFailure(walk);
  if (failure !== null) return failure;
  if (facts.emergency !== undefined) return rollBack(facts, status, { reason: facts.emergency, answered });
  const noStart = decideNoStart(facts, status, requests);
  if (noStart !== null) return noStart;
  const other = otherDesired(facts, status);
  if (other?.kind === 'spec-reverted') return rollBack(facts, status, { reason: other, answered });
  if (other !== null) return supersede(facts, status, other, answered);
  const isInForce = facts.policy !== null && facts.policy.digest === status.policy;
  const unpinned = (isInForce ? revocationOf(facts.policy?.standing) : null) ?? revocationOf(facts.inForce?.policy);
  return unpinned === null ? null : supersede(facts, status, { kind: 'policy-revoked', ...unpinned }, answered);
}
