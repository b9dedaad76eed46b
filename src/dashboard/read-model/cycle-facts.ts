// Owns what the read model is made of: what a cycle of the service observed, decided and says of itself.
import type { KnownFleet } from '../../measurement/known-fleet.ts';
import type { AlertRecord } from '../../rollout/alert-book.ts';
import type { Outlook } from '../../rollout/outlook.ts';
import type { RolloutFacts } from '../../rollout/rollout-facts.ts';
import type { Snapshot } from '../../snapshot/snapshot.ts';

/** How the manifests repository stands. */
export type SourceFacts =
  | { readonly kind: 'starting' }
  | { readonly kind: 'followed'; readonly commit: string; readonly atMs: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'branch-missing'; readonly branch: string; readonly others: readonly string[] }
  | { readonly kind: 'away'; readonly reason: string; readonly remedy: string | null; readonly sinceMs: number };

/** What the service says of itself after a cycle. */
export interface CycleFacts {
  readonly source: SourceFacts;
  /** The commit that the outlooks are about; null before the first. */
  readonly commit: string | null;
  readonly outlooks: readonly Outlook[];
  /** Documents that can't be used, as people read errors. */
  readonly problems: readonly string[];
  /** The alerts that stand. */
  readonly alerts: readonly AlertRecord[];
  readonly publishedSequence: number;
  readonly cycledAtMs: number | null;
  /** How long the last cycle took. */
  readonly cycleMs: number | null;
  /** Why the last cycle could not finish. */
  readonly trouble: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
}

/** What a cycle observed. */
export interface ObservedFacts {
  readonly snapshot: Snapshot;
  readonly fleet: KnownFleet;
  readonly facts: { readonly rollouts: readonly RolloutFacts[] };
}

export const NO_CYCLE: CycleFacts = {
  source: { kind: 'starting' },
  commit: null,
  outlooks: [],
  problems: [],
  alerts: [],
  publishedSequence: 0,
  cycledAtMs: null,
  cycleMs: null,
  trouble: null,
};
