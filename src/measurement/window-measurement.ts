// Owns the measuring of a rollout's present stage: its window is read, its devices are counted, its rules are judged.
import { sketchCount } from '../contract/sketch.ts';
import type { StageHeard } from '../gates/heard-arm.ts';
import { judgeStage } from '../gates/judge-stage.ts';
import type { StageVerdict } from '../gates/rule-verdict.ts';
import type { StageDeliveries, StageQuestion } from '../gates/stage-question.ts';
import { type CohortCounts, countCohort, devicesOfTarget, installShare } from '../rollout/count-cohort.ts';
import { DeliveryCounter } from '../rollout/count-deliveries.ts';
import { countGroups } from '../rollout/count-groups.ts';
import { countHeard } from '../rollout/count-heard.ts';
import { entryOf } from '../rollout/directive-of.ts';
import { leavesFew } from '../rollout/held-back.ts';
import type { BaselineFacts, WindowTime } from '../rollout/rollout-facts.ts';
import { leastDevices, type Stage } from '../rollout/stages-of-policy.ts';
import type { NamedValues } from '../store/reconciler-state.ts';
import type { WindowReader, WindowReading } from '../store/window-store.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import { type ArmTallies, emptyWindowTallies } from '../telemetry/window-tallies.ts';
import type { SignalBoard } from './signal-board.ts';
import { shownIn } from './window-outputs.ts';
import { type FleetNow, presentStage, type RolloutInForce, windowSpecOf } from './window-spec.ts';

export interface Measured {
  readonly cohort: CohortCounts | null;
  readonly verdict: StageVerdict | null;
  readonly window: WindowTime | null;
}

export interface MeasureQuestion extends RolloutInForce, FleetNow {
  readonly listenedMs: number;
  readonly now: number;
}

type JudgedSignals = NonNullable<StageQuestion['signals']>;

/** The parts of a steady state begin anew in time: the one with more in it says more. */
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
export const openedWindowName = (rollout: string): string => `opened-window/${rollout}`;
/** Where the store keeps the revision of a window whose stable arm is a baseline: of the steady state, or beside an earlier candidate. */
export const baselineName = (kind: BaselineKind, rollout: string): string => `${kind}-baseline/${rollout}`;
export type BaselineKind = 'steady' | 'earlier';

/** What of the store measuring needs: a rehearsal keeps it in memory. */
export type WindowReadings = Pick<WindowReader, 'readWindow' | 'readAside'> & Pick<NamedValues, 'readValue'>;

/** What of the board measuring needs: a rehearsal has no outside. */
export type SignalReader = Pick<SignalBoard, 'read'>;

/** Do the stage's minimum devices run the candidate? */
export function isStageReady(stage: Stage, cohort: CohortCounts): boolean {
  return cohort.ready >= Math.max(1, leastDevices(stage, cohort.wanted));
}

/** A window that is still to be opened reads as an empty one. */
function emptyReading(spec: WindowSpec): WindowReading {
  const { openedAtMs } = spec;
  const late = { count: 0, last: [] };
  // Whoever is known now was known before it opens.
  const opened = { openedChange: Number.MAX_SAFE_INTEGER, attemptChange: Number.MAX_SAFE_INTEGER };
  const times = { openedAtMs, closedAtMs: null, listenedMs: 0, readyMs: 0 };
  return { spec, tallies: emptyWindowTallies(spec), ...opened, ...times, late };
}

/** Reads and judges the windows of rollouts; it changes nothing. */
export class WindowMeasurement {
  readonly #store: WindowReadings;
  /** How often devices report, in milliseconds. */
  readonly #intervalMs: number;
  readonly #signals: SignalReader | null;
  /** By the candidate's arm of the stage's window, which stays the same object while the stage is open. */
  readonly #deliveries = new WeakMap<ArmTallies, DeliveryCounter>();

  /** Without `signals` there is no outside, and rules about it are left out. */
  constructor(store: WindowReadings, intervalMs: number, signals: SignalReader | null = null) {
    this.#store = store;
    this.#intervalMs = intervalMs;
    this.#signals = signals;
  }

