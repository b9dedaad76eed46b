// Owns the measuring of a rollout's present stage: its window is opened, its devices are counted, its rules are judged.
import { parseInstant } from '../base/clock.ts';
import { groupsApart, isInAnyGroup } from '../contract/group-exception.ts';
import { sketchCount } from '../contract/sketch.ts';
import type { ParsedRule } from '../documents/rules/rule-text.ts';
import type { RolloutPolicy, RolloutStatus } from '../documents/types.generated.ts';
import { edgesToCount } from '../gates/freeze-limits.ts';
import { judgeStage } from '../gates/judge-stage.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { StageQuestion } from '../gates/stage-question.ts';
import { type CohortCounts, countCohort, installShare, type KnownDevice } from '../rollout/count-cohort.ts';
import { countGroups } from '../rollout/count-groups.ts';
import { entryOf } from '../rollout/directive-of.ts';
import type { BaselineFacts, WindowTime } from '../rollout/rollout-facts.ts';
import { leastDevices, rulesWithin, type Stage, stagesOf } from '../rollout/stages-of-policy.ts';
import type { FleetStore, WindowReading } from '../store/fleet-store.ts';
import { chooseGroups, type GroupSpec } from '../telemetry/groups.ts';
import { rowsFor, type WindowSpec } from '../telemetry/window.ts';
import type { ArmTallies } from '../telemetry/window-tallies.ts';
import type { SignalBoard } from './signal-board.ts';
import { countsOf, type WindowCounts } from './window-counts.ts';

export interface Measured {
  readonly cohort: CohortCounts | null;
  readonly verdict: StageVerdict | null;
  readonly window: WindowTime | null;
}

export interface RolloutInForce {
  readonly name: string;
  readonly model: string;
  readonly status: RolloutStatus;
  readonly policy: RolloutPolicy | null;
  /** Classes that the candidate's manifest names, or stable's while nothing rolls. */
  readonly classes: readonly string[];
  /** What the candidate's manifest states of itself in `metrics`; nothing unless given. */
  readonly offline?: Readonly<Record<string, number>>;
}

/** The devices that there are, and how many of them match the target. */
export interface FleetNow {
  readonly devices: readonly KnownDevice[];
  readonly deviceCount: number;
}

export interface MeasureQuestion extends RolloutInForce, FleetNow {
  readonly listenedMs: number;
  readonly now: number;
}

type JudgedSignals = NonNullable<StageQuestion['signals']>;

function stageOf({ status, policy }: RolloutInForce): Stage | undefined {
  return policy === null ? undefined : stagesOf(policy).find((stage) => stage.name === status.stage);
}

/** The rules of all stages, so that each stage finds a baseline of what it asks for. */
function rulesOfStages({ policy }: RolloutInForce): readonly ParsedRule[] {
  return policy === null ? [] : stagesOf(policy).flatMap((stage) => stage.rules.flatMap(rulesWithin));
}

/** At rest stable is counted at the fixed latency limits of all stages, so that each finds how its slow answers come in bursts. */
function edgesAtRest({ policy }: RolloutInForce): Pick<WindowSpec, 'edges' | 'baselineEdges'> {
  const rules = policy === null ? [] : stagesOf(policy).flatMap((stage) => stage.rules.flatMap(rulesWithin));
  return { edges: [], baselineEdges: edgesToCount(rules, []).edges };
}

/** Groups by the labels that the rules of all stages name; those that stand apart are not counted. */
function groupsOfStages({ policy, status }: RolloutInForce, devices: readonly KnownDevice[]): GroupSpec[] {
  const rules = policy === null ? [] : stagesOf(policy).flatMap((stage) => stage.rules);
  const labels = new Set(rules.flatMap(({ grouping }) => (grouping === undefined ? [] : [grouping.by])));
  if (labels.size === 0) return [];
  const excepted = groupsApart(status.exceptions);
  return chooseGroups(
    [...labels].sort(),
    devices.filter((device) => !isInAnyGroup(excepted, device.labels)),
  );
}

/** Groups that are behind are compared with what they run; nothing is compared while nothing rolls. */
function otherStableOf({ candidate, exceptions = [] }: RolloutStatus): Pick<WindowSpec, 'otherStable'> {
  const others = candidate === null ? [] : exceptions.flatMap(({ stable }) => (stable === null ? [] : [stable.digest]));
  return others.length === 0 ? {} : { otherStable: [...new Set(others)].sort() };
}

/** A rest is kept in parts that begin anew in time: the one with more in it says more. */
function thicker(a: WindowReading | undefined, b: WindowReading | undefined): WindowReading | undefined {
  const inferences = (one: WindowReading | undefined): number => one?.tallies.stable.summary.inferences ?? -1;
  return inferences(b) > inferences(a) ? b : a;
}

