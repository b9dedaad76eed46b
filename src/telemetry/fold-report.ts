// Owns how a report becomes counts: which arm an interval belongs to, and what in it is bad.
import { createHash } from 'node:crypto';
import type { DeviceReport, ErrorReason, ModelInterval } from '../contract/report.ts';
import { countAboveEdge, type Sketch, sketchCount, sketchFromJson } from '../contract/sketch.ts';
import { type ArmSummary, emptyArmSummary, mergeArmSummary } from './arm-summary.ts';
import { type Arm, DEVICE_GROUPS, edgesOf, type WindowSpec, windowNumberAt } from './window.ts';

export interface MeasureCount {
  readonly trials: number;
  readonly bad: number;
}

/** What one report adds to one arm: one cluster, however many intervals of that arm the report holds. */
export interface FoldedInterval {
  readonly arm: Arm;
  readonly device: string;
  /** Row of the arm that it is counted in: the device's id, or its hash group. */
  readonly row: string;
  /** Number of the tumbling window, by receipt: a device's clock can't choose where it counts. */
  readonly window: number;
  readonly inferences: number;
  /** In the order of the arm's measures. */
  readonly counts: readonly MeasureCount[];
  readonly summary: ArmSummary;
}

/** The hash group of a device, such as `#0a1`. No device id starts with `#`. */
export function deviceGroup(device: string): string {
  const bucket = createHash('sha256').update(`row\n${device}`).digest().readUInt32BE(0) % DEVICE_GROUPS;
  return `#${bucket.toString(16).padStart(3, '0')}`;
}

/**
 * The arm that an interval speaks for; undefined when it speaks for neither. What ran and what the directive asked for must agree: a
 * device on its way from one to the other is in no arm. Where both arms share a digest, only the directive's word tells them apart.
 */
export function armOf(spec: WindowSpec, interval: ModelInterval): Arm | undefined {
  const isOfWindow = interval.rollout === spec.rollout && (interval.revision ?? -1) >= spec.openedRevision;
  if (!isOfWindow) return undefined;
  if (interval.arm === 'candidate' && interval.digest === spec.candidateDigest) return 'candidate';
  if (interval.arm === 'stable' && interval.digest === spec.stableDigest) return 'stable';
  return undefined;
}

function summaryOf(interval: ModelInterval): ArmSummary {
  return {
    inferences: interval.inferences,
    errors: { ...interval.errors },
    latencyMs: sketchFromJson(interval.latencyMs),
    confidence: [...interval.confidence],
    classes: new Map(Object.entries(interval.classes)),
  };
}

function sumOf(errors: Readonly<Partial<Record<ErrorReason, number>>>): number {
  return Object.values(errors).reduce((sum, count) => sum + count, 0);
}

/** Each failed inference counts once, whatever its reason; latencies are counted among those that were measured. */
function countMeasures(summary: ArmSummary, unknown: number, edges: readonly number[]): MeasureCount[] {
  const { inferences } = summary;
  const latencies: Sketch = summary.latencyMs;
  const measured = sketchCount(latencies);
  return [
    { trials: inferences, bad: sumOf(summary.errors) },
    { trials: inferences, bad: unknown },
    ...edges.map((edge) => ({ trials: measured, bad: countAboveEdge(latencies, edge) })),
  ];
}

/**
 * What a parsed report adds to a window, at most one entry an arm. Nothing when it speaks of other rollouts, earlier revisions or other
 * digests. The counts are possible ones: `parseReport` refused all others.
 */
export function foldReport(spec: WindowSpec, report: DeviceReport, receivedAtMs: number): readonly FoldedInterval[] {
  const byArm = new Map<Arm, { readonly summary: ArmSummary; unknown: number }>();
  for (const interval of report.intervals) {
    const arm = armOf(spec, interval);
    if (arm === undefined || interval.inferences === 0) continue;
    const sums = byArm.get(arm) ?? { summary: emptyArmSummary(), unknown: 0 };
    mergeArmSummary(sums.summary, summaryOf(interval));
    sums.unknown += interval.unknown;
    byArm.set(arm, sums);
  }
  return [...byArm].map(([arm, { summary, unknown }]) => ({
    arm,
    device: report.device,
    row: spec.rows[arm] === 'group' ? deviceGroup(report.device) : report.device,
    window: windowNumberAt(spec, receivedAtMs),
    inferences: summary.inferences,
    counts: countMeasures(summary, unknown, edgesOf(spec, arm)),
    summary,
  }));
}
