// Owns a whole installation for system tests: a served Git repository, the service in this process, people, CI, and real agents.
import { execFile } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import process from 'node:process';
import { fileURLToPath } from 'node:url';
import { type Agent, createAgent } from '../../fleet-agent/src/agent.ts';
import type { AgentOptions } from '../../fleet-agent/src/agent-options.ts';
import { joinUrl } from '../../fleet-agent/src/link/http.ts';
import { HttpServiceLink } from '../../fleet-agent/src/link/http-service-link.ts';
import { OnnxHost } from '../../fleet-agent/src/model/onnx-host.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { createLogger } from '../../src/base/logger.ts';
import { seededRandom } from '../../src/base/random.ts';
import type { ServiceSettings } from '../../src/cli/compose-service.ts';
import type { GitClone } from '../../src/cli/demo/git-clone.ts';
import { createStageSet, removeStageSet, type StageSet } from '../../src/cli/demo/stage-set.ts';
import type { LiveView } from '../../src/cli/live-status.ts';
import { loadTrustPolicy } from '../../src/cli/load-trust.ts';
import { type RunningService, startService } from '../../src/cli/start-service.ts';
import type { Digest } from '../../src/contract/digest.ts';
import { DocumentVerifier } from '../../src/contract/trust/verifier.ts';
import { addArtifact } from '../../src/distribution/artifacts.ts';
import type { Outlook } from '../../src/rollout/outlook.ts';
import { readPrivateKey } from '../../src/signing/keys.ts';
import { signBytes } from '../../src/signing/sign-document.ts';
import { type ModelText, manifestText, policyText } from './document-texts.ts';
import { constantClassifier } from './onnx-fixture.ts';
import type { TestKey } from './trust.ts';
import { until } from './until.ts';

const at = (file: string): string => fileURLToPath(new URL(`../../${file}`, import.meta.url));
export const clock = new SystemClock();

/** One host for all agents of a test file. */
export function openHost(): OnnxHost {
  return new OnnxHost({ clock, threadFile: at('fleet-agent/src/model/onnx-thread.ts'), timeoutMs: 30_000 });
}

export interface CommandResult {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A step of the reconciler as it stands on the branch. */
export interface BranchStep {
  readonly commit: string;
  readonly rollout: string;
  readonly kind: string;
  readonly message: string;
}

export interface StartedAgent {
  readonly agent: Agent;
  readonly folder: string;
  stop(): Promise<void>;
}

/** A file of the repository and its new content: as a whole, made of the one that is there when it is pushed, or none. */
export type FileChange = readonly [string, string | null | ((text: string) => string)];

export class Installation implements AsyncDisposable {
  readonly set: StageSet;
  readonly ci: GitClone;
  readonly log: string[] = [];
  #service: RunningService | undefined;
  #port = 0;
  #sequence = 0;
  readonly #agents: { readonly stop: AbortController; readonly done: Promise<void> }[] = [];

  private constructor(set: StageSet, ci: GitClone) {
    this.set = set;
    this.ci = ci;
  }

  /** Keys, trust and an empty repository; nothing runs yet. */
  static async open(): Promise<Installation> {
    const set = await createStageSet({ nowMs: Date.now() });
    return new Installation(set, await set.clone('ci'));
  }

  get service(): RunningService {
    if (this.#service === undefined) throw new Error('the service is not started');
    return this.#service;
  }

  /** At the same address as before, if it ran before. */
  async startService(over: Partial<ServiceSettings> = {}): Promise<void> {
    const { set } = this;
    this.#service = await startService({
      settings: {
        home: set.home,
        repository: set.repositoryUrl,
        branch: 'main',
        credentials: () => ({ kind: 'basic', ...set.credentials }),
        insecureHttp: true,
        ...{ host: '127.0.0.1', port: this.#port, hookSecret: set.hookSecret, viewerToken: set.viewerToken },
        ...{ reportIntervalMs: 300, heartbeatMs: 200, leaseMs: 15_000 },
        reconciler: { pollMs: 200, tickMs: 100, emergencyAfterMs: 120_000 },
        environment: process.env,
        ...over,
      },
      clock,
      random: seededRandom('installation', 'service'),
      logger: createLogger({
        least: 'info',
        pretty: false,
        now: () => Date.now(),
        write: (line) => void this.log.push(line),
      }),
    });
    this.#port = Number(new URL(this.#service.url).port);
  }

