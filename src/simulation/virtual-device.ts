// Owns a device in virtual time: the agent's own update machine and trial, with downloads, answers and reports of a false world.

import {
  activeContent,
  emptyRecord,
  failedForGood,
  type ModelRecord,
  type SlotName,
} from '../../fleet-agent/src/record/model-record.ts';
import { chooseVersions } from '../../fleet-agent/src/update/desired-version.ts';
import { transfersBetween } from '../../fleet-agent/src/update/transfers.ts';
import { judgeTrial, type TrialLimits } from '../../fleet-agent/src/update/trial.ts';
import { transition } from '../../fleet-agent/src/update/update-machine.ts';
import { nextStep, type UpdateEvent } from '../../fleet-agent/src/update/update-step.ts';
import { type RandomStream, seededRandom } from '../base/random.ts';
import type { Directive, ModelChoice } from '../contract/directive.ts';
import { type AnswerTable, type Behaviour, Served } from './behaviour.ts';
import { type Assigned, DeviceReporting } from './device-reporting.ts';
import type { Traits } from './population.ts';
import { poisson } from './sampling.ts';
import { VirtualDownload } from './virtual-download.ts';
import { VirtualGauges } from './virtual-gauges.ts';
import { VirtualInputs } from './virtual-inputs.ts';
import type { VirtualNetwork } from './virtual-network.ts';
import { VirtualOutputs } from './virtual-outputs.ts';

/** What all devices of a rehearsal share. */
export interface DeviceWorld {
  readonly seed: string | number;
  readonly startMs: number;
  readonly model: string;
  /** What the device runs at first; null for nothing. */
  readonly stable: Pick<ModelChoice, 'digest' | 'version'> | null;
  /** Of every device's enrolment. */
  readonly epoch: number;
  readonly modelBytes: number;
  readonly answers: AnswerTable;
  readonly trial: TrialLimits;
  readonly reportMs: number;
  readonly network: VirtualNetwork;
  /** How a version behaves on a device that has run it for so many minutes. */
  readonly behaviour: (digest: string, device: Traits, minutes: number, atMs: number) => Behaviour;
  readonly busyness: (device: Traits, atMs: number) => number;
  /** Told when a version begins to serve, and when a directive is accepted. */
  readonly onServing: (device: string, digest: string | null, revision: number, atMs: number) => void;
  readonly onHeard: (device: string, revision: number, atMs: number) => void;
}

interface Work {
  readonly endsAtMs: number;
  readonly event: UpdateEvent;
}

interface Trial {
  readonly sinceMs: number;
  readonly served: Served;
  lookAtMs: number;
}

const CIRCUMSTANCES = { fingerprint: 'virtual', freeBytes: 1e9 };
const STAGE_MS = 1000;
const SELF_TEST_MS = 2000;
const TRIAL_LOOK_MS = 10_000;
/** How often a device that was out of reach asks for the directive by itself. */
const POLL_MS = 300_000;
const MINUTE_MS = 60_000;

function fetchedBy({ phase }: ModelRecord): string | null {
  return phase.kind === 'fetching' ? phase.goal.digest : null;
}

export class VirtualDevice {
  readonly traits: Traits;
  readonly #world: DeviceWorld;
  readonly #traffic: RandomStream;
  readonly #answers: RandomStream;
  readonly #updates: RandomStream;
  #record: ModelRecord;
  #serving: SlotName | null;
  #servingSinceMs: number;
  #assigned: Assigned | null = null;
  /** The last one accepted of each rollout. */
  readonly #revisions = new Map<string, number>();
  #heard: { readonly directive: Directive; readonly atMs: number } | null = null;
  #work: Work | null = null;
  readonly #download: VirtualDownload;
  #trial: Trial | null = null;
  readonly #reporting: DeviceReporting;
  readonly #gauges: VirtualGauges;
  readonly #inputs: VirtualInputs;
  readonly #outputs: VirtualOutputs;
  #countedUntilMs: number;
  #reportAtMs: number;

