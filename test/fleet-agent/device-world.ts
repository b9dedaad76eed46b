// Owns a world for device tests: a real service and store, a real TUF publication, signed models, and a host that misbehaves on request.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { type Agent, createAgent } from '../../fleet-agent/src/agent.ts';
import type { AgentOptions } from '../../fleet-agent/src/agent-options.ts';
import { HttpServiceLink } from '../../fleet-agent/src/link/http-service-link.ts';
import type { ServiceLink } from '../../fleet-agent/src/link/service-link.ts';
import type { ModelHost } from '../../fleet-agent/src/model/model-host.ts';
import { OnnxHost } from '../../fleet-agent/src/model/onnx-host.ts';
import type { Tensor } from '../../fleet-agent/src/model/tensor.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { silentLogger } from '../../src/base/logger.ts';
import { Metrics } from '../../src/base/metrics.ts';
import { seededRandom } from '../../src/base/random.ts';
import { composeFleetApi, type FleetApi, type FleetApiOptions } from '../../src/cli/compose-fleet-api.ts';
import { type Digest, digestOf, hexOf } from '../../src/contract/digest.ts';
import type { DirectiveEntry } from '../../src/contract/directive.ts';
import { BUCKETS, saltOf } from '../../src/contract/membership.ts';
import { FolderPublication } from '../../src/distribution/folder-publication.ts';
import type { PublicationLedger } from '../../src/distribution/publication.ts';
import { readOnlineKeys } from '../../src/distribution/tuf-keys.ts';
import { DEFAULT_LIFETIMES } from '../../src/distribution/tuf-metadata.ts';
import { initialiseTuf } from '../../src/distribution/tuf-roots.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import type { FleetStore } from '../../src/store/fleet-store.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { constantClassifier } from '../support/onnx-fixture.ts';
import { makeKey, type TestKey, verifierFor } from '../support/trust.ts';

export const CLASSES = ['invoice', 'receipt', 'letter', 'form'];
export const MODEL = 'sorter';
export const clock = new SystemClock();

/** One host for all tests of a file. */
export function openHost(timeoutMs = 20_000): OnnxHost {
  return new OnnxHost({
    clock,
    threadFile: new URL('../../fleet-agent/src/model/onnx-thread.ts', import.meta.url),
    timeoutMs,
    memoryMebibytes: 512,
  });
}

export function linkTo(serverUrl: string): ServiceLink {
  return new HttpServiceLink({ serverUrl, clock });
}

export const oneRow: readonly Tensor[] = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: new Float32Array(4) }];

export interface PublishedModel {
  readonly version: string;
  readonly digest: Digest;
  readonly artifact: Digest;
  readonly manifest: string;
}

export interface ModelOrder {
  readonly version: string;
  /** The model that is published; its class 0 answers "invoice". */
  readonly onnx?: Buffer;
  /** Class that the manifest's example expects. */
  readonly expects?: string;
  readonly signer?: TestKey;
  readonly sequence?: number;
  /** Name of the model; `MODEL` unless given. */
  readonly name?: string;
  /** Where the manifest says that the file lies; below the publication unless given. */
  readonly origin?: string;
  /** The files are not in the publication. */
  readonly isElsewhere?: boolean;
  /** Files beside the model. */
  readonly files?: readonly { readonly role: string; readonly name: string; readonly bytes: Buffer }[];
  readonly spec?: Readonly<Record<string, unknown>>;
}

/** What the host does to one request; undefined = serve it as it is. */
export type Mischief = (
  url: string,
  range: string | undefined,
) =>
  | { readonly status?: number; readonly cutAfter?: number; readonly body?: Buffer; readonly retryAfter?: number }
  | undefined;

export class DeviceWorld implements AsyncDisposable {
  readonly folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-device-'));
  readonly publication = path.join(this.folder, 'publication');
  readonly ci = makeKey();
  readonly requests: string[] = [];
  mischief: Mischief = () => undefined;
  store!: FleetStore;
  api!: FleetApi;
  serverUrl = '';
  mirrorUrl = '';
  factoryRoot: Buffer = Buffer.alloc(0);
  #publisher!: FolderPublication;
  #mirror!: Server;
  #revision = 0;
  #metadataVersion = 0;
  readonly #agents: { agent: Agent; stop: AbortController; done: Promise<void> }[] = [];

