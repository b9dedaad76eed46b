// Owns groups that do not go along with their rollout, as the status has them: how they come to stand apart, and what becomes of them.
import { toIsoSeconds } from '../base/clock.ts';
import { asReason } from '../base/plain-text.ts';
import type { RolloutStatus } from '../contract/documents/types.generated.ts';
import { standsApart } from '../contract/group-exception.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { evidencePath, type Stamp } from './status-stamp.ts';

export type StatusException = NonNullable<RolloutStatus['exceptions']>[number];

/** A candidate that fails in more groups than this has failed. */
export const MOST_APART = 4;

/** As the schema of a status has it. */
export const MOST_EXCEPTIONS = 16;

export function exceptionsOf({ exceptions = [] }: Pick<RolloutStatus, 'exceptions'>): readonly StatusException[] {
  return exceptions;
}

/** The groups that stand apart from the present candidate. */
export function apartIn(status: Pick<RolloutStatus, 'exceptions'>): readonly StatusException[] {
  return exceptionsOf(status).filter(standsApart);
}

/** The list is absent where it is empty: most rollouts never have one. */
export function withExceptions(status: RolloutStatus, exceptions: readonly StatusException[]): RolloutStatus {
  const { exceptions: _, ...others } = status;
  return exceptions.length === 0 ? others : { ...others, exceptions };
}

export interface Apartness {
  readonly groups: readonly string[];
  readonly kind: 'rolled-back' | 'held';
  readonly reason: string;
  readonly stamp: Stamp;
}

/** The groups stand apart from here on; the cohort of a held one is the present one. A group that was behind still is. */
export function exceptedStatus(status: RolloutStatus, facts: RolloutFacts, apartness: Apartness): RolloutStatus {
  const { groups, kind, reason, stamp } = apartness;
  const before = exceptionsOf(status);
  const added = groups.map((group): StatusException => {
    const known = before.find((one) => one.group === group);
    return {
      group,
      kind,
      cohort: kind === 'held' ? status.cohort : null,
      stable: known?.stable ?? null,
      reason: asReason(reason),
      evidence: evidencePath(status, facts, stamp),
      since: toIsoSeconds(facts.now),
    };
  });
  return withExceptions(status, [...before.filter((one) => !groups.includes(one.group)), ...added]);
}

/** The group goes along with the others again, and is behind no longer. */
export function rejoinedStatus(status: RolloutStatus, group: string): RolloutStatus {
  return withExceptions(
    status,
    exceptionsOf(status).filter((one) => one.group !== group),
  );
}

/** The candidate is out, or stopped: what remains is who was behind before. */
export function exceptionsAfterRetreat(status: RolloutStatus): readonly StatusException[] {
  return exceptionsOf(status).flatMap((one) =>
    one.stable === null ? [] : [{ ...one, kind: 'behind' as const, cohort: null }],
  );
}

/** The candidate is stable: who stood apart from it stays on the version before. */
export function exceptionsAfterCompletion(status: RolloutStatus): readonly StatusException[] {
  return apartIn(status).flatMap((one) => {
    const stable = one.stable ?? status.stable;
    return stable === null ? [] : [{ ...one, kind: 'behind' as const, cohort: null, stable }];
  });
}
