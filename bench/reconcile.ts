// Owns the reconciler's benchmark: does a cycle cost what changed, whatever the size of the repository?
import { execFile, execFileSync } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { SystemClock } from '../src/base/clock.ts';
import { silentLogger } from '../src/base/logger.ts';
import { SystemRandom } from '../src/base/random.ts';
import { type ComposedReconciler, composeReconciler } from '../src/cli/compose-service.ts';
import { IsomorphicGitRepository } from '../src/git/isomorphic/isomorphic-git-repository.ts';
import { Executor } from '../src/reconcile/carry-out.ts';
import { Observer } from '../src/reconcile/observe.ts';
import { Publisher } from '../src/reconcile/publisher.ts';
import type { Cycle } from '../src/reconcile/reconciler.ts';
import { generateKeyPair } from '../src/signing/keys.ts';
import type { Benchmark, BenchmarkResult, Group, Line } from './benchmark.ts';
import { ManifestsSet, REGION } from './manifests-set.ts';
import { heapBytes, processorMs, repeatMs, type Spread, spreadOf, timeMs } from './measure.ts';

const DEVICES = 20;
const run = promisify(execFile);
const PHASES = ['fetch', 'observe', 'carry out', 'publish'] as const;
type Phase = (typeof PHASES)[number];

/** Time in the phases of cycles, taken around the real methods. */
class PhaseTimes {
  readonly ms: Record<Phase, number> = { fetch: 0, observe: 0, 'carry out': 0, publish: 0 };

  reset(): void {
    for (const phase of PHASES) this.ms[phase] = 0;
  }

  /** Puts a stopwatch around a method of a class, for the life of the process. */
  watch<T extends object>(prototype: T, method: keyof T & string, phase: Phase): void {
    const { ms } = this;
    const original = prototype[method] as (...args: unknown[]) => Promise<unknown>;
    const watched = async function (this: unknown, ...args: unknown[]): Promise<unknown> {
      const start = performance.now();
      try {
        return await original.apply(this, args);
      } finally {
        ms[phase] += performance.now() - start;
      }
    };
    Object.defineProperty(prototype, method, { value: watched, configurable: true, writable: true });
  }
}

const phases = new PhaseTimes();
let isWatching = false;

function watchPhases(): void {
  if (isWatching) return;
  isWatching = true;
  phases.watch(IsomorphicGitRepository.prototype, 'fetch', 'fetch');
  phases.watch(Observer.prototype, 'observe', 'observe');
  phases.watch(Executor.prototype, 'carryOut', 'carry out');
  phases.watch(Publisher.prototype, 'publish', 'publish');
}

async function compose(set: ManifestsSet): Promise<ComposedReconciler> {
  const composed = await composeReconciler({
    settings: {
      ...{ home: set.home, repository: set.url, branch: 'main', credentials: null, insecureHttp: true },
      ...{ host: '127.0.0.1', port: 0, hookSecret: null, viewerToken: null, reportIntervalMs: 60_000 },
      ...{ heartbeatMs: 2_000, leaseMs: 60_000, environment: { PATH: process.env.PATH } },
      reconciler: { pollMs: 3_600_000, tickMs: 2_000, emergencyAfterMs: 120_000 },
    },
    clock: new SystemClock(),
    random: new SystemRandom(),
    logger: silentLogger,
  });
  const { store } = composed;
  const [token = ''] = await store.createEnrolmentTokens({ expiresAtMs: Date.now() + 3_600_000, uses: DEVICES });
  const { publicPem: publicKey } = generateKeyPair();
  for (let n = 0; n < DEVICES; n++) {
    await store.enrol({ token, device: `kiosk-${n}`, publicKey, labels: { region: REGION }, nowMs: Date.now() });
  }
  return composed;
}

/** One commit met by both: the reconciler until devices could read of it, and `git fetch` in a mirror clone. */
interface Meeting {
  readonly total: number;
  /** Time of processors in it; waiting for Git and disks left out. */
  readonly processor: number;
  readonly phases: Record<Phase, number>;
  readonly git: number;
}

export interface ReconcileOrder {
  readonly documents: number;
  readonly runs: number;
}

export class ReconcileBench implements AsyncDisposable {
  readonly set: ManifestsSet;
  readonly composed: ComposedReconciler;
  readonly #signal = new AbortController().signal;
  readonly #clone: string;

