// Owns what the system tests share: a served repository, a real service, real devices, and a watcher of all that is published.
import { createHmac } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Classifier, type TrainingOptions, trainClassifier } from '../../examples/invoices/train.ts';
import { SystemClock } from '../../src/base/clock.ts';
import { BranchWatch, type SeenCommit } from '../../src/cli/demo/branch-watch.ts';
import { DEMO_MODEL, DEMO_ROLLOUT, manifestText, rolloutText } from '../../src/cli/demo/example-model.ts';
import { DemoFleet, type FleetOptions } from '../../src/cli/demo/fleet.ts';
import { type GitClone, git } from '../../src/cli/demo/git-clone.ts';
import { type ServiceAnswer, ServiceProcess } from '../../src/cli/demo/service-process.ts';
import { createStageSet, removeStageSet, type StageSet, type StageSetOptions } from '../../src/cli/demo/stage-set.ts';
import { signedFiles } from '../../src/cli/signed-files.ts';
import { addArtifact } from '../../src/distribution/folder-publication.ts';
import { parseDocument } from '../../src/documents/parse-document.ts';
import type { Rollout, RolloutStatus } from '../../src/documents/types.generated.ts';
import type { Outlook } from '../../src/rollout/outlook.ts';
import { openSqliteFleetStore } from '../../src/store/sqlite/open-sqlite-fleet-store.ts';
import { DirectiveWatch } from './directive-watch.ts';
import { Gateway, type GatewayOptions } from './gateway.ts';

export const ROLLOUT = DEMO_ROLLOUT;
export const ROLLOUT_FILE = `rollouts/${DEMO_ROLLOUT}.yaml`;

const KINDS = {
  sound: { seed: 'sound', hidden: 8, documents: 600, epochs: 4 },
  better: { seed: 'better', hidden: 8, documents: 600, epochs: 5 },
  /** Errs on every sixth document. */
  failing: { seed: 'failing', hidden: 8, documents: 600, epochs: 4, pageRows: 4 },
} as const satisfies Record<string, TrainingOptions>;
export type Kind = keyof typeof KINDS;

const trained = new Map<Kind, Classifier>();
function classifierOf(kind: Kind): Classifier {
  const known = trained.get(kind) ?? trainClassifier(KINDS[kind]);
  trained.set(kind, known);
  return known;
}

export interface PolicyFacts {
  readonly canary?: string;
  readonly soak?: string;
  readonly rest?: string;
}

/** Fractions of seconds instead of hours. `canary` adds fields to the first stage. */
export function quickPolicy({ canary = '', soak = '400ms' }: PolicyFacts = {}): string {
  return `apiVersion: slipway.dev/v1alpha1
kind: RolloutPolicy
metadata: { name: quick }
spec:
  appliesTo: { rollouts: ["document-*"] }
  stages:
    - name: canary
      size: { devices: 3 }
      soak: ${soak}
      minimum: { devices: 2, inferences: 60 }
      silence: 60s
${canary === '' ? '' : `      ${canary}\n`}      rules:
        - error_rate < 6%
        - failed_devices < 67%
    - { name: full, size: 100%, soak: ${soak} }
`;
}

export interface WorldOptions {
  readonly devices?: number;
  readonly policy?: string;
  readonly perSecond?: number;
  readonly gitHost?: StageSetOptions['gitHost'];
  readonly flags?: readonly string[];
  readonly onTaken?: GatewayOptions['onTaken'];
  readonly seed?: string;
  readonly labels?: FleetOptions['labels'];
  /** Devices, the first ones, that run this bundle as processes of their own. */
  readonly processes?: { readonly count: number; readonly bundle: string };
  /** Makes the tokens that devices enrol with. */
  readonly tokens?: (set: StageSet, count: number) => Promise<readonly string[]>;
  /** Starts other services than the one of the command line; the first is the world's own. */
  readonly services?: (set: StageSet) => Promise<readonly WorldService[]>;
  /** Where devices go; the first service unless given. */
  readonly target?: GatewayOptions['target'];
}

/** What a world needs of a service. */
export type WorldService = Pick<ServiceProcess, 'url' | 'start' | 'end' | 'signal' | 'view' | 'log'>;

/** Generous: the machine may be busy with other things, and back-offs double. */
const MOST_MS = 150_000;
const PACE = ['--poll', '1s', '--tick', '100ms'];

export class World implements AsyncDisposable {
  readonly set: StageSet;
  readonly clock = new SystemClock();
  readonly ci: GitClone;
  readonly service: WorldService;
  readonly gateway: Gateway;
  readonly watch: DirectiveWatch;
  readonly branch: BranchWatch;
  readonly fleet: DemoFleet;
  readonly #owned: AsyncDisposableStack;
  #looked: { readonly head: string; readonly rollout: Rollout | null } | undefined;

