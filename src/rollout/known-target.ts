// Owns what decisions ask of the known devices: how many match, and whom a stage takes in.
import type { Digest } from '../contract/digest.ts';
import type { Cohort } from '../contract/membership.ts';
import { cohortOf } from './choose-cohort.ts';
import type { Overlap } from './holdings.ts';
import { type Stage, wantedDevices } from './stages-of-policy.ts';

/** Whom a stage takes in, and out of how many. */
export interface ChosenCohort {
  readonly cohort: Cohort;
  /** Known devices of the target. */
  readonly known: number;
  /** Of them, those in no group that stands apart that can run the version. */
  readonly able: number;
  /** Of those in no such group, how many can't run the version; absent when all can. They are never chosen. */
  readonly unfit?: number;
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
  /** The version that it takes them in for; devices that can't run it are left out. */
  readonly version: Digest;
}

/** The known devices of a target; groups that stand apart are left out. */
export interface KnownTarget {
  /** Their ids; absent where only a decision of the past is made again. */
  readonly matching?: (target: string) => readonly string[];
  /** Another rollout of the model that has devices which the target would take from it; null when none has, absent where nobody asked then. */
  readonly findOverlap?: (target: string) => Overlap | null;
  /** With a version, only those that can run it. */
  count(target: string, apart?: readonly string[], version?: Digest): number;
  choose(question: CohortQuestion): ChosenCohort;
}

/** How many devices a stage that opens can take in, and how many can't run its version. */
export function knownFor(
  { known }: { readonly known: KnownTarget },
  target: string,
  apart: readonly string[],
  version: Digest,
): { readonly able: number; readonly unfit?: number } {
  const able = known.count(target, apart, version);
  const unfit = known.count(target, apart) - able;
  return { able, ...(unfit > 0 ? { unfit } : {}) };
}

/** Over the ids of the known devices. */
export function knownTarget(
  matching: (target: string, apart?: readonly string[], version?: Digest) => readonly string[],
  findOverlap: (target: string) => Overlap | null = () => null,
): KnownTarget {
  return {
    matching,
    findOverlap,
    count: (target, apart, version) => matching(target, apart, version).length,
    choose: ({ stage, target, apart, before, salt, version }) => {
      const ids = matching(target, apart, version);
      const unfit = matching(target, apart).length - ids.length;
      const cohort = cohortOf(stage, before, salt, ids);
      const counts = { known: matching(target).length, able: ids.length, ...(unfit > 0 ? { unfit } : {}) };
      return { cohort, ...counts, wanted: wantedDevices(stage, ids.length) };
    },
  };
}
