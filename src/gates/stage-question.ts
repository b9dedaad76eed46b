// Owns what judges know about a stage: its rules, the counts of both arms, how its installs went, and the present traffic.
import type { DeclaredByArm } from '../documents/comparable-outputs.ts';
import type { ArmSummary } from '../telemetry/arm-summary.ts';
import type { CourseTallies } from '../telemetry/course-sums.ts';
import type { GaugeTallies } from '../telemetry/gauge-tallies.ts';
import type { HistogramSpec } from '../telemetry/histogram-sums.ts';
import type { PeriodTable } from '../telemetry/period-table.ts';
import type { FrozenLimit } from './freeze-limits.ts';
import type { StageHeard } from './heard-arm.ts';
import type { MeasuredArm } from './rule-verdict.ts';
import type { SignalReading, SignalRule } from './signal-track.ts';
import type { StageRule } from './stage-rule.ts';
import type { Delivery } from './statistics/delivery-verdict.ts';
import type { DeviceCounts } from './statistics/share-verdict.ts';
import { NO_ROWS, TallyRows, tallyFrom } from './statistics/tally-rows.ts';

/** When each device of a stage that is to fetch the candidate heard of the stage, and had it: in listening time. */
export interface StageDeliveries {
  readonly names: readonly string[];
  /** In the order of the names. */
  readonly devices: readonly Delivery[];
  readonly nowMs: number;
}

/** How the devices of one group stand. */
export interface GroupFacts {
  /** `hw:rev2`. */
  readonly name: string;
  /** The label's value; of the group of all others no device has it. */
  readonly value: string;
  /** Those in the stage. */
  readonly installs: DeviceCounts;
  readonly deliveries?: () => StageDeliveries;
  readonly heard?: () => StageHeard | undefined;
  /** Devices of the group that the stage does not take in. */
  readonly outside: number;
  /** Does the device belong to the group? Gauges are kept by device; absent where nobody knows. */
  readonly isMember?: (device: string) => boolean;
}

/** One arm's counts, as src/telemetry keeps them. */
export interface ArmEvidence {
  /** `error`, `unknown`, `latency>EDGE` for each sketch edge that is counted, and `class:NAME` for each class that is watched. */
  readonly measures: readonly string[];
  readonly histograms: readonly HistogramSpec[];
  /** Devices, or hash groups of them: one a row. */
  readonly names: readonly string[];
  rowOf(name: string): number | undefined;
  /** In the order of the measures, then of the histograms; periods are tumbling windows. */
  readonly sums: PeriodTable;
  readonly gauges?: Pick<GaugeTallies, 'isSample' | 'specs' | 'devices'>;
  /** Confidences by time; of groups none are kept. */
  readonly course?: Pick<CourseTallies, 'spec' | 'slots'>;
  readonly summary: ArmSummary;
  /** The same of some of the devices, by the name of their group. */
  readonly groups: ReadonlyMap<string, ArmEvidence>;
}

export interface StageQuestion {
  readonly rules: readonly StageRule[];
  /** Rules about outside signals, each with what is known of it; null while nobody asks. */
  readonly signals?: readonly { readonly rule: SignalRule; readonly reading: SignalReading | null }[];
  /** The limits frozen when the stage opened. */
  readonly limits: readonly FrozenLimit[];
  readonly candidate: ArmEvidence;
  /** Stable in the same window; null when no device runs it beside the candidate. */
  readonly baseline: ArmEvidence | null;
  /** Stable in the last window that had it, for stages that take in everyone; null or absent when there is none. */
  readonly earlierBaseline?: ArmEvidence | null;
  /** Is a version held against what it did itself earlier, so that this decides? Beside a candidate what was before never fails. */
  readonly isWatch?: boolean;
  /** Does at most a tenth of the devices run stable? Few as they are, they are the baseline; whom chance left there, their past tells. */
  readonly isHeldBack?: boolean;
  /** What stable's devices did before anything rolled, the candidate's present devices among them; null or absent when unknown. */
  readonly restBaseline?: ArmEvidence | null;
  /** The same of stable as a whole, where rows may be hash groups too: how its events come in bursts. Null or absent when unknown. */
  readonly history?: ArmEvidence | null;
  /** What the candidate's manifest says that it did before it was published, by metric: `accuracy`, `recall/receipt`; none unless given. */
  readonly offline?: Readonly<Record<string, number>>;
  /** What the manifests declare of outputs that are no classes; nothing unless given. */
  readonly outputs?: DeclaredByArm;
  /** Is there a stable version at all? Without one, relative rules do not apply. */
  readonly hasStable: boolean;
  readonly installs: DeviceCounts;
  /** Counted when a rule asks; absent where nothing is fetched. */
  readonly deliveries?: () => StageDeliveries;
  /** Who is heard of, counted when it is asked; absent where nobody knows. */
  readonly heard?: () => StageHeard | undefined;
  /** By label: all groups, as they were fixed when the stage opened. */
  readonly groups?: ReadonlyMap<string, readonly GroupFacts[]>;
  /** Below these the stage can't pass; it can fail. */
  readonly minimum: { readonly devices: number; readonly inferences: number };
  /** Alpha and beta of the stage, 0..1; 0.05 unless given. */
  readonly errorLevel?: number;
  /** When the soak will be over if the devices stay ready, since the window opened; absent without a soak. */
  readonly soakEndsMs?: number;
  /** What a confidence that is on course to break its limit by then does: hold the stage, unless given, or fail it. */
  readonly onCourse?: 'hold' | 'rollback';
  /** Length of the stage's deadline; null without one. */
  readonly deadlineMs: number | null;
  /** How often devices report. */
  readonly intervalMs: number;
  /** Since the window opened. */
  readonly openMs?: number;
  /** The candidate's inferences a minute at present; null when unknown. */
  readonly perMinute: number | null;
}

export const CLASS_MEASURE = 'class:';

export const DEFAULT_ERROR_LEVEL = 0.05;

/** The tallies of one measure by device, since the stage opened; undefined when the arm does not count it. */
export function wholeTallies({ measures, names, sums }: ArmEvidence, measure: string): TallyRows | undefined {
  const part = sums.parts[measures.indexOf(measure)];
  return part && new TallyRows({ names, sums: part.whole }, { all: tallyFrom(part.total), live: part.live });
}

/** The same in one tumbling window: devices whose newest report is older are left out. */
export function windowTallies(arm: ArmEvidence, measure: string, window: number): TallyRows {
  const { measures, names, sums } = arm;
  const part = sums.parts[measures.indexOf(measure)];
  if (part === undefined || window > sums.newest) return NO_ROWS;
  const known = window === sums.newest ? { all: tallyFrom(part.newestTotal), live: part.newestLive } : {};
  return new TallyRows({ names, sums: part.current }, { rows: rowsInWindow(arm, window), ...known });
}

/** The rows whose newest window it is. */
export function rowsInWindow({ names, sums }: ArmEvidence, window: number): Uint32Array {
  const rows = new Uint32Array(names.length);
  let count = 0;
  for (let row = 0; row < names.length; row++) if (sums.periods[row] === window) rows[count++] = row;
  return rows.subarray(0, count);
}

/** Number of the newest tumbling window that any device of the arm has reports of. */
export function newestWindow({ sums }: ArmEvidence): number {
  return Math.max(0, sums.newest);
}

export function sizeOf(arm: ArmEvidence): MeasuredArm {
  const rows = wholeTallies(arm, 'error') ?? NO_ROWS;
  const { rejected } = arm.summary;
  return { devices: rows.live, inferences: rows.all.trials, ...(rejected > 0 ? { rejected } : {}) };
}
