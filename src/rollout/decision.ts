// Owns the answer of a decision: one step or none, and how the rollout stands.
import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import type { Condition, Outlook, WaitingOn } from './outlook.ts';
import { resolveWish } from './resolve-wish.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import type { Transition } from './transition.ts';

export interface Decision {
  readonly step: Transition | null;
  readonly outlook: Outlook;
}

function conditionsOf(
  facts: RolloutFacts,
  status: RolloutStatus,
  waitingOn: readonly WaitingOn[],
  isStepping: boolean,
): Condition[] {
  const mendingOn = waitingOn.find((one) => one.kind === 'mending');
  const held = waitingOn.find(
    (one) => one.kind === 'rejected' || one.kind === 'deadline-held' || one.kind === 'paused',
  );
  const rolling = status.candidate !== null;
  const conditions: Condition[] = [
    {
      type: 'Ready',
      status: !rolling && status.stable !== null && waitingOn.length === 0 && !isStepping,
      reason: rolling ? 'Rolling' : status.stable === null ? 'NothingStable' : 'Stable',
      message: status.stable === null ? 'No version is stable yet.' : `${status.stable.version} is stable.`,
    },
    {
      type: 'Progressing',
      status: isStepping || (rolling && mendingOn === undefined && held === undefined),
      reason: rolling ? 'Rolling' : 'AtRest',
      message: rolling ? `${status.candidate?.version} is in ${status.stage}.` : 'Nothing rolls.',
    },
  ];
  if (mendingOn?.kind === 'mending')
    conditions.push({ type: 'Stalled', status: true, reason: mendingOn.code, message: mendingOn.reason });
  const wish = resolveWish(facts.spec.version, facts.versions, new Set());
  const refusal = wish.kind === 'refused' ? `${wish.known.version}: ${wish.reason}` : null;
  conditions.push({
    type: 'SourceVerified',
    status: refusal === null,
    reason: wish.kind === 'refused' ? wish.code : 'Verified',
    message: refusal ?? 'The wished version is signed by someone who may.',
  });
  return conditions;
}

export function outlookOf(
  facts: RolloutFacts,
  status: RolloutStatus,
  waitingOn: readonly WaitingOn[],
  isStepping = false,
): Outlook {
  return {
    rollout: facts.name,
    model: facts.spec.model,
    revision: status.revision,
    stage: status.stage,
    candidate: status.candidate?.version ?? null,
    stable: status.stable?.version ?? null,
    cohort: facts.cohort,
    verdict: facts.verdict,
    waitingOn,
    conditions: conditionsOf(facts, status, waitingOn, isStepping),
  };
}

/** No step now, for these reasons; none at all means that all is as declared. */
export function wait(facts: RolloutFacts, status: RolloutStatus, waitingOn: readonly WaitingOn[]): Decision {
  return { step: null, outlook: outlookOf(facts, status, waitingOn) };
}

/** No step until someone mends the source. */
export function mending(facts: RolloutFacts, status: RolloutStatus, code: string, reason: string): Decision {
  return wait(facts, status, [{ kind: 'mending', code, reason }]);
}