  private constructor(
    parts: Pick<World, 'set' | 'ci' | 'service' | 'gateway' | 'watch' | 'branch' | 'fleet'>,
    owned: AsyncDisposableStack,
  ) {
    this.set = parts.set;
    this.ci = parts.ci;
    this.service = parts.service;
    this.gateway = parts.gateway;
    this.watch = parts.watch;
    this.branch = parts.branch;
    this.fleet = parts.fleet;
    this.#owned = owned;
  }

  /** A repository with a policy in it, a running service, and devices that enrol. */
  static async open(options: WorldOptions = {}): Promise<World> {
    const { devices = 4, gitHost, flags = [], onTaken, policy = quickPolicy() } = options;
    const clock = new SystemClock();
    await using stack = new AsyncDisposableStack();
    const set = await createStageSet({ nowMs: clock.now(), ...(gitHost === undefined ? {} : { gitHost }) });
    stack.defer(() => removeStageSet(set));
    stack.use(set);
    await logEveryUpdate(set);
    const ci = await set.clone('ci');
    const settings = 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: {}\n';
    const files = await signedFiles(set, 'policies/quick.yaml', policy);
    await ci.push('start', async () => new Map([['slipway.yaml', settings], ...files]));
    const services = await (options.services ?? ((one) => commandLine(one, flags)))(set);
    for (const one of services) {
      stack.defer(() => one.end('SIGKILL'));
      await one.start();
    }
    const [service] = services;
    if (service === undefined) throw new Error('a world has a service');
    const target = options.target ?? (() => service.url);
    const gateway = stack.use(await Gateway.start({ target, ...(onTaken === undefined ? {} : { onTaken }) }));
    const { publication } = set.home;
    const stateFolder = path.join(set.folder, 'watcher');
    const watch = stack.use(await DirectiveWatch.start({ publication, stateFolder, factoryRoot: set.factoryRoot }));
    const fleet = stack.use(
      await DemoFleet.start({
        set,
        clock,
        serverUrl: gateway.url,
        devices,
        processes: options.processes?.count ?? 0,
        bundle: options.processes?.bundle,
        tokens: await (options.tokens ?? makeTokens)(set, devices),
        reportMs: 300,
        perSecond: options.perSecond ?? 30,
        seed: options.seed ?? 'system',
        ...(options.labels === undefined ? {} : { labels: options.labels }),
      }),
    );
    const branch = new BranchWatch(set.repository, await set.clone('watch'), clock);
    return new World({ set, ci, service, gateway, watch, branch, fleet }, stack.move());
  }

