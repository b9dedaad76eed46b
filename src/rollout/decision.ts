// Owns the answer of a decision: one step or none, and how the rollout stands.
import type { RolloutStatus } from '../documents/types.generated.ts';
import { desiredVersion } from './desired-version.ts';
import { exceptionsOf } from './exceptions.ts';
import { lastRejection } from './last-rejection.ts';
import type { Condition, ExceptedOutlook, Outlook, WaitingOn } from './outlook.ts';
import { changesOf } from './parameter-change.ts';
import type { Fix } from './reasons.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { silentOf } from './silent-signals.ts';
import { termsOf } from './stage-terms.ts';
import type { Step } from './transition.ts';

export interface Decision {
  readonly step: Step | null;
  readonly outlook: Outlook;
}

function sourceCondition(facts: RolloutFacts, status: RolloutStatus): Condition {
  const desired = desiredVersion(facts, status);
  const type = 'SourceVerified';
  const unverified = (fix: Fix, isNewer: boolean): Condition => {
    return { type, status: false, reason: fix.code, fix, isNewer };
  };
  if (desired.kind === 'unusable') return unverified(desired.fix, false);
  const isPassedOver = desired.kind === 'resolved' && desired.passedOver !== null;
  return isPassedOver ? unverified(desired.passedOver, true) : { type, status: true, reason: 'Verified' };
}

/** Whether the providers that the stage's rules query answer, those of dry runs among them; none when no rule queries one. */
function signalsCondition({ verdict }: RolloutFacts): Condition[] {
  const asked = (verdict?.rules ?? []).filter(({ kind }) => kind === 'signal');
  if (asked.length === 0) return [];
  const silent = silentOf(asked);
  const isAnswered = silent.length === 0;
  return [{ type: 'SignalsAnswered', status: isAnswered, reason: isAnswered ? 'Answered' : 'SIGNAL_SILENT', silent }];
}

function conditionsOf(
  facts: RolloutFacts,
  status: RolloutStatus,
  waitingOn: readonly WaitingOn[],
  isStepping: boolean,
): Condition[] {
  const stalled = waitingOn.find((one) => one.kind === 'needs-fix');
  const isHeld = waitingOn.some(({ kind }) =>
    ['rejected', 'rejected-in-groups', 'deadline-held', 'paused'].includes(kind),
  );
  const rolling = status.candidate !== null;
  return [
    {
      type: 'Ready',
      status: !rolling && status.stable !== null && waitingOn.length === 0 && !isStepping,
      reason: rolling ? 'Rolling' : status.stable === null ? 'NothingStable' : 'Stable',
    },
    {
      type: 'Progressing',
      status: isStepping || (rolling && stalled === undefined && !isHeld),
      reason: rolling ? 'Rolling' : 'SteadyState',
    },
    ...(stalled === undefined
      ? []
      : [{ type: 'Stalled', status: true, reason: stalled.fix.code, fix: stalled.fix } as const]),
    sourceCondition(facts, status),
    ...(rolling ? signalsCondition(facts) : []),
  ];
}

/** The groups that are exceptions, as a status has them. */
export function exceptedIn(status: Pick<RolloutStatus, 'exceptions'>): ExceptedOutlook[] {
  return exceptionsOf(status).map(({ group, kind, stable, reason }) => {
    return { group, kind, version: stable?.version ?? null, reason };
  });
}

function exceptedOutlook(status: RolloutStatus): Pick<Outlook, 'exceptions'> {
  const exceptions = exceptedIn(status);
  return exceptions.length === 0 ? {} : { exceptions };
}

function changedPolicy({ policy, policyInForce }: RolloutFacts, status: RolloutStatus): Pick<Outlook, 'changedPolicy'> {
  if (status.candidate === null || policy === null || policyInForce === null) return {};
  if (status.policy === policy.digest) return {};
  return { changedPolicy: { atHead: policy.policy.metadata.name, inForce: policyInForce.metadata.name } };
}

export function outlookOf(
  facts: RolloutFacts,
  status: RolloutStatus,
  waitingOn: readonly WaitingOn[],
  isStepping = false,
): Outlook {
  return {
    rollout: facts.name,
    model: status.model ?? facts.spec.model,
    target: status.target,
    revision: status.revision,
    stage: status.stage,
    candidate: status.candidate?.version ?? null,
    ...(status.candidate === null ? {} : changesOf(status, status.candidate.parameters)),
    stable: status.stable?.version ?? null,
    cohort: facts.cohort,
    verdict: facts.verdict,
    window: facts.window,
    terms: termsOf(facts, status),
    ...changedPolicy(facts, status),
    ...exceptedOutlook(status),
    rejected: lastRejection(status),
    waitingOn,
    conditions: conditionsOf(facts, status, waitingOn, isStepping),
  };
}

/** No step now, for these reasons; none at all means that all is as declared. */
export function wait(facts: RolloutFacts, status: RolloutStatus, waitingOn: readonly WaitingOn[]): Decision {
  return { step: null, outlook: outlookOf(facts, status, waitingOn) };
}

/** No step until someone fixes this. */
export function needsFix(facts: RolloutFacts, status: RolloutStatus, fix: Fix): Decision {
  return wait(facts, status, [{ kind: 'needs-fix', fix }]);
}
