// Owns a small world for tests of the loop: the production's loop on memory, a virtual fleet on 1.0.0, and people who push.

import { Metrics } from '../../src/base/metrics.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { SpanFacts } from '../../src/base/tracer.ts';
import type { Directive, DirectiveEntry } from '../../src/contract/directive.ts';
import type { TrustPolicy } from '../../src/contract/trust/trust-policy.ts';
import { MemoryPublication } from '../../src/distribution/memory-publication.ts';
import { spliceSpec } from '../../src/documents/edit-rollout.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import type { Rollout } from '../../src/documents/types.generated.ts';
import { objectMissing } from '../../src/git/git-errors.ts';
import { findInTree, treeEntries } from '../../src/git/manifests-repository.ts';
import { MemoryGitHost } from '../../src/git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../../src/git/memory/memory-manifests-repository.ts';
import type { WrittenStep } from '../../src/reconcile/landing.ts';
import type { Observation } from '../../src/reconcile/observe.ts';
import type { Reconciler } from '../../src/reconcile/reconciler.ts';
import type { ServiceView } from '../../src/reconcile/service-view.ts';
import type { Outlook } from '../../src/rollout/outlook.ts';
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

export const KEYS = makeVirtualKeys();
export const ROLLOUT = 'sorter';
export const PATH = rolloutPath(ROLLOUT);
export const MODEL = 'model';
const START_MS = Date.parse('2026-11-20T06:30:00Z');
const TICK_MS = 30_000;
const SERVICE = { name: 'Slipway', email: 'slipway@localhost' };
const HEALTH = { warmUp: { duration: '1m', inferences: 40 }, errorRate: '90%' };

const POLICY = parsePolicy(
  'strict.yaml',
  Buffer.from(`apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: strict }
spec:
  appliesTo: { rollouts: ["*"] }
  stages:
    - { name: canary, size: { devices: 4 }, soak: 10m, rules: [error_rate < 20%] }
    - { name: full, size: 100%, soak: 2m, rules: [error_rate < 20%] }
`),
);
export const RULED = writePolicy(POLICY, KEYS);

export function modelOf(version: string, model = MODEL): ReturnType<typeof writeModel> {
  return writeModel({ model, version }, { modelBytes: 1_000_000, health: HEALTH }, KEYS);
}

export const STABLE = modelOf('1.0.0');
export const NEXT = modelOf('2.0.0');

export interface LoopOptions {
  /** Does 2.0.0 err in most of its answers? */
  readonly isBad?: boolean;
  /** Files beside the models, the policy and the rollout. */
  readonly files?: Readonly<Record<string, string>>;
}

export class LoopWorld {
  readonly host = new MemoryGitHost();
  readonly directives: Directive[] = [];
  /** The steps of each push, in order. */
  readonly pushes: (readonly WrittenStep[])[] = [];
  /** `push` and `publish`, as they came. */
  readonly order: string[] = [];
  readonly fleet: VirtualFleet;
  /** Of the present process. */
  metrics = new Metrics();
  readonly spans: SpanFacts[] = [];
  readonly #store = openMemoryFleetStore({ heartbeatMs: TICK_MS });
  readonly #publication: MemoryPublication;
  readonly #clock = new VirtualClock(START_MS);
  readonly #repository: MemoryManifestsRepository;
  #loop: Reconciler;
  /** Why the service can't read any tree of the repository now. */
  failsToRead: Error | undefined;
  /** Commits that the service's mirror does not have any more. */
  readonly lost = new Set<string>();
  /** What the last cycle saw. */
  observed: Observation | undefined;