function hasTraffic(arm: ArmTallies): boolean {
  return arm.summary.inferences > 0;
}

/** The candidate's inferences in a minute of listening; null before the first. */
function perMinuteOf({ tallies, listenedMs }: WindowReading): number | null {
  return listenedMs > 0 ? tallies.candidate.summary.inferences / (listenedMs / 60_000) : null;
}

/** Where the store keeps which window was opened last: another process, or this one before a restart, may have opened it. */
export const openedHolding = (rollout: string): string => `opened-window/${rollout}`;

/** What of the store windows need: a rehearsal keeps it in memory. */
export type WindowStore = Pick<
  FleetStore,
  'openWindow' | 'closeWindow' | 'readWindow' | 'readAside' | 'markReady' | 'putHolding' | 'readHolding'
>;

/** What of the board windows need: a rehearsal has no outside. */
export type SignalReader = Pick<SignalBoard, 'read' | 'forget'>;

/** Opens, reads and judges the windows of rollouts. Remembers only what it already told the store. */
export class Windows {
  readonly #store: WindowStore;
  /** How often devices report, in milliseconds. */
  readonly #intervalMs: number;
  readonly #signals: SignalReader | null;
  readonly #opened = new Map<string, number>();
  readonly #ready = new Map<string, boolean>();

  /** Without `signals` there is no outside, and rules about it are left out. */
  constructor(store: WindowStore, intervalMs: number, signals: SignalReader | null = null) {
    this.#store = store;
    this.#intervalMs = intervalMs;
    this.#signals = signals;
  }

  /** Sees to it that the window of the present stage, or of the rest, is open. */
  async open(rollout: RolloutInForce, { devices, deviceCount }: FleetNow, now: number): Promise<void> {
    const { name, status } = rollout;
    if (this.#opened.get(name) === status.opened) return;
    this.#signals?.forget(name);
    const last = await this.#store.readHolding(openedHolding(name));
    const isNewer = typeof last !== 'number' || last < status.opened;
    const before = typeof last === 'number' && isNewer ? await this.#keepBaselines(name, last) : undefined;
    const shown = before?.tallies.stable.summary.classes ?? new Map<string, number>();
    const spec = {
      ...this.#specOf(rollout, deviceCount, now),
      ...countsOf(rulesOfStages(rollout), rollout.classes, shown),
      groups: groupsOfStages(rollout, devices),
    };
    await this.#store.openWindow(spec, now);
    if (isNewer) await this.#store.putHolding(openedHolding(name), status.opened);
    this.#opened.set(name, status.opened);
    this.#ready.delete(name);
  }

  /** The rollouts that are gone have no open window any more. */
  async closeOthers(names: ReadonlySet<string>, now: number): Promise<void> {
    for (const name of this.#opened.keys()) {
      if (names.has(name)) continue;
      await this.#store.closeWindow(name, now);
      this.#signals?.forget(name);
      this.#opened.delete(name);
      this.#ready.delete(name);
    }
  }

  #specOf(rollout: RolloutInForce, deviceCount: number, now: number): Omit<WindowSpec, keyof WindowCounts | 'groups'> {
    const { name, status } = rollout;
    const stage = stageOf(rollout);
    const counted =
      status.candidate === null
        ? edgesAtRest(rollout)
        : edgesToCount(stage?.rules.flatMap(rulesWithin) ?? [], status.limits);
    const rows = rowsFor(deviceCount);
    const without = groupsApart(status.exceptions);
    return {
      rollout: name,
      openedRevision: status.opened,
      candidateDigest: status.candidate?.digest ?? null,
      candidateAttempt: status.candidate?.attempt ?? 0,
      stableDigest: status.stable?.digest ?? null,
      edges: counted.edges,
      baselineEdges: counted.baselineEdges,
      openedAtMs: Math.min(now, parseInstant(status.since) ?? now),
      intervalMs: this.#intervalMs,
      rows: { candidate: rows, stable: rows },
      ...(without.length === 0 ? {} : { without }),
      ...otherStableOf(status),
    };
  }

