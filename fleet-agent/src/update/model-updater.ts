// Owns carrying one model's record out: each step after it is on disk, and the next one from what came of it.
import { backOffMs } from '../../../src/base/back-off.ts';
import type { Clock } from '../../../src/base/clock.ts';
import { toCodedError } from '../../../src/base/errors.ts';
import type { Logger } from '../../../src/base/logger.ts';
import type { RandomStream } from '../../../src/base/random.ts';
import { Bell, type Turnstile } from '../../../src/base/wake-signal.ts';
import type { Parameters } from '../../../src/contract/directive.ts';
import type { DeviceFacts } from '../../../src/contract/selector.ts';
import type { Measurements } from '../measure/measurements.ts';
import type { ModelHost } from '../model/model-host.ts';
import type { Journal } from '../record/journal.ts';
import type { Goal, ModelRecord, SlotName } from '../record/model-record.ts';
import type { ParametersFile } from '../record/parameters-file.ts';
import { rebuildRecord } from '../record/rebuild-record.ts';
import type { Slots } from '../record/slots.ts';
import { LoadedSlots } from '../serve/loaded-slots.ts';
import type { Assigned, ModelServer } from '../serve/model-server.ts';
import { ServingSlot } from '../serve/serving-slot.ts';
import type { SwitchHook } from '../serve/switch-hook.ts';
import { DOWNLOAD_BACK_OFF, readManifest, type SupplyOptions, sealOf, supply } from './model-supply.ts';
import { type Transferred, transfersBetween } from './transfer-results.ts';
import { TrialWatch } from './trial-watch.ts';
import { transition } from './update-machine.ts';
import { type Circumstances, nextStep, type Step, type UpdateEvent } from './update-step.ts';

/** What the directive wants of this model. */
export type Wish =
  | {
      readonly kind: 'run';
      readonly goal: Goal;
      readonly stableFirst: Goal | null;
      readonly spreadWaitMs: number;
      readonly parameters: Parameters;
    }
  | { readonly kind: 'none'; readonly rollout: string };

export interface UpdaterTools {
  readonly clock: Clock;
  readonly random: RandomStream;
  readonly logger: Logger;
  readonly journal: Journal;
  readonly slots: Slots;
  readonly host: ModelHost;
  readonly server: ModelServer;
  readonly measurements: Measurements;
  readonly supply: SupplyOptions;
  /** One model at a time is fetched, staged or self-tested on a device. */
  readonly turnstile: Turnstile;
  readonly facts: () => DeviceFacts;
  readonly circumstances: () => Promise<Circumstances>;
  readonly onSwitch: SwitchHook | null;
  readonly parameters: ParametersFile;
  /** Something is to be told: a report should not wait for its interval. */
  readonly onOutcome: () => void;
}

export class ModelUpdater {
  readonly model: string;
  readonly #tools: UpdaterTools;
  readonly #loaded: LoadedSlots;
  readonly #trial: TrialWatch;
  readonly #serving: ServingSlot;
  readonly #bell = new Bell();
  #record: ModelRecord;
  #wish: Wish | null = null;
  #tries = 0;
  /** Monotonic time before which no byte is fetched, by digest: the spread of downloads over a fleet. */
  #spread: { readonly digest: string; readonly fromMs: number } | null = null;
  #step = new AbortController();
  #writing: Promise<unknown> = Promise.resolve();

  private constructor(record: ModelRecord, tools: UpdaterTools) {
    this.model = record.model;
    this.#record = record;
    this.#tools = tools;
    this.#loaded = new LoadedSlots(record.model, tools);
    this.#trial = new TrialWatch(tools);
    this.#serving = new ServingSlot(tools, this.#loaded);
  }

  /** Reads the journal, or rebuilds the record from the slots where it is torn or gone. */
  static async open(model: string, tools: UpdaterTools): Promise<ModelUpdater> {
    const read = await tools.journal.read(model);
    const known = typeof read === 'string' ? await rebuildRecord(model, tools.slots) : read;
    if (read === 'corrupt') tools.logger.warn('journal was unreadable, rebuilt from the running slot', { model });
    const updater = new ModelUpdater(known, tools);
    if (typeof read === 'string') await tools.journal.write(known);
    await updater.apply({ kind: 'restarted' });
    return updater;
  }

  get record(): ModelRecord {
    return this.#record;
  }

  get serving(): SlotName | null {
    return this.#serving.slot;
  }

