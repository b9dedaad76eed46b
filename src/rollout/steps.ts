// Owns the making of steps: a next status with its number, its evidence and its words.
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { CohortCounts } from './count-cohort.ts';
import { type Decision, outlookOf } from './decision.ts';
import { asItStands } from './held-back.ts';
import { type CandidateStatus, rejectedStatus } from './next-status.ts';
import { changesOf } from './parameter-change.ts';
import type { StatusReason, StepReason } from './reasons.ts';
import { isSameVersion, sameParameters } from './rejections.ts';
import { isPin } from './resolve-desired.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { termsOf } from './stage-terms.ts';
import { stamped } from './status-stamp.ts';
import type { GroupsOfStep, OpenedStage, Step, TransitionKind } from './transition.ts';

/** The short name of where a rollout is, in trailers and evidence paths. */
export function labelOf(status: RolloutStatus): string {
  return status.stage ?? (status.stable === null ? 'start' : 'stable');
}

/** Where a rollout goes that goes back. */
export function backOf(status: RolloutStatus): string {
  return status.stable === null ? 'none' : 'stable';
}

/** The steps that open a stage or a steady state; the others leave its clock and its measurements alone. */
const OPENING: ReadonlySet<TransitionKind> = new Set([
  'start',
  'advance',
  'complete',
  'roll-back',
  'supersede',
  'reopen',
  'except',
  'adopt',
]);

export interface StepDraft {
  readonly kind: TransitionKind;
  readonly to: string;
  /** The status that the step leads to, before it is numbered. */
  readonly next: RolloutStatus;
  readonly answered: readonly number[];
  readonly version?: string;
  readonly parameters?: CandidateStatus['parameters'];
  /** The version that it is about, where that is neither the candidate before nor after. */
  readonly subject?: CandidateStatus;
  readonly reason: StepReason;
  readonly opensStage?: OpenedStage;
  readonly groups?: GroupsOfStep;
  /** Does it open its stage anew? As its kind does unless given. */
  readonly opens?: boolean;
}

/** What devices say in words of their own does not stay in Git, nor who is only on the way. */
function withoutDetails({ missing: _, ...cohort }: CohortCounts): CohortCounts {
  return { ...cohort, troubled: cohort.troubled.map(({ device, kind, reason }) => ({ device, kind, reason })) };
}

/** One step from `status`, numbered and stamped. */
export function step(facts: RolloutFacts, status: RolloutStatus, draft: StepDraft): Decision {
  const from = labelOf(status);
  const next = stamped(draft.next, facts, { from, to: draft.to, opens: draft.opens ?? OPENING.has(draft.kind) });
  const { opensStage } = draft;
  const subject = draft.subject ?? next.candidate ?? status.candidate;
  const decided: Step = {
    kind: draft.kind,
    rollout: facts.name,
    model: next.model ?? facts.spec.model,
    from,
    to: draft.to,
    next,
    spec: {
      answered: draft.answered,
      ...(draft.version === undefined ? {} : { version: draft.version }),
      ...(draft.parameters === undefined ? {} : { parameters: draft.parameters }),
    },
    reason: draft.reason,
    verdict: facts.verdict,
    cohort: facts.cohort && withoutDetails(facts.cohort),
    window: facts.window,
    terms: termsOf(facts, status),
    subject: subject === null ? null : { version: subject.version, digest: subject.digest, attempt: subject.attempt },
    ...(subject === null ? {} : changesOf(status, subject.parameters)),
    policy: next.policy,
    opens: opensStage === undefined ? null : { ...opensStage, stage: asItStands(opensStage.stage, next) },
    ...(draft.groups === undefined ? {} : { groups: draft.groups }),
  };
  return { step: decided, outlook: outlookOf(facts, next, [], true) };
}

/** A step that changes nothing but what people asked for or put wrong. */
export function answer(
  facts: RolloutFacts,
  status: RolloutStatus,
  { reason, answered }: Pick<StepDraft, 'reason' | 'answered'>,
  next: RolloutStatus = status,
): Decision {
  return step(facts, status, { kind: 'answer', to: labelOf(status), next, answered, reason });
}

/**
 * `spec.version` goes back only when it pins what was rejected, and there is another version to go back to; `spec.parameters` only when they
 * are those that were rejected: what then runs would else be tried with them at once.
 */
export function restoredSpec(
  { spec }: RolloutFacts,
  { candidate, stable }: RolloutStatus,
  rejected: CandidateStatus,
): Pick<StepDraft, 'version' | 'parameters'> {
  // Before a start that is what rolls, if anything does.
  const runs = candidate === null || isSameVersion(candidate, rejected) ? stable : candidate;
  if (runs === null) return {};
  const isRejectedPin = isPin(spec.version) && spec.version === rejected.version && runs.version !== rejected.version;
  const desired = spec.parameters ?? {};
  // A newer pin has these parameters by its own right.
  const isOther = isPin(spec.version) && ![rejected.version, runs.version].includes(spec.version);
  const areRejected =
    !isOther && sameParameters(desired, rejected.parameters) && !sameParameters(desired, runs.parameters);
  return {
    ...(isRejectedPin ? { version: runs.version } : {}),
    ...(areRejected ? { parameters: runs.parameters } : {}),
  };
}

export interface EndDraft {
  readonly reason: StatusReason;
  readonly answered: readonly number[];
}

/** A status whose candidate is out. */
export type RollingStatus = RolloutStatus & { readonly candidate: CandidateStatus };

export function isRolling(status: RolloutStatus): status is RollingStatus {
  return status.candidate !== null;
}

/** Back to stable; the candidate's digest is rejected. A person's abort is the same step as a failed rule, with the person's reason. */
export function rollBack(facts: RolloutFacts, status: RollingStatus, { reason, answered }: EndDraft): Decision {
  const to = backOf(status);
  const stamp = { from: labelOf(status), to, opens: true };
  const next = rejectedStatus(status, facts, { candidate: status.candidate, reason, stamp });
  const restored = restoredSpec(facts, status, status.candidate);
  return step(facts, status, { kind: 'roll-back', to, next, answered, reason, ...restored });
}