  constructor(isBad: boolean) {
    this.fleet = new VirtualFleet(
      {
        ...{ seed: 7, devices: 12, startMs: START_MS, reportMs: TICK_MS, model: MODEL, errorLimit: 0.2 },
        scenario: {
          ...findScenario('good'),
          ...{ modelBytes: 1_000_000, health: HEALTH, candidate: () => ({ errorRate: isBad ? 0.6 : 0 }) },
        },
        stable: { version: '1.0.0', digest: STABLE.digest },
        candidates: new Set([NEXT.digest]),
      },
      this.#store,
    );
    this.#publication = new MemoryPublication((directive) => {
      this.directives.push(directive);
      this.order.push('publish');
      this.fleet.tell(directive, this.#clock.nowMs + 1_000);
    });
    this.#repository = this.#open();
    this.#loop = this.#start(KEYS.trust);
  }

  /** 1.0.0 is stable on all devices. */
  static async stable({ isBad = false, files = {} }: LoopOptions = {}): Promise<LoopWorld> {
    const world = new LoopWorld(isBad);
    const order = { name: ROLLOUT, model: MODEL, version: '1.0.0', policy: 'strict', digest: STABLE.digest };
    const settled = writeSettled({ ...order, policyDigest: RULED.digest, sinceMs: START_MS }, KEYS);
    await world.push({ ...STABLE.files, ...NEXT.files, ...RULED.files, ...settled.files, ...files });
    await world.fleet.enrol();
    await world.tick(2);
    return world;
  }

  /** The canary has 2.0.0, and nothing is decided yet. */
  static async rolling(options: LoopOptions = {}): Promise<LoopWorld> {
    const world = await LoopWorld.stable(options);
    await world.edit({ version: '2.0.0' });
    await world.untilRolling();
    return world;
  }

  async untilRolling(): Promise<void> {
    for (let i = 0; i < 20 && this.entry()?.candidate == null; i++) await this.tick();
    if (this.entry()?.candidate == null)
      throw new Error(`nothing started: ${JSON.stringify(this.outlook()?.waitingOn)}`);
  }

  #open(): MemoryManifestsRepository {
    return new MemoryManifestsRepository({ host: this.host, branch: 'main', author: SERVICE });
  }

  #serviceRepository(): MemoryManifestsRepository {
    const repository = this.#open();
    const readTree = repository.readTree.bind(repository);
    repository.readTree = async (commit) => {
      if (this.failsToRead !== undefined) throw this.failsToRead;
      if (this.lost.has(commit)) throw objectMissing(commit);
      return readTree(commit);
    };
    return repository;
  }

  #start(trust: TrustPolicy): Reconciler {
    this.metrics = new Metrics();
    return composeVirtualService({
      metrics: this.metrics,
      tracer: { record: (span) => void this.spans.push(span) },
      ...{ clock: this.#clock, random: seededRandom(7, 'service'), store: this.#store, publication: this.#publication },
      ...{ keys: { ...KEYS, trust }, repository: this.#serviceRepository(), reportMs: TICK_MS },
      events: {
        onObserved: (observation) => {
          this.observed = observation;
        },
        onSteps: (steps) => {
          this.pushes.push(steps);
          this.order.push('push');
        },
      },
    });
  }

  /** Another process on the same store. */
  restart(trust: TrustPolicy = KEYS.trust): void {
    this.#loop = this.#start(trust);
  }

  async push(files: Readonly<Record<string, string | null>>): Promise<string> {
    return this.host.commit({ files, message: 'A person', atMs: this.#clock.nowMs });
  }

  async head(): Promise<string> {
    return (await this.host.branches()).get('main') ?? '';
  }

  /** The text of a file at HEAD; undefined when there is none. */
  async read(path: string): Promise<string | undefined> {
    await this.#repository.fetch();
    const found = findInTree(await this.#repository.readTree(await this.head()), path);
    return found?.kind === 'blob'
      ? Buffer.from(await this.#repository.readBlob(found.oid, 1_000_000)).toString()
      : undefined;
  }

  /** Paths of all evidence at HEAD. */
  async evidence(): Promise<readonly string[]> {
    await this.#repository.fetch();
    const tree = await this.#repository.readTree(await this.head());
    return [...treeEntries(tree)].map(({ path }) => path).filter((path) => path.startsWith('evidence/'));
  }

  async rollout(path = PATH): Promise<Rollout> {
    const parsed = parseDocument(path, Buffer.from((await this.read(path)) ?? ''));
    if (parsed.kind === 'broken') throw parsed.errors[0];
    return parsed.document as Rollout;
  }

  /** A person edits the spec. */
  async edit(edits: Parameters<typeof spliceSpec>[1], path = PATH): Promise<void> {
    await this.push({ [path]: spliceSpec((await this.read(path)) ?? '', edits) });
  }

  /** Time passes; the service does what is to do. */
  async tick(times = 1): Promise<void> {
    for (let i = 0; i < times; i++) {
      this.#clock.nowMs += TICK_MS;
      await this.fleet.advance(this.#clock.nowMs);
      await this.cycles();
    }
  }

  async cycles(): Promise<void> {
    for (let i = 0; i < 10; i++) {
      const cycle = await this.#loop.cycle(new AbortController().signal);
      if (cycle.kind !== 'stepped') return;
    }
  }

  get view(): ServiceView {
    return this.#loop.view();
  }

  outlook(rollout = ROLLOUT): Outlook | undefined {
    return this.view.outlooks.find((one) => one.rollout === rollout);
  }

  /** Codes that the rollout is stalled by. */
  stalls(rollout = ROLLOUT): string[] {
    return (this.outlook(rollout)?.conditions ?? []).flatMap((one) => (one.type === 'Stalled' ? [one.reason] : []));
  }

  /** What is published of a rollout. */
  entry(rollout = ROLLOUT): DirectiveEntry | undefined {
    return this.directives.at(-1)?.entries.find((one) => one.rollout === rollout);
  }

  /** A rollout's file as a person writes it. */
  static file(name: string, version: string, target = '*'): Readonly<Record<string, string>> {
    const text = rolloutText({ name, model: MODEL, version, policy: 'strict' });
    return { [rolloutPath(name)]: text.replace('target: "*"', `target: "${target}"`) };
  }
}
