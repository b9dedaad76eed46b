// Owns which devices keep stable in a stage of all others, as a status says it.
import { BUCKETS } from '../contract/membership.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import type { CohortCounts } from './count-cohort.ts';
import { heldRules, isOfAll, type Stage, withoutHoldBack } from './stages-of-policy.ts';

/** Devices that keep stable while the stage is judged. */
export interface HeldBack {
  readonly devices: number;
  /** Of so many of the target. */
  readonly of: number;
  /** The version that they keep. */
  readonly version: string;
  /** The rules that need them. */
  readonly rules: readonly string[];
  /** They keep it at least so long; 0 for as long as the rules take. */
  readonly forMs: number;
}

/** Do devices keep stable in a stage of all? The cut alone says so, to devices and decisions alike. */
export function holdsBack(stage: Stage, { cohort, stable }: RolloutStatus): boolean {
  return stable !== null && isOfAll(stage) && cohort.cut < BUCKETS;
}

/** A stage takes longer only where somebody is held back. */
export function asItStands(stage: Stage, status: RolloutStatus): Stage {
  return holdsBack(stage, status) ? stage : withoutHoldBack(stage);
}

/** The status's stage, as it stands. */
export function stageOf(stages: readonly Stage[], status: RolloutStatus): Stage | undefined {
  const stage = stages.find(({ name }) => name === status.stage);
  return stage && asItStands(stage, status);
}

/** Null where nobody is held back. */
export function heldBackIn(stage: Stage, status: RolloutStatus, cohort: CohortCounts | null): HeldBack | null {
  const { stable } = status;
  if (cohort === null || stable === null || !holdsBack(stage, status)) return null;
  const devices = leftOnStable(cohort);
  const { version } = stable;
  const forMs = stage.holdBack?.forMs ?? 0;
  return { devices, of: devices + cohort.wanted, version, rules: heldRules(stage), forMs };
}

/** Devices of the target that a stage leaves on stable, those that enrolled meanwhile among them. */
function leftOnStable({ matching, apart, newcomers = 0, wanted }: CohortCounts): number {
  return matching - apart - newcomers - wanted;
}

/** At most a tenth: so few differ from the others by chance. */
const FEW = 0.1;

/** Are so many devices on stable few among all of the stage's? */
export function isFew(left: number, all: number): boolean {
  return left > 0 && left <= FEW * all;
}

/** Does a stage leave a few devices on stable? */
export function leavesFew(cohort: CohortCounts): boolean {
  const left = leftOnStable(cohort);
  return isFew(left, left + cohort.wanted);
}
