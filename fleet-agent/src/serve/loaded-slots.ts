// Owns which slots are loaded into the host: checked on disk first, self-tested before they serve, freed when idle.
import type { Clock } from '../../../src/base/clock.ts';
import type { Logger } from '../../../src/base/logger.ts';
import type { Digest } from '../../../src/contract/digest.ts';
import { parseManifest } from '../../../src/contract/manifest/parse-manifest.ts';
import type { ModelManifest } from '../../../src/contract/types.generated.ts';
import type { Measurements } from '../measure/measurements.ts';
import { readLabels } from '../model/labels-file.ts';
import { failureReasonOf, type ModelHost, toModelError } from '../model/model-host.ts';
import { portsOf, signatureOf } from '../model/model-signature.ts';
import { selfTest } from '../model/self-test.ts';
import { type Failed, failedForGood, type SlotName } from '../record/model-record.ts';
import type { Slots } from '../record/slots.ts';
import type { Instance, ModelServer } from './model-server.ts';

export interface LoadedSlotsTools {
  readonly slots: Slots;
  readonly host: ModelHost;
  readonly server: ModelServer;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly measurements: Measurements;
}

/** Why a slot can't serve. */
export type SlotProblem =
  | Failed
  /** Its files are not the ones that were verified. */
  | { readonly kind: 'slotLost'; readonly slot: SlotName };

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
   * The version with this digest, loaded from its slot, or why it can't be. Files are digested before they are loaded; a version in
   * memory is ready at once.
   */
  async ready(slot: SlotName, wanted: Digest): Promise<Instance | SlotProblem> {
    const known = this.#loaded.get(slot);
    if (known?.instance.digest === wanted) return known.instance;
    this.#release(slot);
    const { slots, host, server, clock, measurements } = this.#tools;
    const intact = await slots.readIntact(slot);
    if (intact?.seal.digest !== wanted) return { kind: 'slotLost', slot };
    try {
      const { digest, version } = intact.seal;
      const manifest = parseManifest(intact.manifest, slots.path(slot, 'manifest.yaml'));
      const files = slots.modelFiles(slot, intact.seal);
      const { labels } = files.byRole;
      const signature = signatureOf(manifest, labels === undefined ? null : await readLabels(labels.path));
      const startMs = clock.monotonicMs();
      const loaded = await host.load({ ...files, ports: portsOf(signature) });
      const ms = clock.monotonicMs() - startMs;
      if (host.canRun)
        measurements.observe({ model: this.#model, ...server.assigned, slot, digest, version }, { kind: 'loaded', ms });
      const defaults = manifest.spec.parameters ?? {};
      const instance: Instance = { slot, digest, version, signature, loaded, defaults };
      this.#loaded.set(slot, { instance, manifest });
      return instance;
    } catch (error) {
      const { reason, message } = toModelError(error, 'load');
      return failedForGood(failureReasonOf(reason, 'load'), `It can't be loaded: ${message}`);
    }
  }

  /** Loads an idle slot and runs its examples. */
  async test(slot: SlotName, wanted: Digest): Promise<{ readonly kind: 'selfTested' } | SlotProblem> {
    const ready = await this.ready(slot, wanted);
    if ('kind' in ready) return ready;
    const manifest = this.#loaded.get(slot)?.manifest;
    if (manifest === undefined || !this.#tools.host.canRun) return { kind: 'selfTested' };
    const result = await selfTest(ready.loaded, manifest, ready.signature);
    if (result.kind === 'passed') return { kind: 'selfTested' };
    this.#release(slot);
    return failedForGood(result.reason, result.message);
  }

  /** Frees the other slots, each when its last answer is out; nobody waits for that. */
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
      this.#tools.logger.warn('version not freed', { model: this.#model, slot, error });
    });
  }
}
