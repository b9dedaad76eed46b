// Owns the story that the demo tells: a first version, a better one, and a bad one that is caught and taken back.
import { createHmac } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import { openSqliteFleetStore } from '../../store/sqlite/open-sqlite-fleet-store.ts';
import { loadTrustPolicy } from '../load-trust.ts';
import { releaseFiles, signedFiles } from '../signed-files.ts';
import { BranchWatch, type SeenCommit } from './branch-watch.ts';
import { checkCommits } from './check-commits.ts';
import { DEMO_MODEL, DEMO_POLICY, DEMO_ROLLOUT, type DemoVersion, policyText, rolloutText } from './example-model.ts';
import { DemoFleet, type DeviceState } from './fleet.ts';
import type { GitClone } from './git-clone.ts';
import { readRules } from './read-evidence.ts';
import { ServiceProcess } from './service-process.ts';
import type { StageSet } from './stage-set.ts';
import {
  type BadRolloutStory,
  type RolloutStory,
  resultOf,
  type StepTime,
  type StoryResult,
  VERSIONS,
} from './story-result.ts';

export interface StoryOptions {
  readonly set: StageSet;
  readonly clock: Clock;
  readonly devices: number;
  readonly processes: number;
  readonly canaryDevices: number;
  readonly rampPercent: number;
  readonly soak: string;
  readonly reportMs: number;
  readonly perSecond: number;
  readonly tell: (line: StoryLine) => void;
  /** Called once the service runs; for tests that disturb it. */
  readonly onService?: (service: ServiceProcess) => void;
  readonly signal: AbortSignal;
}

export type StoryLine =
  | { readonly kind: 'chapter'; readonly text: string }
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'commit'; readonly commit: SeenCommit; readonly afterMs: number }
  | { readonly kind: 'progress'; readonly text: string };

const STEP_LIMIT_MS = 120_000;

class Story {
  readonly #options: StoryOptions;
  readonly #ci: GitClone;
  readonly #watch: BranchWatch;
  readonly service: ServiceProcess;
  readonly fleet: DemoFleet;

  constructor(
    options: StoryOptions,
    parts: { ci: GitClone; watch: BranchWatch; service: ServiceProcess; fleet: DemoFleet },
  ) {
    this.#options = options;
    this.#ci = parts.ci;
    this.#watch = parts.watch;
    this.service = parts.service;
    this.fleet = parts.fleet;
  }

  /** CI pushes a signed version, a person asks for it. Returns when it was pushed. */
  async push(kind: DemoVersion, parent: string | null): Promise<number> {
    const { set, clock, tell } = this.#options;
    const version = VERSIONS[kind];
    const files = await releaseFiles(set, { kind, version, sequence: Object.keys(VERSIONS).indexOf(kind) + 1, parent });
    await this.#ci.push(`release ${DEMO_MODEL} ${version}`, async () => new Map(files));
    await this.#ci.push(
      `roll out ${DEMO_MODEL} ${version}`,
      async () => new Map([[`rollouts/${DEMO_ROLLOUT}.yaml`, await this.#asking(version)]]),
    );
    const pushedAtMs = clock.monotonicMs();
    await this.#tellService();
    tell({ kind: 'note', text: `pushed ${DEMO_MODEL} ${version}, signed by CI; the rollout now asks for it` });
    return pushedAtMs;
  }

  /** One line of the rollout changes; the reconciler's status stays as it is. */
  async #asking(version: string): Promise<string> {
    try {
      const text = await this.#ci.read(`rollouts/${DEMO_ROLLOUT}.yaml`);
      return text.replace(/^(\s+version: )"[^"]*"(?=.*# change this line)/m, `$1"${version}"`);
    } catch {
      return rolloutText(version);
    }
  }

  /** As a Git host would after a push. A service that is down misses it, and polls later. */
  async #tellService(): Promise<void> {
    const body = JSON.stringify({ ref: 'refs/heads/main' });
    const signature = `sha256=${createHmac('sha256', this.#options.set.hookSecret).update(body).digest('hex')}`;
    const headers = { 'content-type': 'application/json', 'x-hub-signature-256': signature, 'x-github-event': 'push' };
    await fetch(`${this.service.url}/v1/hooks/git`, { method: 'POST', body, headers }).catch(() => undefined);
  }

