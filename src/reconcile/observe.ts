// Owns gathering facts: HEAD, the fleet and the measurements, as `decide()` wants them. It only reads.
import { CodedError, toCodedError } from '../base/errors.ts';
import { drawNonce, type RandomStream } from '../base/random.ts';
import type { Digest } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import type { DocumentVerifier } from '../contract/trust/verifier.ts';
import type { ModelManifest } from '../contract/types.generated.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import { type KnownFleet, KnownFleets } from '../measurement/known-fleet.ts';
import type { SteadyLook, SteadyWatch, WatchChange } from '../measurement/steady-watch.ts';
import type { Measured, WindowMeasurement } from '../measurement/window-measurement.ts';
import type { RolloutInForce } from '../measurement/window-spec.ts';
import type { WatchedRule } from '../rollout/alerts.ts';
import { type Decisions, type FleetFacts, isSettled } from '../rollout/decide.ts';
import { mayStart } from '../rollout/decide-steady-state.ts';
import { knownTarget } from '../rollout/known-target.ts';
import type { RolloutFacts, StatusClaim } from '../rollout/rollout-facts.ts';
import { PoliciesInForce } from '../snapshot/policies-in-force.ts';
import type { RolloutDocument, Snapshot, SnapshotReader } from '../snapshot/snapshot.ts';
import { ModelIndex, policiesByName, rolloutsByName } from '../snapshot/snapshot-index.ts';
import {
  knownVersions,
  misplacedRollouts,
  type NamedPolicy,
  policyFacts,
  problemOf,
  problemOfError,
  Standings,
  type VersionDocument,
} from '../snapshot/standing.ts';
import type { StatusClaims } from '../snapshot/status-claims.ts';
import type { DeviceRegister } from '../store/device-register.ts';
import type { ReconcilerState, SeenStatus } from '../store/reconciler-state.ts';
import type { WindowReader } from '../store/window-store.ts';
import type { ObservedWindow, WantedWindows } from './prepare-windows.ts';

export interface Observation {
  readonly snapshot: Snapshot;
  readonly fleet: KnownFleet;
  readonly facts: FleetFacts;
  /** How stable versions keep to the rules that they are watched by. */
  readonly watched: readonly WatchedRule[];
  /** What has to be prepared so that the next cycles can measure. */
  readonly wanted: WantedWindows & { readonly changes: readonly WatchChange[] };
}

export interface ObserverParts {
  readonly repository: ManifestsRepository;
  readonly reader: SnapshotReader;
  readonly claims: StatusClaims;
  readonly windows: WindowMeasurement;
  readonly steady: SteadyWatch;
  readonly store: Pick<DeviceRegister, 'readFleet'> &
    Pick<WindowReader, 'readListening'> &
    Pick<ReconcilerState, 'readSeen'>;
  /** Until another is put in force. */
  readonly verifier: DocumentVerifier;
  /** Draws the nonces of starts: nobody may be able to foresee them. */
  readonly random: RandomStream;
}

/** What the facts of one rollout rest on. As long as all of it is the same and the rollout is as declared, the facts are the same. */
interface Basis {
  readonly document: RolloutDocument;
  readonly versions: readonly VersionDocument[];
  readonly standings: Standings;
  readonly policy: NamedPolicy;
  readonly claim: StatusClaim;
  readonly seen: SeenStatus | undefined;
  readonly publishedRevision: number;
}

interface Gathered {
  readonly facts: RolloutFacts;
  /** Null without an authentic status. */
  readonly window: ObservedWindow | null;
}

interface Kept extends Gathered {
  readonly basis: Basis;
}

interface GatherQuestion {
  readonly name: string;
  readonly basis: Basis;
  readonly snapshot: Snapshot;
  readonly fleet: KnownFleet;
  readonly listenedMs: number;
  readonly clockNow: number;
}

const NOT_MEASURED: Measured = { cohort: null, verdict: null, window: null };
const NO_VERSIONS: readonly VersionDocument[] = [];
const NOTHING_WATCHED: SteadyLook = { rules: [], changes: [] };

