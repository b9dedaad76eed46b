// Owns gathering facts: HEAD, the fleet and the measurements, as `decide()` wants them. It only reads.
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Directive } from '../contract/directive.ts';
import type { DocumentVerifier } from '../contract/trust/verifier.ts';
import type { RolloutStatus } from '../documents/types.generated.ts';
import { type KnownFleet, KnownFleets } from '../measurement/known-fleet.ts';
import type { SteadyLook, SteadyWatch, WatchChange } from '../measurement/steady-watch.ts';
import type { WatchedRule } from '../rollout/alerts.ts';
import { type BrokenRollout, type Decisions, type FleetFacts, isSettled } from '../rollout/decide.ts';
import { type Holding, Holdings, type SharedDevices, targetsOf } from '../rollout/holdings.ts';
import type { Fix } from '../rollout/reasons.ts';
import type { RolloutFacts } from '../rollout/rollout-facts.ts';
import { newestKnown, specOf } from '../rollout/status-in-force.ts';
import { fleetDocumentFinder, type LostRollout, placeOfTarget, rolloutsOrLost } from '../snapshot/lost-rollouts.ts';
import type { RolloutDocument, Snapshot, SnapshotReader } from '../snapshot/snapshot.ts';
import { ModelIndex, policiesByName } from '../snapshot/snapshot-index.ts';
import { problemOfError, Standings, type VersionDocument } from '../snapshot/standing.ts';
import type { StatusClaims } from '../snapshot/status-claims.ts';
import type { DeviceRegister } from '../store/device-register.ts';
import type { ReconcilerState, SeenStatus } from '../store/reconciler-state.ts';
import type { WindowReader } from '../store/window-store.ts';
import { devicesToReturn } from './devices-to-return.ts';
import { type Basis, type Gathered, type GathererParts, isSameBasis, RolloutGatherer } from './gather-rollout.ts';
import type { WantedWindows } from './prepare-windows.ts';
import { recallDocuments, recallGroups, recallSettings } from './remember-documents.ts';
import { classesOf, outputsByArm } from './version-facts.ts';

export interface Observation {
  /** Why HEAD itself can't be read: then this is about the last commit that could be. Null when it is about HEAD. */
  readonly unread: CodedError | null;
  readonly snapshot: Snapshot;
  readonly fleet: KnownFleet;
  readonly facts: FleetFacts;
  /** Devices that two rollouts of one model have. */
  readonly shared: readonly SharedDevices[];
  /** How stable versions keep to the rules that they are watched by. */
  readonly watched: readonly WatchedRule[];
  /** What has to be prepared so that the next cycles can measure. */
  readonly wanted: WantedWindows & { readonly changes: readonly WatchChange[] };
}

export interface ObserverParts extends GathererParts {
  readonly reader: SnapshotReader;
  readonly claims: StatusClaims;
  readonly steady: SteadyWatch;
  readonly store: Pick<DeviceRegister, 'readFleet'> &
    Pick<WindowReader, 'readListening'> &
    Pick<ReconcilerState, 'readSeen' | 'readEmergencyRollbacks' | 'readValue'>;
  /** Until another is put in force. */
  readonly verifier: DocumentVerifier;
}

interface Kept extends Gathered {
  readonly basis: Basis;
}

/** All that the bases of one look rest on. */
interface Look {
  readonly snapshot: Snapshot;
  readonly published: Directive | null;
  readonly fleet: KnownFleet;
}

const NO_VERSIONS: readonly VersionDocument[] = [];
const NOTHING_WATCHED: SteadyLook = { rules: [], changes: [] };

/** Gathers the facts of all rollouts; keeps what did not change. */
export class Observer {
  readonly #parts: ObserverParts;
  readonly #models = new ModelIndex();
  readonly #fleets = new KnownFleets();
  readonly #gatherer: RolloutGatherer;
  #standings: Standings;
  #kept = new Map<string, Kept>();
  #readable: Snapshot | undefined;
  #hasRecalled = false;
  /** The fleet documents while no commit was read yet. */
  #blind: Snapshot['groups'] | undefined;

