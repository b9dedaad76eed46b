// Owns the demo's devices: the real agent, most in this process and a few as processes of their own, all under a stream of inputs.
import { FEATURE_COUNT, sampleInput } from '../../../examples/invoices/data.ts';
import { type Agent, createAgent } from '../../../fleet-agent/src/agent.ts';
import { joinUrl } from '../../../fleet-agent/src/link/http.ts';
import { HttpServiceLink } from '../../../fleet-agent/src/link/http-service-link.ts';
import { OnnxHost } from '../../../fleet-agent/src/model/onnx-host.ts';
import type { ModelStatus } from '../../../fleet-agent/src/status.ts';
import type { Clock } from '../../base/clock.ts';
import { silentLogger } from '../../base/logger.ts';
import { randomBelow, seededRandom } from '../../base/random.ts';
import { DocumentVerifier } from '../../contract/trust/verifier.ts';
import { loadTrustPolicy } from '../load-trust.ts';
import { DeviceProcess } from './device-process.ts';
import { DEMO_MODEL } from './example-model.ts';
import type { StageSet } from './stage-set.ts';

export interface FleetOptions {
  readonly set: StageSet;
  readonly clock: Clock;
  readonly serverUrl: string;
  readonly devices: number;
  /** How many of them run the bundle as processes of their own. */
  readonly processes: number;
  /** The agent of those processes; the one built here unless given. */
  readonly bundle?: string | undefined;
  readonly tokens: readonly string[];
  readonly reportMs: number;
  /** Inferences a second on each device. */
  readonly perSecond: number;
  readonly seed: string;
  /** By device; a tenth of other hardware unless given. */
  readonly labels?: (device: string) => Readonly<Record<string, string>>;
}

/** What one device says of itself. */
export interface DeviceState {
  readonly device: string;
  readonly model: ModelStatus | undefined;
}

export interface Traffic {
  inferences: number;
  errors: number;
}

export class DemoFleet implements AsyncDisposable {
  readonly #options: FleetOptions;
  readonly #agents: Agent[] = [];
  readonly #processes: DeviceProcess[] = [];
  readonly #stop = new AbortController();
  readonly #loops: Promise<unknown>[] = [];
  readonly #host: OnnxHost;
  readonly traffic: Traffic = { inferences: 0, errors: 0 };
  /** Versions that each device was ever seen running. */
  readonly seenVersions = new Map<string, Set<string>>();

  private constructor(options: FleetOptions) {
    this.#options = options;
    const threadFile = new URL('../../../fleet-agent/src/model/onnx-thread.ts', import.meta.url);
    this.#host = new OnnxHost({ clock: options.clock, threadFile });
  }

  static async start(options: FleetOptions): Promise<DemoFleet> {
    const fleet = new DemoFleet(options);
    const trust = await loadTrustPolicy(options.set.home.trustPolicy);
    const verifier = new DocumentVerifier(trust);
    for (let i = 0; i < options.devices; i++) {
      const id = `scanner-${String(i + 1).padStart(3, '0')}`;
      const token = options.tokens[i] ?? null;
      if (i < options.processes) fleet.#startProcess(id, token);
      else fleet.#startAgent(id, token, verifier);
    }
    return fleet;
  }

  #labels(id: string): Readonly<Record<string, string>> {
    const { labels } = this.#options;
    if (labels !== undefined) return labels(id);
    return { region: 'eu-west', hw: id.endsWith('0') ? 'rev3' : 'rev2' };
  }

  #startAgent(id: string, token: string | null, verifier: DocumentVerifier): void {
    const { set, clock, serverUrl, reportMs, perSecond, seed } = this.#options;
    const agent = createAgent({
      id,
      folder: `${set.folder}/devices/${id}`,
      link: new HttpServiceLink({ serverUrl, clock }),
      distributionUrl: joinUrl(serverUrl, 'distribution'),
      token,
      labels: this.#labels(id),
      factoryRoot: set.factoryRoot,
      verifier,
      trustFingerprint: () => 'demo',
      host: this.#host,
      intervals: { pollMs: 5_000, reportMs, wakeSpreadMs: 200 },
      reserveBytes: 0,
      clock,
      random: seededRandom(seed, `agent ${id}`),
      logger: silentLogger,
    });
    this.#agents.push(agent);
    this.#loops.push(agent.run(this.#stop.signal));
    this.#loops.push(this.#useAgent(agent, perSecond));
  }

  #startProcess(id: string, token: string | null): void {
    const { set, clock, serverUrl, reportMs, perSecond, bundle } = this.#options;
    const common = { set, clock, serverUrl, reportMs, ...(bundle === undefined ? {} : { bundle }) };
    const device = new DeviceProcess({ id, token, labels: this.#labels(id), ...common });
    this.#processes.push(device);
    device.start();
    this.#loops.push(this.#useProcess(device, perSecond));
  }

  /** Inputs as an application would send them; errors are the model's, and are counted. */
  async #use(id: string, perSecond: number, infer: (features: readonly number[]) => Promise<void>): Promise<void> {
    const { clock, seed } = this.#options;
    const random = seededRandom(seed, `inputs ${id}`);
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await clock.sleep((1000 / perSecond) * (0.5 + randomBelow(random, 1000) / 1000), signal);
      try {
        await infer(sampleInput(random).features);
        this.traffic.inferences++;
      } catch {
        this.traffic.errors++;
      }
    }
  }

  async #useAgent(agent: Agent, perSecond: number): Promise<void> {
    await this.#use(agent.id, perSecond, async (features) => {
      const running = agent.status().models.find((one) => one.model === DEMO_MODEL);
      if (running?.isServing !== true) return;
      await agent.infer(DEMO_MODEL, [
        { name: 'x', datatype: 'FP32', shape: [1, FEATURE_COUNT], data: Float32Array.from(features) },
      ]);
    });
  }

  async #useProcess(device: DeviceProcess, perSecond: number): Promise<void> {
    await this.#use(device.id, perSecond, (features) => device.infer(DEMO_MODEL, features));
  }

  /** Upgrades the devices that are processes, or sets them back. */
  async exchangeAgents(bundle: string): Promise<void> {
    await Promise.all(this.#processes.map((device) => device.exchange(bundle)));
  }

  /** What each device runs now, and what it remembers having failed. */
  async states(): Promise<readonly DeviceState[]> {
    const own = this.#agents.map((agent) => ({
      device: agent.id,
      model: agent.status().models.find((one) => one.model === DEMO_MODEL),
    }));
    const others = await Promise.all(
      this.#processes.map(async (device) => ({
        device: device.id,
        model: (await device.status())?.models.find((one) => one.model === DEMO_MODEL),
      })),
    );
    const states = [...others, ...own];
    for (const { device, model } of states) this.#note(device, model);
    return states;
  }

  #note(device: string, model: ModelStatus | undefined): void {
    const seen = this.seenVersions.get(device) ?? new Set<string>();
    for (const version of [model?.running?.version, model?.subject?.version, model?.previous?.version])
      if (version) seen.add(version);
    this.seenVersions.set(device, seen);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    await Promise.all(this.#processes.map((device) => device.end()));
    await Promise.allSettled(this.#loops);
    await this.#host.close();
  }
}
