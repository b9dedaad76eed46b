// Owns which authentic status of a rollout counts: HEAD's, or the newest that is known where HEAD went back behind it.
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { Fix } from './reasons.ts';
import { isOtherOfSameRevision, type RolloutFacts } from './rollout-facts.ts';

type History = Pick<RolloutFacts, 'claim' | 'seen' | 'publishedRevision' | 'continues'>;

/** HEAD went back behind what was seen or published, and not by a commit on top: only a person can say that this is meant. */
export function isRewound({ seen, publishedRevision, continues }: History, revision: number): boolean {
  const seenRevision = seen?.revision ?? 0;
  // What was published above all that was seen here is not known to be below HEAD.
  return (
    (revision < seenRevision && !continues) ||
    (revision < publishedRevision && !(continues && seenRevision >= publishedRevision))
  );
}

export type Rewinding = Extract<Fix, { kind: 'history-rewound' | 'status-twice' }>;

export function rewindingOf(facts: History, status: RolloutStatus): Rewinding | null {
  const known = Math.max(facts.seen?.revision ?? 0, facts.publishedRevision);
  if (isRewound(facts, status.revision))
    return { kind: 'history-rewound', code: 'HISTORY_REWOUND', revision: status.revision, known };
  if (!isOtherOfSameRevision(status, facts.seen)) return null;
  return { kind: 'status-twice', code: 'STATUS_TWICE', revision: known };
}

/** The highest authentic status that anyone knows: evidence may be deleted together with what it backs. */
export function newestKnown(remembered: RolloutStatus | null, inTree: RolloutStatus | null): RolloutStatus | null {
  if (remembered === null || inTree === null) return remembered ?? inTree;
  return remembered.revision >= inTree.revision ? remembered : inTree;
}

/** What devices follow, and so what is measured and judged whatever stands in HEAD; null before the first. */
export function statusInForce(facts: History): RolloutStatus | null {
  const { claim, seen } = facts;
  const remembered = seen?.status ?? null;
  if (claim.kind === 'authentic') {
    // Of a remembered one that nothing rolls by there is nothing to judge.
    const isBehind = remembered?.candidate != null && rewindingOf(facts, claim.status) !== null;
    return isBehind ? remembered : claim.status;
  }
  return newestKnown(remembered, claim.kind === 'forged' ? claim.lastAuthentic : null);
}

/** The spec that a rolling status amounts to: what is asked while HEAD can't be asked. */
export function specOf(status: RolloutStatus, model: string): RolloutFacts['spec'] {
  const { candidate, stable, target } = status;
  const runs = candidate ?? stable;
  const parameters = runs?.parameters ?? {};
  return {
    model: status.model ?? model,
    version: runs?.version ?? 'latest',
    target,
    ...(Object.keys(parameters).length === 0 ? {} : { parameters }),
  };
}
