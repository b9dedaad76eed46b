// Owns a rehearsal: a policy against a scenario, over a virtual fleet in virtual time, by the production's own loop.
import { assertInvariant, CodedError } from '../base/errors.ts';
import { seededRandom } from '../base/random.ts';
import type { Directive } from '../contract/directive.ts';
import { type DeviceFacts, matchesSelector, parseSelector } from '../contract/selector.ts';
import { MemoryPublication } from '../distribution/memory-publication.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import { MemoryGitHost } from '../git/memory/memory-git-host.ts';
import { MemoryManifestsRepository } from '../git/memory/memory-manifests-repository.ts';
import type { Reconciler } from '../reconcile/reconciler.ts';
import { exceptionsOf } from '../rollout/exceptions.ts';
import type { Outlook, WaitingOn } from '../rollout/outlook.ts';
import { stagesOf } from '../rollout/stages-of-policy.ts';
import type { Transition } from '../rollout/transition.ts';
import type { FleetStore } from '../store/fleet-store.ts';
import { openMemoryFleetStore } from '../store/memory/open-memory-fleet-store.ts';
import { listed } from '../wording/amounts.ts';
import { BareControllers } from './bare-threshold.ts';
import { findBreaches, type History } from './check-history.ts';
import { rehearsablePolicy } from './left-out.ts';
import type { Rehearsal, RehearsalOrder, VirtualModel } from './rehearsal-order.ts';
import { type SeriesPoint, seriesPointOf } from './rule-series.ts';
import { endInWords, stepInWords, type TimelineEntry, WaitingWatch } from './timeline.ts';
import { VirtualFleet } from './virtual-fleet.ts';
import { type ManifestFiles, makeVirtualKeys, writeModel, writePolicy, writeSettled } from './virtual-manifests.ts';
import { VirtualPerson } from './virtual-person.ts';
import { composeVirtualService, VirtualClock } from './virtual-service.ts';

const START_MS = Date.parse('2026-11-20T06:30:00Z');
const MINUTE_MS = 60_000;
const REPORT_MS = MINUTE_MS;
/** Stable alone is watched for so long before the candidate is wished. */
const BEFORE_MINUTES = 30;
/** What is still watched after the end: devices go back, or the fleet runs on. */
const AFTER_MINUTES = 5;
/** From the decision to the published directive: commit, push, sign. */
const PUBLISH_MS = 3000;
const ROLLOUT = 'rehearsal';
const DEFAULT_ERROR_LIMIT = 0.005;
const SERVICE = { name: 'Slipway', email: 'slipway@localhost' };
const NEVER = new AbortController().signal;

/** The first absolute limit of `error_rate`: what "twice the limit" means. */
function errorLimitOf(policy: RolloutPolicy): number {
  for (const { rule } of stagesOf(policy).flatMap((stage) => stage.rules)) {
    if (rule.metric === 'error_rate' && rule.limit.kind === 'absolute' && rule.limit.value > 0) return rule.limit.value;
  }
  return DEFAULT_ERROR_LIMIT;
}

/** Longest chain of cycles in one look, as in production. */
const MOST_CYCLES = 20;
const USUAL_MODEL: VirtualModel = { name: 'model', stable: '1.0.0', candidate: '2.0.0' };

/** A rehearsal that no device takes part in says nothing. */
function assertTarget(target: string, fleet: readonly DeviceFacts[]): void {
  const selector = parseSelector(target);
  if (fleet.some((facts) => matchesSelector(selector, facts))) return;
  const labels = [...new Set(fleet.flatMap((facts) => Object.keys(facts.labels)))].sort();
  throw new CodedError({
    code: 'SIMULATION_TARGET',
    message: `None of the ${fleet.length} virtual devices matches the target ${target}.`,
    remedy: `Give them the labels with --groups, such as --groups site:berlin=30,site:rome=70. They have ${listed(labels, 'and', 20)}.`,
  });
}

