// Owns what is rehearsed, and what came of it.
import type { Rollout, RolloutPolicy } from '../documents/types.generated.ts';
import type { BareThresholds } from './bare-threshold.ts';
import type { SeriesPoint } from './rule-series.ts';
import type { Scenario } from './scenario.ts';
import type { TimelineEntry } from './timeline.ts';

export interface RehearsalOrder {
  readonly policy: RolloutPolicy;
  readonly scenario: Scenario;
  readonly devices: number;
  readonly seed: string | number;
  /** Longest time that is rehearsed, from the start of the rollout. */
  readonly hours: number;
  /** The rollout's target; all devices unless given. */
  readonly target?: string;
  /** Names of the model and its versions; those of nobody's unless given. */
  readonly model?: VirtualModel;
  /** What the rollout sets, beside the version. */
  readonly parameters?: NonNullable<Rollout['spec']['parameters']>;
  /** Are approvals given as soon as a stage waits for one? Else the rehearsal ends there. */
  readonly approves?: boolean;
  /** Is told the hours that are over, now and then. */
  readonly onProgress?: (hours: number) => void;
}

export interface VirtualModel {
  readonly name: string;
  readonly stable: string;
  readonly candidate: string;
}

export type RehearsalOutcome = 'completed' | 'reverted' | 'held';

export interface Rehearsal {
  readonly outcome: RehearsalOutcome;
  /** The stage that it ended in: the one that was reverted, that holds, or the last. */
  readonly stage: string | null;
  /** Who has to approve what the rehearsal ended at; none where it ended otherwise. */
  readonly awaits: readonly string[];
  /** How much of its stage's soak was over where the hours ended in the middle of it; null otherwise. */
  readonly soakedMinutes: number | null;
  /** Groups of devices that the candidate was taken back from, or held in, alone. */
  readonly groupsApart: readonly string[];
  /** Was what the scenario is about there before the rollout ended? Else nothing was tested. */
  readonly faultBegan: boolean;
  /** Devices on which the candidate ever answered. */
  readonly devicesExposed: number;
  /** From the start of the rollout to the step back; null when there was none. */
  readonly minutesToRevert: number | null;
  /** From the step back until the last device that could be reached was back on stable. */
  readonly minutesToRestore: number | null;
  readonly seed: string | number;
  readonly timeline: readonly TimelineEntry[];
  readonly bareThreshold: BareThresholds;
  /** What an independent judge found wrong with the history; empty when nothing was. */
  readonly breaches: readonly string[];
  readonly series: readonly SeriesPoint[];
}
