// Owns a manifests repository of any size for benchmarks: signed manifests, policies, rollouts in the steady state with authentic statuses, written by real commits.
import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createHome } from '../src/cli/create-home.ts';
import { type Home, homeAt } from '../src/cli/home.ts';
import { keyFolderAt } from '../src/cli/key-folder.ts';
import { type Digest, digestOf } from '../src/contract/digest.ts';
import { initialiseTuf } from '../src/distribution/tuf-roots.ts';
import { spliceStatus } from '../src/documents/edit-rollout.ts';
import type { RolloutStatus } from '../src/documents/types.generated.ts';
import type { DecisionInputs } from '../src/rollout/decision-inputs.ts';
import { blankStatus } from '../src/rollout/next-status.ts';
import { createReconcilerSigner, type ReconcilerSigner } from '../src/signing/evidence-signer.ts';
import { readPrivateKey } from '../src/signing/keys.ts';
import { signBytes } from '../src/signing/sign-document.ts';
import { evidenceOf } from '../src/snapshot/evidence.ts';
import { copyPath } from '../src/snapshot/policies-in-force.ts';

const POLICY = `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: careful }
spec:
  appliesTo: { rollouts: ["*"] }
  spread: 10m
  stages:
    - name: canary
      size: { devices: 3 }
      soak: 30m
      minimum: { devices: 3, inferences: 1000 }
      silence: 10m
      rules: [error_rate < 1%, latency_p99 < 150ms, failed_devices < 5%]
    - { name: ramp, size: 25%, soak: 1h }
    - { name: full, size: 100%, soak: 1h }
`;

const GROUP = `apiVersion: slipway.dev/v1alpha1
kind: DeviceGroup
metadata: { name: kiosks }
spec: { labels: { region: eu-west }, devices: [], deny: [kiosk-666] }
`;

const SETTINGS = 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: { defaults: { policy: careful } }\n';

/** Region in which benchmarks enrol their devices; the others have none. */
export const REGION = 'eu-west';

function manifest(model: string, version: string): string {
  const artifact = digestOf(`${model} ${version}`);
  return `apiVersion: slipway.dev/v1alpha1
kind: ModelManifest
metadata: { name: ${model}, version: "${version}", owner: vision, description: Says what kind of document lies before it. }
spec:
  framework: onnx
  metrics: { accuracy: 0.97 }
  interface:
    inputs: [{ name: x, type: float32, shape: [-1, 64] }]
    outputs: [{ name: probabilities, type: float32, shape: [-1, 4], classes: [invoice, receipt, letter, form] }]
  confidence: { least: 0.5 }
  variants:
    - platform: any
      files:
        - { role: model, name: model.onnx, digest: "${artifact}", sizeBytes: 120000, url: "artifacts/${artifact.slice(7)}" }
  resources: { memoryBytes: 1000000, diskBytes: 400000 }
  health: { warmUp: { duration: 1h, inferences: 1000 }, errorRate: 1% }
`;
}

function rollout(name: string, model: string, version: string, region: string): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: Rollout
metadata: { name: ${name} }
spec:
  model: ${model}
  version: "${version}"   # people change this line
  target: region:${region}
