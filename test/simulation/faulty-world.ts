// Owns a virtual world in which everything goes wrong that may: the production's loop on memory, and what it left behind on the branch.
import { type RandomStream, randomBelow, seededRandom } from '../../src/base/random.ts';
import type { Directive } from '../../src/contract/directive.ts';
import { MemoryPublication } from '../../src/distribution/memory-publication.ts';
import { spliceSpec, spliceStatus } from '../../src/documents/edit-rollout.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import type { Rollout, RolloutRequest } from '../../src/documents/types.generated.ts';
import { FaultyGitHost, type HostFault, type HostStep } from '../../src/git/memory/faulty-git-host.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import {
  MemoryManifestsRepository,
  type MemoryRepositoryOptions,
} from '../../src/git/memory/memory-manifests-repository.ts';
import { DirectPush, type Landing, type WrittenStep } from '../../src/reconcile/landing.ts';
import type { Observation } from '../../src/reconcile/observe.ts';
import type { Reconciler } from '../../src/reconcile/reconciler.ts';
import type { RolloutFacts } from '../../src/rollout/rollout-facts.ts';
import type { Transition } from '../../src/rollout/transition.ts';
import { parsePolicy } from '../../src/simulation/scenario-policies.ts';
import { findScenario } from '../../src/simulation/scenarios.ts';
import { VirtualFleet } from '../../src/simulation/virtual-fleet.ts';
import {
  makeVirtualKeys,
  rolloutPath,
  rolloutText,
  writeModel,
  writePolicy,
  writeSettled,
} from '../../src/simulation/virtual-manifests.ts';
import { composeVirtualService, VirtualClock } from '../../src/simulation/virtual-service.ts';
import { openMemoryFleetStore } from '../../src/store/memory/open-memory-fleet-store.ts';

export const ROLLOUT = 'stormy';
const PATH = rolloutPath(ROLLOUT);
const MODEL = 'model';
const START_MS = Date.parse('2026-11-20T06:30:00Z');
const TICK_MS = 30_000;
const STORMY_TICKS = 80;
/** In which everything works, so that what is under way comes to its end. */
const QUIET_TICKS = 50;
const PUBLISH_MS = 2_000;
const REPORT_MS = 60_000;
const SERVICE = { name: 'Slipway', email: 'slipway@localhost' };
export const KEYS = makeVirtualKeys();

const POLICY = parsePolicy(
  'stormy.yaml',
  Buffer.from(`apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: stormy }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: { devices: 4 }, soak: 3m, deadline: 12m, onDeadline: rollback, rules: [error_rate < 20%] }
    - { name: full, size: 100%, soak: 2m, deadline: 12m, onDeadline: rollback, rules: [error_rate < 20%] }
`),
);
export const RULED = writePolicy(POLICY, KEYS);

const VERSIONS = ['1.0.0', '2.0.0', '3.0.0'] as const;
/** The devices' own trials are lenient: the fleet's rule is to find what is bad. */
const HEALTH = { warmUp: { duration: '1m', inferences: 40 }, errorRate: '90%' };
export const MODELS = VERSIONS.map((version) => ({
  version,
  ...writeModel({ model: MODEL, version }, { modelBytes: 1_000_000, health: HEALTH }, KEYS),
}));

/** What is wrong with a build of the loop, to see it found. */
export interface Bug {
  readonly landing?: (landing: Landing, repository: MemoryManifestsRepository) => Landing;
  readonly repository?: (options: MemoryRepositoryOptions) => MemoryManifestsRepository;
}

/** A decision, with what it was decided on. */
export interface Decided {
  readonly facts: RolloutFacts;
  readonly step: Transition | null;
}

export class FaultyWorld {
  readonly host = new MemoryGitHost();
  readonly fleet: VirtualFleet;
  /** Digests of versions that err in most of their answers. */
  readonly bad: ReadonlySet<string>;
  readonly directives: Directive[] = [];
  readonly decided: Decided[] = [];
  /** Steps that the loop believes to be on the branch. */
  readonly landed: WrittenStep[] = [];
  readonly requests: RolloutRequest['act'][] = [];
  readonly counts = { unreachable: 0, lostAnswers: 0, races: 0, kills: 0, forged: 0, emergencies: 0, failedCycles: 0 };
  readonly #random: RandomStream;
  readonly #bug: Bug;
  readonly #store = openMemoryFleetStore({ heartbeatMs: TICK_MS });
  readonly #publication: MemoryPublication;
  readonly #person: MemoryManifestsRepository;
  /** All devices came with the first version. */
  readonly startsStable: boolean;
  #clock = new VirtualClock(START_MS);
  #loop: Reconciler;
  #observed: Observation | null = null;
  #isStormy = true;
  #outageUntilMs = 0;
  #nowMs = START_MS;

