// Owns how a report becomes counts: which arm an interval belongs to, and what in it is bad.
import { isInAnyGroup } from '../contract/group-exception.ts';
import { addToOutputSketch, emptyOutputSketch, type OutputSketch } from '../contract/output-sketch.ts';
import type { DeviceReport, ErrorReason, ModelInterval } from '../contract/report.ts';
import type { DeviceFacts } from '../contract/selector.ts';
import { countAboveEdge, type Sketch, sketchCount, sketchFromJson } from '../contract/sketch.ts';
import { type ArmSummary, mergeArmSummary } from './arm-summary.ts';
import { type CoursePoint, coursePoint } from './course-sums.ts';
import { countEvents } from './event-counts.ts';
import { type GaugeReading, readGauges } from './gauge-readings.ts';
import { groupOf, hashRow } from './groups.ts';
import { countBins } from './histogram-sums.ts';
import { scalarOf } from './output-histograms.ts';
import type { MeasureCount } from './rate-sums.ts';
import {
  type Arm,
  DEVICE_GROUPS,
  edgesOf,
  gaugesOf,
  type OutputCentre,
  type WindowSpec,
  windowNumberAt,
} from './window.ts';

/** What one report adds to one arm: one cluster, however many intervals of that arm the report holds. */
export interface FoldedInterval {
  readonly arm: Arm;
  readonly device: string;
  /** Row of the arm that it is counted in: the device's id, or its hash group. */
  readonly row: string;
  /** The groups that the device belongs to, and its row in the table of each. */
  readonly groups: readonly { readonly name: string; readonly row: string }[];
  /** Number of the tumbling window, by receipt: a device's clock can't choose where it counts. */
  readonly window: number;
  readonly inferences: number;
  /** In the order of the arm's measures. */
  readonly counts: readonly MeasureCount[];
  /** Counts by bin, in the order of the spec's histograms. */
  readonly histograms: readonly (readonly number[])[];
  /** What it adds to the course of confidences; null where none is kept. */
  readonly course: CoursePoint | null;
  /** In the order of the arm's gauges; null where the report does not say. */
  readonly gauges: readonly (GaugeReading | null)[];
  readonly summary: ArmSummary;
}

/** The hash group of a device, such as `#0a1`. No device id starts with `#`. */
export function deviceGroup(device: string): string {
  return hashRow(device, DEVICE_GROUPS);
}

/**
 * The arm that an interval speaks for; undefined when it speaks for neither. What ran and what the directive asked for must agree: a
 * device on its way from one to the other is in no arm. Where both arms share a digest, only the directive's word tells them apart.
 */
export function armOf(spec: WindowSpec, interval: ModelInterval): Arm | undefined {
  const isOfWindow = interval.rollout === spec.rollout && (interval.revision ?? -1) >= spec.openedRevision;
  if (!isOfWindow) return undefined;
  if (interval.arm === 'candidate' && interval.digest === spec.candidateDigest) return 'candidate';
  if (interval.arm !== 'stable') return undefined;
  const isStable = interval.digest === spec.stableDigest || spec.otherStable?.includes(interval.digest) === true;
  if (isStable) return 'stable';
  return undefined;
}

/** How texts ended counts as classes do. */
function classesOf({ classes, outputs }: ModelInterval): Map<string, number> {
  return new Map(Object.entries(outputs?.ends === undefined ? classes : { ...classes, ...outputs.ends }));
}

/** Of scalars about the manifest's centre: another one is another version's, or a lie. */
function outputsOf(interval: ModelInterval, declared: readonly OutputCentre[]): Map<string, OutputSketch> {
  return new Map(
    declared.flatMap(({ name, centre }) => {
      const scalar = scalarOf(interval, name, centre);
      return scalar === undefined ? [] : [[name, addToOutputSketch(emptyOutputSketch(), scalar)] as const];
    }),
  );
}

function summaryOf(interval: ModelInterval, declared: readonly OutputCentre[] = []): ArmSummary {
  return {
    inferences: interval.inferences,
    rejected: interval.rejected ?? 0,
    errors: { ...interval.errors },
    latencyMs: sketchFromJson(interval.latencyMs),
    confidence: [...interval.confidence],
    classes: classesOf(interval),
    gauges: new Map(),
    outputs: outputsOf(interval, declared),
  };
}

function sumOf(errors: Readonly<Partial<Record<ErrorReason, number>>>): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}

interface Sums {
  readonly intervals: ModelInterval[];
  readonly summary: ArmSummary;
  /** Answers by class as reported: the summary may have put some into its rest. */
  readonly classes: Map<string, number>;
  unknown: number;
}

