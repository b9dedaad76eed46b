// Owns tallies in a form that tests can name numbers in and compare, whatever the order of rows.
import { binsOf, histogramWidth } from '../../src/telemetry/histogram-sums.ts';
import type { PeriodRow } from '../../src/telemetry/period-table.ts';
import { MEASURE_WIDTH, type MeasureSums, measureAt } from '../../src/telemetry/rate-sums.ts';
import type { ArmTallies, WindowTallies } from '../../src/telemetry/window-tallies.ts';

export interface PlainHistogram {
  readonly trials: number;
  readonly reports: number;
  readonly counts: readonly number[];
  /** Half of the matrix, row by row. */
  readonly countProducts: readonly number[];
}

export interface PlainRow {
  readonly window: number;
  readonly whole: readonly MeasureSums[];
  readonly current: readonly MeasureSums[];
  readonly histograms: readonly PlainHistogram[];
  readonly currentHistograms: readonly PlainHistogram[];
}

function histogramsOf({ measures, histograms }: ArmTallies, numbers: Float64Array): PlainHistogram[] {
  let from = measures.length * MEASURE_WIDTH;
  return histograms.map((spec) => {
    const bins = binsOf(spec);
    const [trials = 0, reports = 0, _squares, ...rest] = numbers.subarray(from, from + histogramWidth(bins));
    from += histogramWidth(bins);
    return { trials, reports, counts: rest.slice(0, bins), countProducts: rest.slice(2 * bins) };
  });
}

/** A row of an arm by name. */
export function plainRow(arm: ArmTallies | undefined, name: string): PlainRow | undefined {
  const sums = arm?.read(name);
  if (arm === undefined || sums === undefined) return undefined;
  const measures = (row: Float64Array) => arm.measures.map((_, place) => measureAt(row, place));
  return {
    window: sums.period,
    whole: measures(sums.whole),
    current: measures(sums.current),
    histograms: histogramsOf(arm, sums.whole),
    currentHistograms: histogramsOf(arm, sums.current),
  };
}

export function plainRows(arm: ArmTallies | undefined): PlainRow[] {
  return (arm?.names ?? []).map((name) => plainRow(arm, name)!);
}

const byName = <V>(pairs: Iterable<readonly [string | number, V]>) =>
  [...pairs].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

function plainSums({ period, whole, current }: PeriodRow) {
  return { period, whole: [...whole], current: [...current] };
}

function settledArm(arm: ArmTallies): unknown {
  const rows = arm.names.map((name) => [name, plainSums(arm.read(name)!)] as const);
  const { newest, parts } = arm.sums;
  const totals = { newest, parts: parts.map(({ total, newestTotal }) => [[...total], [...newestTotal]]) };
  const { latencyMs, classes, ...summary } = arm.summary;
  const groups = byName([...arm.groups].map(([name, group]) => [name, settledArm(group)] as const));
  return {
    groups,
    course: byName([...arm.course.slots].map(([slot, sums]) => [slot, [...sums]] as const)),
    ...{ measures: arm.measures, histograms: arm.histograms, rows: byName(rows), totals, summary },
    ...{ zero: latencyMs.zero, buckets: byName(latencyMs.buckets), classes: byName(classes) },
  };
}

/** All that tallies hold, in a settled order, so that equal tallies are equal objects. */
export function settled({ candidate, stable }: WindowTallies): unknown {
  return { candidate: settledArm(candidate), stable: settledArm(stable) };
}
