// Owns the making of steps: a next status with its number, its evidence and its words.
import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { type Decision, outlookOf } from './decision.ts';
import { rejectedStatus, stamped } from './next-status.ts';
import { isPin } from './resolve-wish.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import type { Transition, TransitionKind } from './transition.ts';

/** The short name of where a rollout is, in trailers and evidence paths. */
export function labelOf(status: RolloutStatus): string {
  return status.stage ?? (status.stable === null ? 'start' : 'stable');
}

/** The steps that begin a stage or a rest; the others leave its clock and its measurements alone. */
const OPENING: ReadonlySet<TransitionKind> = new Set([
  'start',
  'advance',
  'complete',
  'roll-back',
  'supersede',
  'reopen',
  'adopt',
]);

export interface StepDraft {
  readonly kind: TransitionKind;
  readonly from?: string;
  readonly to: string;
  /** The status that the step leads to, before it is numbered. */
  readonly next: RolloutStatus;
  readonly answered: readonly number[];
  readonly version?: string;
  readonly reason: string;
  readonly outlook?: string;
}

/** One step from `status`, numbered and stamped. */
export function step(facts: RolloutFacts, status: RolloutStatus, draft: StepDraft): Decision {
  const from = draft.from ?? labelOf(status);
  const next = stamped(draft.next, facts, { from, to: draft.to, opens: OPENING.has(draft.kind) });
  const subject = next.candidate ?? status.candidate;
  const transition: Transition = {
    kind: draft.kind,
    rollout: facts.name,
    model: facts.spec.model,
    from,
    to: draft.to,
    next,
    spec: { answered: draft.answered, ...(draft.version === undefined ? {} : { version: draft.version }) },
    reason: draft.reason,
    verdict: facts.verdict,
    cohort: facts.cohort,
    subject: subject === null ? null : { version: subject.version, digest: subject.digest, attempt: subject.attempt },
    policy: next.policy,
    outlook: draft.outlook ?? null,
  };
  return { step: transition, outlook: outlookOf(facts, next, [], true) };
}

/** `spec.version` goes back only when it pins what was rejected, and there is something to go back to. */
function restoredVersion(facts: RolloutFacts, status: RolloutStatus): string | undefined {
  const isRejectedPin = isPin(facts.spec.version) && facts.spec.version === status.candidate?.version;
  return isRejectedPin ? status.stable?.version : undefined;
}

export interface EndDraft {
  readonly reason: string;
  readonly answered: readonly number[];
}

/** Back to stable; the candidate's digest is rejected. */
export function rollBack(facts: RolloutFacts, status: RolloutStatus, { reason, answered }: EndDraft): Decision {
  if (status.candidate === null) return { step: null, outlook: outlookOf(facts, status, []) };
  const next = rejectedStatus(status, status.candidate, reason, facts.now);
  const version = restoredVersion(facts, status);
  return step(facts, status, {
    kind: 'roll-back',
    to: status.stable === null ? 'none' : 'stable',
    next,
    answered,
    reason,
    ...(version === undefined ? {} : { version }),
  });
}

/** A person ends the walk: the same step as a failed rule, with the person's reason. */
export function abort(facts: RolloutFacts, status: RolloutStatus, end: EndDraft): Decision {
  return rollBack(facts, status, end);
}
