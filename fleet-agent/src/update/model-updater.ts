// Owns the loop that updates one model: it persists each event, then carries out the next step of the record.
import { backOffMs } from '../../../src/base/back-off.ts';
import { toCodedError } from '../../../src/base/errors.ts';
import type { Lanes } from '../../../src/base/lanes.ts';
import { Mutex } from '../../../src/base/mutex.ts';
import type { RandomStream } from '../../../src/base/random.ts';
import { WakeSignal } from '../../../src/base/wake-signal.ts';
import type { Parameters } from '../../../src/contract/directive.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { Journal } from '../record/journal.ts';
import type { DownloadPart, ModelRecord, SlotName } from '../record/model-record.ts';
import type { ParametersFile } from '../record/parameters-file.ts';
import { readRecord } from '../record/rebuild-record.ts';
import { LoadedSlots } from '../serve/loaded-slots.ts';
import type { Assigned } from '../serve/model-server.ts';
import { ServingSlot, type ServingSlotTools } from '../serve/serving-slot.ts';
import { DesiredInbox } from './desired-inbox.ts';
import type { DesiredVersion } from './desired-version.ts';
import { stage, supply } from './model-supply.ts';
import { RevokedVersions } from './revoked-versions.ts';
import { DOWNLOAD_BACK_OFF, SupplyPause } from './supply-pause.ts';
import { later, type SupplyOptions } from './supply-request.ts';
import { countTransfer, transfersBetween } from './transfers.ts';
import { TrialWatch } from './trial-watch.ts';
import { transition } from './update-machine.ts';
import { type Circumstances, nextStep, type Step, slotsInUse, type UpdateEvent } from './update-step.ts';
import { WantedParameters } from './wanted-parameters.ts';

export interface UpdaterTools extends ServingSlotTools {
  readonly random: RandomStream;
  readonly journal: Journal;
  readonly supply: SupplyOptions;
  /** One model at a time is staged or self-tested on a device. */
  readonly mutex: Mutex;
  /** So many models are fetched at once, so that a host that hangs holds up none of the others. */
  readonly lanes: Lanes;
  readonly facts: () => DeviceFacts;
  readonly circumstances: () => Promise<Circumstances>;
  readonly parameters: ParametersFile;
  /** The device's newest gauges, by name. */
  readonly readings: () => ReadonlyMap<string, number>;
  /** There is an outcome: a report should not wait for its interval. */
  readonly onOutcome: () => void;
}

export class ModelUpdater {
  readonly model: string;
  readonly #tools: UpdaterTools;
  readonly #loaded: LoadedSlots;
  readonly #trial: TrialWatch;
  readonly #serving: ServingSlot;
  readonly #wake = new WakeSignal();
  #record: ModelRecord;
  readonly #inbox: DesiredInbox;
  readonly #parameters: WantedParameters;
  readonly #revoked: RevokedVersions;
  #tries = 0;
  readonly #pause: SupplyPause;
  #step = new AbortController();
  readonly #writing = new Mutex();

  private constructor(record: ModelRecord, tools: UpdaterTools) {
    this.model = record.model;
    this.#record = record;
    this.#tools = tools;
    this.#inbox = new DesiredInbox(tools);
    this.#loaded = new LoadedSlots(record.model, tools);
    this.#trial = new TrialWatch(tools);
    this.#pause = new SupplyPause(tools);
    this.#parameters = new WantedParameters(tools);
    this.#revoked = new RevokedVersions(tools);
    this.#serving = new ServingSlot(tools, this.#loaded);
  }

  /** Reads the journal, or rebuilds the record from the slots where it is torn or gone. */
  static async open(model: string, tools: UpdaterTools): Promise<ModelUpdater> {
    const { record, found } = await readRecord(model, tools.journal, tools.slots);
    if (found === 'corrupt' || found === 'unreadable') tools.logger.error('journal rebuilt', { model, found });
    const updater = new ModelUpdater(record, tools);
    // One that the disk does not give now may be whole at the next start.
    if (found === 'corrupt' || found === 'absent') await tools.journal.write(record, 'if possible');
    const revoked = await updater.#revoked.look(record);
    await updater.apply({ kind: 'restarted', revoked }, 'if possible');
    await tools.parameters.open();
    return updater;
  }

  get record(): ModelRecord {
    return this.#record;
  }

  get serving(): SlotName | null {
    return this.#serving.slot;
  }