/** Each failed inference counts once, whatever its reason; latencies and classes are counted among those that have one. */
function countMeasures(
  { summary, classes, unknown }: Sums,
  edges: readonly number[],
  watched: readonly string[],
): MeasureCount[] {
  const { inferences } = summary;
  const latencies: Sketch = summary.latencyMs;
  const measured = sketchCount(latencies);
  let answers = 0;
  if (watched.length > 0) for (const count of classes.values()) answers += count;
  return [
    { trials: inferences, bad: sumOf(summary.errors) },
    { trials: inferences, bad: unknown },
    ...edges.map((edge) => ({ trials: measured, bad: countAboveEdge(latencies, edge) })),
    ...watched.map((name) => ({ trials: answers, bad: classes.get(name) ?? 0 })),
  ];
}

/**
 * What a parsed report adds to a window, at most one entry an arm. Nothing when it speaks of other rollouts, earlier revisions or other
 * digests, or when its device stands apart. The counts are possible ones: `parseReport` refused all others.
 */
export function foldReport(spec: WindowSpec, report: DeviceReport, receivedAtMs: number): readonly FoldedInterval[] {
  if (spec.without !== undefined && isInAnyGroup(spec.without, report.labels)) return [];
  const byArm = new Map<Arm, Sums>();
  const isAboutMore = spec.events !== undefined || spec.gauges !== undefined;
  for (const interval of report.intervals) {
    const arm = armOf(spec, interval);
    const isIdle = interval.inferences === 0 && interval.rejected === undefined && interval.outputs === undefined;
    if (arm === undefined || (isIdle && !isAboutMore)) continue;
    const sums = byArm.get(arm);
    if (sums === undefined) {
      // The usual report: one interval an arm.
      byArm.set(arm, {
        summary: summaryOf(interval, spec.outputs?.[arm]),
        classes: classesOf(interval),
        unknown: interval.unknown,
        intervals: [interval],
      });
      continue;
    }
    sums.intervals.push(interval);
    mergeArmSummary(sums.summary, summaryOf(interval, spec.outputs?.[arm]));
    sums.unknown += interval.unknown;
    for (const [name, count] of classesOf(interval)) {
      sums.classes.set(name, (sums.classes.get(name) ?? 0) + count);
    }
  }
  return [...byArm].map(([arm, sums]) => folded(spec, arm, sums, { report, receivedAtMs, isAlone: byArm.size === 1 }));
}

/** A report that tells of both arms says nothing of either about the device as a whole. */
function gaugesIn(
  spec: WindowSpec,
  arm: Arm,
  { intervals, summary }: Sums,
  { report, receivedAtMs }: Received,
): (GaugeReading | null)[] {
  const receipt = { openedAtMs: spec.openedAtMs, receivedAtMs };
  const { gauges = [] } = spec;
  const readings = readGauges(gauges, { report, intervals, receipt });
  gauges.forEach(({ gauge }, i) => {
    const reading = readings[i] ?? null;
    if (reading === null) return;
    summary.gauges.set(gauge, { total: reading.value * reading.weight, weight: reading.weight });
  });
  const followed = gaugesOf(spec, arm);
  return readings.filter((_, i) => followed.some((one) => one === gauges[i]));
}

interface Received {
  readonly report: DeviceReport;
  readonly receivedAtMs: number;
  readonly isAlone: boolean;
}

function folded(spec: WindowSpec, arm: Arm, sums: Sums, { report, receivedAtMs, isAlone }: Received): FoldedInterval {
  const { events = [] } = spec;
  const facts: DeviceFacts = { id: report.device, labels: report.labels, properties: report.properties };
  const mostMs = receivedAtMs - spec.openedAtMs;
  // Merged reports add up their times, to the millisecond.
  const isFirst = isAlone && report.uptimeMs <= report.durationMs + 1;
  const { classes, intervals, summary } = sums;
  const histograms = spec.histograms.map((one) =>
    countBins(one, { confidence: summary.confidence, classes, intervals }),
  );
  const confidences = histograms[spec.histograms.findIndex(({ kind }) => kind === 'confidence')];
  return {
    arm,
    device: report.device,
    row: spec.rows[arm] === 'group' ? deviceGroup(report.device) : report.device,
    groups: spec.groups.map((group) => ({
      name: groupOf(group, facts),
      row: spec.rows[arm] === 'group' ? hashRow(report.device) : report.device,
    })),
    window: windowNumberAt(spec, receivedAtMs),
    inferences: sums.summary.inferences,
    counts: [
      ...countMeasures(sums, edgesOf(spec, arm), spec.classes),
      ...countEvents(events, sums.intervals, { mostMs, isFirst }),
    ],
    histograms,
    course:
      spec.course === undefined || confidences === undefined
        ? null
        : coursePoint(spec.course, receivedAtMs - spec.openedAtMs, confidences),
    gauges: isAlone ? gaugesIn(spec, arm, sums, { report, receivedAtMs, isAlone }) : [],
    summary: sums.summary,
  };
}
