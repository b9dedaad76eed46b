// Owns which slot serves: the pointer on disk, the reference that requests follow, and the notice to a process that runs the model.
import { toCodedError } from '../../../src/base/errors.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import { failedForGood, type ModelRecord, type SlotName } from '../record/model-record.ts';
import type { LoadedSlots, LoadedSlotsTools, SlotProblem } from './loaded-slots.ts';
import { callSwitchHook, type SwitchHook } from './switch-hook.ts';

export interface ServingSlotTools extends LoadedSlotsTools {
  readonly onSwitch: SwitchHook | null;
}

export class ServingSlot {
  readonly #tools: ServingSlotTools;
  readonly #loaded: LoadedSlots;
  #slot: SlotName | null = null;

  constructor(tools: ServingSlotTools, loaded: LoadedSlots) {
    this.#tools = tools;
    this.#loaded = loaded;
  }

  get slot(): SlotName | null {
    return this.#slot;
  }

  /**
   * Pointer, then reference: new requests go to the new version, those under way end on the old one. Returns why the slot can't serve;
   * undefined when it does.
   */
  async switchTo(to: { readonly slot: SlotName; readonly digest: Digest } | null): Promise<SlotProblem | undefined> {
    const { server, slots, logger } = this.#tools;
    const { model } = server;
    const slot = to?.slot ?? null;
    const ready = to === null ? null : await this.#loaded.ready(to.slot, to.digest);
    if (ready !== null && 'kind' in ready) {
      const why = ready.kind === 'failed' ? ready.message : 'its files changed on disk';
      logger.error("version can't serve", { model, slot, why });
      return ready;
    }
    await slots.point(slot).catch((error: unknown) => {
      // At the start the model on the disk serves, also where the disk can't be written.
      if (this.#slot !== null || slot === null) throw error;
      logger.error('pointer for other processes not set', { model, slot, error: toCodedError(error, 'AGENT_POINTER') });
    });
    server.swap(ready);
    this.#slot = slot;
    logger.info('serving', { model, version: ready?.version ?? null, slot });
    return undefined;
  }

  /** Notifies the process that runs the model of a switch or of new parameters. In a trial, not reaching it is a failure. */
  async notify(record: ModelRecord, signal: AbortSignal): Promise<SlotProblem | undefined> {
    const { onSwitch, clock, slots, logger, server } = this.#tools;
    if (onSwitch === null) return undefined;
    const { version = null, digest = null } = server.instance ?? {};
    const path = this.#slot === null ? '' : slots.path(this.#slot);
    try {
      await callSwitchHook(onSwitch, { model: server.model, version, digest, path }, clock, signal);
      return undefined;
    } catch (error) {
      const coded = toCodedError(error);
      logger.error('switch hook failed', { model: server.model, error: coded });
      if (record.phase.kind !== 'trial') return undefined;
      return failedForGood('load', coded.message);
    }
  }
}