  get servesRevoked(): string | null {
    return this.#revoked.servedBy(this.#record);
  }

  /** Parameters in force: those of the version that serves. */
  get parameters(): Parameters {
    return this.#parameters.inForce;
  }

  /** Rollout, revision and arm of the last directive. */
  get assigned(): Assigned {
    return this.#tools.server.assigned;
  }

  /** Takes note; the loop acts. Work for another version is stopped at once: a rollback must not wait for a download. */
  setDesired(desired: DesiredVersion): void {
    this.#inbox.put(desired);
    const { phase } = this.#record;
    const inWork = phase.kind === 'fetching' ? phase.goal.digest : undefined;
    const wanted = desired.kind === 'run' ? [desired.goal.digest, desired.stableFirst?.digest] : [];
    if (inWork !== undefined && !wanted.includes(inWork)) this.#step.abort();
    if (desired.kind === 'run')
      this.#pause.spread(desired.goal.digest, inWork === undefined ? desired.spreadWaitMs : 0);
    this.#wake.wake();
  }

  /** Writes the record that follows from an event; the updater acts on it only once it is on disk, where that is not just wished for. */
  async apply(event: UpdateEvent, durably: 'always' | 'if possible' = 'always'): Promise<void> {
    await this.#writing.run(async () => {
      const next = transition(this.#record, event, this.#tools.supply.nowMs());
      if (next === this.#record) return;
      await this.#tools.journal.write(next, durably);
      for (const one of transfersBetween(this.#record, next)) countTransfer(this.#tools, this.#record, one);
      const hadOutcomes = this.#record.outbox.length;
      this.#record = next;
      if (next.outbox.length > hadOutcomes) this.#tools.onOutcome();
    });
  }

  /** Works until stopped. Only a full disk or a bug interrupts a step; it is then tried again later. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#step.abort();
      this.#wake.wake();
    };
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      try {
        await this.#work(signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#tools.logger.error('update step failed', { model: this.model, error: toCodedError(error, 'AGENT_STEP') });
        await this.#wait(backOffMs(this.#tries++, DOWNLOAD_BACK_OFF, this.#tools.random));
      }
    }
    signal.removeEventListener('abort', stop);
    await this.#loaded.releaseAll();
  }

  /** The committed version serves, before anything else is looked at, and whether or not the disk can be written. */
  async start(): Promise<void> {
    for (let tries = 0; tries < 4; tries++) {
      const step = nextStep(this.#record, this.serving);
      if (step.kind !== 'serve') return;
      const event = await this.#serve(step.slot);
      if (event !== undefined) await this.apply(event, 'if possible');
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    await this.#takeDesired();
    const step = nextStep(this.#record, this.serving);
    if (step.kind === 'wait') return this.#steady();
    // It may be wanted no more: what is wanted could not be taken yet.
    if (step.kind === 'fetch' && !this.#inbox.isEmpty) return this.#wait();
    const event = await this.#carryOut(step);
    if (event === undefined || signal.aborted) return;
    const before = this.#record;
    await this.apply(event);
    if (event.kind === 'failed') await this.#afterFailure(event);
    if (this.#record !== before) this.#tries = 0;
    else await this.#wait(backOffMs(this.#tries++, DOWNLOAD_BACK_OFF, this.#tools.random));
  }

  /** Watches the trial, if there is one, and waits for the next event. */
  async #steady(): Promise<void> {
    const { phase } = this.#record;
    const event = phase.kind === 'trial' ? this.#trial.look(phase, this.#loaded) : undefined;
    if (event !== undefined) await this.apply(event);
    this.#loaded.releaseExcept(slotsInUse(this.#record, this.serving));
    if (event === undefined || event.kind === 'trialProgressed')
      await this.#wait(phase.kind === 'trial' ? this.#trial.tickMs : undefined);
  }

  /** One that can't be taken now is tried again: the directive that it came by may be the last for long. The step in work goes on meanwhile. */
  async #takeDesired(): Promise<void> {
    const desired = this.#inbox.take();
    if (desired === null) return;
    try {
      await this.#follow(desired);
    } catch (error) {
      this.#inbox.putBack(desired);
      this.#tools.logger.error('directive not taken', { model: this.model, error: toCodedError(error, 'AGENT_STEP') });
    }
  }

  async #follow(desired: DesiredVersion): Promise<void> {
    this.#step = new AbortController();
    const { server } = this.#tools;
    if (desired.kind === 'none') {
      server.assign({ rollout: desired.rollout, revision: server.assigned.revision, arm: null });
      await this.apply({ kind: 'unassigned', rollout: desired.rollout });
      return;
    }
    const { goal, stableFirst } = desired;
    const serving = server.instance?.digest;
    const { mayFollow, message } = await this.#parameters.want(this.#record, desired, serving);
    if (message !== null) await this.apply({ kind: 'parametersRefused', goal, message });
    if (!mayFollow) return;
    if (await this.#parameters.enforce(this.#record, serving))
      await this.#serving.notify(this.#record, this.#step.signal);
    server.assign({ rollout: goal.rollout, revision: goal.revision, arm: goal.arm });
    await this.apply({
      kind: 'assigned',
      goal,
      stableFirst,
      now: { ...(await this.#tools.circumstances()), revoked: await this.#revoked.look(this.#record) },
    });
  }

  async #wait(ms?: number): Promise<void> {
    const { leftMs } = this.#inbox;
    if (leftMs > 0) await this.#wake.wait(this.#tools.clock, Math.min(ms ?? leftMs, leftMs));
  }

  async #carryOut(step: Exclude<Step, { kind: 'wait' }>): Promise<UpdateEvent | undefined> {
    const { model } = this;
    const { mutex, facts, slots, supply: options } = this.#tools;
    switch (step.kind) {
      case 'serve':
        return this.#serve(step.slot);
      case 'fetch':
        return this.#fetch(step);
      case 'stage':
        return mutex.run(() => stage({ model, ...step, facts: facts() }, slots, options.nowMs()));
      case 'selfTest':
        return mutex.run(() => this.#loaded.test(step.slot, step.goal.digest));
      case 'admit':
        return { kind: 'admitted' };
      case 'finishRollback':
        return { kind: 'served' };
    }
  }

  async #fetch(step: Extract<Step, { kind: 'fetch' }>): Promise<UpdateEvent | undefined> {
    const { lanes, logger, slots, facts, circumstances, supply: options } = this.#tools;
    const { goal } = step;
    const waitMs = this.#pause.leftMs(goal.digest, step.part !== null);
    if (waitMs > 0) {
      await this.#wait(waitMs);
      return undefined;
    }
    const { model } = this;
    const { signal } = this.#step;
    let hasProgressed = false;
    const result = await lanes.run(async () => {
      if (signal.aborted) return later('stopped');
      const { fingerprint } = await circumstances();
      const onFlushed = (part: DownloadPart) => {
        hasProgressed ||= part.offset > (step.part?.name === part.name ? step.part.offset : 0);
        return this.apply({ kind: 'progressed', part });
      };
      const asked = { ...step, ...this.#pause.askedOf(goal.digest), parameters: this.#parameters.of(goal.digest) };
      const here = { model, slots, facts: facts(), fingerprint, height: this.#record.height };
      return supply({ ...asked, ...here, onFlushed, signal }, options);
    });
    // Before the failure is recorded: a full disk may have no room for the record otherwise.
    if (result.kind === 'failed') await slots.clear(step.slot);
    if (result.kind !== 'later') return result;
    if (signal.aborted) return undefined;
    countTransfer(this.#tools, this.#record, { goal, step: 'download', result: result.reason });
    const inMs = Math.round(this.#pause.note(goal.digest, result, hasProgressed));
    logger.warn('download will be retried', { model, version: goal.version, reason: result.message, inMs });
    return this.#pause.barOf(goal.digest, result, options.nowMs());
  }

  async #serve(slot: SlotName | null): Promise<UpdateEvent | undefined> {
    const digest = slot === null ? undefined : this.#record.slots[slot]?.digest;
    await this.#parameters.enforce(this.#record, digest);
    const { latency } = this.#tools.server.counts;
    const refusal = await this.#serving.switchTo(slot === null || digest === undefined ? null : { slot, digest });
    if (refusal !== undefined) return refusal;
    this.#trial.begin(latency);
    return this.#serving.notify(this.#record, this.#step.signal);
  }

  /** A version that failed before it served is removed, so that it takes no space. */
  async #afterFailure(event: Extract<UpdateEvent, { kind: 'failed' }>): Promise<void> {
    const { slots, logger } = this.#tools;
    logger.warn('version failed', { model: this.model, reason: event.reason, detail: event.message });
    for (const slot of ['A', 'B'] as const) {
      if (this.#record.slots[slot] === null && slot !== this.serving) await slots.clear(slot);
    }
  }
}
