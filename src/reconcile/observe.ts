// Owns gathering facts: HEAD, the fleet and the measurements, as `decide()` wants them. It reads, and changes nothing that devices see.
import { CodedError, toCodedError } from '../base/errors.ts';
import { type Digest, digestOf } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import { matchesGlob } from '../contract/trust/name-glob.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import type { ManifestsRepository } from '../git/manifests-repository.ts';
import { type KnownFleet, KnownFleets } from '../measurement/known-fleet.ts';
import type { RestWindows } from '../measurement/rest-windows.ts';
import type { Measured, Windows } from '../measurement/windows.ts';
import type { WatchedRule } from '../rollout/alerts.ts';
import { type BrokenRollout, decideOnce, type FleetFacts } from '../rollout/decide.ts';
import type { KnownVersion, PolicyFacts, RolloutFacts, Standing, StatusClaim } from '../rollout/rollout-facts.ts';
import { PoliciesInForce } from '../snapshot/policies-in-force.ts';
import type {
  BrokenDocument,
  ModelDocument,
  PolicyDocument,
  RolloutDocument,
  Snapshot,
  SnapshotReader,
} from '../snapshot/snapshot.ts';
import { ModelIndex, nameOfPath, policiesByName, rolloutsByName } from '../snapshot/snapshot-index.ts';
import type { StatusClaims } from '../snapshot/status-claims.ts';
import type { FleetStore, SeenStatus } from '../store/fleet-store.ts';

export interface Observation {
  readonly snapshot: Snapshot;
  readonly fleet: KnownFleet;
  readonly facts: FleetFacts;
  /** How the versions that are fully out keep to the rules that they are watched by. */
  readonly watched: readonly WatchedRule[];
}

export interface ObserverParts {
  readonly repository: ManifestsRepository;
  readonly reader: SnapshotReader;
  readonly claims: StatusClaims;
  readonly windows: Windows;
  readonly rest: RestWindows;
  readonly store: FleetStore;
}

type VersionDocument = ModelDocument | BrokenDocument;
type NamedPolicy = PolicyDocument | BrokenDocument | undefined;

/** What the facts of one rollout rest on. As long as all of it is the same and the rollout is as declared, the facts are the same. */
interface Basis {
  readonly document: RolloutDocument;
  readonly versions: readonly VersionDocument[];
  readonly policy: NamedPolicy;
  readonly claim: StatusClaim;
  readonly seen: SeenStatus | undefined;
  readonly publishedRevision: number;
}

const NOT_MEASURED: Measured = { cohort: null, verdict: null, window: null };

function isSameBasis(a: Basis, b: Basis): boolean {
  return (
    a.document === b.document &&
    a.versions === b.versions &&
    a.policy === b.policy &&
    a.claim === b.claim &&
    a.seen?.revision === b.seen?.revision &&
    a.publishedRevision === b.publishedRevision
  );
}

function isSettled(facts: RolloutFacts): boolean {
  const { step, outlook } = decideOnce(facts);
  return step === null && outlook.waitingOn.length === 0;
}

/** A version whose signature is judged only when someone asks. */
class LazyVersion implements KnownVersion {
  readonly version: string;
  readonly digest: KnownVersion['digest'];
  readonly #judge: (now: number) => Standing;
  readonly #now: number;
  #standing: Standing | undefined;

  constructor(document: ModelDocument, now: number) {
    this.version = document.manifest.metadata.version;
    this.digest = document.digest;
    this.#judge = document.standing;
    this.#now = now;
  }

  get standing(): Standing {
    this.#standing ??= this.#judge(this.#now);
    return this.#standing;
  }
}

/** A version whose document can't be read: it is there, so whoever wishes it is told what is wrong with it. */
function brokenVersion(document: BrokenDocument): KnownVersion {
  const { code, reason } = problemOf(document);
  const digest = digestOf(`nothing: ${document.path}`); // of no content that anyone could have admitted
  return { version: nameOfPath(document.path), digest, standing: { kind: 'broken', code, reason } };
}

function knownVersions(documents: readonly VersionDocument[], now: number): KnownVersion[] {
  return documents.map((one) => (one.kind === 'model' ? new LazyVersion(one, now) : brokenVersion(one)));
}

/** The classes that a version's manifest names. */
function classesOf(documents: readonly VersionDocument[], digest: Digest | undefined): readonly string[] {
  const found = documents.find((one) => one.kind === 'model' && one.digest === digest);
  if (found?.kind !== 'model') return [];
  return found.manifest.spec.interface.outputs.find((output) => (output.classes?.length ?? 0) > 0)?.classes ?? [];
}

