// Owns a rehearsal: a policy against a scenario, over a virtual fleet in virtual time, by the production's own decisions.
import { trialLimitsOf } from '../../fleet-agent/src/update/trial.ts';
import { digestOf, digestOfJson } from '../contract/digest.ts';
import type { DeviceReport } from '../contract/report.ts';
import type { RolloutPolicy } from '../documents/types.generated.ts';
import { exceptionsOf } from '../rollout/exceptions.ts';
import { stagesOf } from '../rollout/stages-of-policy.ts';
import type { Transition } from '../rollout/transition.ts';
import { BareControllers, type BareThresholds } from './bare-threshold.ts';
import { type Behaviour, CLASS_SHARES, STABLE_BEHAVIOUR } from './behaviour.ts';
import { findBreaches, type History } from './check-history.ts';
import { busyness, makePopulation, type Traits } from './population.ts';
import { RuleSeries, type SeriesPoint } from './rule-series.ts';
import type { Scenario } from './scenario.ts';
import { stepInWords, type TimelineEntry, WaitingWatch } from './timeline.ts';
import { VirtualDevice } from './virtual-device.ts';
import { VirtualNetwork } from './virtual-network.ts';
import { VirtualReconciler } from './virtual-reconciler.ts';
import { VirtualStore } from './virtual-store.ts';

export interface RehearsalOrder {
  readonly policy: RolloutPolicy;
  readonly scenario: Scenario;
  readonly devices: number;
  readonly seed: string | number;
  /** Longest time that is rehearsed, from the start of the rollout. */
  readonly hours: number;
}

export type RehearsalOutcome = 'completed' | 'reverted' | 'held';

export interface Rehearsal {
  readonly outcome: RehearsalOutcome;
  /** The stage that it ended in: the one that was reverted, that holds, or the last. */
  readonly stage: string | null;
  /** Groups of devices that the candidate was taken back from, or held in, alone. */
  readonly groupsApart: readonly string[];
  /** Devices on which the candidate ever answered. */
  readonly devicesExposed: number;
  /** From the start of the rollout to the step back; null when there was none. */
  readonly minutesToRevert: number | null;
  /** From the step back until the last device that could be reached was back on stable. */
  readonly minutesToRestore: number | null;
  readonly seed: string | number;
  readonly timeline: readonly TimelineEntry[];
  readonly bareThreshold: BareThresholds;
  /** What an independent judge found wrong with the history; empty when nothing was. */
  readonly breaches: readonly string[];
  readonly series: readonly SeriesPoint[];
  readonly virtualMinutes: number;
  readonly reports: number;
  readonly downloadedBytes: number;
  readonly cutDownloads: number;
}

const START_MS = Date.parse('2026-11-20T06:30:00Z');
const MINUTE_MS = 60_000;
const REPORT_MS = MINUTE_MS;
/** Stable alone is watched for so long before the candidate is wished. */
const BEFORE_MINUTES = 30;
/** What is still watched after the end: devices go back, or the fleet runs on. */
const AFTER_MINUTES = 5;
/** From the decision to the published directive: commit, push, sign. */
const PUBLISH_MS = 3000;
const ROLLOUT = 'rehearsal';
const MODEL = 'model';
const DEFAULT_ERROR_LIMIT = 0.005;

/** The first absolute limit of `error_rate`: what "twice the limit" means. */
function errorLimitOf(policy: RolloutPolicy): number {
  for (const { rule } of stagesOf(policy).flatMap((stage) => stage.rules)) {
    if (rule.metric === 'error_rate' && rule.limit.kind === 'absolute' && rule.limit.value > 0) return rule.limit.value;
  }
  return DEFAULT_ERROR_LIMIT;
}

function known(version: string) {
  return { version, digest: digestOf(`rehearsed ${version}`), standing: { kind: 'admitted' as const, signer: 'ci' } };
}
const STABLE = known('1.0.0');
const CANDIDATE = known('2.0.0');

class Run {
  readonly #order: RehearsalOrder;
  readonly #traits: readonly Traits[];
  readonly #store: VirtualStore;
  readonly #network: VirtualNetwork;
  readonly #reconciler: VirtualReconciler;
  readonly #devices: readonly VirtualDevice[];
  readonly #history: History;
  readonly #exposed = new Set<string>();
  /** Devices that the candidate answers on now. */
  readonly #running = new Set<string>();
  readonly #timeline: TimelineEntry[] = [];
  readonly #waiting = new WaitingWatch();
  readonly #bare = new BareControllers();
  readonly #series = new RuleSeries();
  #reports = 0;
  #startedAtMs: number | null = null;
  #ended: { readonly step: Transition; readonly atMs: number } | null = null;
  #restoredAtMs: number | null = null;

