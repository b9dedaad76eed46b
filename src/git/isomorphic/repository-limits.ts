// Owns the bounds of the git edge in one place: time, sizes, counts.

import { DEFAULT_TREE_LIMITS, type TreeLimits } from '../objects/tree-reader.ts';
import { DEFAULT_PACK_LIMITS, type PackLimits } from '../wire/pack-scan.ts';
import { DEFAULT_TRANSPORT_LIMITS, type TransportLimits } from '../wire/smart-transport.ts';

export interface RepositoryLimits {
  readonly transport: TransportLimits;
  readonly pack: PackLimits;
  readonly tree: TreeLimits;
  /** Longest whole fetch or push, milliseconds. */
  readonly operationMs: number;
  /** From this many packs on, the next change is fetched as a fresh clone: reads slow down with each pack. */
  readonly packs: number;
  /** Commits in one push. */
  readonly commitsPerPush: number;
}

export const DEFAULT_REPOSITORY_LIMITS: RepositoryLimits = {
  transport: DEFAULT_TRANSPORT_LIMITS,
  pack: DEFAULT_PACK_LIMITS,
  tree: DEFAULT_TREE_LIMITS,
  operationMs: 10 * 60_000,
  packs: 200,
  commitsPerPush: 1_000,
};