/** What a version's manifest states of itself. */
function metricsOf(
  documents: readonly VersionDocument[],
  digest: Digest | undefined,
): Readonly<Record<string, number>> {
  const found = documents.find((one) => one.kind === 'model' && one.digest === digest);
  return found?.kind === 'model' ? (found.manifest.spec.metrics ?? {}) : {};
}

function appliesTo(policy: RolloutPolicy, rollout: string): boolean {
  const globs = policy.spec.appliesTo?.rollouts ?? ['*'];
  return globs.some((glob) => matchesGlob(glob, rollout));
}

function policyFacts(named: NamedPolicy, rollout: string, now: number): Pick<RolloutFacts, 'policy' | 'policyProblem'> {
  if (named === undefined) return { policy: null, policyProblem: 'the policy is not in the repository' };
  if (named.kind === 'broken') {
    return { policy: null, policyProblem: `${named.path}: ${named.errors[0]?.message ?? 'can not be read'}` };
  }
  const standing: Standing = appliesTo(named.policy, rollout)
    ? named.standing(now)
    : {
        kind: 'refused',
        code: 'POLICY_NOT_FOR_ROLLOUT',
        reason: 'The policy does not apply to this rollout (appliesTo).',
        revoked: false,
      };
  return {
    policy: { digest: named.digest, policy: named.policy, standing } satisfies PolicyFacts,
    policyProblem: null,
  };
}

/** Gathers the facts of all rollouts; keeps what did not change. */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #models = new ModelIndex();
  readonly #fleets = new KnownFleets();
  readonly #policies: PoliciesInForce;
  #kept = new Map<string, { readonly basis: Basis; readonly facts: RolloutFacts }>();

  constructor(parts: ObserverParts) {
    this.#parts = parts;
    this.#policies = new PoliciesInForce(parts.repository);
  }

  async observe(head: string, published: Directive | null, clockNow: number): Promise<Observation> {
    const { reader, store, claims } = this.#parts;
    const snapshot = await reader.read(head);
    const fleet = this.#fleets.of(await store.readFleet(), snapshot);
    const seen = await store.readSeen();
    const models = this.#models.of(snapshot);
    const revisions = new Map((published?.entries ?? []).map((entry) => [entry.rollout, entry.revision]));
    const { listenedMs } = await store.readListening();
    const kept = new Map<string, { basis: Basis; facts: RolloutFacts }>();
    const named = rolloutsByName(snapshot);
    const broken = misplaced(snapshot, published);
    const watched: WatchedRule[] = [];
    for (const [name, document] of named) {
      if (document.kind === 'broken') {
        broken.push(brokenRollout(name, document));
        continue;
      }
      const { spec } = document.rollout;
      const basis: Basis = {
        document,
        versions: models.get(spec.model) ?? NO_VERSIONS,
        policy: policiesByName(snapshot).get(spec.policy ?? snapshot.defaultPolicy ?? ''),
        claim: claims.find(name, document, snapshot) ?? (await claims.judge(name, document, snapshot)),
        seen: seen.get(name),
        publishedRevision: revisions.get(name) ?? 0,
      };
      const before = this.#kept.get(name);
      const isSame = before !== undefined && isSameBasis(before.basis, basis) && isSettled(before.facts);
      const question = { name, basis, snapshot, fleet, listenedMs, clockNow };
      const facts = isSame ? before.facts : await guarded(() => this.#gather(question));
      if (facts instanceof CodedError) {
        broken.push({ name, code: facts.code, reason: facts.message });
        continue;
      }
      kept.set(name, { basis, facts });
      watched.push(...(await this.#watch(basis, facts, clockNow)));
    }
    this.#kept = kept;
    claims.keepOnly(named);
    this.#parts.rest.keepOnly(new Set(kept.keys()));
    // A rollout that can't be read for a while is still there: its measurements go on.
    await this.#parts.windows.closeOthers(new Set([...named.keys(), ...broken.map((one) => one.name)]), clockNow);
    const rollouts = [...kept.values()].map((one) => one.facts);
    return { snapshot, fleet, facts: { rollouts, broken, published }, watched };
  }

  /** By what the policy at HEAD watches, if it is admitted: that moves no device, so nothing has to be pinned. */
  async #watch(
    { document, versions }: Basis,
    { name, claim, policy: named, policyInForce }: RolloutFacts,
    now: number,
  ): Promise<readonly WatchedRule[]> {
    if (claim.kind !== 'authentic') return [];
    const { status } = claim;
    const { model } = document.rollout.spec;
    const admitted = named?.standing.kind === 'admitted' ? named.policy : policyInForce;
    const watch = admitted?.spec.watch ?? null;
    const classes = classesOf(versions, status.stable?.digest);
    return this.#parts.rest.look({ name, model, status, policy: policyInForce, classes, watch, now });
  }

  async #gather(question: GatherQuestion): Promise<RolloutFacts> {
    const { name, basis, snapshot, fleet, clockNow } = question;
    const { document, claim, seen } = basis;
    const status = claim.kind === 'authentic' ? claim.status : null;
    const now = Math.max(clockNow, status === null ? 0 : Date.parse(status.since));
    const policyInForce = await this.#policies.find(name, status?.policy ?? null, snapshot);
    const measured = status === null ? NOT_MEASURED : await this.#measure(question, status, policyInForce, now);
    const facts: RolloutFacts = {
      name,
      spec: document.rollout.spec,
      claim,
      seen:
        seen === undefined ? null : { revision: seen.revision, status: seen.status as unknown as RolloutStatus | null },
      publishedRevision: basis.publishedRevision,
      continues: await this.#continues(snapshot.commit, status?.revision ?? 0, basis),
      evidenceFolder: snapshot.layout.evidence,
      versions: knownVersions(basis.versions, now),
      ...policyFacts(basis.policy, name, now),
      policyInForce,
      matching: fleet.matching,
      ...measured,
      baseline: null,
      now,
    };
    const { step, outlook } = decideOnce(facts);
    const wantsBaseline = step?.kind === 'start' || outlook.waitingOn.some((one) => one.kind === 'baseline');
    if (status === null || !(wantsBaseline || status.candidate !== null)) return facts;
    return { ...facts, baseline: await this.#parts.windows.baseline({ name, status }) };
  }

  async #measure(
    question: GatherQuestion,
    status: RolloutStatus,
    policy: RolloutPolicy | null,
    now: number,
  ): Promise<Measured> {
    const { name, basis, fleet, listenedMs } = question;
    const { windows } = this.#parts;
    const classes = classesOf(basis.versions, (status.candidate ?? status.stable)?.digest);
    const offline = metricsOf(basis.versions, status.candidate?.digest);
    const rollout = { name, model: basis.document.rollout.spec.model, status, policy, classes, offline };
    const deviceCount = fleet.matching(status.target).length;
    await windows.open(rollout, { devices: fleet.devices, deviceCount }, now);
    if (status.candidate === null) return NOT_MEASURED;
    return windows.measure({ ...rollout, devices: fleet.devices, deviceCount, listenedMs, now });
  }

  /** Asked of Git only when HEAD is behind what was seen: does it at least descend from there? */
  async #continues(head: string, revision: number, { seen, publishedRevision }: Basis): Promise<boolean> {
    if (revision >= Math.max(seen?.revision ?? 0, publishedRevision)) return true;
    if (seen === undefined) return false;
    return (await this.#parts.repository.isAncestor(seen.commit, head)) === true;
  }
}

