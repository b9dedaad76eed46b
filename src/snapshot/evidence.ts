// Owns evidence: the signed statement of why a step was taken, and whether a status is backed by one.

import { toIsoSeconds } from '../base/clock.ts';
import { digestOfJson, hexOf } from '../contract/digest.ts';
import { EVIDENCE_PREDICATE_TYPE, IN_TOTO_STATEMENT_TYPE, type InTotoStatement } from '../contract/trust/statement.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { Transition } from '../rollout/transition.ts';

/** Larger files are not read as evidence. */
export const EVIDENCE_LIMIT_BYTES = 2 * 1024 * 1024;

/** What a step was decided on, in its final form: sufficient statistics and the method's version, never the reports themselves. */
export interface EvidencePredicate {
  readonly rollout: string;
  readonly revision: number;
  readonly transition: {
    readonly kind: string;
    readonly from: string;
    readonly to: string;
    /** Of a step about some groups of devices alone. */
    readonly groups?: Transition['groups'];
  };
  readonly reason: string;
  readonly decidedAt: string;
  /** The head on which it was decided. */
  readonly observed: string;
  /** The whole status after the step, so that the highest evidence of a rollout restores a status that was overwritten. */
  readonly status: RolloutStatus;
  readonly policy: string | null;
  readonly cohort: Transition['cohort'];
  readonly verdict: Transition['verdict'];
  /** How long the stage was measured, and what its policy asked; absent in evidence of before these were kept. */
  readonly window?: Transition['window'];
  readonly terms?: Transition['terms'];
}

export function statusSubject(rollout: string): string {
  return `rollouts/${rollout}/status`;
}

/** The statement to sign for a step: the status and the candidate's manifest are its subjects. */
export function evidenceOf(transition: Transition, facts: { observed: string; now: number }): InTotoStatement {
  const { next, subject } = transition;
  const predicate: EvidencePredicate = {
    rollout: transition.rollout,
    revision: next.revision,
    transition: {
      ...{ kind: transition.kind, from: transition.from, to: transition.to },
      ...(transition.groups === undefined ? {} : { groups: transition.groups }),
    },
    reason: transition.reason,
    decidedAt: toIsoSeconds(facts.now),
    observed: facts.observed,
    status: next,
    policy: transition.policy,
    cohort: transition.cohort,
    verdict: transition.verdict,
    window: transition.window ?? null,
    terms: transition.terms ?? null,
  };
  const status = { name: statusSubject(transition.rollout), digest: { sha256: hexOf(digestOfJson(next)) } };
  const manifest = subject && {
    name: `models/${transition.model}/${subject.version}`,
    digest: { sha256: subject.digest.replace('sha256:', '') },
  };
  return {
    _type: IN_TOTO_STATEMENT_TYPE,
    subject: manifest ? [status, manifest] : [status],
    predicateType: EVIDENCE_PREDICATE_TYPE,
    predicate,
  };
}

/** Is this status of this rollout a subject of the verified statement? */
export function backs(statement: InTotoStatement, rollout: string, status: RolloutStatus): boolean {
  const wanted = hexOf(digestOfJson(status));
  return statement.subject.some((one) => one.name === statusSubject(rollout) && one.digest.sha256 === wanted);
}
