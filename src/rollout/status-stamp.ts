// Owns the numbering of statuses: revision, the evidence that it names, and when its stage was opened.
import { parseInstant, toIsoSeconds } from '../base/clock.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { RolloutFacts } from './rollout-facts.ts';

/** The number of the next step: above everything that HEAD, the store and the published directive have seen. */
export function nextRevision(status: RolloutStatus, facts: RolloutFacts): number {
  return Math.max(status.revision, facts.seen?.revision ?? 0, facts.publishedRevision) + 1;
}

export interface Stamp {
  readonly from: string;
  readonly to: string;
  /** Does the step open a stage (or a steady state)? Then its measurements begin anew. */
  readonly opens: boolean;
}

/** Where the evidence of the next step will lie. */
export function evidencePath(status: RolloutStatus, facts: RolloutFacts, { from, to }: Stamp): string {
  return `${facts.evidenceFolder ?? 'evidence'}/${facts.name}/${nextRevision(status, facts)}-${from}-${to}.json`;
}

/** What every step changes: revision, the evidence that it names, and when and by which revision the present stage was opened. */
export function stamped(status: RolloutStatus, facts: RolloutFacts, stamp: Stamp): RolloutStatus {
  const revision = nextRevision(status, facts);
  const evidence = evidencePath(status, facts, stamp);
  if (!stamp.opens) return { ...status, revision, evidence };
  // Time never goes back behind what the status says, whatever a clock does.
  const sinceMs = Math.max(facts.now, parseInstant(status.since) ?? 0);
  return { ...status, revision, evidence, opened: revision, since: toIsoSeconds(sinceMs) };
}