class Run {
  readonly #order: RehearsalOrder;
  readonly #model: VirtualModel;
  readonly #clock = new VirtualClock(START_MS);
  readonly #host = new MemoryGitHost();
  readonly #person: VirtualPerson;
  readonly #store: FleetStore;
  readonly #fleet: VirtualFleet;
  readonly #reconciler: Reconciler;
  readonly #files: ManifestFiles;
  readonly #history: History;
  readonly #timeline: TimelineEntry[] = [];
  readonly #waiting = new WaitingWatch();
  #toldFault = false;
  readonly #bare = new BareControllers();
  readonly #series: SeriesPoint[] = [];
  #status: RolloutStatus;
  #startedAtMs: number | null = null;
  #ended: { readonly step: Transition; readonly atMs: number; readonly faultBegan: boolean } | null = null;
  #awaits: readonly string[] = [];
  #soakedMinutes: number | null = null;

  constructor(order: RehearsalOrder, ignoresFailures: boolean) {
    const { scenario, devices, seed, target, model = USUAL_MODEL } = order;
    const policy = rehearsablePolicy(order.policy, scenario.answers);
    this.#order = order;
    this.#model = model;
    const keys = makeVirtualKeys();
    const stable = writeModel({ model: model.name, version: model.stable }, scenario, keys);
    const candidate = writeModel({ model: model.name, version: model.candidate }, scenario, keys);
    const ruled = writePolicy(policy, keys);
    const named = { name: ROLLOUT, model: model.name, version: model.stable, policy: policy.metadata.name };
    const rollout = { ...named, ...(target === undefined ? {} : { target }) };
    const settled = writeSettled(
      { ...rollout, digest: stable.digest, policyDigest: ruled.digest, sinceMs: START_MS },
      keys,
    );
    this.#files = { ...stable.files, ...candidate.files, ...ruled.files, ...settled.files };
    this.#status = settled.status;
    this.#store = openMemoryFleetStore({ heartbeatMs: REPORT_MS, reportMs: REPORT_MS });
    this.#fleet = new VirtualFleet(
      {
        ...{ scenario, devices, seed, startMs: START_MS, reportMs: REPORT_MS, model: model.name },
        stable: { version: model.stable, digest: stable.digest },
        candidates: new Set([candidate.digest]),
        desiredMs: START_MS + BEFORE_MINUTES * MINUTE_MS,
        errorLimit: errorLimitOf(policy),
        ...(target === undefined ? {} : { target }),
      },
      this.#store,
    );
    const { served, heard, traits } = this.#fleet;
    const fleet = traits.map((one) => one.facts);
    if (target !== undefined) assertTarget(target, fleet);
    this.#history = {
      ...{ fleet, candidateDigest: candidate.digest, served, heard },
      ...{ statuses: [settled.status], directives: [] },
    };
    const repository = new MemoryManifestsRepository({ host: this.#host, branch: 'main', author: SERVICE });
    this.#person = new VirtualPerson(this.#host, repository);
    this.#reconciler = composeVirtualService({
      ...{ keys, clock: this.#clock, store: this.#store, reportMs: REPORT_MS, ignoresFailures },
      random: seededRandom(seed, 'service'),
      repository,
      publication: new MemoryPublication((directive) => this.#publish(directive)),
    });
  }

  #publish(directive: Directive): void {
    this.#history.directives.push(directive);
    this.#fleet.tell(directive, this.#clock.nowMs + PUBLISH_MS);
  }

  async run(): Promise<Rehearsal> {
    await this.#host.commit({ files: this.#files, message: 'What all devices run', atMs: START_MS });
    await this.#fleet.enrol();
    const lastMinute = BEFORE_MINUTES + this.#order.hours * 60;
    let minute = 0;
    for (; minute <= lastMinute && !this.#isOver(minute); minute++) {
      if (minute % 60 === 0) this.#order.onProgress?.(minute / 60);
      await this.#minute(minute);
    }
    return this.#result(minute - 1);
  }

  #isOver(minute: number): boolean {
    if (this.#ended === null) return this.#awaits.length > 0;
    return minute > (this.#ended.atMs - START_MS) / MINUTE_MS + AFTER_MINUTES;
  }

  async #minute(minute: number): Promise<void> {
    const now = START_MS + minute * MINUTE_MS;
    this.#clock.nowMs = now;
    await this.#fleet.advance(now);
    this.#noteFault(now);
    if (minute === BEFORE_MINUTES) await this.#desireCandidate();
    const { opened, stage, candidate } = this.#status;
    const { steps, outlook } = await this.#look();
    for (const step of steps) this.#noteStep(step, now);
    const verdict = outlook?.verdict ?? steps[0]?.verdict ?? null;
    if (candidate !== null) await this.#measured({ opened, stage }, verdict, now);
    const isSoaking = outlook?.waitingOn.some(({ kind }) => kind === 'soak') ?? false;
    this.#soakedMinutes = isSoaking ? Math.floor((outlook?.window?.readyMs ?? 0) / MINUTE_MS) : null;
    if (this.#ended !== null || outlook === undefined) return;
    for (const text of this.#waiting.lines(outlook)) this.#tell(now, 'waiting', text);
    for (const one of outlook.waitingOn) if (one.kind === 'approval') await this.#approve(one);
  }

  /** A scenario in which nothing goes wrong has nothing to tell. */
  #noteFault(now: number): void {
    const { isBad, hasBegun } = this.#order.scenario;
    if (this.#toldFault || !this.#fleet.faultBegan || (!isBad && hasBegun === undefined)) return;
    this.#toldFault = true;
    this.#tell(now, 'fault', 'the fault of the scenario begins');
  }

  /** As approvers do it, if they are there. */
  async #approve({ approvers, need }: Extract<WaitingOn, { kind: 'approval' }>): Promise<void> {
    const { candidate, stage } = this.#status;
    if (this.#order.approves !== true) this.#awaits = approvers;
    if (this.#order.approves !== true || candidate === null || stage === null) return;
    const { digest } = candidate;
    const requests = approvers
      .slice(0, need)
      .map((by) => ({ request: { act: 'approve' as const, digest, stage, by } }));
    await this.#person.edit(ROLLOUT, requests, `Approve ${stage}`, this.#clock.nowMs);
  }

  /** Someone commits the candidate as the desired version. */
  async #desireCandidate(): Promise<void> {
    const { candidate: version } = this.#model;
    const { parameters } = this.#order;
    const edits = [{ version, ...(parameters === undefined ? {} : { parameters }) }];
    await this.#person.edit(ROLLOUT, edits, `Roll out ${version}`, this.#clock.nowMs);
  }

  /** Cycles until nothing is left to do now. */
  async #look(): Promise<{ readonly steps: readonly Transition[]; readonly outlook: Outlook | undefined }> {
    const steps: Transition[] = [];
    for (;;) {
      const cycle = await this.#reconciler.cycle(NEVER);
      assertInvariant(cycle.kind === 'stepped' || cycle.kind === 'in-step', `nothing is in the way: ${cycle.kind}`);
      if (cycle.kind === 'stepped') steps.push(...cycle.steps.map(({ step }) => step));
      if (cycle.kind === 'in-step' || steps.length >= MOST_CYCLES)
        return { steps, outlook: cycle.plan.outlooks.find(({ rollout }) => rollout === ROLLOUT) };
    }
  }

  #noteStep(step: Transition, now: number): void {
    this.#status = step.next;
    this.#history.statuses.push(step.next);
    this.#waiting.begin();
    if (step.kind === 'start') this.#startedAtMs ??= now;
    const { text, more } = stepInWords(step);
    this.#tell(now, 'step', text, more);
    if (step.next.candidate === null) this.#ended ??= { step, atMs: now, faultBegan: this.#fleet.faultBegan };
  }

  /** What was measured in the stage that this look was about. */
  async #measured(
    { stage, opened }: Pick<RolloutStatus, 'stage' | 'opened'>,
    verdict: Transition['verdict'],
    now: number,
  ): Promise<void> {
    const minute = this.#minuteOf(now);
    const devicesExposed = this.#fleet.exposed.size;
    this.#series.push(seriesPointOf({ minute, stage: stage ?? '', verdict, devicesExposed }));
    const window = await this.#store.readWindow(ROLLOUT, opened);
    if (window === undefined || verdict === null) return;
    const rules = verdict.rules.filter((rule) => !rule.dryRun && rule.by === null).map((rule) => rule.rule);
    this.#bare.see({ minute, stage: stage ?? '', rules, openedRevision: opened, tallies: window.tallies });
  }

  #minuteOf(atMs: number): number {
    return (atMs - (this.#startedAtMs ?? START_MS + BEFORE_MINUTES * MINUTE_MS)) / MINUTE_MS;
  }

  #tell(atMs: number, kind: TimelineEntry['kind'], text: string, more: readonly string[] = []): void {
    const { stage } = this.#status;
    const devicesExposed = this.#fleet.exposed.size;
    this.#timeline.push({ minute: this.#minuteOf(atMs), kind, stage, devicesExposed, text, more });
  }

  #result(lastMinute: number): Rehearsal {
    const ended = this.#ended;
    const outcome = ended === null ? 'held' : ended.step.kind === 'complete' ? 'completed' : 'reverted';
    const { exposed, restoredAtMs } = this.#fleet;
    const revertedAtMs = ended !== null && outcome === 'reverted' ? ended.atMs : null;
    const restoredMs = revertedAtMs === null || restoredAtMs === null ? null : restoredAtMs - revertedAtMs;
    if (restoredAtMs !== null && restoredMs !== null) {
      const seconds = Math.round(restoredMs / 1000);
      this.#tell(
        restoredAtMs,
        'restored',
        `the last device is back on ${this.#model.stable}, ${seconds} s after the decision`,
      );
    }
    if (ended === null) this.#tell(START_MS + lastMinute * MINUTE_MS, 'end', endInWords(this.#awaits));
    return {
      outcome,
      stage: ended === null ? this.#status.stage : ended.step.from,
      awaits: this.#awaits,
      soakedMinutes: this.#soakedMinutes,
      groupsApart: exceptionsOf(this.#status).map(({ group }) => group),
      faultBegan: ended?.faultBegan ?? this.#fleet.faultBegan,
      devicesExposed: exposed.size,
      minutesToRevert: revertedAtMs === null ? null : this.#minuteOf(revertedAtMs),
      minutesToRestore: restoredMs === null ? null : Number((restoredMs / MINUTE_MS).toFixed(3)),
      seed: this.#order.seed,
      timeline: this.#timeline,
      bareThreshold: this.#bare.outcome(),
      breaches: findBreaches(this.#history),
      series: this.#series,
    };
  }
}

/** For so long the candidate is left in place to see what bare thresholds would have made of it. */
const LEFT_MINUTES = 30;

/** Rehearses; the same order has the same result. */
export async function rehearse(order: RehearsalOrder): Promise<Rehearsal> {
  const rehearsal = await new Run(order, false).run();
  const { minutesToRevert, bareThreshold } = rehearsal;
  const { argo, flagger } = bareThreshold;
  const isDecided = argo.outcome === 'reverted' && flagger.outcome === 'reverted';
  if (minutesToRevert === null || isDecided) return rehearsal;
  // The same seed gives the same numbers up to the step back, and then those that would have followed.
  const left = await new Run({ ...order, hours: (minutesToRevert + LEFT_MINUTES) / 60 }, true).run();
  return { ...rehearsal, bareThreshold: left.bareThreshold };
}
