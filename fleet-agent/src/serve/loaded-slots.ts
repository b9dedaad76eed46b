// Owns which slots are loaded into the host: checked on disk first, tested before they may serve, freed when idle.
import type { Clock } from '../../../src/base/clock.ts';
import type { Logger } from '../../../src/base/logger.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import type { ModelManifest } from '../../../src/contract/types.generated.ts';
import type { Measurements } from '../measure/measurements.ts';
import { type ModelHost, toModelError } from '../model/model-host.ts';
import { signatureOf } from '../model/model-signature.ts';
import { selfTest } from '../model/self-test.ts';
import type { SlotName } from '../record/model-record.ts';
import type { Slots } from '../record/slots.ts';
import type { SupplyOptions } from '../update/model-supply.ts';
import type { UpdateEvent } from '../update/update-step.ts';
import type { Instance, ModelServer } from './model-server.ts';

export interface LoadedSlotsTools {
  readonly slots: Slots;
  readonly host: ModelHost;
  readonly server: ModelServer;
  readonly supply: Pick<SupplyOptions, 'parseManifest'>;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly measurements: Measurements;
}

interface Loaded {
  readonly instance: Instance;
  readonly manifest: ModelManifest;
}

export class LoadedSlots {
  readonly #model: string;
  readonly #tools: LoadedSlotsTools;
  readonly #loaded = new Map<SlotName, Loaded>();
  readonly #leaving = new Set<Promise<void>>();

  constructor(model: string, tools: LoadedSlotsTools) {
    this.#model = model;
    this.#tools = tools;
  }

  manifestOf(slot: SlotName): ModelManifest | undefined {
    return this.#loaded.get(slot)?.manifest;
  }

  /**
   * The version with this digest, loaded from its slot; or the event that says why it can't be. Files are digested before they are
   * loaded; a version in memory is at hand at once.
   */
  async ready(
    slot: SlotName,
    wanted: Digest,
  ): Promise<Instance | Extract<UpdateEvent, { kind: 'failed' | 'slotLost' }>> {
    const known = this.#loaded.get(slot);
    if (known?.instance.digest === wanted) return known.instance;
    this.#release(slot);
    const { slots, host, supply, server, clock, measurements } = this.#tools;
    const intact = await slots.readIntact(slot);
    if (intact?.seal.digest !== wanted) return { kind: 'slotLost', slot };
    try {
      const { digest, version } = intact.seal;
      const manifest = supply.parseManifest(intact.manifest, slots.path(slot, 'manifest.yaml'));
      const signature = signatureOf(manifest);
      const startMs = clock.monotonicMs();
      const loaded = await host.load(slots.modelFiles(slot, intact.seal));
      const ms = clock.monotonicMs() - startMs;
      if (host.canRun)
        measurements.observe({ model: this.#model, ...server.assigned, slot, digest, version }, { kind: 'loaded', ms });
      const instance: Instance = { slot, digest, version, signature, loaded };
      this.#loaded.set(slot, { instance, manifest });
      return instance;
    } catch (error) {
      const { reason, message } = toModelError(error, 'load');
      const told = reason === 'runtime' ? 'load' : reason;
      return { kind: 'failed', reason: told, message: `It can't be loaded: ${message}`, lapse: { kind: 'never' } };
    }
  }

  /** Loads an idle slot and runs its examples. */
  async test(slot: SlotName, wanted: Digest): Promise<UpdateEvent> {
    const ready = await this.ready(slot, wanted);
    if ('kind' in ready) return ready;
    const manifest = this.#loaded.get(slot)?.manifest;
    if (manifest === undefined || !this.#tools.host.canRun) return { kind: 'selfTested' };
    const result = await selfTest(ready.loaded, manifest, ready.signature);
    if (result.kind === 'passed') return { kind: 'selfTested' };
    this.#release(slot);
    return { kind: 'failed', reason: result.reason, message: result.message, lapse: { kind: 'never' } };
  }

  /** Frees what is not needed, each when its last answer is out; nobody waits for that. */
  releaseExcept(needed: readonly (SlotName | null)[]): void {
    for (const slot of [...this.#loaded.keys()]) if (!needed.includes(slot)) this.#release(slot);
  }

  /** Stops serving and waits until everything is freed. */
  async releaseAll(): Promise<void> {
    this.#tools.server.swap(null);
    this.releaseExcept([]);
    await Promise.all(this.#leaving);
  }

  #release(slot: SlotName): void {
    const loaded = this.#loaded.get(slot);
    if (loaded === undefined || loaded.instance === this.#tools.server.instance) return;
    this.#loaded.delete(slot);
    const leaving = this.#free(loaded.instance, slot).finally(() => this.#leaving.delete(leaving));
    this.#leaving.add(leaving);
  }

  async #free(instance: Instance, slot: SlotName): Promise<void> {
    await this.#tools.server.drain(instance);
    await instance.loaded.release().catch((error: unknown) => {
      this.#tools.logger.warn('a version could not be freed', { model: this.#model, slot, error });
    });
  }
}
