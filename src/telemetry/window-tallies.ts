// Owns the running totals of a window: for each arm its rows and their sums, whatever the order in which reports came.
import { assertInvariant } from '../base/errors.ts';
import { type ArmSummary, emptyArmSummary, mergeArmSummary } from './arm-summary.ts';
import { type CourseSpec, CourseTallies } from './course-sums.ts';
import type { FoldedInterval } from './fold-report.ts';
import { type GaugeLayout, GaugeTallies } from './gauge-tallies.ts';
import { binsOf, HISTOGRAM_TRIALS, type HistogramSpec, histogramWidth, writeHistogram } from './histogram-sums.ts';
import { type PartLayout, type PeriodRow, PeriodTable } from './period-table.ts';
import { MEASURE_TRIALS, MEASURE_WIDTH, writeMeasure } from './rate-sums.ts';
import { ARMS, type Arm, DEVICE_GROUPS, gaugesOf, type Measure, measuresOf, type WindowSpec } from './window.ts';

/** What the rows of an arm count. */
export interface ArmLayout {
  readonly measures: readonly Measure[];
  readonly histograms: readonly HistogramSpec[];
  /** Gauges that are followed on devices one by one, also where rows are hash groups; none unless given. */
  readonly gauges?: GaugeLayout;
  /** How confidences are summed by time; not at all unless given. */
  readonly course?: CourseSpec | undefined;
}

/** How a row of that layout lies: the measures, then the histograms. */
export function partsOf({ measures, histograms }: Pick<ArmLayout, 'measures' | 'histograms'>): PartLayout[] {
  return [
    ...measures.map(() => ({ width: MEASURE_WIDTH, trialsAt: MEASURE_TRIALS })),
    ...histograms.map((one) => ({ width: histogramWidth(binsOf(one)), trialsAt: HISTOGRAM_TRIALS })),
  ];
}

/** One arm: rows by name, and a table with a line a row. Judges read the table as it is, so it changes under who holds it. */
export class ArmTallies {
  readonly measures: readonly Measure[];
  readonly histograms: readonly HistogramSpec[];
  /** Names of the rows: device ids, or hash groups. */
  readonly names: string[] = [];
  /** Six sums a measure, then the sums of each histogram; a period is a tumbling window. */
  readonly sums: PeriodTable;
  readonly gauges: GaugeTallies;
  readonly course: CourseTallies;
  summary: ArmSummary = emptyArmSummary();
  /** The same of some of the devices, by the name of their group. */
  readonly groups = new Map<string, ArmTallies>();
  readonly #rows = new Map<string, number>();
  /** One report's sums, used again and again. */
  readonly #ofReport: Float64Array;

  constructor({ measures, histograms, course, gauges = { specs: [], intervalMs: 0, followed: 'all' } }: ArmLayout) {
    this.course = new CourseTallies(course ?? null);
    this.gauges = new GaugeTallies(gauges);
    this.measures = measures;
    this.histograms = histograms;
    this.sums = new PeriodTable(partsOf({ measures, histograms }));
    this.#ofReport = new Float64Array(this.sums.width);
  }

  rowOf(name: string): number | undefined {
    return this.#rows.get(name);
  }

  #rowFor(name: string): number {
    const known = this.#rows.get(name);
    if (known !== undefined) return known;
    const row = this.names.length;
    this.names.push(name);
    this.#rows.set(name, row);
    return row;
  }

  /** The table of a group, made when first asked for; gauges are followed on devices, not in groups, and groups have no course. */
  group(name: string): ArmTallies {
    const { measures, histograms } = this;
    const known = this.groups.get(name) ?? new ArmTallies({ measures, histograms });
    this.groups.set(name, known);
    return known;
  }

  /** Counts one folded interval, in no group. Callers see to it that each report is folded once. */
  fold(folded: FoldedInterval): void {
    const sums = this.#ofReport;
    assertInvariant(folded.counts.length === this.measures.length, 'a report counts every measure');
    folded.counts.forEach((count, i) => {
      writeMeasure(sums, i * MEASURE_WIDTH, count);
    });
    let from = folded.counts.length * MEASURE_WIDTH;
    for (const counts of folded.histograms) {
      writeHistogram(sums, from, counts);
      from += histogramWidth(counts.length);
    }
    this.add(folded.row, { period: folded.window, whole: sums, current: sums });
    if (this.course.spec !== null && folded.course !== null) this.course.fold(folded.device, folded.course);
    if (this.gauges.specs.length > 0) this.gauges.fold(folded.device, folded.gauges);
    mergeArmSummary(this.summary, folded.summary);
  }

  /** Adds to a row what was summed elsewhere. */
  add(name: string, sums: PeriodRow): void {
    this.sums.add(this.#rowFor(name), sums);
  }

  /** Replaces a row by what was read elsewhere. */
  put(name: string, sums: PeriodRow): void {
    this.sums.put(this.#rowFor(name), sums);
  }

  /** A copy of a row; undefined when there is none of that name. */
  read(name: string): PeriodRow | undefined {
    const row = this.#rows.get(name);
    return row === undefined ? undefined : this.sums.read(row);
  }
}

export type WindowTallies = Readonly<Record<Arm, ArmTallies>>;

export function emptyArmTallies(spec: WindowSpec, arm: Arm): ArmTallies {
  const followed = spec.rows[arm] === 'group' ? { oneOf: DEVICE_GROUPS } : 'all';
  const gauges: GaugeLayout = { specs: gaugesOf(spec, arm), intervalMs: spec.intervalMs, followed };
  const { histograms, course } = spec;
  return new ArmTallies({ measures: measuresOf(spec, arm), histograms, gauges, course });
}

export function emptyWindowTallies(spec: WindowSpec): WindowTallies {
  return { candidate: emptyArmTallies(spec, 'candidate'), stable: emptyArmTallies(spec, 'stable') };
}

/** Counts one folded interval in its arm, and there in its groups. */
export function applyFold(tallies: WindowTallies, folded: FoldedInterval): void {
  const arm = tallies[folded.arm];
  arm.fold(folded);
  for (const { name, row } of folded.groups) arm.group(name).fold({ ...folded, row });
}

function mergeArm(into: ArmTallies, from: ArmTallies): void {
  for (const name of from.names) {
    const sums = from.read(name);
    if (sums !== undefined) into.add(name, sums);
  }
  for (const [slot, sums] of from.course.slots) into.course.add(slot, sums);
  for (const [device, states] of from.gauges.devices) into.gauges.add(device, states);
  mergeArmSummary(into.summary, from.summary);
  for (const [name, group] of from.groups) mergeArm(into.group(name), group);
}

/** Adds the tallies of another shard or half of the same window; changes `into`. */
export function mergeWindowTallies(into: WindowTallies, from: WindowTallies): void {
  for (const arm of ARMS) mergeArm(into[arm], from[arm]);
}
