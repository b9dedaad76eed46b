// Owns the device's loop: follow directives, serve models, report; everything that it touches is injected.
import { CodedError } from '../../src/base/errors.ts';
import { WakeSignal } from '../../src/base/wake-signal.ts';
import type { Directive, DirectiveEntry, Parameters } from '../../src/contract/directive.ts';
import { SERVES_REVOKED } from '../../src/contract/report.ts';
import { isDeviceId } from '../../src/contract/report-reader.ts';
import { type Backing, backingOf } from '../../src/contract/step-signature.ts';
import { type AgentOptions, DEFAULT_INTERVALS } from './agent-options.ts';
import { agentMetricsText } from './agent-readings.ts';
import { DeviceProblems, findReadOnly } from './device-problems.ts';
import { DirectiveNotes } from './directive-notes.ts';
import { FactSource } from './fact-source.ts';
import { ArtifactLocator } from './link/artifact-locator.ts';
import { DirectiveClient } from './link/directive-client.ts';
import { RefusalNote } from './link/directive-refusal.ts';
import type { DirectiveAnswer, DirectiveSource } from './link/directive-source.ts';
import { followChanges } from './link/follow-changes.ts';
import { Identity } from './link/identity.ts';
import { RetriedDirectives } from './link/retried-directives.ts';
import { Throttle } from './link/throttle.ts';
import { DeviceGauges } from './measure/device-gauges.ts';
import { Measurements } from './measure/measurements.ts';
import { systemReadings } from './measure/system-readings.ts';
import type { Tensor } from './model/tensor.ts';
import { DeviceFolder } from './record/device-folder.ts';
import { DeviceMemory } from './record/device-memory.ts';
import { DiskReserve } from './record/disk-reserve.ts';
import { FolderHeld, lockFolder } from './record/folder-lock.ts';
import { Journal } from './record/journal.ts';
import { ReportQueue } from './report/report-queue.ts';
import { ReportSender } from './report/report-sender.ts';
import { Reporting } from './report/reporting.ts';
import { InferEndpoint } from './serve/infer-endpoint.ts';
import { type InferenceAnswer, noModel } from './serve/model-server.ts';
import { settleLabels } from './settle-labels.ts';
import { type AgentStatus, statusOf } from './status.ts';
import { chooseVersions } from './update/desired-version.ts';
import { DeviceModels } from './update/device-models.ts';

export interface Agent {
  readonly id: string;
  /** Runs until the signal; rejects only for problems that a restart would not fix. */
  run(signal: AbortSignal): Promise<void>;
  /** Asks the serving version of a model, as the endpoint would. Throws what ModelServer.infer throws. */
  infer(model: string, inputs: readonly Tensor[]): Promise<InferenceAnswer>;
  /** Parameters in force of the model here. */
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
      message: `"${options.id}" is not a valid device id.`,
      remedy: 'Use at most 128 letters, digits and . _ : @ -, beginning with a letter or digit.',
    });
  }
  return new DeviceAgent(options);
}

class DeviceAgent implements Agent {
  readonly id: string;
  readonly started: Promise<{ readonly endpointPort: number | null }>;
  readonly #options: AgentOptions;
  readonly #folder: DeviceFolder;
  readonly #measurements = new Measurements();
  readonly #gauges = new DeviceGauges();
  readonly #reportWake = new WakeSignal();
  readonly #self: FactSource;
  #models: DeviceModels | null = null;
  readonly #problems: DeviceProblems;
  #refusal: RefusalNote | null = null;
  readonly #notes: DirectiveNotes;
  #identity: Identity | null = null;
  #queue: ReportQueue | undefined;
  #directiveAtMs: number | null = null;
  #resolveStarted: (facts: { readonly endpointPort: number | null }) => void = () => undefined;
  #rejectStarted: (error: unknown) => void = () => undefined;

  constructor(options: AgentOptions) {
    this.id = options.id;
    this.#options = options;
    this.#folder = new DeviceFolder(options.folder);
    this.#self = new FactSource(options);
    this.#problems = new DeviceProblems(options.logger, options.problems);
    this.#notes = new DirectiveNotes(options.logger, () => this.#reportWake.wake());
    this.started = new Promise((resolve, reject) => {
      this.#resolveStarted = resolve;
      this.#rejectStarted = reject;
    });
    this.started.catch(() => undefined);
  }