  constructor(traits: Traits, world: DeviceWorld) {
    this.traits = traits;
    this.#world = world;
    this.#traffic = seededRandom(world.seed, `traffic ${traits.index}`);
    this.#answers = seededRandom(world.seed, `answers ${traits.index}`);
    this.#updates = seededRandom(world.seed, `updates ${traits.index}`);
    this.#download = new VirtualDownload(traits, world, this.#updates);
    const content = world.stable && {
      ...world.stable,
      rollout: '',
      arm: 'stable' as const,
      isProven: true,
      sequence: 0,
    };
    const empty = emptyRecord(world.model);
    this.#record =
      content === null
        ? empty
        : { ...empty, active: 'A', slots: { A: content, B: null }, phase: { kind: 'committed' } };
    this.#serving = this.#record.active;
    this.#servingSinceMs = world.startMs;
    this.#countedUntilMs = world.startMs;
    this.#reporting = new DeviceReporting(traits, world);
    this.#gauges = new VirtualGauges(traits, seededRandom(world.seed, `gauges ${traits.index}`));
    this.#inputs = new VirtualInputs(seededRandom(world.seed, `inputs ${traits.index}`));
    this.#outputs = new VirtualOutputs(world.answers.declared, seededRandom(world.seed, `outputs ${traits.index}`));
    this.#reportAtMs = world.startMs + traits.reportPhaseMs;
  }

  /** A directive was published: the device hears of it when it can. */
  tell(directive: Directive, publishedAtMs: number): void {
    this.#heard = { directive, atMs: this.#world.network.hearsAtMs(publishedAtMs, this.#updates) };
  }

  /** Lives until then. */
  advance(untilMs: number): void {
    for (;;) {
      const at = Math.min(
        this.#heard?.atMs ?? Number.POSITIVE_INFINITY,
        this.#work?.endsAtMs ?? Number.POSITIVE_INFINITY,
        this.#download.nextAtMs,
        this.#trial?.lookAtMs ?? Number.POSITIVE_INFINITY,
        this.#reportAtMs,
      );
      if (at > untilMs) return;
      this.#serve(at);
      this.#happen(at);
    }
  }

