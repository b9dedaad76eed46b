// Owns the answer of a decision: one step or none, and how the rollout stands.
import type { RolloutStatus } from '../documents/types.generated.ts';
import { silenceInWords } from '../wording/reason-in-words.ts';
import { exceptionsOf } from './exceptions.ts';
import { lastRejection } from './last-rejection.ts';
import type { Condition, ExceptedOutlook, Outlook, WaitingOn } from './outlook.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { termsOf } from './stage-terms.ts';
import type { Transition } from './transition.ts';
import { wishOf } from './wish-of.ts';

export interface Decision {
  readonly step: Transition | null;
  readonly outlook: Outlook;
}

function sourceCondition(facts: RolloutFacts, status: RolloutStatus): Condition {
  const wish = wishOf(facts, status);
  const type = 'SourceVerified';
  switch (wish.kind) {
    case 'refused':
      return { type, status: false, reason: wish.code, message: `${wish.known.version}: ${wish.reason}` };
    case 'missing':
      return { type, status: false, reason: wish.code, message: wish.reason };
    case 'resolved': {
      const { passedOver } = wish;
      if (passedOver === null) break;
      const message = `${passedOver.known.version} is newer, and may not be used: ${passedOver.reason}`;
      return { type, status: false, reason: passedOver.code, message };
    }
    case 'rejected':
      break;
  }
  return { type, status: true, reason: 'Verified', message: 'The wished version is signed by someone who may.' };
}

/** Groups that are behind on a version that nobody vouches for any more: only a person, or a later version, can take them off it. */
function revokedBehind({ versions }: RolloutFacts, status: RolloutStatus): Condition[] {
  return exceptionsOf(status).flatMap(({ group, stable }): Condition[] => {
    const standing = versions.find(({ digest }) => digest === stable?.digest)?.standing;
    if (stable === null || standing?.kind !== 'refused' || !standing.revoked) return [];
    const message = `${group} runs ${stable.version}, and trust in it was taken back: ${standing.reason}`;
    return [{ type: 'Stalled', status: true, reason: standing.code, message }];
  });
}

/** Whether the outside signals that the stage asks for answer, those that never decide among them; none when it asks for none. */
function signalsCondition({ verdict }: RolloutFacts): Condition[] {
  const asked = (verdict?.rules ?? []).flatMap((rule) =>
    rule.kind === 'signal' ? [{ metric: rule.metric, ...rule.sums }] : [],
  );
  if (asked.length === 0) return [];
  const silent = asked.flatMap(({ metric, from, provider, state }) =>
    state.kind === 'silent' ? [`${metric}: ${from} ${provider}: ${silenceInWords(state.why)}`] : [],
  );
  const type = 'SignalsAnswered';
  return silent.length === 0
    ? [{ type, status: true, reason: 'Answered', message: 'Every outside signal that is asked for answers.' }]
    : [{ type, status: false, reason: 'SIGNAL_SILENT', message: silent.join('; ') }];
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
  conditions.push(...revokedBehind(facts, status));
  conditions.push(sourceCondition(facts, status), ...(rolling ? signalsCondition(facts) : []));
  return conditions;
}

/** The groups that do not go along, as a status has them. */
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

/** No step until someone mends the source. */
export function mending(facts: RolloutFacts, status: RolloutStatus, code: string, reason: string): Decision {
  return wait(facts, status, [{ kind: 'mending', code, reason }]);
}