  private constructor(set: ManifestsSet, composed: ComposedReconciler) {
    this.set = set;
    this.composed = composed;
    this.#clone = path.join(set.folder, 'peer.git');
    execFileSync('git', ['clone', '-q', '--mirror', set.url, this.#clone]);
  }

  static async create(documents: number): Promise<ReconcileBench> {
    watchPhases();
    const set = await ManifestsSet.create({ documents, waitingShare: 0.1 });
    return new ReconcileBench(set, await compose(set));
  }

  /** Cycles until nothing is left to do; the remote is asked in the first. */
  async reconcile(): Promise<readonly Cycle[]> {
    const { reconciler } = this.composed;
    const cycles: Cycle[] = [];
    reconciler.wake();
    for (let i = 0; i < 20; i++) {
      const cycle = await reconciler.cycle(this.#signal);
      cycles.push(cycle);
      if (cycle.kind === 'no-source' || cycle.kind === 'not-landed') throw new Error(`a cycle ended as ${cycle.kind}`);
      if (cycle.kind === 'in-step') break;
    }
    const { problems } = reconciler.view();
    if (problems.length > 0) throw new Error(problems.join('\n'));
    return cycles;
  }

  gitFetch(): Promise<number> {
    return timeMs(() => run('git', ['-C', this.#clone, 'fetch', '-q', 'origin']));
  }

  async meet(change: () => Promise<void>, isGitFirst: boolean): Promise<Meeting> {
    await change();
    const before = isGitFirst ? await this.gitFetch() : 0;
    phases.reset();
    let total = 0;
    const processor = await processorMs(async () => {
      total = await timeMs(() => this.reconcile());
    });
    const spent = { ...phases.ms };
    return { total, processor, phases: spent, git: isGitFirst ? before : await this.gitFetch() };
  }

  /** The stage in which a rollout stands; null in the steady state. */
  stageOf(rollout: number): string | null {
    return this.composed.reconciler.view().outlooks[rollout]?.stage ?? null;
  }

  tick(): Promise<Cycle> {
    return this.composed.reconciler.cycle(this.#signal);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.composed[Symbol.asyncDispose]();
    await this.set[Symbol.asyncDispose]();
  }
}

function changeLines(title: string, meetings: readonly Meeting[]): Line[] {
  const git = { what: 'git fetch', spread: spreadOf(meetings.map((one) => one.git)) };
  const of = (pick: (one: Meeting) => number): Spread => spreadOf(meetings.map(pick));
  const rest = (one: Meeting): number => one.total - PHASES.reduce((sum, phase) => sum + one.phases[phase], 0);
  return [
    { what: title, unit: 'ms', ours: of((one) => one.total), peer: git },
    ...PHASES.filter((phase) => meetings.some((one) => one.phases[phase] > 0.005)).map((phase): Line => {
      const line = { what: `  ${phase}`, unit: 'ms', ours: of((one) => one.phases[phase]) } as const;
      return phase === 'fetch' ? { ...line, peer: git } : line;
    }),
    { what: '  decide, remember, show', unit: 'ms', ours: of(rest) },
    { what: '  of all this, processor time', unit: 'ms', ours: of((one) => one.processor) },
  ];
}

export async function measureReconcile({ documents, runs }: ReconcileOrder): Promise<Group> {
  await using bench = await ReconcileBench.create(documents);
  const { set } = bench;
  const coldGit = await timeMs(() =>
    run('git', ['clone', '-q', '--mirror', set.url, path.join(set.folder, 'cold.git')]),
  );
  const heapBefore = heapBytes();
  phases.reset();
  let cold = 0;
  const coldProcessor = await processorMs(async () => {
    cold = await timeMs(() => bench.reconcile());
  });
  const heap = heapBytes() - heapBefore;
  const releases: Meeting[] = [];
  const starts: Meeting[] = [];
  for (let n = -2; n < runs; n++) {
    const version = `2.${n + 2}.0`;
    const release = await bench.meet(() => set.release(0, version), n % 2 === 0);
    const start = await bench.meet(() => set.desire(0, version), n % 2 === 0);
    if (bench.stageOf(0) !== 'canary') throw new Error('the new desired version started nothing');
    await bench.meet(() => set.desire(0, '1.0.0'), true);
    if (n >= 0) {
      releases.push(release);
      starts.push(start);
    }
  }
  const poll = await repeatMs(() => bench.reconcile(), { runs });
  const gitPoll = await repeatMs(() => bench.gitFetch(), { runs });
  const idle = await repeatMs(() => bench.tick(), { runs: runs * 3 });
  const idleProcessor = await processorMs(async () => {
    for (let i = 0; i < 50; i++) await bench.tick();
  });
  const one = (value: number): Spread => spreadOf([value]);
  return {
    title: `${documents.toLocaleString('en')} documents (${set.rollouts} rollouts)`,
    lines: [
      ...changeLines('a release: one manifest more', releases),
      ...changeLines('a new desired version: one rollout starts (commit, push, publish)', starts),
      { what: 'nothing new, remote asked', unit: 'ms', ours: poll, peer: { what: 'git fetch', spread: gitPoll } },
      { what: 'nothing new, between polls', unit: 'ms', ours: idle },
      { what: '  of this, processor time', unit: 'ms', ours: one(idleProcessor / 50) },
      {
        what: 'first cycle in an empty home',
        unit: 'ms',
        ours: one(cold),
        peer: { what: 'git clone', spread: one(coldGit) },
      },
      { what: '  of this, processor time', unit: 'ms', ours: one(coldProcessor) },
      { what: 'heap after it', unit: 'bytes', ours: one(heap) },
    ],
  };
}

async function runAll(say: (progress: string) => void): Promise<BenchmarkResult> {
  const groups: Group[] = [];
  for (const documents of [10, 1_000, 10_000]) {
    say(`${documents} documents`);
    groups.push(await measureReconcile({ documents, runs: 7 }));
  }
  return {
    groups,
    notes: [
      'From the wake-up by a webhook until devices can read the new directive; the Git server (git http-backend) is a process of its own.',
      'Nine in ten rollouts are in the steady state with an authentic status, one in ten waits for its first device.',
    ],
  };
}

export const reconcileBenchmark: Benchmark = {
  name: 'reconcile',
  title: 'one change in a repository of 10, 1,000 and 10,000 documents',
  run: runAll,
};