  /**
   * Stable's last measurements beside a candidate serve the stages that leave no device on stable; those at rest tell what each device did
   * before anything rolled. Returns the window that is left.
   */
  async #keepBaselines(name: string, openedRevision: number | undefined): Promise<WindowReading | undefined> {
    if (openedRevision === undefined) return undefined;
    const reading = await this.#readThickest(name, openedRevision);
    if (reading === undefined || !hasTraffic(reading.tallies.stable)) return reading;
    const kind = reading.spec.candidateDigest === null ? 'rest' : 'earlier';
    await this.#store.putHolding(`${kind}-baseline/${name}`, openedRevision);
    return reading;
  }

  /** A window, or the part of the same rest that was put aside before it. */
  async #readThickest(name: string, openedRevision: number): Promise<WindowReading | undefined> {
    const reading = await this.#store.readWindow(name, openedRevision);
    if (reading === undefined || reading.spec.candidateDigest !== null) return reading;
    const parts = [await this.#store.readAside(name, 'previous'), await this.#store.readAside(name, 'baseline')];
    const own = parts.filter(
      (part) => part?.spec.openedRevision === openedRevision && part.spec.stableDigest === reading.spec.stableDigest,
    );
    return own.reduce(thicker, reading);
  }

  /** What stable did in an earlier window, if that stable is the present one. */
  async #stableBefore(kind: 'rest' | 'earlier', { name, status }: RolloutInForce): Promise<ArmTallies | null> {
    const revision = await this.#store.readHolding(`${kind}-baseline/${name}`);
    if (typeof revision !== 'number') return null;
    const reading = await this.#readThickest(name, revision);
    return reading?.spec.stableDigest === status.stable?.digest ? (reading?.tallies.stable ?? null) : null;
  }

  /** How the present stage stands. Its window must be open. */
  async measure(question: MeasureQuestion): Promise<Measured> {
    const { name, model, status, policy, devices, listenedMs } = question;
    const stage = stageOf(question);
    if (stage === undefined) return { cohort: null, verdict: null, window: null };
    const entry = entryOf({ rollout: name, model, status, policyInForce: policy });
    const counting = { entry, devices, listenedMs, silenceMs: stage.silenceMs, openedRevision: status.opened };
    const cohort = countCohort(counting);
    const isReady = cohort.ready >= Math.max(1, leastDevices(stage, cohort.wanted));
    await this.#markReady(name, isReady);
    const signals = this.#readSignals(question, stage, isReady);
    const reading = await this.#store.readWindow(name, status.opened);
    if (reading === undefined) return { cohort, verdict: null, window: null };
    const groups = countGroups(counting, reading.spec.groups);
    const verdict = await this.#judge({ ...question, signals, groups }, stage, cohort, reading);
    const { listenedMs: openMs, readyMs } = reading;
    return { cohort, verdict, window: { listenedMs: openMs, readyMs, perMinute: perMinuteOf(reading) } };
  }

  #readSignals({ name, model, status }: MeasureQuestion, { signals }: Stage, isReady: boolean): JudgedSignals {
    if (this.#signals === null) return [];
    const readings = this.#signals.read({ rollout: name, model, status, rules: signals, isReady });
    return signals.map((rule, i) => ({ rule, reading: readings[i] ?? null }));
  }

  async #judge(
    question: MeasureQuestion & Required<Pick<StageQuestion, 'signals' | 'groups'>>,
    stage: Stage,
    cohort: CohortCounts,
    reading: WindowReading,
  ): Promise<StageVerdict> {
    const { candidate, stable } = reading.tallies;
    const atRest = await this.#stableBefore('rest', question);
    return judgeStage({
      rules: stage.rules,
      signals: question.signals,
      groups: question.groups,
      limits: question.status.limits,
      candidate,
      baseline: hasTraffic(stable) ? stable : null,
      earlierBaseline: await this.#stableBefore('earlier', question),
      restBaseline: reading.spec.rows.candidate === 'device' ? atRest : null,
      history: atRest,
      ...(question.offline === undefined ? {} : { offline: question.offline }),
      hasStable: question.status.stable !== null,
      installs: installShare(cohort),
      minimum: { devices: leastDevices(stage, cohort.wanted), inferences: stage.minimumInferences },
      errorLevel: stage.errorLevel,
      deadlineMs: stage.deadlineMs,
      intervalMs: this.#intervalMs,
      openMs: Math.max(0, question.now - reading.spec.openedAtMs),
      perMinute: perMinuteOf(reading),
    });
  }

  async #markReady(name: string, ready: boolean): Promise<void> {
    if (this.#ready.get(name) === ready) return;
    await this.#store.markReady(name, ready);
    this.#ready.set(name, ready);
  }

  /** What stable did in the present window: the baseline that limits are frozen from. */
  async baseline({ name, status }: Pick<RolloutInForce, 'name' | 'status'>): Promise<BaselineFacts | null> {
    const reading = await this.#readThickest(name, status.opened);
    if (reading === undefined) return null;
    const { stable } = reading.tallies;
    const { latencyMs } = stable.summary;
    return {
      inferences: sketchCount(latencyMs),
      devices: stable.names.length,
      latencyMs,
      groups: new Map([...stable.groups].map(([group, { summary }]) => [group, summary.latencyMs])),
      listenedMs: reading.listenedMs,
    };
  }
}