  constructor(order: RehearsalOrder, ignoresFailures: boolean) {
    this.#order = order;
    const { scenario, seed, policy } = order;
    this.#traits = makePopulation(scenario.population, order.devices, seed);
    const fleet = this.#traits.map((one) => one.facts);
    this.#store = new VirtualStore(fleet, START_MS);
    this.#network = new VirtualNetwork(scenario.network, { seed, startMs: START_MS }, (report, atMs) =>
      this.#receive(report, atMs),
    );
    const rollout = { name: ROLLOUT, model: MODEL, target: '*', stable: STABLE, candidate: CANDIDATE };
    const inForce = { policy, policyDigest: digestOfJson(JSON.parse(JSON.stringify(policy))) };
    const classes = CLASS_SHARES.map(([name]) => name);
    const times = { reportMs: REPORT_MS, startMs: START_MS };
    this.#reconciler = new VirtualReconciler(
      { ...rollout, ...inForce, ...times, classes, ignoresFailures },
      this.#store,
      fleet,
    );
    const nothing = { directives: [], served: [], heard: [] };
    this.#history = { fleet, candidateDigest: CANDIDATE.digest, statuses: [this.#reconciler.status], ...nothing };
    this.#devices = this.#traits.map((traits) => new VirtualDevice(traits, this.#world()));
  }

  #world() {
    const { scenario, seed, policy } = this.#order;
    const errorLimit = errorLimitOf(policy);
    const behaviour = (digest: string, device: Traits, minutes: number, atMs: number): Behaviour => {
      const hour = (((atMs / 3_600_000 + device.utcOffsetHours) % 24) + 24) % 24;
      const circumstances = { device, minutes, hour, errorLimit };
      const both = { ...STABLE_BEHAVIOUR, ...scenario.both(circumstances) };
      const own = digest === CANDIDATE.digest ? { ...both, ...scenario.candidate(circumstances) } : both;
      return { ...own, errorRate: Math.min(1, own.errorRate * device.errorFactor) };
    };
    return {
      seed,
      startMs: START_MS,
      model: MODEL,
      stable: { version: STABLE.version, digest: STABLE.digest, parameters: {} },
      modelBytes: scenario.modelBytes,
      trial: trialLimitsOf(scenario.health),
      reportMs: REPORT_MS,
      network: this.#network,
      behaviour,
      busyness: (device: Traits, atMs: number) => busyness(scenario.population, device, atMs),
      onServing: (device: string, digest: string | null, revision: number, atMs: number) =>
        this.#noteServing(device, digest, revision, atMs),
      onHeard: (device: string, revision: number, atMs: number) => {
        this.#history.heard.push({ device, revision, atMs });
      },
    };
  }

  #noteServing(device: string, digest: string | null, revision: number, atMs: number): void {
    this.#history.served.push({ device, digest, revision, atMs });
    if (digest === CANDIDATE.digest) {
      this.#exposed.add(device);
      this.#running.add(device);
    } else if (this.#running.delete(device) && this.#running.size === 0 && this.#ended !== null) {
      this.#restoredAtMs = atMs;
    }
  }

  #receive(report: DeviceReport, atMs: number): void {
    this.#reports++;
    this.#store.ingest(report, atMs);
  }

  async run(): Promise<Rehearsal> {
    const lastMinute = BEFORE_MINUTES + this.#order.hours * 60;
    let minute = 0;
    for (; minute <= lastMinute && !this.#isOver(minute); minute++) await this.#minute(minute);
    return this.#result(minute - 1);
  }

  #isOver(minute: number): boolean {
    if (this.#ended === null) return false;
    return minute > (this.#ended.atMs - START_MS) / MINUTE_MS + AFTER_MINUTES;
  }

  async #minute(minute: number): Promise<void> {
    const now = START_MS + minute * MINUTE_MS;
    for (const device of this.#devices) device.advance(now);
    this.#network.deliverUntil(now);
    this.#store.recordListening(now);
    if (minute === BEFORE_MINUTES) this.#reconciler.desireCandidate();
    const before = this.#reconciler.status;
    const { steps, outlook, published } = await this.#reconciler.look(now);
    for (const step of steps) this.#noteStep(step, now);
    if (before.candidate !== null) await this.#measured(before, outlook.verdict ?? steps[0]?.verdict ?? null, now);
    if (this.#ended === null) for (const text of this.#waiting.lines(outlook)) this.#tell(now, 'waiting', text);
    if (published === null) return;
    this.#history.directives.push(published);
    for (const device of this.#devices) device.tell(published, now + PUBLISH_MS);
  }

  #noteStep(step: Transition, now: number): void {
    this.#history.statuses.push(step.next);
    this.#waiting.begin();
    if (step.kind === 'start') this.#startedAtMs ??= now;
    const { text, more } = stepInWords(step);
    this.#tell(now, 'step', text, more);
    if (step.next.candidate === null) this.#ended ??= { step, atMs: now };
  }

  /** What was measured in the stage that this look was about. */
  async #measured(
    { stage, opened }: { readonly stage: string | null; readonly opened: number },
    verdict: Transition['verdict'],
    now: number,
  ): Promise<void> {
    const minute = this.#minuteOf(now);
    this.#series.add({ minute, stage: stage ?? '', verdict, devicesExposed: this.#exposed.size });
    const window = await this.#store.readWindow(ROLLOUT, opened);
    if (window === undefined || verdict === null) return;
    const rules = verdict.rules.filter((rule) => !rule.dryRun && rule.by === null).map((rule) => rule.rule);
    this.#bare.see({ minute, stage: stage ?? '', rules, openedRevision: opened, tallies: window.tallies });
  }

  #minuteOf(atMs: number): number {
    return (atMs - (this.#startedAtMs ?? START_MS + BEFORE_MINUTES * MINUTE_MS)) / MINUTE_MS;
  }

  #tell(atMs: number, kind: TimelineEntry['kind'], text: string, more: readonly string[] = []): void {
    const { stage } = this.#reconciler.status;
    this.#timeline.push({ minute: this.#minuteOf(atMs), kind, stage, devicesExposed: this.#exposed.size, text, more });
  }

  #result(lastMinute: number): Rehearsal {
    const ended = this.#ended;
    const outcome = ended === null ? 'held' : ended.step.kind === 'complete' ? 'completed' : 'reverted';
    const isReverted = ended !== null && outcome === 'reverted';
    if (isReverted && this.#restoredAtMs !== null) {
      const seconds = Math.round((this.#restoredAtMs - ended.atMs) / 1000);
      this.#tell(
        this.#restoredAtMs,
        'restored',
        `the last device is back on ${STABLE.version}, ${seconds} s after the decision`,
      );
    }
    if (ended === null)
      this.#tell(START_MS + lastMinute * MINUTE_MS, 'end', 'the rehearsal ends; the rollout is still under way');
    return {
      outcome,
      stage: ended === null ? this.#reconciler.status.stage : ended.step.from,
      groupsApart: exceptionsOf(this.#reconciler.status).map(({ group }) => group),
      devicesExposed: this.#exposed.size,
      minutesToRevert: isReverted ? this.#minuteOf(ended.atMs) : null,
      minutesToRestore:
        isReverted && this.#restoredAtMs !== null
          ? Number(((this.#restoredAtMs - ended.atMs) / MINUTE_MS).toFixed(3))
          : null,
      seed: this.#order.seed,
      timeline: this.#timeline,
      bareThreshold: this.#bare.outcome(),
      breaches: findBreaches(this.#history),
      series: this.#series.points,
      virtualMinutes: lastMinute,
      reports: this.#reports,
      downloadedBytes: Math.round(this.#network.downloadedBytes),
      cutDownloads: this.#network.cutDownloads,
    };
  }
}

/** For so long the candidate is left in place to see what bare thresholds would have made of it. */
const LEFT_MINUTES = 30;

/** Rehearses; the same order has the same result. */
export async function rehearse(order: RehearsalOrder): Promise<Rehearsal> {
  const rehearsal = await new Run(order, false).run();
  const { minutesToRevert, bareThreshold } = rehearsal;
  const { argo, flagger } = bareThreshold;
  const isDecided = argo.outcome === 'reverted' && flagger.outcome === 'reverted';
  if (minutesToRevert === null || isDecided) return rehearsal;
  // The same seed gives the same numbers up to the step back, and then those that would have followed.
  const left = await new Run({ ...order, hours: (minutesToRevert + LEFT_MINUTES) / 60 }, true).run();
  return { ...rehearsal, bareThreshold: left.bareThreshold };
}