  /** Follows the branch until a step of the kind comes. */
  async follow(
    pushedAtMs: number,
    end: readonly string[],
  ): Promise<{ readonly steps: readonly SeenCommit[]; readonly last: SeenCommit }> {
    const { clock, tell, signal } = this.#options;
    const steps: SeenCommit[] = [];
    const deadline = clock.monotonicMs() + STEP_LIMIT_MS;
    while (clock.monotonicMs() < deadline) {
      signal.throwIfAborted();
      for (const commit of await this.#watch.look()) {
        if (commit.kind === null) continue;
        steps.push(commit);
        tell({ kind: 'commit', commit, afterMs: commit.atMs - pushedAtMs });
        if (end.includes(commit.kind)) return { steps, last: commit };
      }
      await this.#tellProgress();
      await clock.sleep(100, signal);
    }
    throw new CodedError({
      code: 'DEMO_TOO_SLOW',
      kind: 'retry-later',
      message: `None of ${end.join(', ')} happened within ${STEP_LIMIT_MS / 1000} s.`,
      remedy: `Try again when the machine has less to do, or with fewer devices (--devices 12). The service's log says how far it came: ${this.service.log}.`,
    });
  }

  async #tellProgress(): Promise<void> {
    const view = await this.service.view();
    const outlook = view?.rollouts[0];
    if (outlook === undefined) return;
    const { cohort, verdict, waitingOn } = outlook;
    const devices = cohort === null ? '' : `${cohort.ready}/${cohort.wanted} devices`;
    const rules = verdict === null ? '' : verdict.rules.map((rule) => `${rule.metric} ${rule.verdict}`).join(', ');
    const waiting = waitingOn.map((one) => one.kind).join(', ');
    this.#options.tell({
      kind: 'progress',
      text: [outlook.stage ?? 'steady', devices, rules, waiting && `waiting for ${waiting}`].filter(Boolean).join('  '),
    });
  }

  /** Until every device runs the version. */
  async waitForAll(version: string): Promise<readonly DeviceState[]> {
    const { clock, signal } = this.#options;
    const deadline = clock.monotonicMs() + STEP_LIMIT_MS;
    for (;;) {
      signal.throwIfAborted();
      const states = await this.fleet.states();
      if (states.every((one) => one.model?.running?.version === version && one.model.state !== 'trial')) return states;
      if (clock.monotonicMs() > deadline) return states;
      await clock.sleep(50, signal);
    }
  }

  exposed(version: string): number {
    return [...this.fleet.seenVersions.values()].filter((seen) => seen.has(version)).length;
  }
}

function stepTimes(steps: readonly SeenCommit[], pushedAtMs: number): StepTime[] {
  return steps.map(({ transition, commit, atMs }) => ({
    step: transition ?? '',
    commit,
    afterMs: Math.round(atMs - pushedAtMs),
  }));
}

function reasonOf(commit: SeenCommit): string {
  return commit.reason.length === 0 ? commit.subject : commit.reason.join(' ');
}

async function goodChapter(
  story: Story,
  options: StoryOptions,
  kind: DemoVersion,
  parent: string | null,
): Promise<RolloutStory> {
  const pushedAtMs = await story.push(kind, parent);
  const { steps, last } = await story.follow(pushedAtMs, ['complete', 'roll-back']);
  await story.waitForAll(VERSIONS[kind]);
  return {
    version: VERSIONS[kind],
    outcome: last.kind === 'complete' ? 'stable' : 'reverted',
    steps: stepTimes(steps, pushedAtMs),
    seconds: (options.clock.monotonicMs() - pushedAtMs) / 1000,
    devicesExposed: story.exposed(VERSIONS[kind]),
    reason: reasonOf(last),
  };
}