  #happen(at: number): void {
    if (this.#heard !== null && this.#heard.atMs <= at) this.#hear(this.#heard.directive, at);
    if (this.#work !== null && this.#work.endsAtMs <= at) this.#endWork(this.#work, at);
    this.#lookAtDownload(at);
    if (this.#trial !== null && this.#trial.lookAtMs <= at) this.#lookAtTrial(at);
    this.#goOn(at);
    if (this.#reportAtMs <= at || this.#record.outbox.length > 0) this.#report(at);
  }

  #hear(directive: Directive, at: number): void {
    if (!this.#world.network.isOnline(this.traits, at)) {
      this.#heard = { directive, atMs: at + POLL_MS };
      return;
    }
    this.#heard = null;
    const { facts } = this.traits;
    const revisionOf = (rollout: string): number => this.#revisions.get(rollout) ?? 0;
    const { desired, accepted } = chooseVersions(directive, facts, revisionOf, () => this.#assigned?.rollout ?? null);
    for (const { rollout, revision } of accepted) {
      this.#revisions.set(rollout, revision);
      this.#world.onHeard(facts.id, revision, at);
    }
    const wanted = desired.get(this.#world.model);
    if (wanted === undefined) return;
    if (wanted.kind === 'none') {
      const { rollout } = wanted;
      this.#assigned = { rollout, revision: this.#revisions.get(rollout) ?? 0, arm: null };
      this.#apply({ kind: 'unassigned', rollout }, at);
      return;
    }
    const { goal, stableFirst, spreadWaitMs } = wanted;
    this.#assigned = { rollout: goal.rollout, revision: goal.revision, arm: goal.arm };
    this.#download.spread(goal.digest, this.#record.phase.kind === 'fetching' ? 0 : spreadWaitMs, at);
    this.#apply({ kind: 'assigned', goal, stableFirst, now: { ...CIRCUMSTANCES, nowMs: at } }, at);
  }

  #apply(event: UpdateEvent, at: number): void {
    const before = this.#record;
    this.#record = transition(before, event, at + this.#world.network.clockErrorMs(this.traits));
    if (this.#record === before) return;
    for (const ended of transfersBetween(before, this.#record))
      if (ended.step === 'apply') this.#reporting.countTransfer(this.#assigned, ended);
    if (this.#record.phase.kind !== before.phase.kind) {
      this.#work = null;
      this.#trial = null;
    }
    if (fetchedBy(this.#record) !== fetchedBy(before)) this.#download.stop();
  }

  #endWork(work: Work, at: number): void {
    this.#work = null;
    this.#apply(work.event, at);
  }

  #lookAtDownload(at: number): void {
    const tried = this.#download.look(at);
    const { phase } = this.#record;
    if (tried === null || phase.kind !== 'fetching') return;
    const isCut = tried.kind === 'cut';
    const result = isCut ? 'network' : 'done';
    if (!isCut || tried.hadNetwork)
      this.#reporting.countTransfer(this.#assigned, { goal: phase.goal, step: 'download', result });
    this.#apply(isCut ? { kind: 'progressed', part: tried.part } : { kind: 'fetched' }, at);
  }

  /** Does what takes no time, and begins what does. */
  #goOn(at: number): void {
    while (this.#work === null && !this.#download.isUnderWay) {
      const step = nextStep(this.#record, this.#serving);
      switch (step.kind) {
        case 'wait':
          if (this.#record.phase.kind === 'trial')
            this.#trial ??= { sinceMs: at, lookAtMs: at + TRIAL_LOOK_MS, served: new Served(this.#world.answers) };
          return;
        case 'serve':
          this.#serving = step.slot;
          this.#servingSinceMs = at;
          this.#world.onServing(
            this.traits.facts.id,
            activeContent(this.#record)?.digest ?? null,
            this.#assigned?.revision ?? 0,
            at,
          );
          break;
        case 'admit':
        case 'finishRollback':
          this.#apply({ kind: step.kind === 'admit' ? 'admitted' : 'served' }, at);
          break;
        case 'fetch':
          this.#download.begin(step.goal.digest, step.part, at);
          return;
        case 'stage':
          this.#work = { endsAtMs: at + STAGE_MS, event: { kind: 'staged', sequence: 0 } };
          return;
        case 'selfTest':
          this.#work = { endsAtMs: at + SELF_TEST_MS, event: { kind: 'selfTested' } };
          return;
      }
    }
  }

  #lookAtTrial(at: number): void {
    const { phase } = this.#record;
    const trial = this.#trial;
    if (trial === null || phase.kind !== 'trial') return;
    trial.lookAtMs = at + TRIAL_LOOK_MS;
    if (this.#behaviour(at).crashes) {
      this.#apply({ kind: 'restarted' }, at);
      return;
    }
    const { inferences, unknown, errors } = trial.served;
    const progress = { ...phase.progress, inferences, unknown, errors, elapsedMs: at - trial.sinceMs };
    const seen = { latency: trial.served.latencySketch(), lastError: null };
    const verdict = judgeTrial(this.#world.trial, progress, seen);
    if (verdict.kind === 'passed') this.#apply({ kind: 'trialPassed', message: verdict.message }, at);
    if (verdict.kind === 'failed') this.#apply(failedForGood(verdict.reason, verdict.message), at);
  }

  #behaviour(at: number): Behaviour {
    const minutes = (at - this.#servingSinceMs) / MINUTE_MS;
    return this.#world.behaviour(activeContent(this.#record)?.digest ?? '', this.traits, minutes, at);
  }

  /** Answers what came in since the last event. */
  #serve(at: number): void {
    const minutes = (at - this.#countedUntilMs) / MINUTE_MS;
    this.#countedUntilMs = at;
    const content = activeContent(this.#record);
    if (content === null || minutes <= 0) return;
    const behaviour = this.#behaviour(at);
    const busyness = this.#world.busyness(this.traits, at) * behaviour.askedFactor;
    const inferences = poisson(minutes * this.traits.trafficPerMinute * busyness, this.#traffic);
    if (inferences === 0) return;
    const interval = this.#reporting.intervalOf(this.#assigned, content);
    const answered = this.#trial === null ? interval : new Served(this.#world.answers);
    answered.add(inferences, behaviour, this.traits.latencyFactor, this.#answers);
    answered.addInputs(this.#inputs.read(inferences, behaviour));
    answered.addOutputs(this.#outputs.read(inferences, behaviour));
    if (this.#trial === null) return;
    interval.merge(answered);
    this.#trial.served.merge(answered);
  }

  #report(at: number): void {
    const outcomes = this.#record.outbox;
    if (this.#reportAtMs <= at) this.#reportAtMs += this.#world.reportMs;
    const behaviour = this.#behaviour(at);
    const isSilent = behaviour.silences && activeContent(this.#record) !== null;
    const gauges = this.#gauges.read({ behaviour, busyness: this.#world.busyness(this.traits, at), at });
    if (!isSilent) this.#reporting.tell({ record: this.#record, assigned: this.#assigned, outcomes, gauges, at });
    if (outcomes.length > 0) this.#apply({ kind: 'reported', outcomes }, at);
  }
}
