// Owns what `decide()` knows about one rollout: facts gathered by others, never looked up here.
import { canonicalJson, type Digest } from '../contract/digest.ts';
import type { Sketch } from '../contract/sketch.ts';
import type { Rollout, RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { CohortCounts } from './count-cohort.ts';
import type { KnownTarget } from './known-target.ts';
import type { ClaimProblem, DocumentProblem, Fix, Refusal, StatusReason } from './reasons.ts';

/** What HEAD's status block is worth. */
export type StatusClaim =
  | { readonly kind: 'none' }
  | { readonly kind: 'authentic'; readonly status: RolloutStatus }
  /** No evidence names it: someone else wrote it. `lastAuthentic` is the highest that evidence in HEAD's tree or the store proves. */
  | {
      readonly kind: 'forged';
      readonly problem: ClaimProblem;
      readonly lastAuthentic: RolloutStatus | null;
      /** It names evidence that somebody signed, by a key that is not this reconciler's. */
      readonly isSignedByOther?: boolean;
    };

/** The highest revision of the rollout that this store has seen, and its status. */
export interface SeenStatus {
  readonly revision: number;
  readonly status: RolloutStatus | null;
}

/** Two histories gave the same number to different statuses. */
export function isOtherOfSameRevision(status: RolloutStatus, seen: SeenStatus | null): boolean {
  if (!seen?.status || seen.revision !== status.revision) return false;
  return canonicalJson(seen.status) !== canonicalJson(status);
}

/** Whether a document may be used, or why not. */
export type Standing =
  | { readonly kind: 'admitted'; readonly signer: string }
  /** Its signature or signer does not allow it; `revoked` also ends what already runs. */
  | ({ readonly kind: 'refused'; readonly revoked: boolean } & Refusal)
  | ({ readonly kind: 'broken' } & DocumentProblem);

/** A version may also be a draft: registered, and without files yet. */
export type VersionStanding = Standing | { readonly kind: 'draft' };

/** The facts of a refusal alone. */
export function refusalOf({ code, signer, detail }: Refusal): Refusal {
  return { code, signer, ...(detail === undefined ? {} : { detail }) };
}

/** One version of the rollout's model that HEAD holds. */
export interface KnownVersion {
  readonly version: string;
  readonly digest: Digest;
  readonly standing: VersionStanding;
}

export interface PolicyFacts {
  readonly digest: Digest;
  readonly policy: RolloutPolicy;
  readonly standing: Standing;
}

/** What stable did since the window opened: the source of frozen limits. */
export interface BaselineFacts {
  readonly inferences: number;
  readonly devices: number;
  readonly latencyMs: Sketch;
  /** The same by group, where rules ask for groups: `hw:rev2`. */
  readonly groups?: ReadonlyMap<string, Sketch>;
  /** Time that the store durably recorded as listening in that window. */
  readonly listenedMs: number;
}

/** A relative latency limit is frozen from at least this many answers of stable. */
export const LEAST_BASELINE_INFERENCES = 100;

/** Has stable answered often enough for a limit to be frozen from it? */
export function isFreezable(baseline: BaselineFacts | null): baseline is BaselineFacts {
  return baseline !== null && baseline.inferences >= LEAST_BASELINE_INFERENCES;
}

/** Time that the store durably recorded as listening, since the present revision's window opened. */
export interface WindowTime {
  readonly listenedMs: number;
  /** Of it, the time in which at least the stage's minimum of devices ran the candidate. */
  readonly readyMs: number;
  /** The candidate's inferences a minute over the listened time; null or absent when unknown. */
  readonly perMinute?: number | null;
}

/** Manifest and policy as they were admitted, judged by the trust of now: an end date does not count, a revocation does. */
export interface InForce {
  readonly candidate: Standing;
  readonly policy: Standing;
}

export interface RolloutFacts {
  readonly name: string;
  readonly spec: Rollout['spec'];
  readonly claim: StatusClaim;
  readonly seen: SeenStatus | null;
  /** Revision in the last published directive; 0 when it has no entry. */
  readonly publishedRevision: number;
  /** Does HEAD descend from the head on which `seen` rests? False after a force push or a branch switch. */
  readonly continues: boolean;
  /** Folder that evidence lies in; `evidence` unless the repository says otherwise. */
  readonly evidenceFolder?: string;
  /** Why HEAD has no document that could be asked: `claim` is then the newest status that is authentic, and `spec` what it amounts to. */
  readonly lost?: Fix | null;
  /** Why devices went back from this very status before its rollback was committed: it is committed whatever the rules say now. */
  readonly emergency?: StatusReason;
  /** Whether what rolls is still trusted as it was admitted; absent when nothing rolls. */
  readonly inForce?: InForce;
  /** Whether what is stable is still trusted as it was admitted; only where HEAD has lost its manifest. */
  readonly stableKept?: Standing;
  readonly versions: readonly KnownVersion[];
  /** The policy that `spec` names, as it stands at HEAD; null when it is missing, or broken in this way. */
  readonly policy: PolicyFacts | null;
  readonly policyProblem: DocumentProblem | null;
  /** The policy pinned by the status, from its copy beside the evidence; null when nothing is pinned. */
  readonly policyInForce: RolloutPolicy | null;
  /** The known devices, as far as a decision asks. */
  readonly known: KnownTarget;
  /** 128 random bits in hexadecimal digits, drawn for a start that is decided now: nobody can pick an id for the next canary. */
  readonly nonce: string;
  /** How the present stage's devices stand; null when nothing rolls. */
  readonly cohort: CohortCounts | null;
  readonly verdict: StageVerdict | null;
  readonly window: WindowTime | null;
  readonly baseline: BaselineFacts | null;
  /** Milliseconds since 1970; never before the newest `since`. */
  readonly now: number;
}
