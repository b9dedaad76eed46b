// Owns the decision while nothing rolls: start the wished version, or say why not.

import { parseInstant } from '../base/clock.ts';
import { assertNever } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { groupsApart } from '../contract/group-exception.ts';
import { parseSelector } from '../contract/selector.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { listed } from '../wording/amounts.ts';
import { rulesInWords, stageInWords } from '../wording/stage-in-words.ts';
import { type Decision, mending, wait } from './decision.ts';
import { exceptionsOf, MOST_EXCEPTIONS } from './exceptions.ts';
import { startedStatus } from './next-status.ts';
import type { WaitingOn } from './outlook.ts';
import {
  isFreezable,
  type KnownVersion,
  LEAST_BASELINE_INFERENCES,
  type PolicyFacts,
  type RolloutFacts,
} from './rollout-facts.ts';
import { type Stage, stagesOf } from './stages-of-policy.ts';
import { step } from './steps.ts';
import { wishOf } from './wish-of.ts';

/** As the schema of a status has it. */
const MOST_SELECTOR = 1024;

/** A fleet without traffic would never have a baseline: after this long of listening a start no longer waits for it. */
const BASELINE_PATIENCE_MS = 60 * 60_000;

function isAsDeclared(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion): boolean {
  const { stable } = status;
  if (stable === null || stable.digest !== known.digest) return false;
  const sameParameters = canonicalJson(stable.parameters) === canonicalJson(facts.spec.parameters ?? {});
  return sameParameters && stable.target === facts.spec.target;
}

/** A version that was stable lately may go straight to the last stage (policy `rollbackWindow`). */
function firstStage(
  stages: readonly Stage[],
  facts: RolloutFacts,
  status: RolloutStatus,
  known: KnownVersion,
): Stage | undefined {
  const window = facts.policy?.policy.spec.rollbackWindow;
  const before = (status.previous ?? []).find((one) => one.digest === known.digest);
  const until = before === undefined ? undefined : parseInstant(before.until);
  const isRecent = window !== undefined && until !== undefined && facts.now - until <= parseDurationMs(window);
  const keepsTarget = status.stable?.target === facts.spec.target;
  return isRecent && keepsTarget ? stages.at(-1) : stages[0];
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

/** What keeps the wished version from starting now. */
function obstacle(
  facts: RolloutFacts,
  status: RolloutStatus,
  stages: readonly Stage[],
  stage: Stage,
): WaitingOn | null {
  if (!isSelectable(stages)) {
    const reason = 'the selectors of its stages are too long or too many to be joined';
    return { kind: 'mending', code: 'POLICY_SELECT_TOO_LONG', reason };
  }
  const { target } = facts.spec;
  const have = facts.matching(target).length;
  // Whom a stage takes in is settled when it opens: with too few it could never pass.
  const need = Math.max(1, stage.minimumDevices ?? 1);
  if (have < need) return { kind: 'known-devices', target, have, need };
  // Whoever returns to a version that was stable is in a hurry: nothing is gained by measuring what they leave.
  const isReturn = stage !== stages[0];
  if (isReturn || !lacksBaseline(facts, status, stage)) return null;
  const remainingMs = BASELINE_PATIENCE_MS - (facts.baseline?.listenedMs ?? 0);
  if (remainingMs <= 0) return null;
  const seen = facts.baseline?.inferences ?? 0;
  return { kind: 'baseline', have: seen, need: LEAST_BASELINE_INFERENCES, remainingMs };
}

function start(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion, policy: PolicyFacts): Decision {
  const stages = stagesOf(policy.policy);
  const stage = firstStage(stages, facts, status, known);
  if (stage === undefined) return mending(facts, status, 'POLICY_NO_STAGE', 'the policy has no stage');
  const waiting = obstacle(facts, status, stages, stage);
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
  if (apart.length > 0 && (isFull || facts.matching(wanted.target, apart).length === 0)) {
    return wait(facts, status, [
      { kind: 'rejected', version: known.version, reason: `it failed in ${listed(apart, 'and')}` },
    ]);
  }
  const signed = known.standing.kind === 'admitted' ? `, signed by ${known.standing.signer},` : '';
  const fast = stage === stages[0] ? '' : '; it was stable before, so earlier stages are skipped';
  const blind = lacksBaseline(facts, status, stage)
    ? '; stable has hardly any traffic, so its latency rules against the baseline stay undecided'
    : '';
  return step(facts, status, {
    kind: 'start',
    to: stage.name,
    next,
    answered: [],
    reason: `${known.version}${signed} starts in ${stage.name}${fast}${blind}${failedBefore(apart)}`,
    outlook: stageInWords(stage, facts.matching(wanted.target, apart).length),
    mustHold: rulesInWords(stage, next.limits),
  });
}

/** `; hw:rev2 stands apart, as it failed there before`. */
function failedBefore(apart: readonly string[]): string {
  if (apart.length === 0) return '';
  return `; ${listed(apart, 'and')} ${apart.length === 1 ? 'stands' : 'stand'} apart, as it failed there before`;
}

function rejected(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion): Decision {
  const why = status.rejected.find((one) => one.digest === known.digest)?.reason ?? '';
  return wait(facts, status, [{ kind: 'rejected', version: known.version, reason: why }]);
}

/** Nothing rolls: is the wish what is stable, and if not, may it start? */
export function decideAtRest(facts: RolloutFacts, status: RolloutStatus): Decision {
  const wish = wishOf(facts, status);
  switch (wish.kind) {
    case 'missing':
      return mending(facts, status, wish.code, wish.reason);
    case 'refused':
      return mending(facts, status, wish.code, `${wish.known.version}: ${wish.reason}`);
    case 'rejected':
      return rejected(facts, status, wish.known);
    case 'resolved':
      break;
    default:
      return assertNever(wish);
  }
  if (isAsDeclared(facts, status, wish.known)) return wait(facts, status, []);
  return decideStart(facts, status, wish.known);
}

/** Something else than stable is wished. Stable itself is judged like any other version once it is to walk anew. */
function decideStart(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion): Decision {
  if (status.rejected.some((one) => one.digest === known.digest)) return rejected(facts, status, known);
  const { standing } = known;
  if (standing.kind !== 'admitted')
    return mending(facts, status, standing.code, `${known.version}: ${standing.reason}`);
  if (facts.spec.suspend === true) return wait(facts, status, [{ kind: 'suspended' }]);
  const { policy } = facts;
  if (policy === null) return mending(facts, status, 'POLICY_MISSING', facts.policyProblem ?? 'no policy is named');
  if (policy.standing.kind !== 'admitted') {
    const { code, reason } = policy.standing;
    return mending(facts, status, code, `policy ${policy.policy.metadata.name}: ${reason}`);
  }
  return start(facts, status, known, policy);
}
