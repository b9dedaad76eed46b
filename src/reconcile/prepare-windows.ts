// Owns preparing what the next cycles measure: windows are opened and closed, and the observation's wanted changes are stored.
import { type CodedError, toCodedError } from '../base/errors.ts';
import type { Labels } from '../contract/bound-labels.ts';
import type { WordsOfFleet } from '../measurement/fleet-words.ts';
import type { KnownFleet } from '../measurement/known-fleet.ts';
import type { SignalBoard } from '../measurement/signal-board.ts';
import type { WatchChange } from '../measurement/steady-watch.ts';
import {
  baselineName,
  isStageReady,
  openedWindowName,
  type WindowMeasurement,
} from '../measurement/window-measurement.ts';
import { type FleetNow, presentStage, type RolloutInForce } from '../measurement/window-spec.ts';
import type { CohortCounts } from '../rollout/count-cohort.ts';
import type { DeviceRegister } from '../store/device-register.ts';
import type { NamedValues } from '../store/reconciler-state.ts';
import type { WindowStore } from '../store/window-store.ts';
import { rememberDocuments } from './remember-documents.ts';

/** What the observation says about the window of one rollout. */
export interface ObservedWindow {
  readonly rollout: RolloutInForce;
  readonly deviceCount: number;
  /** Devices follow its stage already: a store without its window is a new one. */
  readonly isUnderWay: boolean;
  /** Null while nothing rolls. */
  readonly cohort: CohortCounts | null;
  readonly now: number;
}

export interface WantedWindows {
  readonly windows: readonly ObservedWindow[];
  readonly fleet: Pick<KnownFleet, 'devices'> & { readonly words: Pick<WordsOfFleet, 'labels' | 'readFrom'> };
  /** All rollouts that there are, those among them that can't be read now: the windows of the others are closed. */
  readonly rollouts: ReadonlySet<string>;
  /** No commit was read since the process began: what the fleet documents say may be less than what the store knows. */
  readonly isBlind: boolean;
  readonly now: number;
}

/** A rollout whose window can't be opened, and why; what only can't be had now is thrown instead. */
export interface Unprepared {
  readonly rollout: string;
  readonly error: CodedError;
}

/** What of the store preparing needs: a rehearsal keeps it in memory. */
export type PreparedStore = Pick<WindowStore, 'openWindow' | 'closeWindow' | 'markReady'> &
  Pick<DeviceRegister, 'bindLabels'> &
  Pick<NamedValues, 'putValue'>;

/** Carries out what the look at stable versions asked for. Each may be done twice: the store begins a window anew once. */
export async function applyWatchChanges(
  store: Pick<WindowStore, 'setAside'> & Pick<NamedValues, 'putValue'>,
  changes: readonly WatchChange[],
): Promise<void> {
  for (const change of changes) {
    if (change.kind === 'begin-anew') await store.setAside(change.order);
    else await store.putValue(change.name, JSON.parse(JSON.stringify(change.state)));
  }
}

/** Opens and closes windows. Remembers only what it already stored. */
export class WindowKeeping {
  readonly #store: PreparedStore;
  readonly #reader: WindowMeasurement;
  readonly #signals: Pick<SignalBoard, 'forget'> | null;
  readonly #opened = new Map<string, number>();
  readonly #ready = new Map<string, boolean>();
  /** The labels of the fleet documents that the store knows of. */
  #bound: ReadonlyMap<string, Labels> | undefined;

  constructor(store: PreparedStore, reader: WindowMeasurement, signals: Pick<SignalBoard, 'forget'> | null = null) {
    this.#store = store;
    this.#reader = reader;
    this.#signals = signals;
  }

  /**
   * Before the directive of what was observed is published, so that no report of it is missed. Gives the rollouts whose windows can't be
   * prepared: a damaged one must not hold up the rollbacks of the others, and a stage without its window never passes.
   */
  async prepare({ windows, fleet, rollouts, isBlind, now }: WantedWindows): Promise<readonly Unprepared[]> {
    const { devices, words } = fleet;
    if (this.#bound !== words.labels && !isBlind) {
      await this.#store.bindLabels(words.labels);
      await rememberDocuments(this.#store, words);
      this.#bound = words.labels;
    }
    const unprepared: Unprepared[] = [];
    for (const { rollout, deviceCount, isUnderWay, cohort, now: observedAt } of windows) {
      try {
        await this.open(rollout, { devices, deviceCount }, observedAt, isUnderWay);
        if (cohort !== null) await this.markReady(rollout, cohort);
      } catch (thrown) {
        const error = toCodedError(thrown, 'WINDOW_NOT_PREPARED');
        if (error.kind === 'retry-later') throw error;
        unprepared.push({ rollout: rollout.name, error });
      }
    }
    await this.#closeOthers(rollouts, now);
    return unprepared;
  }

  /** Sees to it that the window of the present stage, or of the steady state, is open. */
  async open(rollout: RolloutInForce, fleet: FleetNow, now: number, isUnderWay = false): Promise<void> {
    const { name, status } = rollout;
    if (this.#opened.get(name) === status.opened) return;
    const spec = await this.#reader.specOf(rollout, fleet, now);
    const isNewer = (await this.#reader.lastOpened(name)) < status.opened;
    if (isNewer) await this.#keepBaseline(rollout);
    await this.#store.openWindow(spec, now, isUnderWay);
    if (isNewer) await this.#store.putValue(openedWindowName(name), status.opened);
    this.#opened.set(name, status.opened);
    this.#ready.delete(name);
    if (status.candidate === null) this.#signals?.forget(name);
  }

  /** Says whether the stage's minimum devices run the candidate: the soak counts only that time. */
  async markReady(rollout: RolloutInForce, cohort: CohortCounts): Promise<void> {
    const { name } = rollout;
    const stage = presentStage(rollout);
    const isReady = stage !== undefined && isStageReady(stage, cohort);
    if (this.#ready.get(name) === isReady) return;
    await this.#store.markReady(name, isReady);
    this.#ready.set(name, isReady);
  }

  /**
   * Stable's last measurements beside a candidate serve the stages that leave no device on stable; those of the steady state tell what
   * each device did before anything rolled.
   */
  async #keepBaseline(rollout: RolloutInForce): Promise<void> {
    const before = await this.#reader.windowBefore(rollout);
    if (before === undefined || before.tallies.stable.summary.inferences === 0) return;
    const kind = before.spec.candidateDigest === null ? 'steady' : 'earlier';
    await this.#store.putValue(baselineName(kind, rollout.name), before.spec.openedRevision);
  }

  async #closeOthers(rollouts: ReadonlySet<string>, now: number): Promise<void> {
    for (const name of this.#opened.keys()) {
      if (rollouts.has(name)) continue;
      await this.#store.closeWindow(name, now);
      this.#signals?.forget(name);
      this.#opened.delete(name);
      this.#ready.delete(name);
    }
  }
}
