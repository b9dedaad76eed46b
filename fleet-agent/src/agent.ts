// Owns the device's loop: follow directives, serve models, tell what happened; all that it touches is injected.
import { toIsoSeconds } from '../../src/base/clock.ts';
import { CodedError, toCodedError } from '../../src/base/errors.ts';
import type { Logger } from '../../src/base/logger.ts';
import type { Directive, Parameters } from '../../src/contract/directive.ts';
import type { Outcome } from '../../src/contract/report.ts';
import { isDeviceId } from '../../src/contract/report-reader.ts';
import type { DeviceFacts } from '../../src/contract/selector.ts';
import { DirectiveClient } from '../../src/contract/tuf/directive-client.ts';
import {
  type AgentIntervals,
  type AgentOptions,
  DEFAULT_INTERVALS,
  type DirectiveAnswer,
  type DirectiveSource,
} from './agent-options.ts';
import { Bell, Turnstile } from './bell.ts';
import { DeviceFolder } from './device-folder.ts';
import { DeviceGauges } from './device-gauges.ts';
import { DeviceMemory } from './device-memory.ts';
import { takeDirective } from './directive-intake.ts';
import { RefusalNote } from './directive-refusal.ts';
import { DiskReserve } from './disk-reserve.ts';
import { FactSource } from './fact-source.ts';
import { lockFolder } from './folder-lock.ts';
import { followChanges } from './follow-changes.ts';
import { joinUrl } from './http.ts';
import { Identity } from './identity.ts';
import { InferEndpoint } from './infer-endpoint.ts';
import { Journal } from './journal.ts';
import { Measurements } from './measure.ts';
import { type InferenceAnswer, ModelServer } from './model-server.ts';
import type { SupplyOptions } from './model-supply.ts';
import { ModelUpdater, type UpdaterTools } from './model-updater.ts';
import { ParametersFile } from './parameters-file.ts';
import { parseManifest } from './parse-manifest.ts';
import { ReportQueue } from './report-queue.ts';
import { Reporting } from './reporting.ts';
import { Slots } from './slots.ts';
import { type AgentStatus, statusOf } from './status.ts';
import { systemReadings } from './system-readings.ts';
import type { Tensor } from './tensor.ts';

export interface Agent {
  readonly id: string;
  /** Runs until the signal; rejects only for what a restart would not mend. */
  run(signal: AbortSignal): Promise<void>;
  /** Asks the serving version of a model, as the endpoint would. Throws INFER_NO_MODEL, INFER_BUSY or a ModelError. */
  infer(model: string, inputs: readonly Tensor[]): Promise<InferenceAnswer>;
  /** Parameters that the directive gives the model here. */
  parametersOf(model: string): Parameters;
  status(): AgentStatus;
  /** Resolves when the committed models serve (or there is none) and the endpoint, if any, listens. */
  readonly started: Promise<{ readonly endpointPort: number | null }>;
}

/** An agent that has touched nothing yet. Throws AGENT_ID for an id that can't stand in addresses and file names. */
export function createAgent(options: AgentOptions): Agent {
  if (!isDeviceId(options.id)) {
    throw new CodedError({
      code: 'AGENT_ID',
      message: `"${options.id}" can't be a device's id.`,
      remedy: 'Use letters, digits and . _ : @ -, at most 128, beginning with a letter or digit.',
    });
  }
  return new DeviceAgent(options);
}

class DeviceAgent implements Agent {
  readonly id: string;
  readonly started: Promise<{ readonly endpointPort: number | null }>;
  readonly #options: AgentOptions;
  readonly #intervals: AgentIntervals;
  readonly #logger: Logger;
  readonly #folder: DeviceFolder;
  readonly #measurements = new Measurements();
  readonly #gauges = new DeviceGauges();
  readonly #turnstile = new Turnstile();
  readonly #updaters = new Map<string, ModelUpdater>();
  readonly #servers = new Map<string, ModelServer>();
  readonly #parameters = new Map<string, Parameters>();
  readonly #running: Promise<void>[] = [];
  readonly #reportBell = new Bell();
  readonly #self: FactSource;
  #refusal: RefusalNote | null = null;
  #conflicts = new Map<string, string>();
  #conflictOutcomes: Outcome[] = [];
  #resolveStarted: (facts: { endpointPort: number | null }) => void = () => undefined;
  #rejectStarted: (error: unknown) => void = () => undefined;
  #signal: AbortSignal = AbortSignal.abort();