  async stopService(): Promise<void> {
    await this.#service?.[Symbol.asyncDispose]();
    this.#service = undefined;
  }

  /** Replaces the service's trust policy. `signers` is the YAML of the list, indented by four. */
  async writeTrust(signers: string, file = this.set.home.trustPolicy, head = ''): Promise<void> {
    const reconciler = await readFile(this.set.home.reconcilerPublicKey, 'utf8');
    const text = `apiVersion: slipway.dev/v1alpha1
kind: TrustPolicy
spec:
${head}  signers:
${signers}
  reconciler:
    - publicKey: ${JSON.stringify(reconciler)}
`;
    await writeFile(file, text);
  }

  async ciKey() {
    return readPrivateKey(this.set.keys.ciKey);
  }

  /** A manifest of a model whose file lies in the publication. */
  async manifest({
    model,
    version,
    answers = 0,
    onnx = constantClassifier(answers, model.length),
  }: ModelText & { readonly onnx?: Buffer }): Promise<{ text: string; artifact: Digest }> {
    const file = path.join(this.set.folder, `${model}-${version}.onnx`);
    await writeFile(file, onnx);
    const { digest: artifact, sizeBytes } = await addArtifact(this.set.home.publication, file);
    this.#sequence += 1;
    const text = manifestText({ model, version, answers, sequence: this.#sequence, artifact, sizeBytes });
    return { text, artifact };
  }

  /** What CI does for a version: its file into the publication, its manifest signed. */
  async release(model: string, version: string, answers: number, signer?: TestKey) {
    const { text, artifact } = await this.manifest({ model, version, answers });
    const files = await this.signed(`models/${model}/${version}.yaml`, text, signer);
    return { manifest: text, artifact, bundle: files[1]?.[1] ?? '', files };
  }

  /** The rollout as it stands when it is pushed, asking for another version: a status read before could be an old one by then. */
  asking(rollout: string, version: string, also: (text: string) => string = (text) => text): FileChange {
    return [`rollouts/${rollout}.yaml`, (text) => also(text.replace(/^( {2}version: )".*"$/m, `$1"${version}"`))];
  }

  /** The file of a document and the one of its signature: by CI unless another key is given. */
  async signed(file: string, text: string, key?: TestKey): Promise<[string, string][]> {
    const bundle = signBytes(Buffer.from(text), key?.key ?? (await this.ciKey()));
    return [
      [file, text],
      [`${file}.sigstore.json`, `${JSON.stringify(bundle, null, 2)}\n`],
    ];
  }

  async push(message: string, files: readonly FileChange[]): Promise<string> {
    return this.ci.push(message, async () => {
      const changed = new Map<string, string | null>();
      for (const [file, content] of files)
        changed.set(file, typeof content === 'function' ? content(await this.ci.read(file)) : content);
      return changed;
    });
  }

  /** Repository settings and a policy of one stage that ends by itself on one device. */
  async pushStart(extra: readonly (readonly [string, string])[] = []): Promise<void> {
    await this.push('start', [
      ['slipway.yaml', 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: {}\n'],
      ...(await this.signed('policies/quick.yaml', policyText('quick', '0s'))),
      ...extra,
    ]);
  }

  /** Steps of the reconciler on the branch, oldest first. */
  async steps(rollout?: string): Promise<BranchStep[]> {
    const format =
      '%H%x1f%(trailers:key=Slipway-Rollout,valueonly)%x1f%(trailers:key=Slipway-Kind,valueonly)%x1f%B%x1e';
    const log = await this.ci.git('--git-dir', this.set.repository, 'log', '--reverse', `--format=${format}`, 'main');
    return log
      .split('\x1e')
      .map((entry) =>
        entry
          .trim()
          .split('\x1f')
          .map((part) => part.trim()),
      )
      .flatMap(([commit = '', name = '', kind = '', message = '']) =>
        name !== '' && (rollout === undefined || name === rollout) ? [{ commit, rollout: name, kind, message }] : [],
      );
  }

  async view(): Promise<LiveView> {
    const headers = { authorization: `Bearer ${this.set.viewerToken}` };
    const response = await fetch(`${this.service.url}/v1/outlooks`, { headers });
    return (await response.json()) as LiveView;
  }

  async outlook(rollout: string): Promise<Outlook | undefined> {
    return (await this.view()).rollouts.find((one) => one.rollout === rollout);
  }

  /** The command line as a process of its own; it knows the server, the viewers' token and the one for Git. */
  slipway(...args: string[]): Promise<CommandResult> {
    return run([at('src/cli/main.ts'), ...args], {
      SLIPWAY_VIEWER_TOKEN: this.set.viewerToken,
      SLIPWAY_GIT_TOKEN: this.set.credentials.password,
      ...(this.#service === undefined ? {} : { SLIPWAY_SERVER: this.#service.url }),
    });
  }

  /** Until `slipway status` shows all of it, in words; returns the words. */
  async untilStatusShows(...patterns: readonly RegExp[]): Promise<string> {
    let last = '';
    await until(
      async () => {
        last = (await this.slipway('status')).stdout;
        return patterns.every((pattern) => pattern.test(last));
      },
      () => last,
      60_000,
    );
    return last;
  }

  /** `slipway-agent status` of a device's folder. */
  agentStatus(folder: string, ...args: string[]): Promise<CommandResult> {
    return run([at('fleet-agent/src/main.ts'), 'status', '--data', folder, '--id', path.basename(folder), ...args], {});
  }

  async startAgent(host: OnnxHost, over: Partial<AgentOptions> & { readonly id: string }): Promise<StartedAgent> {
    const folder = path.join(this.set.folder, 'devices', over.id);
    await mkdir(path.dirname(folder), { recursive: true });
    const { store } = this.service.composed;
    const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: Date.now() + 600_000 });
    const agent = createAgent({
      folder,
      link: new HttpServiceLink({ serverUrl: this.service.url, clock }),
      distributionUrl: joinUrl(this.service.url, 'distribution'),
      ...{ token, labels: { region: 'eu' }, factoryRoot: this.set.factoryRoot },
      verifier: new DocumentVerifier(await loadTrustPolicy(this.set.home.trustPolicy)),
      trustFingerprint: () => 'installation',
      ...{ host, clock, random: seededRandom('installation', over.id), reserveBytes: 0 },
      intervals: { pollMs: 1000, reportMs: 300, wakeSpreadMs: 0 },
      logger: createLogger({
        least: 'warn',
        pretty: false,
        now: () => Date.now(),
        write: (line) => void this.log.push(line),
      }),
      ...over,
    });
    const stop = new AbortController();
    const done = agent.run(stop.signal);
    done.catch(() => undefined);
    this.#agents.push({ stop, done });
    await agent.started;
    return {
      agent,
      folder,
      stop: async () => {
        stop.abort();
        await done;
      },
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const { stop } of this.#agents) stop.abort();
    await Promise.allSettled(this.#agents.map(({ done }) => done));
    await this.stopService();
    await this.set[Symbol.asyncDispose]();
    await removeStageSet(this.set);
    await rm(this.set.folder, { recursive: true, force: true });
  }
}

function run(args: readonly string[], environment: Readonly<Record<string, string>>): Promise<CommandResult> {
  const { PATH, HOME, NODE_COMPILE_CACHE } = process.env;
  const env = { PATH, HOME, NODE_COMPILE_CACHE, ...environment };
  return new Promise((resolve) => {
    execFile(process.execPath, [...args], { env, timeout: 180_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

export function running(agent: Agent, model: string): string | undefined {
  const status = agent.status().models.find((one) => one.model === model);
  return status?.isServing === true ? status.running?.version : undefined;
}

/** The version that answers a request now. */
export async function answering(agent: Agent, model: string): Promise<string> {
  const oneRow = [{ name: 'x', datatype: 'FP32', shape: [1, 4], data: new Float32Array(4) }] as const;
  return (await agent.infer(model, oneRow)).modelVersion;
}