  constructor(seed: string | number, bug: Bug = {}) {
    this.#random = seededRandom(seed, 'weather');
    this.#bug = bug;
    this.startsStable = this.#chance(0.5);
    const bad = MODELS.filter(({ version }) => version !== '1.0.0' && this.#chance(0.5));
    this.bad = new Set(bad.map(({ digest }) => digest));
    const [first] = MODELS;
    this.fleet = new VirtualFleet(
      {
        ...{ seed, devices: 8 + randomBelow(this.#random, 8), startMs: START_MS, reportMs: REPORT_MS, model: MODEL },
        scenario: {
          ...findScenario('good'),
          modelBytes: 1_000_000,
          health: HEALTH,
          candidate: () => ({ errorRate: 0.6 }),
          network: {
            ...findScenario('good').network,
            ...{ repeats: 0.2, mostDelayMs: 90_000 },
            isOnline: ({ index }, minute) => index % 5 !== 0 || minute % 11 < 8,
            clockErrorMs: ({ index }) => (index % 3 === 0 ? 86_400_000 : 0),
          },
        },
        stable: this.startsStable && first !== undefined ? { version: first.version, digest: first.digest } : null,
        candidates: this.bad,
        errorLimit: 0.2,
      },
      { ...this.#store, ingest: async (batch) => this.#store.ingest(batch.filter(() => !this.#fails(0.05))) },
    );
    this.#publication = new MemoryPublication((directive) => {
      this.directives.push(directive);
      if (directive.entries.some(({ emergency }) => emergency)) this.counts.emergencies++;
      this.fleet.tell(directive, this.#nowMs + PUBLISH_MS);
    });
    this.#person = new MemoryManifestsRepository({ host: this.host, branch: 'main', author: SERVICE });
    this.#loop = this.#startLoop();
  }

  #chance(share: number): boolean {
    return this.#random.next() < share;
  }

  #fails(share: number): boolean {
    return this.#isStormy && this.#chance(share);
  }

  /** As another machine would start it: its wall clock differs, and it knows what store and branch know. */
  #startLoop(): Reconciler {
    const skewMs = this.#isStormy ? Math.round((this.#random.next() - 0.5) * 20_000) : 0;
    this.#clock = new VirtualClock(this.#nowMs + skewMs);
    const host = new FaultyGitHost(this.host, (step) => this.#fault(step));
    const options = { host, branch: 'main', author: SERVICE };
    const repository = this.#bug.repository?.(options) ?? new MemoryManifestsRepository(options);
    const landing = this.#bug.landing?.(new DirectPush(repository), repository);
    return composeVirtualService({
      ...{ clock: this.#clock, random: this.#random, keys: KEYS, repository, store: this.#store },
      ...{ publication: this.#publication, reportMs: REPORT_MS },
      ...(landing === undefined ? {} : { landing }),
      events: {
        onObserved: (observation) => {
          this.#observed = observation;
        },
        onSteps: (steps) => this.landed.push(...steps),
      },
    });
  }

  async #fault(step: HostStep): Promise<HostFault | undefined> {
    if (!this.#isStormy) return undefined;
    if (this.#nowMs < this.#outageUntilMs || this.#chance(0.04)) {
      this.counts.unreachable++;
      return 'unreachable';
    }
    if (step === 'move' && this.#chance(0.15)) {
      this.counts.races++;
      await this.#push({ 'NOTES.md': `a note at ${this.#nowMs} ${this.#random.next()}\n` }, 'Take a note');
    }
    if (step === 'move' && this.#chance(0.15)) {
      this.counts.lostAnswers++;
      return 'lost-answer';
    }
    return undefined;
  }

  async #push(files: Readonly<Record<string, string>>, message: string): Promise<void> {
    await this.host.commit({ files, message, atMs: this.#nowMs });
  }

  async #readRollout(): Promise<{ readonly text: string; readonly rollout: Rollout }> {
    await this.#person.fetch();
    const head = this.#person.knownHead() ?? '';
    const { text, rollout } = await readRolloutAt(this.#person, head);
    return { text, rollout };
  }

  async live({ stormyTicks = STORMY_TICKS, quietTicks = QUIET_TICKS } = {}): Promise<void> {
    await this.#begin();
    await this.fleet.enrol();
    for (let tick = 1; tick <= stormyTicks + quietTicks; tick++) {
      if (tick === stormyTicks) await this.#calmDown();
      await this.#tick(TICK_MS);
    }
  }

  async #begin(): Promise<void> {
    const rollout = { name: ROLLOUT, model: MODEL, version: '1.0.0', policy: POLICY.metadata.name };
    const [first] = MODELS;
    const settled =
      this.startsStable && first !== undefined
        ? writeSettled({ ...rollout, digest: first.digest, policyDigest: RULED.digest, sinceMs: START_MS }, KEYS).files
        : { [PATH]: rolloutText(rollout) };
    const models = Object.assign({}, ...MODELS.map(({ files }) => files));
    await this.#push({ ...RULED.files, ...models, ...settled }, 'Begin');
  }

  /** Nothing fails any more, and nobody holds anything up. */
  async #calmDown(): Promise<void> {
    this.#isStormy = false;
    const { text } = await this.#readRollout();
    await this.#push({ [PATH]: spliceSpec(text, { suspend: false }), 'NOTES.md': 'calm\n' }, 'Calm down');
    this.#loop = this.#startLoop();
  }

  async #tick(ms: number): Promise<void> {
    this.#nowMs += ms;
    this.#clock.nowMs += ms;
    await this.fleet.advance(this.#nowMs);
    if (this.#fails(0.03)) this.#outageUntilMs = this.#nowMs + (2 + randomBelow(this.#random, 7)) * 60_000;
    if (this.#fails(0.08)) await this.#disturb();
    if (this.#fails(0.06)) {
      this.counts.kills++;
      this.#loop = this.#startLoop();
    }
    for (let i = 0; i < 5; i++) if (!(await this.#cycle())) return;
  }

  /** One cycle; true when another one follows at once. */
  async #cycle(): Promise<boolean> {
    this.#observed = null;
    const cycle = await this.#loop.cycle(new AbortController().signal).catch(() => {
      this.counts.failedCycles++;
      return null;
    });
    const facts = (this.#observed as Observation | null)?.facts.rollouts.find(({ name }) => name === ROLLOUT);
    if (cycle === null || cycle.kind === 'no-source' || facts === undefined) return false;
    this.decided.push({ facts, step: cycle.plan.steps.find(({ rollout }) => rollout === ROLLOUT) ?? null });
    // Between the push and what follows it a process may die as well.
    return cycle.kind === 'stepped' && !this.#fails(0.05);
  }

  /** People do what they may, and what they may not. */
  async #disturb(): Promise<void> {
    const { text, rollout } = await this.#readRollout();
    const { status } = rollout;
    const which = randomBelow(this.#random, 8);
    if (which === 0 && status !== undefined) {
      this.counts.forged++;
      const forged = { ...status, revision: status.revision + 1, candidate: null, stage: null };
      await this.#push({ [PATH]: spliceStatus(text, forged) }, 'Move on by hand');
    } else if (which === 1) {
      await this.#push(
        { [PATH]: spliceSpec(text, { suspend: !(rollout.spec.suspend ?? false) }) },
        'Suspend or resume',
      );
    } else if (which <= 4) {
      const act = (['abort', 'promote', 'retry'] as const)[which - 2] ?? 'abort';
      const digest = status?.candidate?.digest ?? status?.rejected[0]?.digest;
      if (digest === undefined) return;
      this.requests.push(act);
      const request = { act, digest, reason: 'so it is wanted' };
      await this.#push({ [PATH]: spliceSpec(text, { request }) }, `Ask to ${act}`);
    } else {
      const version = VERSIONS[randomBelow(this.#random, VERSIONS.length)] ?? '1.0.0';
      if (version !== rollout.spec.version)
        await this.#push({ [PATH]: spliceSpec(text, { version }) }, `Roll out ${version}`);
    }
  }
}

/** The rollout's document at a commit. */
export async function readRolloutAt(
  repository: MemoryManifestsRepository,
  commit: string,
): Promise<{ readonly text: string; readonly rollout: Rollout }> {
  const tree = await repository.readTree(commit);
  const folder = tree.entries.get('rollouts');
  const file = folder?.kind === 'tree' ? folder.tree.entries.get(`${ROLLOUT}.yaml`) : undefined;
  if (file?.kind !== 'blob') throw new Error(`no rollout at ${commit}`);
  const text = Buffer.from(await repository.readBlob(file.oid, 1_000_000)).toString();
  const parsed = parseDocument(PATH, Buffer.from(text));
  if (parsed.kind === 'broken') throw parsed.errors[0];
  return { text, rollout: parsed.document as Rollout };
}
