// Owns groups that are exceptions to their rollout, as the status has them: how they become one, and what becomes of them.
import { toIsoSeconds } from '../base/clock.ts';
import { standsApart } from '../contract/group-exception.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { StatusReason } from './reasons.ts';
import type { RolloutFacts } from './rollout-facts.ts';
import { evidencePath, type Stamp } from './status-stamp.ts';

type GroupRejection = NonNullable<RolloutStatus['groupRejections']>[number];
export type StatusException = NonNullable<RolloutStatus['exceptions']>[number];

/** A candidate that fails in more groups than this has failed. */
export const MOST_APART = 4;

/** As the schema of a status has it. */
export const MOST_EXCEPTIONS = 16;
const MOST_GROUP_REJECTIONS = 50;
const MOST_SELECTOR = 1024;

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

function rejectionsOf({ groupRejections = [] }: RolloutStatus): readonly GroupRejection[] {
  return groupRejections;
}

function withRejections(status: RolloutStatus, rejections: readonly GroupRejection[]): RolloutStatus {
  const { groupRejections: _, ...others } = status;
  return rejections.length === 0 ? others : { ...others, groupRejections: rejections.slice(0, MOST_GROUP_REJECTIONS) };
}

/** Devices of both targets: one that was narrowed meanwhile leaves no group behind outside of it. */
function within(before: string, now: string): string {
  if (before === now || before === '*') return now;
  const both = `(${before}) AND (${now})`;
  return now === '*' || both.length > MOST_SELECTOR ? before : both;
}

export interface Apartness {
  readonly candidate: Pick<NonNullable<RolloutStatus['candidate']>, 'version' | 'digest'>;
  readonly groups: readonly string[];
  readonly kind: 'rolled-back' | 'held';
  readonly reason: StatusReason;
  readonly stamp: Stamp;
}

/** The groups stand apart from here on; the cohort of a held one is the present one. A group that was behind still is. */
export function exceptedStatus(status: RolloutStatus, facts: RolloutFacts, apartness: Apartness): RolloutStatus {
  const { groups, kind, reason, stamp } = apartness;
  const before = exceptionsOf(status);
  const evidence = evidencePath(status, facts, stamp);
  const at = toIsoSeconds(facts.now);
  const added = groups.map((group): StatusException => {
    const stable = before.find((one) => one.group === group)?.stable ?? null;
    return { group, kind, cohort: kind === 'held' ? status.cohort : null, stable, reason, evidence, since: at };
  });
  const next = withExceptions(status, [...before.filter((one) => !groups.includes(one.group)), ...added]);
  if (kind === 'held') return next;
  const { version, digest } = apartness.candidate;
  const rejections = groups.map((group) => ({ group, digest, version, reason, evidence, at }));
  const others = rejectionsOf(status).filter((one) => !(groups.includes(one.group) && one.digest === digest));
  return withRejections(next, [...rejections, ...others]);
}

/** The groups in which the digest failed alone: they stand apart from its start, and stay behind if they are. */
export function startedApart(status: RolloutStatus, digest: string): RolloutStatus {
  const before = exceptionsOf(status);
  const failed = rejectionsOf(status).filter((one) => one.digest === digest);
  const apart = failed.map(({ group, reason, evidence, at }): StatusException => {
    const stable = before.find((one) => one.group === group)?.stable ?? null;
    return { group, kind: 'rolled-back', cohort: null, stable, reason, evidence, since: at };
  });
  const others = before.filter(({ group }) => !failed.some((one) => one.group === group));
  return withExceptions(status, [...others, ...apart]);
}

/** The group rejoins the others. While a candidate rolls it still has its own stable version below it. */
export function rejoinedStatus(status: RolloutStatus, group: string): RolloutStatus {
  const digest = (status.candidate ?? status.stable)?.digest;
  const exceptions = exceptionsOf(status).flatMap((one) => {
    if (one.group !== group) return [one];
    const isBehind = status.candidate !== null && one.stable !== null;
    return isBehind ? [{ ...one, kind: 'behind' as const, cohort: null }] : [];
  });
  const rejections = rejectionsOf(status).filter((one) => one.group !== group || one.digest !== digest);
  return withRejections(withExceptions(status, exceptions), rejections);
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
    return stable === null
      ? []
      : [
          {
            ...one,
            kind: 'behind' as const,
            cohort: null,
            stable: { ...stable, target: within(stable.target, status.target) },
          },
        ];
  });
}
