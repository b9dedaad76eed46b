// Owns how many rows a stage's devices will be when all of them have data: a share of devices is one of those, not of the early ones.
import type { StageQuestion } from './stage-question.ts';
import { totalOf } from './statistics/share-verdict.ts';

/** Large arms keep hash groups of devices, which are named so, and have so many of them; a group of devices has fewer. */
const HASH_GROUP = /^#([0-9a-f]{3})$/;
const HASH_GROUPS = 4096;
const HASH_GROUPS_OF_GROUP = 256;

/** How many hash groups so many devices fill, on average. */
function filled(devices: number, groups: number): number {
  return Math.floor(groups * (1 - (1 - 1 / groups) ** devices));
}

export function rowsOfStage({ candidate: { names }, installs }: StageQuestion): number {
  const devices = totalOf(installs);
  if (!HASH_GROUP.test(names[0] ?? '')) return devices;
  const isOfGroup = names.every((name) => Number.parseInt(name.slice(1), 16) < HASH_GROUPS_OF_GROUP);
  return filled(devices, isOfGroup ? HASH_GROUPS_OF_GROUP : HASH_GROUPS);
}