  /** CI pushes a signed version, and a person asks for it in the same commit. */
  async release(kind: Kind, version: string): Promise<string> {
    const files = await releaseOf(this.set, kind, version);
    const commit = await this.ci.push(
      `roll out ${version}`,
      async () => new Map([...files, [ROLLOUT_FILE, await this.#asking(version)]]),
    );
    await this.tellService();
    return commit;
  }

  async #asking(version: string): Promise<string> {
    try {
      return withVersion(await this.ci.read(ROLLOUT_FILE), version);
    } catch {
      return rolloutText(version);
    }
  }

  /** A person edits files on the newest state of the branch. */
  async edit(
    message: string,
    change: (read: GitClone['read']) => Promise<Record<string, string | null>>,
  ): Promise<string> {
    const commit = await this.ci.push(
      message,
      async () => new Map(Object.entries(await change((file) => this.ci.read(file)))),
    );
    await this.tellService();
    return commit;
  }

  /** As a Git host would after a push. */
  async tellService(): Promise<void> {
    const body = JSON.stringify({ ref: 'refs/heads/main' });
    const signature = `sha256=${createHmac('sha256', this.set.hookSecret).update(body).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signature, 'x-github-event': 'push' };
    const signal = AbortSignal.timeout(2000);
    await fetch(`${this.service.url}/v1/hooks/git`, { method: 'POST', body, headers, signal }).catch(() => undefined);
  }

  /** Runs git in the bare repository. */
  host(...args: string[]): Promise<string> {
    return onHost(this.set, ...args);
  }

  /** Read anew only when the branch moved: looking costs a process. */
  async rolloutAtHead(): Promise<Rollout | null> {
    const head = (await readFile(path.join(this.set.repository, 'refs/heads/main'), 'utf8').catch(() => '')).trim();
    if (head === '' || this.#looked?.head !== head) this.#looked = { head, rollout: await this.#readRollout() };
    return this.#looked.rollout;
  }

  async #readRollout(): Promise<Rollout | null> {
    try {
      const text = await this.host('show', `main:${ROLLOUT_FILE}`);
      const parsed = parseDocument(ROLLOUT_FILE, Buffer.from(text));
      return parsed.kind === 'parsed' && parsed.document.kind === 'Rollout' ? parsed.document : null;
    } catch {
      return null;
    }
  }

  async statusAtHead(): Promise<RolloutStatus | null> {
    return (await this.rolloutAtHead())?.status ?? null;
  }

  async view(): Promise<ServiceAnswer | undefined> {
    return this.service.view();
  }

  async outlook(): Promise<Outlook | undefined> {
    return (await this.view())?.rollouts.find((one) => one.rollout === ROLLOUT);
  }

  /** `Slipway-Transition` of each commit that the branch ever showed, oldest first. */
  async transitions(): Promise<readonly string[]> {
    return (await this.commits()).flatMap((commit) => commit.transition ?? []);
  }

  async commits(): Promise<readonly SeenCommit[]> {
    await this.branch.look();
    return this.branch.commits;
  }

  /** What each device runs, for good: a version on trial is marked. */
  async running(): Promise<readonly string[]> {
    const states = await this.fleet.states();
    return states.map(({ model }) => {
      const version = model?.running?.version ?? 'nothing';
      return model?.state === 'trial' ? `${version} on trial` : version;
    });
  }

  /** Waits for what will be; fails with what is instead. */
  until<T>(what: string, look: () => Promise<T | undefined | false | null>, mostMs = MOST_MS): Promise<T> {
    return until(what, look, () => this.#asItIs(), mostMs);
  }

  untilStable(version: string): Promise<unknown> {
    return this.until(`${version} is stable everywhere`, async () => {
      const status = await this.statusAtHead();
      if (status?.state !== 'idle' || status.stable?.version !== version) return false;
      if (this.watch.entry(ROLLOUT)?.revision !== status.revision) return false;
      return (await this.running()).every((one) => one === version);
    });
  }

  async #asItIs(): Promise<string> {
    const status = await this.statusAtHead();
    const view = await this.view();
    return JSON.stringify(
      {
        status: status && { revision: status.revision, state: status.state, stage: status.stage },
        running: await this.running(),
        published: this.watch.entry(ROLLOUT)?.revision,
        transitions: await this.transitions(),
        source: view?.service.source,
        trouble: view?.service.trouble,
        waitingOn: view?.rollouts.map((one) => one.waitingOn),
        log: (await readFile(this.service.log, 'utf8').catch(() => '')).split('\n').slice(-15),
      },
      null,
      1,
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned.disposeAsync();
  }
}

export async function until<T>(
  what: string,
  look: () => Promise<T | undefined | false | null>,
  asItIs: () => Promise<string> = async () => '',
  mostMs = MOST_MS,
): Promise<T> {
  const clock = new SystemClock();
  const endMs = clock.monotonicMs() + mostMs;
  for (;;) {
    const found = await look();
    if (found !== undefined && found !== false && found !== null) return found;
    if (clock.monotonicMs() > endMs) throw new Error(`${what}: not within ${mostMs / 1000} s. ${await asItIs()}`);
    await clock.sleep(60);
  }
}

async function commandLine(set: StageSet, flags: readonly string[]): Promise<readonly WorldService[]> {
  const order = { set, clock: new SystemClock(), reportInterval: '300ms', flags: [...PACE, ...flags] };
  return [await ServiceProcess.create(order)];
}

/** The rollout's text with another desired version; everything else stays as it was written. */
export function withVersion(text: string, version: string): string {
  return text.replace(/^(\s+version: )"[^"]*"(?=.*# change this line)/m, `$1"${version}"`);
}

export async function releaseOf(set: StageSet, kind: Kind, version: string): Promise<[string, string][]> {
  const classifier = classifierOf(kind);
  const onnx = path.join(set.folder, `${version}.onnx`);
  await writeFile(onnx, classifier.onnx);
  const artifact = await addArtifact(set.home.publication, onnx);
  const text = manifestText({
    version,
    sequence: Number(version.replaceAll('.', '')),
    parent: null,
    classifier,
    artifact,
  })
    .replace('duration: 1s', 'duration: 300ms')
    .replace('errorRate: 20%', 'errorRate: 90%');
  return signedFiles(set, `models/${DEMO_MODEL}/${version}.yaml`, text);
}

export async function makeTokens(set: StageSet, count: number): Promise<readonly string[]> {
  const clock = new SystemClock();
  await using store = openSqliteFleetStore({ file: set.home.store, clock });
  return store.createEnrolmentTokens({ count, expiresAtMs: clock.now() + 3_600_000 });
}

export function onHost(set: StageSet, ...args: string[]): Promise<string> {
  return git(args, set.repository, { path: process.env.PATH ?? '', home: set.folder });
}

async function logEveryUpdate(set: StageSet): Promise<void> {
  await onHost(set, 'config', 'core.logAllRefUpdates', 'always');
}

/** The updates of the branch that were no fast-forward: none, unless a person forced one. */
export async function forcedUpdates(set: StageSet): Promise<readonly string[]> {
  const log = await onHost(set, 'log', '--walk-reflogs', '--format=%H', 'main');
  const heads = log.trim().split('\n').reverse();
  const forced: string[] = [];
  for (const [i, head] of heads.entries()) {
    const before = heads[i - 1];
    if (before === undefined || before === head) continue;
    const base = (await onHost(set, 'merge-base', before, head).catch(() => '')).trim();
    if (base !== before) forced.push(`${before} → ${head}`);
  }
  return forced;
}