  constructor(options: AgentOptions) {
    this.id = options.id;
    this.#options = options;
    this.#intervals = { ...DEFAULT_INTERVALS, ...options.intervals };
    this.#logger = options.logger;
    this.#folder = new DeviceFolder(options.folder);
    this.#self = new FactSource(options);
    this.started = new Promise((resolve, reject) => {
      this.#resolveStarted = resolve;
      this.#rejectStarted = reject;
    });
    this.started.catch(() => undefined);
  }

  async run(signal: AbortSignal): Promise<void> {
    this.#signal = signal;
    const { clock, endpointPort = null, readings = systemReadings(this.#folder.root) } = this.#options;
    try {
      await this.#folder.prepare();
      await using _lock = await lockFolder(this.#folder.root, clock, this.#logger);
      const identity = await Identity.open(this.id, this.#folder);
      this.#self.takeEnrolledLabels(identity.enrolment?.labels ?? {});
      const memory = await DeviceMemory.open(this.#folder.memoryFile, clock);
      const queue = await ReportQueue.open(this.#folder.reportFolder, this.#logger);
      const refusal = await RefusalNote.open(this.#folder.refusalFile);
      this.#refusal = refusal;
      const journal = new Journal(this.#folder, this.#options.onPersisted);
      const reserve = new DiskReserve(this.#folder.reserveFile);
      for (const model of await this.#folder.listModels()) await this.#updaterOf(model, memory, journal);
      const directives = await this.#openDirectives();
      const take = (directive: Directive) => {
        memory.heedSigners(directives.lastSigners?.());
        return this.#take(directive, memory, journal);
      };
      const last = directives.lastAccepted();
      if (last !== undefined) await take(last);
      const endpoint =
        endpointPort === null
          ? null
          : new InferEndpoint({
              port: endpointPort,
              find: (model) => this.#servers.get(model),
              list: () => [...this.#servers.values()],
              gauges: this.#gauges,
            });
      this.#resolveStarted({ endpointPort: endpoint === null ? null : await endpoint.start() });
      const reporting = new Reporting(this.#options, {
        ...{
          identity,
          queue,
          bell: this.#reportBell,
          reportMs: this.#intervals.reportMs,
          measurements: this.#measurements,
          gauges: this.#gauges,
        },
        facts: () => withProperties(this.#self.facts(), refusal.properties),
        updaters: () => [...this.#updaters.values()],
        takeConflicts: () => this.#conflictOutcomes.splice(0),
        nowMs: () => memory.nowMs(),
        onEnrolled: (labels) => this.#self.takeEnrolledLabels(labels),
      });
      const note = async (answer: DirectiveAnswer): Promise<void> => {
        if (await refusal.take(answer, memory.nowMs())) this.#reportBell.ring();
      };
      await Promise.all([
        followChanges({ ...this.#options, directives, reserve, intervals: this.#intervals, take, note, signal }),
        reporting.run(signal),
        this.#gauges.run(readings, { clock, everyMs: this.#intervals.sampleMs, signal }),
      ]);
      await Promise.all(this.#running);
      await reporting.keepRest();
      await endpoint?.stop();
    } catch (error) {
      this.#rejectStarted(error);
      throw error;
    }
  }

  async #openDirectives(): Promise<DirectiveSource> {
    const { openDirectives, factoryRoot, clock } = this.#options;
    if (openDirectives !== undefined) return openDirectives(this.#folder.tufFolder);
    return DirectiveClient.open({
      publicationUrl: this.#distributionUrl,
      stateFolder: this.#folder.tufFolder,
      factoryRoot,
      clock,
    });
  }

  async infer(model: string, inputs: readonly Tensor[]): Promise<InferenceAnswer> {
    const server = this.#servers.get(model);
    if (server !== undefined) return server.infer(inputs);
    const message = `No version of "${model}" serves on this device.`;
    throw new CodedError({ code: 'INFER_NO_MODEL', kind: 'retry-later', message });
  }

  parametersOf(model: string): Parameters {
    return this.#parameters.get(model) ?? {};
  }

  status(): AgentStatus {
    const records = [...this.#updaters.values()].map((updater) => ({
      record: updater.record,
      serving: updater.serving,
    }));
    return statusOf(this.id, records, this.#refusal?.refusal ?? null);
  }

  get #distributionUrl(): string {
    const { serverUrl, distributionUrl } = this.#options;
    return distributionUrl ?? joinUrl(serverUrl ?? '', 'distribution');
  }

  async #take(directive: Directive, memory: DeviceMemory, journal: Journal): Promise<void> {
    await this.#self.circumstances();
    const taken = await takeDirective(directive, this.#self.facts(), { memory, logger: this.#logger });
    const conflicts = new Map<string, string>();
    for (const one of taken) {
      if (one.kind === 'wish') {
        const updater = await this.#updaterOf(one.model, memory, journal);
        if (one.wish.kind === 'run') this.#parameters.set(one.model, one.wish.parameters);
        updater.wish(one.wish);
        continue;
      }
      const rollouts = one.rollouts.join(', ');
      conflicts.set(one.model, rollouts);
      if (this.#conflicts.get(one.model) !== rollouts) this.#tellConflict(one, rollouts, memory.nowMs());
    }
    this.#conflicts = conflicts;
  }

  #tellConflict(
    conflict: Extract<Awaited<ReturnType<typeof takeDirective>>[number], { kind: 'conflict' }>,
    rollouts: string,
    nowMs: number,
  ): void {
    const { model, entry } = conflict;
    const choice = entry.candidate ?? entry.stable;
    if (choice === null) return;
    const { rollout, revision } = entry;
    const message = `Several rollouts are for "${model}" on this device (${rollouts}); nothing changes here.`.slice(
      0,
      500,
    );
    this.#conflictOutcomes.push({
      ...{ model, rollout, revision, digest: choice.digest, attempt: entry.candidate?.attempt ?? 0 },
      ...{ kind: 'conflict', reason: null, message, at: toIsoSeconds(nowMs) },
    });
    this.#reportBell.ring();
  }

  /** The model's updater; started, and its committed version serving, when this resolves. */
  async #updaterOf(model: string, memory: DeviceMemory, journal: Journal): Promise<ModelUpdater> {
    const known = this.#updaters.get(model);
    if (known !== undefined) return known;
    await this.#folder.prepareModel(model);
    const server = new ModelServer(model, this.#options.clock, this.#measurements);
    const updater = await ModelUpdater.open(model, this.#toolsFor(model, server, memory, journal));
    await updater.start();
    this.#servers.set(model, server);
    this.#updaters.set(model, updater);
    this.#running.push(
      updater.run(this.#signal).catch((error: unknown) => {
        this.#logger.error('a model is not looked after any more', { model, error: toCodedError(error) });
      }),
    );
    return updater;
  }

  #toolsFor(model: string, server: ModelServer, memory: DeviceMemory, journal: Journal): UpdaterTools {
    const { clock, random, host, onSwitch = null } = this.#options;
    return {
      ...{ clock, random, host, onSwitch, server, journal, logger: this.#logger, turnstile: this.#turnstile },
      measurements: this.#measurements,
      slots: new Slots(this.#folder, model),
      parameters: new ParametersFile(this.#folder.parametersFile(model)),
      supply: this.#supplyOptions(memory),
      facts: () => this.#self.facts(),
      circumstances: () => this.#self.circumstances(),
      onOutcome: () => this.#reportBell.ring(),
    };
  }

  #supplyOptions(memory: DeviceMemory): SupplyOptions {
    const { verifier, clock } = this.#options;
    const distributionUrl = this.#distributionUrl;
    const { reserveBytes = 16 * 1024 * 1024, bytesPerSecondMost = null } = this.#options;
    return {
      distributionUrl,
      verifier,
      parseManifest,
      reserveBytes,
      bytesPerSecondMost,
      clock,
      nowMs: () => memory.nowMs(),
    };
  }
}

function withProperties(facts: DeviceFacts, more: DeviceFacts['properties']): DeviceFacts {
  return { ...facts, properties: { ...facts.properties, ...more } };
}
