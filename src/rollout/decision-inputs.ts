// Owns what a decision was made on, as plain JSON: evidence keeps it, so that anyone can decide the same step again.
import type { SketchJson } from '../contract/sketch.ts';
import { sketchToJson } from '../contract/sketch.ts';
import type { Rollout, RolloutStatus } from '../documents/types.generated.ts';
import type { ChosenCohort, KnownTarget } from './known-target.ts';
import type { DocumentProblem, Fix, StatusReason } from './reasons.ts';
import type {
  BaselineFacts,
  InForce,
  KnownVersion,
  RolloutFacts,
  SeenStatus,
  Standing,
  StatusClaim,
} from './rollout-facts.ts';

/** Beside them, evidence has what was measured: cohort, verdict and window. */
export interface DecisionInputs {
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly spec: Rollout['spec'];
  readonly claim: StatusClaim;
  readonly seen: SeenStatus | null;
  readonly publishedRevision: number;
  readonly continues: boolean;
  readonly evidenceFolder: string;
  /** Absent where HEAD had the document. */
  readonly lost?: Fix;
  /** Absent where devices did not go back before the commit. */
  readonly emergency?: StatusReason;
  /** Absent where nothing rolled. */
  readonly inForce?: InForce;
  /** The versions that were considered; the others played no part. */
  readonly versions: readonly KnownVersion[];
  /** The policy at HEAD; its text lies beside the evidence when it is the one in force after the step. */
  readonly policy: { readonly digest: string; readonly standing: Standing } | null;
  readonly policyProblem: DocumentProblem | null;
  /** Digest of the policy that was in force; null when there was none, or its copy could not be read. */
  readonly policyInForce: string | null;
  /** How many known devices matched, by target and the groups that were left out. */
  readonly counts: readonly KnownCount[];
  /** Whom the step takes in; null when it changes nobody's cohort. */
  readonly chosen: ChosenCohort | null;
  readonly nonce: string;
  readonly baseline: BaselineInputs | null;
}

export interface KnownCount {
  readonly target: string;
  readonly apart: readonly string[];
  /** Only those were counted that can run it; absent when all were. */
  readonly version?: string;
  readonly devices: number;
}

export interface BaselineInputs extends Omit<BaselineFacts, 'latencyMs' | 'groups'> {
  readonly latencyMs: SketchJson;
  readonly groups: readonly { readonly group: string; readonly latencyMs: SketchJson }[];
}

/** Facts that note what a decision asks of them. */
export interface NotedFacts {
  readonly facts: RolloutFacts;
  inputs(): DecisionInputs;
}

/** Words of verifier and parser are for people who look now. */
function lasting<T extends object>(facts: T): T {
  const { detail: _, remedy: __, ...others } = facts as T & Pick<DocumentProblem, 'detail' | 'remedy'>;
  return others as unknown as T;
}

function baselineInputs(baseline: BaselineFacts | null): BaselineInputs | null {
  if (baseline === null) return null;
  const { latencyMs, groups = new Map(), ...counts } = baseline;
  return {
    ...counts,
    latencyMs: sketchToJson(latencyMs),
    groups: [...groups].map(([group, sketch]) => ({ group, latencyMs: sketchToJson(sketch) })),
  };
}

/** A version that notes when its standing is asked: judging all of a model's versions would verify each one's signature. */
function notedVersion(known: KnownVersion, asked: Set<KnownVersion>): KnownVersion {
  return {
    version: known.version,
    digest: known.digest,
    get standing() {
      asked.add(known);
      return known.standing;
    },
  };
}

/** The same facts; `inputs` tells afterwards what was asked. */
export function noted(facts: RolloutFacts): NotedFacts {
  const asked = new Set<KnownVersion>();
  const counts = new Map<string, KnownCount>();
  let chosen: ChosenCohort | null = null;
  const known: KnownTarget = {
    // An overlap leads to no step, so evidence does not keep it.
    ...facts.known,
    count: (target, apart = [], version) => {
      const devices = facts.known.count(target, apart, version);
      const asked = { target, apart, ...(version === undefined ? {} : { version }) };
      counts.set(JSON.stringify(asked), { ...asked, devices });
      return devices;
    },
    choose: (question) => {
      chosen = facts.known.choose(question);
      return chosen;
    },
  };
  return {
    facts: { ...facts, versions: facts.versions.map((one) => notedVersion(one, asked)), known },
    inputs: () => ({
      now: facts.now,
      spec: facts.spec,
      claim: facts.claim,
      seen: facts.seen,
      publishedRevision: facts.publishedRevision,
      continues: facts.continues,
      evidenceFolder: facts.evidenceFolder ?? 'evidence',
      ...(facts.lost ? { lost: lasting(facts.lost) } : {}),
      ...(facts.emergency === undefined ? {} : { emergency: facts.emergency }),
      ...(facts.inForce === undefined
        ? {}
        : { inForce: { candidate: lasting(facts.inForce.candidate), policy: lasting(facts.inForce.policy) } }),
      versions: [...asked].map(({ version, digest, standing }) => {
        return { version, digest, standing: lasting(standing) };
      }),
      policy: facts.policy && { digest: facts.policy.digest, standing: lasting(facts.policy.standing) },
      policyProblem: facts.policyProblem && lasting(facts.policyProblem),
      policyInForce: facts.policyInForce === null ? null : (statusOf(facts.claim)?.policy ?? null),
      counts: [...counts.values()],
      chosen,
      nonce: facts.nonce,
      baseline: baselineInputs(facts.baseline),
    }),
  };
}

function statusOf(claim: StatusClaim): RolloutStatus | null {
  return claim.kind === 'authentic' ? claim.status : null;
}