  async run(signal: AbortSignal): Promise<void> {
    try {
      await this.#problems.orElse(() => this.#folder.prepare(), undefined);
      const readOnly = await findReadOnly(this.#folder);
      if (readOnly !== undefined) this.#problems.note(readOnly);
      await using _lock = await this.#lock();
      await this.#runLocked(signal);
    } catch (error) {
      this.#rejectStarted(error);
      throw error;
    }
  }

  /** Only a living agent in the same folder keeps this one from serving; null where the folder can't be locked. */
  async #lock(): Promise<AsyncDisposable | null> {
    try {
      return await lockFolder(this.#folder.root, this.#options.clock, this.#options.logger);
    } catch (error) {
      if (error instanceof FolderHeld) throw error;
      this.#problems.note(error);
      return null;
    }
  }

  /** What is committed serves before anything else is looked at; a part that fails is noted, done without, and tried again. */
  async #runLocked(signal: AbortSignal): Promise<void> {
    const { clock, random, logger, link, readings = systemReadings(this.#folder.root) } = this.#options;
    const { pollMs, sampleMs, wakeSpreadMs } = { ...DEFAULT_INTERVALS, ...this.#options.intervals };
    const problems = this.#problems;
    const openIdentity = () => Identity.open(this.id, this.#folder);
    const openQueue = () => ReportQueue.open(this.#folder.reportFolder, logger);
    const identity = await problems.orElse(openIdentity, null, 'identity');
    this.#identity = identity;
    this.#self.takeEnrolledLabels(identity?.enrolment?.labels ?? {});
    const memory = await DeviceMemory.open(this.#folder.memoryFile, clock);
    const queue = await problems.orElse(openQueue, null, 'reports');
    const refusal = await RefusalNote.open(this.#folder.refusalFile);
    this.#refusal = refusal;
    const models = this.#openModels(memory, signal);
    this.#models = models;
    await problems.orElse(() => models.startKept(), undefined);
    const directives = await RetriedDirectives.open(() => problems.orElse(() => this.#openDirectives(), null, 'tuf'));
    const take = async (directive: Directive): Promise<void> => {
      memory.noteSigners(directives.lastSigners());
      await this.#take(directive, memory, models, directives.inDateUntilMs());
    };
    const follow = async (directive: Directive): Promise<void> => {
      await problems.orElse(() => directives.followTrust(signal), undefined, 'trust');
      await take(directive);
    };
    const note = async (answer: DirectiveAnswer): Promise<void> => {
      if (await refusal.take(answer, memory.nowMs())) this.#reportWake.wake();
    };
    const last = directives.lastAccepted();
    if (last !== undefined) await problems.orElse(() => take(last), undefined);
    const checkCredentials = async (): Promise<void> => this.#options.artifactCredentials?.check();
    await problems.orElse(checkCredentials, undefined, 'credentials');
    const [problem] = problems.list;
    // Nothing here to serve: whoever starts the agent should see it end.
    if (problem !== undefined && models.servers.length === 0) throw problem;
    const endpoint = this.#createEndpoint(models);
    this.#resolveStarted({ endpointPort: (await endpoint?.start()) ?? null });
    const reserve = new DiskReserve(this.#folder.reserveFile);
    const tries = { clock, random, signal };
    const report = async (): Promise<Reporting | null> => {
      const known = identity ?? (await problems.untilWell(openIdentity, 'identity', tries));
      this.#identity = known ?? null;
      const waiting = queue ?? (await problems.untilWell(openQueue, 'reports', tries));
      this.#queue = waiting;
      const reporting = this.#createReporting({ identity: known, queue: waiting, memory, models, refusal, directives });
      await reporting?.run(signal);
      return reporting;
    };
    const [reporting] = await Promise.all([
      report(),
      followChanges({ ...tries, link, directives, pollMs, wakeSpreadMs, reserve, take: follow, note, logger }),
      this.#gauges.run(readings, { clock, everyMs: sampleMs, signal }),
      problems.untilWell(checkCredentials, 'credentials', tries),
    ]);
    await models.stopped();
    await problems.orElse(async () => reporting?.keepRest(), undefined);
    await endpoint?.stop();
  }

  async infer(model: string, inputs: readonly Tensor[]): Promise<InferenceAnswer> {
    const server = this.#models?.findServer(model);
    if (server === undefined) throw noModel(model);
    return server.infer(inputs);
  }

  parametersOf(model: string): Parameters {
    return this.#models?.updaters.find((one) => one.model === model)?.parameters ?? {};
  }

  status(): AgentStatus {
    const { list } = this.#problems;
    return statusOf(this.id, this.#models?.updaters ?? [], this.#refusal?.refusal ?? null, list);
  }

  async #openDirectives(): Promise<DirectiveSource> {
    const { openDirectives, distributionUrl: publicationUrl, factoryRoot: given, clock, onTrust } = this.#options;
    const stateFolder = this.#folder.tufFolder;
    if (openDirectives !== undefined) return openDirectives(stateFolder);
    const factoryRoot = typeof given === 'function' ? await given() : given;
    return DirectiveClient.open({ publicationUrl, stateFolder, factoryRoot, clock, onTrust });
  }

  #openModels(memory: DeviceMemory, signal: AbortSignal): DeviceModels {
    const { clock, random, logger, host, onSwitch = null, onPersisted, verifier, distributionUrl } = this.#options;
    const { reserveBytes = 16 * 1024 * 1024, bytesPerSecondMost = null, mirrorUrls = [] } = this.#options;
    const { link, artifactCredentials } = this.#options;
    const throttle = bytesPerSecondMost === null ? null : new Throttle(bytesPerSecondMost, clock);
    const nowMs = (): number => memory.nowMs();
    const sources = [distributionUrl, ...mirrorUrls] as const;
    const locator = new ArtifactLocator({ link, identity: () => this.#identity, nowMs });
    const credentials = artifactCredentials?.headersFor ?? null;
    const supply = { sources, locator, credentials, verifier, reserveBytes, throttle, clock, nowMs };
    const tools = {
      ...{ clock, random, logger, host, onSwitch, supply, folder: this.#folder, measurements: this.#measurements },
      journal: new Journal(this.#folder, onPersisted),
      facts: () => this.#self.facts(),
      circumstances: async () => ({ ...(await this.#self.circumstances()), nowMs: nowMs() }),
      onOutcome: () => this.#reportWake.wake(),
      readings: () => this.#gauges.newest,
    };
    return new DeviceModels(tools, signal);
  }

  #createEndpoint(models: DeviceModels): InferEndpoint | null {
    const { endpointPort: port = null } = this.#options;
    if (port === null) return null;
    const find = models.findServer.bind(models);
    const parametersOf = this.parametersOf.bind(this);
    const list = () => models.servers;
    const metrics = (): string =>
      agentMetricsText({
        ...{ status: this.status(), servers: models.servers, directiveAtMs: this.#directiveAtMs },
        reportsWaiting: this.#queue?.length ?? null,
      });
    return new InferEndpoint({ port, find, list, parametersOf, gauges: this.#gauges, metrics });
  }

  /** Null without a service to report to, or without what a report needs. */
  #createReporting(parts: {
    readonly identity: Identity | undefined;
    readonly queue: ReportQueue | undefined;
    readonly memory: DeviceMemory;
    readonly models: DeviceModels;
    readonly refusal: RefusalNote;
    readonly directives: DirectiveSource;
  }): Reporting | null {
    const { link, token = null, labels, clock, random, logger } = this.#options;
    const { identity, queue, memory, models, refusal, directives } = parts;
    if (link === null || identity === undefined || queue === undefined) return null;
    const onProtocol = (error: CodedError | null): void =>
      error === null ? this.#problems.clear('protocol') : this.#problems.note(error, 'protocol');
    return new Reporting({
      sender: new ReportSender({ link, token, labels, identity, queue, onProtocol, clock, random, logger }),
      ...{ identity, wake: this.#reportWake, measurements: this.#measurements, gauges: this.#gauges },
      reportMs: this.#options.intervals?.reportMs ?? DEFAULT_INTERVALS.reportMs,
      facts: () => {
        const facts = this.#self.facts();
        const properties = { ...facts.properties, ...this.#told(refusal, models), ...directives.properties };
        return { ...facts, labels: this.#self.labels(), properties };
      },
      pointer: () => (refusal.refusal?.code === 'TUF_ROLLBACK' ? directives.lastPointer?.() : undefined),
      updaters: () => models.updaters,
      takeConflicts: () => this.#notes.takeOutcomes(),
      onEnrolled: (given) => this.#self.takeEnrolledLabels(given),
      ...{ clock, random, logger, nowMs: () => memory.nowMs() },
    });
  }

  /** What reports say beside the device's facts. */
  #told(refusal: RefusalNote, models: DeviceModels): Readonly<Record<string, string>> {
    const revoked = models.updaters.flatMap(({ model, servesRevoked: version }) =>
      version === null ? [] : [`${model} ${version}`],
    );
    const told = revoked.length === 0 ? {} : { [SERVES_REVOKED]: revoked.join(', ').slice(0, 250) };
    return { ...refusal.properties, ...this.#problems.properties, ...this.#notes.properties, ...told };
  }

  async #take(directive: Directive, memory: DeviceMemory, models: DeviceModels, inDateUntilMs: number | null) {
    const { logger, verifier } = this.#options;
    const { reconcilerKeys: keys = new Map() } = verifier;
    settleLabels(directive, { id: this.id, self: this.#self, memory, updaters: models.updaters, keys, logger });
    await this.#self.circumstances();
    const revisionOf = (rollout: string): number => memory.revisionOf(rollout);
    const followed = (model: string): string | null => models.followedRollout(model);
    const backing = (entry: DirectiveEntry): Backing => backingOf(entry, keys, memory.nowMs());
    const chosen = chooseVersions(directive, this.#self.facts(), revisionOf, followed, backing, models.onTrial());
    this.#notes.logIgnored(chosen.ignored);
    this.#notes.noteAgent(directive);
    await memory.accept(chosen.accepted, inDateUntilMs);
    this.#directiveAtMs = memory.nowMs();
    for (const [model, desired] of chosen.desired) {
      // One model that can't be opened keeps no other from its directive.
      const refused = await this.#problems.orElse(() => models.setDesired(model, desired), null, `model ${model}`);
      if (refused !== null) this.#notes.noteNoRoom(model, refused, memory.nowMs());
    }
    this.#notes.noteConflicts(chosen.conflicts, memory.nowMs());
  }
}