  /** What the window of the present stage, or of the steady state, counts from its opening on. */
  async specOf(rollout: RolloutInForce, fleet: FleetNow, now: number): Promise<WindowSpec> {
    const before = await this.windowBefore(rollout);
    const shown = shownIn(before, rollout.status.stable?.digest);
    return windowSpecOf({ rollout, ...fleet, shown, intervalMs: this.#intervalMs, now });
  }

  /** The window that was open before the present one; undefined when the present one was opened already. */
  async windowBefore({ name, status }: Pick<RolloutInForce, 'name' | 'status'>): Promise<WindowReading | undefined> {
    const last = await this.lastOpened(name);
    return last < status.opened ? this.#readThickest(name, last) : undefined;
  }

  /** Revision of the window that was opened last; 0 before the first. */
  async lastOpened(name: string): Promise<number> {
    const last = await this.#store.readValue(openedWindowName(name));
    return typeof last === 'number' ? last : 0;
  }

  /** A window, or the part of the same steady state that was put aside before it. */
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
  async #stableBefore(kind: BaselineKind, { name, status }: RolloutInForce): Promise<ArmTallies | null> {
    const revision = await this.#store.readValue(baselineName(kind, name));
    if (typeof revision !== 'number') return null;
    const reading = await this.#readThickest(name, revision);
    return reading?.spec.stableDigest === status.stable?.digest ? (reading?.tallies.stable ?? null) : null;
  }

  /** How the present stage stands. */
  async measure(question: MeasureQuestion): Promise<Measured> {
    const { name, model, status, policy, devices, listenedMs } = question;
    const stage = presentStage(question);
    if (stage === undefined) return { cohort: null, verdict: null, window: null };
    const entry = entryOf({ rollout: name, model, status, policyInForce: policy });
    const reading =
      (await this.#store.readWindow(name, status.opened)) ??
      emptyReading(await this.specOf(question, question, question.now));
    const { silenceMs } = stage;
    const { canRun } = question;
    const counting = {
      ...{ entry, devices, listenedMs, silenceMs, openedRevision: status.opened, opened: reading },
      hearing: { openMs: reading.listenedMs, intervalMs: this.#intervalMs },
      ...(canRun === undefined ? {} : { canRun }),
    };
    const matching = [...devicesOfTarget(counting)];
    const cohort = countCohort(counting, matching);
    const signals = this.#readSignals(question, stage, isStageReady(stage, cohort));
    const groups = countGroups(counting, reading.spec.groups);
    const counter = this.#deliveries.get(reading.tallies.candidate) ?? new DeliveryCounter();
    this.#deliveries.set(reading.tallies.candidate, counter);
    const deliveries = (): StageDeliveries => counter.count(counting, matching);
    const known = countHeard(counting, matching);
    const heard = (): StageHeard | undefined => known;
    const verdict = await this.#judge({ ...question, signals, groups, deliveries, heard }, stage, cohort, reading);
    const { listenedMs: openMs, readyMs } = reading;
    return { cohort, verdict, window: { listenedMs: openMs, readyMs, perMinute: perMinuteOf(reading) } };
  }

  #readSignals({ name, model, status }: MeasureQuestion, { signals }: Stage, isReady: boolean): JudgedSignals {
    if (this.#signals === null) return [];
    const readings = this.#signals.read({ rollout: name, model, status, rules: signals, isReady });
    return signals.map((rule, i) => ({ rule, reading: readings[i] ?? null }));
  }

  async #judge(
    question: MeasureQuestion & Required<Pick<StageQuestion, 'signals' | 'groups' | 'deliveries' | 'heard'>>,
    stage: Stage,
    cohort: CohortCounts,
    reading: WindowReading,
  ): Promise<StageVerdict> {
    const { candidate, stable } = reading.tallies;
    const steady = await this.#stableBefore('steady', question);
    const openMs = Math.max(0, question.now - reading.spec.openedAtMs);
    return judgeStage({
      rules: stage.rules,
      signals: question.signals,
      groups: question.groups,
      limits: question.status.limits,
      candidate,
      baseline: hasTraffic(stable) ? stable : null,
      earlierBaseline: await this.#stableBefore('earlier', question),
      isHeldBack: leavesFew(cohort),
      restBaseline: reading.spec.rows.candidate === 'device' ? steady : null,
      history: steady,
      ...(question.offline === undefined ? {} : { offline: question.offline }),
      ...(question.outputs === undefined ? {} : { outputs: question.outputs }),
      hasStable: question.status.stable !== null,
      installs: installShare(cohort),
      deliveries: question.deliveries,
      heard: question.heard,
      minimum: { devices: leastDevices(stage, cohort.wanted), inferences: stage.minimumInferences },
      errorLevel: stage.errorLevel,
      // How long a stage takes of which nobody says it is open to the windows that look for late faults.
      deadlineMs: stage.hasDefaultDeadline ? null : stage.deadlineMs,
      intervalMs: this.#intervalMs,
      openMs,
      onCourse: stage.onCourse,
      ...(stage.courseMs === 0 ? {} : { soakEndsMs: openMs + Math.max(0, stage.courseMs - reading.readyMs) }),
      perMinute: perMinuteOf(reading),
    });
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
