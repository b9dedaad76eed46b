// Owns gathering the facts of one rollout: what its documents say, what it is worth, and what was measured of it.
import { drawNonce, type RandomStream } from '../base/random.ts';
import type { Rollout, RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import type { ManifestsRepository, Tree } from '../git/manifests-repository.ts';
import type { KnownFleet } from '../measurement/known-fleet.ts';
import type { Measured, WindowMeasurement } from '../measurement/window-measurement.ts';
import type { RolloutInForce } from '../measurement/window-spec.ts';
import { mayStart } from '../rollout/decide-steady-state.ts';
import type { Holdings } from '../rollout/holdings.ts';
import { knownTarget } from '../rollout/known-target.ts';
import type { Fix, StatusReason } from '../rollout/reasons.ts';
import type { RolloutFacts, StatusClaim } from '../rollout/rollout-facts.ts';
import { statusInForce } from '../rollout/status-in-force.ts';
import { Admissions } from '../snapshot/admissions.ts';
import { PoliciesInForce } from '../snapshot/policies-in-force.ts';
import type { RolloutDocument, Snapshot } from '../snapshot/snapshot.ts';
import {
  knownVersions,
  type NamedPolicy,
  policyFacts,
  type Standings,
  type VersionDocument,
} from '../snapshot/standing.ts';
import type { EmergencyRollback, NamedValues, SeenStatus } from '../store/reconciler-state.ts';
import type { ObservedWindow } from './prepare-windows.ts';
import { recallPolicy } from './remember-policies.ts';
import { classesOf, fitOf, manifestOf, outputsByArm } from './version-facts.ts';

/** What the facts of one rollout rest on. As long as all of it is the same and the rollout is as declared, the facts are the same. */
export interface Basis {
  /** Null when HEAD does not yield it: `lost` says why. */
  readonly document: RolloutDocument | null;
  readonly lost: Fix | null;
  readonly spec: Rollout['spec'];
  readonly versions: readonly VersionDocument[];
  readonly standings: Standings;
  readonly policy: NamedPolicy;
  readonly claim: StatusClaim;
  readonly seen: SeenStatus | undefined;
  readonly publishedRevision: number;
  /** Why devices got a rollback of this revision before its commit; null when they did not. */
  readonly emergency: EmergencyRollback | null;
}

export function isSameBasis(a: Basis, b: Basis): boolean {
  return (
    a.document === b.document &&
    a.versions === b.versions &&
    a.standings === b.standings &&
    a.policy === b.policy &&
    a.claim === b.claim &&
    a.seen?.revision === b.seen?.revision &&
    a.publishedRevision === b.publishedRevision &&
    a.emergency?.revision === b.emergency?.revision
  );
}

export interface Gathered {
  readonly facts: RolloutFacts;
  /** Null without an authentic status. */
  readonly window: ObservedWindow | null;
}

export interface GatherQuestion {
  readonly name: string;
  readonly basis: Basis;
  readonly snapshot: Snapshot;
  readonly fleet: KnownFleet;
  readonly holdings: Holdings;
  readonly listenedMs: number;
  readonly clockNow: number;
}

export interface GathererParts {
  readonly repository: ManifestsRepository;
  readonly windows: WindowMeasurement;
  /** Draws the nonces of starts: nobody may be able to foresee them. */
  readonly random: RandomStream;
  readonly store: Pick<NamedValues, 'readValue'>;
}

const NOT_MEASURED: Measured = { cohort: null, verdict: null, window: null };

function inForceOf(
  { name, basis: { spec, versions } }: GatherQuestion,
  status: RolloutStatus,
  policy: RolloutPolicy | null,
): RolloutInForce {
  const classes = classesOf(versions, (status.candidate ?? status.stable)?.digest);
  const offline = manifestOf(versions, status.candidate?.digest)?.spec.metrics ?? {};
  const fit = fitOf(versions, status.candidate?.digest);
  const canRun = fit === undefined ? {} : { canRun: fit.fits };
  const outputs = outputsByArm(versions, status);
  const variants = manifestOf(versions, (status.candidate ?? status.stable)?.digest)?.spec.variants ?? [];
  return { name, model: spec.model, status, policy, classes, variants, outputs, offline, ...canRun };
}

/** As long as the status that it takes back is the newest. */
function emergencyOf(
  emergency: EmergencyRollback | null,
  status: RolloutStatus | null,
): Pick<RolloutFacts, 'emergency'> {
  if (emergency === null || emergency.inForceSinceMs === null || emergency.revision !== status?.revision) return {};
  // Only a step with such a reason takes anything back.
  return { emergency: emergency.reason as StatusReason };
}

export class RolloutGatherer {
  readonly #parts: GathererParts;
  readonly #policies: PoliciesInForce;
  readonly #admissions: Admissions;

  constructor(parts: GathererParts) {
    this.#parts = parts;
    this.#policies = new PoliciesInForce(parts.repository);
    this.#admissions = new Admissions(parts.repository);
  }

  async gather(question: GatherQuestion): Promise<Gathered> {
    const { name, basis, snapshot, fleet, holdings, clockNow } = question;
    const { claim, seen, standings, spec, publishedRevision } = basis;
    const claimed = claim.kind === 'authentic' ? claim.status : null;
    const history = {
      ...{ claim, publishedRevision },
      seen:
        seen === undefined ? null : { revision: seen.revision, status: seen.status as unknown as RolloutStatus | null },
      continues: await this.#continues(snapshot.commit, claimed?.revision ?? 0, basis),
    };
    const status = statusInForce(history);
    const now = Math.max(clockNow, status === null ? 0 : Date.parse(status.since));
    const trees = await this.#treesOf(question, status);
    const policyInForce =
      (await this.#policies.find(name, status, snapshot, trees)) ??
      (await recallPolicy(this.#parts.store, name, status));
    const rollout = status === null ? null : inForceOf(question, status, policyInForce);
    const measured = rollout === null ? NOT_MEASURED : await this.#measure(question, rollout, now);
    const facts: RolloutFacts = {
      name,
      spec,
      ...history,
      lost: basis.lost,
      ...emergencyOf(basis.emergency, status),
      ...(await this.#admitted(question, { status, policyInForce, trees, now })),
      evidenceFolder: snapshot.layout.evidence,
      versions: knownVersions(basis.versions, standings, now),
      ...policyFacts(basis.policy, name, (policy) => standings.of(policy, now)),
      policyInForce,
      known: knownTarget(
        (target, apart, version) => fleet.matching(target, apart, fitOf(basis.versions, version)),
        (target) => holdings.findOverlap(name, spec.model, target),
      ),
      nonce: drawNonce(this.#parts.random),
      ...measured,
      baseline: null,
      now,
    };
    if (rollout === null) return { facts, window: null };
    const deviceCount = fleet.matching(rollout.status.target).length;
    const isUnderWay = publishedRevision >= rollout.status.opened;
    const window = { rollout, deviceCount, isUnderWay, cohort: measured.cohort, now };
    if (rollout.status.candidate === null && !mayStart(facts, rollout.status)) return { facts, window };
    return { facts: { ...facts, baseline: await this.#parts.windows.baseline(rollout) }, window };
  }

  async #admitted(
    { name, basis, snapshot }: GatherQuestion,
    {
      status,
      policyInForce,
      ...at
    }: { readonly status: RolloutStatus | null; readonly policyInForce: RolloutPolicy | null } & {
      readonly trees: readonly Tree[];
      readonly now: number;
    },
  ): Promise<Pick<RolloutFacts, 'inForce' | 'stableKept'>> {
    if (status === null) return {};
    const model = status.model ?? basis.spec.model;
    const policy = policyInForce?.metadata.name ?? null;
    const question = { ...at, rollout: name, model, status, policy, versions: basis.versions, snapshot };
    const { verifier } = basis.standings;
    const inForce = await this.#admissions.judge(question, verifier);
    const stableKept = await this.#admissions.judgeStable(question, verifier);
    return { ...(inForce === undefined ? {} : { inForce }), ...(stableKept === undefined ? {} : { stableKept }) };
  }

  /** HEAD's, and where HEAD lost evidence that devices still follow, that of the commit on which it was seen. */
  async #treesOf(
    { basis: { seen }, snapshot }: GatherQuestion,
    status: RolloutStatus | null,
  ): Promise<readonly Tree[]> {
    const isBehind = seen !== undefined && status !== null && seen.revision === status.revision;
    if (!isBehind || status.candidate === null || seen.commit === snapshot.commit) return [snapshot.tree];
    try {
      return [snapshot.tree, await this.#parts.repository.readTree(seen.commit)];
    } catch {
      return [snapshot.tree]; // the mirror was made anew since
    }
  }

  async #measure(question: GatherQuestion, rollout: RolloutInForce, now: number): Promise<Measured> {
    const { fleet, listenedMs } = question;
    const { status } = rollout;
    if (status.candidate === null) return NOT_MEASURED;
    const deviceCount = fleet.matching(status.target).length;
    return this.#parts.windows.measure({ ...rollout, devices: fleet.devices, deviceCount, listenedMs, now });
  }

  /** Asked of Git only when HEAD is behind what was seen: does it at least descend from there? */
  async #continues(head: string, revision: number, { seen, publishedRevision }: Basis): Promise<boolean> {
    if (revision >= Math.max(seen?.revision ?? 0, publishedRevision)) return true;
    if (seen === undefined) return false;
    return (await this.#parts.repository.isAncestor(seen.commit, head)) === true;
  }
}
