// Owns what the service says of itself: the state of its source, and every rollout's outlook.
import { type CodedError, formatError } from '../base/errors.ts';
import type { FetchProblem } from '../git/manifests-repository.ts';
import { fleetErrors } from '../measurement/fleet-words.ts';
import type { ClaimingDevices, OddDevices } from '../measurement/known-fleet.ts';
import type { AlertRecord } from '../rollout/alert-book.ts';
import type { RefusedDevices } from '../rollout/alerts.ts';
import type { OffDeclared } from '../rollout/off-declared.ts';
import type { Outlook } from '../rollout/outlook.ts';
import { documentErrors } from '../snapshot/snapshot-index.ts';
import type { Observation } from './observe.ts';

/** More are the same trouble many times. */
const MOST_PROBLEMS = 100;

/** How the manifests repository stands. */
export type SourceState =
  | { readonly kind: 'starting' }
  | { readonly kind: 'followed'; readonly commit: string; readonly atMs: number }
  | { readonly kind: 'empty' }
  | { readonly kind: 'branch-missing'; readonly branch: string; readonly others: readonly string[] }
  /** Devices keep their directive, measuring goes on; steps wait. */
  | {
      readonly kind: 'away';
      readonly problem: FetchProblem;
      readonly reason: string;
      readonly remedy: string | null;
      readonly sinceMs: number;
    };

export interface ServiceView {
  readonly source: SourceState;
  /** The commit that the outlooks are about; null before the first. */
  readonly commit: string | null;
  readonly outlooks: readonly Outlook[];
  /** Documents that can't be used, as people read errors. */
  readonly problems: readonly string[];
  /** Devices whose labels contradict the fleet documents. */
  readonly contradicting: readonly { readonly device: string; readonly what: string }[];
  /** Devices that don't believe the directive, or a model that it names. */
  readonly refusing: OddDevices;
  /** Devices that serve a version whose signer is revoked, for want of another. */
  readonly onRevoked: OddDevices;
  /** Devices that report for an arm, or about a version, that the directive did not give them. */
  readonly claiming: ClaimingDevices;
  /** Devices whose agent is older than the fleet declares. */
  readonly outdated: OddDevices;
  /** Devices whose reports this process refuses. */
  readonly refusedReports: RefusedDevices;
  /** Rollouts whose devices got a rollback before its commit. */
  readonly emergencyRollbacks: readonly string[];
  /** Devices that run something else than the directive declares, by rollout. */
  readonly offDeclared: readonly OffDeclared[];
  /** The alerts that stand, in the order in which they began. */
  readonly alerts: readonly AlertRecord[];
  readonly publishedSequence: number;
  readonly cycledAtMs: number | null;
  /** How long the last cycle took, waiting for the repository's host included. */
  readonly cycleMs: number | null;
  /** Why the last cycle could not finish; null when it did. */
  readonly trouble: { readonly code: string; readonly message: string; readonly remedy: string | null } | null;
}

export const NOTHING_YET: ServiceView = {
  source: { kind: 'starting' },
  commit: null,
  outlooks: [],
  problems: [],
  contradicting: [],
  refusing: { count: 0, first: [] },
  onRevoked: { count: 0, first: [] },
  claiming: { count: 0, first: [] },
  outdated: { count: 0, first: [] },
  refusedReports: { count: 0, first: [] },
  emergencyRollbacks: [],
  offDeclared: [],
  alerts: [],
  publishedSequence: 0,
  cycledAtMs: null,
  cycleMs: null,
  trouble: null,
};

/** What an observation shows of the repository and of the devices. */
export function observedView(
  { snapshot, fleet }: Observation,
  outlooks: readonly Outlook[],
): Pick<
  ServiceView,
  'commit' | 'outlooks' | 'problems' | 'contradicting' | 'refusing' | 'onRevoked' | 'claiming' | 'outdated'
> {
  const errors = [...fleetErrors(fleet.words), ...documentErrors(snapshot)];
  const problems = errors.slice(0, MOST_PROBLEMS).map(formatError);
  const { contradicting, refusing, onRevoked, claiming, outdated } = fleet;
  return { commit: snapshot.commit, outlooks, problems, contradicting, refusing, onRevoked, claiming, outdated };
}

export function troubleOf(error: CodedError | null): ServiceView['trouble'] {
  return error && { code: error.code, message: error.message, remedy: error.remedy ?? null };
}
