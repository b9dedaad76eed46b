// Owns the decision while nothing rolls: start the desired version, or say why not.

import { parseInstant } from '../base/clock.ts';
import { assertNever } from '../base/errors.ts';
import type { Digest } from '../contract/digest.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { groupsApart } from '../contract/group-exception.ts';
import { parseSelector } from '../contract/selector.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { type Decision, needsFix, wait } from './decision.ts';
import { desiredVersion } from './desired-version.ts';
import { exceptionsOf, MOST_EXCEPTIONS } from './exceptions.ts';
import { knownFor } from './known-target.ts';
import { startedStatus } from './next-status.ts';
import type { WaitingOn } from './outlook.ts';
import { changesOf } from './parameter-change.ts';
import { findRejection, sameParameters } from './rejections.ts';
import { fixOf } from './resolve-desired.ts';
import {
  isFreezable,
  type KnownVersion,
  LEAST_BASELINE_INFERENCES,
  type PolicyFacts,
  type RolloutFacts,
  refusalOf,
} from './rollout-facts.ts';
import { type Stage, stagesOf, withoutHoldBack } from './stages-of-policy.ts';
import { step } from './steps.ts';

/** As the schema of a status has it. */
const MOST_SELECTOR = 1024;

/** A fleet without traffic would never have a baseline: after this long of listening a start no longer waits for it. */
const BASELINE_PATIENCE_MS = 60 * 60_000;

function isAsDeclared(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion): boolean {
  const { stable } = status;
  if (stable === null || stable.digest !== known.digest) return false;
  return sameParameters(stable.parameters, facts.spec.parameters ?? {}) && stable.target === facts.spec.target;
}

/**
 * A version that was stable lately may go straight to the last stage (policy `rollbackWindow`), and nobody is held back from it; nor is anyone
 * where nothing is stable.
 */
function firstStage(
  stages: readonly Stage[],
  facts: RolloutFacts,
  status: RolloutStatus,
  known: KnownVersion,
): { readonly stage: Stage | undefined; readonly isReturn: boolean } {
  const window = facts.policy?.policy.spec.rollbackWindow;
  const before = (status.previous ?? []).find((one) => one.digest === known.digest);
  const until = before === undefined ? undefined : parseInstant(before.until);
  const isRecent = window !== undefined && until !== undefined && facts.now - until <= parseDurationMs(window);
  const keepsTarget = status.stable?.target === facts.spec.target;
  const mayReturn = isRecent && keepsTarget;
  const stage = mayReturn ? stages.findLast((one) => !one.isRest) : stages[0];
  const holdsNobody = stage !== undefined && (mayReturn || status.stable === null);
  return { stage: holdsNobody ? withoutHoldBack(stage) : stage, isReturn: stage !== stages[0] };
}

function lacksBaseline({ baseline }: RolloutFacts, status: RolloutStatus, stage: Stage): boolean {
  const relativeLatency = stage.rules.some(
    ({ rule }) => rule.limit.kind === 'baseline' && rule.metric.startsWith('latency_'),
  );
  return relativeLatency && status.stable !== null && !isFreezable(baseline);
}

/** The selectors of a walk grow into one, which a status has to hold. */
function isSelectable(stages: readonly Stage[]): boolean {
  const select = stages.at(-1)?.select ?? null;
  if (select === null) return true;
  try {
    parseSelector(select);
    return select.length <= MOST_SELECTOR;
  } catch {
    return false;
  }
}

/** What keeps the desired version from starting now. */
function obstacle(
  facts: RolloutFacts,
  status: RolloutStatus,
  { stages, stage, isReturn }: { readonly stages: readonly Stage[]; readonly stage: Stage; readonly isReturn: boolean },
  version: Digest,
): WaitingOn | null {
  if (!isSelectable(stages)) {
    return { kind: 'needs-fix', fix: { kind: 'policy-select-too-long', code: 'POLICY_SELECT_TOO_LONG' } };
  }
  const { target } = facts.spec;
  const overlap = facts.known.findOverlap?.(target);
  if (overlap)
    return { kind: 'needs-fix', fix: { kind: 'targets-overlap', code: 'ROLLOUT_TARGETS_OVERLAP', ...overlap } };
  const have = facts.known.count(target, [], version);
  // Whom a stage takes in is settled when it opens: with too few it could never pass.
  const need = Math.max(1, stage.minimumDevices ?? 1);
  const unfit = facts.known.count(target) - have;
  if (have < need) return { kind: 'known-devices', target, have, need, ...(unfit > 0 ? { unfit } : {}) };
  // Whoever returns to a version that was stable is in a hurry: nothing is gained by measuring what they leave.
  if (isReturn || !lacksBaseline(facts, status, stage)) return null;
  const remainingMs = BASELINE_PATIENCE_MS - (facts.baseline?.listenedMs ?? 0);
  if (remainingMs <= 0) return null;
  const seen = facts.baseline?.inferences ?? 0;
  return { kind: 'baseline', have: seen, need: LEAST_BASELINE_INFERENCES, remainingMs };
}

