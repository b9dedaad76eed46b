// Owns evidence: the signed statement of why a step was taken and of all it was decided on, and whether a status is backed by one.
import { toIsoSeconds } from '../base/clock.ts';
import { type Digest, digestOfJson, hexOf } from '../contract/digest.ts';
import { decodeStrictBase64 } from '../contract/trust/dsse.ts';
import { EVIDENCE_PREDICATE_TYPE, IN_TOTO_STATEMENT_TYPE, type InTotoStatement } from '../contract/trust/statement.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { DecisionInputs } from '../rollout/decision-inputs.ts';
import type { SpecEdits, Transition } from '../rollout/transition.ts';

/** Larger files are not read as evidence. */
export const EVIDENCE_LIMIT_BYTES = 2 * 1024 * 1024;

/** Documents that lie beside the evidence, named by digest; null where there is none. */
export interface EvidenceDocuments {
  readonly manifest: Digest | null;
  readonly manifestBundle: Digest | null;
  readonly policy: Digest | null;
  readonly policyBundle: Digest | null;
}

/**
 * What a step was decided on, in its final form: whoever has the evidence and the documents beside it can decide the step again. It holds
 * sufficient statistics and the method's version, never the reports themselves; and no text but rules, selectors and what a person gave as
 * the reason of a request.
 */
export interface EvidencePredicate {
  readonly rollout: string;
  readonly revision: number;
  /** Digest of the rollout's statement before; null for the first, and when that evidence is gone. */
  readonly previous: Digest | null;
  readonly decidedAt: string;
  /** The head on which it was decided. */
  readonly observed: string;
  readonly transition: Pick<Transition, 'kind' | 'from' | 'to' | 'model' | 'reason' | 'groups' | 'subject'> & {
    readonly spec: SpecEdits;
  };
  /** The whole status after the step, so that the highest evidence of a rollout restores a status that was overwritten. */
  readonly status: RolloutStatus;
  readonly documents: EvidenceDocuments;
  readonly cohort: Transition['cohort'];
  readonly verdict: Transition['verdict'];
  readonly window: Transition['window'];
  readonly terms: Transition['terms'];
  readonly inputs: DecisionInputs;
}

export interface EvidenceFacts {
  readonly observed: string;
  readonly now: number;
  readonly previous: Digest | null;
  readonly documents: EvidenceDocuments;
}

export function statusSubject(rollout: string): string {
  return `rollouts/${rollout}/status`;
}

/** The statement to sign for a step: the status and the candidate's manifest are its subjects. */
export function evidenceOf(step: Transition, { observed, now, previous, documents }: EvidenceFacts): InTotoStatement {
  const { rollout, next, subject, kind, from, to, model, reason, groups, spec } = step;
  const predicate: EvidencePredicate = {
    rollout,
    revision: next.revision,
    previous,
    decidedAt: toIsoSeconds(now),
    observed,
    transition: { kind, from, to, model, subject, spec, reason, ...(groups === undefined ? {} : { groups }) },
    status: next,
    documents,
    cohort: step.cohort,
    verdict: step.verdict,
    window: step.window,
    terms: step.terms,
    inputs: step.inputs,
  };
  const status = { name: statusSubject(rollout), digest: { sha256: hexOf(digestOfJson(next)) } };
  const manifest = subject && {
    name: `models/${model}/${subject.version}`,
    digest: { sha256: subject.digest.replace('sha256:', '') },
  };
  return {
    _type: IN_TOTO_STATEMENT_TYPE,
    subject: manifest ? [status, manifest] : [status],
    predicateType: EVIDENCE_PREDICATE_TYPE,
    predicate,
  };
}

/** The signed bytes of an envelope, whoever signed them; undefined when it is none. */
export function payloadOf(envelope: Uint8Array): Buffer | undefined {
  try {
    const { payload } = JSON.parse(Buffer.from(envelope).toString('utf8')) as { payload?: unknown };
    return typeof payload === 'string' ? decodeStrictBase64(payload) : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isKind(value: unknown): boolean {
  return isRecord(value) && typeof value.kind === 'string';
}

/** The predicate of a statement about this rollout; undefined when it does not have the form of one. Whether it is signed is another question. */
export function parseEvidence({ predicate }: Pick<InTotoStatement, 'predicate'>): EvidencePredicate | undefined {
  if (!isRecord(predicate) || !isRecord(predicate.transition)) return undefined;
  const { rollout, revision, decidedAt, observed, transition, status, documents, inputs, verdict, cohort } = predicate;
  const isNamed = [rollout, decidedAt, observed, transition.from, transition.to].every(
    (one) => typeof one === 'string',
  );
  const isStep = isKind(transition) && isKind(transition.reason) && Number.isSafeInteger(revision);
  const isWhole = isRecord(status) && status.revision === revision && isRecord(documents) && isRecord(inputs);
  const isMeasured =
    (verdict === null || (isRecord(verdict) && Array.isArray(verdict.rules))) &&
    (cohort === null || (isRecord(cohort) && Array.isArray(cohort.troubled)));
  return isNamed && isStep && isWhole && isMeasured ? (predicate as unknown as EvidencePredicate) : undefined;
}

/** The version that a step is about; null where its evidence names none. */
export function subjectOf({ transition }: Pick<EvidencePredicate, 'transition'>): Transition['subject'] {
  const { subject } = transition;
  if (!isRecord(subject)) return null;
  const isNamed = typeof subject.version === 'string' && typeof subject.digest === 'string';
  return isNamed ? { ...subject, attempt: Number(subject.attempt) || 0 } : null;
}

/** Is this status of this rollout a subject of the verified statement? */
export function backs(statement: InTotoStatement, rollout: string, status: RolloutStatus): boolean {
  const wanted = hexOf(digestOfJson(status));
  return statement.subject.some((one) => one.name === statusSubject(rollout) && one.digest.sha256 === wanted);
}
