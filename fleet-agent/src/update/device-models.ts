// Owns the models of a device: an updater and a server for each, started when a directive or the disk names it.
import { toCodedError } from '../../../src/base/errors.ts';
import { Lanes } from '../../../src/base/lanes.ts';
import { Mutex } from '../../../src/base/mutex.ts';
import type { OnTrial } from '../../../src/contract/directive.ts';
import { MOST_MODELS } from '../../../src/contract/report.ts';
import type { DeviceFolder } from '../record/device-folder.ts';
import { activeContent, type Goal } from '../record/model-record.ts';
import { ParametersFile } from '../record/parameters-file.ts';
import { Slots } from '../record/slots.ts';
import { ModelServer } from '../serve/model-server.ts';
import type { DesiredVersion } from './desired-version.ts';
import { ModelUpdater, type UpdaterTools } from './model-updater.ts';

/** Downloads at once. */
const MOST_DOWNLOADS = 4;
/** Models that are read and loaded at once at the start: a slow one holds up none of the others. */
const MOST_STARTS = 4;
/** From here on the agent warns that there is little room left. */
const MANY_MODELS = 0.75 * MOST_MODELS;

export interface DeviceModelsTools extends Omit<UpdaterTools, 'server' | 'slots' | 'parameters' | 'mutex' | 'lanes'> {
  readonly folder: DeviceFolder;
}

export class DeviceModels {
  readonly #tools: DeviceModelsTools;
  readonly #signal: AbortSignal;
  readonly #mutex = new Mutex();
  readonly #lanes = new Lanes(MOST_DOWNLOADS);
  readonly #updaters = new Map<string, ModelUpdater>();
  readonly #servers = new Map<string, ModelServer>();
  readonly #noRoom = new Set<string>();
  readonly #running: Promise<void>[] = [];

  constructor(tools: DeviceModelsTools, signal: AbortSignal) {
    this.#tools = tools;
    this.#signal = signal;
  }

  get updaters(): readonly ModelUpdater[] {
    return [...this.#updaters.values()].sort((a, b) => (a.model < b.model ? -1 : 1));
  }

  get servers(): readonly ModelServer[] {
    return [...this.#servers.values()];
  }

  findServer(model: string): ModelServer | undefined {
    return this.#servers.get(model);
  }

  /** The committed versions on the disk serve when this resolves; throws what kept one from it once all others do. */
  async startKept(): Promise<void> {
    const lanes = new Lanes(MOST_STARTS);
    const kept = await this.#tools.folder.listModels();
    const started = await Promise.allSettled(kept.map((model) => lanes.run(() => this.#updaterOf(model))));
    const failed = started.find((one) => one.status === 'rejected');
    if (failed !== undefined) throw failed.reason;
  }

  /** The goal that is refused, each once, when the device has as many models as it can report: nothing may run here that nobody counts. */
  async setDesired(model: string, desired: DesiredVersion): Promise<Goal | null> {
    const { logger } = this.#tools;
    const models = this.#updaters.size + 1;
    if (!this.#updaters.has(model) && models > MOST_MODELS) {
      const key = desired.kind === 'run' ? `${model} ${desired.goal.digest} ${desired.goal.attempt}` : '';
      if (desired.kind !== 'run' || this.#noRoom.has(key)) return null;
      this.#noRoom.add(key);
      logger.error('no room for another model', { model, most: MOST_MODELS });
      return desired.goal;
    }
    if (!this.#updaters.has(model) && models > MANY_MODELS) logger.warn('many models', { models, most: MOST_MODELS });
    (await this.#updaterOf(model)).setDesired(desired);
    return null;
  }

  /** The rollout that the model's version came by, or comes; null where none did yet. */
  followedRollout(model: string): string | null {
    const record = this.#updaters.get(model)?.record;
    if (record === undefined) return null;
    const { phase, active, slots } = record;
    if ('goal' in phase) return phase.goal.rollout;
    return active === null ? null : (slots[active]?.rollout ?? null);
  }

  /** Rollouts whose candidate runs here. */
  onTrial(): OnTrial {
    const running = [...this.#updaters.values()].map(({ record }) => activeContent(record));
    return new Set(running.flatMap((content) => (content?.arm === 'candidate' ? [content.rollout] : [])));
  }

  /** Resolves when all updaters have stopped. */
  async stopped(): Promise<void> {
    await Promise.all(this.#running);
  }

  /** The model's updater; started, and its committed version serving, when this resolves. */
  async #updaterOf(model: string): Promise<ModelUpdater> {
    const known = this.#updaters.get(model);
    if (known !== undefined) return known;
    const { folder, clock, measurements, logger } = this.#tools;
    await folder.prepareModel(model);
    const server = new ModelServer(model, clock, measurements);
    const updater = await ModelUpdater.open(model, {
      ...this.#tools,
      ...{ server, mutex: this.#mutex, lanes: this.#lanes },
      slots: new Slots(folder, model),
      parameters: new ParametersFile(folder.parametersFile(model)),
    });
    await updater.start();
    this.#servers.set(model, server);
    this.#updaters.set(model, updater);
    const running = updater.run(this.#signal).catch((error: unknown) => {
      logger.error('updates of a model stopped', { model, error: toCodedError(error) });
    });
    this.#running.push(running);
    return updater;
  }
}