  /** `over` changes the service's HTTP side. */
  static async open(over: (world: DeviceWorld) => Partial<FleetApiOptions> = () => ({})): Promise<DeviceWorld> {
    const world = new DeviceWorld();
    await world.#start(over(world));
    return world;
  }

  async #start(over: Partial<FleetApiOptions>): Promise<void> {
    const keys = path.join(this.folder, 'keys');
    await mkdir(keys, { recursive: true });
    await mkdir(this.publication, { recursive: true });
    this.factoryRoot = await initialiseTuf({
      ...{ keys, rootKeysFolder: keys, publication: this.publication, nowMs: Date.now() },
    });
    this.#publisher = new FolderPublication({
      folder: this.publication,
      keys: await readOnlineKeys(keys),
      lifetimes: DEFAULT_LIFETIMES,
    });
    this.store = openSqliteFleetStore({ file: path.join(this.folder, 'fleet.db'), clock, gatherMs: 1 });
    this.api = composeFleetApi({
      store: this.store,
      ...{ clock, logger: silentLogger, metrics: new Metrics(), port: 0, publicationFolder: this.publication },
      ...{ isDenied: () => false, isReady: () => true, onHook: () => undefined, readRollouts: async () => [] },
      perAddress: { perSecond: 100_000, burst: 100_000 },
      perDevice: { perSecond: 1000, burst: 10_000 },
      ...over,
    });
    this.serverUrl = `http://127.0.0.1:${await this.api.start()}`;
    this.#mirror = createServer(
      (request, response) => void this.#serveMirror(request.url ?? '', request.headers, response),
    );
    await new Promise<void>((resolve) => this.#mirror.listen(0, '127.0.0.1', resolve));
    this.mirrorUrl = `http://127.0.0.1:${(this.#mirror.address() as AddressInfo).port}`;
  }

  /** The publication folder with ranges and ETags, and with whatever `mischief` wants. */
  async #serveMirror(
    url: string,
    headers: NodeJS.Dict<string | string[]>,
    response: import('node:http').ServerResponse,
  ): Promise<void> {
    const range = headers.range as string | undefined;
    this.requests.push(range === undefined ? url : `${url} ${range}`);
    const plan = this.mischief(url, range) ?? {};
    if (plan.status !== undefined) {
      response
        .writeHead(plan.status, plan.retryAfter === undefined ? {} : { 'retry-after': String(plan.retryAfter) })
        .end();
      return;
    }
    const bytes = plan.body ?? (await readFile(path.join(this.publication, url)).catch(() => undefined));
    if (bytes === undefined) {
      response.writeHead(404).end();
      return;
    }
    const etag = `"${hexOf(digestOf(bytes)).slice(0, 16)}"`;
    const first = Number(/^bytes=(\d+)-$/.exec(range ?? '')?.[1] ?? 0);
    const isPart = range !== undefined && (headers['if-range'] === undefined || headers['if-range'] === etag);
    const part = isPart ? bytes.subarray(first) : bytes;
    response.writeHead(isPart ? 206 : 200, {
      etag,
      'content-type': bytes.subarray(0, 6).toString() === '<html>' ? 'text/html' : 'application/octet-stream',
      'content-length': part.length,
      ...(isPart ? { 'content-range': `bytes ${first}-${bytes.length - 1}/${bytes.length}` } : {}),
    });
    if (plan.cutAfter === undefined) response.end(part);
    else response.write(part.subarray(0, plan.cutAfter), () => setTimeout(() => response.destroy(), 20));
  }

  async publishModel(order: ModelOrder): Promise<PublishedModel> {
    const {
      version,
      onnx = constantClassifier(0),
      expects = 'invoice',
      signer = this.ci,
      sequence,
      name = MODEL,
      origin,
      isElsewhere = false,
      files = [],
      spec = {},
    } = order;
    const artifact = digestOf(onnx);
    const all = [{ role: 'model', name: 'model.onnx', bytes: onnx }, ...files];
    const manifest = JSON.stringify({
      apiVersion: 'slipway.dev/v1alpha1',
      kind: 'ModelManifest',
      metadata: { name, version, sequence },
      spec: {
        framework: 'onnx',
        interface: {
          inputs: [{ name: 'x', type: 'float32', shape: [-1, 4] }],
          outputs: [{ name: 'probabilities', type: 'float32', shape: [-1, 4], classes: CLASSES }],
        },
        variants: [
          {
            platform: 'any',
            files: all.map(({ role, name: file, bytes }) => {
              const digest = digestOf(bytes);
              const url = `${origin === undefined ? '' : `${origin}/`}artifacts/${hexOf(digest)}`;
              return { role, name: file, digest, sizeBytes: bytes.length, url };
            }),
          },
        ],
        examples: [{ name: 'zeros', inputs: { x: [0, 0, 0, 0] }, expect: { class: expects } }],
        // The limit of latency would judge how busy the machine is that runs the tests.
        health: { warmUp: { duration: '100ms' }, latencyP95: '10s' },
        ...spec,
      },
    });
    const digest = digestOf(manifest);
    const bundle = JSON.stringify(signBytes(Buffer.from(manifest), signer.key));
    for (const folder of ['artifacts', 'manifests'])
      await mkdir(path.join(this.publication, folder), { recursive: true });
    for (const { bytes } of isElsewhere ? [] : all)
      await writeFile(path.join(this.publication, 'artifacts', hexOf(digestOf(bytes))), bytes);
    await writeFile(path.join(this.publication, 'manifests', `${hexOf(digest)}.yaml`), manifest);
    await writeFile(path.join(this.publication, 'manifests', `${hexOf(digest)}.yaml.sigstore.json`), bundle);
    return { version, digest, artifact, manifest };
  }

  bundleOf({ digest }: PublishedModel): string {
    return readFileSync(path.join(this.publication, 'manifests', `${hexOf(digest)}.yaml.sigstore.json`), 'utf8');
  }

  /** An entry for all devices; the candidate reaches everyone. */
  entry(
    facts: { stable?: PublishedModel | null; candidate?: PublishedModel | null; attempt?: number } & Partial<
      Omit<DirectiveEntry, 'stable' | 'candidate'>
    >,
  ): DirectiveEntry {
    const { stable = null, candidate = null, attempt = 1, ...over } = facts;
    this.#revision += 1;
    return {
      ...{
        rollout: 'sorter-all',
        revision: this.#revision,
        model: MODEL,
        target: '*',
        stage: candidate === null ? null : 'canary',
      },
      cohort: { cut: candidate === null ? 0 : BUCKETS, select: null, devices: [] },
      salt: candidate === null ? '' : saltOf('sorter-all', candidate.digest, attempt, '0'.repeat(32)),
      candidate:
        candidate === null ? null : { version: candidate.version, digest: candidate.digest, attempt, parameters: {} },
      stable: stable === null ? null : { version: stable.version, digest: stable.digest, parameters: {}, target: '*' },
      ...{ spreadMs: 0, emergency: false, ...over },
    };
  }

  async direct(...entries: DirectiveEntry[]): Promise<void> {
    const ledger: PublicationLedger = {
      acquire: async () => 1,
      reserveVersion: async (above) => {
        this.#metadataVersion = Math.max(this.#metadataVersion, above) + 1;
        return this.#metadataVersion;
      },
      commit: async ({ swap }) => {
        await swap();
        return 'published';
      },
    };
    await this.store.keepEntries(entries);
    await this.#publisher.publish(
      { directive: { kind: 'Directive', entries }, documents: [], nowMs: Date.now() },
      ledger,
    );
    this.api.notifyPublished(this.#metadataVersion);
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return clock.sleep(ms, signal);
  }

  async token(): Promise<string> {
    const [token = ''] = await this.store.createEnrolmentTokens({ expiresAtMs: Date.now() + 600_000 });
    return token;
  }

  async agentOptions(host: ModelHost, over: Partial<AgentOptions> = {}): Promise<AgentOptions> {
    const id = over.id ?? 'device-1';
    return {
      ...{
        id,
        folder: path.join(this.folder, 'devices', id),
        link: linkTo(this.serverUrl),
        distributionUrl: this.mirrorUrl,
      },
      ...{ token: await this.token(), labels: { region: 'eu' }, factoryRoot: this.factoryRoot },
      ...{ verifier: verifierFor([{ name: 'ci', publicKey: this.ci.publicPem }]), trustFingerprint: () => 'test' },
      ...{ host, clock, random: seededRandom(1, id), logger: silentLogger },
      ...{ intervals: { pollMs: 2000, reportMs: 200, wakeSpreadMs: 0 }, reserveBytes: 0, endpointPort: null },
      ...over,
    };
  }

  async startAgent(
    host: ModelHost,
    over: Partial<AgentOptions> = {},
  ): Promise<{ agent: Agent; stop: () => Promise<void>; endpointPort: number | null }> {
    const options = await this.agentOptions(host, over);
    await mkdir(path.dirname(options.folder), { recursive: true });
    const agent = createAgent(options);
    const stop = new AbortController();
    const done = agent.run(stop.signal);
    done.catch(() => undefined);
    const held = { agent, stop, done };
    this.#agents.push(held);
    const { endpointPort } = await agent.started;
    return {
      agent,
      endpointPort,
      stop: async () => {
        stop.abort();
        await done;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stop } of this.#agents) stop.abort();
    await Promise.allSettled(this.#agents.map(({ done }) => done));
    this.#mirror.closeAllConnections();
    this.#mirror.close();
    await this.api.stop(0);
    await this.store.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Polls until the question is answered with something other than undefined or false. */
export async function until<T>(
  question: () => T | undefined | false | Promise<T | undefined | false>,
  what: string,
  timeoutMs = 150_000,
): Promise<T> {
  const endMs = Date.now() + timeoutMs;
  for (;;) {
    const answer = await question();
    if (answer !== undefined && answer !== false) return answer;
    if (Date.now() > endMs) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export function modelStatus(agent: Agent, model = MODEL) {
  return agent.status().models.find((one) => one.model === model);
}

/** Waits until the version serves and its trial is over. */
export async function untilRuns(agent: Agent, version: string, state = 'committed', timeoutMs = 150_000) {
  return until(
    () => {
      const status = modelStatus(agent);
      return status?.running?.version === version && status.isServing === true && status.state === state && status;
    },
    `${version} to be ${state}`,
    timeoutMs,
  ).catch((error: Error) => {
    throw new Error(`${error.message}\nat last: ${JSON.stringify(modelStatus(agent))}`);
  });
}

/** Kinds of the outcomes that the service last heard of a digest. */
export function outcomesOf(
  device: { readonly outcomes: ReadonlyMap<string, { readonly kind: string }> } | undefined,
  digest: Digest,
): string[] {
  return [...(device?.outcomes ?? [])].filter(([key]) => key.includes(digest)).map(([, outcome]) => outcome.kind);
}

export const deviceFolder = (world: DeviceWorld): string => path.join(world.folder, 'devices', 'device-1');
export const modelFolder = (world: DeviceWorld): string => path.join(deviceFolder(world), 'models', MODEL);
/** Nobody is there. */
export const away = { link: linkTo('http://127.0.0.1:9'), distributionUrl: 'http://127.0.0.1:9' };

/** A world whose device has run 1.0.0 and then 2.0.0, and is off. */
export async function afterTwoVersions(host: ModelHost) {
  const world = await DeviceWorld.open();
  const one = await world.publishModel({ version: '1.0.0' });
  const two = await world.publishModel({ version: '2.0.0', onnx: constantClassifier(1), expects: 'receipt' });
  await world.direct(world.entry({ stable: one }));
  const { agent, stop } = await world.startAgent(host);
  await untilRuns(agent, '1.0.0');
  await world.direct(world.entry({ stable: one, candidate: two }));
  await untilRuns(agent, '2.0.0');
  await stop();
  return { world, one, two };
}
