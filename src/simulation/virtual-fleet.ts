// Owns a virtual fleet and what the service hears of it: devices that live through time, and their reports on the way to the store.
import { trialLimitsOf } from '../../fleet-agent/src/update/trial.ts';
import type { Digest } from '../contract/digest.ts';
import type { Directive } from '../contract/directive.ts';
import type { VerifiedReport } from '../contract/fleet-messages.ts';
import { matchesSelector, parseSelector } from '../contract/selector.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import { AnswerTable, type Behaviour, STABLE_BEHAVIOUR, USUAL_ANSWERS } from './behaviour.ts';
import type { History } from './check-history.ts';
import { busyness, makePopulation, type Traits } from './population.ts';
import { type Scenario, USUAL_BYTES, USUAL_HEALTH } from './scenario.ts';
import { type DeviceWorld, VirtualDevice } from './virtual-device.ts';
import { VirtualNetwork } from './virtual-network.ts';

export interface FleetOrder {
  readonly scenario: Scenario;
  readonly devices: number;
  readonly seed: string | number;
  readonly startMs: number;
  /** When the candidate is desired; as the world begins unless given. */
  readonly desiredMs?: number;
  /** The rollout's selector; all devices unless given. */
  readonly target?: string;
  readonly reportMs: number;
  readonly model: string;
  /** What all devices run at first; null for nothing. */
  readonly stable: { readonly version: string; readonly digest: Digest } | null;
  /** Digests that behave as the scenario says of its candidate. */
  readonly candidates: ReadonlySet<string>;
  /** The policy's first absolute limit of `error_rate`. */
  readonly errorLimit: number;
}

/** Stores take no larger batch at once. */
const BATCH = 4096;
/** Devices that share a link live side by side in steps of this. */
const STEP_MS = 5000;
/** Share of the rollout's devices that are nearly all; some are held back. */
const NEARLY_ALL = 0.9;

function differs(one: Behaviour, other: Behaviour): boolean {
  return Object.entries(one).some(([key, value]) => value !== other[key as keyof Behaviour]);
}

export class VirtualFleet {
  readonly #order: FleetOrder;
  readonly #store: FleetStore;
  readonly #devices: readonly VirtualDevice[];
  readonly #inbox: VerifiedReport[] = [];
  readonly #network: VirtualNetwork;
  #livedUntilMs: number;
  readonly traits: readonly Traits[];
  readonly served: History['served'] = [];
  readonly heard: History['heard'] = [];
  /** Devices on which a candidate ever answered. */
  readonly exposed = new Set<string>();
  /** Devices on which a candidate answers now. */
  readonly running = new Set<string>();
  /** When nearly all devices first had a candidate at once. */
  #nearlyAllAtMs = Number.POSITIVE_INFINITY;
  readonly #nearlyAll: number;
  /** Has what the scenario is about been there, on a device that had a candidate? */
  faultBegan = false;
  /** When the last device ended to run a candidate. */
  restoredAtMs: number | null = null;

  constructor(order: FleetOrder, store: FleetStore) {
    const { scenario, devices, seed, startMs } = order;
    this.#order = order;
    this.#store = store;
    this.#livedUntilMs = startMs;
    this.traits = makePopulation(scenario.population, devices, seed);
    const target = order.target === undefined ? null : parseSelector(order.target);
    const targeted = this.traits.filter(({ facts }) => target === null || matchesSelector(target, facts));
    this.#nearlyAll = NEARLY_ALL * targeted.length;
    this.#network = new VirtualNetwork(scenario.network, { seed, startMs }, (report, receivedAtMs) => {
      this.#inbox.push({ report, receivedAtMs });
    });
    const world = this.#world();
    this.#devices = this.traits.map((traits) => new VirtualDevice(traits, world));
  }

  #world(): DeviceWorld {
    const { scenario, seed, startMs, model, stable, reportMs } = this.#order;
    return {
      ...{ seed, startMs, model, stable, reportMs, network: this.#network },
      // As stores number first enrolments.
      epoch: Math.floor(startMs / 1000),
      modelBytes: scenario.modelBytes ?? USUAL_BYTES,
      trial: trialLimitsOf(scenario.health ?? USUAL_HEALTH),
      answers: new AnswerTable(scenario.answers ?? USUAL_ANSWERS),
      behaviour: (digest, device, minutes, atMs) => this.#behaviour(digest, device, minutes, atMs),
      busyness: (device, atMs) => busyness(scenario.population, device, atMs),
      onServing: (device, digest, revision, atMs) => this.#noteServing({ device, digest, revision, atMs }),
      onHeard: (device, revision, atMs) => {
        this.heard.push({ device, revision, atMs });
      },
    };
  }

  #behaviour(digest: string, device: Traits, minutes: number, atMs: number): Behaviour {
    const { scenario, candidates, errorLimit, startMs, desiredMs = startMs } = this.#order;
    const hour = (((atMs / 3_600_000 + device.utcOffsetHours) % 24) + 24) % 24;
    const { rarest } = scenario.answers ?? USUAL_ANSWERS;
    const sinceStart = (atMs - desiredMs) / 60_000;
    const sinceNearlyAll = (atMs - this.#nearlyAllAtMs) / 60_000;
    const circumstances = { device, minutes, sinceStart, sinceNearlyAll, hour, errorLimit, rarest };
    const both = { ...STABLE_BEHAVIOUR, ...scenario.both(circumstances) };
    const own = candidates.has(digest) ? { ...both, ...scenario.candidate(circumstances) } : both;
    if (candidates.has(digest))
      this.faultBegan ||= scenario.hasBegun?.(circumstances) ?? (!scenario.isBad || differs(own, both));
    return { ...own, errorRate: Math.min(1, own.errorRate * device.errorFactor) };
  }

  #noteServing(change: History['served'][number]): void {
    const { device, digest, atMs } = change;
    this.served.push(change);
    if (digest !== null && this.#order.candidates.has(digest)) {
      this.exposed.add(device);
      this.running.add(device);
      if (this.running.size >= this.#nearlyAll) this.#nearlyAllAtMs = Math.min(this.#nearlyAllAtMs, atMs);
    } else if (this.running.delete(device) && this.running.size === 0) this.restoredAtMs = atMs;
  }

  /** All devices enrol as the world begins. */
  async enrol(): Promise<void> {
    const { startMs: nowMs } = this.#order;
    const uses = this.traits.length;
    const [token = ''] = await this.#store.createEnrolmentTokens({ uses, expiresAtMs: nowMs + 1 });
    for (const { facts } of this.traits)
      await this.#store.enrol({ token, device: facts.id, publicKey: '', labels: facts.labels, nowMs });
  }

  /** Devices live until then, and the store hears what arrives meanwhile. */
  async advance(untilMs: number): Promise<void> {
    while (this.#livedUntilMs < untilMs) {
      this.#livedUntilMs = Math.min(untilMs, this.#livedUntilMs + STEP_MS);
      for (const device of this.#devices) device.advance(this.#livedUntilMs);
      this.#network.flowUntil(this.#livedUntilMs);
    }
    this.#network.deliverUntil(untilMs);
    await this.#store.recordListening(untilMs);
    while (this.#inbox.length > 0) await this.#store.ingest(this.#inbox.splice(0, BATCH));
  }

  /** A directive was published: each device hears of it when it can. */
  tell(directive: Directive, publishedAtMs: number): void {
    for (const device of this.#devices) device.tell(directive, publishedAtMs);
  }
}