  /** Rollout, revision and arm of the last directive. */
  get assigned(): Assigned {
    return this.#tools.server.assigned;
  }

  /** Takes note; the loop acts. Work for another version is stopped at once: going back must not wait for a download. */
  wish(wish: Wish): void {
    this.#wish = wish;
    const { phase } = this.#record;
    const inWork = phase.kind === 'fetching' ? phase.goal.digest : undefined;
    const wanted = wish.kind === 'run' ? [wish.goal.digest, wish.stableFirst?.digest] : [];
    if (inWork !== undefined && !wanted.includes(inWork)) this.#step.abort();
    if (wish.kind === 'run' && this.#spread?.digest !== wish.goal.digest) {
      const fromMs = this.#tools.clock.monotonicMs() + (phase.kind === 'fetching' ? 0 : wish.spreadWaitMs);
      this.#spread = { digest: wish.goal.digest, fromMs };
    }
    this.#bell.ring();
  }

  /** Persists what follows from an event; then, and only then, it is so. */
  async apply(event: UpdateEvent): Promise<void> {
    const turn = this.#writing.then(async () => {
      const next = transition(this.#record, event, this.#tools.supply.nowMs());
      if (next === this.#record) return;
      await this.#tools.journal.write(next);
      for (const transferred of transfersBetween(this.#record, next)) this.#countTransfer(transferred);
      const hadOutcomes = this.#record.outbox.length;
      this.#record = next;
      if (next.outbox.length > hadOutcomes) this.#tools.onOutcome();
    });
    this.#writing = turn.catch(() => undefined);
    await turn;
  }

  #countTransfer({ goal: { rollout, revision, arm, digest, version }, step, result }: Transferred): void {
    const attribution = {
      model: this.model,
      rollout,
      revision,
      arm,
      slot: this.#record.active ?? 'A',
      digest,
      version,
    };
    this.#tools.measurements.observe(attribution, { kind: 'transfer', step, result });
  }

  /** Works until stopped. Only a full disk or a bug interrupts a step; it is then tried again later. */
  async run(signal: AbortSignal): Promise<void> {
    const stop = (): void => {
      this.#step.abort();
      this.#bell.ring();
    };
    signal.addEventListener('abort', stop, { once: true });
    while (!signal.aborted) {
      try {
        await this.#work(signal);
      } catch (error) {
        if (signal.aborted) break;
        this.#tools.logger.error('update step failed', { model: this.model, error: toCodedError(error, 'AGENT_STEP') });
        await this.#rest(backOffMs(this.#tries++, DOWNLOAD_BACK_OFF, this.#tools.random));
      }
    }
    signal.removeEventListener('abort', stop);
    await this.#loaded.releaseAll();
  }

  /** The committed version serves, before anything else is looked at. */
  async start(): Promise<void> {
    for (let tries = 0; tries < 4; tries++) {
      const step = nextStep(this.#record, this.serving);
      if (step.kind !== 'serve') return;
      const event = await this.#serve(step.slot);
      if (event !== undefined) await this.apply(event);
    }
  }

  async #work(signal: AbortSignal): Promise<void> {
    await this.#takeWish();
    const step = nextStep(this.#record, this.serving);
    if (step.kind === 'rest') {
      const event =
        this.#record.phase.kind === 'trial' ? this.#trial.look(this.#record.phase, this.#loaded) : undefined;
      if (event !== undefined) await this.apply(event);
      this.#loaded.releaseExcept(this.#neededSlots());
      if (event === undefined || event.kind === 'tried')
        await this.#rest(this.#record.phase.kind === 'trial' ? this.#trial.tickMs : undefined);
      return;
    }
    const event = await this.#carryOut(step);
    if (event === undefined || signal.aborted) return;
    const before = this.#record;
    await this.apply(event);
    if (event.kind === 'failed') await this.#afterFailure(event);
    if (this.#record !== before) this.#tries = 0;
    else await this.#rest(backOffMs(this.#tries++, DOWNLOAD_BACK_OFF, this.#tools.random));
  }

  async #takeWish(): Promise<void> {
    const wish = this.#wish;
    if (wish === null) return;
    this.#wish = null;
    this.#step = new AbortController();
    const { server } = this.#tools;
    if (wish.kind === 'none') {
      server.assign({ rollout: wish.rollout, revision: server.assigned.revision, arm: null });
      await this.apply({ kind: 'unassigned', rollout: wish.rollout });
      return;
    }
    const { goal, stableFirst, parameters } = wish;
    if (await this.#tools.parameters.take(parameters)) await this.#serving.tell(this.#record, this.#step.signal);
    server.assign({ rollout: goal.rollout, revision: goal.revision, arm: goal.arm });
    await this.apply({ kind: 'assigned', goal, stableFirst, now: await this.#tools.circumstances() });
  }

  async #rest(ms?: number): Promise<void> {
    if (this.#wish === null) await this.#bell.wait(this.#tools.clock, ms);
  }

  /** Slots whose loaded version may be needed at once. */
  #neededSlots(): readonly (SlotName | null)[] {
    const { phase } = this.#record;
    if (phase.kind === 'trial') return [this.serving, phase.fallback];
    return 'slot' in phase ? [this.serving, phase.slot] : [this.serving];
  }

  async #carryOut(step: Exclude<Step, { kind: 'rest' }>): Promise<UpdateEvent | undefined> {
    switch (step.kind) {
      case 'serve':
        return this.#serve(step.slot);
      case 'fetch':
        return this.#fetch(step);
      case 'stage':
        return this.#tools.turnstile.pass(() => this.#stage(step.goal, step.slot));
      case 'selfTest':
        return this.#tools.turnstile.pass(() => this.#loaded.test(step.slot, step.goal.digest));
      case 'admit':
        return { kind: 'admitted' };
      case 'finishRollback':
        return { kind: 'served' };
    }
  }

  async #fetch(step: Extract<Step, { kind: 'fetch' }>): Promise<UpdateEvent | undefined> {
    const { clock, turnstile, random, logger } = this.#tools;
    const waitMs =
      step.part === null && this.#spread?.digest === step.goal.digest ? this.#spread.fromMs - clock.monotonicMs() : 0;
    if (waitMs > 0) {
      await this.#rest(waitMs);
      return undefined;
    }
    const { signal } = this.#step;
    const result = await turnstile.pass(async () =>
      supply(
        {
          ...{ model: this.model, goal: step.goal, slot: step.slot, slots: this.#tools.slots, part: step.part, signal },
          facts: this.#tools.facts(),
          fingerprint: (await this.#tools.circumstances()).fingerprint,
          onFlushed: (part) => this.apply({ kind: 'progressed', part }),
        },
        this.#tools.supply,
      ),
    );
    // Before the failure is written down: on a full disk there may be no room for that otherwise.
    if (result.kind === 'failed') await this.#tools.slots.clear(step.slot);
    if (result.kind !== 'later') return result;
    if (signal.aborted) return undefined;
    this.#countTransfer({ goal: step.goal, step: 'download', result: result.reason });
    const waited = Math.max(backOffMs(this.#tries++, DOWNLOAD_BACK_OFF, random), result.afterMs ?? 0);
    logger.warn('download is tried again', {
      model: this.model,
      version: step.goal.version,
      reason: result.message,
      inMs: Math.round(waited),
    });
    await this.#rest(waited);
    return undefined;
  }

  async #stage(goal: Goal, slot: SlotName): Promise<UpdateEvent> {
    const { slots, facts, supply: options } = this.#tools;
    const kept = await slots.readManifest(slot);
    const read = kept === undefined ? undefined : readManifest(kept.manifest, goal, this.model, facts(), options);
    if (read?.kind !== 'read') {
      const message = read?.message ?? 'The manifest is gone from the slot.';
      return { kind: 'failed', reason: 'corrupt', message, lapse: { kind: 'never' } };
    }
    await slots.seal(slot, sealOf(goal, read.files, new Date(options.nowMs()).toISOString()));
    return { kind: 'staged' };
  }

  async #serve(slot: SlotName | null): Promise<UpdateEvent | undefined> {
    const digest = slot === null ? undefined : this.#record.slots[slot]?.digest;
    const refusal = await this.#serving.switchTo(slot === null || digest === undefined ? null : { slot, digest });
    if (refusal !== undefined) return refusal;
    this.#trial.begin();
    return this.#serving.tell(this.#record, this.#step.signal);
  }

  /** What failed before it served is removed, so that it takes no space. */
  async #afterFailure(event: Extract<UpdateEvent, { kind: 'failed' }>): Promise<void> {
    const { slots, logger } = this.#tools;
    logger.warn('version failed', { model: this.model, reason: event.reason, why: event.message });
    for (const slot of ['A', 'B'] as const) {
      if (this.#record.slots[slot] === null && slot !== this.serving) await slots.clear(slot);
    }
  }
}