async function badChapter(
  story: Story,
  options: StoryOptions,
): Promise<{ readonly story: Omit<BadRolloutStory, 'rules'>; readonly last: SeenCommit }> {
  const { clock, canaryDevices } = options;
  const pushedAtMs = await story.push('bad', VERSIONS.good);
  const followed = new AbortController();
  const exposure = watchExposure(story, clock, VERSIONS.bad, followed.signal);
  const { steps, last } = await story.follow(pushedAtMs, ['complete', 'roll-back']);
  await story.waitForAll(VERSIONS.good);
  const restoredAtMs = clock.monotonicMs();
  followed.abort();
  const firstExposedAtMs = (await exposure) ?? last.atMs;
  const outcome = {
    version: VERSIONS.bad,
    outcome: last.kind === 'roll-back' ? ('reverted' as const) : ('stable' as const),
    steps: stepTimes(steps, pushedAtMs),
    seconds: (restoredAtMs - pushedAtMs) / 1000,
    devicesExposed: story.exposed(VERSIONS.bad),
    reason: reasonOf(last),
    canaryDevices,
    firstExposureToRevertMs: Math.max(0, Math.round(last.atMs - firstExposedAtMs)),
    revertToRestoredMs: Math.max(0, Math.round(restoredAtMs - last.atMs)),
  };
  return { story: outcome, last };
}

/** When the first device ran the version; watching also keeps the list of devices that ever had it. */
async function watchExposure(story: Story, clock: Clock, version: string, signal: AbortSignal): Promise<number | null> {
  let first: number | null = null;
  while (!signal.aborted) {
    const states = await story.fleet.states();
    if (first === null && states.some((one) => one.model?.running?.version === version)) first = clock.monotonicMs();
    await clock.sleep(100, signal);
  }
  return first;
}

/** Commits the policy that everything runs under, and nothing else yet. */
async function writeFirstCommit(set: StageSet, ci: GitClone, options: StoryOptions): Promise<void> {
  const policy = policyText(options);
  const files = await signedFiles(set, `policies/${DEMO_POLICY}.yaml`, policy);
  const settings = 'apiVersion: slipway.dev/v1alpha1\nkind: Repository\nspec: {}\n';
  await ci.push('start the manifests repository', async () => new Map([['slipway.yaml', settings], ...files]));
}

async function makeTokens(set: StageSet, clock: Clock, count: number): Promise<readonly string[]> {
  await using store = openSqliteFleetStore({ file: set.home.store, clock });
  return store.createEnrolmentTokens({ count, expiresAtMs: clock.now() + 3_600_000 });
}

/** Tells the story on a stage set, and says whether it held. */
export async function tellStory(options: StoryOptions): Promise<StoryResult> {
  const { set, clock, tell } = options;
  const ci = await set.clone('ci');
  const watch = new BranchWatch(set.repository, await set.clone('watch'), clock);
  await writeFirstCommit(set, ci, options);
  const tokens = await makeTokens(set, clock, options.devices);
  const service = await ServiceProcess.create({ set, clock, reportInterval: `${options.reportMs}ms` });
  await service.start();
  options.onService?.(service);
  try {
    tell({
      kind: 'chapter',
      text: `The service follows ${set.repositoryUrl}; ${options.devices} devices enrol, ${options.processes} of them as separate processes.`,
    });
    await using fleet = await DemoFleet.start({ ...options, serverUrl: service.url, tokens, seed: 'demo' });
    const story = new Story(options, { ci, watch, service, fleet });
    tell({ kind: 'chapter', text: `A first version: ${VERSIONS.baseline}` });
    const firstRollout = await goodChapter(story, options, 'baseline', null);
    tell({ kind: 'chapter', text: `A better version: ${VERSIONS.good}` });
    const goodRollout = await goodChapter(story, options, 'good', VERSIONS.baseline);
    tell({
      kind: 'chapter',
      text: `A bad version without crashes or errors, best on paper: ${VERSIONS.bad} never answers "receipt", and is less confident in the rest`,
    });
    const caught = await badChapter(story, options);
    const states = await fleet.states();
    await watch.look();
    const trust = await loadTrustPolicy(set.home.trustPolicy);
    const reader = await set.clone('reader');
    const checked = await checkCommits(reader, watch.commits, trust);
    const rules = await readRules(reader, caught.last, trust);
    const badRollout = { ...caught.story, rules };
    return resultOf({ ...options, firstRollout, goodRollout, badRollout, states, traffic: fleet.traffic, checked });
  } finally {
    await service.end('SIGTERM');
  }
}