  constructor(parts: ObserverParts) {
    this.#parts = parts;
    this.#gatherer = new RolloutGatherer(parts);
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
    if (!this.#hasRecalled && this.#blind === undefined) await recallSettings(store, reader);
    const { snapshot, unread } = await this.#read(head);
    const isBlind = snapshot !== this.#readable;
    if (!this.#hasRecalled) await recallDocuments(store, reader, snapshot, this.#fleets.words);
    this.#hasRecalled ||= !isBlind;
    const known = this.#fleets.of(await store.readFleet(), snapshot, fleetDocumentFinder(snapshot));
    const fleet = isBlind ? { ...known, words: asPublished(known.words, published) } : known;
    const { listenedMs } = await store.readListening();
    const named = rolloutsOrLost(snapshot, published);
    const { bases, broken } = await this.#basesOf(named, { snapshot, published, fleet });
    const holdings = holdingsOf(bases, published, fleet);
    const kept = new Map<string, Kept>();
    const looks: SteadyLook[] = [];
    for (const [name, basis] of bases) {
      const before = this.#kept.get(name);
      const isSame = before !== undefined && isSameBasis(before.basis, basis) && isSettled(decisions.get(before.facts));
      const question = { name, basis, snapshot, fleet, holdings, listenedMs, clockNow };
      const gathered = isSame ? before : await guarded(() => this.#gatherer.gather(question));
      if (gathered instanceof CodedError) {
        broken.push({ name, ...problemOfError(gathered, basis.document?.path ?? name) });
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
      ...{ snapshot, unread, fleet },
      facts: { rollouts: gathered.map(({ facts }) => facts), broken, published },
      shared: holdings.shared(),
      watched: looks.flatMap(({ rules }) => rules),
      wanted: {
        windows: gathered.flatMap(({ window }) => window ?? []),
        ...{ fleet, isBlind },
        // A rollout that can't be read for a while is still there: its measurements go on.
        rollouts: new Set([...named.keys(), ...broken.map((one) => one.name)]),
        changes: looks.flatMap(({ changes }) => changes),
        now: clockNow,
      },
    };
  }

  /**
   * A commit that can't be read as a whole, for whatever reason, takes nobody's rollback away: nothing can be pushed on it, so only an
   * emergency one follows. Before any commit was read, every published rollout is one that HEAD does not yield.
   */
  async #read(head: string): Promise<{ readonly snapshot: Snapshot; readonly unread: CodedError | null }> {
    const { reader, store } = this.#parts;
    try {
      this.#readable = await reader.read(head);
      return { snapshot: this.#readable, unread: null };
    } catch (thrown) {
      const unread = toCodedError(thrown);
      if (this.#readable !== undefined) return { snapshot: this.#readable, unread };
      this.#blind ??= await recallGroups(store, reader);
      return { snapshot: reader.unreadable(head, unread, this.#blind), unread };
    }
  }

  async #basesOf(
    named: ReadonlyMap<string, RolloutDocument | LostRollout>,
    look: Look,
  ): Promise<{ readonly bases: ReadonlyMap<string, Basis>; readonly broken: BrokenRollout[] }> {
    const { claims, store } = this.#parts;
    const { snapshot, published } = look;
    const [seen, emergencies] = [await store.readSeen(), await store.readEmergencyRollbacks()];
    const models = this.#models.of(snapshot);
    const policies = policiesByName(snapshot);
    const revisions = new Map((published?.entries ?? []).map((entry) => [entry.rollout, entry.revision]));
    const bases = new Map<string, Basis>();
    const broken: BrokenRollout[] = [];
    for (const [name, document] of named) {
      const common = {
        ...{ standings: this.#standings, seen: seen.get(name), publishedRevision: revisions.get(name) ?? 0 },
        emergency: emergencies.get(name) ?? null,
      };
      if (document.kind === 'rollout') {
        const { spec } = document.rollout;
        const claim = claims.find(name, document, snapshot) ?? (await claims.judge(name, document, snapshot));
        const policy = policies.get(spec.policy ?? snapshot.defaultPolicy ?? '');
        const versions = models.get(spec.model) ?? NO_VERSIONS;
        bases.set(name, { ...common, document, lost: null, spec, versions, policy, claim });
        continue;
      }
      const known = await this.#lost(name, document, look, common.seen);
      if (known === 'gone') continue;
      if (known.status === null) {
        broken.push(brokenOf(name, document.fix));
        continue;
      }
      const { status, lost } = known;
      const spec = specOf(status, published?.entries.find(({ rollout }) => rollout === name)?.model ?? '');
      const versions = models.get(spec.model) ?? NO_VERSIONS;
      const claim = { kind: 'authentic', status } as const;
      bases.set(name, { ...common, document: null, lost, spec, versions, policy: undefined, claim });
    }
    return { bases, broken };
  }

  /** What is known of a rollout that HEAD does not yield; `gone` once it was deleted and its devices are back on stable. */
  async #lost(
    name: string,
    { fix }: LostRollout,
    { snapshot, published, fleet }: Look,
    seen: SeenStatus | undefined,
  ): Promise<{ readonly status: RolloutStatus | null; readonly lost: Fix } | 'gone'> {
    const inTree = await this.#parts.claims.lastAuthentic(name, snapshot);
    const status = newestKnown((seen?.status ?? null) as unknown as RolloutStatus | null, inTree);
    if (fix.kind !== 'rollout-deleted') return { status, lost: fix };
    // Where HEAD lacks the newest evidence as well, it is another history that never had the file, unless it follows the one that had.
    const hasEvidence = status !== null && inTree !== null && inTree.revision >= status.revision;
    if (status === null || !(hasEvidence || (await this.#follows(seen, snapshot)))) {
      const why = { kind: 'other-history', folder: snapshot.layout.rollouts } as const;
      return { status, lost: { kind: 'rollout-missing', code: 'ROLLOUT_MISSING', why } };
    }
    if (status.candidate !== null) return { status, lost: fix };
    const entry = published?.entries.find(({ rollout }) => rollout === name);
    const isTold = (entry?.revision ?? 0) >= status.revision;
    const devices = devicesToReturn(name, status, fleet.devices);
    return isTold && devices === 0 ? 'gone' : { status, lost: { ...fix, devices } };
  }

  async #follows(seen: SeenStatus | undefined, { commit }: Snapshot): Promise<boolean> {
    return seen !== undefined && (await this.#parts.repository.isAncestor(seen.commit, commit)) === true;
  }

  /** By what the policy at HEAD watches, if it is admitted: that moves no device, so nothing has to be pinned. */
  async #watch({ spec, versions }: Basis, facts: RolloutFacts, now: number): Promise<SteadyLook> {
    const { name, claim, policy: named, policyInForce } = facts;
    if (claim.kind !== 'authentic') return NOTHING_WATCHED;
    const { status } = claim;
    const { model } = spec;
    const admitted = named?.standing.kind === 'admitted' ? named.policy : policyInForce;
    const watch = admitted?.spec.watch ?? null;
    const classes = classesOf(versions, status.stable?.digest);
    const outputs = outputsByArm(versions, status);
    return this.#parts.steady.look({ name, model, status, policy: policyInForce, classes, outputs, watch, now });
  }
}

function brokenOf(name: string, fix: Fix): BrokenRollout {
  if (fix.kind === 'document') {
    const { kind: _, ...problem } = fix;
    return { name, ...problem };
  }
  return { name, fix, code: fix.code, file: name, line: null, column: null, more: 0 };
}

/** While no commit can be read, devices are told what they were told. */
function asPublished(words: KnownFleet['words'], published: Directive | null): KnownFleet['words'] {
  return { ...words, bound: published?.bound ?? [], agentVersion: published?.agentVersion ?? null };
}

/** Who has which devices: by the status that counts, or as published where none is known. */
function holdingsOf(
  bases: ReadonlyMap<string, Basis>,
  published: Directive | null,
  { matching }: KnownFleet,
): Holdings {
  const holdings = [...bases].map(([rollout, { claim, document, spec, seen }]): Holding => {
    const status =
      claim.kind === 'authentic' ? claim.status : ((seen?.status ?? null) as unknown as RolloutStatus | null);
    const model = status?.model ?? spec.model;
    const at = () => (document === null ? { file: rollout, line: null, column: null } : placeOfTarget(document));
    return { rollout, model, targets: status === null ? [] : targetsOf(status), at };
  });
  const others = (published?.entries ?? []).filter(({ rollout }) => !bases.has(rollout));
  const unread = others.map((entry): Holding => {
    const { rollout, model } = entry;
    return { rollout, model, targets: targetsOf(entry), at: () => ({ file: rollout, line: null, column: null }) };
  });
  return new Holdings([...holdings, ...unread], matching);
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
