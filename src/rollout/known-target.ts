// Owns what decisions ask of the known devices: how many match, and whom a stage takes in.
import type { Cohort } from '../contract/membership.ts';
import { cohortOf } from './choose-cohort.ts';
import type { Overlap } from './holdings.ts';
import { type Stage, wantedDevices } from './stages-of-policy.ts';

/** Whom a stage takes in, and out of how many. */
export interface ChosenCohort {
  readonly cohort: Cohort;
  /** Known devices of the target. */
  readonly known: number;
  /** Of them, those in no group that stands apart. */
  readonly able: number;
  /** Of those, as many as the policy wants by hash. */
  readonly wanted: number;
}

export interface CohortQuestion {
  readonly stage: Stage;
  readonly target: string;
  readonly apart: readonly string[];
  /** The cohort of the stage before. */
  readonly before: Cohort;
  readonly salt: string;
}

/** The known devices of a target; groups that stand apart are left out. */
export interface KnownTarget {
  /** Their ids; absent where only a decision of the past is made again. */
  readonly matching?: (target: string) => readonly string[];
  /** Another rollout of the model that has devices which the target would take from it; null when none has, absent where nobody asked then. */
  readonly findOverlap?: (target: string) => Overlap | null;
  count(target: string, apart?: readonly string[]): number;
  choose(question: CohortQuestion): ChosenCohort;
}

/** Over the ids of the known devices. */
export function knownTarget(
  matching: (target: string, apart?: readonly string[]) => readonly string[],
  findOverlap: (target: string) => Overlap | null = () => null,
): KnownTarget {
  return {
    matching,
    findOverlap,
    count: (target, apart) => matching(target, apart).length,
    choose: ({ stage, target, apart, before, salt }) => {
      const ids = matching(target, apart);
      const cohort = cohortOf(stage, before, salt, ids);
      return { cohort, known: matching(target).length, able: ids.length, wanted: wantedDevices(stage, ids.length) };
    },
  };
}