function start(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion, policy: PolicyFacts): Decision {
  const stages = stagesOf(policy.policy);
  const { stage, isReturn } = firstStage(stages, facts, status, known);
  if (stage === undefined) return needsFix(facts, status, { kind: 'policy-empty', code: 'POLICY_NO_STAGE' });
  const waiting = obstacle(facts, status, { stages, stage, isReturn }, known.digest);
  if (waiting !== null) return wait(facts, status, [waiting]);
  const wanted = {
    version: known.version,
    digest: known.digest,
    parameters: facts.spec.parameters ?? {},
    target: facts.spec.target,
    policy: policy.digest,
  };
  const next = startedStatus(status, wanted, stage, facts);
  const apart = groupsApart(next.exceptions);
  // Whom a full list left out would be given the very version that it stands apart from.
  const isFull = exceptionsOf(next).length > MOST_EXCEPTIONS;
  if (apart.length > 0 && (isFull || facts.known.count(wanted.target, apart, wanted.digest) === 0)) {
    return wait(facts, status, [{ kind: 'rejected-in-groups', version: known.version, groups: apart }]);
  }
  return step(facts, status, {
    kind: 'start',
    to: stage.name,
    next,
    answered: [],
    reason: {
      kind: 'started',
      stage: stage.name,
      version: known.version,
      signer: known.standing.kind === 'admitted' ? known.standing.signer : null,
      isReturn,
      lacksBaseline: lacksBaseline(facts, status, stage),
      apart,
      ...changesOf(status, wanted.parameters),
    },
    opensStage: { stage, ...knownFor(facts, wanted.target, apart, wanted.digest), keepsRules: false },
  });
}

/** Waits on a person: the version was rejected. */
export function rejection({ spec }: RolloutFacts, status: RolloutStatus, { version, digest }: KnownVersion): WaitingOn {
  const { parameters = {} } = spec;
  const found = findRejection(status, { digest, parameters });
  const ofParameters = found?.parameters === undefined ? {} : changesOf(status, parameters);
  return { kind: 'rejected', version, reason: found?.reason ?? null, ...ofParameters };
}

/** Nothing rolls: is the desired version what is stable, and if not, may it start? */
export function decideSteadyState(facts: RolloutFacts, status: RolloutStatus): Decision {
  const desired = desiredVersion(facts, status);
  switch (desired.kind) {
    case 'unusable':
      return needsFix(facts, status, desired.fix);
    case 'rejected':
      return wait(facts, status, [rejection(facts, status, desired.known)]);
    case 'resolved':
      break;
    default:
      return assertNever(desired);
  }
  return isAsDeclared(facts, status, desired.known)
    ? wait(facts, status, [])
    : decideStart(facts, status, desired.known);
}

/** Would another version start, if nothing were in its way? */
export function mayStart(facts: RolloutFacts, status: RolloutStatus): boolean {
  const desired = desiredVersion(facts, status);
  return desired.kind === 'resolved' && !isAsDeclared(facts, status, desired.known);
}

/** Something else than stable is desired. Stable itself is judged like any other version once it is to walk anew. */
function decideStart(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion): Decision {
  const { parameters = {} } = facts.spec;
  if (findRejection(status, { digest: known.digest, parameters }) !== undefined)
    return wait(facts, status, [rejection(facts, status, known)]);
  const { standing } = known;
  if (standing.kind !== 'admitted') return needsFix(facts, status, fixOf(known.version, standing));
  if (facts.spec.suspend === true) return wait(facts, status, [{ kind: 'suspended' }]);
  const { policy, policyProblem } = facts;
  if (policy === null) {
    return needsFix(
      facts,
      status,
      policyProblem === null
        ? { kind: 'policy-missing', code: 'POLICY_MISSING' }
        : { ...policyProblem, kind: 'document' },
    );
  }
  const { name } = policy.policy.metadata;
  switch (policy.standing.kind) {
    case 'admitted':
      return start(facts, status, known, policy);
    case 'refused':
      return needsFix(facts, status, { kind: 'policy-refused', policy: name, ...refusalOf(policy.standing) });
    case 'broken':
      return needsFix(facts, status, { ...policy.standing, kind: 'document' });
    default:
      return assertNever(policy.standing);
  }
}