`;
}

const modelName = (n: number): string => `model-${String(n).padStart(5, '0')}`;
const rolloutName = (n: number): string => `rollout-${String(n).padStart(5, '0')}`;

export interface SetSize {
  readonly documents: number;
  /** Share of rollouts that wait for their first device, and have no status yet. */
  readonly waitingShare: number;
}

type Files = Map<string, string | null>;

export class ManifestsSet implements AsyncDisposable {
  readonly folder: string;
  readonly home: Home;
  readonly bare: string;
  readonly rollouts: number;
  readonly models: number;
  url = '';
  #server: ChildProcess | undefined;
  #ciKey!: Awaited<ReturnType<typeof readPrivateKey>>;
  #signer!: ReconcilerSigner;
  #tick = 0;
  readonly #size: SetSize;

  private constructor(size: SetSize) {
    this.#size = size;
    this.folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-bench-'));
    this.home = homeAt(path.join(this.folder, 'home'));
    this.bare = path.join(this.folder, 'repositories', 'models.git');
    this.rollouts = Math.max(1, Math.floor(size.documents / 10));
    this.models = this.rollouts;
  }

  static async create(size: SetSize): Promise<ManifestsSet> {
    const set = new ManifestsSet(size);
    const keys = keyFolderAt(path.join(set.folder, 'keys'));
    const { tuf, publication } = set.home;
    await createHome(set.home, keys);
    await initialiseTuf({ keys: tuf, rootKeysFolder: keys.folder, publication, nowMs: Date.now() });
    set.#ciKey = await readPrivateKey(keys.ciKey);
    set.#signer = createReconcilerSigner(await readPrivateKey(set.home.reconcilerKey), 'slipway@localhost');
    execFileSync('git', ['init', '-q', '--bare', '-b', 'main', set.bare]);
    await set.commit('everything', set.#everything());
    execFileSync('git', ['-C', set.bare, 'repack', '-adq']);
    const server = fork(new URL('git-server-process.ts', import.meta.url), [path.join(set.folder, 'repositories')]);
    set.#server = server;
    const [url] = (await once(server, 'message')) as [string];
    set.url = `${url}/models.git`;
    return set;
  }

  #signed(file: string, text: string): [string, string][] {
    const bundle = signBytes(Buffer.from(text), this.#ciKey);
    return [
      [file, text],
      [`${file}.sigstore.json`, `${JSON.stringify(bundle, null, 2)}\n`],
    ];
  }

  /** Counted are manifests, policies, rollouts and groups; signatures and evidence come on top. */
  #everything(): Files {
    const { documents, waitingShare } = this.#size;
    const policy = digestOf(POLICY);
    const files: Files = new Map([
      ['slipway.yaml', SETTINGS],
      ['fleet/kiosks.yaml', GROUP],
      ...this.#signed('policies/careful.yaml', POLICY),
    ]);
    const digests = new Map<string, Digest>();
    const manifests = documents - this.rollouts - 2;
    for (let n = 0; n < manifests; n++) {
      const model = modelName(n % this.models);
      const version = `1.${Math.floor(n / this.models)}.0`;
      const text = manifest(model, version);
      for (const [file, content] of this.#signed(`models/${model}/${version}.yaml`, text)) files.set(file, content);
      digests.set(`${model} ${version}`, digestOf(text));
    }
    const waiting = Math.floor(this.rollouts * waitingShare);
    for (let n = 0; n < this.rollouts; n++) {
      const [name, model] = [rolloutName(n), modelName(n)];
      const isWaiting = n >= this.rollouts - waiting;
      const text = rollout(name, model, '1.0.0', isWaiting ? 'nowhere' : REGION);
      const digest = digests.get(`${model} 1.0.0`);
      if (isWaiting || digest === undefined) files.set(`rollouts/${name}.yaml`, text);
      else for (const [file, content] of this.#atRest(name, model, text, digest, policy)) files.set(file, content);
    }
    return files;
  }

  /** The rollout as the reconciler leaves it once version 1.0.0 is everywhere: status, evidence, and the policy in force beside it. */
  #atRest(name: string, model: string, text: string, digest: Digest, policy: Digest): [string, string][] {
    const target = `region:${REGION}`;
    const status: RolloutStatus = {
      ...blankStatus(target, Date.parse('2026-11-20T10:00:00Z')),
      ...{ model, revision: 4, opened: 4, policy, evidence: `evidence/${name}/4-full-stable.json` },
      stable: { version: '1.0.0', digest, parameters: {}, target },
      attempts: [{ digest, attempt: 1 }],
    };
    const transition = {
      ...({ kind: 'complete', rollout: name, model, from: 'full', to: 'stable', next: status } as const),
      ...{ spec: { answered: [] }, verdict: null, cohort: null, window: null, terms: null, opens: null },
      reason: { kind: 'promoted' } as const,
      ...{ subject: { version: '1.0.0', digest, attempt: 1 }, policy, inputs: inputsOf(name, status) },
    };
    const documents = { manifest: digest, manifestBundle: null, policy, policyBundle: null };
    const facts = { observed: '0'.repeat(40), now: Date.parse(status.since), previous: null, documents };
    const statement = evidenceOf(transition, facts);
    const copy = copyPath(`evidence/${name}`, policy, 'policy');
    return [
      [`rollouts/${name}.yaml`, spliceStatus(text, status)],
      [status.evidence, Buffer.from(this.#signer.signEvidence(statement)).toString()],
      [copy, POLICY],
    ];
  }

  /** CI releases one version: a manifest and its signature. */
  async release(model: number, version: string): Promise<void> {
    const [name, text] = [modelName(model), manifest(modelName(model), version)];
    await this.commit(`release ${version}`, new Map(this.#signed(`models/${name}/${version}.yaml`, text)));
  }

  /** A person asks for another version of one rollout. */
  async desire(n: number, version: string): Promise<void> {
    const file = `rollouts/${rolloutName(n)}.yaml`;
    const text = execFileSync('git', ['-C', this.bare, 'show', `main:${file}`]).toString();
    await this.commit(
      `ask for ${version}`,
      new Map([[file, text.replace(/version: "[^"]*" {3}#/, `version: "${version}"   #`)]]),
    );
  }

  /** One commit on the branch of the bare repository, as a push leaves it. */
  async commit(message: string, files: Files): Promise<void> {
    const isFirst = this.#tick === 0;
    const at = Math.floor(Date.now() / 1000) + this.#tick++;
    const importer = spawn('git', ['-C', this.bare, 'fast-import', '--quiet', '--force'], {
      stdio: ['pipe', 'inherit', 'inherit'],
    });
    const lines = [
      'commit refs/heads/main',
      `committer Ann <ann@example.org> ${at} +0000`,
      `data ${Buffer.byteLength(message)}\n${message}`,
    ];
    if (!isFirst) lines.push('from refs/heads/main^0');
    for (const [file, text] of files) {
      if (text === null) lines.push(`D ${file}`);
      else lines.push(`M 100644 inline ${file}\ndata ${Buffer.byteLength(text)}\n${text}`);
    }
    importer.stdin.end(`${lines.join('\n')}\n`);
    const [code] = (await once(importer, 'close')) as [number];
    if (code !== 0) throw new Error(`git fast-import ended with ${code}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#server?.connected) {
      const exited = once(this.#server, 'exit');
      this.#server.disconnect();
      await exited;
    }
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Of a history that nobody decides again. */
function inputsOf(name: string, status: RolloutStatus): DecisionInputs {
  return {
    ...{ now: Date.parse(status.since), claim: { kind: 'authentic', status }, seen: null, publishedRevision: 0 },
    ...{ continues: true, evidenceFolder: 'evidence', versions: [], policy: null, policyProblem: null },
    ...{ policyInForce: null, counts: [], chosen: null, nonce: '0'.repeat(32), baseline: null },
    spec: { model: status.model ?? name, version: status.stable?.version ?? '', target: status.target },
  };
}