function isSameBasis(a: Basis, b: Basis): boolean {
  return (
    a.document === b.document &&
    a.versions === b.versions &&
    a.standings === b.standings &&
    a.policy === b.policy &&
    a.claim === b.claim &&
    a.seen?.revision === b.seen?.revision &&
    a.publishedRevision === b.publishedRevision
  );
}

function manifestOf(documents: readonly VersionDocument[], digest: Digest | undefined): ModelManifest | undefined {
  const found = documents.find((one) => one.kind === 'model' && one.digest === digest);
  return found?.kind === 'model' ? found.manifest : undefined;
}

/** The classes that a version's manifest names. */
function classesOf(documents: readonly VersionDocument[], digest: Digest | undefined): readonly string[] {
  const outputs = manifestOf(documents, digest)?.spec.interface.outputs ?? [];
  return outputs.find((output) => (output.classes?.length ?? 0) > 0)?.classes ?? [];
}

/** Gathers the facts of all rollouts; keeps what did not change. */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #models = new ModelIndex();
  readonly #fleets = new KnownFleets();
  readonly #policies: PoliciesInForce;
  #standings: Standings;
  #kept = new Map<string, Kept>();

  constructor(parts: ObserverParts) {
    this.#parts = parts;
    this.#policies = new PoliciesInForce(parts.repository);
    this.#standings = new Standings(parts.verifier);
  }

  /** Judges by another trust policy from the next observation on. */
  useVerifier(verifier: DocumentVerifier): void {
    this.#standings = new Standings(verifier);
  }

  /** `decisions` are those of the last plan: facts of a rollout that is settled are kept while what they rest on is the same. */
  async observe(
    head: string,
    published: Directive | null,
    clockNow: number,
    decisions: Decisions = new Map(),
  ): Promise<Observation> {
    const { reader, store, claims, steady } = this.#parts;
    const snapshot = await reader.read(head);
    const fleet = this.#fleets.of(await store.readFleet(), snapshot.groups);
    const { listenedMs } = await store.readListening();
    const basisOf = await this.#basesOf(snapshot, published);
    const kept = new Map<string, Kept>();
    const named = rolloutsByName(snapshot);
    const broken = misplacedRollouts(snapshot, published);
    const looks: SteadyLook[] = [];
    for (const [name, document] of named) {
      if (document.kind === 'broken') {
        broken.push({ name, ...problemOf(document) });
        continue;
      }
      const basis = await basisOf(name, document);
      const before = this.#kept.get(name);
      const isSame = before !== undefined && isSameBasis(before.basis, basis) && isSettled(decisions.get(before.facts));
      const question = { name, basis, snapshot, fleet, listenedMs, clockNow };
      const gathered = isSame ? before : await guarded(() => this.#gather(question));
      if (gathered instanceof CodedError) {
        broken.push({ name, ...problemOfError(gathered, document.path) });
        continue;
      }
      kept.set(name, { basis, facts: gathered.facts, window: gathered.window });
      looks.push(await this.#watch(basis, gathered.facts, clockNow));
    }
    this.#kept = kept;
    claims.keepOnly(named);
    steady.keepOnly(kept);
    const gathered = [...kept.values()];
    return {
      snapshot,
      fleet,
      facts: { rollouts: gathered.map(({ facts }) => facts), broken, published },
      watched: looks.flatMap(({ rules }) => rules),
      wanted: {
        windows: gathered.flatMap(({ window }) => window ?? []),
        devices: fleet.devices,
        // A rollout that can't be read for a while is still there: its measurements go on.
        rollouts: new Set([...named.keys(), ...broken.map((one) => one.name)]),
        changes: looks.flatMap(({ changes }) => changes),
        now: clockNow,
      },
    };
  }

  async #basesOf(
    snapshot: Snapshot,
    published: Directive | null,
  ): Promise<(name: string, document: RolloutDocument) => Promise<Basis>> {
    const { claims, store } = this.#parts;
    const seen = await store.readSeen();
    const models = this.#models.of(snapshot);
    const policies = policiesByName(snapshot);
    const revisions = new Map((published?.entries ?? []).map((entry) => [entry.rollout, entry.revision]));
    const standings = this.#standings;
    return async (name, document) => {
      const { model, policy } = document.rollout.spec;
      return {
        document,
        versions: models.get(model) ?? NO_VERSIONS,
        standings,
        policy: policies.get(policy ?? snapshot.defaultPolicy ?? ''),
        claim: claims.find(name, document, snapshot) ?? (await claims.judge(name, document, snapshot)),
        seen: seen.get(name),
        publishedRevision: revisions.get(name) ?? 0,
      };
    };
  }

  /** By what the policy at HEAD watches, if it is admitted: that moves no device, so nothing has to be pinned. */
  async #watch({ document, versions }: Basis, facts: RolloutFacts, now: number): Promise<SteadyLook> {
    const { name, claim, policy: named, policyInForce } = facts;
    if (claim.kind !== 'authentic') return NOTHING_WATCHED;
    const { status } = claim;
    const { model } = document.rollout.spec;
    const admitted = named?.standing.kind === 'admitted' ? named.policy : policyInForce;
    const watch = admitted?.spec.watch ?? null;
    const classes = classesOf(versions, status.stable?.digest);
    return this.#parts.steady.look({ name, model, status, policy: policyInForce, classes, watch, now });
  }

  async #gather(question: GatherQuestion): Promise<Gathered> {
    const { name, basis, snapshot, fleet, clockNow } = question;
    const { document, claim, seen, standings } = basis;
    const status = claim.kind === 'authentic' ? claim.status : null;
    const now = Math.max(clockNow, status === null ? 0 : Date.parse(status.since));
    const policyInForce = await this.#policies.find(name, status?.policy ?? null, snapshot);
    const rollout = status === null ? null : inForceOf(question, status, policyInForce);
    const measured = rollout === null ? NOT_MEASURED : await this.#measure(question, rollout, now);
    const facts: RolloutFacts = {
      name,
      spec: document.rollout.spec,
      claim,
      seen:
        seen === undefined ? null : { revision: seen.revision, status: seen.status as unknown as RolloutStatus | null },
      publishedRevision: basis.publishedRevision,
      continues: await this.#continues(snapshot.commit, status?.revision ?? 0, basis),
      evidenceFolder: snapshot.layout.evidence,
      versions: knownVersions(basis.versions, standings, now),
      ...policyFacts(basis.policy, name, (policy) => standings.of(policy, now)),
      policyInForce,
      known: knownTarget(fleet.matching),
      nonce: drawNonce(this.#parts.random),
      ...measured,
      baseline: null,
      now,
    };
    if (rollout === null) return { facts, window: null };
    const deviceCount = fleet.matching(rollout.status.target).length;
    const window = { rollout, deviceCount, cohort: measured.cohort, now };
    if (rollout.status.candidate === null && !mayStart(facts, rollout.status)) return { facts, window };
    return { facts: { ...facts, baseline: await this.#parts.windows.baseline(rollout) }, window };
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

function inForceOf(
  { name, basis: { document, versions } }: GatherQuestion,
  status: RolloutStatus,
  policy: RolloutPolicy | null,
): RolloutInForce {
  const { model } = document.rollout.spec;
  const classes = classesOf(versions, (status.candidate ?? status.stable)?.digest);
  const offline = manifestOf(versions, status.candidate?.digest)?.spec.metrics ?? {};
  return { name, model, status, policy, classes, offline };
}

/** What can't be gathered for one rollout stops that one alone; what is only not to be had now stops the cycle. */
async function guarded<T>(gather: () => Promise<T>): Promise<T | CodedError> {
  try {
    return await gather();
  } catch (thrown) {
    const error = toCodedError(thrown, 'ROLLOUT_FACTS');
    if (error.kind === 'retry-later') throw error;
    return error;
  }
}
