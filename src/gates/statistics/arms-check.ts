// Owns whether two arms may be compared at all: they hold the devices that they should, and none is in both.
import { logEvidence } from './e-process.ts';

/** Devices heard of in a stage. */
export interface ArmDevices {
  /** Under the candidate, and under either arm. */
  readonly seen: number;
  readonly all: number;
  /** The candidate's share by the hash, 0..1; null where a cohort is no hash share. */
  readonly expected: number | null;
  /** Those of all that answered under both arms in one interval, but the one in which they switched. */
  readonly both: number;
}

export type ArmsProblem = 'in-both-arms' | 'sample-ratio';

const SAMPLE_RATIO_LEVEL = 0.001;
const MOST_IN_BOTH = 0.01;

/** Anytime-valid p-value of "the candidate holds its expected share of the devices": one device one trial, either way. */
export function sampleRatioP(seen: number, all: number, expected: number): number {
  const [rarer, share] = expected <= 0.5 ? [seen, expected] : [all - seen, 1 - expected];
  return Math.min(1, Math.exp(-logEvidence(rarer, all, share)));
}

/** Why the arms can't be compared; null when they can. */
export function armsProblem({ seen, all, expected, both }: ArmDevices): ArmsProblem | null {
  if (both > 1 && both > MOST_IN_BOTH * all) return 'in-both-arms';
  return expected !== null && sampleRatioP(seen, all, expected) <= SAMPLE_RATIO_LEVEL ? 'sample-ratio' : null;
}
