// Owns the running totals of a window: six sums a measure for each device, whatever the order in which reports came.
import { assertInvariant } from '../base/errors.ts';
import { type ArmSummary, emptyArmSummary, mergeArmSummary } from './arm-summary.ts';
import type { FoldedInterval } from './fold-report.ts';
import { type HistogramSpec, type LookedSums, lookedOf, mergeLooked } from './histogram-sums.ts';
import { ARMS, type Arm, type Measure, measuresOf, type WindowSpec } from './window.ts';

/** Sums over reports of one measure: all that a verdict about its rate needs; they merge by addition. */
export interface MeasureSums {
  readonly bad: number;
  readonly trials: number;
  readonly reports: number;
  readonly badSquared: number;
  /** Σ bad·trials. */
  readonly badTrials: number;
  readonly trialsSquared: number;
}

export const NO_SUMS: MeasureSums = { bad: 0, trials: 0, reports: 0, badSquared: 0, badTrials: 0, trialsSquared: 0 };

/** One row of an arm: a device, or a hash group of devices. */
export interface DeviceTally {
  readonly inferences: number;
  readonly reports: number;
  /** Number of the newest tumbling window that the row has reports of. */
  readonly window: number;
  /** Since the stage opened; in the order of the arm's measures. */
  readonly whole: readonly MeasureSums[];
  /** In tumbling window `window` alone. */
  readonly current: readonly MeasureSums[];
  /** In the order of the arm's histograms. */
  readonly looked: LookedSums;
}

export interface ArmTallies {
  readonly measures: readonly Measure[];
  readonly histograms: readonly HistogramSpec[];
  /** By device id, or by hash group. */
  readonly devices: Map<string, DeviceTally>;
  readonly summary: ArmSummary;
}

export type WindowTallies = Readonly<Record<Arm, ArmTallies>>;

export function emptyWindowTallies(spec: WindowSpec): WindowTallies {
  const arm = (which: Arm): ArmTallies => ({
    measures: measuresOf(spec, which),
    histograms: spec.histograms,
    devices: new Map(),
    summary: emptyArmSummary(),
  });
  return { candidate: arm('candidate'), stable: arm('stable') };
}

function plus(a: readonly MeasureSums[], b: readonly MeasureSums[]): MeasureSums[] {
  assertInvariant(a.length === b.length, 'sums of different measures are never added');
  return a.map((x, i) => {
    const y = b[i] ?? NO_SUMS;
    return {
      bad: x.bad + y.bad,
      trials: x.trials + y.trials,
      reports: x.reports + y.reports,
      badSquared: x.badSquared + y.badSquared,
      badTrials: x.badTrials + y.badTrials,
      trialsSquared: x.trialsSquared + y.trialsSquared,
    };
  });
}

/** The sum of two rows. The newer tumbling window wins, so that the order in which reports came does not matter. */
export function mergeDeviceTallies(a: DeviceTally, b: DeviceTally): DeviceTally {
  const newer = a.window > b.window ? a : b;
  return {
    inferences: a.inferences + b.inferences,
    reports: a.reports + b.reports,
    window: newer.window,
    whole: plus(a.whole, b.whole),
    current: a.window === b.window ? plus(a.current, b.current) : newer.current,
    looked: mergeLooked(a.looked, b.looked),
  };
}

/** What one folded interval alone adds to its row. */
export function tallyOfFold(folded: FoldedInterval): DeviceTally {
  const sums = folded.counts.map(({ trials, bad }): MeasureSums => {
    if (trials === 0) return NO_SUMS;
    const squares = { badSquared: bad * bad, badTrials: bad * trials, trialsSquared: trials * trials };
    return { bad, trials, reports: 1, ...squares };
  });
  const looked = lookedOf(folded.look, folded.histograms);
  return { inferences: folded.inferences, reports: 1, window: folded.window, whole: sums, current: sums, looked };
}

/** The row with one more folded interval; `undefined` when there was no row yet. */
export function addToDevice(tally: DeviceTally | undefined, folded: FoldedInterval): DeviceTally {
  const added = tallyOfFold(folded);
  return tally === undefined ? added : mergeDeviceTallies(tally, added);
}

/** Counts one folded interval; changes `tallies`. Callers see to it that each report is folded once. */
export function applyFold(tallies: WindowTallies, folded: FoldedInterval): void {
  const arm = tallies[folded.arm];
  arm.devices.set(folded.row, addToDevice(arm.devices.get(folded.row), folded));
  mergeArmSummary(arm.summary, folded.summary);
}

/** Adds the tallies of another shard or half of the same window; changes `into`. */
export function mergeWindowTallies(into: WindowTallies, from: WindowTallies): void {
  for (const arm of ARMS) {
    for (const [row, tally] of from[arm].devices) {
      const known = into[arm].devices.get(row);
      into[arm].devices.set(row, known === undefined ? tally : mergeDeviceTallies(known, tally));
    }
    mergeArmSummary(into[arm].summary, from[arm].summary);
  }
}