const NO_VERSIONS: readonly VersionDocument[] = [];

interface GatherQuestion {
  readonly name: string;
  readonly basis: Basis;
  readonly snapshot: Snapshot;
  readonly fleet: KnownFleet;
  readonly listenedMs: number;
  readonly clockNow: number;
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

/** While `slipway.yaml` can't be read, nobody knows where rollouts lie: the published ones that are not found stay as they are. */
function misplaced(snapshot: Snapshot, published: Directive | null): BrokenRollout[] {
  const [problem] = snapshot.problems;
  if (problem === undefined) return [];
  const found = rolloutsByName(snapshot);
  const missing = (published?.entries ?? []).filter((entry) => !found.has(entry.rollout));
  return missing.map(({ rollout }) => ({
    name: rollout,
    code: problem.code,
    reason: `slipway.yaml: ${problem.message}`,
  }));
}

function brokenRollout(name: string, document: BrokenDocument): BrokenRollout {
  return { name, ...problemOf(document) };
}

/** The first of a document's problems, with its place. */
function problemOf(document: BrokenDocument): { readonly code: string; readonly reason: string } {
  const [first] = document.errors;
  const more = document.errors.length > 1 ? ` (and ${document.errors.length - 1} more)` : '';
  const place = first?.at === undefined ? document.path : `${first.at.file}:${first.at.line}:${first.at.column}`;
  return {
    code: first?.code ?? 'DOCUMENT_UNREADABLE',
    reason: `${place}: ${first?.message ?? 'can not be read'}${more}`,
  };
}
