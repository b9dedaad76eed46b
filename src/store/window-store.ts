// Owns what a store promises about windows: when they open and close, what was counted in them, and in which time the store was listening.
import type { Digest } from '../contract/digest.ts';
import type { WindowSpec } from '../telemetry/window.ts';
import type { WindowTallies } from '../telemetry/window-tallies.ts';

export interface WindowReading {
  readonly spec: WindowSpec;
  readonly tallies: WindowTallies;
  readonly openedAtMs: number;
  /** Number of the store's newest change when it was opened, and when its candidate's attempt began: see `hasSay` (rollout/count-cohort.ts). */
  readonly openedChange: number;
  readonly attemptChange: number;
  /** Null while open. */
  readonly closedAtMs: number | null;
  /** Time in which the store was listening since the window opened. */
  readonly listenedMs: number;
  /** The part of it in which the stage's minimum devices ran the candidate (see `markReady`). */
  readonly readyMs: number;
  /** Reports that came after the window closed: kept and shown, never folded. */
  readonly late: { readonly count: number; readonly last: readonly LateReport[] };
}

export interface LateReport {
  readonly device: string;
  readonly epoch: number;
  readonly sequence: number;
  readonly digest: Digest;
  readonly inferences: number;
  readonly receivedAtMs: number;
}

/** A window of the steady state begins anew. */
export interface AsideOrder {
  /** What counts from now on, under the same revision. */
  readonly spec: WindowSpec;
  /** The name under which the sums so far are kept; they replace those that had the name before. */
  readonly as: AsideName;
  readonly nowMs: number;
}

export type AsideName = 'previous' | 'baseline';

export interface Listening {
  /** Total time in which some process durably recorded that it was listening. Zero in an empty store. */
  readonly listenedMs: number;
  readonly heartbeatAtMs: number | null;
}

/** Reading alone: whoever takes this can't change what is counted. */
export interface WindowReader {
  /** The tallies are shared with later readings and grow with them: never change them. */
  readWindow(rollout: string, openedRevision: number): Promise<WindowReading | undefined>;
  /** What was put aside last under the name. */
  readAside(rollout: string, as: AsideName): Promise<WindowReading | undefined>;
  readListening(): Promise<Listening>;
}

export interface WindowStore extends WindowReader {
  /** Closes an older window of the rollout. Goes on with the window of this revision where there is one; does nothing when a newer one was opened before. Open it before its directive is published.
   * `isUnderWay`: devices follow the stage already, so that a store without its window can't tell who came later. */
  openWindow(spec: WindowSpec, nowMs: number, isUnderWay?: boolean): Promise<void>;
  closeWindow(rollout: string, nowMs: number): Promise<void>;
  /** Forgets the closed windows of rollouts that are not among the present ones, by the rule of `retention.ts`; says how many. */
  forgetWindows(present: ReadonlySet<string>, nowMs: number): Promise<number>;
  /** Puts the open window of this revision aside and opens it anew; does nothing when another process did, or when it is not open. */
  setAside(order: AsideOrder): Promise<void>;
  /** Says whether the stage's minimum devices run the candidate now: only then `readyMs` grows. */
  markReady(rollout: string, ready: boolean): Promise<void>;
  /**
   * Says that this process is listening for reports: call each heartbeat. Time since the last heartbeat of any process is added
   * once; a gap longer than five heartbeats counts as not listening.
   */
  recordListening(nowMs: number): Promise<Listening>;
}

/** Closed windows of a rollout that are kept for late reports and for people; evidence in Git has the rest. */
export const MOST_CLOSED_WINDOWS = 32;
