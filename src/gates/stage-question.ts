// Owns what judges are told about a stage: its rules, the counts of both arms, how its installs went, and the present traffic.
import type { ParsedRule } from '../contract/documents/rule-text.ts';
import type { Sketch } from '../contract/sketch.ts';
import type { FrozenLimit } from './freeze-limits.ts';
import type { HistogramTally } from './histogram-tally.ts';
import type { DeviceCounts } from './share-verdict.ts';
import { EMPTY_TALLY, mergeTallies, type Tally } from './tally.ts';

/** `stage`: these devices together. `fleet`: all devices, of which these are a sample. `any-device`: each of these alone. */
export type RuleScope = 'stage' | 'fleet' | 'any-device';

export interface StageRule {
  readonly rule: ParsedRule;
  /** `stage` unless given. */
  readonly scope?: RuleScope;
  /** Reported, but never decides. */
  readonly dryRun: boolean;
}

/** One row of an arm; the tallies stand in the order of the arm's measures. */
export interface DeviceEvidence {
  /** Number of the tumbling window that `current` is about. */
  readonly window: number;
  readonly whole: readonly Tally[];
  readonly current: readonly Tally[];
  /** In the order of the arm's histograms: sums of reports that came before the row's newest look closed, and since. */
  readonly looked?: {
    /** −1 before the first look. */
    readonly look: number;
    readonly before: readonly HistogramTally[];
    readonly since: readonly HistogramTally[];
  };
}

/** A histogram that an arm keeps: of confidences, or of answers by class, the rest last. */
export type ArmHistogram =
  | { readonly kind: 'confidence' }
  | { readonly kind: 'class'; readonly names: readonly string[] };

/** One arm's counts; what src/telemetry keeps has this shape. */
export interface ArmEvidence {
  /** `error`, `unknown`, `latency>EDGE` for each sketch edge that is counted, and `class:NAME` for each class that is watched. */
  readonly measures: readonly string[];
  readonly histograms?: readonly ArmHistogram[];
  readonly devices: ReadonlyMap<string, DeviceEvidence>;
  readonly summary: { readonly latencyMs: Sketch };
}

export interface StageQuestion {
  readonly rules: readonly StageRule[];
  /** The limits frozen when the stage opened. */
  readonly limits: readonly FrozenLimit[];
  readonly candidate: ArmEvidence;
  /** Stable in the same window; null when no device runs it beside the candidate. */
  readonly baseline: ArmEvidence | null;
  /** Stable in the last window that had it, for stages that take in everyone; null or absent when there is none. */
  readonly earlierBaseline?: ArmEvidence | null;
  /** What stable's devices did before anything rolled, the candidate's present devices among them; null or absent when unknown. */
  readonly restBaseline?: ArmEvidence | null;
  /** Is there a stable version at all? Without one, relative rules do not apply. */
  readonly hasStable: boolean;
  readonly installs: DeviceCounts;
  /** Below these the stage can't pass; it can fail. */
  readonly minimum: { readonly devices: number; readonly inferences: number };
  /** Alpha and beta of the stage, 0..1; 0.05 unless given. */
  readonly errorLevel?: number;
  /** Length of the stage's deadline; null without one. */
  readonly deadlineMs: number | null;
  /** How often devices report. */
  readonly intervalMs: number;
  /** Since the window opened; looks at drift come by it. */
  readonly openMs?: number;
  /** The candidate's inferences a minute at present; null when unknown. */
  readonly perMinute: number | null;
}

export const CLASS_MEASURE = 'class:';

export const DEFAULT_ERROR_LEVEL = 0.05;

/** A device's tally of one measure, with its name. */
export interface NamedTally extends Tally {
  readonly device: string;
}

/** Written out: a verdict makes one of these for each device and measure. */
function namedAt(device: string, tallies: readonly Tally[], place: number): NamedTally {
  const { bad, trials, reports, badSquared, badTrials, trialsSquared } = tallies[place] ?? EMPTY_TALLY;
  return { device, bad, trials, reports, badSquared, badTrials, trialsSquared };
}

/** The tallies of one measure by device, since the stage opened; undefined when the arm does not count it. */
export function wholeTallies(arm: ArmEvidence, measure: string): NamedTally[] | undefined {
  const place = arm.measures.indexOf(measure);
  if (place < 0) return undefined;
  const named: NamedTally[] = [];
  for (const [device, evidence] of arm.devices) named.push(namedAt(device, evidence.whole, place));
  return named;
}

/** The same in one tumbling window: devices whose newest report is older are left out. */
export function windowTallies(arm: ArmEvidence, measure: string, window: number): NamedTally[] {
  const place = arm.measures.indexOf(measure);
  if (place < 0) return [];
  const named: NamedTally[] = [];
  for (const [device, evidence] of arm.devices) {
    if (evidence.window === window) named.push(namedAt(device, evidence.current, place));
  }
  return named;
}

/** Number of the newest tumbling window that any device of the arm has reports of. */
export function newestWindow(arm: ArmEvidence): number {
  let newest = 0;
  for (const evidence of arm.devices.values()) newest = Math.max(newest, evidence.window);
  return newest;
}

/** Devices with data and their inferences. */
export function sizeOf(arm: ArmEvidence): { readonly devices: number; readonly inferences: number } {
  const live = (wholeTallies(arm, 'error') ?? []).filter((tally) => tally.trials > 0);
  return { devices: live.length, inferences: mergeTallies(live).trials };
}
