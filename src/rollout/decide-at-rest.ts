// Owns the decision while nothing rolls: start the wished version, or say why not.

import { parseInstant } from '../base/clock.ts';
import { assertNever } from '../base/errors.ts';
import { canonicalJson } from '../contract/digest.ts';
import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { parseDurationMs } from '../contract/duration.ts';
import { sketchCount } from '../contract/sketch.ts';
import { type Decision, mending, wait } from './decision.ts';
import { startedStatus } from './next-status.ts';
import { resolveWish } from './resolve-wish.ts';
import type { KnownVersion, PolicyFacts, RolloutFacts } from './rollout-facts.ts';
import { type Stage, stagesOf } from './stages-of-policy.ts';
import { labelOf, step } from './steps.ts';

/** A relative latency limit is frozen from at least this many answers of stable. */
export const LEAST_BASELINE_INFERENCES = 100;

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

function needsBaseline(stage: Stage, status: RolloutStatus): boolean {
  const relativeLatency = stage.rules.some(
    ({ rule }) => rule.limit.kind === 'baseline' && rule.metric.startsWith('latency_'),
  );
  return relativeLatency && status.stable !== null;
}

function start(facts: RolloutFacts, status: RolloutStatus, known: KnownVersion, policy: PolicyFacts): Decision {
  const stages = stagesOf(policy.policy);
  const stage = firstStage(stages, facts, status, known);
  if (stage === undefined) return mending(facts, status, 'POLICY_NO_STAGE', 'the policy has no stage');
  if (facts.matching(facts.spec.target).length === 0) {
    return wait(facts, status, [{ kind: 'first-device', target: facts.spec.target }]);
  }
  const have = facts.baseline === null ? 0 : sketchCount(facts.baseline.latencyMs);
  if (needsBaseline(stage, status) && have < LEAST_BASELINE_INFERENCES) {
    return wait(facts, status, [{ kind: 'baseline', have, need: LEAST_BASELINE_INFERENCES }]);
  }
  const wanted = {
    version: known.version,
    digest: known.digest,
    parameters: facts.spec.parameters ?? {},
    target: facts.spec.target,
    policy: policy.digest,
  };
  const next = startedStatus(status, wanted, stage, facts);
  const fast = stage.name !== stages[0]?.name ? '; it was stable before, so earlier stages are skipped' : '';
  return step(facts, status, {
    kind: 'start',
    from: labelOf(status),
    to: stage.name,
    next,
    answered: [],
    reason: `${known.version}, signed by ${known.standing.kind === 'admitted' ? known.standing.signer : 'nobody'}, starts in ${stage.name}${fast}`,
  });
}

/** Nothing rolls: is the wish what is stable, and if not, may it start? */
export function decideAtRest(facts: RolloutFacts, status: RolloutStatus): Decision {
  const rejected = new Set(status.rejected.map((one) => one.digest));
  const wish = resolveWish(facts.spec.version, facts.versions, rejected);
  switch (wish.kind) {
    case 'missing':
      return mending(facts, status, 'MODEL_VERSION_MISSING', wish.reason);
    case 'refused':
      return mending(facts, status, wish.code, `${wish.known.version}: ${wish.reason}`);
    case 'rejected': {
      const why = status.rejected.find((one) => one.digest === wish.known.digest)?.reason ?? '';
      return wait(facts, status, [{ kind: 'rejected', version: wish.known.version, reason: why }]);
    }
    case 'resolved':
      break;
    default:
      return assertNever(wish);
  }
  if (isAsDeclared(facts, status, wish.known)) return wait(facts, status, []);
  if (facts.spec.suspend === true) return wait(facts, status, [{ kind: 'suspended' }]);
  const { policy } = facts;
  if (policy === null) return mending(facts, status, 'POLICY_MISSING', facts.policyProblem ?? 'no policy is named');
  if (policy.standing.kind !== 'admitted') return mending(facts, status, policy.standing.code, policy.standing.reason);
  return start(facts, status, wish.known, policy);
}
